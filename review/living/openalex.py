"""OpenAlex through its list of works, with a cursor where there is a key and by numbers of pages where there is none.

The client library pyalex is not used: the pages are kept as they came, and it gives neither those nor a limit of time. Source:
https://developers.openalex.org/guides/page-through-results.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from review.errors import OptionError
from review.importing.records import Record, normalise
from review.living.asking import Ask, Malformed, Page, Plan, is_count, received, wanted

PORTION = 100
LONGEST = 4_000
"""Characters of an address that OpenAlex takes, about."""

FIELDS = "id,doi,ids,display_name,authorships,publication_year,type,primary_location,biblio,abstract_inverted_index"
CURSOR, NUMBER = "cursor", "page"
KINDS = {
    "article": "article",
    "review": "article",
    "letter": "article",
    "editorial": "article",
    "book": "book",
    "book-chapter": "incollection",
    "dissertation": "phdthesis",
    "report": "techreport",
    "preprint": "misc",
}


class OpenAlex:
    """The catalogue OpenAlex; days are those of publication, so that what is catalogued late can be missed."""

    name = "openalex"
    address = "https://api.openalex.org"
    interval = 0.11
    suffixes = ("json",)

    def ask(self, plan: Plan, pages: Sequence[Page]) -> Ask | None:
        """Return the request for the next portion."""
        cursor = plan.paging.get(self.name) == CURSOR
        if pages and (received(pages) >= wanted(plan, pages[-1].total) or not pages[-1].records):
            return None
        if pages and (not pages[-1].state if cursor else len(pages) * PORTION >= wanted(plan, pages[-1].total)):
            return None
        days = f"to_publication_date:{plan.until}"
        days = f"from_publication_date:{plan.since},{days}" if plan.since else days
        params = {
            "filter": f"title_and_abstract.search:{plan.texts[self.name]},{days}",
            "select": FIELDS,
            "sort": "publication_date",
            "per_page": str(PORTION),
        }
        params |= {CURSOR: pages[-1].state if pages else "*"} if cursor else {NUMBER: str(len(pages) + 1)}
        if not pages and len(urlencode(params)) > LONGEST:
            raise OptionError(
                f"the query for OpenAlex makes an address of {len(urlencode(params)):,} characters, {LONGEST:,} are the most -> "
                "take fewer terms"
            )
        return Ask("works", params)

    def read(self, plan: Plan, pages: Sequence[Page], data: bytes) -> Page:
        """Return one page of works."""
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"it is not JSON: {error}") from None
        meta, results = (answer.get("meta"), answer.get("results")) if isinstance(answer, dict) else (None, None)
        if not isinstance(meta, dict) or not isinstance(results, list) or not is_count(meta.get("count")):
            said = answer.get("message") or answer.get("error") if isinstance(answer, dict) else ""
            raise Malformed(f"OpenAlex says: {str(said)[:200]}" if said else "it has no count and list of works")
        total, before = int(meta["count"]), received(pages)
        left = wanted(plan, total) - before
        if left > 0 and not results and len(pages) * PORTION < wanted(plan, total):
            raise Malformed(f"it holds none of {left} works that are left")
        if not all(isinstance(work, dict) for work in results):
            raise Malformed("a work is no object")
        records = tuple(_record(work, before + place) for place, work in enumerate(results[: max(left, 0)], 1))
        cursor = meta.get("next_cursor")
        return Page(total, records, cursor if isinstance(cursor, str) else None)


def _record(work: Mapping[str, Any], place: int) -> Record:
    identifiers, location, biblio = (_part(work, name) for name in ("ids", "primary_location", "biblio"))
    source = _part(location, "source")
    first, last = biblio.get("first_page"), biblio.get("last_page")
    landing = location.get("landing_page_url") or ""
    given = work.get("authorships")
    people = given if isinstance(given, list) else []
    authors = [name for one in people if (name := _part(one, "author").get("display_name"))]
    return normalise(
        title=work.get("display_name"),
        authors=[str(name) for name in authors],
        year=work.get("publication_year"),
        kind=KINDS.get(str(work.get("type")), "misc"),
        venue="" if work.get("type") == "preprint" else source.get("display_name"),
        volume=biblio.get("volume"),
        number=biblio.get("issue"),
        pages=f"{first}--{last}" if first and last and first != last else first,
        doi=work.get("doi"),
        arxiv=landing if "arxiv.org/" in str(landing) else "",
        pmid=identifiers.get("pmid"),
        pmcid=identifiers.get("pmcid"),
        url=work.get("id"),
        abstract=_abstract(work.get("abstract_inverted_index")),
        file=OpenAlex.name,
        line=place,
    )


def _part(value: Any, name: str) -> Mapping[str, Any]:
    """Return an object inside another; an empty one where there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _abstract(index: Any) -> str:
    """Return the text behind an inverted index: for each word the places where it stands."""
    if not isinstance(index, dict):
        return ""
    places = [(place, word) for word, found in index.items() if isinstance(found, list) for place in found]
    return " ".join(word for _, word in sorted(pair for pair in places if isinstance(pair[0], int)))
