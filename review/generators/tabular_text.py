"""Rows as sentences, "column is value, ...", and back, with whatever cannot be read back named.

The way of GReaT (Borisov et al. 2023, Language Models are Realistic Tabular Data Generators, ICLR,
openreview.net/forum?id=cEygmQNOeI): the columns stand in random order, so that a row can be continued from any of them.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from review.generators import tabular_rows
from review.generators.tables import Column, Table

UNREADABLE, UNKNOWN, TWICE, MISSING, VALUE = "unreadable", "unknown-column", "column-twice", "column-missing", "not-a-value"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {
        UNREADABLE: 'a part of the text is not of the form "column is value"',
        UNKNOWN: "the text names a column that the table does not have",
        TWICE: "the text names a column twice",
        VALUE: "what stands for a number is none, or a class is not one of the column's",
        MISSING: "the text leaves a column out",
        tabular_rows.RANGE: tabular_rows.REASONS[tabular_rows.RANGE],
        tabular_rows.TRAIN: tabular_rows.REASONS[tabular_rows.TRAIN],
        tabular_rows.DUPLICATE: tabular_rows.REASONS[tabular_rows.DUPLICATE],
    }
)
"""In the order in which a text is judged; the last three are those of :class:`review.generators.tabular_rows.Judge`."""


def phrase(column: Column, value: Any) -> str:
    """Return one part of a sentence."""
    return f"{column.name} is {column.text(value)}"


def write(table: Table, row: Mapping[str, Any], order: Sequence[int]) -> str:
    """Return a row as text, its columns in the order of their places."""
    return ", ".join(phrase(table.columns[place], row[table.columns[place].name]) for place in order)


def texts(table: Table, rows: Sequence[Mapping[str, Any]], draw: np.random.Generator) -> list[str]:
    """Return rows as text, each with its own random order of columns."""
    return [write(table, row, draw.permutation(len(table.columns)).tolist()) for row in rows]


def read(table: Table, text: str) -> tuple[str, str, dict[str, Any]]:
    """Return reason ("" if nothing is wrong), detail and what could be read, in the order of the text."""
    columns = {column.name: column for column in table.columns}
    row: dict[str, Any] = {}
    for part in text.strip().removesuffix(".").split(","):
        name, found, value = part.strip().partition(" is ")
        if not found:
            return UNREADABLE, part.strip() or "an empty part", row
        if name not in columns:
            return UNKNOWN, name, row
        if name in row:
            return TWICE, name, row
        column, plain = columns[name], value.strip()
        if column.kind == "class" and plain in column.levels:
            row[name] = plain
        elif column.kind == "number" and _is_number(plain):
            row[name] = float(plain) if column.decimals else round(float(plain))
        else:
            return VALUE, f"{name}: {plain}", row
    missing = [name for name in columns if name not in row]
    return (MISSING, ", ".join(missing), row) if missing else ("", "", row)


def _is_number(text: str) -> bool:
    """Tell whether text is a decimal number in at most 30 plain digits: no exponent, no infinity, none of another script."""
    return len(text) <= 30 and text.isascii() and text.removeprefix("-").replace(".", "", 1).isdigit()
