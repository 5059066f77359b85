"""Count what a language model was asked and what it cost."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Usage:
    """Counts of one model since it was loaded. They depend on what was in the cache: no output may hold them.

    Attributes
    ----------
    requests : int
        Answers that the model itself gave.
    cached : int
        Answers from the response cache; they cost nothing and add no tokens.
    damaged : int
        Entries of the response cache that were cut short or changed: never served, asked again, replaced.
    retries : int
        Attempts beyond the first, after a failure that may pass.
    unconstrained : int
        Answers to a request with a schema or grammar that the server did not take into account.
    uncounted : int
        Answers whose tokens the server did not state; their tokens and cost are missing below.
    prompt_tokens, completion_tokens : int
    cost : float or None
        In the currency of the prices that were given; None while there are no prices.
    """

    requests: int = 0
    cached: int = 0
    damaged: int = 0
    retries: int = 0
    unconstrained: int = 0
    uncounted: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    _lock: Any = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def add(self, **counts: float) -> None:
        """Add to the counts; safe from several threads."""
        with self._lock:
            for name, count in counts.items():
                setattr(self, name, (getattr(self, name) or 0) + count)

    def as_dict(self) -> dict[str, int | float | str]:
        """Return the counts by name; a cost that is not known is ``unknown``, one that misses answers ``at least ...``."""
        names = ("requests", "cached", "damaged", "retries", "unconstrained", "uncounted", "prompt_tokens", "completion_tokens")
        counts: dict[str, int | float | str] = {name: getattr(self, name) for name in names}
        if self.cost is None:
            return {**counts, "cost": "unknown"}
        return {**counts, "cost": f"at least {self.cost:.6f}" if self.uncounted else round(self.cost, 6)}
