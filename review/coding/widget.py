"""Coding and adjudication in JupyterLab, by keyboard.

The pages are in ``static/``; they load nothing from elsewhere, and show what a study holds as text, never as HTML.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from review.coding.adjudication import Bench, Decided, Decisions
from review.coding.codes import CodesFile
from review.coding.desk import Desk
from review.coding.pairs import Pair
from review.coding.task import Task
from review.errors import MissingExtraError

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
    return kind(Desk(task, CodesFile(folder, task, coder) if coder else None))


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
    return kind(Bench(pair, Decided(folder, pair, adjudicator) if adjudicator else None, decisions))


@cache
def _kind(page: str) -> Any:
    """Return the class of one page's widget; made once, when it is needed."""
    try:
        import anywidget
    except ModuleNotFoundError:
        raise MissingExtraError("anywidget", "evaluate") from None
    import traitlets

    class CodingWidget(anywidget.AnyWidget):
        """Passes messages between the page and its desk."""

        _esm = "".join((STATIC / name).read_text("utf-8") for name in ("parts.js", "form.js", f"{page}.js"))
        _css = (STATIC / "coding.css").read_text("utf-8")
        about = traitlets.Dict().tag(sync=True)
        view = traitlets.Dict().tag(sync=True)

        def __init__(self, desk: Desk | Bench) -> None:
            super().__init__(about=desk.about(), view=desk.view())
            self.desk = desk
            self.on_msg(self._receive)

        def __repr__(self) -> str:
            who = self.about.get("coder") or self.about.get("adjudicator") or "nobody (a look)"
            what = f"{page.capitalize()} of {self.about['total']} {'studies' if page == 'coding' else 'disagreements'}"
            return f"{what}, by {who}: open it in JupyterLab"

        def _receive(self, _: Any, message: Any, __: Any) -> None:
            reply = self.desk.receive(message)
            self.view = self.desk.view()
            self.send(reply)

    return CodingWidget
