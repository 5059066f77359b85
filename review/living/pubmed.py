"""PubMed through the E-utilities of the NCBI: one search gives all identifiers, then records are fetched in portions.

Identifiers are kept rather than the server's own memory of the search (``WebEnv``), which is gone after some hours: an update
that was cut off can go on at any time, and gets the records that were found when it began. Source: Sayers, The E-utilities in
depth, https://www.ncbi.nlm.nih.gov/books/NBK25499/.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from review.errors import printable
from review.importing.records import Record, normalise
from review.living.asking import Ask, Malformed, Page, Plan, is_number, received, wanted
from review.living.xml import parse, text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PORTION = 200
"""Records a request; more belong in several requests, says the NCBI."""

MOST = 9_999
"""Identifiers that PubMed gives for one search."""


class PubMed:
    """The database PubMed; days are those on which a record was added to it (``edat``)."""

    name = "pubmed"
    address = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
    interval = 0.34
    suffixes = ("json", "xml")

    def ask(self, plan: Plan, pages: Sequence[Page]) -> Ask | None:
        """Return the search, then a request for each portion of its records."""
        if not pages:
            params = {"db": "pubmed", "term": plan.texts[self.name], "retmode": "json", "retstart": "0", "sort": "pub_date"}
            params["retmax"] = str(min(plan.most or MOST, MOST))
            days = {"datetype": "edat", "mindate": plan.since or "1900-01-01", "maxdate": plan.until}
            return Ask("esearch.fcgi", params | {name: day.replace("-", "/") for name, day in days.items()}, post=True)
        portion = self._portion(plan, pages)
        params = {"db": "pubmed", "id": ",".join(portion), "retmode": "xml"}
        return Ask("efetch.fcgi", params, post=True) if portion else None

    def read(self, plan: Plan, pages: Sequence[Page], data: bytes) -> Page:
        """Return the identifiers of the search, or a portion of records."""
        if not pages:
            return _search(data)
        asked = self._portion(plan, pages)
        return _records(data, asked, pages[0].total, received(pages))

    @staticmethod
    def _portion(plan: Plan, pages: Sequence[Page]) -> list[str]:
        identifiers = pages[0].state[: wanted(plan, pages[0].total)]
        start = PORTION * (len(pages) - 1)
        return list(identifiers[start : start + PORTION])


def _search(data: bytes) -> Page:
    """Return what a search has found, and which parts of it PubMed left out."""
    try:
        answer = json.loads(data, strict=False)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"it is not JSON: {error}") from None
    result = answer.get("esearchresult") if isinstance(answer, dict) else None
    if not isinstance(result, dict):
        raise Malformed(f"it has no esearchresult: {str(answer)[:200]}")
    said = result.get("ERROR") or result.get("error")
    if said:
        raise Malformed(f"PubMed says: {str(said)[:200]}")
    found, listed = str(result.get("count", "")), result.get("idlist")
    if not is_number(found) or not isinstance(listed, list) or not all(is_number(str(one)) for one in listed):
        raise Malformed("it has no count and list of identifiers")
    notices = []
    for part in ("errorlist", "warninglist"):
        given = result.get(part) or {}
        for name, values in given.items() if isinstance(given, dict) else [(part, given)]:
            every = values if isinstance(values, list) else [values]
            notices += [printable(f"PubMed: {name}: {str(value)[:200]}") for value in every]
    return Page(int(found), state=tuple(map(str, listed)), notices=tuple(notices))


def _records(data: bytes, asked: Sequence[str], total: int, before: int) -> Page:
    """Return one portion; what was asked for and is not there is told."""
    root = parse(data)
    said = root.find(".//ERROR")
    if root.tag != "PubmedArticleSet":
        raise Malformed(f"PubMed says: {text(said)[:200]}" if said is not None else f"it is a {root.tag}, no PubmedArticleSet")
    entries = [entry for entry in root if entry.tag in ("PubmedArticle", "PubmedBookArticle") and _pmid(entry) in asked]
    if not entries and asked:
        raise Malformed(f"it holds none of the {len(asked)} records that were asked for")
    records = tuple(_record(entry, before + place) for place, entry in enumerate(entries, 1))
    lost = [one for one in asked if one not in {record.pmid for record in records}]
    notices = [f"PubMed: no record came for {len(lost)} of its identifiers: {', '.join(lost[:10])}"] if lost else []
    return Page(total, records, notices=tuple(notices))


def _record(entry: Element, place: int) -> Record:
    """Return an article, or a chapter of a book, in the form of all records."""
    book = entry.find("BookDocument")
    citation = entry.find("MedlineCitation") if book is None else book
    article = citation.find("Article") if book is None and citation is not None else book
    if citation is None or article is None:
        raise Malformed(f"record {place} has no citation")
    given: dict[str, Any] = {"pmid": _pmid(entry)}
    for one in article.findall("ELocationID"):
        if one.get("EIdType") == "doi" and one.get("ValidYN", "Y") == "Y":
            given["doi"] = text(one)
    names = {"doi": "doi", "pmc": "pmcid"}
    lists = entry.findall("PubmedData/ArticleIdList/ArticleId") or article.findall("ArticleIdList/ArticleId")
    for one in lists:
        if names.get(one.get("IdType", "")) and text(one):
            given.setdefault(names[one.get("IdType", "")], text(one))
    issue = article.find("Journal/JournalIssue")
    venue = article.find("Journal/Title") if book is None else article.find("Book/BookTitle")
    dates = [article.find("Journal/JournalIssue/PubDate"), article.find("ArticleDate"), article.find("Book/PubDate")]
    title = article.find("ArticleTitle")
    titles = (text(title), text(article.find("VernacularTitle")), text(article.find("Book/BookTitle")))
    return normalise(
        title=next((one for one in titles if one), "").removesuffix("."),
        authors=[name for one in article.findall("AuthorList/Author") if (name := _author(one))],
        year=next((year for one in dates if one is not None for year in [_year(one)] if year), ""),
        kind="article" if book is None else "incollection",
        venue=text(venue),
        volume="" if issue is None else text(issue.find("Volume")),
        number="" if issue is None else text(issue.find("Issue")),
        pages=text(article.find("Pagination/MedlinePgn")),
        abstract=_abstract(article),
        file=PubMed.name,
        line=place,
        markup=True,
        **given,
    )


def _pmid(entry: Element) -> str:
    return text(entry.find("MedlineCitation/PMID")) or text(entry.find("BookDocument/PMID"))


def _author(one: Element) -> str:
    collective = text(one.find("CollectiveName"))
    if collective:
        return f"{{{collective}}}"
    family, rest = text(one.find("LastName")), text(one.find("ForeName")) or text(one.find("Initials"))
    return f"{family}, {rest}" if rest else family


def _year(date: Element) -> str:
    return text(date.find("Year")) or text(date.find("MedlineDate"))


def _abstract(article: Element) -> str:
    """Return the parts of an abstract with their labels, on one line."""
    parts = [(one.get("Label", ""), text(one)) for one in article.findall("Abstract/AbstractText")]
    return " ".join(f"{label}: {said}" if label else said for label, said in parts if said)
