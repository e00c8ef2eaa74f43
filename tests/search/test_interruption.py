"""The ways to stop a study, as signals to this process."""

import os
import signal

import pytest

from search import interruption
from search.interruption import Interruption


def test_ctrl_c_stops_and_again_abandons() -> None:
    with Interruption() as asked:
        assert not asked.stopping
        os.kill(os.getpid(), signal.SIGINT)
        assert (asked.stopping, asked.abandoning, asked.exit_code) == (True, False, 130)
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.abandoning


def test_sigterm_gives_running_trials_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "GRACE_SECONDS", 0.2)
    with Interruption() as asked:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (asked.stopping, asked.abandoning, asked.exit_code) == (True, False, 143)
        assert "They have" in asked.leave
        signal.sigtimedwait([], 0.25)
        assert asked.abandoning


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_of_either_kind_abandons_at_once(first: signal.Signals, second: signal.Signals) -> None:
    with Interruption() as asked:
        os.kill(os.getpid(), first)
        os.kill(os.getpid(), second)
        assert asked.abandoning
