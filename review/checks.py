"""Checks that no single file can answer: keys, vocabularies and sums across files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import codebook, contracts, paths
from review.code_rows import Rows
from review.errors import Problem

if TYPE_CHECKING:
    import pandas as pd

    from review.bibliography import Reference
    from review.codebook import Codebook

MOST = 500
"""Versions or selections of one corpus; what is computed for each of them takes milliseconds."""

Tables = Mapping[str, "pd.DataFrame"]


def cross_check(folder: Path, book: Codebook | None, references: Sequence[Reference] | None, tables: Tables) -> list[Problem]:
    """Return what is wrong between the files that could be read; a part that is None is skipped."""
    keys = None if references is None else {reference.key for reference in references}
    problems: list[Problem] = []
    if references is not None and paths.SCREENING in tables:
        problems += _identities(str(folder / paths.BIBLIOGRAPHY), references, tables[paths.SCREENING])
    if book is not None:
        problems += _defaults(str(folder / paths.CODEBOOK), book, tables)
    if paths.CODING in tables:
        problems += _coding(str(folder / paths.CODING), tables[paths.CODING], book, keys)
    if paths.SCREENING in tables:
        problems += _screening(str(folder / paths.SCREENING), tables[paths.SCREENING], keys)
    if paths.PUBLISHED in tables:
        problems += _published(str(folder / paths.PUBLISHED), tables[paths.PUBLISHED], book)
    if paths.SELECTION in tables:
        problems += _selection(str(folder / paths.SELECTION), tables, keys)
    if paths.FLOW in tables and paths.SCREENING in tables:
        problems += _flow(str(folder / paths.FLOW), tables[paths.FLOW], tables[paths.SCREENING])
    if not problems and book is not None:
        problems += _counts(str(folder / paths.SELECTION), tables, book)
    return problems


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    """Return the rows with their columns as attributes; every value is text but ``line``."""
    return table.itertuples(index=False, name="Row")


def _defaults(file: str, book: Codebook, tables: Tables) -> list[Problem]:
    """Report a default selection or version that the corpus does not have."""
    problems = []
    for name, table, others in (
        ("selection", tables.get(paths.SELECTION), ["pool", "all"]),
        ("version", tables.get(paths.PUBLISHED), []),
    ):
        known = [] if table is None or table.empty else [*table[name].unique(), *others]
        chosen = book.review.get(name)
        if known and chosen is not None and chosen not in known:
            message, remedy = f"there is no {name} {chosen!r}", f"use one of: {', '.join(known)}"
            problems.append(Problem(file, None, f"review.{name}", message, remedy))
    return problems


def _identities(file: str, references: Sequence[Reference], screening: pd.DataFrame) -> list[Problem]:
    """Report studies that count as verified but lack an author or a year."""
    unverified = set(contracts.distinct(screening.loc[screening["decision"] != "verified", "key"]))
    return [
        Problem(file, reference.line, reference.key, f"the field {name!r} is missing or empty", f"add {name} = {{...}}")
        for reference in references
        for name in ("author", "year")
        if not reference.fields.get(name) and reference.key not in unverified
    ]


def _twice(file: str, table: pd.DataFrame, columns: list[str], what: str) -> list[Problem]:
    """Report rows that repeat an earlier one in ``columns``."""
    return _repeated(file, table[table.duplicated(columns)], "key" if "key" in columns else columns[0], what)


def _repeated(file: str, rows: pd.DataFrame, name: str, what: str) -> list[Problem]:
    return [
        Problem(file, int(line), str(key), f"{what} stands twice", "remove one of the two rows")
        for line, key in zip(rows[contracts.LINE], rows[name], strict=True)
    ]


def _unknown_keys(file: str, table: pd.DataFrame, keys: set[str] | None) -> list[Problem]:
    unknown = set() if keys is None else set(contracts.distinct(table["key"])) - keys
    rows = table[table["key"].isin(unknown)].drop_duplicates("key") if unknown else table[:0]
    message, remedy = "the key is not in the bibliography", "add the entry, or correct the key"
    return [
        Problem(file, int(line), str(key), message, remedy) for line, key in zip(rows[contracts.LINE], rows["key"], strict=True)
    ]


def _coding(file: str, table: pd.DataFrame, book: Codebook | None, keys: set[str] | None) -> list[Problem]:
    problems = _unknown_keys(file, table, keys)
    rows = Rows(table)
    problems += _repeated(file, table[rows.twice()], "key", "the code")
    problems += _misspelt(file, table)
    if book is None:
        return problems
    seen: dict[tuple[str, str, str], list[str]] = {}
    for row in _rows(table[rows.suspect(book)]):
        line, dimension = int(row.line), book.dimensions.get(row.dimension)
        if dimension is None:
            known = ", ".join(book.dimensions)
            message = f"there is no dimension {row.dimension!r} in the codebook"
            problems.append(Problem(file, line, row.key, message, f"use one of: {known}"))
            continue
        if not dimension.allows(row.value):
            known = ", ".join(dimension.categories)
            message = f"{row.value!r} is not a code of {dimension.name!r}"
            problems.append(Problem(file, line, row.key, message, f"use one of: {known}, or leave it empty"))
            continue
        others = seen.setdefault((row.key, row.dimension, row.coder), [])
        message = _clash(row.value, others, dimension.exclusive)
        if message:
            remedy = f"keep what coder {row.coder!r} means for {dimension.name!r}"
            problems.append(Problem(file, line, row.key, message, remedy))
        others.append(row.value)
    return problems


def _misspelt(file: str, table: pd.DataFrame) -> list[Problem]:
    """Report coders whose name is almost one that has a meaning: their codes would not count."""
    problems = []
    for name in sorted(table["coder"].unique()):
        if meant := contracts.meant(name):
            row = table[table["coder"] == name].iloc[0]
            message = f"the coder {name!r} is almost {meant!r}"
            problems.append(
                Problem(file, int(row[contracts.LINE]), str(row["key"]), message, f"write {meant!r}, or another name")
            )
    return problems


def _clash(value: str, others: list[str], exclusive: bool) -> str:
    """Return why ``value`` cannot stand beside ``others``, or an empty string."""
    if not others or value in others:
        return ""
    if exclusive:
        return f"two codes of one coder in a single-label dimension: {others[0]!r} and {value!r}"
    if value == "" or "" in others:
        return "an empty (unknown) value beside a code of the same coder"
    opposite = value.removeprefix(codebook.NOT) if value.startswith(codebook.NOT) else codebook.NOT + value
    return f"{value!r} and {opposite!r} contradict each other" if opposite in others else ""


def _screening(file: str, table: pd.DataFrame, keys: set[str] | None) -> list[Problem]:
    problems = _twice(file, table, ["key"], "the record")
    decision = table["decision"]
    odd: pd.Series = (decision != "verified") & (table["reason"].str.strip() == "")
    odd |= (decision == "pending") & (table["stage"] != "screening")
    odd |= (decision == "verified") & (table["verified_on"] == "")
    if keys is not None:
        odd |= table["key"].isin(keys) == decision.isin(["excluded", "pending"])
    for row in _rows(table[odd]):
        line = int(row.line)
        absent = row.decision in ("excluded", "pending")
        if keys is not None and absent and row.key in keys:
            message = f"the record is {row.decision} but stands in the bibliography"
            problems.append(Problem(file, line, row.key, message, "remove the entry, or correct the decision"))
        if keys is not None and not absent and row.key not in keys:
            message = f"the record is {row.decision} but has no entry in the bibliography"
            problems.append(Problem(file, line, row.key, message, "add the entry, or exclude the record"))
        if row.decision != "verified" and not row.reason.strip():
            message = f"the record is {row.decision} without a reason"
            problems.append(Problem(file, line, row.key, message, "fill the column 'reason'"))
        if row.decision == "pending" and row.stage != "screening":
            message = f"the record is pending at the stage {row.stage!r}"
            problems.append(Problem(file, line, row.key, message, "a record that was not screened is at the stage 'screening'"))
        if row.decision == "verified" and not row.verified_on:
            message = "the record is verified without a date"
            problems.append(Problem(file, line, row.key, message, "fill the column 'verified_on'"))
    for key in [] if keys is None or table.empty else sorted(keys.difference(contracts.distinct(table["key"]))):
        message = "the study of the bibliography was never screened"
        problems.append(Problem(file, None, key, message, "add a row for it"))
    return problems


def _many(file: str, table: pd.DataFrame, column: str) -> list[Problem]:
    """Report more names than anybody means."""
    found = table[column].nunique()
    message, remedy = f"there are {found} {column}s, {MOST} are the most", f"correct the column {column!r}, or split the corpus"
    return [Problem(file, None, column, message, remedy)] if found > MOST else []


def _published(file: str, table: pd.DataFrame, book: Codebook | None) -> list[Problem]:
    problems = _many(file, table, "version")
    if problems:
        return problems
    repeated = table[table.duplicated(["version", "dimension", "category"])]
    for row in _rows(repeated):
        message = f"{row.version} {row.dimension} {row.category} stands twice"
        problems.append(Problem(file, int(row.line), row.category, message, "remove one of the two rows"))
    for row in _rows(table):
        dimension = None if book is None else book.dimensions.get(row.dimension)
        if book is not None and (dimension is None or row.category not in dimension.categories):
            message = f"{row.dimension!r} / {row.category!r} is not in the codebook"
            problems.append(Problem(file, int(row.line), row.category, message, "use its dimensions and codes"))
        if int(row.total) == 0:
            message = "the total is 0"
            problems.append(Problem(file, int(row.line), row.category, message, "write the number of studies"))
    if problems or book is None:
        return problems
    for (version, name), rows in table.groupby(["version", "dimension"], sort=False):
        total = float(rows["share"].astype(float).sum())
        most = 100 + 0.05 * len(rows)
        if book[str(name)].exclusive and total > most + 1e-9:
            message = f"the shares of {version} {name} add up to {total:.1f} %, more than rounding allows"
            problems.append(Problem(file, int(rows[contracts.LINE].iloc[-1]), str(name), message, "correct a share"))
        odd = rows[rows["total"].astype(int) != int(rows["total"].iloc[0])]
        if not odd.empty:
            message = f"{version} {name} has shares of different totals"
            problems.append(Problem(file, int(odd[contracts.LINE].iloc[0]), str(name), message, "use one total"))
    return problems


def _selection(file: str, tables: Tables, keys: set[str] | None) -> list[Problem]:
    table = tables[paths.SELECTION]
    if problems := _many(file, table, "selection"):
        return problems
    problems = _unknown_keys(file, table, keys) + _twice(file, table, ["selection", "key"], "the study")
    for name, rows in table.groupby("selection", sort=False):
        if name in ("all", "pool", "default"):
            message = f"{name!r} is a reserved name of a selection"
            problems.append(Problem(file, int(rows[contracts.LINE].iloc[0]), str(name), message, "choose another name"))
        odd = rows[rows["basis"] != rows["basis"].iloc[0]]
        if not odd.empty:
            message = f"the selection {name!r} has two bases"
            problems.append(Problem(file, int(odd[contracts.LINE].iloc[0]), str(name), message, "use one basis"))
    if paths.SCREENING in tables and not tables[paths.SCREENING].empty:
        screening = tables[paths.SCREENING]
        verified = set(contracts.distinct(screening.loc[screening["decision"] == "verified", "key"]))
        for row in _rows(table):
            if row.basis == "calibrated" and row.key not in verified and (keys is None or row.key in keys):
                message = "a calibrated selection contains a study that is not verified"
                problems.append(Problem(file, int(row.line), row.key, message, "verify it, or select anew"))
    return problems


def _flow(file: str, flow: pd.DataFrame, screening: pd.DataFrame) -> list[Problem]:
    """Check that records found less duplicates are the records screened."""
    if flow.empty:
        return []
    repeated = _twice(file, flow, ["step"], "the step")
    if repeated:
        return repeated
    lines = dict(zip(flow["step"], flow[contracts.LINE], strict=True))
    counts = {step: int(count) for step, count in zip(flow["step"], flow["count"], strict=True)}
    missing = [step for step in ("records found", "duplicates removed") if step not in counts]
    if missing:
        message = f"the step {missing[0]!r} is missing"
        return [Problem(file, None, missing[0], message, f"add the row {missing[0]},<count>,")]
    left = counts["records found"] - counts["duplicates removed"]
    if left == len(screening):
        return []
    message = f"records found less duplicates removed is {left}, but {len(screening)} records were screened"
    return [Problem(file, int(lines["duplicates removed"]), "duplicates removed", message, "correct the counts")]


def _counts(file: str, tables: Tables, book: Codebook) -> list[Problem]:
    """Check that each calibrated selection meets the published counts it was made to meet."""
    from review.published import implied_counts

    if any(name not in tables for name in (paths.SELECTION, paths.PUBLISHED, paths.CODING)):
        return []
    selection = tables[paths.SELECTION]
    coding = tables[paths.CODING]
    consensus = coding.loc[coding["coder"] == "consensus", ["key", "dimension", "value"]]
    counts = implied_counts(tables[paths.PUBLISHED], book)
    remedy = "delete the file (or these rows), then run: review select --write"
    problems: list[Problem] = []
    for name, rows in selection[selection["basis"] == "calibrated"].groupby("selection", sort=False):
        line = int(rows[contracts.LINE].iloc[0])
        chosen = consensus[consensus["key"].isin(set(rows["key"]))]
        wanted = counts[counts["version"] == name].dropna(subset="count")
        if wanted.empty:
            message = f"nothing is published for the calibrated selection {name!r}"
            problems.append(Problem(file, line, str(name), message, "name it after a version of published.csv"))
        for target in _rows(wanted):
            codes = chosen[(chosen["dimension"] == target.dimension) & (chosen["value"] == target.category)]
            if len(codes) != int(target.count):
                message = (
                    f"{len(codes)} studies are coded {target.dimension} {target.category}, "
                    f"the published share implies {int(target.count)}"
                )
                problems.append(Problem(file, line, str(name), message, remedy))
        totals = {int(total) for total in wanted["total"]}
        if totals and totals != {len(rows)}:
            message = f"the selection has {len(rows)} studies, {min(totals)} are published"
            problems.append(Problem(file, line, str(name), message, remedy))
    return problems
