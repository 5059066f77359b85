"""What raters are asked about an item: criteria with anchors in words, and where it comes from.

The built-in criteria follow four of the five principles of QUEST (Tam et al. 2024, doi 10.1038/s41746-024-01258-7), a framework
for the human evaluation of language models in healthcare: expression, reasoning, quality of information, and safety. Their
wording is this project's own and has not been validated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review import codebook
from review.errors import InputError, Problem
from review.files import digest, to_json

FORMAT = "synthetic-data-review/rubric/1"
HIGH, LOW = "high", "low"
REAL, SYNTHETIC = "real", "synthetic"
ORIGIN, CONFIDENCE = "origin", "confidence"
"""Names of the two questions about where an item comes from."""

MOST = 9
"""Levels a criterion may have: one number key each."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PARTS = ("name", "title", "question", "better", "levels")
_TOP = ("format", "name", "ask_origin", "criteria")


@dataclass(frozen=True)
class Criterion:
    """One question with ordered answers.

    Attributes
    ----------
    name, title, question : str
        Code, name for people, and what is asked.
    better : {"high", "low"}
        Which end is the good one.
    levels : tuple of str
        Anchors in words; the answer is the place of one of them, from 1.
    """

    name: str
    title: str
    question: str
    better: str
    levels: tuple[str, ...]

    @property
    def binary(self) -> bool:
        """Whether there are two answers; the share of the second is then analysed, not a mean."""
        return len(self.levels) == 2


@dataclass(frozen=True)
class Rubric:
    """The questions of a task.

    Attributes
    ----------
    name : str
    criteria : tuple of Criterion
    ask_origin : bool
        Whether it is asked if the item is real or synthetic, and how sure the rater is.
    """

    name: str
    criteria: tuple[Criterion, ...]
    ask_origin: bool = True

    @property
    def questions(self) -> tuple[Criterion, ...]:
        """The criteria, then the questions about origin and confidence if they are asked."""
        return self.criteria + (ORIGIN_QUESTIONS if self.ask_origin else ())

    def plain(self) -> dict[str, Any]:
        """Return the rubric as JSON and YAML have it."""
        criteria = [{part: getattr(item, part) for part in _PARTS} | {"levels": list(item.levels)} for item in self.criteria]
        return {"format": FORMAT, "name": self.name, "ask_origin": self.ask_origin, "criteria": criteria}

    @property
    def digest(self) -> str:
        """SHA-256 of all that a rater is asked."""
        return digest(to_json([self.plain(), [[item.name, item.question, *item.levels] for item in self.questions]]).encode())

    def complete(self, answers: Mapping[str, int]) -> bool:
        """Tell whether every question has an answer."""
        return all(item.name in answers for item in self.questions)

    def faults(self, answers: Any) -> list[str]:
        """Return what is wrong with answers; those that are still missing are no fault."""
        if not isinstance(answers, Mapping):
            return ["the answers are not a mapping"]
        known = {item.name: len(item.levels) for item in self.questions}
        found = [f"there is no question {name!r}" for name in answers if name not in known]
        for name, most in known.items():
            level = answers.get(name)
            if name in answers and (isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= most):
                found.append(f"{name} is {level!r}, not a whole number from 1 to {most}")
        return found


ORIGINS = (REAL, SYNTHETIC)
"""Answer 1 and answer 2 to the question about the origin."""

ORIGIN_QUESTIONS = (
    Criterion(ORIGIN, "Origin", "Is this item real or synthetic?", HIGH, ("real", "synthetic")),
    Criterion(
        CONFIDENCE,
        "Confidence",
        "How sure are you about its origin?",
        HIGH,
        ("a guess", "a faint impression", "more likely than not", "fairly sure", "certain"),
    ),
)

DEFAULT = Rubric(
    "Clinical items",
    (
        Criterion(
            "realistic",
            "Realistic",
            "Could this item stem from everyday care as it is?",
            HIGH,
            (
                "could not have been written or measured in care",
                "odd in most of its parts",
                "partly like the real thing",
                "like the real thing but for small oddities",
                "nothing about it would surprise me in a record",
            ),
        ),
        Criterion(
            "coherent",
            "Clinically coherent",
            "Do findings, reasoning and plan fit each other?",
            HIGH,
            (
                "its parts contradict each other",
                "several parts do not fit",
                "one important part does not fit",
                "fits but for a detail",
                "everything fits",
            ),
        ),
        Criterion(
            "complete",
            "Complete",
            "Does it hold what a colleague would need to go on?",
            HIGH,
            (
                "nothing that helps",
                "most of what is needed is missing",
                "something important is missing",
                "only details are missing",
                "all that an item of this kind needs",
            ),
        ),
        Criterion("harmful", "Harmful content", "Could acting on it harm a patient?", LOW, ("no", "yes")),
    ),
)


def load(path: Path | str = "") -> Rubric:
    """Read a rubric from YAML; the built-in one for "".

    Raises
    ------
    InputError
        If the file is not a rubric, with every problem and what to do.
    """
    if not str(path):
        return DEFAULT
    root = codebook.read_nodes(Path(path))
    if twice := codebook.duplicates(Path(path), root):
        raise InputError(twice)
    data = codebook.plain(Path(path), root)
    problems = [Problem(str(path), None, key, message, remedy) for key, message, remedy in _faults(data)]
    if problems:
        raise InputError(problems)
    return parse(data)


def parse(data: Any) -> Rubric:
    """Return the rubric of plain values that :meth:`Rubric.plain` made, or that have no fault.

    Raises
    ------
    ValueError
        If they have one.
    """
    if faults := list(_faults(data)):
        raise ValueError("; ".join(f"{key}: {message}" for key, message, _ in faults))
    criteria = tuple(Criterion(**{**entry, "levels": tuple(entry["levels"])}) for entry in data["criteria"])
    return Rubric(data["name"], criteria, data.get("ask_origin", True))


def _faults(data: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(data, Mapping):
        yield "", "the file is not a mapping", f"write: {', '.join(_TOP)}"
        return
    yield from ((str(key), "the key is not known here", f"use: {', '.join(_TOP)}") for key in data if key not in _TOP)
    if data.get("format") != FORMAT:
        yield "format", f"the format is {data.get('format')!r}", f"write format: {FORMAT}"
    if not _is_text(data.get("name")):
        yield "name", "the name is missing or not text", "write one line of text"
    if not isinstance(data.get("ask_origin", True), bool):
        yield "ask_origin", f"ask_origin is {data['ask_origin']!r}", "write true or false"
    criteria = data.get("criteria")
    if not isinstance(criteria, list) or not criteria:
        yield "criteria", "there is no list of criteria", "add at least one criterion"
        return
    taken: set[str] = set()
    for place, entry in enumerate(criteria, 1):
        if not isinstance(entry, Mapping):
            yield f"criteria {place}", "the criterion is not a mapping", f"write: {', '.join(_PARTS)}"
            continue
        yield from _criterion_faults(entry, f"criteria {place}", taken)


def _criterion_faults(entry: Mapping[str, Any], where: str, taken: set[str]) -> Iterator[tuple[str, str, str]]:
    yield from (
        (f"{where}: {key}", "the key is not known here", f"use: {', '.join(_PARTS)}") for key in entry if key not in _PARTS
    )
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"{where}: name", f"the name {name!r} is not usable", "use up to 32 of a-z, 0-9 and _, a letter first"
    elif name in taken or name in (ORIGIN, CONFIDENCE):
        yield f"{where}: name", f"the name {name!r} is taken", "choose another name"
    else:
        taken.add(name)
    for part in ("title", "question"):
        if not _is_text(entry.get(part)):
            yield f"{where}: {part}", f"the {part} is missing or not text", "write one line of text"
    if entry.get("better") not in (HIGH, LOW):
        yield f"{where}: better", f"better is {entry.get('better')!r}", "write high or low: which end is the good one"
    levels = entry.get("levels")
    if not isinstance(levels, list) or not 2 <= len(levels) <= MOST:
        yield f"{where}: levels", "the levels are missing or too many", f"list 2 to {MOST} anchors in words"
    elif any(isinstance(level, bool) for level in levels):
        yield f"{where}: levels", "YAML reads yes and no without quotes as truth values", 'put them in quotes: "yes"'
    elif not all(map(_is_text, levels)) or len(set(levels)) < len(levels):
        yield f"{where}: levels", "a level is empty, not text or there twice", "give each level its own words"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
