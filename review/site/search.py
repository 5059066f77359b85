"""The index of the full-text search: what each part of the site says, ready to be compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from review.site.clean import data
from review.site.markdown import plain

LONGEST = 6000
"""Characters of one entry; longer pages are found by their first part and by their headings."""


@dataclass(frozen=True)
class Entry:
    """A place that a search can find: address from the top folder, title, kind for people, and its words."""

    address: str
    title: str
    kind: str
    text: str


def script(entries: Sequence[Entry]) -> str:
    """Return the index as a script that sets ``siteIndex``: a page opened from a disk can load scripts, but no data."""
    rows = [
        {"a": entry.address, "t": entry.title, "k": entry.kind, "s": " ".join(entry.text.split())[:LONGEST]} for entry in entries
    ]
    lines = ",\n".join(data(row) for row in rows)
    return f"window.siteIndex = [\n{lines}\n];\n"


def fold(text: str) -> str:
    """Return text without case and accents, as the page's script compares it."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)).lower()


def sections(address: str, title: str, kind: str, html: str, ids: Mapping[str, str]) -> Iterator[Entry]:
    """Return one entry a section of a page: what stands before the first heading, then each heading of level 2.

    Parameters
    ----------
    html : str
        The body of the page.
    ids : mapping of str to str
        Text of the headings of level 2 by their ``id``.
    """
    parts = re.split(r'(?=<h2 id="([^"]*)")', html)
    yield Entry(address, title, kind, plain(parts[0]))
    for mark, body in zip(parts[1::2], parts[2::2], strict=True):
        if mark in ids:
            yield Entry(f"{address}#{mark}", f"{title}: {ids[mark]}", kind, plain(body))
