"""Limits of time and memory for what an input may lead to, and a look at the lines that it reaches."""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

PROJECT = Path(__file__).resolve().parents[2]
OWN = str(PROJECT / "review") + "/"
WAITING = 12
"""How much longer an input may take by the clock: others may use the machine, too."""

MEMORY = 2 << 30
"""Bytes that a run may take beyond what it had at its start."""


class HangError(BaseException):
    """An input took longer than allowed; no reader may catch it as an error of its own."""


class Arcs:
    """Steps from line to line in the project's own code that no input took before."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int, int]] = set()
        self.fresh = False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(OWN):
            return None
        last = -frame.f_code.co_firstlineno

        def local(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            if event == "line":
                arc = name, last, frame.f_lineno
                last = frame.f_lineno
                if arc not in self.seen:
                    self.seen.add(arc)
                    self.fresh = True
            return local

        return local

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Trace what is done inside, unless something else (a measure of coverage) traces already."""
        self.fresh = False
        if sys.gettrace() is not None:
            yield
            return
        sys.settrace(self)
        try:
            yield
        finally:
            sys.settrace(None)


@contextlib.contextmanager
def timed(seconds: float) -> Iterator[None]:
    """Raise :class:`HangError` in what takes more seconds of the processor, or waits :data:`WAITING` times as long."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("inputs are timed in the main thread alone")

    def ring(number: int, frame: FrameType | None) -> NoReturn:
        raise HangError(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, ring), signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, WAITING * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGALRM, before[1])


@contextlib.contextmanager
def limited(folder: Path, memory: int = MEMORY) -> Iterator[None]:
    """Limit the memory of this process while something runs, and make errors of its warnings."""
    folder.mkdir(parents=True, exist_ok=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    if now:
        most = now + memory
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
