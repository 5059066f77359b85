"""Distances between records: of the numbers and classes of a table (Gower), and of texts (TF-IDF cosine).

Either is between 0 (equal) and 1 (nothing in common) for records within the range of the real data. Large data are searched by a
sample of records, and beside it by the records that are next on a few random lines: an equal record has the same place on every
line, and is found wherever it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

RECORDS = 20_000
"""Records of one data set that a record is compared with."""

QUERIES = 3_000
"""Records that look for their nearest one."""

LINES, WINDOW = 8, 4
"""Random lines on which large data are ordered, and records to either side on a line that are compared as well."""

BLOCK, TEXT_BLOCK = 1 << 19, 1 << 23
"""Distances that are computed at a time, of tables and of texts."""

FURTHEST = 1e6
"""Ranges of the real data at which a number is cut off."""


class View(Protocol):
    """Records of all data sets in one notion of distance."""

    name: str
    block: int

    def size(self, role: str) -> int:
        """Return the number of records."""

    def take(self, role: str, places: Indices) -> Any:
        """Return some records in a form for :meth:`cross`."""

    def cross(self, one: Any, other: Any) -> NDArray[np.float32]:
        """Return all distances (records of one, records of the other)."""

    def near(self, role: str, queries: Any) -> Indices:
        """Return places of records that may be near without being sampled (queries, any number); -1 for none."""


@dataclass(frozen=True)
class Nearest:
    """Distance of each query to the nearest and to the second nearest record, and the place of the nearest."""

    first: Floats
    second: Floats
    place: Indices


class TableView:
    """Numbers and classes: the mean over the columns of the difference as part of the range of the real data, or of 0 and 1.

    A missing value is a level of its own: at 0 from another missing value, at 1 from all others.
    """

    name, block = "table", BLOCK

    def __init__(self, parts: dict[str, pd.DataFrame], numbers: tuple[str, ...], classes: tuple[str, ...]) -> None:
        self.columns = (*numbers, *classes)
        self.numbers = len(numbers)
        self._levels = [len(parts["real"][name].cat.categories) if name in classes else 0 for name in self.columns]
        self._coded = {role: self._code(frame, parts["real"]) for role, frame in parts.items()}
        self._lines: dict[str, list[tuple[Floats, Indices]]] = {}

    def _code(self, frame: pd.DataFrame, real: pd.DataFrame) -> NDArray[np.float32]:
        coded = np.empty((len(self.columns), len(frame)), dtype=np.float32)
        for row, name in enumerate(self.columns):
            if row >= self.numbers:
                coded[row] = frame[name].cat.codes.to_numpy()
                continue
            low, high, values = float(real[name].min()), float(real[name].max()), frame[name].to_numpy(float)
            if not np.isfinite(high - low):
                low, high, values = low / 4, high / 4, values / 4  # the range of such numbers is no number
            with np.errstate(over="ignore"):
                coded[row] = np.clip((values - low) / ((high - low) or 1.0), -FURTHEST, FURTHEST)
        return coded

    def size(self, role: str) -> int:
        """Return the number of records."""
        return int(self._coded[role].shape[1])

    def take(self, role: str, places: Indices) -> NDArray[np.float32]:
        """Return some records (columns, records)."""
        return np.asarray(self._coded[role][:, places])

    def part(self, column: int, one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the distances in one column; broadcast."""
        if column >= self.numbers:
            return np.asarray(one != other, dtype=np.float32)
        gaps = np.abs(one - other)
        missing = np.isnan(gaps)
        if missing.any():
            both = np.isnan(one) & np.isnan(other)
            gaps = np.where(missing, np.where(both, np.float32(0), np.float32(1)), gaps)
        return np.asarray(gaps)

    def cross(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all distances."""
        total = np.zeros((one.shape[1], other.shape[1]), dtype=np.float32)
        for column in range(len(self.columns)):
            total += self.part(column, one[column][:, None], other[column][None, :])
        return total / np.float32(len(self.columns))

    def near(self, role: str, queries: NDArray[np.float32]) -> Indices:
        """Return the neighbours on random lines, if there are more records than are compared."""
        if self.size(role) <= RECORDS:
            return np.empty((queries.shape[1], 0), dtype=np.int64)
        if role not in self._lines:
            ends = [self._project(self._coded[role], line) for line in range(LINES)]
            orders = [np.argsort(end, kind="stable") for end in ends]
            self._lines[role] = [(end[order], order) for end, order in zip(ends, orders, strict=True)]
        found = []
        for line, (ends_sorted, order) in enumerate(self._lines[role]):
            at = np.searchsorted(ends_sorted, self._project(queries, line))
            around = at[:, None] + np.arange(-WINDOW, WINDOW)[None, :]
            found.append(order[np.clip(around, 0, len(order) - 1)])
        return np.concatenate(found, axis=1)

    def _project(self, coded: NDArray[np.float32], line: int) -> Floats:
        """Return places on a random line: a sum, column by column, so that equal records have equal places."""
        draw = np.random.default_rng(line)
        total = np.zeros(coded.shape[1])
        for column in range(len(self.columns)):
            if column < self.numbers:
                slope, missing = draw.normal(), draw.normal()
                total += np.where(np.isnan(coded[column]), missing, slope * coded[column].astype(float))
            else:
                levels = draw.normal(size=self._levels[column] + 1)
                total += levels[coded[column].astype(np.int64) + 1]
        return total


class TextView:
    """Texts: 1 less the cosine of their TF-IDF weights, of words and pairs of words.

    The words are those of all data sets alike: if they were those of the real texts, other texts would lose what is theirs alone
    and seem nearer than a real text does to another.
    """

    name, block = "text", TEXT_BLOCK

    def __init__(self, parts: dict[str, pd.DataFrame], column: str, seed: int) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._texts = {role: frame[column].to_numpy() for role, frame in parts.items()}
        chosen = [held[place] for role, held in self._texts.items() for place in sample(self, role, RECORDS, seed)]
        self.known = any(re.search(r"\w", text) for text in chosen)
        words = re.compile(r"\w+").findall
        self._weights = TfidfVectorizer(
            tokenizer=words, token_pattern=None, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32
        )
        if self.known:
            self._weights.fit(chosen)

    def size(self, role: str) -> int:
        """Return the number of texts."""
        return len(self._texts[role])

    def take(self, role: str, places: Indices) -> Any:
        """Return the weights of some texts (texts, words)."""
        return self._weights.transform(self._texts[role][places])

    def cross(self, one: Any, other: Any) -> NDArray[np.float32]:
        """Return all distances; below 1e-5 they are rounding, and 0."""
        gaps: NDArray[np.float32] = 1 - (one @ other.T).toarray()
        gaps[gaps < 1e-5] = 0
        return gaps

    def near(self, role: str, queries: Any) -> Indices:  # noqa: ARG002
        """Return nothing: texts are compared by the sample."""
        return np.empty((queries.shape[0], 0), dtype=np.int64)


def views(pair: Pair, seed: int) -> tuple[TableView | TextView, ...]:
    """Return the notions of distance that a pair has; a label beside texts is no table."""
    from review.evaluation.inputs import CLASS, NUMBER

    found: list[TableView | TextView] = []
    parts = pair.parts()
    numbers, classes = pair.named(NUMBER), pair.named(CLASS)
    if pair.kind != "text" and (numbers or classes):
        found.append(TableView(parts, numbers, classes))
    if pair.text:
        text = TextView(parts, pair.text, seed)
        if text.known:
            found.append(text)
    return tuple(found)


def sample(view: View, role: str, most: int, seed: int) -> Indices:
    """Return the places of at most so many records, in an order of chance."""
    return np.random.default_rng([seed, len(role)]).permutation(view.size(role))[:most]


def nearest(
    view: View, asking: tuple[str, Indices], role: str, records: Indices, *, apart: bool = False, lines: bool = True
) -> Nearest:
    """Return how near some records come to those of a data set.

    Parameters
    ----------
    view : View
    asking : tuple of str and array
        Data set and places of the records that look for their nearest one.
    role : str
    records : array
        Places of the sampled records.
    apart : bool
        Whether a record does not count as its own nearest: if both data sets are the same.
    lines : bool
        Whether neighbours on random lines are compared beside the sampled records of large data.
    """
    held = view.take(role, records)
    step = max(view.block // max(len(records), 1), 1)
    firsts, seconds, places = [], [], []
    for start in range(0, len(asking[1]), step):
        own = asking[1][start : start + step]
        queries = view.take(asking[0], own)
        gaps = view.cross(queries, held).astype(np.float64)
        ids = np.broadcast_to(records, gaps.shape)
        extra = view.near(role, queries) if lines else None
        if extra is not None and extra.shape[1]:
            gaps, ids = _join(view, role, (queries, gaps, ids), extra)
        if apart:
            gaps = np.where(ids == own[:, None], np.inf, gaps)
        best = gaps.argmin(axis=1)
        rows = np.arange(len(own))
        firsts.append(gaps[rows, best])
        seconds.append(np.partition(gaps, min(1, gaps.shape[1] - 1))[:, :2].max(axis=1))
        places.append(ids[rows, best])
    return Nearest(np.concatenate(firsts), np.concatenate(seconds), np.concatenate(places))


def _join(view: View, role: str, asked: tuple[Any, Floats, Indices], extra: Indices) -> tuple[Floats, Indices]:
    """Return distances and places with those of further candidates; one that is listed twice counts once."""
    queries, gaps, ids = asked
    listed = np.sort(ids[0])
    ordered = np.sort(extra)
    at = np.minimum(np.searchsorted(listed, ordered), len(listed) - 1)
    again = listed[at] == ordered
    again[:, 1:] |= ordered[:, 1:] == ordered[:, :-1]
    added = np.array([view.cross(queries[:, [row]], view.take(role, places))[0] for row, places in enumerate(ordered)])
    return np.hstack([gaps, np.where(again, np.inf, added)]), np.hstack([ids, ordered])
