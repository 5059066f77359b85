"""How many records were found, raised by what is imported, so that the screening flow still adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review.importing import entries, matching

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.importing.matching import Match

FOUND, DUPLICATES = "records found", "duplicates removed"


@dataclass(frozen=True)
class Batch:
    """Records that came together.

    Attributes
    ----------
    step : str
        Name of their step in ``flow.csv``: ``import`` and the beginning of the file's SHA-256, or a query.
    note : str
        Where they are from.
    matches : sequence of Match
    """

    step: str
    note: str
    matches: Sequence[Match]


def raised(corpus: Corpus, batches: Sequence[Batch]) -> list[list[str]]:
    """Return the rows of ``flow.csv`` with what the batches add; none for a corpus that does not tell how records were found.

    A batch that brings something new adds all of its records that are settled to the records found, and those that are not
    new to the duplicates removed. Its own step keeps how many were counted, so that none counts twice when it comes again.
    A batch with nothing new adds nothing.
    """
    rows = entries.rows_of(corpus.flow)
    if not rows:
        return []
    counts = {row[0]: int(row[1]) for row in rows}
    notes = {row[0]: row[2] for row in rows}
    for batch in batches:
        new = sum(one.verdict == matching.NEW for one in batch.matches)
        if not new:
            continue
        settled = sum(not one.open and one.verdict != matching.SKIPPED for one in batch.matches)
        before = counts.get(batch.step, 0)
        more = max(settled - before, new)
        counts[FOUND] += more
        counts[DUPLICATES] += more - new
        counts[batch.step] = max(settled, before)
        notes.setdefault(batch.step, batch.note)
    return [[step, str(count), notes[step]] for step, count in counts.items()]
