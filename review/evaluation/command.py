"""``review evaluate``: a report card from the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from review.printing import print_table, say

if TYPE_CHECKING:
    import pandas as pd


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    command.add_argument("--real", type=Path, required=True, metavar="F", help="real items: CSV, Parquet or JSON lines")
    command.add_argument("--synthetic", type=Path, required=True, metavar="F", help="synthetic items with the same columns")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="where card.html, card.json and metrics.csv go")
    command.add_argument(
        "--holdout", type=Path, metavar="F", help="real items that the generator has not seen: control of attacks"
    )
    command.add_argument("--kind", default="", metavar="K", help="text, tabular or paired (default: found from the columns)")
    command.add_argument("--columns", type=names, default=(), metavar="A,B", help="compare these columns only")
    command.add_argument("--ignore", type=names, default=(), metavar="A,B", help="leave these columns out")
    command.add_argument("--classes", type=names, default=(), metavar="A,B", help="columns of numbers that are names of classes")
    command.add_argument("--text", default="", metavar="A", help="the column of text (default: the longest)")
    command.add_argument("--label", default="", metavar="A", help="the column that others predict (default: found by its name)")
    command.add_argument("--constraints", type=Path, metavar="F", help="rules that rows have to keep to, YAML")
    command.add_argument("--ratings", type=Path, metavar="DIR", help="folder of a rating task that people answered")
    command.add_argument(
        "--judge", default="", metavar="NAME", help="language model as judge: embedded, endpoint or a .gguf file"
    )
    command.add_argument(
        "--perplexity", default="", metavar="NAME", help="language model for perplexity: embedded or a .gguf file"
    )
    command.add_argument("--title", default="", metavar="T", help="title of the card")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--deals", type=int, default=200, metavar="N", help="how often the real items are dealt (default: 200)")
    command.add_argument("--repeats", type=int, default=20, metavar="N", help="trainings of each model (default: 20)")
    command.add_argument("--most", type=int, default=5000, metavar="N", help="items compared at a time (default: 5000)")


def names(text: str) -> tuple[str, ...]:
    """Return the names of a list with commas between."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def run(options: argparse.Namespace) -> pd.DataFrame:
    """Evaluate, write the card, and return its grades.

    Parameters
    ----------
    options : Namespace
        As :func:`add_arguments` declares them, with ``corpus``, ``selection`` and ``where``.

    Returns
    -------
    DataFrame
        ``family, aspect, grade, reason, decided_by``.

    Raises
    ------
    ReviewError
        If a file, an option or the corpus cannot be used.
    OSError
        Before anything is measured, if the card could not be written.
    """
    from review import corpus, evaluation, paths
    from review.errors import OptionError, is_text
    from review.evaluation import card as cards
    from review.evaluation import constraints, human, inputs, judge
    from review.files import check_file

    if not is_text(options.title):
        raise OptionError(f"the title {options.title!r} has bytes that are no text -> write it in UTF-8")
    for name in cards.FILES:
        check_file(options.out / name)
    settings = evaluation.Settings(options.seed, options.deals, options.most, options.repeats, options.perplexity)
    choices = inputs.Choices(options.kind, options.columns, options.ignore, options.text, options.label, options.classes)
    loaded = corpus.load(options.corpus)
    pair = inputs.load(options.real, options.synthetic, options.holdout, choices)
    for note in pair.notes:
        say(note)
    rules = constraints.load(options.constraints) if options.constraints else ()
    rated = human.load(options.ratings) if options.ratings else None
    judged = None
    if options.judge:
        judged = judge.measure(pair, settings, model_name=options.judge, human=rated, cache=paths.CACHE, progress=show)
    people = human.measure(rated, settings) if rated else None
    extras = evaluation.Extras(tuple(rules), people, judged)
    card = evaluation.evaluate(pair, settings, extras, title=options.title, progress=show)
    card = evaluation.reported_by(card, loaded, options.selection or corpus.DEFAULT, options.where)
    for path in card.write(options.out):
        say(f"written: {path}")
    return card.table()


def main(options: argparse.Namespace) -> int:
    """Make a card and print its grades."""
    print_table(run(options), options.format)
    return 0


def show(step: str, done: int, total: int) -> None:
    """Print a step to stderr."""
    print(f"{step}: {done}/{total}", file=sys.stderr, flush=True)
