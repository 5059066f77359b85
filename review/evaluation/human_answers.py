"""The answers of all raters of a task, brought into tables: one row an item, one column a rater."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review.errors import InputError
from review.evaluation import rating, rating_file
from review.evaluation.rating import Task
from review.evaluation.rating_file import PERSON, PREFIX, SIMULATED, SUFFIX, Line
from review.evaluation.rubric import ORIGIN, REAL, SYNTHETIC

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Rated:
    """A task and what became of it.

    Attributes
    ----------
    task : Task
        With its origins.
    lines : mapping of str to mapping of int to Line
        Rater -> position -> the answers that count; raters of one kind, by name.
    kind : {"person", "simulated"}
    notes : tuple of str
        What was left out.
    """

    task: Task
    lines: Mapping[str, Mapping[int, Line]]
    kind: str = PERSON
    notes: tuple[str, ...] = ()

    @property
    def raters(self) -> tuple[str, ...]:
        """Names of the raters."""
        return tuple(self.lines)

    @property
    def synthetic(self) -> Flags:
        """Which of the items are synthetic."""
        return np.array([self.task.origins[item.id] == SYNTHETIC for item in self.task.items])

    def table(self, question: str, showing: int = 1) -> Floats:
        """Return the levels given (items, raters); NaN where a rater gave none."""
        rows = {item.id: row for row, item in enumerate(self.task.items)}
        found = np.full((len(rows), len(self.lines)), np.nan)
        for column, held in enumerate(self.lines.values()):
            for line in held.values():
                if line.showing == showing and question in line.answers:
                    found[rows[line.item], column] = line.answers[question]
        return found

    def levels(self) -> dict[str, dict[str, list[int]]]:
        """Return item -> criterion -> the levels of all raters at the first showing, for comparison with a judge."""
        found: dict[str, dict[str, list[int]]] = {}
        for held in self.lines.values():
            for line in (line for line in held.values() if line.showing == 1):
                for name, level in line.answers.items():
                    found.setdefault(line.item, {}).setdefault(name, []).append(level)
        return found

    def seconds(self) -> list[float]:
        """Return the time of each first showing that was answered without a pause."""
        return [line.seconds for line in self._answered() if line.showing == 1 and not line.paused]

    def pauses(self) -> int:
        """Return in how many first showings there was a pause."""
        return sum(line.paused for line in self._answered() if line.showing == 1)

    def progress(self) -> tuple[dict[str, Any], ...]:
        """Return a row for each rater: ``rater, kind, answered, of, lines, pauses, seconds`` (median), ``recognised``."""
        rows = []
        for rater, held in self.lines.items():
            answered = [line for line in held.values() if self.task.rubric.complete(line.answers)]
            times = [line.seconds for line in answered if not line.paused]
            right = [self._is_right(line) for line in answered if line.showing == 1 and ORIGIN in line.answers]
            row = {"rater": rater, "kind": self.kind, "answered": len(answered), "of": self.task.total}
            row |= {"lines": max((line.sequence for line in held.values()), default=0)}
            row |= {"pauses": sum(line.paused for line in answered), "seconds": round(median(times), 1) if times else None}
            rows.append(row | {"recognised": round(sum(right) / len(right), 4) if right else None})
        return tuple(rows)

    def unfinished(self, rater: str) -> bool:
        """Tell whether a rater has begun and not answered everything."""
        held = self.lines.get(rater, {})
        return bool(held) and sum(self.task.rubric.complete(line.answers) for line in held.values()) < self.task.total

    def _answered(self) -> list[Line]:
        every = (line for held in self.lines.values() for line in held.values())
        return [line for line in every if self.task.rubric.complete(line.answers)]

    def _is_right(self, line: Line) -> bool:
        return (line.answers[ORIGIN] == 1) == (self.task.origins[line.item] == REAL)


def load(source: Path | Iterable[Path], task: Task | None = None, key: Path | None = None) -> Rated:
    """Read the answers of all raters.

    Parameters
    ----------
    source : Path, or several
        A folder, or files of raters.
    task : Task, optional
        With its origins; read from the folder if not given.
    key : Path, optional
        The file with the origins, if it is not in the folder.

    Returns
    -------
    Rated
        If people rated, their answers only; else those of simulated raters.

    Raises
    ------
    InputError
        If a file is damaged or belongs to another task, or the origins are not known.
    """
    folder = source if isinstance(source, Path) else None
    if task is None:
        if folder is None:
            raise InputError.one("the ratings", "files of raters were given without their task", "name the folder of the task")
        task = rating.load(folder, key)
    if not task.origins:
        raise InputError.one(folder or "the task", "the origins of the items are not known", f"name its {rating.KEY_FILE}")
    files = rating_file.files_in(source) if isinstance(source, Path) else tuple(source)
    kinds: dict[str, dict[str, Mapping[int, Line]]] = {PERSON: {}, SIMULATED: {}}
    notes = []
    for path in files:
        lines, torn = rating_file.read(path, task)
        name = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
        if torn:
            notes.append(f"rater {name}: the last line was cut off and is left out")
        if lines:
            kinds[lines[-1].rater_kind][name] = rating_file.latest(lines)
    kind = PERSON if kinds[PERSON] or not kinds[SIMULATED] else SIMULATED
    if kind == PERSON and kinds[SIMULATED]:
        notes.append(f"simulated raters are left out: {', '.join(kinds[SIMULATED])}")
    held = dict(sorted(kinds[kind].items()))
    rated = Rated(task, held, kind, tuple(notes))
    return Rated(task, held, kind, (*notes, *_partial(rated.progress())))


def _partial(progress: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"rater {row['rater']} answered {row['answered']} of {row['of']} showings"
        for row in progress
        if row["answered"] < row["of"]
    ]
