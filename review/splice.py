"""A bibliography or a table of codes with other entries, in which all that stays keeps its text and order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from review import bibliography, contracts, paths

if TYPE_CHECKING:
    from review.bibliography import Reference
    from review.corpus import Corpus

Row = tuple[str, ...]

_DASH = re.compile("(?<![-\u2013\u2014])\u2013(?![-\u2013\u2014])")
"""A dash that is still that dash if it is written as two hyphens: there are none beside it."""


def spliced(path: Path, text: str, references: list[Reference]) -> str:
    """Return the text of a bibliography with new and changed entries put in, and without those that are gone.

    New entries stand in the order of the keys if the old ones do, or else at the end. Where two entries share a line, all are
    written anew.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        What it holds.
    references : list of Reference
        The whole new bibliography.

    Raises
    ------
    InputError
        If the file cannot be read as it is.
    """
    old = bibliography.read(path)
    wanted = {reference.key: reference for reference in references}
    new = sorted(set(wanted) - {reference.key for reference in old})
    if not new and all(reference.key in wanted and _same(reference, wanted[reference.key]) for reference in old):
        return text
    lines = text.split("\n")
    starts = [reference.line - 1 for reference in old]
    if sorted(set(starts)) != starts or not all(_alone(lines[start], one) for start, one in zip(starts, old, strict=True)):
        return bibliography.write(references)
    ends = [*starts[1:], len(lines)]
    head = "".join(f"{line}\n" for line in lines[: starts[0]])
    blocks: dict[str, str] = {}
    for reference, start, end in zip(old, starts, ends, strict=True):
        block = "\n".join(lines[start:end])
        if reference.key in wanted:
            blocks[reference.key] = _block(reference, wanted[reference.key], block)
        elif rest := block[_end(block) :].strip():  # such as an @string that later entries need
            if blocks:
                blocks[next(reversed(blocks))] += f"\n{rest}\n"
            else:
                head += f"{rest}\n\n"
    keys = list(blocks)
    order = sorted([*keys, *new]) if keys == sorted(keys) else [*keys, *new]
    parts = [blocks[key] if key in blocks else bibliography.write([wanted[key]]) for key in order]
    return head + "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _same(one: Reference, other: Reference) -> bool:
    return (one.kind, dict(one.fields)) == (other.kind, dict(other.fields))


def _block(old: Reference, new: Reference, text: str) -> str:
    """Return the text of an entry with what follows it: as it is, or with the entry written anew."""
    if _same(old, new):
        return text
    fields = {name: _DASH.sub("--", value) if name == "pages" else value for name, value in new.fields.items()}
    return bibliography.write([replace(new, fields=fields)]).rstrip("\n") + text[_end(text) :]


def _alone(line: str, reference: Reference) -> bool:
    """Tell whether a line begins with an entry."""
    return re.match(rf"\s*@{re.escape(reference.kind)}[ \t]*[{{(]", line, re.IGNORECASE) is not None


def _end(text: str) -> int:
    """Return where the entry ends with which a text begins."""
    from bibtexparser.splitter import Splitter

    raw = str(Splitter(text).split().entries[0].raw)
    return text.index(raw) + len(raw)


def codes_with(corpus: Corpus, rows: Sequence[Row]) -> list[Row]:
    """Return all rows of ``coding.csv`` with new ones in place of those of the same study and coder.

    Studies that get no new rows stay as they are. In the others rows are ordered by dimension and coder. A new study goes to its
    place by key if the table is sorted by key, else to the end.
    """
    columns = list(contracts.contract(paths.CODING))
    groups: dict[str, list[Row]] = {}
    for row in corpus.coding[columns].itertuples(index=False, name=None):
        groups.setdefault(row[0], []).append(tuple(map(str, row)))
    ordered = list(groups) == sorted(groups)
    fresh: dict[str, list[Row]] = {}
    for row in rows:
        fresh.setdefault(row[0], []).append(row)
    dimensions = list(corpus.codebook.dimensions)
    for key, new in fresh.items():
        given = {(row[1], row[2]) for row in new}
        kept = [row for row in groups.get(key, []) if (row[1], row[2]) not in given]
        groups[key] = sorted([*kept, *new], key=lambda row: (dimensions.index(row[1]), _rank(row[2])))
    return [row for key in (sorted(groups) if ordered else groups) for row in groups[key]]


def _rank(coder: str) -> tuple[int, str]:
    """Return the place of a coder among the rows of a study: people come after the verifier."""
    known = contracts.CODERS
    after = known.index("llm")
    if coder not in known:
        return after, coder
    place = known.index(coder)
    return (place if place < after else place + 1), ""
