"""What can be read off an ECG segment: rate, rhythm by rule, PR, QRS and QT, and how far off these measurements are.

R waves are found by neurokit2's detector in the filtered line, the borders of waves by its wavelet method (Martinez and others
2004) in the line as it is: the filter would widen the QRS complex. An interval that cannot be measured is unknown, never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review.generators.ecg import RATE, Segment, known_warnings, neurokit
from review.statistics import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLAIMS: Mapping[str, str] = {"heart_rate": "beats/min", "rhythm": "", "pr": "ms", "qrs": "ms", "qt": "ms"}
"""What a report can state and a signal can show -> unit."""
SLOW, FAST = 60.0, 100.0
"""Beats a minute below and above which a regular rhythm is called bradycardia and tachycardia."""
IRREGULAR = 0.08
"""Standard deviation of the RR intervals over their mean from which a rhythm is called irregular: a convention here."""
FEWEST = 4
"""Beats without which nothing is measured."""
P_HEIGHT = 60.0
"""Microvolts by which a P wave has to stand out of the line: the detector finds waves in noise, too."""
NEAR = 0.05
"""Seconds within which a found R wave is the placed one."""


@dataclass(frozen=True)
class Tolerances:
    """How far a number may lie from what was measured and still agree: conventions of this project.

    Attributes
    ----------
    heart_rate : float
        As a share of the measured rate. 5 % is what a reader of ten seconds gets wrong by counting half a beat too many.
    interval : float
        Milliseconds. 20 ms is half a small square of ECG paper at 25 mm/s, and above the error of the measurement itself.
    """

    heart_rate: float = 0.05
    interval: float = 20.0

    def of(self, claim: str, found: float) -> float:
        """Return the tolerance of one claim in its own unit."""
        return self.heart_rate * found if claim == "heart_rate" else self.interval


@dataclass(frozen=True)
class Findings:
    """What was measured in one segment.

    Attributes
    ----------
    beats : tuple of float
        Seconds of the R waves found.
    heart_rate : float or None
        Beats a minute, from the first to the last beat.
    variation : float or None
        Standard deviation of the RR intervals over their mean.
    rhythm : str or None
        A code of :data:`review.generators.ecg.RHYTHMS`.
    pr, qrs, qt : int or None
        Milliseconds, medians over the beats but the first and last; None where half of them or more show no border.
    """

    beats: tuple[float, ...]
    heart_rate: float | None = None
    variation: float | None = None
    rhythm: str | None = None
    pr: int | None = None
    qrs: int | None = None
    qt: int | None = None

    def values(self) -> dict[str, Any]:
        """Return what the :data:`CLAIMS` are about, as plain values; the rate with one decimal."""
        rate = None if self.heart_rate is None else round(self.heart_rate, 1)
        return {"heart_rate": rate, "rhythm": self.rhythm, "pr": self.pr, "qrs": self.qrs, "qt": self.qt}


def classify(heart_rate: float, variation: float) -> str:
    """Return the rhythm by rule: irregular from :data:`IRREGULAR` on, else by the rate."""
    if variation >= IRREGULAR:
        return "irregular"
    return "bradycardia" if heart_rate < SLOW else "tachycardia" if heart_rate > FAST else "normal"


def measure(signal: Sequence[int]) -> Findings:
    """Measure a segment.

    Parameters
    ----------
    signal : sequence of int
        Microvolts, :data:`review.generators.ecg.RATE` a second.

    Returns
    -------
    Findings
        With nothing but the beats if there are fewer than :data:`FEWEST`.
    """
    line = np.asarray(signal, dtype=np.float64)
    if len(line) < RATE or np.ptp(line) == 0:
        return Findings(())
    with known_warnings():
        filtered = neurokit().ecg_clean(line, sampling_rate=RATE)
        peaks = np.asarray(neurokit().ecg_findpeaks(filtered, sampling_rate=RATE)["ECG_R_Peaks"], dtype=np.int64)
    beats = tuple(float(peak) / RATE for peak in peaks)
    if len(beats) < FEWEST:
        return Findings(beats)
    distances = np.diff(peaks) / RATE
    heart_rate, variation = float(60 / distances.mean()), float(distances.std() / distances.mean())
    return Findings(beats, heart_rate, variation, classify(heart_rate, variation), **_intervals(line, peaks))


def _intervals(line: NDArray[np.float64], peaks: NDArray[np.int64]) -> dict[str, int | None]:
    """Return PR, QRS and QT in ms."""
    with known_warnings():
        _, waves = neurokit().ecg_delineate(line, peaks, sampling_rate=RATE, method="dwt")
    names = ("P_Onsets", "P_Peaks", "R_Onsets", "R_Offsets", "T_Offsets")
    marks = {name: np.asarray(waves[f"ECG_{name}"], dtype=np.float64) for name in names}
    if {len(mark) for mark in marks.values()} != {len(peaks)}:  # marks before the first sample were left out
        return {"pr": None, "qrs": None, "qt": None}
    inner = {name: mark[1:-1] for name, mark in marks.items()}
    begin = inner["R_Onsets"]
    pr = begin - inner["P_Onsets"]
    seen = _height(line, inner) >= P_HEIGHT
    return {
        "pr": _median(pr) if seen else None,
        "qrs": _median(inner["R_Offsets"] - begin),
        "qt": _median(inner["T_Offsets"] - begin),
    }


def _height(line: NDArray[np.float64], marks: Mapping[str, NDArray[np.float64]]) -> float:
    """Return the median height of the P waves over the line between their beginning and the QRS complex."""
    places = np.column_stack([marks["P_Onsets"], marks["P_Peaks"], marks["R_Onsets"]])
    whole = places[np.isfinite(places).all(axis=1)].astype(np.int64)
    if not len(whole):
        return 0.0
    begin, peak, end = line[whole].T
    return float(np.median(peak - (begin + end) / 2))


def _median(samples: NDArray[np.float64]) -> int | None:
    known = samples[np.isfinite(samples)]
    if 2 * len(known) <= len(samples):
        return None
    return round(float(np.median(known)) * 1000 / RATE)


def accuracy(
    segments: Sequence[Segment], findings: Sequence[Findings], tolerances: Tolerances | None = None
) -> tuple[dict[str, Any], ...]:
    """Compare measurements with what was simulated.

    Parameters
    ----------
    segments : sequence of Segment
    findings : sequence of Findings
        One a segment.
    tolerances : Tolerances, optional

    Returns
    -------
    tuple of dict
        ``rhythm, quantity, unit, true, measured, unknown, low, high, outside, bias, error, largest, invented``: for all
        rhythms together and for each, how many segments have the quantity, in how many it was measured, the share of unknown
        ones with a 95 % Wilson interval, how many measured ones lie outside the tolerance (of the rhythm: have another name),
        the mean, mean absolute and largest absolute difference from the truth, and in how many segments it was measured
        though there is none. ``beats`` counts R waves: true, found within :data:`NEAR`, and invented.
    """
    limits = tolerances or Tolerances()
    pairs = list(zip(segments, findings, strict=True))
    names = list(dict.fromkeys(segment.rhythm for segment in segments))
    rows = []
    for name in ("all", *names):
        chosen = [pair for pair in pairs if name in ("all", pair[0].rhythm)]
        rows += [{"rhythm": name, **row} for row in _accuracy(chosen, limits)]
    return tuple(rows)


def _accuracy(pairs: Sequence[tuple[Segment, Findings]], limits: Tolerances) -> Iterator[dict[str, Any]]:
    matched = [sum(any(abs(beat - found) <= NEAR for found in item.beats) for beat in segment.beats) for segment, item in pairs]
    placed = sum(len(segment.beats) for segment, _ in pairs)
    invented = sum(len(item.beats) for _, item in pairs) - sum(matched)
    yield _row("beats", "", placed, sum(matched), None, [], invented)
    for claim, unit in CLAIMS.items():
        truth = [_truth(segment, claim) for segment, _ in pairs]
        found = [getattr(item, claim) for _, item in pairs]
        both = [(is_, was) for is_, was in zip(found, truth, strict=True) if is_ is not None and was is not None]
        known = sum(was is not None for was in truth)
        made_up = sum(is_ is not None and was is None for is_, was in zip(found, truth, strict=True))
        if claim == "rhythm":
            yield _row(claim, unit, known, len(both), sum(is_ != was for is_, was in both), [], made_up)
            continue
        differences = [is_ - was for is_, was in both]
        outside = sum(abs(is_ - was) > limits.of(claim, was) for is_, was in both)
        yield _row(claim, unit, known, len(both), outside, differences, made_up)


def _truth(segment: Segment, claim: str) -> Any:
    if claim in ("rhythm", "heart_rate"):
        return getattr(segment, claim)
    return getattr(segment.drawn, claim)


def _row(
    quantity: str, unit: str, true: int, measured: int, outside: int | None, differences: Sequence[float], invented: int
) -> dict[str, Any]:
    low, high = wilson(true - measured, true) if true else (None, None)
    return {
        "quantity": quantity,
        "unit": unit,
        "true": true,
        "measured": measured,
        "unknown": (true - measured) / true if true else None,
        "low": low,
        "high": high,
        "outside": outside,
        "bias": float(np.mean(differences)) if differences else None,
        "error": float(np.mean(np.abs(differences))) if differences else None,
        "largest": float(np.max(np.abs(differences))) if differences else None,
        "invented": invented,
    }
