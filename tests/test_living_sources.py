"""Recorded answers of the three services are read as they are meant; what is none of theirs is refused with a reason."""

import json

import living_server as server
import pytest

from review.errors import OptionError
from review.living import arxiv, openalex, pubmed
from review.living.asking import Malformed, Page, Plan, suffix
from review.living.update import SOURCES

PLAN = Plan(dict.fromkeys(SOURCES, "test"), "2026-01-02", "2026-03-04")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    for module in (pubmed, arxiv, openalex):
        monkeypatch.setattr(module, "PORTION", server.SIZE)


def everything(name, plan=PLAN):
    """All pages of a source, as it asks for them itself."""
    source, pages, asked = SOURCES[name], [], []
    while (ask := source.ask(plan, pages)) is not None:
        asked.append(ask)
        pages.append(source.read(plan, pages, server.recorded(name, len(pages) + 1)))
    return asked, pages, [record for page in pages for record in page.records]


def test_pubmed_is_searched_once_then_fetched_in_portions():
    asked, pages, records = everything("pubmed")
    assert [ask.path for ask in asked] == ["esearch.fcgi", "efetch.fcgi", "efetch.fcgi", "efetch.fcgi"]
    assert all(ask.post for ask in asked)
    search = asked[0].params
    assert (search["term"], search["datetype"], search["mindate"], search["maxdate"]) == (
        "test",
        "edat",
        "2026/01/02",
        "2026/03/04",
    )
    assert [ask.params["id"] for ask in asked[1:]] == ["900000001,900000002", "900000003,900000004", "900000005"]
    assert [record.pmid for record in records] == [f"90000000{number}" for number in range(1, 6)]
    assert [record.line for record in records] == [1, 2, 3, 4, 5]
    assert pages[0].notices == ('PubMed: quotedphrasesnotfound: "generative transformer*"[tiab]',)
    assert [suffix(SOURCES["pubmed"], number) for number in (1, 2, 9)] == ["json", "xml", "xml"]


def test_a_record_of_pubmed_in_full():
    one = everything("pubmed")[2][0]
    assert one.title == "Test record one: synthetic notes on \u03b1-thalassæmia, in vitro and H2O"
    assert one.authors == ("Ødegård, Åse B", "Nobody, N", "Test Record Group")
    assert (one.year, one.venue, one.volume, one.number, one.pages) == (2026, "Journal of Test Records", "7", "2", "10--19")
    assert (one.doi, one.pmcid) == ("10.5555/test.1", "PMC9000001"), "neither the invalid DOI nor that of a cited work"
    assert one.abstract == "BACKGROUND: Nothing was done, p < 0.05. RESULTS: Nothing was found."


def test_what_pubmed_has_besides_articles():
    _, second, _, chapter, foreign = everything("pubmed")[2]
    assert second.year == 2025, "from a date in words"
    assert (chapter.kind, chapter.venue, chapter.title) == ("incollection", "Test Book", "Test record four, a chapter")
    assert foreign.title == "Test record five, ohne englischen Titel"
    assert foreign.authors == ()


def test_arxiv_is_paged_by_start():
    asked, _, records = everything("arxiv")
    assert [(ask.params["start"], ask.params["max_results"]) for ask in asked] == [("0", "2"), ("2", "2"), ("4", "2")]
    assert asked[0].params["search_query"] == "(test) AND submittedDate:[202601020000 TO 202603042359]"
    assert asked[0].params["sortOrder"] == "ascending", "new records move none"
    assert not asked[0].post
    one = records[0]
    assert (one.title, one.arxiv, one.year) == ("Test record six on two lines", "2601.99001", 2026)
    assert one.authors == ("Doe, Jo", "van der Test, Xin")
    assert one.abstract == "An abstract on two lines."
    assert records[2].doi == "10.5555/test.3"


def test_openalex_is_paged_by_numbers_without_a_key():
    asked, _, records = everything("openalex")
    assert [ask.params["page"] for ask in asked] == ["1", "2", "3"]
    days = "from_publication_date:2026-01-02,to_publication_date:2026-03-04"
    assert asked[0].params["filter"] == f"title_and_abstract.search:test,{days}"
    one, preprint, chapter, paper, data = records
    assert one.abstract == "the words of the abstract of the test record"
    assert (one.doi, one.pmid, one.pages, one.venue) == ("10.5555/test.3", "900000003", "20--29", "Journal of Test Records")
    assert (preprint.arxiv, preprint.doi, preprint.venue) == ("2601.99001", "", "")
    assert (chapter.kind, chapter.url) == ("incollection", "https://openalex.org/W9000000003")
    assert (paper.year, paper.venue) == (2017, "")
    assert data.authors == ()


def test_openalex_is_paged_by_a_cursor_with_a_key():
    asked, _, records = everything("openalex", Plan(PLAN.texts, "", "2026-03-04", paging={"openalex": openalex.CURSOR}))
    assert [ask.params["cursor"] for ask in asked] == ["*", "cursor-1", "cursor-2"]
    assert all("from_publication_date" not in ask.params["filter"] for ask in asked)
    assert len(records) == 5


@pytest.mark.parametrize("name", list(SOURCES))
@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_is_asked_for_than_wanted(name, most):
    asked, _, records = everything(name, Plan(PLAN.texts, "2026-01-02", "2026-03-04", most))
    assert len(records) == most
    assert len(asked) == (most + 1) // 2 + (name == "pubmed")


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_source_that_finds_nothing(name):
    page = SOURCES[name].read(PLAN, [], server.without_records(name))
    assert (page.total, page.records) == (0, ())
    assert SOURCES[name].ask(PLAN, [page]) is None


BOMB = b'<!DOCTYPE f [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><feed>&c;</feed>'
OUTSIDE = b'<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed>&x;</feed>'
PARAMETER = b'<!DOCTYPE f [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><feed/>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (BOMB, "the XML is refused: EntitiesForbidden"),
        (OUTSIDE, "the XML is refused: EntitiesForbidden"),
        (PARAMETER, "the XML is refused: EntitiesForbidden"),
        (b"<a>" * 200 + b"</a>" * 200, "more than 100 levels"),
        (b"", "it is not XML"),
        (b"<feed>", "it is not XML"),
        (b'<?xml version="1.0" encoding="no-such-code"?><feed/>', "it is not XML"),
        (b"<html><body>Rate exceeded.</body></html>", "no Atom feed"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom"/>', "does not say how many"),
        (server.recorded("arxiv", 1).replace(b"<entry>", b"<lost>").replace(b"</entry>", b"</lost>"), "holds 0 of 2 records"),
        (
            b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>https://arxiv.org/api/errors#incorrect_id</id>'
            b"<summary>incorrect id format</summary></entry></feed>",
            "arXiv says: incorrect id format",
        ),
    ],
)
def test_a_feed_that_is_none(data, said):
    with pytest.raises(Malformed, match=said):
        SOURCES["arxiv"].read(PLAN, [], data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html/>", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it has no esearchresult"),
        (b'{"error":"API rate limit exceeded","count":"4"}', "API rate limit exceeded"),
        (b'{"esearchresult":{"ERROR":"Search Backend failed"}}', "PubMed says: Search Backend failed"),
        (b'{"esearchresult":{"count":"many","idlist":[]}}', "no count"),
        (b'{"esearchresult":{"count":"1","idlist":["x"]}}', "no count"),
    ],
)
def test_a_search_of_pubmed_that_is_none(data, said):
    with pytest.raises(Malformed, match=said):
        SOURCES["pubmed"].read(PLAN, [], data)


FOUND = Page(5, state=("900000001", "900000002"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<eFetchResult><ERROR>Unable to obtain</ERROR></eFetchResult>", "PubMed says: Unable to obtain"),
        (b"<html/>", "it is a html"),
        (b"<PubmedArticleSet/>", "none of the 2 records"),
        (b"<PubmedArticleSet><PubmedArticle/></PubmedArticleSet>", "none of the 2 records"),
        (
            b"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>900000001</PMID></MedlineCitation></PubmedArticle>"
            b"</PubmedArticleSet>",
            "record 1 has no citation",
        ),
    ],
)
def test_a_portion_of_pubmed_that_is_none(data, said):
    with pytest.raises(Malformed, match=said):
        SOURCES["pubmed"].read(PLAN, [FOUND], data)


def test_a_portion_that_lacks_records_says_which():
    held = b"<PubmedArticle><MedlineCitation><PMID>%d</PMID><Article/></MedlineCitation></PubmedArticle>"
    one = b"<PubmedArticleSet>" + held % 900000002 + held % 900000009 + b"</PubmedArticleSet>"
    page = SOURCES["pubmed"].read(PLAN, [FOUND], one)
    assert page.notices == ("PubMed: no record came for 1 of its identifiers: 900000001",)
    assert [record.pmid for record in page.records] == ["900000002"], "what was not asked for is left out"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("<html/>", "it is not JSON"),
        ("[]", "no count and list"),
        ('{"error": "Invalid", "message": "no such filter"}', "OpenAlex says: no such filter"),
        ('{"meta": {"count": "5"}, "results": []}', "no count and list"),
        ('{"meta": {"count": 5}, "results": []}', "none of 5 works"),
        ('{"meta": {"count": 1}, "results": ["x"]}', "a work is no object"),
    ],
)
def test_a_page_of_openalex_that_is_none(answer, said):
    with pytest.raises(Malformed, match=said):
        SOURCES["openalex"].read(PLAN, [], answer.encode())


def test_a_work_without_anything_is_still_a_record():
    odd = {"authorships": [None, {"author": None}], "ids": None, "abstract_inverted_index": {"a": 3, "b": ["x", 0]}}
    page = SOURCES["openalex"].read(PLAN, [], json.dumps({"meta": {"count": 2}, "results": [{}, odd]}).encode())
    assert [record.title for record in page.records] == ["", ""]
    assert page.records[1].abstract == "b"


def test_openalex_may_send_fewer_works_than_it_counts():
    pages = [Page(3, (object(),)), Page(3, (object(),))]
    assert SOURCES["openalex"].read(PLAN, pages, b'{"meta": {"count": 3}, "results": []}').records == ()
    assert SOURCES["openalex"].ask(PLAN, pages) is None, "three works are two pages"


def test_a_query_too_long_for_an_address_is_refused():
    with pytest.raises(OptionError, match="4,000 are the most"):
        SOURCES["openalex"].ask(Plan({"openalex": "x" * 4000}, "", "2026-01-01"), [])
