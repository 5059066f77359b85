"""One table of every run, gathered into one: tidy, the parameters as its first columns.

Types are those of all runs together, never of the run that came first: columns are of pandas' nullable types, so that whole
numbers stay whole numbers where a run has none.
"""

from __future__ import annotations

import csv
import importlib.util
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.errors import InputError, OptionError
from review.files import decode, read_bytes, records, rows_to_csv, sheet, to_text, write_bytes, write_text

if TYPE_CHECKING:
    import pandas as pd

    from review.batch.campaign import Done

RUN = "run"
"""Name of the first column: which run a row is of."""

CSV, PARQUET = ".csv", ".parquet"
MOST_COLUMNS = 16_384
"""Columns of a table, as many as a spreadsheet has: pandas takes close to a minute for ten times as many."""

_WHOLE = range(-(2**63), 2**63)
_EXACT = 2**53
"""Up to here every whole number is a float, too."""


def gather(done: Sequence[Done], pattern: str) -> pd.DataFrame:
    """Gather one table of every good run: ``run``, the parameters, the columns of the table.

    Rows are in the order of the runs; the columns are the same whatever that order. A parameter or column that a run does not
    have is missing there. Parameters that are lists or mappings become JSON text.

    Parameters
    ----------
    done : sequence of Done
    pattern : str
        Path of the table in the folder of a run, CSV or Parquet, for example ``tables/02-shares.csv``.

    Returns
    -------
    DataFrame
        Empty if no run is good.

    Raises
    ------
    InputError
        If a run does not have the table, it cannot be read, or a column of it is named like a parameter.
    OptionError
        If it is neither CSV nor Parquet, or Parquet cannot be read because its library is not installed.
    """
    import pandas as pd

    kind = _kind(Path(pattern))
    good = [one for one in done if one.good]
    names = list(dict.fromkeys([RUN, *(name for one in sorted(good, key=_name) for name in one.run.parameters)]))
    if kind == PARQUET:
        _try([path for one in good if (path := one.run.folder / pattern).is_file()])
    tables = {one.run.name: _read(one, pattern, kind, names) for one in good}
    if not tables:
        return pd.DataFrame()
    columns = list(dict.fromkeys(column for name in sorted(tables) for column in tables[name].columns))
    given = [_given(one) for one in good for _ in range(len(tables[one.run.name]))]
    first = {name: _uniform(pd.Series([row.get(name) for row in given], dtype=object)) for name in names}
    return pd.concat([pd.DataFrame(first), _joined(list(tables.values()), columns, kind)], axis=1)


def write(frame: pd.DataFrame, target: Path) -> None:
    """Write a table as CSV or Parquet, as its suffix tells, whole or not at all.

    Parameters
    ----------
    frame : DataFrame
    target : Path

    Raises
    ------
    OptionError
        If the suffix is another one, or Parquet cannot be written because its library is not installed.
    """
    if _kind(target) == CSV:
        write_text(target, sheet(frame.columns, (row.values() for row in records(frame))))
        return
    buffer = io.BytesIO()
    frame.to_parquet(buffer, engine="pyarrow", index=False)
    write_bytes(target, buffer.getvalue())


def _name(done: Done) -> str:
    return done.run.name


def _given(done: Done) -> dict[str, Any]:
    return {**done.run.parameters, RUN: done.run.name}


def _kind(path: Path) -> str:
    """Return the format of a file, and make sure that it can be handled here."""
    kind = path.suffix.lower()
    if kind not in (CSV, PARQUET):
        raise OptionError(f"{path} is neither CSV nor Parquet -> name a table that ends with {CSV} or {PARQUET}")
    if kind == PARQUET and importlib.util.find_spec("pyarrow") is None:
        remedy = "run: make setup-generate (installs the extra 'evaluate'), or name a CSV file"
        raise OptionError(f"Parquet needs the module 'pyarrow', which is not installed -> {remedy}")
    return kind


def _read(done: Done, pattern: str, kind: str, names: Sequence[str]) -> pd.DataFrame:
    """Return the table of a run; that of a CSV file as text."""
    if RUN in done.run.parameters:
        raise InputError.one(done.run.notebook, "a parameter is named like the column of runs", "rename it", RUN)
    path = done.run.folder / pattern
    if not path.is_file():
        message = f"the run {done.run.name} left no such table"
        raise InputError.one(path, message, "name one with --collect that the notebook writes")
    held = _csv(path) if kind == CSV else _parquet(path)
    twice = sorted(set(names) & set(held.columns))
    if twice:
        raise InputError.one(path, "a column is named like a parameter", "rename it in the notebook", twice[0])
    return held


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    text = decode(path, read_bytes(path))
    _refuse_wide(path, _width(text))
    try:
        held = pd.read_csv(io.StringIO(text), dtype=str, na_filter=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError.one(path, f"no table: {error}", "write it as CSV, with a header") from None
    if not isinstance(held.index, pd.RangeIndex):  # pandas takes what stands before the first name as an index
        raise InputError.one(path, "a row has more fields than the header", "give every column a name")
    return held


def _width(text: str) -> int:
    """Return the number of fields in the longest row, if it could be more than :data:`MOST_COLUMNS`; 0 if it cannot."""
    if max((line.count(",") for line in text.splitlines()), default=0) < MOST_COLUMNS:
        return 0
    try:
        return max(map(len, csv.reader(io.StringIO(text, newline=""))))
    except csv.Error:  # a field that is longer than csv reads: those commas may stand in it
        return 0


def _refuse_wide(path: Path, width: int) -> None:
    if width > MOST_COLUMNS:
        message = f"{width:,} columns, {MOST_COLUMNS:,} are the most"
        raise InputError.one(path, message, "have the notebook write what differs between columns as rows")


def _try(paths: Sequence[Path]) -> None:
    """Refuse a file that would end this process."""
    from review.evaluation import parquet

    if paths and (bad := parquet.deadly(paths)):
        raise InputError.one(bad, "no Parquet file: it is damaged so that reading it ends the process", "run the notebook again")


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd
    from pyarrow import ArrowException, parquet

    try:
        _refuse_wide(path, parquet.read_metadata(path).num_columns)
        return pd.read_parquet(path, engine="pyarrow", dtype_backend="numpy_nullable")
    except (ArrowException, OSError, LookupError, ValueError, TypeError, OverflowError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError.one(path, f"no Parquet file: {told[:200]}", "write it again") from None


def _joined(tables: Sequence[pd.DataFrame], columns: list[str], kind: str) -> pd.DataFrame:
    """Return all rows with all columns, each of one type."""
    import pandas as pd

    whole = pd.RangeIndex(sum(len(table) for table in tables))
    # A column without any value tells no type: pandas would let it decide that of the others.
    told = pd.concat([table.dropna(axis=1, how="all") for table in tables]).set_axis(whole).reindex(columns=columns)
    if kind == CSV:
        text = rows_to_csv(columns, (row.values() for row in records(told)))
        held = pd.read_csv(io.StringIO(text), dtype_backend="numpy_nullable", low_memory=False)
        # Before 3.1 pandas takes the largest whole number of a computer word for a missing one, unless it is told the type.
        large = [
            name for name in held if held[name].dtype == "UInt64" and told[name].str.contains(str(2**64 - 1), na=False).any()
        ]
        if large:
            types = dict.fromkeys(large, "UInt64")
            held = pd.read_csv(io.StringIO(text), dtype=types, dtype_backend="numpy_nullable", low_memory=False)
        return held
    return pd.DataFrame({name: _uniform(held) if held.dtype == object else held for name, held in told.items()})


def _uniform(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return values of any Python type as a column of the narrowest type that holds them all; text if nothing else does."""
    there = values[values.notna()]
    kinds = {type(value) for value in there}
    if kinds == {bool}:
        return values.astype("boolean")
    if kinds == {int} and all(value in _WHOLE for value in there):
        return values.astype("Int64")
    if float in kinds and kinds <= {int, float} and all(abs(value) <= _EXACT for value in there if isinstance(value, int)):
        return values.astype("Float64")
    return values.map(to_text, na_action="ignore").astype("string")
