"""An ECG segment as some twenty tokens, and back: codes for the shape of its beats, and the distances between them.

The median beat is cut into three parts (P, QRS, T), each replaced by the nearest of a few learnt ones (vector quantisation by
k-means); the distances of beats fall into bins of equal ratio. What differs from beat to beat, and all noise, is lost.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review.errors import OptionError
from review.generators import ecg_measure
from review.generators.ecg import RATE, SECONDS
from review.generators.ecg_measure import CLAIMS, Findings, Tolerances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from review.generators.multimodal_pairs import Pair

PARTS: Mapping[str, tuple[int, int]] = {"P": (-40, -8), "QRS": (-8, 9), "T": (9, 61)}
"""Samples of each part, from the R wave; the last one is not in it."""
CODES: Mapping[str, int] = {"P": 16, "QRS": 8, "T": 24}
SHORTEST, LONGEST = 0.40, 1.60
"""Seconds between two beats that have a token; others take the nearest one."""
RATIO = 1.03
"""Of the distances of one bin and the next."""
STEP = 0.05
"""Seconds a bin of the time of the first beat."""
BINS = math.ceil(math.log(LONGEST / SHORTEST) / math.log(RATIO))
STARTS = round(LONGEST / STEP)
BEFORE, AFTER = 0.42, 0.58
"""Shares of the distance of two beats that belong to the second and to the first."""


@dataclass(frozen=True)
class Code:
    """A segment as numbers.

    Attributes
    ----------
    shape : tuple of int
        The codes of P, QRS and T.
    start : int
        Bin of the time of the first beat.
    distances : tuple of int
        Bins of the distances between beats.
    """

    shape: tuple[int, int, int]
    start: int
    distances: tuple[int, ...]

    def times(self) -> list[float]:
        """Return the seconds of the beats: the middles of the bins, added up."""
        times = [(self.start + 0.5) * STEP]
        for distance in self.distances:
            times.append(times[-1] + seconds(distance))
        return times

    @property
    def fills(self) -> bool:
        """Whether the last beat lies within the segment, and no further from its end than two beats can lie apart."""
        return SECONDS - LONGEST <= self.times()[-1] < SECONDS

    @property
    def heart_rate(self) -> float:
        """Beats a minute; 0 of fewer than two beats."""
        times = self.times()
        return 60 * (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0

    @property
    def variation(self) -> float:
        """Standard deviation of the distances over their mean; 0 of none."""
        distances = np.array([seconds(distance) for distance in self.distances])
        return float(distances.std() / distances.mean()) if len(distances) else 0.0

    def stretched(self, by: int) -> Code:
        """Return the same beats with every distance moved by some bins; beats are left out or repeated to fill the segment."""
        moved = [min(BINS - 1, max(0, distance + by)) for distance in self.distances]
        kept: list[int] = []
        time = (self.start + 0.5) * STEP
        for distance in [*moved, *moved]:
            time += seconds(distance)
            if time >= SECONDS:
                break
            kept.append(distance)
        return Code(self.shape, self.start, tuple(kept))


@dataclass(frozen=True)
class Codec:
    """The learnt parts of beats.

    Attributes
    ----------
    books : mapping of str to ndarray, shape (codes, samples)
        Microvolts, by part.
    """

    books: Mapping[str, NDArray[np.float64]]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes there are of each part."""
        return tuple(len(self.books[part]) for part in PARTS)

    def encode(self, signal: Sequence[int], findings: Findings) -> Code:
        """Return the code of a segment.

        Raises
        ------
        OptionError
            If no rhythm was found in it.
        """
        beat, places = _beat(signal, findings)
        shape = []
        for part, (first, last) in PARTS.items():
            distance = np.abs(self.books[part] - beat[first - _FIRST : last - _FIRST]) ** 2
            shape.append(int(distance.sum(axis=1).argmin()))
        start = min(STARTS - 1, int(places[0] / RATE / STEP))
        bins = tuple(_bin(float(distance) / RATE) for distance in np.diff(places))
        return Code((shape[0], shape[1], shape[2]), start, bins)

    def decode(self, code: Code) -> list[int]:
        """Return the signal of a code in microvolts: its beats side by side, without noise."""
        parts = [self.books[part][number] for part, number in zip(PARTS, code.shape, strict=True)]
        beat = np.concatenate(parts)
        times = code.times()
        line = np.zeros(SECONDS * RATE)
        for place, time in enumerate(times):
            centre = round(time * RATE)
            gap = time - times[place - 1] if place else LONGEST
            space = times[place + 1] - time if place + 1 < len(times) else LONGEST
            first = centre - min(-_FIRST, round(BEFORE * gap * RATE))
            last = centre + min(_LAST, round(AFTER * space * RATE))
            inside = slice(max(0, first), max(0, min(len(line), last)))
            line[inside] = beat[inside.start - centre - _FIRST : inside.stop - centre - _FIRST]
        return [int(value) for value in np.rint(line)]


_FIRST, _LAST = PARTS["P"][0], PARTS["T"][1]


def seconds(distance: int) -> float:
    """Return the middle of a bin of distances, in seconds."""
    return float(SHORTEST * RATIO ** (distance + 0.5))


def _bin(distance: float) -> int:
    return min(BINS - 1, max(0, int(math.log(max(distance, SHORTEST) / SHORTEST) / math.log(RATIO))))


def _beat(signal: Sequence[int], findings: Findings) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the median beat over the line right before its QRS complex, and the samples of the R waves.

    What belongs to the beats beside is left out: the line goes on as flat.
    """
    if findings.rhythm is None:
        raise OptionError("no rhythm was found in the segment -> encode one with four beats or more")
    line = np.asarray(signal, dtype=np.float64)
    places = np.array([_highest(line, round(time * RATE)) for time in findings.beats])
    distance = float(np.median(np.diff(places)))
    padded = np.pad(line, (-_FIRST, _LAST), mode="edge")
    windows = np.array([padded[place : place + _LAST - _FIRST] for place in places])
    level = slice(PARTS["QRS"][0] - _FIRST - 2, PARTS["QRS"][0] - _FIRST + 1)
    beat = np.median(windows[1:-1] - windows[1:-1, level].mean(axis=1, keepdims=True), axis=0)
    first, last = max(0, -_FIRST - round(BEFORE * distance)), min(len(beat), round(AFTER * distance) - _FIRST)
    beat[:first] = 0.0
    beat[last:] = 0.0
    return beat, places


def _highest(line: NDArray[np.float64], place: int) -> int:
    """Return the sample of the largest value within 3 samples."""
    first = max(0, place - 3)
    return first + int(line[first : place + 4].argmax())


def learn(pairs: Sequence[Pair], seed: int) -> Codec:
    """Learn the parts of beats from segments (k-means, one thread).

    Raises
    ------
    OptionError
        If there are fewer segments with a rhythm than the largest number of codes.
    """
    from sklearn.cluster import KMeans

    threads = importlib.import_module("threadpoolctl")
    beats = [_beat(pair.segment.signal, pair.findings)[0] for pair in pairs if pair.findings.rhythm is not None]
    if len(beats) < max(CODES.values()):
        raise OptionError(f"{len(beats)} segments are too few -> learn from {max(CODES.values())} or more")
    books = {}
    with threads.threadpool_limits(limits=1):
        for part, (first, last) in PARTS.items():
            cut = np.array(beats)[:, first - _FIRST : last - _FIRST]
            books[part] = KMeans(CODES[part], n_init=4, random_state=seed).fit(cut).cluster_centers_
    return Codec(books)


def errors(codec: Codec, pairs: Sequence[Pair], limits: Tolerances) -> tuple[tuple[dict[str, Any], ...], list[Findings]]:
    """Compare segments with what comes back from their codes.

    Returns
    -------
    tuple of dict
        ``quantity, unit, count, error, largest, outside, lost``: the root mean square of the median beat's difference; of
        the distances between beats; and of what is measured in both signals the mean absolute and largest difference, how
        many lie outside the tolerance (of the rhythm: have another name), and how many are measured in the first only.
    list of Findings
        What was measured in the signals that came back.
    """
    usable = [pair for pair in pairs if pair.findings.rhythm is not None]
    codes = [codec.encode(pair.segment.signal, pair.findings) for pair in usable]
    back = [codec.decode(code) for code in codes]
    found = [ecg_measure.measure(signal) for signal in back]
    beats = [_beat(pair.segment.signal, pair.findings) for pair in usable]
    shapes = [
        np.concatenate([codec.books[part][number] for part, number in zip(PARTS, code.shape, strict=True)]) for code in codes
    ]
    rms = [float(np.sqrt(np.mean((shape - beat) ** 2))) for shape, (beat, _) in zip(shapes, beats, strict=True)]
    distances = [
        abs(seconds(number) - float(distance) / RATE) * 1000
        for code, (_, places) in zip(codes, beats, strict=True)
        for number, distance in zip(code.distances, np.diff(places), strict=True)
    ]
    rows = [_row("beat shape", "microvolt", rms), _row("distance of beats", "ms", distances)]
    rows += _measured([pair.findings for pair in usable], found, limits)
    return tuple(rows), found


def _measured(before: Sequence[Findings], after: Sequence[Findings], limits: Tolerances) -> Iterator[dict[str, Any]]:
    for name, unit in CLAIMS.items():
        values = [(getattr(first, name), getattr(second, name)) for first, second in zip(before, after, strict=True)]
        both = [(was, is_) for was, is_ in values if was is not None and is_ is not None]
        lost = sum(was is not None and is_ is None for was, is_ in values)
        if name == "rhythm":
            yield {**_row(name, unit, []), "count": len(both), "outside": sum(was != is_ for was, is_ in both), "lost": lost}
            continue
        outside = sum(abs(is_ - was) > limits.of(name, was) for was, is_ in both)
        yield {**_row(name, unit, [abs(is_ - was) for was, is_ in both]), "outside": outside, "lost": lost}


def _row(quantity: str, unit: str, differences: Sequence[float]) -> dict[str, Any]:
    known = bool(differences)
    return {
        "quantity": quantity,
        "unit": unit,
        "count": len(differences),
        "error": float(np.mean(differences)) if known else None,
        "largest": float(np.max(differences)) if known else None,
        "outside": None,
        "lost": None,
    }
