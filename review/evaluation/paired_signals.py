"""Sequences of numbers, such as an ECG line, by a few features of each: level, spread, and how often it repeats itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, Metric, Settings, Value
from review.evaluation.text_form import distance
from review.evaluation.text_words import to_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from review.evaluation.inputs import Pair

ASPECT = "signal"
FEATURES = ("length", "mean", "standard deviation", "range", "period", "regularity")
METRICS: tuple[Metric, ...] = (
    Metric("signal_ks", "Distance of a feature of sequences", "intrinsic", ASPECT, 0, 1, LOWER,
           "Kolmogorov-Smirnov statistic, https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.ks_2samp.html; "
           "features defined here: period and regularity are place and height of the highest autocorrelation after it first "
           "falls to 0; edge no nearer than the Wilson interval (doi 10.1080/01621459.1927.10502953) of what is rare",
           "Whether level, spread and period of sequences are distributed as in real ones.",
           "Sequences of one level, spread and period can have different shapes: it sees no single wave."),
)  # fmt: skip


def features(sequence: Sequence[float] | None) -> tuple[float, ...]:
    """Return the :data:`FEATURES` of a sequence, NaN where one is not defined; numbers that are missing are left out."""
    line = np.asarray([] if sequence is None else sequence, dtype=float)
    line = line[np.isfinite(line)]
    if not len(line):
        return (0.0, *(float("nan"),) * 5)
    return (float(len(line)), float(line.mean()), float(line.std()), float(np.ptp(line)), *_period(line))


def _period(line: NDArray[np.float64]) -> tuple[float, float]:
    count = len(line)
    centred = line - line.mean()
    spectrum = np.fft.rfft(centred, 2 * count)
    together = np.fft.irfft(spectrum * spectrum.conj(), 2 * count)[: count // 2 + 1]
    if np.ptp(line) == 0 or together[0] <= 0:
        return float("nan"), float("nan")
    together = together / together[0]
    below = np.flatnonzero(together <= 0)
    if not len(below) or below[0] == len(together) - 1:
        return float("nan"), float("nan")
    place = int(below[0] + np.argmax(together[below[0] :]))
    return float(place), float(together[place])


def measure(pair: Pair, settings: Settings) -> tuple[Value, ...]:
    """Compare the features of the sequences of synthetic and real items, for each column of sequences."""
    values: list[Value] = []
    for name in pair.named("sequence"):
        real, synthetic = (np.array([features(line) for line in frame[name]]) for frame in (pair.real, pair.synthetic))

        def compared(held: Any, part: Any) -> dict[str, float]:
            return {f"signal_ks:{feature}": distance(held[:, place], part[:, place]) for place, feature in enumerate(FEATURES)}

        directions = {f"signal_ks:{feature}": LOWER for feature in FEATURES}
        summaries = baseline.compare(compared, real, synthetic, settings, directions)
        for feature, column in zip(directions, real.T, strict=True):
            if feature in summaries:
                summaries[feature] = baseline.spare(summaries[feature], *baseline.unusual(column), len(directions))
        found = to_values(summaries, directions)
        values += [dataclasses.replace(value, subject=f"{name}: {value.subject}") for value in found]
    return tuple(values)
