"""A Ctrl-C is heard even where Python drops the exception that it raises."""

import signal
import weakref

import pytest

from textzoo import interruption
from textzoo.progress import progress_bar


@pytest.fixture
def listening():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interruption.listen()
    yield
    interruption.heard()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_in_a_weak_references_callback_stops_the_next_step(listening, number):
    referred = set()
    reference = weakref.ref(referred, lambda _: signal.raise_signal(number))
    with progress_bar("work", 2) as advance:
        advance()
        del referred  # the callback's exception is dropped here
        assert reference() is None
        with pytest.raises(KeyboardInterrupt):
            advance()


def test_what_is_saved_after_an_interruption_takes_its_steps(listening):
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    interruption.heard()
    with progress_bar("saving", 1) as advance:
        advance()


def test_a_background_job_goes_on_ignoring_ctrl_c(listening):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption.listen()
    signal.raise_signal(signal.SIGINT)
