"""A file of JSON lines to which lines are only added; what is in it survives whatever kills the writer.

A line counts once it is on the disk with its end of line. What a killed process left behind it is kept aside in a ``.torn`` file.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from review import drafts, paths
from review.errors import InputError, Problem, ReviewError, naming
from review.files import read_bytes

Line = dict[str, Any]
Fault = Callable[[Line], str]
TORN = ".torn"


def read(path: Path, fault: Fault) -> tuple[list[Line], bytes]:
    """Read a journal without changing it; no file is a journal without lines.

    Parameters
    ----------
    path : Path
    fault : callable
        Tells what is wrong with a line, or "".

    Returns
    -------
    lines : list of dict
    torn : bytes
        What stands behind the last end of line: never acknowledged, and no part of the journal.

    Raises
    ------
    InputError
        With every line that is damaged.
    """
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return [], b""
    except OSError as error:
        raise InputError.one(path, f"the file cannot be read ({error.strerror})", "check its name and rights") from None
    return _parse(path, data, fault)


class Journal:
    """A journal open for adding; no other process can open it meanwhile.

    Opening it again in the same process closes the earlier one: a cell that is run again takes over.

    Attributes
    ----------
    lines : list of dict
        All lines, those that were added included.
    rescued : bytes
        The torn end that was found and put aside.

    Raises
    ------
    InputError
        If a line is damaged.
    ReviewError
        If another process has it open.
    """

    _open: dict[Path, Journal] = {}  # noqa: RUF012 (shared on purpose)

    def __init__(self, path: Path, fault: Fault) -> None:
        self.path, self._fault, self.rescued = path, fault, b""
        path.parent.mkdir(parents=True, exist_ok=True)
        if (earlier := self._open.get(paths.real(path))) is not None:
            earlier.close()
        drafts.refuse(path)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self._lock()
            with naming(path, keep=True):
                self.lines = self._recover()
            with naming(path.parent, keep=True):
                _sync(path.parent, os.O_RDONLY)
        except BaseException:
            os.close(self._handle)
            self._handle = -1
            raise
        self._open[paths.real(path)] = self

    @classmethod
    def held(cls, path: Path) -> Journal | None:
        """Return the journal that this process has open under a path, or None."""
        return cls._open.get(paths.real(path))

    def add(self, entry: Mapping[str, Any]) -> Line:
        """Add a line and return it, with its ``sequence`` (from 1), once it is on the disk.

        Raises
        ------
        ReviewError
            If the line is not sound, or the journal was opened again or closed.
        OSError
            If it cannot be written; the file is then as it was before.
        """
        if self._handle < 0:
            raise ReviewError(f"{self.path.name} is continued elsewhere in this notebook -> use the newest view")
        line = {**entry, "sequence": len(self.lines) + 1}
        text = (json.dumps(line, ensure_ascii=True, allow_nan=False) + "\n").encode()
        if fault := self._fault(json.loads(text)):
            raise ReviewError(f"{fault} -> reload the task")
        self._write(text)
        self.lines.append(line)
        return line

    def close(self) -> None:
        """Close the file and free it for others."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            self._open.pop(paths.real(self.path), None)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        """Lock the file; the system frees it when this process ends, however that happens."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReviewError(f"{self.path.name} is open in another notebook -> shut that kernel down first") from None
        except OSError as error:
            raise ReviewError(f"{self.path} cannot be locked ({error.strerror}) -> choose a folder on a local disk") from None

    def _recover(self) -> list[Line]:
        """Read the lines; put a torn end aside, first there, then away from here."""
        data = read_bytes(self.path)
        lines, torn = _parse(self.path, data, self._fault)
        if torn:
            _sync(self.path.with_suffix(TORN), os.O_WRONLY | os.O_CREAT | os.O_APPEND, torn + b"\n")
            os.ftruncate(self._handle, len(data) - len(torn))
            os.fsync(self._handle)
            self.rescued = torn
        return lines

    def _write(self, data: bytes) -> None:
        size = os.fstat(self._handle).st_size
        with naming(self.path, keep=True):
            try:
                _write_all(self._handle, data)
                os.fsync(self._handle)
            except OSError:
                os.ftruncate(self._handle, size)
                raise


def _sync(path: Path, flags: int, data: bytes = b"") -> None:
    """Open a file or folder, write, and wait for the disk."""
    handle = os.open(path, flags, 0o666)
    try:
        _write_all(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _parse(path: Path, data: bytes, fault: Fault) -> tuple[list[Line], bytes]:
    whole, end, torn = data.rpartition(b"\n")
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, raw in enumerate(whole.split(b"\n") if end else (), 1):
        line = _line(raw)
        if line is None:
            message = "the line is damaged"
        elif line.get("sequence") != number:
            message = f"the line says that it is line {line.get('sequence')!r}"
        else:
            message = fault(line)
            lines.append(line)
        if message:
            problems.append(Problem(str(path), number, None, message, "restore the file, or take it out of the folder"))
    if problems:
        raise InputError(problems)
    return lines, torn


def _line(raw: bytes) -> Line | None:
    try:
        held = json.loads(raw)
    except (ValueError, RecursionError):  # bad UTF-8 is one of the first
        return None
    return held if isinstance(held, dict) else None
