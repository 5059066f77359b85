"""Exact ranges of a statistic over all reconstructions that agree with what was published.

Partial identification (Manski 2003, doi 10.1007/b97478): nothing is estimated. A reconstruction is a set of studies that
meets the published counts; every statistic has a smallest and a greatest value over all of them, found by integer
programming and returned with a set of studies that attains it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from review import scenarios
from review.errors import InfeasibleError
from review.selection import SIZE, Target
from review.solver import minimise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from review.corpus import Corpus
    from review.scenarios import Scenario

Condition = tuple[str, str]
"""A dimension and a code, or ``("year", "2024")``."""

Row = dict[int, float]
"""Coefficients by variable."""


@dataclass(frozen=True)
class Bound:
    """The range of one count over all reconstructions.

    Attributes
    ----------
    low, high : int
        Smallest and greatest count.
    at_low, at_high : tuple of str
        Keys of a reconstruction that attains it.
    """

    low: int
    high: int
    at_low: tuple[str, ...]
    at_high: tuple[str, ...]


@dataclass(frozen=True)
class RatioBound:
    """The range of a ratio of two counts over all reconstructions in which the lower one is not 0.

    Attributes
    ----------
    low, high : tuple of int
        Numerator and denominator of the smallest and of the greatest ratio.
    at_low, at_high : tuple of str
        Keys of a reconstruction that attains it.
    """

    low: tuple[int, int]
    high: tuple[int, int]
    at_low: tuple[str, ...]
    at_high: tuple[str, ...]


@dataclass
class Model:
    """All reconstructions of one scenario, as the 0/1 points of a polytope.

    Variable ``i < len(keys)`` says whether study ``i`` is chosen. In a scenario with free unknowns a further variable says,
    for a chosen study and a code that is unknown for it, whether the code applies.

    Attributes
    ----------
    keys : tuple of str
        Candidates, sorted.
    states : mapping
        For each dimension and code (and year) a list of true, false or None (unknown), one a candidate.
    targets : tuple of Target
        Counts to hold.
    free : bool
        Whether unknown may be anything.
    exclusive : mapping of str to tuple of str
        Codes of the exclusive dimensions.
    rows : list of (Row, float, float)
        Linear forms with their bounds: what every reconstruction satisfies.
    """

    keys: tuple[str, ...]
    states: Mapping[Condition, Sequence[bool | None]]
    targets: tuple[Target, ...]
    free: bool
    exclusive: Mapping[str, tuple[str, ...]]
    rows: list[tuple[Row, float, float]] = field(default_factory=list)
    _variables: dict[tuple[Any, ...], int] = field(default_factory=dict)
    _solved: dict[tuple[Any, ...], tuple[int, tuple[str, ...]] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for target in self.targets:
            condition = (target.dimension, target.category)
            row = dict.fromkeys(range(len(self.keys)), 1.0) if condition == SIZE else self.count([condition])
            self.rows.append((row, target.count, target.count))

    @property
    def size(self) -> int:
        """Number of variables."""
        return len(self.keys) + len(self._variables)

    def _variable(self, name: tuple[Any, ...]) -> tuple[int, bool]:
        """Return the variable of that name, and whether it is new."""
        new = name not in self._variables
        if new:
            self._variables[name] = len(self.keys) + len(self._variables)
        return self._variables[name], new

    def _applies(self, study: int, condition: Condition) -> int | None:
        """Return the variable that says whether an unknown code applies to a chosen study; None: it cannot."""
        dimension, _ = condition
        codes = self.exclusive.get(dimension)
        if not self.free or dimension == "year":
            return None
        variable, new = self._variable((study, condition))
        if new:
            self.rows.append(({variable: 1.0, study: -1.0}, -np.inf, 0.0))
            if codes is not None:
                others = [self._variable((study, (dimension, code)))[0] for code in codes]
                self.rows.append(({**dict.fromkeys(others, 1.0), study: -1.0}, 0.0, 0.0))
        return variable

    def count(self, conditions: Sequence[Condition]) -> Row:
        """Return the linear form that counts the chosen studies to which all conditions apply."""
        row: Row = {}
        for study in range(len(self.keys)):
            states = [self.states[condition][study] for condition in conditions]
            if False in states:
                continue
            unknown = [condition for condition, state in zip(conditions, states, strict=True) if state is None]
            variables = [self._applies(study, condition) for condition in unknown]
            known = [variable for variable in variables if variable is not None]
            if len(known) < len(unknown):
                continue
            if len(known) < 2:
                row[known[0] if known else study] = 1.0
                continue
            both, new = self._variable((study, *sorted(unknown)))
            if new:
                self.rows += [({both: 1.0, variable: -1.0}, -np.inf, 0.0) for variable in known]
                sum_of = {**dict.fromkeys(known, 1.0), both: -1.0}
                self.rows.append((sum_of, -np.inf, float(len(known) - 1)))
            row[both] = 1.0
        return row

    def solve(self, objective: Row, *, greatest: bool, more: Sequence[tuple[Row, float, float]] = ()) -> NDArray[np.int64] | None:
        """Return the variables of a reconstruction with the greatest (or smallest) objective; None: there is none."""
        rows = [*self.rows, *more]
        weights = np.zeros(self.size)
        for column, value in objective.items():
            weights[column] = -value if greatest else value
        return minimise(weights, *_constraints(rows, self.size))

    def chosen(self, point: NDArray[np.int64]) -> tuple[str, ...]:
        """Return the keys of a solution."""
        return tuple(key for key, taken in zip(self.keys, point, strict=False) if taken)

    def extreme(self, row: Row, *, greatest: bool) -> tuple[int, tuple[str, ...]]:
        """Return the extreme of a linear form over all reconstructions, and one that attains it; solved once.

        Raises
        ------
        InfeasibleError
            If there is no reconstruction, naming the targets that clash and by how many studies they miss.
        """
        name = (greatest, tuple(sorted(row.items())))
        if name not in self._solved:
            point = self.solve(row, greatest=greatest)
            value = 0 if point is None else round(sum(weight * int(point[column]) for column, weight in row.items()))
            self._solved[name] = None if point is None else (value, self.chosen(point))
        found = self._solved[name]
        if found is None:
            raise InfeasibleError(f"no reconstruction exists: {misses(self)}")
        return found

    def bound(self, conditions: Sequence[Condition]) -> Bound:
        """Return the exact range of the number of chosen studies to which all conditions apply."""
        row = self.count(conditions)
        low, at_low = self.extreme(row, greatest=False)
        high, at_high = self.extreme(row, greatest=True)
        return Bound(low, high, at_low, at_high)

    def ratio(self, part: Sequence[Condition], whole: Sequence[Condition]) -> RatioBound | None:
        """Return the exact range of ``count(part) / count(whole)``; None if the whole is 0 in every reconstruction.

        Dinkelbach's parametric search (Dinkelbach 1967, doi 10.1287/mnsc.13.7.492) with whole numbers: for a ratio ``p / q``
        that is attained the linear form ``q * part - p * whole`` is maximised; it is 0 exactly if no reconstruction has a
        greater ratio.

        Parameters
        ----------
        part, whole : sequence of Condition
            Conditions of the numerator and of the denominator; every study of the part should be in the whole.
        """
        numerator, denominator = self.count(part), self.count(whole)
        positive = [(denominator, 1.0, np.inf)]
        ends: list[tuple[tuple[int, int], tuple[str, ...]]] = []
        for greatest in (False, True):
            point = self.solve({}, greatest=True, more=positive)
            if point is None:
                return None
            while True:
                p, q = (
                    round(sum(weight * int(point[column]) for column, weight in form.items()))
                    for form in (numerator, denominator)
                )
                form = {
                    column: q * numerator.get(column, 0.0) - p * denominator.get(column, 0.0)
                    for column in [*numerator, *(name for name in denominator if name not in numerator)]
                }
                better = self.solve(form, greatest=greatest, more=positive)
                if better is None:
                    raise InfeasibleError("the solver lost a reconstruction that it had found -> report this")
                gain = round(sum(weight * int(better[column]) for column, weight in form.items()))
                if gain == 0:
                    break
                point = better
            ends.append(((p, q), self.chosen(point)))
        return RatioBound(ends[0][0], ends[1][0], ends[0][1], ends[1][1])


_MODELS: dict[tuple[str, Scenario], Model] = {}


def model(corpus: Corpus, scenario: Scenario) -> Model:
    """Return the model of all reconstructions of a scenario.

    Models are kept by the hash of the corpus and the scenario, with what was solved on them: nothing is solved twice in a
    process.
    """
    place = (corpus.hash, scenario)
    if place not in _MODELS:
        _MODELS[place] = _build(corpus, scenario)
    return _MODELS[place]


def _build(corpus: Corpus, scenario: Scenario) -> Model:
    from review.statistics import indicator

    frame = scenarios.candidates(corpus, scenario)
    states: dict[Condition, list[bool | None]] = {}
    for name, dimension in corpus.codebook.dimensions.items():
        for code in dimension.categories:
            flags = indicator(frame, corpus, name, code)
            states[name, code] = [
                None if missing else bool(flag) for flag, missing in zip(flags.fillna(False), flags.isna(), strict=True)
            ]
    for year in sorted({int(year) for year in frame["year"].dropna()}):
        states["year", str(year)] = [bool(flag) for flag in (frame["year"] == year).fillna(False)]
    exclusive = {name: tuple(item.categories) for name, item in corpus.codebook.dimensions.items() if item.exclusive}
    return Model(tuple(frame["key"]), states, scenarios.targets(corpus, scenario), scenario.free, exclusive)


def misses(given: Model) -> str:
    """Return which targets clash and by how many studies the nearest sets of studies miss them.

    The number of studies is kept; the sum of what each other count is too high or too low is made as small as possible.
    """
    relaxed = Model(given.keys, given.states, given.targets[:1], given.free, given.exclusive)
    wanted = given.targets[1:]
    forms = [relaxed.count([(target.dimension, target.category)]) for target in wanted]
    base, slack = relaxed.size, 2 * len(forms)
    rows = [*relaxed.rows]
    for index, (form, target) in enumerate(zip(forms, wanted, strict=True)):
        rows.append(({**form, base + 2 * index: 1.0, base + 2 * index + 1: -1.0}, target.count, target.count))
    weights, upper = np.r_[np.zeros(base), np.ones(slack)], np.r_[np.ones(base), np.full(slack, np.inf)]
    point = minimise(weights, *_constraints(rows, base + slack), upper=upper)
    if point is None:
        return f"there are only {len(relaxed.keys)} candidates for {relaxed.targets[0]}"
    few, many = point[base::2], point[base + 1 :: 2]
    parts = [
        f"{target} is missed by {short + over} ({'too few' if short else 'too many'})"
        for target, short, over in zip(wanted, few, many, strict=True)
        if short or over
    ]
    return f"the nearest sets of studies miss the counts by {few.sum() + many.sum()} in all: {'; '.join(parts)}"


def _constraints(rows: Sequence[tuple[Row, float, float]], size: int) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """Return linear forms as a sparse matrix with its bounds."""
    from scipy.sparse import csr_array

    entries = [(index, column, value) for index, (row, _, _) in enumerate(rows) for column, value in row.items()]
    places = np.array([(index, column) for index, column, _ in entries], dtype=np.int64).reshape(-1, 2)
    values = np.array([value for _, _, value in entries], dtype=np.float64)
    matrix: Any = csr_array((values, (places[:, 0], places[:, 1])), shape=(len(rows), size))
    return matrix, np.array([row[1] for row in rows], dtype=float), np.array([row[2] for row in rows], dtype=float)
