"""Where dots stand that must not overlap: each near its place on a line, piled up where there is no room beside it."""

from __future__ import annotations

import math
from bisect import bisect, insort
from collections import Counter
from collections.abc import Sequence

TOUCH = 1e-9
"""Two dots may touch; what is closer than this to touching does not count as overlapping."""


def pile(
    places: Sequence[float], band: float, diameter: float, span: tuple[float, float] = (-math.inf, math.inf)
) -> list[tuple[float, float]]:
    """Place dots above a base line, each as low as it can be.

    Dots of one place share a band around it: as many lie side by side as fit into it, a shorter last line is centred. A dot
    that would overlap another one is lifted until it does not. (A bee swarm for places that are few and equally far apart,
    such as years.)

    Parameters
    ----------
    places : sequence of float, shape (dots,)
        Where on the line each dot belongs, in pixels. Of one place the first lie lowest, from left to right.
    band : float
        Width around a place that its dots may take, in pixels; a band narrower than a dot holds one dot.
    diameter : float
        Of a dot with the space around it, in pixels.
    span : tuple of float
        Ends of the line: no dot reaches over them.

    Returns
    -------
    list of tuple of float, shape (dots, 2)
        Middle of each dot: along the line, and above it (at least half a diameter), in the order of ``places``.

    Raises
    ------
    ValueError
        If the diameter is not positive, or the line is shorter than a dot.
    """
    low, high = span[0] + diameter / 2, span[1] - diameter / 2
    if diameter <= 0 or low > high + TOUCH:
        raise ValueError(f"a dot of {diameter} does not fit on a line from {span[0]} to {span[1]}")
    side_by_side = max(1, math.floor(band / diameter + TOUCH))
    totals, seen = Counter(places), Counter[float]()
    ranks = []
    for place in places:
        ranks.append(seen[place])
        seen[place] += 1
    found: dict[int, tuple[float, float]] = {}
    strips: dict[int, list[tuple[float, float]]] = {}
    reached: dict[float, float] = {}
    for dot in sorted(range(len(places)), key=lambda index: (ranks[index] // side_by_side, places[index], ranks[index])):
        line, column = divmod(ranks[dot], side_by_side)
        beside = min(side_by_side, totals[places[dot]] - line * side_by_side)
        x = min(max(places[dot] + (column - (beside - 1) / 2) * diameter, low), high)
        strip, least = math.floor(x / diameter), reached.get(x, 0.0)
        near = [
            place for beside in (strip - 1, strip, strip + 1) for place in _above(strips.get(beside, []), least - 2 * diameter)
        ]
        y = reached[x] = _lowest(x, diameter, near, least)
        insort(strips.setdefault(strip, []), (y, x))
        found[dot] = (x, y)
    return [found[dot] for dot in range(len(places))]


def _above(strip: list[tuple[float, float]], height: float) -> list[tuple[float, float]]:
    """Return the dots of a strip, as height and place, that are higher than ``height``."""
    return strip[bisect(strip, (height, math.inf)) :]


def _lowest(x: float, diameter: float, others: Sequence[tuple[float, float]], least: float) -> float:
    """Return the least height at which a dot at ``x`` overlaps no other, where lower than ``least`` there was no room before."""
    near = [(other, y) for y, other in others if abs(other - x) < diameter - TOUCH]
    heights = [diameter / 2, *(y + math.sqrt(diameter**2 - (other - x) ** 2) for other, y in near)]
    free = (y for y in sorted(heights) if y >= least)
    return next(y for y in free if all(math.hypot(other - x, high - y) >= diameter - TOUCH for other, high in near))
