"""Signals that wait until a step has ended."""

import os
import signal
import time

import pytest

from fewshot_bench.utilities.signals import Interrupted, deferred, interruptible, told_apart


def test_a_signal_after_the_last_step_is_not_lost() -> None:
    with pytest.raises(Interrupted), deferred() as signalled:
        assert signalled() is None
        os.kill(os.getpid(), signal.SIGTERM)
    with deferred() as signalled:  # and no later block takes it for its own
        pass


def test_a_signal_that_a_library_forgot_is_named() -> None:
    with pytest.raises(Interrupted) as caught, told_apart(), interruptible():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        except Interrupted:
            raise KeyboardInterrupt from None
    assert caught.value.signal == signal.SIGTERM
