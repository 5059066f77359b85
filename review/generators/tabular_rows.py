"""Judge generated rows: whether they have the columns of the table, whether values lie in range, whether they are copies."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from review.generators.tables import Table

if TYPE_CHECKING:
    import pandas as pd

SCHEMA, RANGE, SHOWN, TRAIN, DUPLICATE = "schema", "out-of-range", "copy-shown", "copy-train", "duplicate"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {
        SCHEMA: "a column is missing, unknown or repeated, or a value is of the wrong kind",
        RANGE: "a number lies outside the range of the real rows that the model was given",
        SHOWN: "the row equals a real row that its prompt shows",
        TRAIN: "the row equals another real row that the model learnt from",
        DUPLICATE: "the row equals one that was generated before",
    }
)
"""In the order in which a row is judged."""

BOUNDS = ("minimum", "maximum")
"""Keywords of a JSON schema that say where a number may lie."""


class Judge:
    """Says of one row after the other what is wrong with it.

    Parameters
    ----------
    table : Table
    train : DataFrame
        The real rows to learn from: ranges come from here, and copies of these rows are refused.
    """

    def __init__(self, table: Table, train: pd.DataFrame) -> None:
        import jsonschema

        self.table = table
        self.schema = table.schema(train)
        self._validator = jsonschema.Draft202012Validator(self.schema)
        self._train = {_key(row) for row in table.rows(train)}
        self._seen: dict[str, int] = {}

    def judge(self, row: Any, shown: Sequence[Mapping[str, Any]] = ()) -> tuple[str, str, dict[str, Any]]:
        """Return reason ("" if nothing is wrong), detail and the row as it is kept.

        Rows are compared after rounding to the decimals of the columns. Only an accepted row is remembered.

        Parameters
        ----------
        row : any
            What was read from the model's answer, a mapping if all is well.
        shown : sequence of mappings
            The real rows that the model saw with this request.
        """
        reason, detail = self.against_schema(row)
        if reason:
            return reason, detail, readable(row)
        kept = {column.name: column.plain(row[column.name]) for column in self.table.columns}
        key = _key(kept)
        if key in {_key(one) for one in shown}:
            return SHOWN, "a row of the prompt", kept
        if key in self._train:
            return TRAIN, "a row to learn from", kept
        if key in self._seen:
            return DUPLICATE, f"accepted row {self._seen[key]} of this run, counted from 0", kept
        self._seen[key] = len(self._seen)
        return "", "", kept

    def against_schema(self, row: Any) -> tuple[str, str]:
        """Return reason and detail of the first thing in which a row does not meet the JSON schema, ranges last."""
        errors = sorted(self._validator.iter_errors(row), key=lambda error: (error.validator in BOUNDS, str(error.path)))
        if not errors:
            return "", ""
        first = errors[0]
        place = "".join(f"{part}: " for part in first.path)
        if first.validator not in BOUNDS:
            return SCHEMA, place + first.message
        name = first.path[0]
        bounds = self.schema["properties"][name]
        return RANGE, f"{name}: {first.instance} is not from {bounds['minimum']} to {bounds['maximum']}"


def readable(row: Any) -> dict[str, Any]:
    """Return of something read what a record can keep: the plain, finite values of a mapping."""
    if not isinstance(row, Mapping):
        return {}
    return {str(name): value for name, value in row.items() if _writable(str(name)) and _plain(value)}


def shortened(text: str, most: int = 200) -> str:
    """Return text that can be written as UTF-8, and no more than ``most`` letters of it."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def _writable(text: str) -> bool:
    return text == shortened(text, len(text))


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return _writable(value)
    return isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))


def _key(row: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same row, whatever the order of its columns."""
    return json.dumps(dict(row), sort_keys=True)
