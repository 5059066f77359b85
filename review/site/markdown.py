"""Markdown cells and guides as HTML with headings that links can reach."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import unescape
from typing import Any

from review.site.clean import Resolve, clean


@dataclass(frozen=True)
class Heading:
    """A heading of a page: level 2 or deeper, text, and the ``id`` that links name."""

    level: int
    text: str
    id: str


class Headings:
    """Hands out an ``id`` to each heading of one page, no two alike."""

    def __init__(self) -> None:
        self.title = ""
        self.found: list[Heading] = []
        self._taken: set[str] = set()

    def add(self, level: int, text: str) -> Heading:
        """Remember a heading."""
        heading = Heading(level, text, self.place(text))
        self.found.append(heading)
        return heading

    def place(self, text: str) -> str:
        """Return a new ``id`` for a piece of text."""
        first = name = slug(text) or "section"
        number = 1
        while name in self._taken:
            number += 1
            name = f"{first}-{number}"
        self._taken.add(name)
        return name


def slug(text: str) -> str:
    """Return the part of an address that stands for a heading, as code hosts write it: small letters and hyphens."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain).strip())


def render(text: str, resolve: Resolve, headings: Headings) -> str:
    """Return Markdown as safe HTML.

    The first heading of level 1 becomes the title of the page and is left out; later ones are taken for level 2.

    Parameters
    ----------
    text : str
        Markdown with tables; HTML in it is kept as far as it is harmless.
    resolve : callable
        Rewrites relative addresses.
    headings : Headings
        Of the page; gets the headings of this text.
    """
    from mistune import HTMLRenderer, create_markdown

    class Renderer(HTMLRenderer):
        def heading(self, text: str, level: int, **_: Any) -> str:
            words = plain(text)
            if level == 1 and not headings.title:
                headings.title = words
                return ""
            known = headings.add(max(level, 2), words)
            return f'<h{known.level} id="{known.id}">{text}</h{known.level}>\n'

    convert = create_markdown(renderer=Renderer(escape=False), plugins=["table", "strikethrough"])
    return framed(clean(str(convert(text)), resolve, places=True))


def plain(html: str) -> str:
    """Return the words of a piece of HTML."""
    import nh3

    return " ".join(unescape(nh3.clean(html, tags=set())).split())


def framed(html: str) -> str:
    """Put each table into a region that scrolls by itself, which a keyboard can reach."""
    opened = '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table'
    return re.sub(r"<table(?=[ >])", opened, html).replace("</table>", "</table></div>")
