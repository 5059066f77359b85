"""The authors' list of studies: it takes the place of a calibrated selection, and nothing is by construction any more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review import paths, prisma, writing
from review.errors import InputError, OptionError, Problem
from review.importing import entries, flow, matching
from review.importing.candidates import inserted

if TYPE_CHECKING:
    from review.bibliography import Reference
    from review.corpus import Corpus
    from review.importing.flow import Batch
    from review.importing.matching import Match
    from review.importing.records import Record
    from review.writing import Change

REASON = prisma.LISTED
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")
RESERVED = ("all", "pool", "default")


@dataclass(frozen=True)
class Plan:
    """What the list changes.

    Attributes
    ----------
    change : Change
    selection : str
        Its name.
    keys : tuple of str
        Studies on the list.
    uncoded : tuple of str
        Those without a code that counts.
    removed : tuple of str
        Calibrated selections that go.
    gone : tuple of str
        Studies that an earlier list of that name had and this one has not.
    """

    change: Change
    selection: str
    keys: tuple[str, ...]
    uncoded: tuple[str, ...]
    removed: tuple[str, ...]
    gone: tuple[str, ...]


def plan(corpus: Corpus, batches: Sequence[Batch], selection: str = "", keep: bool = False, fill: bool = False) -> Plan:
    """Return the change that makes a selection of the listed studies; nothing is written.

    Known studies keep their codes. A study that is not in the bibliography gets an entry and, where there is a screening table,
    a row that says it is listed but was not verified; one that was excluded or waits for screening is changed to that, and its
    note tells what it was before.

    Parameters
    ----------
    corpus : Corpus
    batches : sequence of Batch
    selection : str
        Name; by default the codebook's default selection, or else ``authors``.
    keep : bool
        Whether other calibrated selections stay. By default they go: they stood for this list.
    fill : bool
        Whether identifiers that known studies lack are added.

    Raises
    ------
    InputError
        If a record is not settled, the list is empty, or it would replace another list without being named like it.
    OptionError
        If the name cannot be used.
    """
    matches = [one for batch in batches for one in batch.matches]
    _refuse_open(matches)
    name, removed = _names(corpus, selection, keep)
    keys = entries.assign(corpus, matches)
    place = {one.record.place: one.key or keys.get(one.record.place, "") for one in matches}
    place = {where: place.get(key, key) for where, key in place.items()}
    listed = sorted({place[one.record.place] for one in matches if one.verdict != matching.SKIPPED})
    if not listed:
        raise InputError.one(batches[0].note if batches else "", "no study is left on the list", "skip fewer records")
    references, rows = entries.filled(corpus, matches if fill else ())
    references = _references(references, matches, keys, rows)
    screening = _screening(rows, matches, keys)
    others = [row for row in entries.rows_of(corpus.selection_table) if row[0] != name and row[0] not in removed]
    table = sorted([*others, *([name, key, "listed"] for key in listed)], key=lambda row: (row[0], row[1]))
    change = writing.change(
        corpus,
        references=references,
        screening=entries.unless_same(screening, corpus.screening),
        selection=entries.unless_same(table, corpus.selection_table),
        flow=entries.unless_same(flow.raised(corpus, batches), corpus.flow),
    )
    coding = corpus.coding
    coded = set(coding.loc[(coding["coder"] == "consensus") & (coding["value"] != ""), "key"])
    before = set(corpus.selections.get(name, ())) if name in corpus.selections and corpus.basis(name) == "listed" else set()
    gone = tuple(sorted(before - set(listed)))
    if gone and not selection:
        message = f"there is a list {name!r} already, and {len(gone)} of its studies are not on this one"
        remedy = f"name it with --selection {name} to replace that list, or otherwise to keep both"
        raise InputError.one(corpus.directory / paths.SELECTION, message, remedy, name)
    uncoded = tuple(key for key in listed if key not in coded)
    return Plan(change, name, tuple(listed), uncoded, removed, gone)


def _refuse_open(matches: Sequence[Match]) -> None:
    problems = [
        Problem(
            one.record.file,
            one.record.line,
            one.record.key or None,
            f"it is not settled: {one.verdict}{f' {one.key}' if one.key else ''}{f' ({one.note})' if one.note else ''}",
            f"decide with --decide {one.record.place}=new, same, skip or a key of the corpus",
        )
        for one in matches
        if one.open
    ]
    if problems:
        raise InputError(problems)


def _names(corpus: Corpus, selection: str, keep: bool) -> tuple[str, tuple[str, ...]]:
    """Return the name of the list and the calibrated selections that go."""
    default = corpus.codebook.review.get("selection", "")
    name = selection or (default if default not in RESERVED else "") or "authors"
    if not NAME.fullmatch(name) or name in RESERVED:
        raise OptionError(f"a selection cannot be named {name!r} -> use letters, digits, _ . - and none of {', '.join(RESERVED)}")
    calibrated = [other for other in corpus.selections if other != name and corpus.basis(other) == "calibrated"]
    removed = () if keep else tuple(calibrated)
    if default in removed:
        message = f"the default selection {default!r} would go, but the codebook names it"
        remedy = f"name the list with --selection {default}, or keep the others with --keep-calibrated, or change the codebook"
        raise InputError.one(corpus.directory / paths.CODEBOOK, message, remedy, "review.selection")
    return name, removed


def _references(
    references: Sequence[Reference], matches: Sequence[Match], keys: dict[str, str], rows: Sequence[list[str]]
) -> list[Reference]:
    """Return the bibliography with an entry for every study on the list."""
    held = {reference.key for reference in references}
    screened = {row[0]: row for row in rows}
    found = list(references)
    for one in matches:
        key = keys.get(one.record.place, one.key)
        if one.verdict in (matching.NEW, matching.EXCLUDED, matching.PENDING) and key not in held:
            found.append(entries.reference(_joined(one.record, screened.get(key)), key))
            held.add(key)
    return found


def _joined(record: Record, row: list[str] | None) -> Record:
    """Return a record with what only the row of the screening table tells."""
    if row is None:
        return record
    from review.importing.records import normalise

    title, year, doi, arxiv, pmid = row[8:13]
    known = normalise(title=title, year=year, doi=doi, arxiv=arxiv, pmid=pmid)
    return replace(
        record,
        title=record.title or title,
        year=record.year or known.year,
        doi=record.doi or known.doi,
        preprint=record.preprint or known.preprint,
        arxiv=record.arxiv or known.arxiv,
        pmid=record.pmid or known.pmid,
    )


def _screening(rows: Sequence[list[str]], matches: Sequence[Match], keys: dict[str, str]) -> list[list[str]]:
    """Return the screening table; none for a corpus that has none."""
    if not rows:
        return []
    changed = {one.key for one in matches if one.verdict in (matching.EXCLUDED, matching.PENDING)}
    kept = [_listed(row) if row[0] in changed else row for row in rows]
    new = [
        entries.screening_row(record, keys[record.place], "verification", "unverified", REASON)
        for record in matching.new_records(matches)
    ]
    return inserted(kept, new)


def _listed(row: list[str]) -> list[str]:
    """Return the row of a record that was excluded or pending as one that is listed but not verified."""
    key, stage, decision, reason, note, *rest = row
    before = f"on the authors' list; before: {decision} at {stage}, {reason}"
    return [key, "verification", "unverified", REASON, " | ".join(part for part in (note, before) if part), *rest]
