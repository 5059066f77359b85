"""Disagreements of two coders, settled one by one by a third person; every decision has a reason and stays in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from review.coding import names
from review.coding.answers import EMPTY, NO, YES, Answer, parse, says
from review.coding.desk import shown, vocabulary
from review.coding.pairs import CHOICES, FIRST, SECOND, THIRD, Case, Decision, Pair
from review.coding.task import Task
from review.desk import KEPT, MOVED, SAVED, SUPERSEDED, numbered, respond
from review.errors import ReviewError
from review.journal import Journal, Line, read

FORMAT = "synthetic-data-review/adjudication/1"
PREFIX, SUFFIX = "adjudication-", ".jsonl"
LONGEST = 500
"""Characters that a reason may have."""

Decisions = dict[tuple[str, str], Decision]
_PARTS = {"format", "task", "coders", "adjudicator", "study", "dimension", "basis", "choice", "answer", "reason"}
_PARTS |= {"client", "number", "sequence"}


def file_of(folder: Path, coders: tuple[str, str]) -> Path:
    """Return the file of decisions about two coders."""
    return folder / f"{PREFIX}{'+'.join(names.check(coder) for coder in coders)}{SUFFIX}"


def load(folder: Path, task: Task, coders: tuple[str, str]) -> Decisions:
    """Read the decisions about two coders, by study and dimension; the last one counts."""
    lines, _ = read(file_of(folder, coders), _judge(task, coders))
    return _gather(task, lines)


class Decided:
    """The file of decisions, open for adding; see :class:`review.journal.Journal` for what is raised."""

    def __init__(self, folder: Path, pair: Pair, adjudicator: str) -> None:
        self.adjudicator = names.check(adjudicator)
        self._head: dict[str, Any] = {
            "format": FORMAT,
            "task": pair.task.digest,
            "coders": list(pair.coders),
            "adjudicator": adjudicator,
        }
        self._task = pair.task
        self.journal = Journal(file_of(folder, pair.coders), _judge(pair.task, pair.coders))

    @property
    def decisions(self) -> Decisions:
        """The decisions so far."""
        return _gather(self._task, self.journal.lines)

    @property
    def lines(self) -> dict[tuple[str, str], Line]:
        """The line that each decision is from."""
        return {(line["study"], line["dimension"]): line for line in self.journal.lines}

    def decide(self, case: Case, choice: str, answer: Answer, reason: str, client: str = "", number: int = 0) -> Line:
        """Add a decision and return its line once it is on the disk.

        Raises
        ------
        ReviewError
            If the answer is not complete or no reason is given.
        """
        told: dict[str, Any] = {"study": case.study, "dimension": case.dimension, "basis": case.basis, "choice": choice}
        told |= {"answer": answer.plain(), "reason": " ".join(reason.split()), "client": client, "number": number}
        return self.journal.add({**self._head, **told})


class Bench:
    """Where an adjudicator works; the counterpart of :class:`review.coding.desk.Desk`.

    The two answers are shown without names, in an order that changes from case to case.

    Parameters
    ----------
    pair : Pair
        At least one case.
    file : Decided, optional
        Without it the cases are shown for a look, and nothing is saved.
    decisions : mapping, optional
        What is decided already, for a look.
    """

    def __init__(self, pair: Pair, file: Decided | None = None, decisions: Decisions | None = None) -> None:
        self.pair, self.file, self.cases = pair, file, pair.cases
        self._looked: Decisions = dict(decisions or {})
        self.position = self._open_from(0)
        self.finished = not pair.left(self.decisions)

    @property
    def decisions(self) -> Decisions:
        """The decisions so far."""
        return self._looked if self.file is None else self.file.decisions

    def about(self) -> dict[str, Any]:
        """Return what the page has to know once."""
        name = "" if self.file is None else self.file.adjudicator
        store = f"adjudication:{'+'.join(self.pair.coders)}:{name}"
        known = vocabulary(self.pair.task, store)
        known["longest"]["reason"] = LONGEST
        return {"adjudicator": name, "total": len(self.cases), **known}

    def view(self) -> dict[str, Any]:
        """Return what the page shows now: one case."""
        case, decision = self.cases[self.position], self._decision(self.position)
        dimension = self.pair.task.dimensions[case.dimension]
        left = len(self.pair.left(self.decisions))
        held = {"choice": "", "answer": self._draft(case).plain(), "reason": ""}
        if decision is not None:
            choice = THIRD if decision.choice == THIRD else str(self._turned(case, decision.choice))
            held = {"choice": choice, "answer": decision.answer.plain(), "reason": decision.reason}
            if choice != THIRD:
                held["answer"] = self._draft(case).plain()
        given = [case.first.plain(), case.second.plain()]
        line = {} if self.file is None else self.file.lines.get((case.study, case.dimension), {})
        return {
            "position": self.position,
            "basis": case.basis,
            "finished": self.finished,
            "settled": len(self.cases) - left,
            "study": shown(self.pair.task, case.study),
            "dimension": dimension.name,
            "labels": list(case.labels),
            "answers": given[::-1] if self._swapped(case) else given,
            "held": held,
            "sequence": line.get("sequence", 0),
        }

    def receive(self, message: Any) -> dict[str, Any]:
        """Take a message of the page and return the answer to it, as :meth:`review.coding.desk.Desk.receive` does.

        ``decide`` has the ``basis`` of the case, ``choice`` ("0" or "1": the answer at that place of the view, or ``third``),
        ``answer`` (of ``third``) and ``reason``; ``go`` has ``step``.
        """
        return respond(message, {"decide": self._save, "go": self._go})

    def _go(self, message: Mapping[str, Any]) -> dict[str, Any]:
        if self.finished:
            self.finished = False
        else:
            self.position = min(max(self.position + (1 if message.get("step") == 1 else -1), 0), len(self.cases) - 1)
        return {"type": MOVED}

    def _save(self, message: Mapping[str, Any]) -> dict[str, Any]:
        client, number = numbered(message)
        position = next((place for place, case in enumerate(self.cases) if case.basis == message.get("basis")), None)
        if position is None:
            raise ReviewError("these two answers are not there any longer -> run the cells again")
        case = self.cases[position]
        decision = self._read(case, message)
        if self.file is None:
            self._looked[case.study, case.dimension] = decision
            self._go_on(position)
            return {"type": KEPT}
        line = self.file.lines.get((case.study, case.dimension))
        if message.get("resent") and line is not None and line["sequence"] > int(message.get("base") or 0):
            return {"type": SUPERSEDED, "sequence": line["sequence"]}
        line = self.file.decide(case, decision.choice, decision.answer, decision.reason, client, number)
        self._go_on(position)
        return {"type": SAVED, "sequence": line["sequence"]}

    def _read(self, case: Case, message: Mapping[str, Any]) -> Decision:
        choice, reason = str(message.get("choice")), message.get("reason")
        if choice not in ("0", "1", THIRD):
            raise ReviewError("no answer is chosen -> choose one of the two, or write another one")
        if not isinstance(reason, str) or not reason.strip() or len(reason) > LONGEST:
            raise ReviewError(f"the decision has no reason -> write one, of at most {LONGEST} characters")
        side = THIRD if choice == THIRD else (FIRST, SECOND)[int(choice) ^ self._swapped(case)]
        dimension = self.pair.task.dimensions[case.dimension]
        answer = {FIRST: case.first, SECOND: case.second}.get(side) or parse(dimension, message.get("answer"))
        if missing := answer.missing():
            raise ReviewError(f"the answer is not complete -> {'; '.join(missing)}")
        name = "" if self.file is None else self.file.adjudicator
        return Decision(case.basis, name, side, answer, reason)

    def _swapped(self, case: Case) -> bool:
        """Tell whether the second coder's answer is shown first: by the digest of the case."""
        return bool(int(case.basis[0], 16) & 1)

    def _turned(self, case: Case, side: str) -> int:
        return (FIRST, SECOND).index(side) ^ self._swapped(case)

    def _draft(self, case: Case) -> Answer:
        """Return what a third answer starts from: the labels about which both say the same."""
        dimension = self.pair.task.dimensions[case.dimension]
        if dimension.exclusive:
            return EMPTY
        same = [code for code in dimension.categories if code not in case.labels]
        states = {code: says(dimension, code, case.first) for code in same}
        explicit = {**case.first.labels, **case.second.labels}
        return Answer({code: state for code, state in states.items() if state == YES or (state == NO and code in explicit)})

    def _decision(self, position: int) -> Decision | None:
        case = self.cases[position]
        decision = self.decisions.get((case.study, case.dimension))
        return decision if decision is not None and decision.basis == case.basis else None

    def _open_from(self, start: int) -> int:
        places = [*range(start, len(self.cases)), *range(min(start, len(self.cases)))]
        return next((place for place in places if self._decision(place) is None), len(self.cases) - 1)

    def _go_on(self, position: int) -> None:
        self.finished = not self.pair.left(self.decisions)
        if not self.finished:
            self.position = self._open_from(position + 1)


def _gather(task: Task, lines: list[Line]) -> Decisions:
    found: Decisions = {}
    for line in lines:
        answer = parse(task.dimensions[line["dimension"]], line["answer"])
        decision = Decision(line["basis"], line["adjudicator"], line["choice"], answer, line["reason"])
        found[line["study"], line["dimension"]] = decision
    return found


def _judge(task: Task, coders: tuple[str, str]) -> Any:
    """Return the function that tells what is wrong with a line of the file."""

    def fault(line: Line) -> str:
        if line.get("format") != FORMAT or set(line) != _PARTS:
            return f"this is no line of the format {FORMAT}"
        if line["task"] != task.digest or line["coders"] != list(coders):
            return "the line belongs to another task, or to other coders"
        if line["study"] not in list(task.by_key) or line["dimension"] not in list(task.dimensions):
            return f"there is no {line['dimension']!r} of {line['study']!r} in the task"
        if line["choice"] not in CHOICES or not isinstance(line["basis"], str) or not str(line["reason"]).strip():
            return "the decision has no choice, basis or reason"
        try:
            names.check(str(line["adjudicator"]))
            return "; ".join(parse(task.dimensions[line["dimension"]], line["answer"]).missing())
        except ReviewError as error:
            return str(error).split(" -> ")[0]

    return fault
