"""Signals as polite requests to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Take the first SIGINT or SIGTERM inside the block as a request to stop; a second one has its usual effect.

    Python delivers signals to the main thread. In any other thread no request can arrive.

    Yields:
      A function that returns whether a stop was requested.
    """
    requested = threading.Event()
    handlers: dict[int, Any] = {}

    def request(number: int, frame: FrameType | None) -> None:
        requested.set()
        signal.signal(number, handlers[number])

    if threading.current_thread() is threading.main_thread():
        for caught in (signal.SIGINT, signal.SIGTERM):
            handlers[caught] = signal.signal(caught, request)
    try:
        yield requested.is_set
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
