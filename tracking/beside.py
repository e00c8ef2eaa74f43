"""Processes that work beside a study's trials, and give way to them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import IO

_NICENESS = 10
"""Low, but not the lowest: at 19 a study that keeps every processor busy would be shown only when it is done."""


def start(
    command: Sequence[str], stdout: int | IO[bytes], stderr: int, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start `command`, which is to call `give_way`, with a standard input that takes nudges and never blocks.

    It has a group of its own, since Ctrl-C is for the coordinator; such a process ends when its standard input does.
    It has no session of its own: Linux schedules sessions against each other (autogroup), and a low priority then
    counts for nothing against the trials.

    Raises:
        OSError: it cannot be started.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr, env=environment, bufsize=0, process_group=0
    )
    if process.stdin is not None:
        os.set_blocking(process.stdin.fileno(), False)
    return process


def give_way() -> None:
    """Give this process a low priority."""
    os.nice(_NICENESS)
