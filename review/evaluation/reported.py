"""What would a study have reported? The families of evaluation that the coded studies used, laid over a report card.

The codebook counts measures of privacy among the intrinsic ones, so that no study can be said to have, or not to have, reported
them apart. Unknown is not "no": a study whose page does not mention an evaluation may have made one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from review.evaluation.metrics import FAIL, FAMILIES, Grade
from review.statistics import compute_overlaps, compute_shares

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus

DIMENSION = "evaluation"
PRIVACY = "privacy"
NOT_APART = "counted under intrinsic by the codebook"
REPORTED = ("family", "title", "count", "total", "unknown", "share", "low", "high", "status")
VIEWS = ("labels", "count", "total", "share", "shown", "failing", "failing_shown", "failing_hidden")


def applies(corpus: Corpus) -> bool:
    """Tell whether a corpus codes how the synthetic data were evaluated, in the words of this package."""
    dimension = corpus.codebook.dimensions.get(DIMENSION)
    return dimension is not None and set(FAMILIES) - {PRIVACY} <= set(dimension.categories)


def compute_reported(corpus: Corpus, selection: str = "default", where: str = "", version: str = "default") -> pd.DataFrame:
    """Count how many coded studies used each family of the card.

    Returns
    -------
    DataFrame
        ``family, title, count, total, unknown, share, low, high, status``, as :func:`review.statistics.compute_shares` counts;
        privacy has no count of its own. Empty for a corpus that does not code evaluation.
    """
    import pandas as pd

    if not applies(corpus):
        return pd.DataFrame(columns=list(REPORTED))
    shares = compute_shares(corpus, DIMENSION, selection, where, version).set_index("category")
    rows = []
    for family, title in FAMILIES.items():
        if family == PRIVACY:
            rows.append([family, title, *[None] * 6, NOT_APART])
        else:
            rows.append([family, title, *shares.loc[family, list(REPORTED[2:])]])
    return pd.DataFrame(rows, columns=list(REPORTED)).astype(
        {"count": "Int64", "total": "Int64", "unknown": "Int64", "share": "Float64", "low": "Float64", "high": "Float64"}
    )


def compute_views(corpus: Corpus, grades: Sequence[Grade], selection: str = "default", where: str = "") -> pd.DataFrame:
    """Lay each combination of families that coded studies used over the grades of one card.

    Parameters
    ----------
    grades : sequence of Grade
        Of a card.

    Returns
    -------
    DataFrame
        One row a combination, the most frequent first: ``labels, count, total, share`` (studies), ``shown`` (aspects of the
        card that lie in these families), ``failing`` (failing aspects of the whole card), ``failing_shown`` and
        ``failing_hidden``: those that a report with these families alone would have shown, and would not. Privacy goes with
        the intrinsic family, as in the codebook: the count of hidden aspects is the smallest that is possible.
    """
    import pandas as pd

    if not applies(corpus):
        return pd.DataFrame(columns=list(VIEWS))
    overlaps = compute_overlaps(corpus, DIMENSION, selection, where)
    total = int(overlaps["count"].sum())
    rows = []
    for labels, count in zip(overlaps["labels"], overlaps["count"], strict=True):
        used = set(str(labels).split("; "))
        shown = [one for one in grades if (("intrinsic" if one.family == PRIVACY else one.family) in used)]
        failing, seen = (sum(one.grade == FAIL for one in some) for some in (grades, shown))
        rows.append([labels or "none known", int(count), total, count / total, len(shown), failing, seen, failing - seen])
    return pd.DataFrame(rows, columns=list(VIEWS))


def describe_views(views: pd.DataFrame) -> str:
    """Say in a sentence how many coded studies would have shown every failing aspect of a card, and how many none."""
    if not len(views):
        return "No coded study stands beside this card."
    failing, total = int(views["failing"].iloc[0]), int(views["count"].sum())
    if not failing:
        return f"No aspect of this card fails, so none of the {total} coded studies would have missed one."
    every = int(views.loc[views["failing_hidden"] == 0, "count"].sum())
    none = int(views.loc[views["failing_shown"] == 0, "count"].sum())
    return (
        f"{failing} aspects of this card fail. With the families that they are coded to have used, {every} of {total} studies "
        f"would have shown all of them, {none} none. A family that is not mentioned in what was read may have been used, too."
    )
