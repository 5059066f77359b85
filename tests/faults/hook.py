"""Makes a process fail at a chosen moment: at the k-th of all changes that it and its children make to watched folders.

A change is a file opened for writing, a write, a wait for the disk, a new, renamed or removed name. Before it happens it is noted
in a log, and at the chosen one the process is killed (a write is then left half done) or told that the disk is full or broken.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

VARIABLE = "REVIEW_FAULT"
RECORD = 256
"""Bytes of one note in the log: its length tells how many there are."""

SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "interrupt": signal.SIGINT}
FULL, BROKEN, MOVED = "full", "broken", "moved"
ACTIONS = (*SIGNALS, FULL, BROKEN, MOVED)
ASIDE = ".moved"
"""End of the name that a folder of results gets when it is moved."""


class Plan(NamedTuple):
    """What goes wrong.

    Attributes
    ----------
    roots : list of str
        Watched folders.
    log : str
        File outside of them.
    at : int
        Number of the change, from 1; 0 for none.
    action : str
        Of :data:`ACTIONS`. ``full`` goes on until the end; ``broken`` is one error of input or output; with ``moved``
        somebody gives the folder right below the watched one, in which the change is, another name.
    """

    roots: list[str]
    log: str
    at: int = 0
    action: str = "kill"


class Note(NamedTuple):
    """One change: its kind, and the file."""

    kind: str
    path: str


def notes(log: Path) -> list[Note]:
    """Return what a log holds."""
    data = log.read_bytes() if log.exists() else b""
    lines = [data[start : start + RECORD] for start in range(0, len(data), RECORD)]
    return [Note(*line.decode("utf-8", "replace").strip().partition(" ")[::2]) for line in lines]


class Hook:
    """Watches this process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.roots = tuple(os.path.realpath(root) + os.sep for root in plan.roots)
        self.busy = self.full = False

    def name(self, file: Any, folder: int = -1) -> str:
        """Return the whole path of a file that is open or named; "" if it cannot be told."""
        try:
            if isinstance(file, int):
                return os.readlink(f"/proc/self/fd/{file}")
            path = os.fsdecode(file)
            if folder >= 0:
                path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
            return os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(path))), os.path.basename(path))
        except (OSError, TypeError, ValueError):
            return ""

    def watched(self, path: str) -> bool:
        """Tell whether a path is in a watched folder."""
        return path.startswith(self.roots)

    def note(self, kind: str, path: str) -> str:
        """Note a change that is about to happen; return what goes wrong with it, or ""."""
        if self.busy:
            return ""
        self.busy = True
        try:
            log = os.open(self.plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)  # anew: a fork may have closed it
            try:
                fcntl.flock(log, fcntl.LOCK_EX)
                WRITE(log, f"{kind} {path}".encode("utf-8", "replace")[: RECORD - 1].ljust(RECORD - 1) + b"\n")
                number = os.fstat(log).st_size // RECORD
            finally:
                os.close(log)
        finally:
            self.busy = False
        action = self.plan.action
        if action == FULL:
            self.full = self.full or bool(self.plan.at and number >= self.plan.at)
            return FULL if self.full and kind in ("open", "write", "mkdir", "link") else ""
        if action == MOVED:
            if number == self.plan.at:
                self.move(path)
            return ""
        return action if number == self.plan.at > 0 else ""

    def move(self, path: str) -> None:
        """Give the folder in which a file is another name, as somebody else would: this is no change of the command's own."""
        root = next(root for root in self.roots if path.startswith(root))
        folder = root + path.removeprefix(root).split(os.sep)[0]
        self.busy = True
        try:
            os.rename(folder, folder + ASIDE)
        finally:
            self.busy = False

    def change(self, kind: str, path: str) -> None:
        """Note a change, and let it go wrong if it is the one."""
        if self.watched(path):
            fail(self.note(kind, path), path)
        elif path.startswith(os.sep) and not path.startswith(("/dev/", "/proc/", "/sys/")) and "__pycache__" not in path:
            self.stray(path)

    def stray(self, path: str) -> None:
        """Note a change outside, in a file beside the log."""
        self.busy = True
        try:
            with OPEN(self.plan.log + ".stray", "a", encoding="utf-8") as file:
                file.write(path + "\n")
        finally:
            self.busy = False

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take the interpreter's events."""
        if self.busy:
            return
        if event == "open":
            file, mode, flags = arguments
            writing = bool(flags & (os.O_WRONLY | os.O_RDWR)) if isinstance(flags, int) else bool(set(mode or "") & set("wax+"))
            if writing and not isinstance(file, int):
                self.change("open", self.name(file))
        elif event in ("os.rename", "os.link", "os.symlink"):
            self.change(event[3:], self.name(arguments[1], arguments[3] if len(arguments) > 3 else -1))
        elif event in ("os.remove", "os.rmdir"):
            self.change(event[3:], self.name(*arguments[:2]))
        elif event == "os.mkdir":
            self.change("mkdir", self.name(arguments[0], arguments[2]))
        elif event == "os.truncate":
            self.change("truncate", self.name(arguments[0]))


OPEN, WRITE, SYNC = io.open, os.write, os.fsync


def fail(action: str, *path: str) -> None:
    """Let a change go wrong; the system names the file where that has no name yet."""
    if action in (FULL, BROKEN):
        number = errno.ENOSPC if action == FULL else errno.EIO
        raise OSError(number, os.strerror(number), *path)
    if action:
        os.killpg(os.getpgrp(), SIGNALS[action])
        if action == "kill":
            time.sleep(600)


def install(plan: Plan) -> None:
    """Watch this process from now on."""
    hook = Hook(plan)

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            action = hook.note("write", hook.name(self.fileno()))
            if action in ("kill", FULL):
                super().write(bytes(data)[: len(data) // 2])
            fail(action)
            return super().write(data)

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if hook.busy or not set(mode) & set("wax+") or not hook.watched(hook.name(file)):
            return OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        whole = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        if "b" in mode:
            return whole
        text = io.TextIOWrapper(whole, encoding, errors, newline, line_buffering=buffering == 1)
        text.mode = mode
        return text

    def write(file: int, data: Any) -> int:
        path = hook.name(file)
        action = hook.note("write", path) if hook.watched(path) else ""
        if action in ("kill", FULL) and len(data) > 1:
            WRITE(file, bytes(data)[: len(data) // 2])
        fail(action)
        return WRITE(file, data)

    def fsync(file: Any) -> None:
        path = hook.name(file if isinstance(file, int) else file.fileno())
        fail(hook.note("fsync", path) if hook.watched(path) else "")
        SYNC(file)

    io.open = builtins.open = opened  # type: ignore[assignment]
    os.write, os.fsync = write, fsync
    sys.addaudithook(hook.audit)


def install_from_environment() -> None:
    """Watch this process as a variable of the environment says."""
    if text := os.environ.get(VARIABLE):
        install(Plan(*json.loads(text)))
