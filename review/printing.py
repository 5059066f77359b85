"""Tables on standard output, for people or for programs, and what becomes of a change of a corpus on standard error."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from review.errors import printable

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from review.writing import Change


def print_data(text: str) -> None:
    """Print what is read by a program to standard output: the same bytes, UTF-8, whatever the user's locale."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors=sys.stdout.errors)
    sys.stdout.write(text)


def say(*lines: str) -> None:
    """Print lines to people, on standard error: of what names and texts hold nothing is obeyed by the terminal."""
    for line in lines:
        print(printable(line), file=sys.stderr)


def print_path(path: Path) -> None:
    """Print a path to standard output: exactly for a program, as it can be shown for people."""
    print(printable(str(path)) if sys.stdout.isatty() else path)


def print_table(frame: pd.DataFrame, form: str) -> None:
    """Print a table to standard output.

    Parameters
    ----------
    frame : DataFrame
    form : {"table", "json", "csv"}
        Aligned for people, control characters written out; to be read by a program, exactly; for a spreadsheet, without formulas.
    """
    from review.files import records, sheet, to_json

    rows = records(frame)
    if form == "json":
        print_data(to_json(rows))
    elif form == "csv":
        print_data(sheet(frame.columns, (row.values() for row in rows)))
    else:
        shown = [{name: printable(_cell(value)) for name, value in row.items()} for row in rows]
        widths = {str(name): max([len(str(name)), *(len(row[str(name)]) for row in shown)]) for name in frame.columns}
        print("  ".join(printable(name).ljust(width) for name, width in widths.items()).rstrip())
        for row in shown:
            print("  ".join(row[name].ljust(width) for name, width in widths.items()).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "" if value is None else str(value)


def settle(change: Change, *, apply: bool) -> None:
    """Write a change of a corpus, or check it and say what it would be.

    Raises
    ------
    InputError
        If the new corpus would not be good: nothing was written.
    """
    files = ", ".join(change.files)
    if not change:
        say("nothing would change")
    elif apply:
        written = change.apply()
        say(f"{written.directory}: written: {files}; hash {written.hash[:12]}")
        if (written.directory / "build" / "build.py").is_file():
            say(f"note: {written.directory}/build/build.py makes these files from evidence; run again, it takes the change away")
    else:
        change.check()
        say(f"would change: {files}; nothing is written without --apply")
