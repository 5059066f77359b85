"""What filters leave of a corpus: shares with intervals and status, what may be read into them, and the studies behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from review import contracts, report, statistics
from review.corpus import ALL, DEFAULT

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from review.corpus import Corpus
    from review.explore.filters import Filters

UNKNOWN = ""
"""Stands for "not known" among the codes of a dimension, as in ``coding.csv``."""

PARTS = {
    "calibrated": (
        "This is a part of a calibrated reconstruction. The selection as a whole was chosen to have the published counts; no "
        "part of it was. No share here is by construction, and none is a finding about the review: another selection that "
        "fits as well may have other counts in this part."
    ),
    "sample": (
        "This is a part of a purposive sample: its studies were collected with targets for each topic. Their shares estimate "
        "nothing, before and after filtering."
    ),
    "listed": "This is a part of the studies as listed. The review prints no values for it.",
}
"""What has to stand beside the numbers of filtered studies, by the basis of their selection."""


@dataclass(frozen=True, eq=False)
class View:
    """The studies that filters leave, counted by one dimension.

    Attributes
    ----------
    corpus : Corpus
        Where they are from.
    selection, where, dimension, version : str
        Names as they are in the corpus, and the whole filter as one expression.
    total, chosen : int
        Studies that the filter leaves, and studies of the selection.
    shares : DataFrame
        As :func:`review.statistics.compute_shares` returns it.
    """

    corpus: Corpus = field(repr=False)
    selection: str
    where: str
    dimension: str
    version: str
    total: int
    chosen: int
    shares: pd.DataFrame = field(repr=False)

    @property
    def caution(self) -> str:
        """The sentence that has to stand beside the numbers; another one once studies are filtered."""
        if not self.where:
            return report.caution(self.corpus, self.selection)
        return PARTS[self.corpus.basis(self.selection)]

    @property
    def headline(self) -> str:
        """How many studies of which selection these are."""
        noun = "study" if self.chosen == 1 else "studies"
        return f"{self.total} of {self.chosen} {noun} of selection {self.selection}"

    @property
    def studies(self) -> pd.DataFrame:
        """The studies, one row each.

        Returns
        -------
        DataFrame
            ``key, citation, title, venue, year, link, status``, the codes of the dimension, ``consensus`` (what the code that
            counts rests on), ``evidence`` (one line a coder: what was read) and ``source`` (the page behind that code).
        """
        frame = report.compute_studies(self.corpus, self.selection, self.where, [self.dimension])
        found = evidence(self.corpus)[self.dimension]
        for place, name in enumerate(("consensus", "evidence", "source")):
            frame[name] = [found.get(key, ("", "", ""))[place] for key in frame["key"]]
        return frame


def view(corpus: Corpus, filters: Filters, dimension: str = "", version: str = DEFAULT) -> View:
    """Count what filters leave of a corpus.

    Parameters
    ----------
    corpus : Corpus
    filters : Filters
    dimension : str
        What is counted; "" is the first dimension of the codebook.
    version : str
        Version of the review whose published values give the status.

    Raises
    ------
    ReviewError
        If a name is not in the corpus, or the filter cannot be read.
    """
    name = corpus.codebook[dimension or next(iter(corpus.codebook.dimensions))].name
    selection, where, edition = corpus.resolve(filters.selection), filters.where(corpus), corpus.version(version)
    shares = statistics.compute_shares(corpus, name, selection, where, edition)
    total = int(shares["total"].iloc[0])
    return View(corpus, selection, where, name, edition, total, len(corpus.selections[selection]), shares)


def count_boxes(corpus: Corpus, filters: Filters) -> dict[str, dict[str, int]]:
    """Count the studies behind every box that could be ticked: those with the code that all other dimensions leave.

    Returns
    -------
    dict
        Number by dimension and code; the code "" counts the studies without a known code.
    """
    base = _left(corpus, filters.selection, filters.where(corpus))
    counts = {}
    for name, codes in _masks(corpus).items():
        asked = filters.labels.get(name)
        left = _left(corpus, filters.selection, filters.without(name).where(corpus)) if asked else base
        counts[name] = {code: int((mask & left).sum()) for code, mask in codes.items()}
    return counts


def members(found: View) -> Iterator[tuple[str, str | None]]:
    """Return key and codes (None: not known) of each study of a view, in the order of the bibliography."""
    rows = _frame(found.corpus)[_left(found.corpus, found.selection, found.where)]
    codes = rows[found.dimension]
    return zip(rows["key"], codes.astype(object).where(codes.notna(), None), strict=True)


def _left(corpus: Corpus, selection: str, where: str) -> np.ndarray:
    """Tell of each study of the bibliography whether it is left."""
    from review.filters import matches

    frame = _frame(corpus)
    chosen = frame["key"].isin(set(corpus.selections[corpus.resolve(selection)]))
    return (chosen & matches(frame, where)).to_numpy(bool)


@lru_cache(maxsize=4)
def _frame(corpus: Corpus) -> pd.DataFrame:
    return corpus.studies(ALL)


@lru_cache(maxsize=4)
def _masks(corpus: Corpus) -> Mapping[str, Mapping[str, np.ndarray]]:
    """Return for each dimension and code which studies have it."""
    frame = _frame(corpus)
    return {
        name: {
            **{
                code: statistics.indicator(frame, corpus, name, code).fillna(False).to_numpy(bool)
                for code in dimension.categories
            },
            UNKNOWN: frame[name].isna().to_numpy(bool),
        }
        for name, dimension in corpus.codebook.dimensions.items()
    }


@lru_cache(maxsize=4)
def evidence(corpus: Corpus) -> Mapping[str, Mapping[str, tuple[str, str, str]]]:
    """Return what the codes rest on, by dimension and key of the study.

    Returns
    -------
    mapping
        For each study what the consensus rests on (in ``data/`` whose code it is), the wording of each coder (``coder:
        wording``, one a line), and the page behind the consensus.
    """
    rows: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    coding = corpus.coding
    columns = ("dimension", "key", "coder", "evidence", "source")
    for dimension, key, coder, wording, source in zip(*(coding[name] for name in columns), strict=True):
        rows.setdefault((dimension, key), []).append((coder, " ".join(wording.split()), source.strip()))
    found: dict[str, dict[str, tuple[str, str, str]]] = {name: {} for name in corpus.codebook.dimensions}
    for (dimension, key), codes in rows.items():
        counts = [row for row in codes if row[0] == "consensus"]
        said = sorted({row[:2] for row in codes if row[0] != "consensus" and row[1]}, key=lambda row: (_rank(row[0]), row[1]))
        agreed = "; ".join(dict.fromkeys(wording for _, wording, _ in counts if wording))
        source = next((source for _, _, source in counts if source), "")
        found[dimension][key] = (agreed, "\n".join(f"{coder}: {wording}" for coder, wording in said), source)
    return found


def _rank(coder: str) -> tuple[int, str]:
    """Return the place of a coder: people by name, then coders with a meaning in their order."""
    return (contracts.CODERS.index(coder) if coder in contracts.CODERS else -1, coder)
