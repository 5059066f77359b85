"""What processes of this project share with each other: folders of the user's own, sockets, variables of the environment."""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import stat
import tempfile
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
def unswept() -> Iterator[None]:
    """Look for no unreachable objects in the block: it makes many that stay, which would be gone through again and again."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a temporary folder for the block; it is removed also if the block's end is broken off by a signal."""
    name = tempfile.mkdtemp(prefix="review-")
    remove = functools.partial(shutil.rmtree, name, ignore_errors=True)
    atexit.register(remove)
    try:
        yield Path(name)
    finally:
        remove()
        atexit.unregister(remove)


def exchange(one: Path, other: Path) -> bool:
    """Let two files or folders of one file system change places, in one step; tell whether the system could."""
    return _renamed(one, other, 2)  # RENAME_EXCHANGE


def rename_new(one: Path, other: Path) -> bool:
    """Rename a file unless there is one of the new name; tell whether it was done. Some systems cannot do that in one step."""
    return _renamed(one, other, 1)  # RENAME_NOREPLACE


def _renamed(one: Path, other: Path, how: int) -> bool:
    """Call ``renameat2``, which Linux has for most file systems, and Python does not."""
    import ctypes

    try:
        call = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here = -100  # AT_FDCWD: of no account, the paths are whole
    return bool(call(here, os.fsencode(one.absolute()), here, os.fsencode(other.absolute()), how) == 0)


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
