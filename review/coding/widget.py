"""Coding and adjudication in JupyterLab, by keyboard.

The pages are in ``static/``; they load nothing from elsewhere, and show what a study holds as text, never as HTML.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from review.coding.adjudication import Bench, Decided, Decisions
from review.coding.codes import CodesFile
from review.coding.desk import Desk
from review.coding.pairs import Pair
from review.coding.task import Task
from review.widget import desk_widget

STATIC = Path(__file__).parent / "static"


def show(task: Task, coder: str, folder: Path) -> Any:
    """Return the widget in which a coder answers, from the first study that is not finished.

    Parameters
    ----------
    task : Task
    coder : str
        Name of a person; "" shows the task for a look and saves nothing.
    folder : Path
        Where ``codes-NAME.jsonl`` is.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    ReviewError
        If the file cannot be used, see :class:`review.journal.Journal`.
    """
    kind = _kind("coding")
    desk = Desk(task, CodesFile(folder, task, coder) if coder else None)
    return kind(desk, _said("Coding", desk, coder, "studies"))


def adjudicate(pair: Pair, decisions: Decisions, adjudicator: str, folder: Path) -> Any:
    """Return the widget in which the disagreements of two coders are settled; without a name for a look.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    ReviewError
        If the file cannot be used.
    """
    kind = _kind("adjudication")
    bench = Bench(pair, Decided(folder, pair, adjudicator) if adjudicator else None, decisions)
    return kind(bench, _said("Adjudication", bench, adjudicator, "disagreements"))


def _kind(page: str) -> Any:
    """Return the class of one page's widget."""
    return desk_widget(tuple(STATIC / name for name in ("parts.js", "form.js", f"{page}.js")), (STATIC / "coding.css",))


def _said(task: str, desk: Desk | Bench, who: str, what: str) -> str:
    return f"{task} of {desk.about()['total']} {what}, by {who or 'nobody (a look)'}"
