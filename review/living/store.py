"""The folder of one update: what was asked for, every page as it came, and a journal; enough to go on, or to look again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from review.errors import InputError, OptionError
from review.files import digest, read_bytes, to_json, write_bytes, write_text
from review.living.asking import FORMAT, Plan
from review.living.query import SOURCES
from review.strict_json import load
from review.system import held

REQUEST = "request.json"
JOURNAL = "journal.jsonl"
PAGES = "pages"
REMEDY = "begin a new update in another folder"
DONE = "finished"
"""Event of the journal after the last page of a source."""

PAGE, FORCED = "page", "forced"


class Store:
    """The folder of one update.

    Parameters
    ----------
    folder : Path
    plan : Plan
        What the pages in it answer.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Return the update that a folder holds.

        Raises
        ------
        InputError
            If it holds none, or what was asked for cannot be read.
        """
        path = folder / REQUEST
        if not path.exists():
            raise InputError.one(folder, "it holds no update", "name the folder that review update made")
        body = load(path, REMEDY, controls=False)
        if not isinstance(body, dict) or body.pop("format", "") != FORMAT or set(body) != set(Plan.__dataclass_fields__):
            raise InputError.one(path, f"it is not of the format {FORMAT}", REMEDY)
        if wrong := next((name for name, value in body.items() if not _is_sound(name, value)), ""):
            raise InputError.one(path, f"{wrong} is {str(body[wrong])[:60]!r}", REMEDY, wrong)
        return cls(folder, Plan(**body))

    @classmethod
    def make(cls, folder: Path, plan: Plan) -> Store:
        """Return a folder for an update: a new one, or the one that was begun for the same plan.

        Raises
        ------
        OptionError
            If it holds another update.
        """
        if (folder / REQUEST).exists():
            found = cls.open(folder)
            if found.plan.hash != plan.hash:
                message = f"{folder} holds an update with another query, other days or sources"
                raise OptionError(f"{message} -> choose another folder with --out")
            return found
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / REQUEST, to_json(plan.body()))
        return cls(folder, plan)

    def locked(self) -> AbstractContextManager[None]:
        """Hold the folder, so that no other process asks for the same pages.

        Raises
        ------
        ReviewError
            If another process holds it.
        """
        return held(self.folder, "updating")

    def paged(self, paging: Mapping[str, str]) -> None:
        """Note how a source is paged through; only before its first page."""
        self.plan = replace(self.plan, paging={**self.plan.paging, **paging})
        write_text(self.folder / REQUEST, to_json(self.plan.body()))

    def path(self, source: str, number: int, suffix: str) -> Path:
        """Return where a page is kept, or would be."""
        return self.folder / PAGES / f"{source}-{number:04d}.{suffix}"

    def page(self, source: str, number: int, suffix: str) -> bytes | None:
        """Return a page; None if it is not there yet."""
        try:
            return read_bytes(self.path(source, number, suffix))
        except FileNotFoundError:
            return None

    def keep(self, source: str, number: int, suffix: str, data: bytes) -> None:
        """Keep a page."""
        write_bytes(self.path(source, number, suffix), data)
        self.tell(source, number, data)

    def tell(self, source: str, number: int, data: bytes) -> None:
        """Add a page to the journal."""
        self.log(PAGE, source=source, number=number, bytes=len(data), sha256=digest(data))

    def told(self) -> set[tuple[str, str, int]]:
        """Return event, source and number (0: of none) of what the journal tells since pages were last removed."""
        found: set[tuple[str, str, int]] = set()
        path = self.folder / JOURNAL
        for line in read_bytes(path).splitlines() if path.is_file() else ():
            try:
                event = json.loads(line)
                told = (str(event["event"]), str(event.get("source", "")), int(event.get("number", 0)))
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                continue  # its writer was killed
            if told[0] == FORCED:
                found.clear()
            found.add(told)
        return found

    def forget(self) -> None:
        """Remove every page, to ask for them again."""
        for path in sorted((self.folder / PAGES).glob("*-[0-9][0-9][0-9][0-9].*")):
            path.unlink()
        self.log(FORCED)

    def log(self, event: str, **facts: Any) -> None:
        """Add a line to the journal, with the time: the only place where one is written."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, **facts}, ensure_ascii=False)
        path = self.folder / JOURNAL
        cut = path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n")  # its writer was killed
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * cut + line + "\n")


def _is_sound(name: str, value: Any) -> bool:
    """Tell whether a part of a plan is of its type, and names sources and days that can be."""
    if name == "most":
        return type(value) is int and value >= 0
    if name in ("texts", "paging"):
        return isinstance(value, dict) and set(value) <= set(SOURCES) and all(isinstance(text, str) for text in value.values())
    if name in ("since", "until"):
        return isinstance(value, str) and (re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None or not value)
    return isinstance(value, str)
