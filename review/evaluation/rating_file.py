"""The answers of one rater: a file of JSON lines to which lines are only added.

A line counts once it is on the disk with its end of line. What a killed process left behind it is kept aside in a ``.torn`` file.
Changing an answer adds a line; the last one of a showing counts, and all stay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import journal
from review.errors import InputError, OptionError, ReviewError
from review.evaluation.rating import RATER, Slot, Task, check_rater
from review.journal import Journal

FORMAT = "synthetic-data-review/ratings/1"
PERSON, SIMULATED = "person", "simulated"
RATER_KINDS = (PERSON, SIMULATED)
PREFIX, SUFFIX = "ratings-", ".jsonl"


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
    if not path.is_file():
        raise InputError.one(path, "the file cannot be read", "check its name and rights")
    lines, torn = journal.read(path, _checker(path, task))
    return tuple(_lines(lines)), torn


def latest(lines: Iterable[Line]) -> dict[int, Line]:
    """Return the line that counts for each showing, by position."""
    return {line.position: line for line in lines}


class RatingFile:
    """One rater's file, open for adding; no other process can open it meanwhile: a :class:`review.journal.Journal`.

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

    def __init__(self, folder: Path, task: Task, rater: str, kind: str = PERSON) -> None:
        if kind not in RATER_KINDS:
            raise OptionError(f"the kind of rater is {kind!r} -> choose one of: {', '.join(RATER_KINDS)}")
        self.task, self.rater, self.kind = task, rater, kind
        self.path = file_of(folder, rater)
        self.order = task.order(rater)
        self.journal = Journal(self.path, _checker(self.path, task))
        self.lines = _lines(self.journal.lines)
        if other := {line.rater_kind for line in self.lines} - {kind}:
            self.close()
            message = f"the answers are of a rater of kind {other.pop()!r}, not {kind!r}"
            raise InputError.one(self.path, message, "choose another name")
        self.latest = latest(self.lines)

    @property
    def rescued(self) -> bytes:
        """The torn end that was found and put aside."""
        return self.journal.rescued

    def add(self, position: int, answers: Mapping[str, int], seconds: float, *, paused: bool = False) -> Line:
        """Add a line and return it once it is on the disk.

        Raises
        ------
        ReviewError
            If the answers cannot be, or the file was opened again or closed.
        OSError
            If it cannot be written; the file is then as it was before.
        """
        if not 0 <= position < len(self.order):
            raise ReviewError(f"there is no showing {position} -> reload the task")
        if not math.isfinite(seconds) or seconds < 0:
            raise ReviewError(f"{seconds} seconds cannot be -> reload the task")
        slot = self.order[position]
        head = {"format": FORMAT, "task": self.task.digest, "rater": self.rater, "rater_kind": self.kind}
        facts = {"position": position, "item": slot.item.id, "showing": slot.showing}
        added = self.journal.add({**head, **facts, "answers": dict(answers), "seconds": round(seconds, 3), "paused": paused})
        [line] = _lines([added])
        self.lines.append(line)
        self.latest[position] = line
        return line

    def close(self) -> None:
        """Close the file and free it for others."""
        self.journal.close()

    def __enter__(self) -> RatingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _checker(path: Path, task: Task) -> Callable[[Mapping[str, Any]], str]:
    """Return what tells whether a line fits into the file of a rater.

    Raises
    ------
    InputError
        If the file is not named after a rater.
    """
    rater = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
    if not RATER.fullmatch(rater):
        raise InputError.one(path, f"{rater!r} is not the name of a rater", f"name the file {PREFIX}NAME{SUFFIX}")
    order = task.order(rater)

    def fault(held: Mapping[str, Any]) -> str:
        if held.get("format") != FORMAT or set(held) != {"format", *Line.__dataclass_fields__}:
            return "the line is damaged"
        return _fault(_lines([held])[0], rater, task, order)

    return fault


def _lines(held: Iterable[Mapping[str, Any]]) -> list[Line]:
    return [Line(**{name: value for name, value in line.items() if name != "format"}) for line in held]


def _fault(line: Line, rater: str, task: Task, order: Sequence[Slot]) -> str:
    """Return what does not fit in a line, or ""."""
    position, seconds = line.position, line.seconds
    placed = isinstance(position, int) and 0 <= position < len(order)
    timed = isinstance(seconds, int | float) and not isinstance(seconds, bool) and math.isfinite(seconds) and seconds >= 0
    rules = (
        (line.task == task.digest, "the line belongs to another task"),
        (line.rater == rater, f"the line is of the rater {line.rater!r}, the file is of {rater!r}"),
        (line.rater_kind in RATER_KINDS, f"there is no kind of rater named {line.rater_kind!r}"),
        (placed, f"there is no showing {position!r}"),
        (not placed or _is_shown(order[position], line), f"showing {position!r} is of another item"),
        (timed, f"{seconds!r} seconds cannot be"),
        (isinstance(line.paused, bool), f"paused is {line.paused!r}"),
    )
    return "; ".join([message for sound, message in rules if not sound] + task.rubric.faults(line.answers))


def _is_shown(slot: Slot, line: Line) -> bool:
    return (line.item, line.showing) == (slot.item.id, slot.showing)
