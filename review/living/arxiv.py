"""arXiv through its export interface, an Atom feed page by page, the oldest records first, so that new ones move no page.

Source: arXiv API User's Manual, https://info.arxiv.org/help/api/user-manual.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from review.importing.records import Record, normalise
from review.living.asking import Ask, Malformed, Page, Plan, is_number, received, wanted
from review.living.xml import parse, text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PORTION = 100
_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_SEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"


class ArXiv:
    """The preprint server arXiv; days are those on which the first version was submitted."""

    name = "arxiv"
    address = "https://export.arxiv.org/api/query"
    interval = 3.1
    suffixes = ("xml",)

    def ask(self, plan: Plan, pages: Sequence[Page]) -> Ask | None:
        """Return the request for the next portion."""
        start = received(pages)
        if pages and start >= wanted(plan, pages[-1].total):
            return None
        first, last = (plan.since or "1991-01-01").replace("-", ""), plan.until.replace("-", "")
        params = {
            "search_query": f"({plan.texts[self.name]}) AND submittedDate:[{first}0000 TO {last}2359]",
            "start": str(start),
            "max_results": str(min(PORTION, plan.most - start) if plan.most else PORTION),
            "sortBy": "submittedDate",
            "sortOrder": "ascending",
        }
        return Ask("", params)

    def read(self, plan: Plan, pages: Sequence[Page], data: bytes) -> Page:
        """Return one page of the feed; one that is shorter than it should be, as arXiv sends at times, is none."""
        root = parse(data)
        if root.tag != f"{_ATOM}feed":
            raise Malformed(f"it is a {root.tag}, no Atom feed")
        entries = root.findall(f"{_ATOM}entry")
        if len(entries) == 1 and "/api/errors" in text(entries[0].find(f"{_ATOM}id")):
            raise Malformed(f"arXiv says: {text(entries[0].find(f'{_ATOM}summary'))[:200]}")
        total = text(root.find(f"{_SEARCH}totalResults"))
        if not is_number(total):
            raise Malformed("it does not say how many records there are")
        before = received(pages)
        expected = min(PORTION, wanted(plan, int(total)) - before)
        if len(entries) < expected:
            raise Malformed(f"it holds {len(entries)} of {expected} records")
        kept = entries[: max(expected, 0)]
        return Page(int(total), tuple(_record(entry, before + place) for place, entry in enumerate(kept, 1)))


def _record(entry: Element, place: int) -> Record:
    return normalise(
        title=text(entry.find(f"{_ATOM}title")),
        authors=[text(one.find(f"{_ATOM}name")) for one in entry.findall(f"{_ATOM}author")],
        year=text(entry.find(f"{_ATOM}published"))[:4],
        kind="misc",
        arxiv=text(entry.find(f"{_ATOM}id")),
        doi=text(entry.find(f"{_ARXIV}doi")),
        abstract=text(entry.find(f"{_ATOM}summary")),
        file=ArXiv.name,
        line=place,
    )
