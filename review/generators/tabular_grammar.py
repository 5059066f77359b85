"""A GBNF grammar that allows exactly the rows of a JSON schema: columns in order, classes, decimals and ranges.

llama.cpp's own translation of a JSON schema leaves ``minimum`` and ``maximum`` of a ``number`` out, and lets white space and
digits run on. Here a number is a set of digit patterns, so that one outside the range, or with other decimals, cannot be written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from review.generators.tables import Column, Table

Pattern = list[tuple[int, int]]
"""For each digit, first to last, the smallest and greatest that may stand there."""


def patterns(low: str, high: str) -> list[Pattern]:
    """Return patterns that together allow exactly the numbers from ``low`` to ``high``, both of the same number of digits."""
    if not low:
        return [[]]
    first, last = int(low[0]), int(high[0])
    if first == last:
        return [[(first, first), *rest] for rest in patterns(low[1:], high[1:])]
    nines, zeros = "9" * (len(low) - 1), "0" * (len(low) - 1)
    free = [(0, 9)] * (len(low) - 1)
    found: list[Pattern] = []
    if low[1:] != zeros:
        found += [[(first, first), *rest] for rest in patterns(low[1:], nines)]
        first += 1
    ends: list[Pattern] = []
    if high[1:] != nines:
        ends = [[(last, last), *rest] for rest in patterns(zeros, high[1:])]
        last -= 1
    return [*found, *([[(first, last), *free]] if first <= last else []), *ends]


def number(low: int, high: int, decimals: int) -> list[str]:
    """Return the alternatives for a number with fixed decimals, as GBNF; bounds are counted in its last decimal, 0 or more.

    Raises
    ------
    ValueError
        If the bounds are negative or the wrong way round.
    """
    if not 0 <= low <= high:
        raise ValueError(f"no numbers from {low} to {high}")
    found = []
    for size in range(max(len(str(low)), decimals + 1), max(len(str(high)), decimals + 1) + 1):
        smallest = low if size == max(len(str(low)), decimals + 1) else 10 ** (size - 1)
        greatest = min(high, 10**size - 1)
        for pattern in patterns(f"{smallest:0{size}d}", f"{greatest:0{size}d}"):
            whole, rest = pattern[: size - decimals], pattern[size - decimals :]
            parts = [*map(_digit, whole), *(['"."', *map(_digit, rest)] if decimals else [])]
            found.append(" ".join(parts))
    return found


def _digit(span: tuple[int, int]) -> str:
    return f'"{span[0]}"' if span[0] == span[1] else f"[{span[0]}-{span[1]}]"


def row(table: Table, train: pd.DataFrame) -> str:
    """Return the grammar of one row as JSON on one line; ranges are those of ``train``."""
    rules = [" ".join(f"{_quoted(mark + _name(column))} c{place}" for place, (mark, column) in enumerate(_marked(table)))]
    rules[0] = f'root ::= {rules[0]} "}}"'
    for place, column in enumerate(table.columns):
        if column.kind == "class":
            choices = [_quoted(json.dumps(level)) for level in column.levels]
        else:
            bounds = [round(float(at) * 10**column.decimals) for at in (train[column.name].min(), train[column.name].max())]
            choices = number(bounds[0], bounds[1], column.decimals)
        rules.append(f"c{place} ::= {' | '.join(choices)}")
    return "\n".join(rules) + "\n"


def line(table: Table, values: Mapping[str, object]) -> str:
    """Return a row as the grammar has it: JSON on one line, numbers with all of their decimals."""
    parts = [
        _name(column) + (json.dumps(values[column.name]) if column.kind == "class" else column.text(values[column.name]))
        for column in table.columns
    ]
    return "{" + ", ".join(parts) + "}"


def _marked(table: Table) -> list[tuple[str, Column]]:
    return [("{" if place == 0 else ", ", column) for place, column in enumerate(table.columns)]


def _name(column: Column) -> str:
    return json.dumps(column.name) + ": "


def _quoted(text: str) -> str:
    """Return text as a GBNF literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
