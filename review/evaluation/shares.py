"""Shares that real data nearly never have: graded by Wilson intervals.

A baseline of nothing but zeros has no spread, so that the first single case would be condemned.
"""

from __future__ import annotations

from review.evaluation.metrics import LOWER, NOT_ASSESSABLE, SHOWN, Value, verdict
from review.statistics import wilson

INTERVAL = "95 % Wilson interval"
AGAINST = "the same share of the real items"

Count = tuple[int, int]
"""How many of how many."""


def against_real(metric: str, subject: str, synthetic: Count, real: Count, note: str = "", *, graded: bool = True) -> Value:
    """Return a share of synthetic items, of which less is better, beside that of real ones.

    Pass: not above the upper bound of the real share. Fail: its lower bound is above that. Unclear: between.

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
    value, (low, high) = synthetic[0] / synthetic[1], wilson(*synthetic)
    base, (base_low, base_high) = real[0] / real[1], wilson(*real)
    judged = verdict(value, low, high, base_high, LOWER) if graded else SHOWN
    sizes = {"real": real[1], "synthetic": synthetic[1]}
    edge = base_high if graded else None
    return Value(metric, subject, value, low, high, base, base_low, base_high, edge, judged, **sizes,
                 interval=INTERVAL, against=AGAINST, note=note)  # fmt: skip
