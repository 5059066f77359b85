"""How often codes of several dimensions occur together, every study counted once, with exact ranges over all reconstructions.

What is not known is a stratum of its own, never "no": a study without a known code is counted as such, and a label that a study
does not have is not known to apply. A review prints no joint counts. Those of a calibrated selection describe one selection of
many, so beside each of them stands the smallest and the greatest count over all selections that meet the published counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review import bounds, scenarios
from review.errors import InfeasibleError
from review.statistics import NOT_PUBLISHED, PURPOSIVE, indicator, wilson

if TYPE_CHECKING:
    import pandas as pd

    from review.bounds import Model
    from review.codebook import Dimension
    from review.corpus import Corpus

UNKNOWN = ""
"""The stratum of studies for which no code of a dimension is known to apply."""

SEPARATOR = "; "
"""Between the labels of a combination."""

ALWAYS, SOMETIMES, NEVER = "in every reconstruction", "in some reconstructions", "in no reconstruction"
FILLED, EMPTY = "has studies", "has no study"
VERDICTS = {
    ALWAYS: "every selection that meets the published counts has such a study",
    SOMETIMES: "some selections that meet the published counts have such a study, others have none",
    NEVER: "no selection of these candidates that meets the published counts has such a study",
    FILLED: "the selection has such a study",
    EMPTY: "no study of the selection is known to be one",
}
"""What is said of a cell: the first three where ranges are known, else one of the last two."""


@dataclass(frozen=True)
class Reach:
    """The ranges that counts have over all reconstructions, or why they have none.

    Attributes
    ----------
    note : str
        One sentence for the reader.
    scenario : str
        What the ranges assume, as in :func:`review.scenarios.parse`; "" if there are none.
    frame : DataFrame
        Studies that may stand behind the review, in the order of the model; no rows if there are no ranges.
    model : Model or None
        All reconstructions.
    """

    note: str
    scenario: str
    frame: pd.DataFrame
    model: Model | None

    def span(self, chosen: Sequence[bool]) -> tuple[int | None, int | None]:
        """Return the smallest and the greatest number of some candidates that a reconstruction holds; None: not known.

        Parameters
        ----------
        chosen : sequence of bool, shape (candidates,)
            Which candidates are counted.
        """
        if self.model is None:
            return None, None
        form = {index: 1.0 for index, counted in enumerate(chosen) if counted}
        if not form:
            return 0, 0
        return self.model.extreme(form, greatest=False)[0], self.model.extreme(form, greatest=True)[0]


def reach(corpus: Corpus, selection: str = "default", where: str = "", scenario: str = "") -> Reach:
    """Return the ranges that stand beside the counts of a selection.

    Parameters
    ----------
    selection, where : str
        As in :meth:`Corpus.studies`. Only counts of a whole calibrated selection have ranges.
    scenario : str
        As in :func:`review.scenarios.parse`; "" is the base reading of the selection's own version.
    """
    name = corpus.resolve(selection)
    nobody = corpus.studies(name).head(0)
    if corpus.basis(name) == "listed":
        return Reach("The studies are listed, not reconstructed: counts are counts, without ranges.", "", nobody, None)
    if corpus.basis(name) == "sample":
        return Reach("These studies were not chosen to meet published counts: there are no ranges.", "", nobody, None)
    if where.strip():
        return Reach("The studies are filtered: ranges over whole reconstructions do not apply to them.", "", nobody, None)
    reading = scenarios.parse(corpus, scenario or name)
    model = bounds.model(corpus, reading)
    try:
        model.extreme({}, greatest=True)
    except InfeasibleError as error:
        return Reach(f"There are no ranges under scenario {reading.name}: {error}.", "", nobody, None)
    note = (
        f"Ranges: smallest and greatest count over all reconstructions, scenario {reading.name} ({scenarios.describe(reading)})."
    )
    return Reach(note, reading.name, scenarios.candidates(corpus, reading), model)


def strata(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the stratum of each study: its code, its exact combination of labels, or :data:`UNKNOWN`."""
    return [str(value) for value in frame[name].fillna(UNKNOWN)]


def order(dimension: Dimension, found: Iterable[str]) -> list[str]:
    """Return strata in reading order.

    All codes of an exclusive dimension, else the combinations ``found``, those with few labels first; then the unknown, if found.
    """
    codes = list(dimension.categories)
    occurring = set(found)
    if dimension.exclusive:
        known = codes
    else:

        def rank(labels: str) -> tuple[int, list[int]]:
            parts = split(labels)
            return len(parts), [codes.index(code) for code in parts]

        known = sorted(occurring - {UNKNOWN}, key=rank)
    return [*known, *([UNKNOWN] if UNKNOWN in occurring else [])]


def split(labels: str) -> list[str]:
    """Return the labels of a combination."""
    return labels.split(SEPARATOR) if labels else []


def codes(corpus: Corpus, dimension: str) -> list[str]:
    """Return the codes of a dimension, in the order of the codebook."""
    return list(corpus.codebook[dimension].categories)


def compute_cells(
    corpus: Corpus, rows: str, columns: str, selection: str = "default", where: str = "", scenario: str = ""
) -> pd.DataFrame:
    """Count the studies of every cell of two dimensions, each study once.

    Parameters
    ----------
    rows, columns : str
        Dimensions; of a multi-label one the exact combinations of labels are counted.
    selection, where : str
        As in :meth:`Corpus.studies`.
    scenario : str
        As in :func:`reach`.

    Returns
    -------
    DataFrame
        One row a cell, empty ones too: ``rows, row, columns, column`` (code or labels, empty where unknown), ``count, total``
        (studies of the selection), ``share, low, high`` (95 % Wilson interval), ``status``, ``min, max`` (exact range; missing
        where there is none), ``scenario``, ``keys`` (of the studies). Counts add up to ``total``.
    """
    span = reach(corpus, selection, where, scenario)
    frame = corpus.studies(selection, where)
    names = (rows, columns)
    pairs = [list(zip(*(strata(part, name) for name in names), strict=True)) for part in (frame, span.frame)]
    first, second = (order(corpus.codebook[name], [pair[place] for pair in pairs[0]]) for place, name in enumerate(names))
    tally = _Tally(corpus, selection, frame, span, *pairs)
    found = [[rows, row, columns, column, *tally.row((row, column))] for row in first for column in second]
    return _table(["rows", "row", "columns", "column", *_COUNTED], found)


def compute_joint(
    corpus: Corpus, rows: str, columns: str, labels: str, selection: str = "default", where: str = "", scenario: str = ""
) -> pd.DataFrame:
    """Count the studies of every combination of two codes and the exact combination of labels of a third dimension.

    Returns
    -------
    DataFrame
        One row a combination that occurs, or can occur in some reconstruction: ``rows, row, columns, column, dimension,
        labels`` (joined by ``"; "``; empty where none is known), ``size`` (number of labels), ``open`` (studies of which it is
        not known whether they have further labels), then the columns of :func:`compute_cells` from ``count`` on.
    """
    span = reach(corpus, selection, where, scenario)
    frame = corpus.studies(selection, where)
    names = (rows, columns, labels)
    triples, possible = (list(zip(*(strata(part, name) for name in names), strict=True)) for part in (frame, span.frame))
    undecided = dict(zip(frame["key"], _undecided(frame, corpus, labels), strict=True))
    every = {*triples, *possible}
    ranks = [
        {stratum: place for place, stratum in enumerate(order(corpus.codebook[name], {triple[index] for triple in every}))}
        for index, name in enumerate(names)
    ]
    tally = _Tally(corpus, selection, frame, span, triples, possible)
    found = []
    for triple in sorted(every, key=lambda triple: [rank[stratum] for rank, stratum in zip(ranks, triple, strict=True)]):
        counted = tally.row(triple)
        row, column, combination = triple
        still = sum(undecided[key] for key in tally.keys(triple))
        if counted[_COUNTED.index("count")] or counted[_COUNTED.index("max")]:
            found.append([rows, row, columns, column, labels, combination, len(split(combination)), still, *counted])
    head = ["rows", "row", "columns", "column", "dimension", "labels", "size", "open"]
    return _table([*head, *_COUNTED], found)


def compute_gaps(
    corpus: Corpus, rows: str, columns: str, labels: str, selection: str = "default", where: str = "", scenario: str = ""
) -> pd.DataFrame:
    """Say for every cell of two dimensions and every label of a third whether there is any study.

    Returns
    -------
    DataFrame
        One row a cell and label (and one for studies without a known label, where there are any): ``rows, row, columns,
        column, dimension, label, count, unknown`` (studies of the cell for which the label is not known), ``cell`` (studies of
        the cell), ``min, max, scenario, verdict`` (one of :data:`VERDICTS`), ``keys``. A study counts once for each of its
        labels.
    """
    span = reach(corpus, selection, where, scenario)
    cells = compute_cells(corpus, rows, columns, selection, where, scenario)
    parts = {"chosen": corpus.studies(selection, where), "possible": span.frame}
    pairs = {name: list(zip(strata(part, rows), strata(part, columns), strict=True)) for name, part in parts.items()}
    states = {name: _states(part, corpus, labels) for name, part in parts.items()}
    shown = [code for code in states["chosen"] if code or any(map(any, (states["chosen"][code], states["possible"][code])))]
    keys = [str(key) for key in parts["chosen"]["key"]]
    found = []
    for row, column, size in zip(cells["row"], cells["column"], cells["count"], strict=True):
        inside = [pair == (row, column) for pair in pairs["chosen"]]
        for code in shown:
            applies = states["chosen"][code]
            has = [key for key, within, state in zip(keys, inside, applies, strict=True) if within and state]
            unknown = sum(within and state is None for within, state in zip(inside, applies, strict=True))
            chosen = [
                pair == (row, column) and state is True
                for pair, state in zip(pairs["possible"], states["possible"][code], strict=True)
            ]
            ends = span.span(chosen)
            said = _verdict(len(has), *ends)
            found.append(
                [rows, row, columns, column, labels, code, len(has), unknown, size, *ends, span.scenario, said, _join(has)]
            )
    head = ["rows", "row", "columns", "column", "dimension", "label", "count", "unknown", "cell"]
    return _table([*head, "min", "max", "scenario", "verdict", "keys"], found)


def _verdict(count: int, low: int | None, high: int | None) -> str:
    if low is None:
        return FILLED if count else EMPTY
    return ALWAYS if low else SOMETIMES if high else NEVER


_COUNTED = ("count", "total", "share", "low", "high", "status", "min", "max", "scenario", "keys")


class _Tally:
    """Counts of strata: in the selection, and their ranges among the candidates."""

    def __init__(
        self,
        corpus: Corpus,
        selection: str,
        frame: pd.DataFrame,
        span: Reach,
        found: Sequence[Hashable],
        possible: Sequence[Hashable],
    ) -> None:
        self._status = PURPOSIVE if corpus.basis(selection) == "sample" else NOT_PUBLISHED
        self._span, self._possible, self._total = span, possible, len(frame)
        self._keys: dict[Hashable, list[str]] = {}
        for key, stratum in zip(frame["key"], found, strict=True):
            self._keys.setdefault(stratum, []).append(str(key))

    def keys(self, stratum: Hashable) -> list[str]:
        """Return the keys of the studies of a stratum."""
        return self._keys.get(stratum, [])

    def row(self, stratum: Hashable) -> list[Any]:
        """Return the values of :data:`_COUNTED`."""
        count = len(self.keys(stratum))
        share = count / self._total if self._total else None
        ends = self._span.span([other == stratum for other in self._possible])
        interval = wilson(count, self._total)
        return [count, self._total, share, *interval, self._status, *ends, self._span.scenario, _join(self.keys(stratum))]


def _join(keys: Sequence[str]) -> str:
    return SEPARATOR.join(keys)


def _states(frame: pd.DataFrame, corpus: Corpus, name: str) -> dict[str, list[bool | None]]:
    """Return for each code whether it applies to each study (None: not known), and whether none is known to apply."""
    found: dict[str, list[bool | None]] = {}
    for code in corpus.codebook[name].categories:
        flags = indicator(frame, corpus, name, code)
        found[code] = [None if lost else bool(has) for has, lost in zip(flags.fillna(False), flags.isna(), strict=True)]
    found[UNKNOWN] = [stratum == UNKNOWN for stratum in strata(frame, name)]
    return found


def _undecided(frame: pd.DataFrame, corpus: Corpus, name: str) -> list[bool]:
    """Tell for each study whether it is not known of some label."""
    states = _states(frame, corpus, name)
    return [any(states[code][index] is None for code in states) for index in range(len(frame))]


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(columns))
    kinds = {"share": "Float64", "low": "Float64", "high": "Float64", "min": "Int64", "max": "Int64"}
    counts = dict.fromkeys(("count", "total", "size", "open", "unknown", "cell"), "int64")
    return table.astype({name: kind for name, kind in (kinds | counts).items() if name in columns})
