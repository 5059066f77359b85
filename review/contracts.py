"""What each CSV table of a corpus must look like."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from review import plain_csv
from review.errors import InputError, Problem
from review.files import read_bytes, read_plain

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

LINE = "line"
"""Column that remembers the line of each row in its file."""

STAGES = ("screening", "verification")
DECISIONS = ("verified", "unverified", "excluded", "pending")
CODERS = ("a", "b", "verifier", "llm", "consensus")
"""Coders with a meaning, in the order of a study's rows; people who code have names of their own."""

NOT_THEIR_OWN = ("consensus", "verifier", "llm")
"""Names of coders that stand for nobody who coded studies for themselves, without seeing others' codes."""

CODER = "[a-z][a-z0-9-]{0,30}"
"""What the name of a coder looks like."""

LEVELS = ("", "high", "medium", "low")
SCOPES = ("", "abstract", "full text", "landing page", "repository")
BASES = ("calibrated", "listed")
MOST = 20
"""Rows of a wrong length that are reported one by one."""


@dataclass(frozen=True)
class Rule:
    """What holds for every value of a column.

    Attributes
    ----------
    holds : callable
        Tells it of one value.
    error : str
        What is wrong with a value for which it does not hold.
    allowed : tuple of str
        The only values, if there is a list of them.
    """

    holds: Callable[[str], bool]
    error: str
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """What a column holds, and the rules for its values."""

    description: str
    rules: tuple[Rule, ...]


@cache
def contract(name: str) -> Mapping[str, Column]:
    """Return the columns of one table by its file name, in order.

    All columns are read as text; an empty field means unknown. Descriptions double as documentation.
    """

    def text(description: str, *rules: Rule) -> Column:
        return Column(description, rules)

    def one_of(values: tuple[str, ...]) -> Rule:
        known = ", ".join(value or "(empty)" for value in values)
        return Rule(values.__contains__, f"is not one of: {known}", values)

    def like(pattern: str, error: str) -> Rule:
        return Rule(lambda value: re.fullmatch(pattern, value) is not None, error)

    filled = Rule(lambda value: value.strip() != "", "is empty")
    day = Rule(_is_day, "is not a day as YYYY-MM-DD")
    whole = like(r"[0-9]{1,7}", "is not a whole number")
    total = like(r"[0-9]{1,5}", "is not a whole number of at most five digits")
    percent = like(r"100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?", "is not a percentage from 0 to 100")
    tables = {
        "coding.csv": {
            "key": text("citation key of the study", filled),
            "dimension": text("dimension of the codebook", filled),
            "coder": text(
                "who gave the code; consensus: what counts; llm: a language model, never a part of the consensus",
                like(CODER, "is not a name of small letters, digits and hyphens"),
            ),
            "value": text("code; empty: unknown; 'not X': reported as not done"),
            "confidence": text("the coder's own", one_of(LEVELS)),
            "evidence": text("paraphrase of what the source shows, or the coder's own term"),
            "source": text("page that was read"),
            "scope": text("how much was read", one_of(SCOPES)),
        },
        "screening.csv": {
            "key": text("citation key of the record", filled),
            "stage": text("last stage that the record reached", one_of(STAGES)),
            "decision": text("outcome; pending: found, but not screened yet", one_of(DECISIONS)),
            "reason": text("why it was excluded or could not be verified"),
            "note": text("the reason or the identity settled, in words"),
            "verified_on": text("day of verification", day),
            "seen": text("what shows eligibility"),
            "source": text("page that was read"),
            "title": text("title of the record", filled),
            "year": text("year", like(r"((19|20)[0-9]{2})?", "is not a year")),
            "doi": text("Digital Object Identifier"),
            "arxiv": text("arXiv identifier"),
            "pmid": text("PubMed identifier"),
        },
        "selection.csv": {
            "selection": text("name of the selection", filled),
            "key": text("citation key", filled),
            "basis": text("calibrated: chosen to meet published counts; listed: the authors' list", one_of(BASES)),
        },
        "published.csv": {
            "version": text("version of the review", filled),
            "dimension": text("dimension of the codebook", filled),
            "category": text("code of the dimension", filled),
            "share": text("percentage as printed", percent),
            "total": text("number of studies", total),
            "source": text("where it is printed", filled),
            "date": text("date of that source", day),
            "note": text("remark"),
        },
        "flow.csv": {
            "step": text("step of identification", filled),
            "count": text("number of queries or records", whole),
            "note": text("remark"),
        },
    }
    return MappingProxyType(tables[name])


@cache
def schema(name: str) -> pa.DataFrameSchema:
    """Return the contract of one table as a pandera schema, for those who have the table as a frame.

    :func:`read_table` holds a file against the same rules itself: pandera takes most of a second to import, and a hundred times
    as long for a table.
    """
    import pandera.pandas as pa

    def check(rule: Rule) -> pa.Check:
        if rule.allowed:
            return pa.Check.isin(rule.allowed, error=rule.error)
        return pa.Check(rule.holds, element_wise=True, error=rule.error)

    columns = {
        title: pa.Column(str, checks=[check(rule) for rule in column.rules], description=column.description)
        for title, column in contract(name).items()
    }
    return pa.DataFrameSchema(columns, strict=True, ordered=True, name=name)


def meant(coder: str) -> str:
    """Return the name of :data:`CODERS` that a coder's name almost is, and is not; "" if there is none."""
    from difflib import get_close_matches

    near = [] if coder in CODERS else get_close_matches(coder, CODERS, 1, 0.8)
    return near[0] if near else ""


def _is_day(text: str) -> bool:
    """Tell whether ``text`` is empty or a day of the calendar as YYYY-MM-DD."""
    try:
        return text == "" or (date.fromisoformat(text).isoformat() == text and text >= "2000")
    except ValueError:
        return False


def read_table(path: Path, name: str | None = None) -> pd.DataFrame:
    """Read a CSV table as text and check it against its contract.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        Which contract; the file's own name by default.

    Returns
    -------
    DataFrame
        The columns of the contract, and ``line``, the line on which each row starts.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    import pandas as pd

    columns = contract(name or path.name)
    regular = _at_once(path, columns)
    if regular is not None:
        return regular
    rows, lines = _rows(path, list(columns))
    problems = _wrong(str(path), columns, rows, lines)
    if problems:
        raise InputError(problems)
    frame = pd.DataFrame(rows, columns=list(columns), dtype=str)
    frame[LINE] = lines
    return frame


def _at_once(path: Path, columns: Mapping[str, Column]) -> pd.DataFrame | None:
    """Return a table that has a row on every line and nothing wrong in it; None for any other, which is read row by row."""
    try:
        table = plain_csv.read(read_bytes(path), list(columns))
    except OSError:
        return None
    if table is None:
        return None
    for title, column in columns.items():
        values = distinct(table[title]) if column.rules else []
        if not all(all(map(rule.holds, values)) for rule in column.rules):
            return None
    table[LINE] = range(2, len(table) + 2)
    return table


def distinct(column: pd.Series) -> list[str]:
    """Return the values of a column of text, each once."""
    import pandas as pd

    found: list[str] = pd.Index(column.unique()).to_numpy(dtype=object).tolist()
    return found


def _wrong(file: str, columns: Mapping[str, Column], rows: list[list[str]], lines: list[int]) -> list[Problem]:
    """Return a problem for every value for which a rule of its column does not hold."""
    problems: list[Problem] = []
    for place, (title, column) in enumerate(columns.items()):
        values = {row[place] for row in rows}
        for rule in column.rules:
            bad = {value for value in values if not rule.holds(value)}
            problems += [
                Problem(file, line, title, f"{row[place][:80]!r} {rule.error}", f"column {title!r} holds: {column.description}")
                for row, line in zip(rows, lines, strict=True)
                if row[place] in bad
            ]
    return sorted(problems)


def _rows(path: Path, names: list[str]) -> tuple[list[list[str]], list[int]]:
    """Split the file into rows of equal length, each with its line."""
    file = str(path)
    reader = csv.reader(io.StringIO(read_plain(path), newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    problems: list[Problem] = []
    expected = f"the header must be: {','.join(names)}"
    start = 1
    try:
        header = next(reader)
        missing = [name for name in names if name not in header]
        surplus = [name for name in header if name not in names]
        if missing:
            problems.append(Problem(file, 1, ", ".join(missing), "a column is missing", expected))
        elif surplus:
            problems.append(Problem(file, 1, ", ".join(surplus), "a column is unknown", expected))
        elif header != names:
            problems.append(Problem(file, 1, None, "the columns are in another order or stand twice", expected))
        start = reader.line_num + 1
        for row in reader:
            if header == names and row and len(row) != len(names):
                message = f"the row has {len(row)} fields, {len(names)} are expected"
                problems.append(Problem(file, start, row[0] or None, message, "check commas and quotes"))
            elif row:
                rows.append(row)
                lines.append(start)
            if len(problems) == MOST:
                break
            start = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(file, start, None, f"not CSV: {error}", "check quotes and line ends of this row"))
    if not rows and not problems:
        problems.append(Problem(file, None, None, "the table has no rows", "restore it from version control"))
    if problems:
        raise InputError(problems)
    return rows, lines
