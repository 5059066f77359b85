"""New records wait in the screening table until somebody screens them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from review import paths, writing
from review.errors import InputError
from review.importing import entries, flow, matching

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.importing.flow import Batch
    from review.writing import Change

REASON = "not-screened"


def plan(corpus: Corpus, batches: Sequence[Batch], fill: bool = False) -> Change:
    """Return the change that adds every new record to the screening table as pending; nothing is written.

    Parameters
    ----------
    corpus : Corpus
    batches : sequence of Batch
        Their matches come from one call of :func:`review.importing.matching.match`.
    fill : bool
        Whether identifiers that known studies lack are added.

    Raises
    ------
    InputError
        If the corpus has no screening table.
    """
    matches = [one for batch in batches for one in batch.matches]
    keys = entries.assign(corpus, matches)
    if keys and corpus.screening.empty:
        message = "this corpus has no screening table, so new records cannot wait in it"
        remedy = "write one with a row for every study of the bibliography (README.md of data/), or import --as included"
        raise InputError.one(corpus.directory / paths.SCREENING, message, remedy)
    references, rows = entries.filled(corpus, matches if fill else ())
    rows = inserted(
        rows,
        [
            entries.screening_row(record, keys[record.place], "screening", "pending", REASON, entries.described(record))
            for record in matching.new_records(matches)
        ],
    )
    return writing.change(
        corpus,
        references=references,
        screening=entries.unless_same(rows, corpus.screening),
        flow=entries.unless_same(flow.raised(corpus, batches), corpus.flow),
    )


def inserted(rows: Sequence[list[str]], more: Sequence[list[str]]) -> list[list[str]]:
    """Return rows with more of them: in the order of their keys if they stand so, or else at the end."""
    keys = [row[0] for row in rows]
    together = [*rows, *more]
    return sorted(together, key=lambda row: row[0]) if keys == sorted(keys) else together
