"""The answers of one coder: what counts of them, and the file to which they are added."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from review.coding import names
from review.coding.answers import EMPTY, Answer, parse
from review.coding.task import Task
from review.errors import InputError, ReviewError
from review.journal import Journal, Line, read

FORMAT = "synthetic-data-review/codes/1"
PREFIX, SUFFIX = "codes-", ".jsonl"
ANSWER, DONE, CLOSED = "answer", "done", "closed"
"""Kinds of lines: an answer in one dimension; a study is done; the codes are closed, because others' codes were seen."""

_PARTS: dict[str, frozenset[str]] = {
    ANSWER: frozenset(("study", "dimension", "answer", "client", "number")),
    DONE: frozenset(("study",)),
    CLOSED: frozenset(),
}


@dataclass
class Codes:
    """What counts of one coder's answers: the last one to each question.

    Attributes
    ----------
    task : Task
    coder : str
    answers : dict of (str, str) to Answer
        By study and dimension.
    lines : dict of (str, str) to dict
        The line that each answer is from.
    done : set of str
        Studies that the coder called done.
    closed : bool
        Whether the coder has seen others' codes, so that nothing may be changed.
    """

    task: Task
    coder: str
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    lines: dict[tuple[str, str], Line] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    closed: bool = False

    def take(self, line: Line) -> None:
        """Take a sound line of the file."""
        if line["kind"] == ANSWER:
            place = line["study"], line["dimension"]
            self.answers[place] = parse(self.task.dimensions[line["dimension"]], line["answer"])
            self.lines[place] = line
        elif line["kind"] == DONE:
            self.done.add(line["study"])
        else:
            self.closed = True

    def answer(self, study: str, dimension: str) -> Answer:
        """Return the answer that counts; an empty one if there is none."""
        return self.answers.get((study, dimension), EMPTY)

    def open_dimensions(self, study: str) -> tuple[str, ...]:
        """Return the dimensions of a study without a complete answer."""
        return tuple(name for name in self.task.dimensions if self.answer(study, name).missing())

    def finished(self, study: str) -> bool:
        """Tell whether a study was called done and all its answers are complete."""
        return study in self.done and not self.open_dimensions(study)

    @property
    def finished_studies(self) -> tuple[str, ...]:
        """Keys of the finished studies, in the order of the task."""
        return tuple(study.key for study in self.task.studies if self.finished(study.key))

    @property
    def complete(self) -> bool:
        """Whether every study is finished."""
        return len(self.finished_studies) == len(self.task.studies)


class CodesFile:
    """One coder's file, open for adding; see :class:`review.journal.Journal` for what is raised."""

    def __init__(self, folder: Path, task: Task, coder: str) -> None:
        self.task, self.coder = task, coder
        self._head = {"format": FORMAT, "task": task.digest, "coder": coder}
        self.journal = Journal(file_of(folder, coder), _judge(task, coder))
        self._codes, self._taken = Codes(task, coder), 0

    @property
    def codes(self) -> Codes:
        """What counts of the lines so far."""
        for line in self.journal.lines[self._taken :]:
            self._codes.take(line)
        self._taken = len(self.journal.lines)
        return self._codes

    def answer(self, study: str, dimension: str, answer: Answer, client: str = "", number: int = 0) -> Line:
        """Add an answer and return its line once it is on the disk; ``client`` and ``number`` name the message of the page."""
        told = {"study": study, "dimension": dimension, "answer": answer.plain(), "client": client, "number": number}
        return self._add(ANSWER, **told)

    def finish(self, study: str) -> None:
        """Call a study done.

        Raises
        ------
        ReviewError
            If an answer of it is not complete.
        """
        if left := self.codes.open_dimensions(study):
            raise ReviewError(f"{', '.join(left)} of {study} is not answered -> answer it, if need be with unknown")
        if study not in self.codes.done:
            self._add(DONE, study=study)

    def end(self) -> None:
        """Close the codes against any change, because others' codes are going to be seen."""
        if not self.codes.closed:
            self._add(CLOSED)

    def _add(self, kind: str, **parts: Any) -> Line:
        if self.codes.closed:
            raise ReviewError(f"the codes of {self.coder} are closed: results were shown -> code again under another name")
        return self.journal.add({**self._head, "kind": kind, **parts})


def file_of(folder: Path, coder: str) -> Path:
    """Return the file of a coder."""
    return folder / f"{PREFIX}{names.check(coder)}{SUFFIX}"


def load(folder: Path, task: Task, coder: str) -> Codes:
    """Read the answers of a coder without changing the file; none if there is no file."""
    codes = Codes(task, coder)
    for line in read(file_of(folder, coder), _judge(task, coder))[0]:
        codes.take(line)
    return codes


def load_all(folder: Path, task: Task) -> dict[str, Codes]:
    """Read the answers of all coders of a folder, by name.

    Raises
    ------
    InputError
        If a file is damaged, or is no coder's.
    """
    found = {}
    for path in sorted(folder.glob(f"{PREFIX}*{SUFFIX}")):
        coder = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
        try:
            names.check(coder)
        except ReviewError as error:
            raise InputError.one(path, str(error).split(" -> ")[0], f"name the file {PREFIX}NAME{SUFFIX}") from None
        found[coder] = load(folder, task, coder)
    return found


def close(folder: Path, task: Task, coder: str) -> None:
    """Close a coder's codes, in the file that this process has open or else for the moment."""
    path = file_of(folder, coder)
    codes = load(folder, task, coder)
    if codes.closed or not path.exists():
        return
    if (held := Journal.held(path)) is not None:
        held.add({"format": FORMAT, "task": task.digest, "coder": coder, "kind": CLOSED})
        return
    file = CodesFile(folder, task, coder)
    try:
        file.end()
    finally:
        file.journal.close()


def _judge(task: Task, coder: str) -> Any:
    """Return the function that tells what is wrong with a line of a coder's file."""
    head = {"format", "task", "coder", "kind", "sequence"}

    def fault(line: Line) -> str:
        parts = _PARTS.get(str(line.get("kind")))
        if line.get("format") != FORMAT or parts is None or set(line) != head | parts:
            return f"this is no line of the format {FORMAT}"
        if line["task"] != task.digest:
            return "the line belongs to another task"
        if line["coder"] != coder:
            return f"the line is of the coder {line['coder']!r}, the file is of {coder!r}"
        if "study" in parts and line["study"] not in list(task.by_key):
            return f"there is no study {line['study']!r} in the task"
        return _answer_fault(task, line) if line["kind"] == ANSWER else ""

    return fault


def _answer_fault(task: Task, line: Line) -> str:
    if line["dimension"] not in list(task.dimensions):
        return f"there is no dimension {line['dimension']!r}"
    if not isinstance(line["client"], str) or isinstance(line["number"], bool) or not isinstance(line["number"], int):
        return "the message of the line is not named"
    try:
        parse(task.dimensions[line["dimension"]], line["answer"])
    except ReviewError as error:
        return str(error).split(" -> ")[0]
    return ""
