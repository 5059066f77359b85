"""Labels that ASReview LAB gave: read from the CSV or RIS file that it exports.

Version 1 writes them to the column ``included``, versions 2 and 3 to ``asreview_label`` (and leave ``included`` as it was); in
RIS all three write a note such as ``ASReview_relevant``.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import InputError, Problem
from review.files import read_text
from review.importing import matching, reading
from review.importing.text import folded

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.importing.records import Record

COLUMNS = (
    "asreview_label",
    "included",
    "label",
    "final_included",
    "label_included",
    "included_label",
    "included_final",
    "included_flag",
    "include",
)
"""Headers under which ASReview looks for labels, in its order."""

RELEVANT, IRRELEVANT = "relevant", "irrelevant"
_VALUES = {
    **dict.fromkeys(("1", "1.0", "true", "yes", RELEVANT), RELEVANT),
    **dict.fromkeys(("0", "0.0", "false", "no", IRRELEVANT), IRRELEVANT),
    **dict.fromkeys(("", "-1", "-1.0", "na", "nan", "none"), ""),
}
_NOTES = {"ASReview_relevant": RELEVANT, "ASReview_irrelevant": IRRELEVANT}


@dataclass(frozen=True)
class Labelled:
    """One record of the file.

    Attributes
    ----------
    record : Record
    label : {"relevant", "irrelevant", ""}
    key : str
        Of the corpus; "" if it has no such record.
    note : str
        Why there is no key.
    """

    record: Record
    label: str
    key: str
    note: str


def read(path: Path | str, corpus: Corpus) -> list[Labelled]:
    """Read an export of ASReview, and find its records in a corpus.

    A record is found by its key, if its title is that of the key, or else as :func:`review.importing.matching.match` finds it.

    Raises
    ------
    InputError
        If nothing can be read, no record has a place for labels, a value is no label, or one record has two labels.
    """
    file = Path(path)
    text = read_text(file).replace("\r\n", "\n").replace("\r", "\n")
    form = reading.detect(text)
    if form not in ("csv", "ris"):
        raise InputError.one(file, "it is neither a table nor a RIS file", "export CSV or RIS from ASReview")
    found = reading.read(file, form)
    if found.problems:
        raise InputError(found.problems)
    labels = _of_table(text, str(file)) if form == "csv" else _of_ris(text, str(file))
    titles = {reference.key: folded(reference.fields["title"]) for reference in corpus.references}
    titles |= {
        str(key): folded(str(title)) for key, title in zip(corpus.screening["key"], corpus.screening["title"], strict=True)
    }
    matches = iter(matching.match([one for one in found.records if titles.get(one.key) != folded(one.title)], corpus))
    result = []
    for record in found.records:
        if titles.get(record.key) == folded(record.title):
            result.append(Labelled(record, labels.get(record.line, ""), record.key, ""))
            continue
        match = next(matches)
        known = match.key in titles and not match.open
        note = "" if known else (f"{match.verdict} {match.key}".strip() if match.open else "not in this corpus")
        result.append(Labelled(record, labels.get(record.line, ""), match.key if known else "", note))
    _agree(result, str(file))
    return result


def _agree(found: list[Labelled], file: str) -> None:
    """Refuse a file in which one record of the corpus has two labels."""
    seen: dict[str, Labelled] = {}
    problems = []
    for one in found:
        other = seen.setdefault(one.key, one) if one.key and one.label else one
        if other.label != one.label:
            message = f"it is {one.label} here and {other.label} in line {other.record.line}"
            problems.append(Problem(file, one.record.line, one.key, message, "keep one of the two"))
    if problems:
        raise InputError(problems)


def _of_table(text: str, file: str) -> dict[int, str]:
    """Return the label of each row that has one, by its line."""
    skipped = len(text) - len(text.lstrip("\n "))
    header = text[skipped:].partition("\n")[0]
    for delimiter in (",", ";", "\t"):
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
        column = next((name for name in COLUMNS if name in names), "")
        if column:
            break
    else:
        raise InputError.one(file, "no column holds labels", f"export it from ASReview; it would be one of: {', '.join(COLUMNS)}")
    reader = csv.reader(io.StringIO(text[skipped:], newline=""), delimiter=delimiter)
    before, place = text.count("\n", 0, skipped), names.index(column)
    found, problems = {}, []
    next(reader)
    start = before + reader.line_num + 1
    for row in reader:
        value = row[place].strip() if place < len(row) else ""
        label = _VALUES.get(value.lower())
        if label is None:
            problems.append(Problem(file, start, column, f"{value[:40]!r} is no label", "write 1, 0 or nothing"))
        found[start] = label or ""
        start = before + reader.line_num + 1
    if problems:
        raise InputError(problems)
    return found


def _of_ris(text: str, file: str) -> dict[int, str]:
    """Return the label of each record that has one, by the line on which it starts."""
    found: dict[int, str] = {}
    problems: list[Problem] = []
    start, seen = 0, False
    for number, line in enumerate(text.split("\n"), 1):
        if re.match(r"TY {1,2}-", line):
            start = number
        note = re.match(r"N1 {1,2}- (?:<p>)?(ASReview_\w+)", line)
        if note:
            seen = True
            label, before = _NOTES.get(note[1], ""), found.get(start, "")
            if label and before and label != before:
                problems.append(Problem(file, number, "N1", f"the record is {before} and {label}", "keep one of the two"))
            found[start] = label or before
    if problems:
        raise InputError(problems)
    if not seen:
        raise InputError.one(file, "no record has a note with a label", "export it from ASReview; a note is ASReview_relevant")
    return found
