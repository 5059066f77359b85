"""What happens between a rater's browser and the file of answers, without Jupyter.

The browser sends what was answered, the desk adds it to the file and then says so; only what was said to be saved is saved. A
message that arrives twice adds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from review.desk import KEPT, MOVED, SAVED, SUPERSEDED, respond
from review.errors import ReviewError
from review.evaluation.rating import Task
from review.evaluation.rating_file import Line, RatingFile

PAUSE = 300
"""Seconds without a sign of the rater from which the time of a showing is marked as holding a pause."""

PREVIEW = "preview"
"""Order that is shown if no rater is named."""


class Desk:
    """Where one rater works.

    Parameters
    ----------
    task : Task
    file : RatingFile, optional
        Without it the task is shown for a look, and nothing is saved.
    """

    def __init__(self, task: Task, file: RatingFile | None = None) -> None:
        self.task, self.file = task, file
        self.order = task.order(PREVIEW if file is None else file.rater)
        self._looked: dict[int, dict[str, Any]] = {}
        self.position = self._open_from(0)
        self.finished = self._answered() == len(self.order)

    def about(self) -> dict[str, Any]:
        """Return what the browser has to know once; nothing of the items."""
        questions = [
            {"name": item.name, "title": item.title, "question": item.question, "levels": list(item.levels)}
            for item in self.task.rubric.questions
        ]
        rater = "" if self.file is None else self.file.rater
        store = f"synthetic-data-review:rating:{self.task.digest[:16]}:{rater}:"
        return {"rater": rater, "total": len(self.order), "questions": questions, "pause": PAUSE, "store": store}

    def view(self) -> dict[str, Any]:
        """Return what the browser shows now: one item, without identifier or origin, and its answers."""
        held = self._held(self.position)
        parts = [dict(part) for part in self.order[self.position].item.parts]
        progress = {"position": self.position, "finished": self.finished, "answered": self._answered()}
        return {**progress, "parts": parts, **held}

    def receive(self, message: Any) -> dict[str, Any]:
        """Take a message of the browser and return the answer to it.

        Parameters
        ----------
        message : mapping
            ``type`` is ``ping``, ``answer`` (save), ``next`` (save, then go on) or ``previous`` (go back). ``number`` and
            ``client`` come back in the answer. To save: ``position, answers, seconds, paused``, and ``resent`` if the message
            may have come before: it is then older than the file if less time was spent until it.

        Returns
        -------
        dict
            ``type`` is ``here``, ``saved`` (with the ``sequence`` of the line), ``kept`` (nothing is saved: only a look),
            ``superseded`` (newer answers are in the file), ``moved`` or ``failed`` (with the ``reason``).
        """
        return respond(message, {"answer": self._save, "next": self._next, "previous": self._back})

    def _back(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self.position = self.position if self.finished else max(self.position - 1, 0)
        self.finished = False
        return {"type": MOVED}

    def _next(self, message: Mapping[str, Any]) -> dict[str, Any]:
        result = self._save(message)
        if message["position"] == self.position and self._is_complete(self.position):
            self._go_on()
        return result

    def _save(self, message: Mapping[str, Any]) -> dict[str, Any]:
        position, answers, seconds = message.get("position"), message.get("answers"), message.get("seconds")
        if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < len(self.order):
            raise ReviewError(f"there is no showing {position!r} -> run the cell again")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ReviewError(f"the time is {seconds!r} -> run the cell again")
        if faults := self.task.rubric.faults(answers):
            raise ReviewError(f"the answers cannot be: {'; '.join(faults)} -> run the cell again")
        assert isinstance(answers, Mapping)
        paused = bool(message.get("paused"))
        if self.file is None:
            self._looked[position] = {"answers": dict(answers), "seconds": float(seconds), "paused": paused, "sequence": 0}
            return {"type": KEPT}
        held = self.file.latest.get(position)
        paused = paused or (held is not None and held.paused)
        if held is not None and (dict(held.answers), held.seconds, held.paused) == (dict(answers), round(seconds, 3), paused):
            return {"type": SAVED, "sequence": held.sequence}
        if message.get("resent") and held is not None and held.seconds > seconds:
            return {"type": SUPERSEDED, "sequence": held.sequence}
        return {"type": SAVED, "sequence": self.file.add(position, answers, seconds, paused=paused).sequence}

    def _held(self, position: int) -> dict[str, Any]:
        empty = {"answers": {}, "seconds": 0.0, "paused": False, "sequence": 0}
        if self.file is None:
            return self._looked.get(position, empty)
        line: Line | None = self.file.latest.get(position)
        if line is None:
            return empty
        return {"answers": dict(line.answers), "seconds": line.seconds, "paused": line.paused, "sequence": line.sequence}

    def _is_complete(self, position: int) -> bool:
        return self.task.rubric.complete(self._held(position)["answers"])

    def _answered(self) -> int:
        return sum(map(self._is_complete, range(len(self.order))))

    def _open_from(self, start: int) -> int:
        """Return the first unanswered showing from a place on; the last one if all are answered."""
        places = (place for place in range(start, len(self.order)) if not self._is_complete(place))
        return next(places, len(self.order) - 1)

    def _go_on(self) -> None:
        if self.position + 1 < len(self.order):
            self.position += 1
        elif self._answered() == len(self.order):
            self.finished = True
        else:
            self.position = self._open_from(0)
