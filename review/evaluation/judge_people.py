"""How far a judge agrees with people on the same items, beside how far people agree with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low

import numpy as np

from review import agreement
from review.evaluation.judge_answers import Judgements
from review.evaluation.judge_estimates import NAN, RESAMPLES, Estimate, Floats, mean, nanmean, spearman
from review.evaluation.rubric import HIGH

Human = Mapping[str, Mapping[str, Sequence[int]]]
"""Id of an item -> name of a criterion -> levels that people chose, one each."""


@dataclass(frozen=True)
class Together:
    """Items that were rated by both: one row an item, one column a criterion, NaN where unknown.

    Attributes
    ----------
    judge, people : array
        Mean quality from 0 to 1.
    judge_level, people_level : array
        Lower median of the levels.
    constant : array (criteria,)
        The judge's most frequent level.
    pairs, with_judge : array
        Of two people, and of a person and the judge, the share with the same level.
    """

    judge: Floats
    people: Floats
    judge_level: Floats
    people_level: Floats
    pairs: Floats
    with_judge: Floats
    constant: Floats

    @classmethod
    def of(cls, judgements: Judgements, human: Human) -> Together:
        """Bring both together; items that only one of them rated are left out."""
        scores = judgements.scores()
        rows = [place for place, item in enumerate(judgements.items) if item.id in human]
        tables = np.full((6, len(rows), len(judgements.criteria)), NAN)
        for row, place in enumerate(rows):
            for column, one in enumerate(judgements.criteria):
                given = np.array(human[judgements.items[place].id].get(one.name, ()), dtype=float)
                own = scores[place, column][~np.isnan(scores[place, column])]
                if len(given) and len(own):
                    shares = [(levels.mean() - 1) / (len(one.levels) - 1) for levels in (own, given)]
                    level = median_low(own.tolist())
                    equal = [first == second for at, first in enumerate(given) for second in given[:at]]
                    tables[:, row, column] = [
                        *(share if one.better == HIGH else 1 - share for share in shares),
                        level,
                        median_low(given.tolist()),
                        np.mean(equal) if equal else NAN,
                        np.mean(given == level),
                    ]
        judge, people, level, theirs, pairs, with_judge = tables
        return cls(judge, people, level, theirs, pairs, with_judge, _usual(scores))

    @property
    def items(self) -> int:
        """How many items both rated."""
        return int((~np.isnan(self.judge)).any(axis=1).sum())

    def correlation(self, seed: int, criterion: int | None = None) -> Estimate:
        """Return Spearman's correlation of the quality of items, as the mean of the criteria or on one of them."""
        if criterion is None:
            return spearman(nanmean(self.judge), nanmean(self.people), seed)
        return spearman(self.judge[:, criterion], self.people[:, criterion], seed)

    def kappa(self, seed: int, criterion: int) -> Estimate:
        """Return Cohen's kappa of the lower median levels on one criterion."""
        pairs = list(zip(self.judge_level[:, criterion], self.people_level[:, criterion], strict=True))
        value = agreement.cohen_kappa([one for one, _ in pairs], [other for _, other in pairs])
        units = int((~np.isnan(self.judge_level[:, criterion])).sum())
        return Estimate(value, *agreement.bootstrap("kappa", pairs, seed, RESAMPLES), units)

    def beyond_constant(self, seed: int) -> Estimate:
        """Return how much more often people have the judge's level than its most frequent one."""
        known = ~np.isnan(self.judge_level)
        hits = np.where(known, self.judge_level == self.people_level, NAN) - np.where(
            known, self.constant == self.people_level, NAN
        )
        return mean(nanmean(hits), seed)

    def beyond_people(self, seed: int) -> Estimate:
        """Return how much more often judge and person have the same level than two people, where two or more rated."""
        return mean(nanmean(self.with_judge - self.pairs), seed)


def _usual(scores: Floats) -> Floats:
    """Return the most frequent level on each criterion, the lowest of several; NaN without answers."""
    found = []
    for column in range(scores.shape[1]):
        levels, counts = np.unique(scores[:, column][~np.isnan(scores[:, column])], return_counts=True)
        found.append(levels[counts.argmax()] if len(levels) else NAN)
    return np.array(found)
