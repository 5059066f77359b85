"""What would perfect look like? Real against real data at the same sizes as synthetic against real data.

The real items are dealt many times into a reference part and a second part. Synthetic items, as many as the second part has,
are compared with the same reference part. Both comparisons so have the same sizes, and their difference is not an effect of
these. Several measures that are graded together share one error rate of 5 %: their edges come from the greatest standardised
deviation among them in each deal (Westfall and Young 1993, Resampling-Based Multiple Testing, ISBN 978-0-471-55761-6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review.evaluation.metrics import HIGHER, LOWER, SHOWN, Settings, Value, verdict
from review.statistics import LEVEL, wilson

FEWEST = 10
"""Items of a part below which nothing is compared."""

SMALL = 100
"""Items below which a sample is called small."""

INTERVAL = "middle 95 % over deals of the real items and draws of the synthetic ones"
AGAINST = "real against real: second part of the dealt real items"
Indices = NDArray[np.int64]
Measure = Callable[[Any, Any], Mapping[str, float]]


@dataclass(frozen=True)
class Sizes:
    """How many items are compared at a time: of the reference part, and of either other part."""

    reference: int
    other: int

    @property
    def enough(self) -> bool:
        """Whether there is something to compare."""
        return min(self.reference, self.other) >= FEWEST


@dataclass(frozen=True)
class Compared:
    """One measure: of synthetic items, and of real ones in their place; the medians and middle 95 % over the deals.

    ``edge`` is None for a measure that is not graded, or whose baseline is not defined in every deal.
    """

    value: float
    low: float
    high: float
    baseline: float
    baseline_low: float
    baseline_high: float
    edge: float | None
    sizes: Sizes

    def as_value(self, metric: str, subject: str = "", direction: str = LOWER, note: str = "") -> Value:
        """Return the measure as a value of a card, with its verdict where there is an edge."""
        numbers = (self.value, self.low, self.high, self.baseline, self.baseline_low, self.baseline_high)
        judged = SHOWN if self.edge is None else verdict(self.value, self.low, self.high, self.edge, direction)
        reason = note or ("not defined in these items" if not np.isfinite(self.value) else "")
        sizes = {"real": self.sizes.reference, "synthetic": self.sizes.other}
        return Value(metric, subject, *numbers, self.edge, judged, **sizes, interval=INTERVAL, against=AGAINST, note=reason)


def sizes(real: int, synthetic: int, most: int) -> Sizes:
    """Return how many of some real and synthetic items are compared at a time."""
    other = min(real // 2, synthetic, most)
    return Sizes(min(real - other, most), other)


def deals(real: int, synthetic: int, settings: Settings) -> Iterator[tuple[Indices, Indices, Indices]]:
    """Deal the items: for each deal the places of the reference part, of the second real part and of the synthetic items.

    No real item is in both parts of a deal; no item is in a part twice.
    """
    size = sizes(real, synthetic, settings.most)
    draw = np.random.default_rng(settings.seed)
    for _ in range(settings.deals):
        dealt = draw.permutation(real)[: size.reference + size.other]
        yield dealt[: size.reference], dealt[size.reference :], draw.permutation(synthetic)[: size.other]


def take(items: Any, places: Indices) -> Any:
    """Return some items of a table, an array or a list."""
    if hasattr(items, "iloc"):
        return items.iloc[places]
    if isinstance(items, list | tuple):
        return [items[place] for place in places]
    return items[places]


def compare(
    measure: Measure, real: Any, synthetic: Any, settings: Settings, directions: Mapping[str, str] | str = LOWER
) -> dict[str, Compared]:
    """Apply a measure to synthetic and to real items, many times.

    Parameters
    ----------
    measure : callable
        Of the reference part and another part: measures by name. NaN where one is not defined. The same names every time.
    real, synthetic : table, array or list
        Items along the first axis; tables, arrays and matrices with ``[]`` over rows, or lists.
    settings : Settings
    directions : mapping of str to {"lower", "higher"}, or one for all
        Of the measures that are graded together; a measure without one is not graded.

    Returns
    -------
    dict
        Empty if there are fewer than :data:`FEWEST` items in a part.
    """
    counts = (_length(real), _length(synthetic))
    size = sizes(*counts, settings.most)
    if not size.enough:
        return {}
    found: dict[str, list[tuple[float, float]]] = {}
    for reference, second, other in deals(*counts, settings):
        held = take(real, reference)
        null, here = measure(held, take(real, second)), measure(held, take(synthetic, other))
        for name, number in here.items():
            found.setdefault(name, []).append((number, null[name]))
    table = {name: np.array(pairs, dtype=float) for name, pairs in found.items()}
    graded = directions if isinstance(directions, Mapping) else dict.fromkeys(table, directions)
    edges = together({name: table[name][:, 1] for name in graded if name in table}, graded)
    return {name: _summary(pairs, edges.get(name), size) for name, pairs in table.items()}


def together(nulls: Mapping[str, NDArray[np.float64]], directions: Mapping[str, str]) -> dict[str, float]:
    """Return the edge of each measure so that together they are crossed in 5 % of the deals of real items.

    Parameters
    ----------
    nulls : mapping of str to array (deals,)
        Measures of real against real items; one that is not defined in every deal gets no edge.
    directions : mapping of str to {"lower", "higher"}
    """
    known = {name: values for name, values in nulls.items() if len(values) and not np.isnan(values).any()}
    if not known:
        return {}
    signs = {name: -1.0 if directions[name] == HIGHER else 1.0 for name in known}
    centres = {name: float(values.mean()) for name, values in known.items()}
    spreads = {name: float(values.std(ddof=1)) for name, values in known.items()}
    scaled = [signs[name] * (known[name] - centres[name]) / (spreads[name] or 1.0) for name in known]
    factor = max(float(np.quantile(np.max(scaled, axis=0), 0.95)), 0.0)
    return {name: centres[name] + signs[name] * factor * spreads[name] for name in known}


def spare(found: Compared, count: int, total: int, graded: int = 1) -> Compared:
    """Return a difference of shares with an edge that is no nearer than chance takes the share of something rare.

    What real items never or hardly ever have has next to no spread over the deals: the first single case would be condemned.
    The edge is so at least as far as the Wilson interval of the real share reaches above it.

    Parameters
    ----------
    found : Compared
    count, total : int
        How many of how many real items have it.
    graded : int
        Measures that are graded together (Bonferroni).
    """
    if found.edge is None:
        return found
    reach = wilson(count, total, 1 - (1 - LEVEL) / max(graded, 1))[1] - count / total
    return replace(found, edge=max(found.edge, reach))


def unusual(values: NDArray[Any]) -> tuple[int, int]:
    """Return how many of the known values are not the most frequent one, and how many are known (1 if none is)."""
    known = values[~np.isnan(values)]
    return len(known) - int(np.unique(known, return_counts=True)[1].max(initial=0)), max(len(known), 1)


def _summary(pairs: NDArray[np.float64], edge: float | None, size: Sizes) -> Compared:
    (value, low, high), (baseline, baseline_low, baseline_high) = (_middle(pairs[:, column]) for column in (0, 1))
    return Compared(value, low, high, baseline, baseline_low, baseline_high, edge, size)


def _middle(numbers: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return median, 2.5 % and 97.5 % quantile of the numbers that are known."""
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return (np.nan,) * 3
    low, middle, high = np.quantile(known, (0.025, 0.5, 0.975))
    return float(middle), float(low), float(high)


def _length(items: Any) -> int:
    return int(items.shape[0]) if hasattr(items, "shape") else len(items)
