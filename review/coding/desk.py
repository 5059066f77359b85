"""What happens between a coder's browser and the file of answers, without Jupyter.

The browser sends an answer, the desk adds it to the file and then says so; only what was said to be saved is saved. A message
that arrives twice adds nothing. Nothing that the desk shows comes from anybody else's codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from review import contracts
from review.coding import task as tasks
from review.coding.answers import EMPTY, LONGEST, parse
from review.coding.codes import Codes, CodesFile
from review.coding.task import Task
from review.desk import KEPT, MOVED, SAVED, SUPERSEDED, numbered, respond
from review.errors import ReviewError


def vocabulary(task: Task, store: str) -> dict[str, Any]:
    """Return the questions and what a page has to know once; nothing of the studies."""
    levels, scopes = list(contracts.LEVELS[1:]), list(contracts.SCOPES[1:])
    known = {"dimensions": tasks.questions(task.dimensions), "levels": levels, "scopes": scopes, "longest": dict(LONGEST)}
    return known | {"store": f"synthetic-data-review:{store}:{task.digest[:16]}:"}


def shown(task: Task, key: str) -> dict[str, Any]:
    """Return what is shown of a study."""
    study = asdict(task.by_key[key])
    return {**study, "links": [list(link) for link in study["links"]]}


class Desk:
    """Where one coder works.

    Parameters
    ----------
    task : Task
    file : CodesFile, optional
        Without it the task is shown for a look, and nothing is saved.
    """

    def __init__(self, task: Task, file: CodesFile | None = None) -> None:
        self.task, self.file = task, file
        self._looked = Codes(task, "")
        self.order = task.order("" if file is None else file.coder)
        self.position = self._open_from(0)
        self.finished = self.codes.complete

    @property
    def codes(self) -> Codes:
        """The answers so far."""
        return self._looked if self.file is None else self.file.codes

    def about(self) -> dict[str, Any]:
        """Return what the page has to know once."""
        coder = "" if self.file is None else self.file.coder
        return {"coder": coder, "total": len(self.order), **vocabulary(self.task, f"coding:{coder}")}

    def view(self) -> dict[str, Any]:
        """Return what the page shows now: one study and this coder's own answers to it."""
        key, codes = self.order[self.position].key, self.codes
        answers = {
            name: {**codes.answer(key, name).plain(), "missing": list(codes.answer(key, name).missing())}
            for name in self.task.dimensions
        }
        sequences = {name: codes.lines.get((key, name), {}).get("sequence", 0) for name in self.task.dimensions}
        progress = {"position": self.position, "finished": self.finished, "done": len(codes.finished_studies)}
        return {
            **progress,
            "closed": codes.closed,
            "called": codes.finished(key),
            "study": shown(self.task, key),
            "answers": answers,
            "sequences": sequences,
        }

    def receive(self, message: Any) -> dict[str, Any]:
        """Take a message of the page and return the answer to it.

        Parameters
        ----------
        message : mapping
            ``type`` is ``ping``; ``answer`` (with ``position, dimension, answer, base``, the sequence of the line that the page
            had seen, and ``resent`` if the message may have come before); ``done`` (with ``position``: call the study done and go
            on); or ``go`` (with ``step``, -1 or 1). ``number`` and ``client`` come back in the answer.

        Returns
        -------
        dict
            ``type`` is ``here``, ``saved`` (with the ``sequence`` of the line), ``kept`` (nothing is saved: only a look),
            ``superseded`` (a newer answer is in the file), ``moved`` or ``failed`` (with the ``reason``).
        """
        return respond(message, {"answer": self._save, "done": self._finish, "go": self._go})

    def _go(self, message: Mapping[str, Any]) -> dict[str, Any]:
        if self.finished and message.get("step") == -1:
            self.finished = False
        else:
            self.position = min(max(self.position + (1 if message.get("step") == 1 else -1), 0), len(self.order) - 1)
        return {"type": MOVED}

    def _finish(self, message: Mapping[str, Any]) -> dict[str, Any]:
        key = self._study(message)
        if left := self.codes.open_dimensions(key):
            titles = ", ".join(self.task.dimensions[name].title for name in left)
            raise ReviewError(f"not answered yet: {titles} -> answer it, if need be with unknown")
        if self.file is not None and not self.codes.closed:
            self.file.finish(key)
        elif self.file is None:
            self._looked.done.add(key)
        if self.codes.complete:
            self.finished = True
        else:
            self.position = self._open_from(message["position"] + 1)
        return {"type": MOVED}

    def _save(self, message: Mapping[str, Any]) -> dict[str, Any]:
        key, name = self._study(message), message.get("dimension")
        if not isinstance(name, str) or name not in self.task.dimensions:
            raise ReviewError(f"there is no dimension {name!r} -> run the cell again")
        answer = parse(self.task.dimensions[name], message.get("answer"))
        if self.file is None:
            self._looked.answers[key, name] = answer
            return {"type": KEPT}
        client, number = numbered(message)
        held = self.codes.answer(key, name)
        line = self.codes.lines.get((key, name))
        if line is not None and held == answer:
            return {"type": SAVED, "sequence": line["sequence"]}
        if line is None and answer == EMPTY:
            return {"type": SAVED, "sequence": 0}
        if line is not None and message.get("resent") and _is_older(message, line):
            return {"type": SUPERSEDED, "sequence": line["sequence"]}
        return {"type": SAVED, "sequence": self.file.answer(key, name, answer, client, number)["sequence"]}

    def _study(self, message: Mapping[str, Any]) -> str:
        position = message.get("position")
        if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < len(self.order):
            raise ReviewError(f"there is no study {position!r} -> run the cell again")
        return self.order[position].key

    def _open_from(self, start: int) -> int:
        """Return the first place of a study that is not finished, from a place on and then from the beginning."""
        places = [*range(start, len(self.order)), *range(min(start, len(self.order)))]
        return next((place for place in places if not self.codes.finished(self.order[place].key)), len(self.order) - 1)


def _is_older(message: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
    """Tell whether a message that is sent again was written before the line that is in the file."""
    if line["client"] == message.get("client"):
        return bool(line["number"] >= message["number"])
    base = message.get("base")
    return not isinstance(base, int) or line["sequence"] > base
