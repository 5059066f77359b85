"""Read one data set, CSV, Parquet or JSON lines, without deciding yet what its columns mean.

Values stay as they were written; where a bad one stands in the file can be said at any time.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.errors import InputError, MissingExtraError, Problem, is_text
from review.files import decode, read_bytes
from review.generators.dataset import FORMAT

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet", ".jsonl")
MISSING = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL"})
"""What counts as a missing value where values are written as text, blanks around it aside."""

FEWEST_ROWS = 2


@dataclass(frozen=True)
class Source:
    """One data set as it was read.

    Attributes
    ----------
    file : str
        Path as the user gave it, or the role of a table in memory.
    frame : DataFrame
        Values as written: text, numbers, truth values, lists; None where missing.
    sha256 : str
        Of the file; "" for a table in memory.
    lines : sequence of int or None
        Line of each row; None where rows have no lines (Parquet) or each row is one line after a heading.
    heading : int
        Lines before the first row.
    accepted : tuple of int, optional
        Accepted and asked-for records, if the file is one of this package's generators.
    """

    file: str
    frame: pd.DataFrame
    sha256: str = ""
    lines: Sequence[int] | None = None
    heading: int | None = None
    accepted: tuple[int, int] | None = None

    def problem(self, row: int | None, key: str | None, message: str, remedy: str) -> Problem:
        """Return a problem at a row (from 0), with its line or, where there is none, the number of the row."""
        if row is None:
            return Problem(self.file, None, key, message, remedy)
        if self.lines is not None:
            return Problem(self.file, self.lines[row], key, message, remedy)
        if self.heading is not None:
            return Problem(self.file, row + 1 + self.heading, key, message, remedy)
        return Problem(self.file, None, key, f"row {row + 1}: {message}", remedy)


def read(path: Path, *, rejected: bool = False, fewest: int = FEWEST_ROWS) -> Source:
    """Read a data set; its suffix tells its format.

    Parameters
    ----------
    path : Path
    rejected : bool
        Whether the rejected records of a generator of this package are rows, too.
    fewest : int
        Rows that there must be.

    Raises
    ------
    InputError
        If it cannot be read as what it says it is, or has too few rows.
    MissingExtraError
        If the libraries of the extra ``evaluate`` are not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError.one(
            path, f"the suffix is {path.suffix or 'missing'}", f"give a file that ends with {', '.join(SUFFIXES)}"
        )
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        raise InputError.one(path, "the file is missing", "check the path") from None
    except OSError as error:
        raise InputError.one(path, f"the file cannot be read ({error.strerror})", "check its type and rights") from None
    if not data.strip() and fewest > 0:
        raise InputError.one(path, "the file is empty", "give a file with at least two rows")
    if suffix != ".parquet":
        _check_text(path, data)
    try:
        if suffix == ".jsonl":
            source = _jsonl(str(path), data, rejected=rejected)
        else:
            source = {".csv": _csv, ".parquet": _parquet}[suffix](str(path), data)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] == "pyarrow":
            raise MissingExtraError("pyarrow", "evaluate") from None
        raise
    if len(source.frame) < fewest:
        message = f"{len(source.frame)} rows are too few to compare anything"
        raise InputError.one(path, message, f"give at least {fewest} rows; from about 100 the intervals begin to tell something")
    return source


def _check_text(path: Path, data: bytes) -> None:
    """Refuse bytes that are not plain UTF-8 text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError.one(path, "the file is UTF-16", "save it as UTF-8")
    decode(path, data)


def _csv(file: str, data: bytes) -> Source:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import csv

    data = data.removeprefix(b"\xef\xbb\xbf")
    header = _header(file, data)
    try:
        table = csv.read_csv(
            io.BytesIO(data),
            read_options=csv.ReadOptions(column_names=header, skip_rows_after_names=1, block_size=max(len(data) + 1, 1 << 20)),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise InputError.one(
            file, f"no table with {len(header)} columns: {str(error)[:200]}", "give every row the columns of the first line"
        ) from None
    frame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype(na_value=math.nan)}.get)
    plain = data.count(b"\n") + (not data.endswith(b"\n")) == len(frame) + 1
    return Source(file, frame, hashlib.sha256(data).hexdigest(), heading=1 if plain else None)


def _header(file: str, data: bytes) -> list[str]:
    """Return the names of the columns of a CSV file."""
    import csv

    try:
        names = next(csv.reader(io.StringIO(data[: 1 << 20].decode("utf-8", "ignore"), newline="")), [])
    except csv.Error as error:
        raise InputError([Problem(file, 1, None, f"not CSV ({error})", "check the quotes of the first line")]) from None
    if not names:
        raise InputError([Problem(file, 1, None, "the first line is empty", "remove it: the first line names the columns")])
    _check_names(file, names, 1)
    return names


def _check_names(file: str, names: Sequence[str], line: int | None = None) -> None:
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    problems = [Problem(file, line, name, "two columns have this name", "rename one of them") for name in doubled]
    if any(not name.strip() for name in names):
        problems.append(Problem(file, line, None, "a column has no name", "name every column in the first line"))
    if problems:
        raise InputError(problems)


def _parquet(file: str, data: bytes) -> Source:
    import pyarrow as pa

    from review.evaluation import parquet

    if parquet.deadly([Path(file)]):
        raise InputError.one(
            file, "no Parquet file: it is damaged so that reading it ends the process", "write it again, or give CSV"
        )
    try:
        table = parquet.unpack(data)
        if table is None:
            raise InputError.one(file, f"unpacked it has more than {parquet.LARGEST:,} bytes", "give a part of it")
        _check_names(file, table.column_names)
        table.validate(full=True)
        columns = {}
        for name, column in zip(table.column_names, table.columns, strict=True):
            kind = column.type
            if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
                column = column.cast(pa.string())  # noqa: PLW2901 (dates are read as CSV writes them)
            elif pa.types.is_dictionary(kind):
                column = column.cast(kind.value_type)  # noqa: PLW2901
            columns[name] = column
        frame = pa.table(columns).to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, LookupError, ValueError, TypeError, OverflowError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError.one(file, f"no Parquet file: {told[:200]}", "write it again, or give CSV") from None
    return Source(file, frame, hashlib.sha256(data).hexdigest())


def _jsonl(file: str, data: bytes, *, rejected: bool) -> Source:
    import pandas as pd

    rows: list[Mapping[str, Any]] = []
    lines: list[int] = []
    asked = accepted = 0
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        row = _object(file, number, line)
        if row.get("format") == FORMAT:
            asked, accepted = asked + 1, accepted + bool(row.get("accepted"))
            if not (row.get("accepted") or rejected):
                continue
            row = row.get("content", {})
        rows.append(row)
        lines.append(number)
    names = list(dict.fromkeys(name for row in rows for name in row))
    frame = pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names}, index=range(len(rows))
    )
    digest = hashlib.sha256(data).hexdigest()
    return Source(file, frame, digest, lines=lines, accepted=(accepted, asked) if asked else None)


def _object(file: str, number: int, line: str) -> dict[str, Any]:
    """Return the object of one line; refuse what JSON does not know and a name that stands twice."""

    def refuse(message: str, remedy: str) -> InputError:
        return InputError([Problem(file, number, None, message, remedy)])

    def constant(name: str) -> float:
        raise refuse(f"the value {name} is not JSON", "write a number, or null where it is missing")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise refuse("one name stands twice in an object", "keep one of them")
        return dict(pairs)

    try:
        row = json.loads(line, parse_constant=constant, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise refuse(f"not JSON ({str(error)[:120]})", "write one JSON object a line") from None
    if not isinstance(row, dict):
        raise refuse("the line is no JSON object", "write one JSON object a line")
    if "\\u" in line and not is_text(json.dumps(row, ensure_ascii=False)):
        raise refuse(
            "half of a character (a surrogate without its partner) stands in a text", "write the whole character, or none"
        )
    return row
