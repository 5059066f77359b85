"""The tables of a paper about a corpus, and the command that writes them.

Each function takes a corpus and returns a :class:`review.paper_table.PaperTable`; :func:`review.paper_table.write` writes it.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from review import paper_table
from review.comparison_tables import agreement, versions
from review.corpus import DEFAULT, Corpus
from review.files import records
from review.paper_notes import NO_RANGE, RANGE, WHOSE, WILSON, code_title, dimension_title, notes, statuses
from review.paper_table import Cell, Column, Group, Link, PaperTable, clean, counted_column, interval, span

if TYPE_CHECKING:
    import pandas as pd


MOST = 4
"""Dimensions that a list of studies has room for."""


def _ranges(frame: pd.DataFrame, corpus: Corpus, selection: str, where: str) -> tuple[pd.DataFrame, str]:
    """Add ``range_low, range_high`` to a table of counts, and say what they are; "" where a count has no range."""
    from review.sensitivity import with_ranges

    table, clash = with_ranges(frame, corpus, selection, where)
    if clash:
        return table, NO_RANGE.format(error=clash)
    return table, RANGE if table["range_low"].notna().any() else ""


def reproduction(corpus: Corpus, selection: str = DEFAULT, where: str = "", version: str = DEFAULT) -> PaperTable:
    """Set every published share beside the count in the corpus, its interval, its range, what is unknown, and its status.

    Parameters
    ----------
    corpus, selection, where
        As in :meth:`Corpus.studies`.
    version : str
        Version of the review.
    """
    from review import statistics

    frame, ranges = _ranges(statistics.reproduce(corpus, selection, where, version), corpus, selection, where)
    ranged = bool(ranges)
    rows = records(frame)
    shares = counted_column((row["count"], row["total"]) for row in rows)
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for row, share in zip(rows, shares, strict=True):
        cells = [code_title(corpus, row["dimension"], row["category"]), str(row["published"]), share]
        cells += [interval(row["low"], row["high"]), *([span(row["range_low"], row["range_high"])] if ranged else [])]
        groups.setdefault(row["dimension"], []).append((*cells, str(row["unknown"]), row["status"]))
    odd = [f"{code_title(corpus, row['dimension'], row['category'])}, {row['published']} % ({row['verdict']})" for row in rows]
    odd = [text for text, row in zip(odd, rows, strict=True) if row["verdict"] != "attainable"]
    edition = corpus.version(version)
    shown = (
        f"Published: share as printed in version {edition} of the review." if edition else "",
        f"Shares that no count of studies is rounded to: {'; '.join(odd)}." if odd else "",
        WILSON,
        ranges,
        *statuses(row["status"] for row in rows),
    )
    columns = [Column("Category", 0.21), Column("Published, %", 0.13, "right"), Column("Recomputed, n\u00a0(%)", 0.15, "right")]
    columns += [Column("CI, %", 0.13, "right"), *([Column("Range, n", 0.09, "right")] if ranged else [])]
    columns += [Column("Unknown, n", 0.13, "right"), Column("Status", 0.16 if ranged else 0.25)]
    return PaperTable(
        "reproduction",
        f"Published shares, and the same shares in {WHOSE[corpus.basis(selection)]}",
        tuple(columns),
        tuple(Group(dimension_title(corpus, name), tuple(cells)) for name, cells in groups.items()),
        notes(corpus, selection, where, *shown),
        frame,
        empty="This corpus has no published shares.",
    )


def characteristics(
    corpus: Corpus, selection: str = DEFAULT, where: str = "", version: str = DEFAULT, dimensions: Sequence[str] | None = None
) -> PaperTable:
    """Count the studies by year and by every dimension.

    Parameters
    ----------
    corpus, selection, where, version
        As in :func:`reproduction`.
    dimensions : sequence of str, optional
        Dimensions of the codebook, or ``year``; all by default. Codes that no study has are in the CSV only.
    """
    names = ["year", *corpus.codebook.dimensions] if dimensions is None else list(dict.fromkeys(dimensions))
    counts = compute_characteristics(corpus, names, selection, where, version)
    frame, ranges = _ranges(counts, corpus, selection, where)
    ranged = bool(ranges)
    rows = [row for row in records(frame) if row["count"]]
    shares = counted_column((row["count"], row["total"]) for row in rows)
    groups: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in names}
    for row, share in zip(rows, shares, strict=True):
        name, code = row["dimension"], row["category"]
        title = code if name == "year" else code_title(corpus, name, code)
        cells = [title, share, interval(row["low"], row["high"], scale=100)]
        cells += [span(row["range_low"], row["range_high"])] if ranged else []
        groups[name].append((*cells, str(row["unknown"]), row["status"]))
    shown = (
        "A study may have several codes in: " + "; ".join(several) + "."
        if (
            several := [dimension_title(corpus, name) for name in names if name != "year" and not corpus.codebook[name].exclusive]
        )
        else "",
        "Codes that no study has are left out. Year: that of the cited version.",
        WILSON,
        ranges,
        *statuses(row["status"] for row in rows),
    )
    columns = [Column("Characteristic", 0.32), Column("Studies, n\u00a0(%)", 0.15, "right"), Column("CI, %", 0.13, "right")]
    columns += [Column("Range, n", 0.1, "right")] if ranged else []
    columns += [Column("Unknown, n", 0.13, "right"), Column("Status", 0.17 if ranged else 0.27)]
    return PaperTable(
        "characteristics",
        f"Characteristics of the studies in {WHOSE[corpus.basis(selection)]}",
        tuple(columns),
        tuple(Group(dimension_title(corpus, name), tuple(cells)) for name, cells in groups.items()),
        notes(corpus, selection, where, *shown),
        frame,
        empty="There are no studies.",
        long=True,
    )


def compute_characteristics(
    corpus: Corpus, names: Sequence[str], selection: str = DEFAULT, where: str = "", version: str = DEFAULT
) -> pd.DataFrame:
    """Count every code of several dimensions, and every year.

    Returns
    -------
    DataFrame
        ``dimension, category, count, total, unknown, share, low, high`` (0 to 1), ``status``.
    """
    import pandas as pd

    from review import statistics

    studies = corpus.studies(selection, where)
    columns = ["dimension", "category", "count", "total", "unknown", "share", "low", "high", "status"]
    found = [pd.DataFrame(columns=columns)]
    for name in names:
        if name != "year":
            found.append(statistics.compute_shares(corpus, name, selection, where, version)[columns])
            continue
        years, unknown, total = studies["year"].dropna(), int(studies["year"].isna().sum()), len(studies)
        rows = []
        for year in sorted({int(year) for year in years}):
            count = int((years == year).sum())
            status = statistics.status_of(
                corpus, "year", str(year), selection=selection, where=where, version=version, known=True
            )
            rows.append(["year", str(year), count, total, unknown, count / total, *statistics.wilson(count, total), status])
        found.append(pd.DataFrame(rows, columns=columns))
    return pd.concat([part for part in found if len(part)] or found, ignore_index=True)


def studies(corpus: Corpus, selection: str = DEFAULT, where: str = "", dimensions: Sequence[str] | None = None) -> PaperTable:
    """List the studies with citation, address and codes.

    Parameters
    ----------
    corpus, selection, where
        As in :meth:`Corpus.studies`.
    dimensions : sequence of str, optional
        Dimensions to show; by default the first :data:`MOST` that have published values, or else of the codebook. The CSV has
        all of those.
    """
    from review import report

    printed = list(dict.fromkeys(corpus.published["dimension"])) or list(corpus.codebook.dimensions)
    names = list(dict.fromkeys(dimensions)) if dimensions is not None else printed[:MOST]
    frame = report.compute_studies(corpus, selection, where, [*names, *(name for name in printed if name not in names)])
    frame = frame.sort_values(["citation", "title", "key"], kind="stable").reset_index(drop=True)
    frame["citation"] = _distinct(list(frame["citation"]))
    rows: list[tuple[Cell, ...]] = []
    for row in records(frame):
        venue = f" {clean(row['venue'])}." if row["venue"] else ""
        address = row["link"]
        link: tuple[str | Link, ...] = (" ", Link(_identifier(address), address)) if address else ()
        codes = [_codes(corpus, name, row[name]) for name in names]
        rows.append((clean(row["citation"]), (f"{_stopped(clean(row['title']))}{venue}", *link), *codes))
    share = min(0.4 / max(len(names), 1), 0.14) if len(names) < MOST else 0.48 / len(names)
    columns = [Column("Study", 0.16), Column("Title, venue and identifier", 0.84 - share * len(names))]
    columns += [Column(dimension_title(corpus, name), share) for name in names]
    inside = frame.assign(selection=corpus.resolve(selection), basis=corpus.basis(selection))
    return PaperTable(
        "studies",
        f"Studies in {WHOSE[corpus.basis(selection)]}, with their codes",
        tuple(columns),
        (Group("", tuple(rows)),),
        notes(corpus, selection, where, "Codes are the consensus. Letters after a year tell studies with one citation apart."),
        inside,
        empty="There are no studies.",
        long=True,
        wide=True,
        loose=True,
    )


def _distinct(citations: list[str]) -> list[str]:
    """Add a, b, ... to citations that occur more than once."""
    totals, seen = Counter(citations), Counter[str]()
    found = []
    for text in citations:
        found.append(f"{text}{_letters(seen[text])}" if totals[text] > 1 else text)
        seen[text] += 1
    return found


def _letters(place: int) -> str:
    """Return a, b, ..., z, aa, ab, ..."""
    rest, last = divmod(place, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("a") + last)


def _stopped(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _identifier(address: str) -> str:
    """Return how an address is printed: the identifier with its kind."""
    for prefix, kind in (("https://doi.org/", "doi:"), ("https://arxiv.org/abs/", "arXiv:")):
        if address.startswith(prefix):
            return kind + clean(address.removeprefix(prefix))
    return clean(address.removeprefix("https://"))


def _codes(corpus: Corpus, dimension: str, codes: str | None) -> str:
    found = [code_title(corpus, dimension, code) for code in (codes or "").split("; ") if code]
    return "; ".join(found) or "unknown"


def every(
    corpus: Corpus, selection: str = DEFAULT, where: str = "", version: str = DEFAULT, *, seed: int = 0, resamples: int = 2000
) -> list[PaperTable]:
    """Return all five tables; agreement is that of all studies, since the coders coded them all."""
    return [
        reproduction(corpus, selection, where, version),
        characteristics(corpus, selection, where, version),
        studies(corpus, selection, where),
        agreement(corpus, seed=seed, resamples=resamples),
        versions(corpus),
    ]


def keep(table: PaperTable, name: str, output: Path) -> PaperTable:
    """Write a table of a notebook in every format to ``tables/`` of its output folder, and return it for display."""
    paper_table.write(table, output / "tables", name)
    return table


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of ``review tables``."""
    command.add_argument("--out", type=Path, metavar="DIR", help="where to (default: runs/tables)")
    command.add_argument(
        "--selection", default=DEFAULT, metavar="NAME", help="v2, v1, pool, all or another selection of the corpus"
    )
    command.add_argument("--where", default="", metavar="FILTER", help="for example: year >= 2023")
    command.add_argument("--review-version", default=DEFAULT, metavar="V", help="version of the published values: v1, v2 or news")
    formats = ",".join(paper_table.SUFFIXES)
    command.add_argument("--format", default=formats, metavar="F,F", help=f"{formats.replace(',', ', ')}, with commas between")
    command.add_argument("--seed", type=int, default=0, help="of the bootstrap of the agreement table (default: 0)")
    command.add_argument("--resamples", type=int, default=2000, metavar="N", help="of that bootstrap (default: 2000)")


def run(options: argparse.Namespace) -> int:
    """Write the tables; print the name of every file."""
    from review import corpus as corpora
    from review import paths, report
    from review.errors import OptionError
    from review.files import check_folder
    from review.printing import print_path, say

    if options.seed < 0 or options.resamples < 1:
        raise OptionError("the seed or the number of resamples is too small -> choose a seed from 0 and one resample or more")
    formats = paper_table.known_formats(options.format.split(","))
    corpus = corpora.load(options.corpus)
    choice = {"selection": options.selection, "where": options.where, "version": options.review_version}
    folder = options.out or paths.RUNS / "tables"
    check_folder(folder)
    made = every(corpus, **choice, seed=options.seed, resamples=options.resamples)
    for table in made:
        for path in paper_table.write(table, folder, formats=formats):
            print_path(path)
    say(f"selection {corpus.resolve(options.selection)}: {report.caution(corpus, options.selection)}")
    return 0
