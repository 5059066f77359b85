"""The command ``review code``: what is still to be coded, how far coders are, and the way of their codes into ``coding.csv``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import InputError, OptionError, Problem
from review.printing import print_table, say

if TYPE_CHECKING:
    import pandas as pd

    from review.coding.outcome import Outcome
    from review.coding.work import Work
    from review.corpus import Corpus

GOOD = 0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    command.add_argument("--selection", default="all", metavar="NAME", help="studies to look at (default: all)")
    command.add_argument("--where", default="", metavar="FILTER", help="for example: year >= 2023")
    command.add_argument("--coder", default="", metavar="NAME", help="studies that this coder has not coded (default: consensus)")
    command.add_argument(
        "--work", type=Path, metavar="DIR", help="folder of a coding task (default: the only one in runs/coding)"
    )
    command.add_argument("--progress", action="store_true", help="say how far everybody is in a coding task")
    command.add_argument("--adjudicate", action="store_true", help="list the disagreements of two coders, settled or open")
    command.add_argument("--coders", nargs=2, default=("", ""), metavar=("FIRST", "SECOND"), help="which two, if there are more")
    command.add_argument("--diff", action="store_true", help="print what --apply would write")
    command.add_argument("--apply", action="store_true", help="write the settled studies to coding.csv")
    command.add_argument("--reselect", action="store_true", help="with --apply or --diff: solve calibrated selections anew")
    command.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from review import corpus

    loaded = corpus.load(options.corpus)
    if options.reselect and not (options.apply or options.diff):
        raise OptionError("--reselect changes what is written -> add --diff or --apply")
    if not (options.work or options.progress or options.adjudicate or options.diff or options.apply):
        print_table(left_of(loaded, options.coder, options.selection, options.where), options.format)
        return GOOD
    from review.coding import work as works

    work = works.find(loaded, options.work)
    if options.coder:
        work = replace(work, coder=options.coder)
    if not (options.adjudicate or options.diff or options.apply):
        print_table(work.progress(), options.format)
        return GOOD
    return _results(work, options)


def left_of(corpus: Corpus, coder: str = "", selection: str = "all", where: str = "") -> pd.DataFrame:
    """List studies that are not coded in every dimension: ``key, year, coded, left, title``.

    Parameters
    ----------
    coder : str
        Whose codes; "" are those that count, the consensus.
    selection, where : str
        As in :meth:`Corpus.studies`.
    """
    import pandas as pd

    from review.coding.task import uncoded

    left = uncoded(corpus, coder or "consensus")
    studies = corpus.studies(selection, where)
    total = len(corpus.codebook.dimensions)
    rows = [
        (key, year, total - len(left[key]), "; ".join(left[key]), title)
        for key, year, title in zip(studies["key"], studies["year"], studies["title"], strict=True)
        if key in left
    ]
    whose = f"by {coder}" if coder else "(consensus)"
    say(f"{len(rows)} of {len(studies)} studies are not coded {whose} in all {total} dimensions")
    return pd.DataFrame(rows, columns=["key", "year", "coded", "left", "title"])


def _results(work: Work, options: argparse.Namespace) -> int:
    import pandas as pd

    from review.coding.pairs import as_rows
    from review.coding.results import CASES

    if waiting := work.unfinished(options.coder):
        raise OptionError(f"{waiting} has not finished -> results are shown afterwards, so that codes are given blind")
    found = work.outcome(*options.coders)
    if found is None:
        raise OptionError(
            f"fewer than two people have finished a study of {work.folder} -> code first: notebooks/60-coding.ipynb"
        )
    left = found.pair.left(found.decisions)
    say(
        f"{' and '.join(found.pair.coders)}: {len(found.pair.studies)} of {len(work.task.studies)} studies finished by both, "
        f"{len(found.settled)} settled; {len(left)} of {len(found.pair.cases)} disagreements left"
    )
    if options.adjudicate:
        print_table(pd.DataFrame(as_rows(found.pair, found.decisions), columns=CASES), options.format)
    if options.diff or options.apply:
        _change(found, options)
    return GOOD


def _change(found: Outcome, options: argparse.Namespace) -> None:
    """Show a change, and write it if that is wanted."""
    from review import paths

    change = found.change(reselect=options.reselect)
    if not change:
        say("nothing to write: the settled studies are in coding.csv as they are")
        return
    sys.stdout.write(change.diff())
    if paths.real(change.folder) == paths.real(paths.DATA):
        say("data/ is built from data/build/evidence/, and `make data` would undo this -> work on a copy of it")
    try:
        if options.apply:
            loaded = change.apply()
            say(f"written: {', '.join(change.files)}; corpus {loaded.hash[:12]}")
        else:
            change.check()
    except InputError as error:
        raise InputError([_advised(problem) for problem in error.problems]) from None


def _advised(problem: Problem) -> Problem:
    from review import paths

    if Path(problem.file).name != paths.SELECTION:
        return problem
    return replace(problem, remedy="add --reselect: the selection is solved anew with these codes")
