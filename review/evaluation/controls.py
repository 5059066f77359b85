"""Data sets whose grades are known beforehand: they show whether a report card can tell good from bad.

All of them stand beside the same half of the real items. A fresh half is what perfect data would be; a copy keeps every
distribution and every secret; shuffled columns keep each column and no relation between them; noise keeps nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from review.errors import OptionError, UnknownNameError
from review.evaluation.inputs import CLASS, NUMBER, SEQUENCE, TEXT, Pair

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.card import Card
    from review.evaluation.inputs import Choices
    from review.evaluation.metrics import Settings

FRESH, COPY, SHUFFLED, NOISE = "fresh half", "bootstrap copy", "shuffled", "noise"
CONTROLS: Mapping[str, str] = {
    FRESH: "the other half of the real items: it should pass everything",
    COPY: "real items drawn with replacement: it should pass fidelity and fail privacy",
    SHUFFLED: "each column in another order, the words of each text as well: it should fail what looks at relations or order",
    NOISE: "numbers and classes drawn evenly from a wide range, words of random letters: it should fail fidelity",
}
"""Control -> what it is, and what a card should say of it."""


def make(pair: Pair, control: str, seed: int = 0) -> Pair:
    """Return a pair of half of the real items and a control in the place of the synthetic ones.

    Parameters
    ----------
    pair : Pair
        Its synthetic items are not used.
    control : str
        One of :data:`CONTROLS`.
    seed : int

    Raises
    ------
    UnknownNameError
        If there is no such control.
    """
    if control not in CONTROLS:
        raise UnknownNameError("control", control, tuple(CONTROLS))
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(pair.real))
    half = len(order) - len(order) // 2
    real = pair.real.iloc[order[:half]].reset_index(drop=True)
    other = pair.real.iloc[order[half:]].reset_index(drop=True)
    made = {FRESH: lambda: other, COPY: lambda: _copy(real, len(other), draw)}.get(control)
    table = made() if made else _columns(pair, real, len(other), draw, noise=control == NOISE)
    notes = (*pair.notes, f"control: {control}, {CONTROLS[control]}")
    return dataclasses.replace(pair, real=real, synthetic=table, notes=notes, accepted=None, hashes=())


def _copy(real: pd.DataFrame, count: int, draw: np.random.Generator) -> pd.DataFrame:
    return real.iloc[draw.integers(len(real), size=count)].reset_index(drop=True)


def _columns(pair: Pair, real: pd.DataFrame, count: int, draw: np.random.Generator, *, noise: bool) -> pd.DataFrame:
    """Return a table whose columns have nothing to do with each other."""
    import pandas as pd

    held = {}
    for column in pair.columns:
        values = real[column.name].iloc[draw.permutation(len(real))[:count]].reset_index(drop=True)
        if column.kind == TEXT:
            values = values.map(lambda text: _words(text, draw, noise=noise)).astype("str")
        elif noise:
            values = {NUMBER: _even, CLASS: _any_level, SEQUENCE: _jitter}[column.kind](values, draw)
        held[column.name] = values
    return pd.DataFrame(held)


def _words(text: str, draw: np.random.Generator, *, noise: bool) -> str:
    """Return the words of a text in another order, or as many words of random letters."""
    words = text.split()
    if not noise:
        return " ".join(words[place] for place in draw.permutation(len(words)))
    return " ".join("".join(chr(97 + int(code)) for code in draw.integers(26, size=max(len(word), 1))) for word in words)


def _even(values: pd.Series, draw: np.random.Generator) -> pd.Series:
    """Return numbers drawn evenly from three times the range."""
    import pandas as pd

    low, high = float(values.min()), float(values.max())
    return pd.Series(draw.uniform(low - (high - low), high + (high - low), size=len(values)))


def _any_level(values: pd.Series, draw: np.random.Generator) -> pd.Series:
    import pandas as pd

    levels = values.cat.categories
    return pd.Series(pd.Categorical.from_codes(draw.integers(len(levels), size=len(values)), categories=levels))


def _jitter(values: pd.Series, draw: np.random.Generator) -> pd.Series:
    """Return sequences of the same lengths, drawn evenly from the range of each."""
    import pandas as pd

    return pd.Series([list(draw.uniform(min(held), max(held), size=len(held))) for held in values])


def example(seed: int = 0) -> Pair:
    """Return a pair to try the card on: a real table, and rows whose columns were each drawn alone.

    The table is the breast-cancer data that scikit-learn ships, eight columns of it; 30 % of its rows are held out. Drawing
    each column alone is the simplest generator that there is: it knows every column and no relation.

    Raises
    ------
    MissingExtraError
        If the libraries of the extra ``evaluate`` are not installed.
    """
    from review.evaluation.inputs import Choices, from_frames
    from review.generators import tables

    table = tables.load("breast-cancer")
    train, held = table.split(seed)
    draw = np.random.default_rng(seed)
    alone = train.copy()
    for name in alone.columns:
        alone[name] = train[name].to_numpy()[draw.integers(len(train), size=len(train))]
    choices = Choices("tabular", label=table.target, classes=(table.target,))
    pair = from_frames(train, alone, held, choices)
    notes = (f"real items here: {table.title}, {table.source}", "synthetic items here: each column drawn alone", *pair.notes)
    return dataclasses.replace(pair, notes=notes)


def given_or_example(real: str, synthetic: str, holdout: str = "", choices: Choices | None = None, seed: int = 0) -> Pair:
    """Return the pair of the files that are named, or :func:`example` if none is.

    Raises
    ------
    OptionError
        If only one of the two is named.
    """
    from pathlib import Path

    from review.evaluation import inputs

    if bool(real) != bool(synthetic) or (holdout and not real):
        raise OptionError("only a part of the data is named -> give real and synthetic, or neither for the example")
    if not real:
        return example(seed)
    return inputs.load(Path(real), Path(synthetic), Path(holdout) if holdout else None, choices)


def grades(pair: Pair, card: Card, settings: Settings) -> pd.DataFrame:
    """Return the grades of a card beside those of every control of the same real items.

    Families that need people or a language model are left out: no control was rated.

    Returns
    -------
    DataFrame
        ``series, family, aspect, grade, reason``; the series are ``synthetic`` and :data:`CONTROLS`.
    """
    import pandas as pd

    from review import evaluation

    cards = {"synthetic": card}
    cards |= {name: evaluation.evaluate(make(pair, name, settings.seed), settings) for name in CONTROLS}
    rows = [
        (name, grade.family, grade.aspect, grade.grade, grade.reason)
        for name, one in cards.items()
        for grade in one.grades
        if grade.family not in ("human", "llm")
    ]
    return pd.DataFrame(rows, columns=["series", "family", "aspect", "grade", "reason"])
