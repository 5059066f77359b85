"""Turn rows into tokens and back: each number becomes one of a few bins that hold about as many real rows each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review.errors import OptionError
from review.generators.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

START = 0
"""Token before the first column."""


@dataclass(frozen=True)
class Part:
    """The tokens of one column.

    Attributes
    ----------
    column : Column
    first : int
        Token of the first bin or level.
    edges : tuple of int
        For a number: where bins begin, counted in its last decimal, and one past the greatest value of all.
    held : tuple of int
        For a number: the real values in order, counted in its last decimal.
    """

    column: Column
    first: int
    edges: tuple[int, ...] = ()
    held: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many tokens the column has."""
        return len(self.edges) - 1 if self.edges else len(self.column.levels)

    @property
    def tokens(self) -> range:
        """The tokens of the column."""
        return range(self.first, self.first + self.size)

    def encode(self, value: Any) -> int:
        """Return the token of a value; a number outside the range belongs to the outermost bin."""
        if not self.edges:
            return self.first + self.column.levels.index(value)
        place = bisect_right(self.edges, _steps(self.column, value)) - 1
        return self.first + min(max(place, 0), self.size - 1)

    def decode(self, token: int, draw: np.random.Generator) -> int | float | str:
        """Return a value of a bin.

        For a number, one of the gaps between neighbouring real values of the bin is drawn, then a value in it: so a bin with
        a long tail stays sparse at its end.
        """
        place = token - self.first
        if not self.edges:
            return self.column.levels[place]
        start, stop = (bisect_left(self.held, edge) for edge in self.edges[place : place + 2])
        gap = int(draw.integers(start, stop))
        low, high = (*self.held, self.edges[-1])[gap : gap + 2]
        return self.column.plain(int(draw.integers(low, max(high, low + 1))) / 10**self.column.decimals)


class Bins:
    """The tokens of a table: one for the start, then those of each column, first to last.

    A column with classes comes first, so that rows can be asked for by class.

    Parameters
    ----------
    table : Table
    train : DataFrame
        The rows whose quantiles are the edges.
    bins : int
        Bins of a number at most; fewer where values repeat.

    Raises
    ------
    OptionError
        If there are fewer than two bins.
    """

    def __init__(self, table: Table, train: pd.DataFrame, bins: int) -> None:
        if bins < 2:
            raise OptionError(f"{bins} bins -> choose 2 or more")
        self.table = table
        self.parts: list[Part] = []
        first = START + 1
        for column in sorted(table.columns, key=lambda column: column.kind != "class"):
            held = () if column.kind == "class" else tuple(sorted(_steps(column, value) for value in train[column.name]))
            self.parts.append(Part(column, first, _edges(held, bins) if held else (), held))
            first += self.parts[-1].size
        self.vocabulary = first

    @property
    def length(self) -> int:
        """Tokens of a row."""
        return 1 + len(self.parts)

    def encode(self, row: Mapping[str, Any]) -> list[int]:
        """Return a row as tokens."""
        return [START, *(part.encode(row[part.column.name]) for part in self.parts)]

    def decode(self, tokens: Sequence[int], seed: int) -> dict[str, Any]:
        """Return tokens as a row, columns in the order of the table."""
        draw = np.random.default_rng([seed, 1])  # not the numbers that drew the tokens
        drawn = {part.column.name: part.decode(token, draw) for part, token in zip(self.parts, tokens[1:], strict=True)}
        return {column.name: drawn[column.name] for column in self.table.columns}

    def allowed(self, position: int, _: list[int]) -> Sequence[int]:
        """Return the tokens of the column at a position."""
        return self.parts[position - 1].tokens

    def fits(self, tokens: Sequence[int]) -> bool:
        """Tell whether every token is one of its column."""
        return all(token in part.tokens for part, token in zip(self.parts, tokens[1:], strict=True))

    def prefix(self, level: str = "") -> list[int]:
        """Return the tokens that a row starts with: of the first column's level, if one is asked for.

        Raises
        ------
        OptionError
            If the first column has no such level.
        """
        if not level:
            return [START]
        column = self.parts[0].column
        if level not in column.levels:
            raise OptionError(f"{column.name} is never {level!r} -> choose of: {', '.join(column.levels)}")
        return [START, self.parts[0].encode(level)]


def _steps(column: Column, value: float) -> int:
    steps: int = round(float(value) * 10**column.decimals)
    return steps


def _edges(held: tuple[int, ...], bins: int) -> tuple[int, ...]:
    """Return where bins begin: quantiles of the sorted values, equal ones once; and one past the greatest."""
    places = [len(held) * place // bins for place in range(bins)]
    return (*sorted({held[place] for place in places}), held[-1] + 1)
