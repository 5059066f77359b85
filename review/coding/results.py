"""What a notebook shows once people have coded: agreement, test of the consensus, disagreements, and what would be written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from review.coding import adjudication, codes, names, outcome, pairs
from review.coding.outcome import Outcome
from review.coding.work import Work, few

if TYPE_CHECKING:
    import pandas as pd

CASES = ["study", "dimension", "labels", "first", "answer_1", "evidence_1", "second", "answer_2", "evidence_2"]
CASES += ["state", "settled", "adjudicator", "reason"]


@dataclass(frozen=True)
class Results:
    """What may be shown now, and why not more.

    Attributes
    ----------
    work : Work
    outcome : Outcome or None
        Of two coders; None if there are not two, or nothing may be shown.
    held : str
        Why nothing may be shown; "" if it may.
    adjudicator : str
        Who settles disagreements; "" is a look.
    resamples : int
        Of the bootstrap.
    """

    work: Work
    outcome: Outcome | None
    held: str
    adjudicator: str = ""
    resamples: int = 2000

    @property
    def note(self) -> Any:
        """What the tables below are about, as Markdown."""
        from IPython.display import Markdown

        if self.held:
            return Markdown(f"> {self.held}")
        if self.outcome is None:
            return Markdown(
                f"> Fewer than two people have finished a study of this task (`{self.work.folder.name}`): "
                "there is no agreement to show yet."
            )
        one, two = self.outcome.pair.coders
        studies = self.outcome.pair.studies
        return Markdown(f"> `{one}` and `{two}`, people who coded without seeing each other's codes. {few(len(studies))}")

    @cached_property
    def agreement(self) -> pd.DataFrame:
        """Agreement of the two coders before any talk; no rows if there are not two."""
        if self.outcome is None:
            return outcome.compare(self.work.corpus, [], [])
        pair = self.outcome.pair
        return outcome.compare(
            self.work.corpus, [pair.first, pair.second], pair.studies, seed=self.work.seed, resamples=self.resamples
        )

    @cached_property
    def validity(self) -> pd.DataFrame:
        """Agreement of each person with the consensus that the corpus has, on the studies that he or she finished."""
        import pandas as pd

        tables = [outcome.compare(self.work.corpus, [], [])]
        people = {} if self.held else self.work.codes()
        for held in people.values():
            keys = held.finished_studies
            if keys:
                found = outcome.compare(self.work.corpus, [held], keys, seed=self.work.seed, resamples=self.resamples)
                tables.append(found)
        filled = [table for table in tables if not table.empty]
        return pd.concat(filled, ignore_index=True) if filled else tables[0]

    @property
    def validity_note(self) -> Any:
        """How far the comparison with the consensus is a test of it, as Markdown."""
        from IPython.display import Markdown

        if self.validity.empty:
            return Markdown("> Nothing to compare yet: it takes a finished study whose codes in use come from others.")
        keys = {key for held in self.work.codes().values() for key in held.finished_studies}
        own = outcome.own_consensus(self.work.corpus, keys)
        left_out = f" {own} of them have a consensus made by people who code here and are left out." if own else ""
        words = "Where people and the codes in use differ, either may be wrong: the table is where to look, not a verdict."
        return Markdown(f"> {words} {few(len(keys))}{left_out}")

    @property
    def cases(self) -> pd.DataFrame:
        """Every disagreement with both answers, and how it was settled, decisions made meanwhile included."""
        import pandas as pd

        fresh = self._fresh()
        rows = [] if fresh is None else pairs.as_rows(fresh.pair, fresh.decisions)
        return pd.DataFrame(rows, columns=CASES)

    def adjudicate(self) -> Any:
        """Return the widget in which disagreements are settled; a sentence if there are none."""
        from IPython.display import Markdown

        from review.coding import widget

        if self.outcome is None:
            return Markdown("> Nothing to settle yet.")
        if not self.outcome.pair.cases:
            return Markdown("> The two coders agree on everything that both have finished: nothing is to be settled.")
        return widget.adjudicate(self.outcome.pair, self.outcome.decisions, self.adjudicator, self.work.folder)

    def changes(self) -> pd.DataFrame:
        """List the files that would change: ``file, added, removed`` (lines), decisions made meanwhile included."""
        import pandas as pd

        fresh = self._fresh()
        rows = outcome.summary(fresh.change().files) if fresh is not None and fresh.settled else []
        return pd.DataFrame(rows, columns=["file", "added", "removed"])

    def proposal(self) -> Any:
        """Return what would be written as a diff, and the command that writes it."""
        from IPython.display import Markdown

        fresh = self._fresh()
        if fresh is None or not fresh.settled:
            return Markdown("> No study is settled: nothing would be written.")
        text = fresh.change().diff()
        fence = "`" * max(3, 1 + max((len(run) for run in _ticks(text)), default=0))
        total = len(fresh.pair.studies)
        head = f"> {len(fresh.settled)} of {total} studies are settled. Nothing is written until you run this command:"
        command = f"review code {self.work.options} --apply"
        return Markdown(f"{head}\n\n```sh\n{command}\n```\n\n{fence}diff\n{text}\n{fence}\n")

    def _fresh(self) -> Outcome | None:
        """Return the outcome with the decisions that are in the file now."""
        if self.outcome is None:
            return None
        pair = self.outcome.pair
        return Outcome(self.work.corpus, pair, adjudication.load(self.work.folder, self.work.task, pair.coders))


def _ticks(text: str) -> list[str]:
    import re

    return re.findall(r"`+", text)


def results(work: Work, first: str = "", second: str = "", adjudicator: str = "", resamples: int = 2000) -> Results:
    """Return what may be shown to the coder and the adjudicator of a notebook.

    A person who has not finished sees nothing. One who has is shown everything, and his or her codes are closed by that.

    Parameters
    ----------
    work : Work
    first, second : str
        Coders to compare; "" takes the only two.
    adjudicator : str
        Who settles disagreements; "" is a look, nothing is saved.
    resamples : int
        Of the bootstrap.

    Raises
    ------
    OptionError
        If a name cannot be used, or it is not clear which two coders are meant.
    """
    if adjudicator:
        names.check(adjudicator)
    if waiting := work.unfinished(work.coder, adjudicator):
        told = f"`{waiting}` has not finished: results are shown afterwards, so that codes are given blind."
        return Results(work, None, told, adjudicator, resamples)
    found = work.outcome(first, second)
    for name in {work.coder, adjudicator} - {""}:
        codes.close(work.folder, work.task, name)
    return Results(work, found, "", adjudicator, resamples)
