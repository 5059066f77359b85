"""Whether synthetic records come closer to the real ones than other real records do.

The control is how near real items that the generator has not seen come to the real ones; without such items, how near each real
item comes to the others. Both are asked against the same sampled records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from review.evaluation import baseline
from review.evaluation.metrics import HIGHER, LOWER, Metric, Section, Settings, Value, grade, verdict
from review.evaluation.privacy_space import QUERIES, RECORDS, Floats, Nearest, TableView, View, nearest, sample
from review.statistics import wilson

FAMILY = "privacy"
REPEATS = 1000
"""Exchanges of labels for an edge."""

GOWER = "Gower 1971, doi:10.2307/2528823 (tables); TF-IDF cosine (texts)"
HOLDOUT = "Platzer and Reutterer 2021, doi:10.3389/fdata.2021.679939"
Marks = tuple[float, float, float, float, float, float]
NO_PROOF = "Passing is no proof of privacy: distances miss leaks that stronger attacks find (Yao et al. 2025, arXiv:2505.01524)."

METRICS = (
    Metric(
        "dcr_median",
        "Distance to the closest record, median",
        FAMILY,
        "distance",
        0.0,
        math.inf,
        HIGHER,
        f"{GOWER}; compared as in {HOLDOUT}",
        "How near a typical synthetic record lies to a real one, beside how near other real records lie.",
        f"It cannot see a few copies among many records that are far; records far from all real ones are no merit. {NO_PROOF}",
    ),
    Metric(
        "dcr_low",
        "Distance to the closest record, 5 % quantile",
        FAMILY,
        "distance",
        0.0,
        math.inf,
        HIGHER,
        f"{GOWER}; compared as in {HOLDOUT}",
        "How near the nearest twentieth of the synthetic records lies, beside the nearest twentieth of other real records.",
        f"It cannot see copies that are fewer than one in twenty. {NO_PROOF}",
    ),
    Metric(
        "nndr",
        "Nearest neighbour distance ratio, median",
        FAMILY,
        "distance",
        0.0,
        1.0,
        HIGHER,
        HOLDOUT,
        "The distance to the closest real record as a part of that to the second closest: near 0, a record is beside one person.",
        f"It cannot see a copy of a person who is recorded twice. {NO_PROOF}",
    ),
    Metric(
        "dcr_share",
        "Share closer to real than to held out",
        FAMILY,
        "distance",
        0.0,
        1.0,
        LOWER,
        HOLDOUT,
        "Of equally many real and held out records, how often the nearest one of a synthetic record is real; one half is ideal.",
        f"Held out records from elsewhere or from later raise it without any leak. {NO_PROOF}",
    ),
)

RANKS = "95 %, by the ranks of the records that ask"
AGAINST_HOLDOUT = "real items that were held out, against the same real records"
AGAINST_REAL = "each real item against the other real ones"
EXCHANGED = "real and held out items with exchanged labels"


@dataclass(frozen=True)
class Reach:
    """How near synthetic and control records come to the sampled real ones, and real ones to each other."""

    synthetic: Nearest
    control: Nearest
    real: Nearest
    records: int
    held: bool

    @property
    def against(self) -> str:
        """What the control is, in words."""
        return AGAINST_HOLDOUT if self.held else AGAINST_REAL


def reach(view: View, settings: Settings, *, held: bool) -> Reach | None:
    """Find the nearest real records of synthetic, of real and of held out ones; None if there are too few."""
    seed = settings.seed
    records = sample(view, "real", RECORDS, seed)
    asked = sample(view, "synthetic", QUERIES, seed)
    if min(len(records), len(asked)) < baseline.FEWEST:
        return None
    synthetic = nearest(view, ("synthetic", asked), "real", records)
    real = nearest(view, ("real", records[:QUERIES]), "real", records, apart=True)
    control = real
    if held:
        control = nearest(view, ("holdout", sample(view, "holdout", QUERIES, seed)), "real", records)
        held = len(control.first) >= baseline.FEWEST
        control = control if held else real
    return Reach(synthetic, control, real, len(records), held)


def statistics(found: Nearest) -> dict[str, tuple[Floats, float]]:
    """Return what the statistics are quantiles of, and which."""
    ratio = np.divide(found.first, found.second, out=np.ones_like(found.first), where=found.second > 0)
    return {"dcr_median": (found.first, 0.5), "dcr_low": (found.first, 0.05), "nndr": (ratio, 0.5)}


def quantile(held: Floats, level: float) -> tuple[float, float, float]:
    """Return a quantile and its 95 % interval, whatever the distribution: values of the sample by their ranks (binomial)."""
    from scipy.stats import binom

    size = len(held)
    low, high = (float(binom.ppf(end, size, level)) for end in (0.025, 0.975))
    ranks = np.clip([math.ceil(level * size), low, high + 1], 1, size).astype(int) - 1
    ordered = np.sort(held)
    return float(ordered[ranks[0]]), float(ordered[ranks[1]]), float(ordered[ranks[2]])


def lowest(control: Floats, size: int, level: float, error: float) -> float:
    """Return the value below which the quantile of ``size`` values falls by chance with at most this error.

    How many of the control are below a quantile of another sample of the same kind is beta-binomial, whatever the kind is. NaN
    where there are too few values for an edge.
    """
    from scipy.stats import betabinom

    rank = math.ceil(level * size)
    place = int(betabinom.ppf(error, len(control), rank, size - rank + 1))
    return float(np.sort(control)[place - 1]) if place else math.nan


def compare(found: Reach, graded: int = 3) -> dict[str, tuple[Marks, float]]:
    """Return each statistic of synthetic and of control records with intervals, and the edge below which it is too low.

    With ``graded`` statistics together the edges are crossed by one of them in 5 % of such samples at most (Bonferroni). Real
    records among themselves are often each other's nearest, and so vary more than the rule knows: their error is halved.
    """
    error = (0.05 if found.held else 0.025) / graded
    there = statistics(found.control)
    rows = {}
    for name, (held, level) in statistics(found.synthetic).items():
        marks = (*quantile(held, level), *quantile(there[name][0], level))
        rows[name] = (marks, lowest(there[name][0], len(held), level, error))
    return rows


def middle(drawn: Floats) -> tuple[float, float]:
    """Return the limits of the middle 95 %."""
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def closer(view: View, settings: Settings, graded: int = 1) -> Value:
    """Return how often the nearest record of a synthetic one is real, of equally many real and held out ones.

    Which of the two a record is does not matter if nothing has leaked: the edge comes from exchanged labels, so that records
    near which many synthetic ones lie count as the one record they are.
    """
    seed = settings.seed
    size = min(view.size("real"), view.size("holdout"), RECORDS // 2)
    asked = sample(view, "synthetic", QUERIES, seed)
    near = {}
    for role in ("real", "holdout"):
        near[role] = nearest(view, ("synthetic", asked), role, sample(view, role, size, seed), lines=False)
    draw = np.random.default_rng([seed, 2])
    coin = draw.random(len(asked)) < 0.5
    gap = near["real"].first - near["holdout"].first
    real = (gap < 0) | ((gap == 0) & coin)
    winners = np.where(real, near["real"].place, view.size("real") + near["holdout"].place)
    weights = np.unique(winners, return_counts=True)[1]
    null = np.array([weights @ (draw.random(len(weights)) < 0.5) for _ in range(REPEATS)]) / len(asked)
    count = int(real.sum())
    low, high = wilson(count, len(asked))
    edge = float(np.quantile(null, 1 - 0.05 / graded))
    judged = verdict(count / len(asked), low, high, edge, LOWER)
    note = f"{int((gap == 0).sum())} ties are dealt by chance" if (gap == 0).any() else ""
    marks: Marks = (count / len(asked), low, high, 0.5, *middle(null))
    return Value("dcr_share", view.name, *marks, edge, judged, size, len(asked), "Wilson 95 %", EXCHANGED, note)


def measure(found: Mapping[str, tuple[View, Reach | None]], settings: Settings) -> Section:
    """Grade the distances of each view."""
    values: list[Value] = []
    notes: list[str] = []
    reached = [(view, near) for view, near in found.values() if near is not None]
    graded = sum(4 if near.held else 3 for _, near in reached)
    for view, near in reached:
        sizes = (near.records, len(near.synthetic.first))
        for name, (marks, edge) in compare(near, graded).items():
            judged = verdict(*marks[:3], edge, HIGHER)
            few = "too few records for an edge" if math.isnan(edge) else ""
            note = "; ".join(filter(None, (_small(sizes), few)))
            values.append(Value(name, view.name, *marks, edge, judged, *sizes, RANKS, near.against, note))
        if near.held:
            values.append(closer(view, settings, graded))
        notes += _sampled(view)
    empty = f"fewer than {baseline.FEWEST} records" if found else "no column of numbers, classes or text"
    return Section(tuple(values), (grade(FAMILY, "distance", values, empty),), tuple(notes))


def _small(sizes: tuple[int, int]) -> str:
    return f"small sample: fewer than {baseline.SMALL} records" if min(sizes) < baseline.SMALL else ""


def _sampled(view: View) -> list[str]:
    size = view.size("real")
    if size <= RECORDS and view.size("synthetic") <= QUERIES:
        return []
    words = f"Distances of the {view.name}: at most {QUERIES} records ask, {RECORDS} of {size} real ones answer."
    if isinstance(view, TableView) and size > RECORDS:
        words += " Neighbours on random lines answer as well: an equal record is found, one that is only similar may be missed."
    elif size > RECORDS:
        words += f" A text like one of the other {size - RECORDS} real ones is not seen here."
    return [words]
