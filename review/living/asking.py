"""What an update asks for and what it gets: the words that all sources share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from review.files import digest, to_json
from review.importing.records import Record

FORMAT = "synthetic-data-review/update/1"


@dataclass(frozen=True)
class Plan:
    """Everything that decides which records an update finds, besides what the sources hold.

    Attributes
    ----------
    texts : mapping of str to str
        The search of each source, in its syntax.
    since, until : str
        First and last day as YYYY-MM-DD; ``since`` may be "".
    most : int
        Records of each source at most; 0 is no limit.
    paging : mapping of str to str
        How each source is paged through, where there are two ways.
    note : str
        Whose search it is.
    """

    texts: Mapping[str, str]
    since: str
    until: str
    most: int = 0
    paging: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def body(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return {"format": FORMAT, **asdict(self)}

    @property
    def hash(self) -> str:
        """SHA-256 of what is asked for; how it is paged through does not count."""
        return digest(to_json({name: value for name, value in self.body().items() if name != "paging"}).encode())


@dataclass(frozen=True)
class Ask:
    """One request, without address, keys and mail address.

    Attributes
    ----------
    path : str
        Below the address of the source; may be "".
    params : mapping of str to str
    post : bool
        Whether the parameters go in the body, as a form.
    """

    path: str
    params: Mapping[str, str]
    post: bool = False


@dataclass(frozen=True)
class Page:
    """What one answer holds.

    Attributes
    ----------
    total : int
        Records that the source has found in all.
    records : tuple of Record
    state : object
        What the source needs to ask for the next page.
    notices : tuple of str
        What the source, or its reader, has to say.
    """

    total: int
    records: tuple[Record, ...] = ()
    state: Any = None
    notices: tuple[str, ...] = ()


class Malformed(Exception):  # noqa: N818 (never reaches a user: it becomes a RunError with source and page)
    """An answer that is not what the source promises."""


class Source(Protocol):
    """How one database is asked and read; nothing here knows a network."""

    @property
    def name(self) -> str:
        """Short name, as in ``--source``."""

    @property
    def address(self) -> str:
        """Where it is, unless the environment says otherwise."""

    @property
    def interval(self) -> float:
        """Seconds between the starts of two requests without a key."""

    def ask(self, plan: Plan, pages: Sequence[Page]) -> Ask | None:
        """Return the request after these pages; None if there is nothing more to ask for."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of the files that keep its pages: of the first one, then of the others."""

    def read(self, plan: Plan, pages: Sequence[Page], data: bytes) -> Page:
        """Return what the answer after these pages holds.

        Raises
        ------
        Malformed
            If it is not what the source promises.
        """


def suffix(source: Source, number: int) -> str:
    """Return the ending of the file that keeps a page, counted from 1."""
    return source.suffixes[min(number, len(source.suffixes)) - 1]


def is_number(text: str) -> bool:
    """Tell whether a text is a whole number that a count or an identifier can be."""
    return len(text) < 16 and re.fullmatch(r"[0-9]+", text) is not None


def is_count(value: Any) -> bool:
    """Tell whether a value of JSON is a count."""
    return type(value) is int and 0 <= value < 10**15


def received(pages: Sequence[Page]) -> int:
    """Return how many records these pages hold."""
    return sum(len(page.records) for page in pages)


def wanted(plan: Plan, total: int) -> int:
    """Return how many of ``total`` records are wanted."""
    return min(total, plan.most) if plan.most else total
