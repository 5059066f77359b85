"""Tables of a paper that compare: two coders, and two versions of the review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from review.corpus import ALL, Corpus
from review.describe import number
from review.files import records
from review.paper_notes import BOOTSTRAP, code_title, dimension_title, mark, notes
from review.paper_table import MISSING, Cell, Column, Group, PaperTable, clean, interval

SIDES = ("before", "after")


def agreement(
    corpus: Corpus,
    coders: Sequence[str] = (),
    selection: str = ALL,
    where: str = "",
    *,
    dimensions: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 2000,
) -> PaperTable:
    """Set out how far two coders agree.

    Parameters
    ----------
    corpus, selection, where
        As in :meth:`Corpus.studies`; all studies by default.
    coders : sequence of str
        Two names; "" or none: the first of :attr:`Corpus.coders`.
    dimensions : sequence of str, optional
        Dimensions to show; by default those that have published values, or else all.
    seed, resamples : int
        As in :func:`review.agreement.bootstrap`.
    """
    from review.agreement import compute_agreement

    pair = _pair(corpus, coders)
    frame = compute_agreement(corpus, pair, selection, where, seed=seed, resamples=resamples)
    printed = list(dict.fromkeys(corpus.published["dimension"])) if dimensions is None else list(dimensions)
    frame = frame[frame["dimension"].isin(printed or list(corpus.codebook.dimensions))].reset_index(drop=True)
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for row in records(frame):
        label = code_title(corpus, row["dimension"], row["label"]) if row["label"] else "All codes"
        values = [_coefficient(row, "percent", 1, 100)]
        values += [_coefficient(row, name, 2, 1) for name in ("kappa", "ac1", "alpha")]
        unknown = str(row["unknown_1"]), str(row["unknown_2"])
        groups.setdefault(row["dimension"], []).append((label, str(row["units"]), *values, *unknown))
    by = f"coders {pair[0]} and {pair[1]}" if all(pair) else "two coders"
    columns = [Column("Code", 0.18), Column("Studies, n", 0.08, "right"), Column("Agreement, % (CI)", 0.17, "right")]
    columns += [Column("Cohen's kappa (CI)", 0.15, "right"), Column("Gwet's AC1 (CI)", 0.15, "right")]
    columns += [Column("Krippendorff's alpha (CI)", 0.15, "right")]
    columns += [Column(name or "none", 0.06, "right", "Unknown, n") for name in pair]
    unknown_note = (
        "An unknown code counts as a category of its own. Agreement shows that codes are consistent, not that they are valid."
    )
    return PaperTable(
        "agreement",
        f"Agreement of {by}",
        tuple(columns),
        tuple(Group(dimension_title(corpus, name), tuple(rows)) for name, rows in groups.items()),
        notes(corpus, selection, where, unknown_note, BOOTSTRAP.format(resamples=resamples, seed=seed) if groups else ""),
        frame,
        empty="No two coders coded this corpus, each for themselves.",
        wide=True,
    )


def _pair(corpus: Corpus, coders: Sequence[str]) -> tuple[str, str]:
    """Return two coders, those named and else the first ones; ("", "") if there are no two."""
    named = [*coders, "", ""][:2]
    left = [name for name in corpus.coders if name not in named]
    first, second = (name or (left.pop(0) if left else "") for name in named)
    return (first, second) if first and second else ("", "")


def _coefficient(row: dict[str, Any], name: str, decimals: int, scale: float) -> str:
    value = row[name]
    if value is None:
        return MISSING
    return f"{number(value, decimals, scale)} ({interval(row[f'{name}_low'], row[f'{name}_high'], decimals, scale)})"


def versions(corpus: Corpus, before: str = "", after: str = "") -> PaperTable:
    """Set two versions of the review beside each other: printed shares, the counts behind them, what moved.

    Parameters
    ----------
    corpus : Corpus
    before, after : str
        Versions of ``published.csv``; by default the first two.
    """
    from review import report
    from review.published import compare_versions

    every = list(dict.fromkeys(corpus.published["version"]))
    one = corpus.version(before or (every[0] if every else ""))
    two = corpus.version(after or (every[1] if len(every) > 1 else one))
    frame = compare_versions(corpus.published, corpus.codebook, one, two)
    frame = frame if one != two else frame.head(0)
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for row in records(frame):
        printed = [MISSING if row[f"share_{side}"] is None else str(row[f"share_{side}"]) for side in SIDES]
        counts = [MISSING if row[f"count_{side}"] is None else str(row[f"count_{side}"]) for side in SIDES]
        moved = MISSING if row["moved"] is None else number(row["moved"], 0, sign=True)
        points = MISSING if row["points"] is None else number(row["points"], 1, sign=True)
        cells = (code_title(corpus, row["dimension"], row["category"]), *printed, points, *counts, moved)
        groups.setdefault(row["dimension"], []).append(cells)
    columns = [Column("Category", 0.3)]
    columns += [Column(label, 0.11, "right", "Published share, %") for label in (one or "none", two or "none", "Points")]
    columns += [Column(label, share, "right", "Studies, n") for label, share in ((one or "none", 0.11), (two or "none", 0.11))]
    columns += [Column("Net change", 0.15, "right", "Studies, n")]
    calibrated = [name for name in (one, two) if name in corpus.selections and corpus.basis(name) == "calibrated"]
    below = (
        report.caution(corpus, calibrated[0]) if calibrated else "",
        "Studies: the counts that the printed shares imply, not a count of listed studies. Net change: studies that moved "
        "one way may hide as many that moved the other way. NA, not available: a version does not print the share, or no count "
        "follows from it.",
        f"Review: {clean(corpus.codebook.review['citation'])}",
        mark(corpus),
    )
    return PaperTable(
        "versions",
        f"Published shares in versions {one} and {two} of the review"
        if one != two
        else "Published shares by version of the review",
        tuple(columns),
        tuple(Group(dimension_title(corpus, name), tuple(rows)) for name, rows in groups.items()),
        tuple(note for note in below if note),
        frame,
        empty="This corpus has the shares of one version at most.",
    )
