"""A limit for the time of the processor."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


class TooLongError(BaseException):
    """Something takes longer than it may; nothing that is called may catch this as an error of its own."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise an error within the context after so many seconds of the processor."""

    def stop(*_: object) -> None:
        raise TooLongError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
