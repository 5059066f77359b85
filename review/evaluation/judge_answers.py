"""What a judge was shown and what it answered, as a record that can be written, read and analysed again."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review import strict_json
from review.errors import InputError, OptionError, Problem
from review.evaluation.rubric import HIGH, LOW, REAL, SYNTHETIC, Criterion
from review.files import read_text, write_text

FORMAT = "synthetic-data-review/judgements/1"
PLANTED, INJECTED = "planted", "injected"
ROLES = (REAL, SYNTHETIC, PLANTED, INJECTED)
SCORE, PAIR = "score", "pair"
BETTER, GENUINE = "better", "real"
"""The two questions about a pair: which item is better, and which one is real."""

MOST_REPEATS = 1_000
REMEDY = "ask the judge again"


@dataclass(frozen=True)
class Item:
    """One item that is judged.

    Attributes
    ----------
    id : str
        That of :class:`review.evaluation.rating.Item`; with what was done to it for items that were made.
    role : str
        One of :data:`ROLES`.
    text : str
        What the judge is shown.
    origin : str
        Id of the item it was made from.
    kind : str
        What was done to it.
    """

    id: str
    role: str
    text: str
    origin: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Answer:
    """One answer of the judge.

    Attributes
    ----------
    ask : {"score", "pair"}
    items : tuple of str
        Ids in the order in which they were shown.
    repeat, seed : int
    descending : bool
        Whether the levels were written from the last to the first.
    prompt, raw, finish : str
        What was sent, what came back as it is, and why the answer ended.
    parsed : mapping or None
        Criterion -> level, or question -> id of the chosen item; None for an answer that cannot be used.
    reason : str
        Why it cannot be used.
    """

    ask: str
    items: tuple[str, ...]
    repeat: int
    seed: int
    descending: bool
    prompt: str
    raw: str
    finish: str
    parsed: Mapping[str, Any] | None
    reason: str = ""


@dataclass(frozen=True)
class Judgements:
    """Everything one judge answered.

    Attributes
    ----------
    model : mapping
        Identity of the model; of a local file also its SHA-256.
    settings : mapping
        Seed, repeats, temperature, digest of the prompts.
    criteria : tuple of Criterion
    items : tuple of Item
    answers : tuple of Answer
    """

    model: Mapping[str, str]
    settings: Mapping[str, Any]
    criteria: tuple[Criterion, ...]
    items: tuple[Item, ...]
    answers: tuple[Answer, ...]

    def of(self, role: str) -> tuple[Item, ...]:
        """Return the items of a role."""
        return tuple(item for item in self.items if item.role == role)

    def asked(self, ask: str) -> tuple[Answer, ...]:
        """Return the answers of a kind, also those that cannot be used."""
        return tuple(answer for answer in self.answers if answer.ask == ask)

    def scores(self, descending: bool | None = None) -> NDArray[np.float64]:
        """Return the levels: items, criteria and repeats; NaN where there is no usable answer.

        Parameters
        ----------
        descending : bool, optional
            Only those for which the levels were written in this direction.
        """
        asked = self.asked(SCORE)
        places = {item.id: place for place, item in enumerate(self.items)}
        repeats = max((answer.repeat for answer in asked), default=-1) + 1
        found = np.full((len(self.items), len(self.criteria), repeats), np.nan)
        for answer in asked:
            if answer.parsed is not None and descending in (None, answer.descending):
                found[places[answer.items[0]], :, answer.repeat] = [answer.parsed[one.name] for one in self.criteria]
        return found

    def quality(self, descending: bool | None = None) -> NDArray[np.float64]:
        """Return :meth:`scores` from 0 (the worst level) to 1 (the best one), whichever end of a criterion is the good one."""
        scores = self.scores(descending)
        for place, one in enumerate(self.criteria):
            share = (scores[:, place] - 1) / (len(one.levels) - 1)
            scores[:, place] = share if one.better == HIGH else 1 - share
        return scores

    def write(self, path: Path) -> None:
        """Write a JSON line for the judge, each item and each answer."""
        head = {"format": FORMAT, "model": dict(self.model), "settings": dict(self.settings)}
        criteria = [asdict(one) for one in self.criteria]
        rows: list[dict[str, Any]] = [{**head, "criteria": criteria, "items": len(self.items), "answers": len(self.answers)}]
        rows += [asdict(item) for item in self.items] + [asdict(answer) for answer in self.answers]
        write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))

    @classmethod
    def read(cls, path: Path) -> Judgements:
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If the file is not such a file, or is not whole.
        """
        lines = read_text(path).rstrip("\n").split("\n")
        number = 1
        try:
            head = strict_json.parse(str(path), lines[0], REMEDY, 1)
            if head["format"] != FORMAT or head["items"] + head["answers"] != len(lines) - 1:
                raise ValueError
            rows: list[Item | Answer] = []
            for number, line in enumerate(lines[1:], 2):
                row = strict_json.parse(str(path), line, REMEDY, number)
                rows.append(Item(**row) if number <= head["items"] + 1 else Answer(**{**row, "items": tuple(row["items"])}))
            number = 1
            criteria = tuple(Criterion(**{**one, "levels": tuple(one["levels"])}) for one in head["criteria"])
            model, settings = dict(head["model"]), dict(head["settings"])
            if not all(map(_is_criterion, criteria)):
                raise ValueError
            items = tuple(row for row in rows if isinstance(row, Item))
            known = {item.id for item in items}
            sound = [_is_item(row) if isinstance(row, Item) else _is_answer(row, known, criteria) for row in rows]
            if not all(sound):
                number = 2 + sound.index(False)
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            problem = Problem(str(path), number, None, "this is not a whole file of judgements", REMEDY)
            raise InputError([problem]) from None
        return cls(model, settings, criteria, items, tuple(row for row in rows if isinstance(row, Answer)))


def _is_criterion(one: Criterion) -> bool:
    texts = (one.name, one.title, one.question, *one.levels)
    return all(isinstance(text, str) for text in texts) and len(one.levels) >= 2 and one.better in (HIGH, LOW)


def _is_item(item: Item) -> bool:
    return all(isinstance(value, str) for value in asdict(item).values())


def _is_answer(answer: Answer, known: Container[str], criteria: Sequence[Criterion]) -> bool:
    """Tell whether an answer is about items that are there, and says a level of every criterion if it is one about scores."""
    sound = bool(answer.items) and all(isinstance(one, str) and one in known for one in answer.items)
    sound = sound and type(answer.repeat) is int and 0 <= answer.repeat < MOST_REPEATS and type(answer.seed) is int
    sound = sound and isinstance(answer.descending, bool) and answer.ask in (SCORE, PAIR)
    sound = sound and all(isinstance(text, str) for text in (answer.prompt, answer.raw, answer.finish, answer.reason))
    if not sound or answer.parsed is None:
        return sound
    said = answer.parsed
    if not isinstance(said, dict):
        return False
    if answer.ask == SCORE:
        return all(type(said.get(one.name)) is int and 1 <= said[one.name] <= len(one.levels) for one in criteria)
    return set(said) == {BETTER, GENUINE} and all(value in answer.items for value in said.values())


def criteria_of(given: Iterable[Any]) -> tuple[Criterion, ...]:
    """Return criteria from those of a rubric, or from triples: name, question, and a mapping of 1, 2, ... to words.

    Raises
    ------
    OptionError
        If there is none, two have one name, or levels are missing.
    """
    found = []
    for one in given:
        if isinstance(one, Criterion):
            found.append(one)
            continue
        name, question, anchors = one if isinstance(one, tuple | list) else (one.name, one.question, one.anchors)
        levels = sorted(anchors)
        if len(levels) < 2 or levels != list(range(1, len(levels) + 1)):
            raise OptionError(
                f"the criterion {name!r} has words for {levels} -> give words for each level from 1 on, two or more"
            )
        found.append(Criterion(name, name, question, HIGH, tuple(anchors[at] for at in levels)))
    names = [one.name for one in found]
    if not names or len(set(names)) < len(names):
        raise OptionError(f"the criteria are {names} -> give one or more, each with a name of its own")
    return tuple(found)
