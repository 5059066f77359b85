"""Whether each column by itself has the distribution that it has in the real rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, Grade, Metric, Settings, Value, grade
from review.evaluation.tabular_arrays import JOIN, MOST, Layout, Matrix, distances, scale, small, variation

FAMILY, ASPECT = "intrinsic", "marginals"
KS, TV, WASSERSTEIN, MISSING = "ks", "tv", "wasserstein", "missing_share"
SURVEY = "Ramdas, García Trillos and Cuturi 2017, doi:10.3390/e19020047"
ONLY_ONE = "How columns go together: rows made of columns that were shuffled one by one get the best value."
RARE = "edge no nearer than the Wilson interval (doi:10.1080/01621459.1927.10502953) of the real share of what is rare"

METRICS = (
    Metric(
        KS,
        "Kolmogorov-Smirnov distance of a column of numbers",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        f"{SURVEY}; 1 minus KSComplement of https://docs.sdv.dev/sdmetrics/data-metrics/quality/kscomplement.md; {RARE}",
        "The greatest difference between the shares of real and of synthetic values below any number; missing values left out.",
        f"{ONLY_ONE} It hardly sees the ends of a distribution.",
    ),
    Metric(
        WASSERSTEIN,
        "Wasserstein distance of a column of numbers",
        FAMILY,
        ASPECT,
        0.0,
        math.inf,
        LOWER,
        f"{SURVEY}; scaled here by the standard deviation of all real values",
        "How far, on average, values have to be moved to turn the one distribution into the other; missing values left out.",
        f"{ONLY_ONE} A single extreme real value makes the scale, and so the numbers, small.",
        "standard deviations of the real values",
    ),
    Metric(
        TV,
        "Total variation distance of a column of classes",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        f"1 minus TVComplement of https://docs.sdv.dev/sdmetrics/metrics/quality-metrics/tvcomplement; {RARE}",
        "Half the sum of the differences between the shares of the levels; missing values left out.",
        f"{ONLY_ONE} A rare level that is lost altogether costs no more than its share.",
    ),
    Metric(
        MISSING,
        "Difference of the share of missing values",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        f"defined here: absolute difference of the two shares; columns that miss no value anywhere are left out; {RARE}",
        "Whether as many values of a column are missing.",
        "Which rows miss the value, and why.",
    ),
)


def measure(
    real: Matrix, synthetic: Matrix, columns: Layout, settings: Settings, note: str, everywhere: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Value], Grade]:
    """Grade all columns together."""
    scales = [scale(real[:, place]) for place in range(len(columns.numbers))]
    gaps = np.flatnonzero(np.isnan(real).any(axis=0) | np.isnan(synthetic).any(axis=0)).tolist()
    rare = {JOIN.join((MISSING, columns.names[place])): (int(np.isnan(real[:, place]).sum()), len(real)) for place in gaps}
    rare |= {JOIN.join((TV, name)): baseline.unusual(real[:, place]) for place, name, _ in columns.coded()}
    rare |= {JOIN.join((KS, name)): baseline.unusual(real[:, place]) for place, name in enumerate(columns.numbers)}
    values = []
    for name, summary in baseline.compare(measure_of(columns, scales, gaps), real, synthetic, settings).items():
        metric, subject = name.split(JOIN, 1)
        if name in rare:
            summary = baseline.spare(summary, *rare[name], len(rare))  # noqa: PLW2901
        parts = [small(summary.sizes)]
        if summary.edge is None:
            parts.append("not graded: in some deals a real part has no known value")
        elif math.isnan(summary.value):
            parts.append("the synthetic column has no known value")
        elif note:
            parts += [f"over all rows: {everywhere[subject][metric]:.4f}", note if metric == KS else note.partition(";")[0]]
        values.append(summary.as_value(metric, subject, LOWER, "; ".join(filter(None, parts))))
    return values, grade(FAMILY, ASPECT, values, f"fewer than {baseline.FEWEST} rows in a part, or no known values")


def over_all(real: Matrix, synthetic: Matrix, columns: Layout) -> dict[str, dict[str, Any]]:
    """Return the measures of each column over all rows, and the shares of missing values."""
    found: dict[str, dict[str, Any]] = {}
    levels = {place: count for place, _, count in columns.coded()}
    for place, name in enumerate(columns.names):
        one, other = real[:, place], synthetic[:, place]
        gaps = [float(np.isnan(held).mean()) for held in (one, other)]
        numbers: dict[str, float] = dict.fromkeys((KS, WASSERSTEIN, TV), math.nan)
        if place in levels:
            numbers[TV] = variation(one, other, levels[place])
        else:
            numbers[KS], moved = distances(one, other)
            numbers[WASSERSTEIN] = min(moved / scale(one), MOST)
        numbers |= {MISSING: abs(gaps[0] - gaps[1]), "missing_real": gaps[0], "missing_synthetic": gaps[1]}
        rounded = {key: None if math.isnan(number) else round(number, 6) for key, number in numbers.items()}
        found[name] = {"column": name, "kind": "class" if place in levels else "number", **rounded}
    return found


def measure_of(columns: Layout, scales: Sequence[float], gaps: Sequence[int]) -> Callable[[Matrix, Matrix], Mapping[str, float]]:
    """Return the measure of two samples of rows, column by column.

    Parameters
    ----------
    columns : Layout
    scales : sequence of float
        By which the Wasserstein distance of each column of numbers is divided.
    gaps : sequence of int
        Columns whose share of missing values is compared.
    """

    def compare(one: Matrix, other: Matrix) -> dict[str, float]:
        found: dict[str, float] = {}
        for place, name in enumerate(columns.numbers):
            distance, moved = distances(one[:, place], other[:, place])
            found |= {JOIN.join((KS, name)): distance, JOIN.join((WASSERSTEIN, name)): min(moved / scales[place], MOST)}
        for place, name, levels in columns.coded():
            found[JOIN.join((TV, name))] = variation(one[:, place], other[:, place], levels)
        for place in gaps:
            missing = np.isnan(one[:, place]).mean() - np.isnan(other[:, place]).mean()
            found[JOIN.join((MISSING, columns.names[place]))] = abs(float(missing))
        return found

    return compare
