"""Shares that real data nearly never have: graded by Wilson intervals.

A baseline of nothing but zeros has no spread, so that the first single case would be condemned.
"""

from __future__ import annotations

from math import sqrt

from review.evaluation.metrics import LOWER, NOT_ASSESSABLE, SHOWN, Value, verdict
from review.statistics import LEVEL, wilson

INTERVAL = "95 % Wilson interval"
AGAINST = "the same share of the real items"

Count = tuple[int, int]
"""How many of how many."""

Marks = tuple[float, float, float, float, float, float]
"""Value, low, high, and the same three of the baseline, in the order of :class:`review.evaluation.metrics.Value`."""


def edge_of(control: Count, size: int, level: float = LEVEL) -> float:
    """Return the share above which so many items do not lie by chance, if theirs is that of the control.

    The errors of both are added as squares, after Newcombe 1998 (Statistics in Medicine 17, 873-890, method 10): a few items
    stray further from the share of many others than the interval of that share tells.

    Parameters
    ----------
    control : (int, int)
        How many of how many, at least one.
    size : int
        Items that are compared with the control, at least one.
    level : float
    """
    share = control[0] / control[1]
    own = wilson(*control, level)[1] - share
    other = wilson(round(share * size), size, level)[1] - round(share * size) / size
    return share + sqrt(own**2 + other**2)


def beside(found: Count, control: Count, level: float = LEVEL) -> tuple[Marks, float, str]:
    """Return a share with its interval, that of the control, and the edge; and the verdict, less being better.

    Parameters
    ----------
    found, control : (int, int)
        How many of how many, at least one.
    level : float
        Of the Wilson intervals and the edge.
    """
    value, (low, high) = found[0] / found[1], wilson(*found, level)
    edge = edge_of(control, found[1], level)
    marks = (value, low, high, control[0] / control[1], *wilson(*control, level))
    return marks, edge, verdict(value, low, high, edge, LOWER)


def against_real(metric: str, subject: str, synthetic: Count, real: Count, note: str = "", *, graded: bool = True) -> Value:
    """Return a share of synthetic items, of which less is better, beside that of real ones.

    Pass: not above the edge, :func:`edge_of` the real share. Fail: its lower bound is above that. Unclear: between.

    Parameters
    ----------
    metric, subject : str
    synthetic, real : (int, int)
        How many of how many; without any item there is no verdict.
    note : str
    graded : bool
        If not, the share is only shown.
    """
    if not synthetic[1] or not real[1]:
        side = "synthetic" if not synthetic[1] else "real"
        missing = note or f"no {side} item to count"
        return Value(metric, subject, real=real[1], synthetic=synthetic[1], note=missing, verdict=NOT_ASSESSABLE)
    marks, edge, judged = beside(synthetic, real)
    limit = edge if graded else None
    shown = judged if graded else SHOWN
    return Value(metric, subject, *marks, limit, shown, real[1], synthetic[1], INTERVAL, AGAINST, note)
