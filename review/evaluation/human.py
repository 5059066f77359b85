"""What people think of the items: their ratings, whether they tell real from synthetic, and whether they agree.

How it is graded:

- ratings: the difference of synthetic and real items, against what dealing the origins anew among the items makes of it; all
  criteria share one error rate of 5 %.
- turing: fail if the interval of the share of recognised items lies wholly beyond what guessing makes; pass only if the share is
  within that and the interval stays on this side of :data:`HALFWAY` as well, so that few items cannot pass by their weakness;
  unclear between.
- raters: shown, not graded: there is no agreement that is enough for everything.

Answers of simulated raters are shown as such and never graded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from review import agreement
from review.evaluation import human_answers
from review.evaluation import human_statistics as numbers
from review.evaluation.baseline import FEWEST, SMALL
from review.evaluation.human_answers import Floats, Rated, load
from review.evaluation.human_metrics import FAMILY, HALFWAY, METRICS, RATERS, RATINGS, TURING
from review.evaluation.human_statistics import Difference, Interval
from review.evaluation.metrics import (
    FAIL,
    HIGHER,
    LOWER,
    NOT_ASSESSABLE,
    PASS,
    SHOWN,
    UNCLEAR,
    Grade,
    Section,
    Settings,
    Value,
    grade,
    verdict,
)
from review.evaluation.rating import Task
from review.evaluation.rating_file import SIMULATED
from review.evaluation.rubric import CONFIDENCE, HIGH, ORIGIN, Criterion
from review.statistics import wilson

__all__ = ["METRICS", "RATERS", "RATINGS", "TURING", "Rated", "load", "measure"]

NOBODY = "nobody rated items -> rate some in notebooks/52-rating.ipynb"
OVER_ITEMS = "95 % bootstrap interval over items, raters held fixed"
DEALT = "the same ratings with the origins dealt anew among the items"
WILSON = "95 % Wilson interval"
SURE = 4
"""Confidence from which an answer counts as sure."""


def measure(ratings: Rated | Path | Iterable[Path], settings: Settings, task: Task | None = None, *, hold: str = "") -> Section:
    """Analyse what raters answered.

    Parameters
    ----------
    ratings : Rated, folder, or files of raters
        Read with :func:`review.evaluation.human_answers.load` unless it was.
    settings : Settings
        Its seed is used.
    task : Task, optional
        With its origins; read from the folder if not given.
    hold : str
        A rater who must not learn from the results: if this one has begun and not ended, nothing is analysed.

    Returns
    -------
    Section
        With a table ``raters``, one row a rater.
    """
    rated = ratings if isinstance(ratings, Rated) else human_answers.load(ratings, task)
    if not rated.lines:
        return _nothing(NOBODY, rated.notes)
    if hold and rated.unfinished(hold):
        return _nothing(f"{hold} is still rating: results are shown at the end, so that they teach nothing", ())
    values = [
        *_ratings(rated, settings.seed),
        *_turing(rated, settings.seed),
        *_agreement(rated, settings.seed),
        *_self(rated, settings.seed),
    ]
    values += _seconds(rated)
    notes = list(rated.notes)
    if rated.kind == SIMULATED:
        notes.insert(0, "SIMULATED RATERS: no person rated these items; the values show how the analysis works, nothing else.")
        values = [dataclasses.replace(value, verdict=SHOWN, note=_join("simulated raters", value.note)) for value in values]
    empty = {
        RATINGS: f"fewer than {FEWEST} rated items of either origin, or ratings that do not vary",
        TURING: f"fewer than {FEWEST} judged items of either origin, or always the same answer",
    }
    if not rated.task.rubric.ask_origin:
        empty[TURING] = "the raters were not asked for the origin"
    if rated.kind == SIMULATED:
        empty = dict.fromkeys(empty, "only simulated raters answered: shown, never graded")
    aspects = {metric.name: metric.aspect for metric in METRICS}
    grades = [
        _graded(aspect, [value for value in values if aspects[value.metric] == aspect], why) for aspect, why in empty.items()
    ]
    return Section(tuple(values), tuple(grades), tuple(notes), {"raters": rated.progress()})


def _nothing(reason: str, notes: tuple[str, ...]) -> Section:
    return Section(grades=tuple(Grade(FAMILY, aspect, NOT_ASSESSABLE, reason) for aspect in (RATINGS, TURING)), notes=notes)


def _graded(aspect: str, values: list[Value], empty: str) -> Grade:
    """Grade an aspect; that of the origins in its own words, as its rule is not that of the other metrics."""
    found = grade(FAMILY, aspect, values, empty)
    judged = [value for value in values if value.verdict not in (SHOWN, NOT_ASSESSABLE)]
    return dataclasses.replace(found, reason=judged[0].note) if aspect == TURING and judged else found


def _join(*words: str) -> str:
    return "; ".join(word for word in words if word)


def _small(sizes: tuple[int, int]) -> str:
    return f"small sample ({sizes[0]} real, {sizes[1]} synthetic items)" if min(sizes) < SMALL else ""


def _ratings(rated: Rated, seed: int) -> Iterator[Value]:
    """Yield, for each criterion, how both origins are rated and how they differ; yes or no counts as 1 or 0."""
    criteria = {item.name: item for item in rated.task.rubric.criteria}
    means = {name: numbers.item_means(rated.table(name)) - item.binary for name, item in criteria.items()}
    directions = {name: HIGHER if item.better == HIGH else LOWER for name, item in criteria.items()}
    compared = numbers.compare(means, rated.synthetic, directions, seed)
    for name, item in criteria.items():
        metric = "rating_difference" if item.better == HIGH else "rating_excess"
        if name not in compared:
            yield Value(metric, name, verdict=NOT_ASSESSABLE, note="not rated for items of both origins")
            continue
        found = compared[name]
        sides = {"real": (found.real, found.real_median), "synthetic": (found.synthetic, found.synthetic_median)}
        for role, (mean, median) in sides.items():
            size = (found.sizes[0], 0) if role == "real" else (0, found.sizes[1])
            words = f"share of {item.levels[1]!r}" if item.binary else f"levels 1 to {len(item.levels)}"
            exact = item.binary and np.isnan(mean.low)
            bounds = wilson(round(mean.value * sum(size)), sum(size)) if exact else (mean.low, mean.high)
            interval = WILSON if exact else OVER_ITEMS
            yield _shown("rating_mean", f"{name}: {role}", Interval(mean.value, *bounds), size, interval, words)
            if not item.binary:
                yield _shown("rating_median", f"{name}: {role}", median, size, OVER_ITEMS, words)
        yield _difference(metric, item, found, directions[name])


def _verdict(value: float, low: float, high: float, edge: float, direction: str) -> str:
    """Return the verdict of numbers that meet exactly when the rest of a division is cut off."""
    value, low, high, edge = (round(number, numbers.DIGITS) for number in (value, low, high, edge))
    return verdict(value, low, high, edge, direction)


def _shown(metric: str, subject: str, found: Interval, size: tuple[int, int], interval: str, note: str) -> Value:
    return Value(
        metric, subject, found.value, found.low, found.high, real=size[0], synthetic=size[1], interval=interval, note=note
    )


def _difference(metric: str, item: Criterion, found: Difference, direction: str) -> Value:
    gap, interval = found.difference, OVER_ITEMS
    if np.isnan(gap.low) and item.binary:
        parts = ((found.synthetic.value, found.sizes[1]), (found.real.value, found.sizes[0]))
        gap, interval = numbers.add(*parts, weights=(1.0, -1.0)), "95 % interval of the difference of two shares (Newcombe 1998)"
    judged = _verdict(gap.value, gap.low, gap.high, found.edge, direction)
    note = _join(_small(found.sizes), f"a difference of {found.found:.2g} would be found in 8 of 10 cases")
    if np.isnan(gap.low):
        note = "all items got the same rating: no interval, no grade"
    if min(found.sizes) < FEWEST:
        judged, note = NOT_ASSESSABLE, f"fewer than {FEWEST} items of either origin; {note}"
    null = found.null
    return Value(
        metric, item.name, gap.value, gap.low, gap.high, null.value, null.low, null.high, found.edge, judged,
        *found.sizes, interval=interval, against=DEALT, note=note,
    )  # fmt: skip


def _turing(rated: Rated, seed: int) -> Iterator[Value]:
    if not rated.task.rubric.ask_origin:
        return
    said, synthetic = rated.table(ORIGIN) - 1, rated.synthetic
    items = ~np.isnan(said).all(axis=1)
    sizes = (int((items & ~synthetic).sum()), int((items & synthetic).sum()))
    if min(sizes) < FEWEST:
        yield Value("turing_recognised", verdict=NOT_ASSESSABLE, note=f"fewer than {FEWEST} judged items of either origin")
        return
    yield _recognised(said, synthetic, seed, sizes)
    for metric, side, called in (("turing_real", ~synthetic, 1 - said), ("turing_synthetic", synthetic, said)):
        shares = numbers.item_means(called[side])
        known = shares[~np.isnan(shares)]
        size = (len(known), 0) if metric == "turing_real" else (0, len(known))
        share = Interval(float(known.mean()), *wilson(round(float(known.sum())), len(known)))
        yield _shown(metric, "", share, size, f"{WILSON}, one trial an item", _small(sizes))
    sure = rated.table(CONFIDENCE) >= SURE
    right = np.where(synthetic[:, None], said, 1 - said)[sure & ~np.isnan(said)]
    if len(right):
        words = f"{len(right)} sure answers, taken as independent"
        yield Value("turing_sure", "", float(right.mean()), *wilson(int(right.sum()), len(right)), interval=WILSON, note=words)
    else:
        yield Value("turing_sure", note="nobody was sure of an origin")


def _recognised(said: Floats, synthetic: np.ndarray, seed: int, sizes: tuple[int, int]) -> Value:
    """Return the share of recognised items with its verdict; below 0.5 everything counts mirrored."""
    if all(np.ptp(column[~np.isnan(column)]) == 0 for column in said.T if not np.isnan(column).all()):
        return Value(
            "turing_recognised", verdict=NOT_ASSESSABLE, note="every rater gave one answer to all items: nothing is known"
        )
    share, null, edge, found = numbers.recognised(said, synthetic, seed)
    turned = share.value < 0.5
    value, low, high = (1 - share.value, 1 - share.high, 1 - share.low) if turned else (share.value, share.low, share.high)
    judged = _verdict(value, low, high, 0.5 + edge, LOWER)
    if judged == PASS and high >= HALFWAY:
        judged = UNCLEAR
    raters = int((~np.isnan(said)).any(axis=0).sum())
    words = {
        PASS: f"not told apart: guessing explains the share, and {HALFWAY:g} lies outside of its interval",
        UNCLEAR: f"neither told apart nor shown not to be: {HALFWAY:g} (halfway to always right) lies in the interval"
        if round(value - 0.5 - edge, numbers.DIGITS) <= 0
        else "more than guessing explains, but the interval reaches back",
        FAIL: "told apart, with the whole interval",
    }[judged] + (", and taken for the other origin" if turned and judged == FAIL else "")
    least = f"the smallest share found in 8 of 10 cases is {min(0.5 + found, 1):.2f}"
    text = f"{share.value:.2f} recognised ({share.low:.2f} to {share.high:.2f}): {words}; {least}"
    return Value(
        "turing_recognised", "", share.value, share.low, share.high, null.value, null.low, null.high,
        0.5 - edge if turned else 0.5 + edge, judged, *sizes,
        interval=WILSON if raters == 1 else OVER_ITEMS, against=DEALT, note=_join(text, _small(sizes)),
    )  # fmt: skip


def _agreement(rated: Rated, seed: int) -> Iterator[Value]:
    """Yield how far raters agree with each other, at their first showings."""
    if len(rated.raters) < 2:
        yield Value("rater_alpha", note="there is one rater: agreement needs two")
        return
    for question in rated.task.rubric.questions:
        table = rated.table(question.name)
        yield _statistic("rater_alpha", "alpha", question, table, seed)
        for one, other in combinations(range(table.shape[1]), 2):
            names = f"{rated.raters[one]}, {rated.raters[other]}"
            for metric, statistic in (("rater_percent", "percent"), ("rater_kappa", "kappa"), ("rater_ac1", "ac1")):
                yield _statistic(metric, statistic, question, table[:, [one, other]], seed, names)


def _self(rated: Rated, seed: int) -> Iterator[Value]:
    """Yield how far raters agree with themselves: a unit is a repeated item of one rater."""
    if not rated.task.repeats:
        return
    for question in rated.task.rubric.questions:
        units = np.column_stack([rated.table(question.name, showing).ravel() for showing in (1, 2)])
        yield _statistic("self_percent", "percent", question, units, seed)
        yield _statistic("self_kappa", "kappa", question, units, seed)


def _statistic(metric: str, statistic: str, question: Criterion, table: Floats, seed: int, names: str = "") -> Value:
    """Return one statistic of agreement; a row of the table is a unit, a column one of its codes."""
    units = table[(~np.isnan(table)).sum(axis=1) >= 2]
    subject = _join(question.name, names).replace("; ", ": ")
    if not len(units):
        return Value(metric, subject, note="no item has two answers")
    levels = [float(level) for level in range(1, len(question.levels) + 1)]
    if statistic == "percent":
        same = int((units[:, 0] == units[:, 1]).sum())
        return Value(metric, subject, same / len(units), *wilson(same, len(units)), interval=WILSON, note=f"{len(units)} items")
    rows = units.tolist()
    value = {
        "alpha": lambda: agreement.krippendorff_alpha(rows),
        "kappa": lambda: agreement.cohen_kappa(units[:, 0].tolist(), units[:, 1].tolist()),
        "ac1": lambda: agreement.gwet_ac1(units[:, 0].tolist(), units[:, 1].tolist(), levels),
    }[statistic]()
    low, high = agreement.bootstrap(statistic, rows, seed, categories=levels if statistic == "ac1" else None)
    words = "" if np.isfinite(value) else ", not defined: all answers are one level"
    return Value(metric, subject, value, low, high, interval=OVER_ITEMS, note=f"{len(units)} items{words}")


def _seconds(rated: Rated) -> Iterator[Value]:
    times = rated.seconds()
    note = _join(f"{rated.pauses()} with a pause left out" if rated.pauses() else "", f"{len(times)} answers")
    if not times:
        yield Value("seconds", note=f"no item was answered without a pause; {note}")
        return
    low, middle, high = np.quantile(times, (0.25, 0.5, 0.75))
    yield Value("seconds", "", middle, low, high, interval="middle half of the answers, not an uncertainty", note=note)
