"""Do the two parts of an item belong together? Each comparison is made with the true partners and with exchanged ones.

Whatever is alike in all items, such as words that every report has, counts for nothing: only what is lost when the parts are
exchanged counts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from review.evaluation import baseline, paired_reports, paired_signals
from review.evaluation.baseline import Indices
from review.evaluation.metrics import HIGHER, NOT_ASSESSABLE, Metric, Section, Settings, Value, grade
from review.evaluation.tabular_arrays import one_thread
from review.evaluation.text_words import Once, cut, scaled, to_values, weights

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from review.evaluation.inputs import Pair

ASPECT = "agreement"
MOST = 300
"""Items of a part at a time."""

SHIFTS = 5
"""Exchanges that are averaged: each item gets the part of the one that is 1, 2, ... places further."""

PENALTY = 1.0
"""Of ridge regression; rows of TF-IDF weights have length 1."""

_RIDGE = "ridge regression, Hoerl and Kennard 1970, doi 10.1080/00401706.1970.10488634"
_SCORE = "on TF-IDF weights of words; score: Spearman correlation for numbers, share of classes that are right"
_BLIND = "It sees what words give away of a column over many items: a single wrong pair is lost among them."
METRICS: tuple[Metric, ...] = (
    Metric("agreement_gap", "What is lost by exchanging the parts", "intrinsic", ASPECT, -2, 2, HIGHER,
           f"defined here: score with the true part minus score with an exchanged one; {_RIDGE}, {_SCORE}",
           "Whether text and column of an item belong together as in real items.", _BLIND),
    Metric("agreement_score", "Column predicted from the text", "intrinsic", ASPECT, -1, 1, HIGHER,
           f"defined here: {_RIDGE}, learnt from the reference part, {_SCORE}",
           "How well words predict the column in pairs as they are.", _BLIND),
    Metric("partner_auc", "True partner nearer than others", "intrinsic", ASPECT, 0, 1, HIGHER,
           "AUC, Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747, of the cosine of TF-IDF weights",
           "Whether a text is nearer to its own partner than to those of other items: 0.5 is what exchanged partners get.",
           "Partners can belong together without a common word, and share words without belonging together."),
    *paired_reports.METRICS,
    *paired_signals.METRICS,
)  # fmt: skip


def learn(held: Any, targets: NDArray[np.float64], part: Any) -> NDArray[np.float64]:
    """Return what a ridge regression predicts for another part.

    Parameters
    ----------
    held, part : sparse matrices (items, words)
        Features of the items to learn from, and of those to predict.
    targets : array (items of held, targets)
    """
    middle = targets.mean(axis=0)
    kernel = (held @ held.T).toarray()
    kernel[np.diag_indices_from(kernel)] += PENALTY
    return np.asarray((part @ held.T) @ np.linalg.solve(kernel, targets - middle) + middle)


def spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the rank correlation; 0 if one does not vary, since it then says nothing of the other."""
    from scipy.stats import rankdata

    ranks = [rankdata(numbers) for numbers in (one, other)]
    centred = [numbers - numbers.mean() for numbers in ranks]
    size = float(np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum()) / size if size else 0.0


def partner_auc(near: NDArray[np.float64]) -> float:
    """Return how often the true partner is nearer than another one, ties counting half.

    Parameters
    ----------
    near : array (items, items)
        Likeness of each text to each partner, the true ones on the diagonal.
    """
    own = np.diag(near)[:, None]
    wins = (own > near).sum() + 0.5 * ((own == near).sum() - len(near))
    return float(wins / (len(near) * (len(near) - 1)))


def measure(pair: Pair, settings: Settings) -> Section:
    """Compare how the parts of synthetic and of real items belong together, and what sequences look like.

    Parameters
    ----------
    pair : Pair
        With a column of text beside numbers, classes, sequences or a second text.
    settings : Settings
    """
    values: list[Value] = []
    if pair.text:
        limited = dataclasses.replace(settings, most=min(settings.most, MOST))
        values += _columns(pair, limited)
        values += _partners(pair, limited)
        if paired_reports.applies(pair):
            values += paired_reports.measure(pair, settings)
    few = "no column beside the text, too few items, or no relation in real items that could be lost"
    grades = [grade("intrinsic", ASPECT, values, few)]
    notes = ["exchanged means: each item has the other part of another item of the same set"]
    size = baseline.sizes(len(pair.real), len(pair.synthetic), settings.most)
    if pair.named("sequence"):
        signals = paired_signals.measure(pair, settings)
        values += signals
        grades.append(grade("intrinsic", paired_signals.ASPECT, signals, "too few items to compare"))
    if size.enough and size.other < baseline.SMALL:
        notes.append(
            f"small sample: {size.reference} and {size.other} items are compared at a time, so only large faults are seen"
        )
    if max(len(pair.real), len(pair.synthetic)) > 2 * MOST:
        notes.append(
            f"agreement: at most {MOST} items at a time, drawn anew in each deal; the interval holds the error of drawing"
        )
    return Section(tuple(values), tuple(grades), tuple(notes))


def _columns(pair: Pair, settings: Settings) -> Iterator[Value]:
    """Compare what is lost for each column when the parts are exchanged."""
    names = pair.named("number", "class")
    reals = len(pair.real)
    if not names or not baseline.sizes(reals, len(pair.synthetic), settings.most).enough:
        return
    texts = cut([str(text) for frame in (pair.real, pair.synthetic) for text in frame[pair.text]], reals)
    bag = texts.bag()
    columns = {name: _coded(pair, name) for name in names}
    recorded: list[Mapping[str, float]] = []

    def known(held: Indices) -> tuple[Any, Any]:
        weight = weights(bag[held])
        return weight, scaled(bag[held], weight)

    reference = Once(known)

    def compared(held: Indices, part: Indices) -> Mapping[str, float]:
        weight, rows = reference(held)
        others = scaled(bag[part], weight)
        found: dict[str, float] = {}
        for name, (values, numeric) in columns.items():
            true, exchanged = _scores(rows, values[held], others, values[part], numeric=numeric)
            found |= {f"agreement_gap:{name}": true - exchanged, f"agreement_score:{name}": true}
        recorded.append(found)
        return found

    with one_thread():
        plain = baseline.compare(compared, texts.real, texts.synthetic, settings, {})
    lost = {name for name, item in plain.items() if name.startswith("agreement_gap") and not item.baseline_low > 0}
    directions = {name: HIGHER for name in plain if name.startswith("agreement_gap") and name not in lost}
    again = iter(recorded)  # the same deals, now with edges for columns that real texts speak of
    found = baseline.compare(lambda *_: next(again), texts.real, texts.synthetic, settings, directions)
    for value in to_values(found, directions):
        if f"{value.metric}:{value.subject}" in lost:
            mute = "in real items, too, the text does not surely say anything of this column"
            few = f"fewer than {baseline.FEWEST} items of a part have a value in this column in some deal"
            note = f"not graded: {few if value.baseline is None else mute}"
            yield dataclasses.replace(value, verdict=NOT_ASSESSABLE, note=note)
        else:
            yield value


def _coded(pair: Pair, name: str) -> tuple[NDArray[np.float64], bool]:
    """Return a column of real, then synthetic items as numbers, NaN where missing; and whether they are numbers."""
    numeric = name in pair.named("number")
    frames = (pair.real, pair.synthetic)
    parts = [frame[name].to_numpy(dtype=float) if numeric else _codes(frame[name]) for frame in frames]
    return np.concatenate(parts), numeric


def _codes(column: pd.Series) -> NDArray[np.float64]:
    codes = column.cat.codes.to_numpy(dtype=float)
    return np.where(codes < 0, np.nan, codes)


def _scores(
    rows: Any, values: NDArray[np.float64], others: Any, wanted: NDArray[np.float64], *, numeric: bool
) -> tuple[float, float]:
    """Return how well a column is predicted from the text in true pairs, and on average in exchanged ones."""
    have, want = ~np.isnan(values), ~np.isnan(wanted)
    if min(have.sum(), want.sum()) < baseline.FEWEST:
        return float("nan"), float("nan")
    values, wanted = values[have], wanted[want]
    levels = np.unique(values)
    targets = values[:, None] if numeric else (values[:, None] == levels).astype(float)
    said = learn(rows[have], targets, others[want])
    guess = said[:, 0] if numeric else levels[said.argmax(axis=1)]
    shifted = [np.roll(wanted, shift) for shift in range(SHIFTS + 1)]
    scores = [spearman(guess, true) if numeric else float((guess == true).mean()) for true in shifted]
    return scores[0], float(np.mean(scores[1:]))


def _partners(pair: Pair, settings: Settings) -> Iterator[Value]:
    """Compare how near each text is to its true partner, for each further column of text."""
    reals = len(pair.real)
    for name in pair.named("text"):
        if name == pair.text:
            continue
        ordered = [str(text) for column in (pair.text, name) for frame in (pair.real, pair.synthetic) for text in frame[column]]
        bag, count = cut(ordered, len(ordered)).bag(), reals + len(pair.synthetic)

        def compared(held: Indices, part: Indices) -> dict[str, float]:
            weight = weights(bag[np.concatenate([held, held + count])])  # noqa: B023
            near = scaled(bag[part], weight) @ scaled(bag[part + count], weight).T  # noqa: B023
            return {"partner_auc": partner_auc(np.asarray(near.toarray()))}

        places = np.arange(count, dtype=np.int64)
        directions = {"partner_auc": HIGHER}
        found = baseline.compare(compared, places[:reals], places[reals:], settings, directions)
        for value in to_values(found, directions):
            weak = value.baseline_low is not None and value.baseline_low <= 0.5
            note = "not graded: real texts, too, are not surely nearer to their partners than to others"
            named = dataclasses.replace(value, subject=name)
            yield dataclasses.replace(named, verdict=NOT_ASSESSABLE, note=note) if weak else named
