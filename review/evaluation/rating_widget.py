"""The rating task in JupyterLab: one item at a time, beside its questions, answered with the keyboard.

The page is in ``static/``; it loads nothing from elsewhere, and shows what an item holds as text, never as HTML.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from review.evaluation.rating import Task
from review.evaluation.rating_desk import Desk
from review.evaluation.rating_file import RatingFile
from review.widget import desk_widget

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
    kind = desk_widget((STATIC / "rating.js",), (STATIC / "rating.css",))
    if rater and folder is None:
        raise ValueError("a rater's answers need a folder")
    file = RatingFile(folder, task, rater) if rater and folder is not None else None
    desk = Desk(task, file)
    return kind(desk, f"Rating task of {desk.about()['total']} showings, rater {rater or 'none (a look)'}")
