"""Texts as numbers: cut into words once, so that every deal of a comparison is a choice of places.

A word is what stands between white space, without the marks around it, in small letters: ``148/86`` and ``follow-up`` are one
word each. Texts without spaces between words, as in Chinese, cannot be measured in this way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from review.evaluation import baseline
from review.evaluation.baseline import Compared, Indices
from review.evaluation.metrics import LOWER, Settings, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from review.evaluation.inputs import Pair

POOL = 20_000
"""Texts of each side that are read; of more, as many are drawn."""

_WORD = re.compile(r"[^\W_](?:\S*[^\W_])?")


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class Rows:
    """Numbers that stand in each text, one text after the other.

    Attributes
    ----------
    ids : array of int
    starts : array of int, one more than texts
        Where each text begins, and the end of the last.
    kinds : int
        Numbers are below it.
    """

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    kinds: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many numbers each text has."""
        return np.diff(self.starts)

    def of(self, places: Indices) -> NDArray[np.int64]:
        """Return the numbers of some texts, in the order of their places."""
        lengths = self.lengths[places]
        ends = np.cumsum(lengths)
        shift = np.repeat(self.starts[places] - (ends - lengths), lengths)
        found: NDArray[np.int64] = self.ids[shift + np.arange(ends[-1] if len(ends) else 0)]
        return found

    def bag(self) -> Any:
        """Return how often each number stands in each text, as a sparse matrix (texts, kinds)."""
        from scipy.sparse import csr_matrix

        counts = np.ones(len(self.ids), dtype=np.int64)
        matrix = csr_matrix((counts, self.ids.copy(), self.starts.copy()), shape=(len(self.starts) - 1, self.kinds))
        matrix.sum_duplicates()
        return matrix


@dataclass(frozen=True)
class Texts:
    """Real texts, then synthetic ones, cut into words.

    Attributes
    ----------
    texts : tuple of str
    reals : int
        How many of them are real.
    vocabulary : tuple of str
        In the order in which they first occur.
    words : Rows
        Numbers are places in ``vocabulary``.
    labels : array of int or None
        Place of the label of each text among its levels, the last one for a missing label.
    note : str
        What was drawn, if not all texts were read.
    """

    texts: tuple[str, ...]
    reals: int
    vocabulary: tuple[str, ...]
    words: Rows
    labels: NDArray[np.int64] | None = None
    note: str = ""
    _made: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def real(self) -> Indices:
        """Places of the real texts."""
        return np.arange(self.reals, dtype=np.int64)

    @property
    def synthetic(self) -> Indices:
        """Places of the synthetic texts."""
        return np.arange(self.reals, len(self.texts), dtype=np.int64)

    def grams(self, order: int) -> Rows:
        """Return the runs of ``order`` words in each text, as numbers."""
        found: Rows = self._once(f"grams {order}", lambda: _grams(self.words, order))
        return found

    def bag(self, order: int = 1) -> Any:
        """Return how often each run of ``order`` words stands in each text, as a sparse matrix."""
        return self._once(f"bag {order}", self.grams(order).bag)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


def prepare(pair: Pair, settings: Settings) -> Texts:
    """Read the texts of a pair, and their labels if these are classes."""
    draw = np.random.default_rng(settings.seed)
    frames, notes = [], []
    for side, frame in (("real", pair.real), ("synthetic", pair.synthetic)):
        if len(frame) > POOL:
            notes.append(f"{POOL:,} of {len(frame):,} {side} texts were drawn")
            frame = frame.iloc[np.sort(draw.permutation(len(frame))[:POOL])]  # noqa: PLW2901
        frames.append(frame)
    texts = [str(text) for frame in frames for text in frame[pair.text]]
    labels: NDArray[np.int64] | None = None
    if pair.label in pair.named("class"):
        codes = [frame[pair.label].cat.codes.to_numpy(dtype=np.int64) for frame in frames]
        levels = len(frames[0][pair.label].cat.categories)
        labels = (np.concatenate(codes) % (levels + 1)).astype(np.int64)
    return cut(texts, len(frames[0]), labels, "; ".join(notes))


def cut(texts: Sequence[str], reals: int, labels: NDArray[np.int64] | None = None, note: str = "") -> Texts:
    """Cut texts into words, the first ``reals`` of them being real."""
    known: dict[str, int] = {}
    ids: list[int] = []
    starts = [0]
    for text in texts:
        ids += [known.setdefault(word, len(known)) for word in words(text)]
        starts.append(len(ids))
    rows = Rows(np.array(ids, dtype=np.int64), np.array(starts, dtype=np.int64), len(known))
    return Texts(tuple(texts), reals, tuple(known), rows, labels, note)


def _grams(rows: Rows, order: int) -> Rows:
    if order == 1:
        return rows
    ends = np.repeat(rows.starts[1:], rows.lengths)
    codes = rows.ids
    for extra in range(1, order):
        _, codes = np.unique(codes[:-1] * rows.kinds + rows.ids[extra:], return_inverse=True)
    places = np.arange(len(codes))
    inside = places + order <= ends[: len(codes)]
    kinds, ids = np.unique(codes[inside], return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(np.maximum(rows.lengths - order + 1, 0))])
    return Rows(ids.astype(np.int64), starts.astype(np.int64), len(kinds))


class Once:
    """Keep what was last made of a reference part: the two comparisons of a deal have the same one."""

    def __init__(self, make: Callable[[Indices], Any]) -> None:
        self._make, self._places, self._made = make, np.empty(0, dtype=np.int64), None

    def __call__(self, places: Indices) -> Any:
        """Return what ``make`` makes of these places."""
        if self._places is not places:
            self._places, self._made = places, self._make(places)
        return self._made


def fewest(rows: Rows, texts: Texts, settings: Settings, *, alike: bool = True) -> int:
    """Return how many numbers every part of every deal has at least.

    Parameters
    ----------
    alike : bool
        Whether of the reference part only as many texts count as the others have; if not, it is left out.
    """
    least = [len(rows.ids)]
    for reference, second, other in baseline.deals(texts.reals, len(texts.synthetic), settings):
        parts = [second, texts.reals + other, *([reference[: len(other)]] if alike else [])]
        least += [int(rows.lengths[part].sum()) for part in parts]
    return min(least)


def weights(held: Any) -> NDArray[np.float64]:
    """Return the weight of each word by how few of some texts it stands in: ``ln((1 + n) / (1 + df)) + 1``."""
    seen = np.bincount(held.indices, minlength=held.shape[1])
    return np.asarray(np.log((1 + held.shape[0]) / (1 + seen)) + 1)


def scaled(bag: Any, weight: NDArray[np.float64]) -> Any:
    """Return counts times weights, each row of length 1 (an empty one stays empty)."""
    result = bag.astype(np.float64)
    result.data = bag.data * weight[bag.indices]
    rows = np.repeat(np.arange(bag.shape[0]), np.diff(bag.indptr))
    sizes = np.sqrt(np.bincount(rows, result.data**2, minlength=bag.shape[0]))
    result.data = result.data / sizes[rows]
    return result


def to_values(found: Mapping[str, Compared], directions: Mapping[str, str], note: str = "") -> tuple[Value, ...]:
    """Return compared measures, named ``metric`` or ``metric:subject``, as values of a card."""
    values = []
    for name, compared in found.items():
        metric, _, subject = name.partition(":")
        lost = name in directions and compared.edge is None and not np.isnan(compared.value)
        said = "; ".join(part for part in (note, "not defined in every deal, so not graded" if lost else "") if part)
        values.append(compared.as_value(metric, subject, directions.get(name, LOWER), said))
    return tuple(values)
