"""What processes of this project share with each other: folders of the user's own, sockets, variables of the environment."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from review.errors import ReviewError

LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system allows (the limit of ``sun_path`` is 104 on macOS, 108 on Linux)."""


def private(folder: str) -> bool:
    """Tell whether a folder is this user's alone.

    Raises
    ------
    OSError
        If it is not there.
    """
    facts = os.lstat(folder)
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077


@contextmanager
def restored(name: str) -> Iterator[None]:
    """Give a variable of the environment, whatever the block does with it, the value that it had before."""
    before = os.environ.get(name)
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


@contextmanager
def held(folder: Path, doing: str) -> Iterator[None]:
    """Hold a folder; it is free again when the process ends, however it ends.

    Parameters
    ----------
    folder : Path
    doing : str
        What another process that holds it is doing, for the message.

    Raises
    ------
    ReviewError
        If another process holds it.
    """
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReviewError(f"another process is {doing} {folder} -> wait for it, then run again") from None
        yield
    finally:
        os.close(handle)
