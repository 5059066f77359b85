"""The answers of one rater: a file of JSON lines to which lines are only added.

A line counts once it is on the disk with its end of line. What a killed process left behind it is kept aside in a ``.torn`` file.
Changing an answer adds a line; the last one of a showing counts, and all stay.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from review.errors import InputError, OptionError, Problem, ReviewError
from review.evaluation.rating import RATER, Slot, Task, check_rater

FORMAT = "synthetic-data-review/ratings/1"
PERSON, SIMULATED = "person", "simulated"
RATER_KINDS = (PERSON, SIMULATED)
PREFIX, SUFFIX, TORN = "ratings-", ".jsonl", ".torn"


@dataclass(frozen=True)
class Line:
    """The answers to one showing, as far as they were given.

    Attributes
    ----------
    task : str
        Digest of the task.
    rater : str
    rater_kind : {"person", "simulated"}
    sequence : int
        Place in the file, from 1.
    position : int
        Place in the order of this rater, from 0.
    item : str
    showing : int
        2 where the item was shown before.
    answers : mapping of str to int
        Question -> level.
    seconds : float
        Time spent on this showing so far, earlier visits included.
    paused : bool
        Whether there was a pause in it (see :data:`review.evaluation.rating_desk.PAUSE`).
    """

    task: str
    rater: str
    rater_kind: str
    sequence: int
    position: int
    item: str
    showing: int
    answers: Mapping[str, int]
    seconds: float
    paused: bool

    def text(self) -> bytes:
        """Return the line as it stands in the file, with its end."""
        return (json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=True, allow_nan=False) + "\n").encode()


def file_of(folder: Path, rater: str) -> Path:
    """Return the file of a rater."""
    return folder / f"{PREFIX}{check_rater(rater)}{SUFFIX}"


def files_in(folder: Path) -> tuple[Path, ...]:
    """Return the files of all raters in a folder, by name; none if there is no folder."""
    return tuple(sorted(folder.glob(f"{PREFIX}*{SUFFIX}")))


def read(path: Path, task: Task) -> tuple[tuple[Line, ...], bytes]:
    """Read a file of answers without changing it.

    Returns
    -------
    lines : tuple of Line
    torn : bytes
        What stands behind the last end of line: never acknowledged, not part of the answers.

    Raises
    ------
    InputError
        If a line is damaged or belongs to another task or rater; all problems at once.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError.one(path, f"the file cannot be read ({error.strerror})", "check its name and rights") from None
    return _parse(path, data, task)


def latest(lines: Iterable[Line]) -> dict[int, Line]:
    """Return the line that counts for each showing, by position."""
    return {line.position: line for line in lines}


class RatingFile:
    """One rater's file, open for adding; no other process can open it meanwhile.

    Opening it again in the same process closes the earlier one: a cell that is run again takes over.

    Parameters
    ----------
    folder : Path
    task : Task
    rater : str
    kind : {"person", "simulated"}
        Answers of anything but people are simulated.

    Raises
    ------
    OptionError
        If the name or the kind cannot be used.
    InputError
        If the file is damaged, or belongs to another task or kind of rater.
    ReviewError
        If another process has it open.
    """

    _open: dict[Path, RatingFile] = {}  # noqa: RUF012 (shared on purpose)

    def __init__(self, folder: Path, task: Task, rater: str, kind: str = PERSON) -> None:
        if kind not in RATER_KINDS:
            raise OptionError(f"the kind of rater is {kind!r} -> choose one of: {', '.join(RATER_KINDS)}")
        self.task, self.rater, self.kind = task, rater, kind
        self.path = file_of(folder, rater)
        self.order = task.order(rater)
        self.rescued = b""
        folder.mkdir(parents=True, exist_ok=True)
        if (earlier := self._open.pop(self.path.resolve(), None)) is not None:
            earlier.close()
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self._lock()
            self.lines = list(self._recover())
        except BaseException:
            os.close(self._handle)
            raise
        self.latest = latest(self.lines)
        self._open[self.path.resolve()] = self
        _sync(folder, os.O_RDONLY)

    def add(self, position: int, answers: Mapping[str, int], seconds: float, *, paused: bool = False) -> Line:
        """Add a line and return it once it is on the disk.

        Raises
        ------
        ReviewError
            If the answers cannot be, or the file was opened again or closed.
        OSError
            If it cannot be written; the file is then as it was before.
        """
        if self._handle < 0:
            raise ReviewError(f"the answers of {self.rater} are continued elsewhere in this notebook -> use the newest view")
        if not 0 <= position < len(self.order):
            raise ReviewError(f"there is no showing {position} -> reload the task")
        if faults := self.task.rubric.faults(answers):
            raise ReviewError(f"the answers cannot be: {'; '.join(faults)} -> reload the task")
        if not math.isfinite(seconds) or seconds < 0:
            raise ReviewError(f"{seconds} seconds cannot be -> reload the task")
        slot = self.order[position]
        facts = {"sequence": len(self.lines) + 1, "position": position, "item": slot.item.id, "showing": slot.showing}
        head = {"task": self.task.digest, "rater": self.rater, "rater_kind": self.kind}
        line = Line(**head, **facts, answers=dict(answers), seconds=round(seconds, 3), paused=paused)  # type: ignore[arg-type]
        self._write(line.text())
        self.lines.append(line)
        self.latest[position] = line
        return line

    def close(self) -> None:
        """Close the file and free it for others."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            self._open.pop(self.path.resolve(), None)

    def __enter__(self) -> RatingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        """Lock the file; the system frees it when this process ends, however that happens."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReviewError(
                f"{self.path.name} is open in another notebook -> shut that kernel down, or choose another rater's name"
            ) from None
        except OSError as error:
            raise ReviewError(f"{self.path} cannot be locked ({error.strerror}) -> choose a folder on a local disk") from None

    def _recover(self) -> tuple[Line, ...]:
        """Read the lines; move a torn end to a file beside, first there, then away from here."""
        size = os.fstat(self._handle).st_size
        data = _read_all(self._handle, size)
        lines, torn = _parse(self.path, data, self.task)
        if other := {line.rater_kind for line in lines} - {self.kind}:
            message = f"the answers are of a rater of kind {other.pop()!r}, not {self.kind!r}"
            raise InputError.one(self.path, message, "choose another name")
        if torn:
            _sync(self.path.with_suffix(TORN), os.O_WRONLY | os.O_CREAT | os.O_APPEND, torn + b"\n")
            os.ftruncate(self._handle, size - len(torn))
            os.fsync(self._handle)
            self.rescued = torn
        return lines

    def _write(self, data: bytes) -> None:
        size = os.fstat(self._handle).st_size
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


def _read_all(handle: int, size: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    parts: list[bytes] = []
    while (have := sum(map(len, parts))) < size and (part := os.read(handle, size - have)):
        parts.append(part)
    return b"".join(parts)


def _parse(path: Path, data: bytes, task: Task) -> tuple[tuple[Line, ...], bytes]:
    whole, end, torn = data.rpartition(b"\n")
    rater = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
    if not RATER.fullmatch(rater):
        raise InputError.one(path, f"{rater!r} is not the name of a rater", f"name the file {PREFIX}NAME{SUFFIX}")
    order = task.order(rater)
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, raw in enumerate(whole.split(b"\n") if end else (), 1):
        found = _line(raw)
        fault = "the line is damaged" if found is None else _fault(found, number, rater, task, order)
        if fault:
            remedy = "restore the file, or take it out of the folder"
            problems.append(Problem(str(path), number, None, fault, remedy))
        elif found is not None:
            lines.append(found)
    if problems:
        raise InputError(problems)
    return tuple(lines), torn


def _line(raw: bytes) -> Line | None:
    """Return a line, or None if it is not one."""
    try:
        held: Any = json.loads(raw)
    except ValueError:  # bad UTF-8 is one
        return None
    if not isinstance(held, dict) or held.pop("format", None) != FORMAT or set(held) != set(Line.__dataclass_fields__):
        return None
    return Line(**held)


def _fault(line: Line, number: int, rater: str, task: Task, order: Sequence[Slot]) -> str:
    """Return what does not fit in a line, or ""."""
    position, seconds = line.position, line.seconds
    placed = isinstance(position, int) and 0 <= position < len(order)
    timed = isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds) and seconds >= 0
    rules = (
        (line.task == task.digest, "the line belongs to another task"),
        (line.rater == rater, f"the line is of the rater {line.rater!r}, the file is of {rater!r}"),
        (line.rater_kind in RATER_KINDS, f"there is no kind of rater named {line.rater_kind!r}"),
        (line.sequence == number, f"the line says that it is line {line.sequence!r}"),
        (placed, f"there is no showing {position!r}"),
        (not placed or _is_shown(order[position], line), f"showing {position!r} is of another item"),
        (timed, f"{seconds!r} seconds cannot be"),
        (isinstance(line.paused, bool), f"paused is {line.paused!r}"),
    )
    return "; ".join([message for sound, message in rules if not sound] + task.rubric.faults(line.answers))


def _is_shown(slot: Slot, line: Line) -> bool:
    return (line.item, line.showing) == (slot.item.id, slot.showing)
