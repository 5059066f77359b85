"""The parser of the command line, and its commands that stand in modules of their own, loaded when they are asked for."""

from __future__ import annotations

import argparse
from typing import NamedTuple, NoReturn

from review.errors import printable


class Parser(argparse.ArgumentParser):
    """A parser whose complaints about a word of the command line, which may be the name of any file, can be shown."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, and end the program."""
        super().error(printable(message, keep="\n"))


class Delegated(NamedTuple):
    """A command whose options and work stand in a module of its own: its help, the module, and two of its functions."""

    text: str
    module: str
    arguments: str = "add_arguments"
    run: str = "run"
    parents: tuple[str, ...] = ()


DELEGATED = {
    "evaluate": Delegated(
        "grade a synthetic data set beside real data: a report card",
        "review.evaluation.command",
        run="main",
        parents=("choice", "output"),
    ),
    "batch": Delegated(
        "run one notebook with many parameter sets; skip what did not change",
        "review.batch.command",
        run="main",
        parents=("output",),
    ),
    "status": Delegated(
        "say which runs of batches are stale, and why",
        "review.batch.command",
        "add_status_arguments",
        "main_status",
        ("output",),
    ),
    "import": Delegated(
        "read references from a file; show what would change, and change it with --apply", "review.importing.command"
    ),
    "code": Delegated("list what is still to be coded, and how far coders agree", "review.coding.command"),
    "update": Delegated("query PubMed, arXiv and OpenAlex for new records", "review.living.update_command"),
    "asreview": Delegated(
        "exchange records with ASReview LAB", "review.living.command", "add_asreview_arguments", "run_asreview"
    ),
    "precode": Delegated(
        "let a language model propose codes, stored as coder llm",
        "review.living.command",
        "add_precode_arguments",
        "run_precode",
    ),
    "tables": Delegated("write tables for a paper: HTML, LaTeX, Word", "review.publication_tables"),
    "checklist": Delegated("print the PRISMA-ScR checklist with where each item is answered", "review.checklist"),
    "site": Delegated("build a static site from executed notebooks", "review.site.command"),
}
