"""Answers of a language model kept by content: the same request to the same model is answered once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from review.errors import InputError, ModelError
from review.files import digest, read_bytes, to_json, write_bytes, write_new
from review.llm.request import Completion, Model, Request
from review.llm.usage import Usage

FORMAT = "synthetic-data-review/answer/1"
_FACTS = ("text", "finish", "prompt_tokens", "completion_tokens")


def key(identity: Mapping[str, str], request: Request) -> str:
    """Return the SHA-256 of a model's identity and a request.

    The order of a schema's properties is part of it, as it is the order in which they are written.
    """
    return digest(_bytes(sorted(identity.items())), _bytes(request.body()))


class Cached(Model):
    """A model whose answers are kept in a folder, one JSON file each, named by :func:`key`.

    Any number of processes may share the folder. A file is written whole or not at all, and the first answer that is
    written stays: everyone who asks later, or at the same time, gets that one. A file holds its own key, the request and a
    digest of the answer; one that does not agree with itself is counted in :attr:`Usage.damaged` and replaced.

    Parameters
    ----------
    model : Model
        Asked for what is not there.
    folder : Path
        Made if it is missing. It holds prompts and answers in plain text.

    Raises
    ------
    ModelError
        If the folder cannot be made.
    """

    def __init__(self, model: Model, folder: Path) -> None:
        self.model, self.folder = model, folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(folder, error) from None

    @property
    def identity(self) -> Mapping[str, str]:
        """That of the model behind."""
        return self.model.identity

    @property
    def usage(self) -> Usage:
        """That of the model behind, with the answers that it did not have to give."""
        return self.model.usage

    def supports(self, feature: str) -> bool:
        """Tell what the model behind supports."""
        return self.model.supports(feature)

    def complete(self, request: Request) -> Completion:
        """Answer one request from the folder, or ask the model and keep its answer; errors are not kept."""
        identity = dict(self.identity)
        name = key(identity, request)
        path = self.folder / name[:2] / f"{name}.json"
        found, damaged = _read(path, name)
        self.usage.add(cached=int(found is not None), damaged=int(damaged))
        if found is not None:
            return found
        answer = self.model.complete(request)
        facts = {fact: getattr(answer, fact) for fact in _FACTS}
        entry = {"format": FORMAT, "key": name, "model": identity, "request": request.body(), "answer": facts}
        entry["digest"] = _digest(entry)
        try:
            _keep(path, to_json(entry).encode(), replace=damaged)
        except OSError as error:
            raise _unusable(self.folder, error) from None
        kept, _ = _read(path, name)
        return answer if kept is None or _same(kept, answer) else kept

    def close(self) -> None:
        """Free what the model behind holds; the folder stays."""
        self.model.close()


def _same(kept: Completion, answer: Completion) -> bool:
    return all(getattr(kept, fact) == getattr(answer, fact) for fact in _FACTS)


def _bytes(value: Any) -> bytes:
    """Return JSON with the order of the keys as it is; lone surrogates are escaped, so that any text has bytes."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def _digest(entry: Mapping[str, Any]) -> str:
    return digest(_bytes([entry["format"], entry["key"], entry["model"], entry["request"], entry["answer"]]))


def _read(path: Path, name: str) -> tuple[Completion | None, bool]:
    """Return the answer in a file, if there is one; and whether there is a file that is not what was once written there."""
    try:
        entry = json.loads(read_bytes(path))
        answer = entry["answer"]
        if entry["format"] != FORMAT or entry["key"] != name or entry["digest"] != _digest(entry):
            return None, True
        return Completion(**{fact: answer[fact] for fact in _FACTS}, cached=True), False
    except FileNotFoundError:
        return None, False
    except (InputError, OSError, ValueError, KeyError, TypeError, RecursionError):  # no file, cut short, not JSON, not our JSON
        return None, True


def _keep(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file whole; unless ``replace`` is set, one that is there already stays."""
    if replace:
        write_bytes(path, data)
        return
    write_new(path, data)


def _unusable(folder: Path, error: OSError) -> ModelError:
    return ModelError(f"the response cache {folder} cannot be written ({error.strerror}) -> choose another folder, or none")
