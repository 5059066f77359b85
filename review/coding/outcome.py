"""From answers to ``coding.csv``: what would be written, and what the comparison of coders and consensus says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review import agreement, contracts, paths, selection, writing
from review.coding.adjudication import Decisions
from review.coding.codes import Codes
from review.coding.pairs import Pair
from review.errors import ReviewError
from review.splice import Row, codes_with

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus
    from review.writing import Change

CONSENSUS = "consensus"
RULES = ("both coders: ", "adjudicated by ")
"""How the evidence of a consensus begins that comes from people who code here."""

FEW = 30
"""Studies below which shares and coefficients are only a hint."""


@dataclass(frozen=True)
class Outcome:
    """What two coders and an adjudicator made of a task.

    Attributes
    ----------
    corpus : Corpus
        As it is.
    pair : Pair
    decisions : Decisions
    """

    corpus: Corpus
    pair: Pair
    decisions: Decisions

    @property
    def settled(self) -> tuple[str, ...]:
        """Keys of the studies whose consensus is ready."""
        return tuple(self.pair.settled(self.decisions))

    def rows(self) -> list[Row]:
        """Return the new rows of ``coding.csv``: both coders' for the settled studies, and the consensus."""
        found: list[Row] = []
        for key, held in self.pair.settled(self.decisions).items():
            found += rows_of(self.pair.first, [key]) + rows_of(self.pair.second, [key])
            for name, (answer, rule) in held.items():
                found += [(key, name, CONSENSUS, value, "", rule, answer.source, answer.scope) for value in answer.coded]
        return found

    def change(self, *, reselect: bool = False) -> Change:
        """Return what would be written.

        Parameters
        ----------
        reselect : bool
            Whether calibrated selections are solved anew: with other codes they may not meet the published counts any longer.

        Raises
        ------
        ReviewError
            If nothing is settled, or no selection meets the published counts.
        """
        if not self.settled:
            raise ReviewError("no study is settled -> finish it with both coders, and adjudicate their disagreements")
        coding = codes_with(self.corpus, self.rows())
        if not reselect:
            return writing.change(self.corpus, coding=coding)
        return writing.change(self.corpus, coding=coding, selection=_solve(self.corpus, coding))


def rows_of(codes: Codes, keys: Iterable[str]) -> list[Row]:
    """Return the rows of ``coding.csv`` of one coder for some studies."""
    places = [(key, name) for key in keys for name in codes.task.dimensions]
    return [row for key, name in places for row in codes.answer(key, name).rows(key, name, codes.coder)]


def _solve(corpus: Corpus, coding: Sequence[Row]) -> list[Row]:
    """Return the rows of ``selection.csv`` with every calibrated selection solved with other codes."""
    changed = _with(corpus, coding)
    found: list[Row] = []
    for name, rows in corpus.selection_table.groupby("selection", sort=False):
        basis = str(rows["basis"].iloc[0])
        keys = selection.calibrate(changed, str(name)) if basis == "calibrated" else tuple(map(str, rows["key"]))
        found += [(str(name), key, basis) for key in keys]
    return found


def _with(corpus: Corpus, coding: Sequence[Row]) -> Corpus:
    """Return the corpus with other codes, in memory only."""
    import pandas as pd

    from review.corpus import TABLES

    frame = pd.DataFrame(coding, columns=list(contracts.contract(paths.CODING)), dtype=str)
    frame[contracts.LINE] = range(2, len(frame) + 2)
    return replace(corpus, _tables={**{name: corpus._tables[name] for name in TABLES}, paths.CODING: frame})


def compare(corpus: Corpus, codes: Sequence[Codes], keys: Sequence[str], *, seed: int = 0, resamples: int = 2000) -> pd.DataFrame:
    """Return the agreement of two coders, or of one coder with the consensus of the corpus, on some studies.

    A consensus that people made here is left out of the second: it would be compared with itself.

    Parameters
    ----------
    codes : sequence of Codes
        One or two.
    keys : sequence of str
        Studies that each of them has finished.

    Returns
    -------
    DataFrame
        As from :func:`review.agreement.compute_agreement`; without rows if there is nothing to compare.
    """
    people = [one.coder for one in codes]
    rows = [
        row for row in codes_with(corpus, []) if row[2] not in people and not (row[2] == CONSENSUS and row[5].startswith(RULES))
    ]
    rows += [row for one in codes for row in rows_of(one, keys)]
    coders = (*people, CONSENSUS)[:2] if people else ()
    given = coders if coders and {row[2] for row in rows}.issuperset(coders) else ("", "")
    return agreement.compute_agreement(_with(corpus, rows), given, "all", seed=seed, resamples=resamples)


def own_consensus(corpus: Corpus, keys: Iterable[str]) -> int:
    """Return how many of some studies have a consensus that people who code here have made."""
    rows = corpus.coding[(corpus.coding["coder"] == CONSENSUS) & corpus.coding["key"].isin(list(keys))]
    return int(rows.loc[rows["evidence"].str.startswith(RULES), "key"].nunique())


def summary(before: Mapping[str, tuple[str, str]]) -> list[dict[str, object]]:
    """Return a row for each file that would change: ``file, added, removed`` (lines)."""
    import difflib

    rows: list[dict[str, object]] = []
    for name, (old, new) in before.items():
        lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""))[2:]
        added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
        rows.append({"file": name, "added": added, "removed": removed})
    return rows
