"""Standard streams and signals of a command: what its reader or its user does must not break off what it has begun half-way."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from typing import Any, TextIO

STOPS = ("SIGTERM", "SIGHUP")
"""Signals that end a command as Ctrl-C does: with everything cleared away."""


NAMES = {1: "standard output", 2: "standard error"}


class Lasting(io.FileIO):
    """A stream that goes on, without effect, when nobody reads it any more, as in ``review statistics | head -1``."""

    def write(self, data: Any) -> int:
        """Write, or say so."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, NAMES[self.fileno()]) from error


def prepare() -> None:
    """Make the streams of this process fit for a command: all three open, and lasting; and let signals end it in order.

    A closed one is opened on the null device: else the next file would get its number, and what is printed would go there.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = _lasting(sys.stdout, 1), _lasting(sys.stderr, 2)
    if threading.current_thread() is threading.main_thread():
        for name in STOPS:
            stop = getattr(signal, name, None)
            if stop is not None and signal.getsignal(stop) is signal.SIG_DFL:
                signal.signal(stop, _stop)


def _lasting(stream: TextIO | None, number: int) -> TextIO:
    """Return a stream for the same file that lasts."""
    if stream is not None and not (isinstance(stream, io.TextIOWrapper) and _number(stream) == number):
        return stream  # somebody else's, for example of a test
    told: dict[str, Any] = {"encoding": "utf-8"}
    if stream is not None:
        stream.flush()
        told = {"encoding": stream.encoding, "line_buffering": stream.line_buffering, "write_through": stream.write_through}
    return io.TextIOWrapper(io.BufferedWriter(Lasting(number, "w", closefd=False)), errors="backslashreplace", **told)


def _number(stream: io.TextIOWrapper) -> int:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return -1


def _stop(number: int, _frame: object) -> None:
    for name in STOPS:  # a second one ends it at once
        with contextlib.suppress(AttributeError):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    raise KeyboardInterrupt(signal.Signals(number).name)
