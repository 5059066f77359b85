"""Tables on standard output, for people or for programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def print_table(frame: pd.DataFrame, form: str) -> None:
    """Print a table to standard output.

    Parameters
    ----------
    frame : DataFrame
    form : {"table", "json", "csv"}
        Aligned for people, or to be read by a program.
    """
    from review.files import records, rows_to_csv, to_json

    rows = records(frame)
    if form == "json":
        sys.stdout.write(to_json(rows))
    elif form == "csv":
        sys.stdout.write(rows_to_csv(frame.columns, (row.values() for row in rows)))
    else:
        shown = [{name: _cell(value) for name, value in row.items()} for row in rows]
        widths = {str(name): max([len(str(name)), *(len(row[str(name)]) for row in shown)]) for name in frame.columns}
        print("  ".join(name.ljust(width) for name, width in widths.items()).rstrip())
        for row in shown:
            print("  ".join(row[name].ljust(width) for name, width in widths.items()).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)
