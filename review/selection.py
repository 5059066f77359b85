"""The calibrated choice of studies: a selection that meets every published count.

The authors' list is not available. Among the verified studies, those are chosen that meet the
counts implied by the published shares exactly; of all such selections the one with the greatest
total preference, and of those the one that takes the earlier keys in sorted order. That choice is unique, so any exact
solver of integer programmes gives it. Agreement with the published shares is therefore **by construction**.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review.errors import InfeasibleError
from review.files import rows_to_csv
from review.solver import minimise

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from review.corpus import Corpus

SIZE = ("", "")
"""The target that stands for the number of studies as a whole."""

_EXHAUSTIVE = 12
"""Up to this many targets, the smallest conflict is found by trying all subsets by size."""


@dataclass(frozen=True)
class Target:
    """One count that a selection has to meet."""

    dimension: str
    category: str
    count: int

    def __str__(self) -> str:
        name = "number of studies" if (self.dimension, self.category) == SIZE else f"{self.dimension} {self.category}"
        return f"{name} = {self.count}"


@dataclass(frozen=True)
class Problem:
    """A selection problem over candidates.

    Attributes
    ----------
    keys : tuple of str
        Candidates, sorted.
    matrix : ndarray of int8, shape (targets, candidates)
        1 where a candidate counts towards a target.
    targets : tuple of Target
        Counts to meet, in the order of the rows.
    preference : ndarray of int64, shape (candidates,)
        The greater, the rather chosen.
    """

    keys: tuple[str, ...]
    matrix: NDArray[np.int8]
    targets: tuple[Target, ...]
    preference: NDArray[np.int64]


def targets(corpus: Corpus, version: str) -> tuple[Target, ...]:
    """Return the counts that the published shares of one version imply, the total first.

    Shares whose count is not determined (several counts possible, or none) are no targets.
    """
    rows = corpus.implied[corpus.implied["version"] == corpus.version(version)].dropna(subset="count")
    if rows.empty:
        return ()
    size = Target(*SIZE, int(rows["total"].max()))
    counts = zip(rows["dimension"], rows["category"], rows["count"], strict=True)
    return (size, *(Target(str(dimension), str(category), int(count)) for dimension, category, count in counts))


def candidates(corpus: Corpus) -> pd.DataFrame:
    """Return the studies that a calibrated selection may contain: verified, with an identifier.

    Returns
    -------
    DataFrame
        The columns of :meth:`Corpus.studies` and ``preference`` (integer), sorted by key.
    """
    frame = corpus.studies("pool")
    identified = (frame[["doi", "arxiv", "pmid", "pmcid"]] != "").any(axis=1)
    frame = frame[identified].sort_values("key").reset_index(drop=True)
    scores = preferences(corpus)
    frame["preference"] = [scores.get(key, 0) for key in frame["key"]]
    return frame


def preferences(corpus: Corpus) -> dict[str, int]:
    """Score how clear a study is: the sum over coders and published dimensions of their confidence.

    Each code of coders a, b and verifier in a published dimension gives 2 (high), 1 (medium) or 0 points;
    in a multi-label dimension the coder's best label counts. A study with any ``borderline`` remark in the
    screening note loses 4 points.
    """
    dimensions = set(corpus.published["dimension"])
    coding = corpus.coding
    rows = coding[coding["dimension"].isin(dimensions) & coding["coder"].isin(("a", "b", "verifier"))]
    points = rows["confidence"].map({"high": 2, "medium": 1})
    best = points.groupby([rows["key"], rows["dimension"], rows["coder"]]).max()
    scores = {str(key): int(score) for key, score in best.groupby("key").sum().items()}
    screening = corpus.screening
    for key in screening.loc[screening["note"].str.contains("borderline"), "key"]:
        scores[key] = scores.get(key, 0) - 4
    return scores


def problem(frame: pd.DataFrame, wanted: Sequence[Target]) -> Problem:
    """Build the selection problem of candidates and targets.

    Parameters
    ----------
    frame : DataFrame
        As from :func:`candidates`, in any order.
    wanted : sequence of Target
        As from :func:`targets`.
    """
    frame = frame.sort_values("key")
    rows = [_membership(frame, target) for target in wanted]
    matrix = np.array(rows, dtype=np.int8).reshape(len(rows), len(frame))
    preference = frame["preference"].to_numpy(dtype=np.int64)
    return Problem(tuple(frame["key"]), matrix, tuple(wanted), preference)


def _membership(frame: pd.DataFrame, target: Target) -> NDArray[Any]:
    from review.corpus import flag

    if (target.dimension, target.category) == SIZE:
        return np.ones(len(frame))
    column = flag(target.dimension, target.category)
    mask = frame[column] if column in frame.columns else frame[target.dimension] == target.category
    return np.asarray(mask.fillna(False))


def _feasible(given: Problem, rows: Sequence[int]) -> bool:
    """Return whether some selection meets the targets in ``rows``."""
    counts = np.array([given.targets[row].count for row in rows])
    return minimise(np.zeros(len(given.keys)), given.matrix[list(rows)], counts, counts) is not None


def clash(given: Problem) -> tuple[Target, ...]:
    """Return a smallest set of targets that no selection meets together; empty if all can be met.

    With up to 12 targets the set is smallest in number (all subsets by size); with more it is irreducible (deletion filter,
    Chinneck and Dravnieks 1991, doi 10.1287/ijoc.3.2.157): without any one of its members it can be met.
    """
    every = tuple(range(len(given.targets)))
    if not given.keys:
        return tuple(target for target in given.targets if target.count)[:1]
    if _feasible(given, every):
        return ()
    if len(every) <= _EXHAUSTIVE:
        for size in range(1, len(every) + 1):
            for subset in itertools.combinations(every, size):
                if not _feasible(given, subset):
                    return tuple(given.targets[row] for row in subset)
    rows = list(every)
    for row in every:
        rest = [other for other in rows if other != row]
        if not _feasible(given, rest):
            rows = rest
    return tuple(given.targets[row] for row in rows)


def solve(given: Problem) -> tuple[str, ...]:
    """Return the keys of the one preferred selection that meets all targets.

    First the greatest total preference is found; then the keys are taken in order, each one kept if a
    selection of that preference with all keys kept so far still exists. Of all optimal selections this is the one
    whose vector of zeros and ones over the sorted keys is lexicographically greatest. Studies that count towards the same
    targets and have the same preference are one variable: how many of them are taken, the first ones first.

    Raises
    ------
    InfeasibleError
        With the smallest set of targets that clash.
    """
    size = len(given.keys)
    if not size and not clash(given):
        return ()
    columns = np.vstack([given.matrix, given.preference])
    kinds, kind, upper = np.unique(columns, axis=1, return_inverse=True, return_counts=True)
    counts = np.array([target.count for target in given.targets])
    best = minimise(-kinds[-1], kinds[:-1], counts, counts, 0, upper) if size else None
    if best is None:
        names = "; ".join(str(target) for target in clash(given))
        raise InfeasibleError(f"no selection of {size} studies meets: {names} -> verify more studies of these codes")
    counts = np.append(counts, best @ kinds[-1])
    current, lower = best, np.zeros(len(upper))
    taken = []
    for key, index in zip(given.keys, kind, strict=True):
        if lower[index] == upper[index]:
            continue
        lower[index] += 1
        if current[index] < lower[index]:
            other = minimise(np.zeros(len(upper)), kinds, counts, counts, lower, upper)
            if other is None:
                lower[index] -= 1
                upper[index] = lower[index]
                continue
            current = other
        taken.append(key)
    return tuple(taken)


def calibrate(corpus: Corpus, version: str) -> tuple[str, ...]:
    """Choose the studies that meet every published count of one version.

    Returns
    -------
    tuple of str
        Sorted keys.

    Raises
    ------
    InfeasibleError
        If no selection of the verified studies meets the counts, with the targets that clash.
    UnknownNameError
        If nothing is published under that version.
    """
    wanted = targets(corpus, version)
    if not wanted:
        raise InfeasibleError(f"version {version!r} publishes no count to meet -> choose another version")
    return solve(problem(candidates(corpus), wanted))


def to_csv(chosen: Mapping[str, Sequence[str]], basis: str = "calibrated") -> str:
    """Return ``selection.csv`` for selections by name."""
    rows = [(name, key, basis) for name in sorted(chosen) for key in sorted(chosen[name])]
    return rows_to_csv(("selection", "key", "basis"), rows)
