"""The engine: many trials of one setting, traced once."""

from collections.abc import Mapping

from studies.spec import Backend

ENGINE_VERSIONS: Mapping[Backend, int] = {"tensorflow": 1, "jax": 2}
"""Raised by hand with every change to what a trial computes on a backend; it is part of every trial's key."""
