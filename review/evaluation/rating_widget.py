"""The rating task in JupyterLab: one item at a time, beside its questions, answered with the keyboard.

The page is in ``static/``; it loads nothing from elsewhere, and shows what an item holds as text, never as HTML.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from review.errors import MissingExtraError
from review.evaluation.rating import Task
from review.evaluation.rating_desk import Desk
from review.evaluation.rating_file import RatingFile

STATIC = Path(__file__).parent / "static"


def show(task: Task, rater: str = "", folder: Path | None = None) -> Any:
    """Return the widget in which a rater answers, from the first unanswered item on.

    Parameters
    ----------
    task : Task
    rater : str
        Name of a person; "" shows the task for a look and saves nothing.
    folder : Path, optional
        Where ``ratings-<rater>.jsonl`` is; needed if there is a rater.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    ReviewError
        If the file cannot be used, see :class:`review.evaluation.rating_file.RatingFile`.
    """
    kind = _kind()
    if rater and folder is None:
        raise ValueError("a rater's answers need a folder")
    file = RatingFile(folder, task, rater) if rater and folder is not None else None
    return kind(Desk(task, file))


@cache
def _kind() -> Any:
    """Return the class of the widget; made once, when it is needed."""
    try:
        import anywidget
    except ModuleNotFoundError:
        raise MissingExtraError("anywidget", "evaluate") from None
    import traitlets

    class RatingWidget(anywidget.AnyWidget):
        """Passes messages between the page and the desk."""

        _esm = (STATIC / "rating.js").read_text("utf-8")
        _css = (STATIC / "rating.css").read_text("utf-8")
        about = traitlets.Dict().tag(sync=True)
        view = traitlets.Dict().tag(sync=True)

        def __init__(self, desk: Desk) -> None:
            super().__init__(about=desk.about(), view=desk.view())
            self.desk = desk
            self.on_msg(self._receive)

        def __repr__(self) -> str:
            about = self.about
            return f"Rating task of {about['total']} showings, rater {about['rater'] or 'none (a look)'}: open it in JupyterLab"

        def _receive(self, _: Any, message: Any, __: Any) -> None:
            reply = self.desk.receive(message)
            self.view = self.desk.view()
            self.send(reply)

    return RatingWidget
