"""What a judge was shown and what it answered, as a record that can be written, read and analysed again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review.errors import InputError, OptionError, Problem
from review.evaluation.rubric import HIGH, REAL, SYNTHETIC, Criterion
from review.files import read_text, write_text

FORMAT = "synthetic-data-review/judgements/1"
PLANTED, INJECTED = "planted", "injected"
ROLES = (REAL, SYNTHETIC, PLANTED, INJECTED)
SCORE, PAIR = "score", "pair"
BETTER, GENUINE = "better", "real"
"""The two questions about a pair: which item is better, and which one is real."""


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
            head = json.loads(lines[0])
            if head["format"] != FORMAT or head["items"] + head["answers"] != len(lines) - 1:
                raise ValueError
            rows: list[Item | Answer] = []
            for number, line in enumerate(lines[1:], 2):
                row = json.loads(line)
                rows.append(Item(**row) if number <= head["items"] + 1 else Answer(**{**row, "items": tuple(row["items"])}))
            number = 1
            criteria = tuple(Criterion(**{**one, "levels": tuple(one["levels"])}) for one in head["criteria"])
            model, settings = dict(head["model"]), dict(head["settings"])
        except (ValueError, KeyError, TypeError, AttributeError):
            problem = Problem(str(path), number, None, "this is not a whole file of judgements", "ask the judge again")
            raise InputError([problem]) from None
        items = tuple(row for row in rows if isinstance(row, Item))
        return cls(model, settings, criteria, items, tuple(row for row in rows if isinstance(row, Answer)))


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
