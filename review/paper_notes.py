"""What stands below a table of a paper: how far it is a finding, what was counted, by whom and how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from review.paper_table import clean

if TYPE_CHECKING:
    from review.corpus import Corpus

WHOSE = {
    "calibrated": "a calibrated reconstruction",
    "sample": "a purposive sample",
    "listed": "the listed studies",
}
WILSON = (
    "CI, 95 % confidence interval after Wilson (doi 10.1080/01621459.1927.10502953). It treats the studies as a random sample of "
    "a larger literature, which the studies of a review are not."
)
RANGE = (
    "Range: smallest and greatest count over all sets of verified studies that meet the published counts, exact (integer "
    "programming; partial identification, doi 10.1007/b97478). One number: every such set has this count."
)
NO_RANGE = "Range: none, since {error}."
BOOTSTRAP = (
    "CI, 95 % percentile bootstrap interval over studies (doi 10.1201/9780429246593), {resamples} resamples, seed {seed}; NA, "
    "not available: the coefficient is undefined, or the resamples say nothing about it. Kappa: doi 10.1177/001316446002000104; "
    "AC1: doi 10.1348/000711006X126600; alpha: Krippendorff 2011, https://repository.upenn.edu/asc_papers/43."
)


def scope(corpus: Corpus, selection: str, where: str) -> str:
    """Say which studies are counted."""
    name, total = corpus.resolve(selection), len(corpus.studies(selection, where))
    text = f"Selection {name} ({corpus.basis(selection)}), {total} {'study' if total == 1 else 'studies'}"
    return f"{text}, filter: {clean(where)}." if where.strip() else f"{text}."


def notes(corpus: Corpus, selection: str, where: str, *more: str) -> tuple[str, ...]:
    """Return what stands below a table: how far it is a finding, which studies, who coded, methods, corpus."""
    from review import report

    review = f"Review: {clean(corpus.codebook.review['citation'])}"
    given = (
        report.caution(corpus, selection),
        scope(corpus, selection, where),
        report.coders(corpus),
        *more,
        review,
        mark(corpus),
    )
    return tuple(note for note in given if note)


def mark(corpus: Corpus) -> str:
    """Return which corpus it was, by the first letters of its hash."""
    return f"Corpus {corpus.hash[:12]}."


def statuses(given: Iterable[str]) -> list[str]:
    """Say what the statuses in a table mean."""
    from review.statistics import STATUSES

    found = set(given)
    lines = [f"{name}, {meaning}" for name, meaning in STATUSES.items() if name in found]
    return [f"Status: {'; '.join(lines)}."] if lines else []


def dimension_title(corpus: Corpus, dimension: str) -> str:
    """Return what people read for a dimension, or for the year."""
    return "Year" if dimension == "year" else clean(corpus.codebook[dimension].title)


def code_title(corpus: Corpus, dimension: str, code: str) -> str:
    """Return what people read for a code, or for a year."""
    return code if dimension == "year" else clean(corpus.codebook[dimension].categories[code].title)
