"""Files on their way: written under a temporary name beside their own, so that nobody ever reads half of one.

The temporary name is the same each time, and its file is locked while it is written: what a killed process left there is removed
by the next one that writes the same file, and does not pile up.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from review.errors import InputError, naming

SUFFIX = ".part"
MOST = 100
"""Processes that can write one file at the same time."""

_MINE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_LEFT = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What file systems say that have no locks."""


@contextmanager
def draft(path: Path, data: bytes, *, mode: int | None = None, durable: bool = False) -> Iterator[str]:
    """Write ``data`` to a temporary name in the folder of ``path``, and yield that name: to be renamed or linked in the block.

    Parameters
    ----------
    path : Path
        Its folder is made if need be.
    data : bytes
    mode : int, optional
        Who may read and write it; without it, what the system gives new files.
    durable : bool
        Whether the data is to be on the disk, not only with the system, when this yields.

    Raises
    ------
    InputError
        If there is a folder, a device, a pipe or a socket under the path.
    OSError
        With the path, if it cannot be written: nothing is left behind.
    """
    refuse(path)
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = _claimed(path)
        held = os.dup(handle)
        try:
            with os.fdopen(handle, "wb") as file:
                if mode is not None:
                    os.chmod(name, mode)
                file.write(data)
                file.flush()
                if durable:
                    os.fsync(handle)
            yield name
        finally:
            with suppress(OSError):
                if _same(held, name):  # as a rule it is renamed by now, and the name may be another process' again
                    os.unlink(name)
            os.close(held)


def named(path: Path, number: int) -> Path:
    """Return the temporary name that one of the processes gets which write a file at the same time."""
    return path.with_name(f".{path.name}.{number}{SUFFIX}")


def refuse(path: Path) -> None:
    """Refuse what is no file.

    Renaming would put a file in the place of a device, even of ``/dev/null``; some devices never end, and a pipe makes one wait.
    """
    try:
        kind = path.stat().st_mode
    except OSError:
        return
    if stat.S_ISDIR(kind):
        raise InputError.one(path, "this is a folder", "name a file")
    if not stat.S_ISREG(kind):
        raise InputError.one(path, "this is a device, a pipe or a socket", "name a file")


def _claimed(path: Path) -> tuple[int, str]:
    """Return a new temporary file that this process alone holds, and its name."""
    for number in range(MOST):
        name = str(named(path, number))
        while True:
            try:
                handle = os.open(name, _MINE, 0o666)  # less what the umask takes away
            except FileExistsError:
                if not _cleared(name):
                    break
                continue
            try:
                if _locked(handle) and _same(handle, name):
                    return handle, name
            except OSError as error:
                os.close(handle)
                os.unlink(name)
                if error.errno in _WITHOUT_LOCKS:
                    name = os.path.join(path.parent, f".{path.name}.{secrets.token_hex(8)}{SUFFIX}")
                    return os.open(name, _MINE, 0o666), name
                raise
            os.close(handle)  # another process took it for what a killed one had left
    raise OSError(errno.EEXIST, "too many processes write this file")


def _cleared(name: str) -> bool:
    """Remove a temporary file that nobody holds any more; tell whether the name can be tried again."""
    try:
        handle = os.open(name, _LEFT)
    except FileNotFoundError:
        return True
    except OSError:  # a link, or somebody else's
        return False
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode) or not _locked(handle):
            return False
        if _same(handle, name):
            os.unlink(name)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    """Lock an open file, unless another process holds it."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(handle: int, name: str) -> bool:
    """Tell whether an open file is the one that has the name now: its writer may have given it its final name since."""
    try:
        there = os.stat(name, follow_symlinks=False)
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
