"""The reporting checklist: which item of PRISMA-ScR and PRISMA 2020 is answered where in this repository, and how far."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from review.checklist_items import COLUMNS, GUIDELINES, STATUSES, Checklist, Item, load, numbers_of, unresolved
from review.errors import OptionError
from review.files import records
from review.printing import print_data, print_table, say

if TYPE_CHECKING:
    import pandas as pd

    from review.paper_table import PaperTable


def compute_checklist(given: Checklist | None = None) -> pd.DataFrame:
    """Return the checklist as a table, one row an item.

    Returns
    -------
    DataFrame
        ``prisma_scr, item, prisma_2020`` (numbers, joined by ", "), ``item_2020, section, asks, optional, status, where``
        (joined by "; "), ``how``; "" where a guideline has no such item.
    """
    import pandas as pd

    rows = []
    for item in (given or load()).items:
        fields = {name: getattr(item, name) for name in COLUMNS}
        rows.append(fields | {"prisma_2020": ", ".join(item.prisma_2020), "where": "; ".join(item.where)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def count_statuses(given: Checklist | None = None) -> pd.DataFrame:
    """Count the statuses of the items of each guideline.

    Returns
    -------
    DataFrame
        ``status, meaning, prisma_scr`` (items of 22), ``prisma_2020`` (items with their sub-items, of 42).
    """
    import pandas as pd

    listed = (given or load()).items
    rows = []
    for status, meaning in STATUSES.items():
        counts = [sum(len(numbers_of(item, guideline)) for item in listed if item.status == status) for guideline in GUIDELINES]
        rows.append([status, meaning, *counts])
    return pd.DataFrame(rows, columns=["status", "meaning", *GUIDELINES])


def to_markdown(given: Checklist | None = None) -> str:
    """Return the checklist as a page: what ``docs/prisma-scr.md`` holds."""
    listed = given or load()
    lines = ["# Reporting checklist: PRISMA-ScR and PRISMA 2020", ""]
    lines += ["Made from `review/checklist.yaml` by `review checklist --format md`; a test checks that every place exists.", ""]
    lines += [listed.scope, "", listed.numbering, ""]
    lines += ["| status | meaning | PRISMA-ScR items | PRISMA 2020 items |", "| --- | --- | --- | --- |"]
    for row in records(count_statuses(listed)):
        lines.append(f"| {row['status']} | {row['meaning']} | {row['prisma_scr']} | {row['prisma_2020']} |")
    section = ""
    for item in listed.items:
        if item.section != section:
            section = item.section
            lines += [
                "",
                f"## {section}",
                "",
                "| ScR | 2020 | item | asks for | status | where and how |",
                "| --- | --- | --- | --- | --- | --- |",
            ]
        places = ", ".join(f"`{place}`" for place in item.where)
        told = f"{item.how} {places}".strip()
        cells = [item.prisma_scr, ", ".join(item.prisma_2020), _named(item), item.asks, f"**{item.status}**", told]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "## Sources", ""]
    lines += [f"- {name}: {citation}" for name, citation in listed.guidelines.values()]
    return "\n".join(lines) + "\n"


def _named(item: Item) -> str:
    """Return the name of an item in both guidelines, once if they agree."""
    name = item.item or item.item_2020
    if item.item and item.item_2020.lower() != item.item.lower():
        name = f"{item.item} / {item.item_2020}"
    return f"{name} (optional)" if item.optional else name


def paper_table(given: Checklist | None = None) -> PaperTable:
    """Return the checklist as a table for a paper."""
    from review.paper_table import Column, Group, PaperTable

    listed = given or load()
    groups: dict[str, list[tuple[str, ...]]] = {}
    for item in listed.items:
        numbers = item.prisma_scr or "none", ", ".join(item.prisma_2020)
        groups.setdefault(item.section, []).append((_named(item), *numbers, item.status, item.how, "; ".join(item.where)))
    columns = (
        Column("Item", 0.21),
        Column("PRISMA-ScR", 0.08),
        Column("PRISMA 2020", 0.09),
        Column("Status", 0.1),
        Column("How", 0.28),
        Column("Where in the repository", 0.24),
    )
    counts = "; ".join(f"{row['status']} {row['prisma_scr']} and {row['prisma_2020']}" for row in records(count_statuses(listed)))
    meanings = "; ".join(f"{status}, {meaning}" for status, meaning in STATUSES.items())
    notes = (
        listed.scope,
        f"Items of PRISMA-ScR and of PRISMA 2020 by status: {counts}.",
        f"Status: {meanings}.",
        listed.numbering,
        *(f"{name}: {citation}" for name, citation in listed.guidelines.values()),
    )
    return PaperTable(
        "checklist",
        "Where the items of PRISMA-ScR and PRISMA 2020 are answered",
        columns,
        tuple(Group(section, tuple(rows)) for section, rows in groups.items()),
        notes,
        compute_checklist(listed),
        long=True,
        wide=True,
        loose=True,
    )


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of ``review checklist``."""
    command.add_argument("--format", choices=("table", "json", "csv", "md"), default="table", help="how to print")


def run(options: argparse.Namespace) -> int:
    """Print the checklist; 1 if it names a place that does not exist."""
    if options.corpus:
        raise OptionError("the checklist is about this repository, not about a corpus -> leave out --corpus")
    import pandas as pd

    listed = load()
    if options.format == "md":
        print_data(to_markdown(listed))
    elif options.format == "table":
        rows = [(one.prisma_scr, ", ".join(one.prisma_2020), one.status, _named(one)) for one in listed.items]
        print_table(pd.DataFrame(rows, columns=["ScR", "2020", "status", "item"]), "table")
    else:
        print_table(compute_checklist(listed), options.format)
    counts = [f"{row['status']} {row['prisma_scr']}/{row['prisma_2020']}" for row in records(count_statuses(listed))]
    say(f"items of PRISMA-ScR/PRISMA 2020: {', '.join(counts)}")
    lost = unresolved(listed)
    for line in lost:
        say(line)
    return 1 if lost else 0
