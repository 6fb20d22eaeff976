"""Signals that wait until a step has ended."""

import os
import signal

import pytest

from fewshot_bench.utilities.signals import Interrupted, deferred


def test_a_signal_after_the_last_step_is_not_lost() -> None:
    with pytest.raises(Interrupted), deferred() as signalled:
        assert signalled() is None
        os.kill(os.getpid(), signal.SIGTERM)
    with deferred() as signalled:  # and no later block takes it for its own
        pass
