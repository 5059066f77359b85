"""Rules for counted events: how often something happens in synthetic data, and how often in real data that are no copies."""

from __future__ import annotations

from dataclasses import dataclass

from review.evaluation import baseline
from review.evaluation.metrics import FAIL, PASS, SHOWN, UNCLEAR, Value
from review.evaluation.shares import beside
from review.statistics import LEVEL

RATE, ANY, HINT = "rate", "any", "hint"
"""How a count is judged: by its rate; any at all fails if the control has none; any at all is then unclear at least."""


@dataclass(frozen=True)
class Count:
    """So many of so many."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """Return the share; 0 of nothing is 0."""
        return self.count / self.total if self.total else 0.0


def level(graded: int) -> float:
    """Return the level of one interval if so many values are graded together (Bonferroni)."""
    return 1 - (1 - LEVEL) / max(graded, 1)


def contrast(
    name: tuple[str, str],
    found: Count,
    control: Count,
    against: str,
    *,
    rule: str = RATE,
    graded: int = 1,
    real: int = 0,
    note: str = "",
) -> Value:
    """Return a share beside its control, with the verdict.

    By its rate, a share fails if its whole Wilson interval is above the edge, and passes if it is not itself above it: the edge
    is what the share of the control leaves to chance at both sizes (:func:`review.evaluation.shares.edge_of`).

    Parameters
    ----------
    name : tuple of str
        Metric and subject.
    found, control : Count
        In the synthetic and in the control data.
    against : str
        What the control is.
    rule : {"rate", "any", "hint", ""}
        "" grades nothing.
    graded : int
        Values that are graded together.
    real : int
        Real items that were compared with.
    note : str
    """
    if not found.total or not control.total:
        return Value(*name, note=note or "nothing to count", real=real, synthetic=found.total, against=against)
    marks, limit, judged = beside((found.count, found.total), (control.count, control.total), level(graded))
    edge: float | None = limit
    if not rule:
        judged, edge = SHOWN, None
    elif rule in (ANY, HINT) and not control.count:
        judged, edge = (FAIL if rule == ANY else _worse(judged)) if found.count else PASS, 0.0
    small = min(found.total, control.total) < baseline.SMALL
    words = "; ".join(filter(None, (note, f"small sample: fewer than {baseline.SMALL}" if small else "")))
    return Value(*name, *marks, edge, judged, real, found.total, f"Wilson {level(graded):.1%}", against, words)


def _worse(judged: str) -> str:
    return FAIL if judged == FAIL else UNCLEAR
