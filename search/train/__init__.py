"""The engine: many trials of one setting, traced once."""

ENGINE_VERSION = 1
"""Raised by hand with every change to what a trial computes; it is part of every trial's key."""
