"""Where the columns of an evidence map stand, how wide they are, and where in them each study's circle lies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from review import theme
from review.board import Board, Point, counted, named
from review.describe import Titles
from review.errors import ReviewError
from review.swarm import pile
from review.theme import Width

Place = tuple[str, str]
Study = Mapping[str, Any]
DOT: dict[Width, float] = {"single": 2.0 * theme.PIXELS, "double": 2.4 * theme.PIXELS}
"""Diameter of a study's circle."""

GAP = 1.0
"""Pixels between circles."""

BETWEEN = 2.5
"""Pixels that are left free between years."""

LINES = 12
"""Circles on top of one another up to which columns are divided evenly."""

PAD = 3.0


@dataclass(frozen=True)
class Column:
    """One column of the map: its place, and where in it each year is."""

    name: str
    left: float
    right: float
    years: int

    @property
    def band(self) -> float:
        """Width of one year."""
        return (self.right - self.left - 2 * PAD) / self.years

    def middle(self, year: int) -> float:
        """Return the middle of a year, counted from 0."""
        return self.left + PAD + (year + 0.5) * self.band


def narrow(board: Board, grid: Sequence[Study], titles: Titles) -> bool:
    """Tell whether the grid has more columns than rows, and more than fit."""
    rows, columns = ({one[name] for one in grid} for name in ("row", "column"))
    needed = sum(_need(board, one, titles) for one in grid if one["row"] == grid[0]["row"])
    return len(columns) > len(rows) and needed > 0.7 * board.total


def _need(board: Board, cell: Study, titles: Titles) -> float:
    """Return the width that a cell needs at least: for its count, and the longest word of its column's name, if not too long."""
    word = max(named(cell["column"], titles).replace("-", "- ").split(" "), key=theme.extent)
    number = theme.extent(counted(cell["count"], cell["min"], cell["max"]), bold=True)
    return 6 + max(min(theme.extent(word), 0.22 * board.total), number, DOT[board.width])


def columns_of(
    board: Board,
    grid: Sequence[Mapping[str, Any]],
    within: Mapping[Place, Sequence[Study]],
    years: int,
    left: float,
    titles: Titles,
) -> list[Column]:
    """Divide the width among the columns: what heading and counts need, the rest by how crowded their fullest year is."""
    least: dict[str, float] = {}
    crowd: dict[str, int] = {}
    for one in grid:
        least[one["column"]] = max(least.get(one["column"], 0.0), _need(board, one, titles))
        fullest = Counter(study["year"] for study in within.get((one["row"], one["column"]), []))
        crowd[one["column"]] = max(crowd.get(one["column"], 1), *fullest.values(), 1)
    room = board.total - left - 3 - 3 * (len(least) - 1)
    spare = room - sum(least.values())
    if spare < 0:
        raise ReviewError(f"{len(least)} columns do not fit into a {board.width} column -> choose a dimension with fewer codes")
    tried = [_divided(least, crowd, spare, years, left, power) for power in (0.5, 1.0, 2.0)]
    lines = [_lines(columns, crowd, DOT[board.width]) for columns in tried]
    fitting = [columns for columns, needed in zip(tried, lines, strict=True) if needed <= LINES]
    return fitting[0] if fitting else tried[lines.index(min(lines))]


def _divided(
    least: Mapping[str, float], crowd: Mapping[str, int], spare: float, years: int, left: float, power: float
) -> list[Column]:
    """Return columns that share what is spare in proportion to a power of how crowded they are."""
    weights = {name: size**power for name, size in crowd.items()}
    columns, x = [], left
    for name, need in least.items():
        room = need + spare * weights[name] / sum(weights.values())
        columns.append(Column(name, x, x + room, years))
        x += room + 3
    return columns


def _lines(columns: Sequence[Column], crowd: Mapping[str, int], diameter: float) -> int:
    """Return how many circles lie on top of one another in the fullest year."""
    return max(math.ceil(crowd[column.name] / max(1, int((column.band - BETWEEN) / (diameter + GAP)))) for column in columns)


def piled(studies: Sequence[Study], column: Column, years: Sequence[int | None], diameter: float) -> list[Point]:
    """Return the middles of the circles of one cell: along the page, and above the cell's floor."""
    places = [column.middle(years.index(study["year"])) for study in studies]
    return pile(places, column.band - BETWEEN, diameter + GAP, (column.left + 1, column.right - 1))
