"""Two coders side by side: what they agree on, what they do not, and how a third person settled that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from review.coding.answers import Answer, common, differing
from review.coding.codes import Codes
from review.coding.task import Task
from review.errors import OptionError
from review.files import digest, to_json

THIRD = "third"
"""Choice of an adjudicator who takes neither of two answers; no coder's name, as the choice names a side."""

FIRST, SECOND = "first", "second"
CHOICES = (FIRST, SECOND, THIRD)


@dataclass(frozen=True)
class Case:
    """One question that two coders answered differently.

    Attributes
    ----------
    study, dimension : str
    first, second : Answer
        Of the first and the second coder of the pair.
    labels : tuple of str
        The labels they differ on; ("",) in a single-label dimension.
    """

    study: str
    dimension: str
    first: Answer
    second: Answer
    labels: tuple[str, ...]

    @property
    def basis(self) -> str:
        """Digest of the two answers: a decision about others does not count."""
        return digest(to_json([self.study, self.dimension, self.first.plain(), self.second.plain()]).encode())


@dataclass(frozen=True)
class Decision:
    """How one case was settled.

    Attributes
    ----------
    basis : str
        See :attr:`Case.basis`.
    adjudicator : str
        Name of the person who decided.
    choice : {"first", "second", "third"}
        Whose answer is right.
    answer : Answer
        The answer that counts.
    reason : str
    """

    basis: str
    adjudicator: str
    choice: str
    answer: Answer
    reason: str


@dataclass(frozen=True)
class Pair:
    """Two coders of one task, over the studies that both have finished."""

    task: Task
    first: Codes
    second: Codes

    @property
    def coders(self) -> tuple[str, str]:
        """Their names."""
        return self.first.coder, self.second.coder

    @property
    def studies(self) -> tuple[str, ...]:
        """Keys of the studies that both have finished, in the order of the task."""
        return tuple(key for key in self.first.finished_studies if self.second.finished(key))

    def answers(self) -> Iterator[tuple[str, str, Answer, Answer]]:
        """Yield study, dimension and both answers, study by study."""
        for key in self.studies:
            for name in self.task.dimensions:
                yield key, name, self.first.answer(key, name), self.second.answer(key, name)

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every disagreement."""
        found = []
        for key, name, one, two in self.answers():
            if labels := differing(self.task.dimensions[name], one, two):
                found.append(Case(key, name, one, two, labels))
        return tuple(found)

    def settled(self, decisions: Mapping[tuple[str, str], Decision]) -> dict[str, dict[str, tuple[Answer, str]]]:
        """Return the studies of which every question is settled.

        Parameters
        ----------
        decisions : mapping of (str, str) to Decision
            By study and dimension; those about other answers do not count.

        Returns
        -------
        dict
            Study -> dimension -> the answer that counts, and the rule by which it does.
        """
        found: dict[str, dict[str, tuple[Answer, str]]] = {key: {} for key in self.studies}
        for key, name, one, two in self.answers():
            same = common(self.task.dimensions[name], one, two)
            if same is not None:
                found[key][name] = same, f"both coders: {', '.join(self.coders)}"
                continue
            decision = decisions.get((key, name))
            case = Case(key, name, one, two, ())
            if decision is not None and decision.basis == case.basis:
                found[key][name] = decision.answer, f"adjudicated by {decision.adjudicator}: {decision.reason}"
        every = set(self.task.dimensions)
        return {key: held for key, held in found.items() if set(held) == every}

    def left(self, decisions: Mapping[tuple[str, str], Decision]) -> tuple[Case, ...]:
        """Return the cases that nobody has settled, or of which an answer was changed since."""
        found = ((case, decisions.get((case.study, case.dimension))) for case in self.cases)
        return tuple(case for case, decision in found if decision is None or decision.basis != case.basis)


def choose(coders: Mapping[str, Codes], task: Task, first: str = "", second: str = "") -> Pair | None:
    """Return the two coders who are compared, by name: those given, or the only two who finished a study.

    Returns
    -------
    Pair or None
        None if nobody is named, and fewer than two have finished a study.

    Raises
    ------
    OptionError
        If only one is named, one is not there, or more than two could be meant.
    """
    ready = [name for name, codes in coders.items() if codes.finished_studies]
    if bool(first) != bool(second) or (first and first == second):
        raise OptionError("one coder is named -> name two different ones, or none")
    if not first:
        if len(ready) < 2:
            return None
        if len(ready) > 2:
            raise OptionError(f"{len(ready)} coders have finished studies: {', '.join(ready)} -> name two of them")
        first, second = ready
    first, second = sorted((first, second))
    for name in (first, second):
        if name not in coders:
            raise OptionError(f"no coder named {name!r} -> choose among: {', '.join(coders) or 'nobody has coded yet'}")
    return Pair(task, coders[first], coders[second])


def _values(answer: Answer) -> str:
    return "(unknown)" if answer.unknown else "; ".join(answer.coded)


def _labels(task: Task, case: Case) -> str:
    every = case.labels == tuple(task.dimensions[case.dimension].categories)
    return "(all)" if every else "; ".join(case.labels)


def as_rows(pair: Pair, decisions: Mapping[tuple[str, str], Decision]) -> list[dict[str, Any]]:
    """Return every case as a row, in the columns :data:`review.coding.results.CASES`; answers as in ``coding.csv``."""
    left = {(case.study, case.dimension) for case in pair.left(decisions)}
    rows = []
    for case in pair.cases:
        place = case.study, case.dimension
        decision = None if place in left else decisions[place]
        told = {"study": case.study, "dimension": case.dimension, "labels": _labels(pair.task, case)}
        told |= {"first": pair.coders[0], "answer_1": _values(case.first), "evidence_1": case.first.evidence}
        told |= {"second": pair.coders[1], "answer_2": _values(case.second), "evidence_2": case.second.evidence}
        told |= {"state": "open" if decision is None else "settled"}
        if decision is None:
            rows.append(told | {"settled": "", "adjudicator": "", "reason": ""})
            continue
        told |= {"settled": _values(decision.answer)}
        rows.append(told | {"adjudicator": decision.adjudicator, "reason": decision.reason})
    return rows
