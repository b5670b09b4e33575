"""The first signal is a request, the second has its usual effect, and handlers are put back."""

import signal
import threading

import pytest

from groove.training.stop_requests import stop_requests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_requests_a_stop(number):
    before = signal.getsignal(number)
    with stop_requests() as stop_requested:
        assert not stop_requested()
        signal.raise_signal(number)
        assert stop_requested()
        assert signal.getsignal(number) == before, "the next signal has its usual effect"
    assert signal.getsignal(number) == before


def test_the_second_interrupt_is_one():
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # workers of a parallel run have another

    def interrupt_twice():
        with stop_requests():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt_twice()
    finally:
        signal.signal(signal.SIGINT, usual)


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)

    def fail():
        with stop_requests():
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        fail()
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_takes_no_signals():
    answers = []

    def work():
        with stop_requests() as stop_requested:
            answers.append(stop_requested())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == [False]
