"""A corpus in which every text is an attack: no page, figure, table or document gets an element, script or command of it."""

from __future__ import annotations

import json
import re
import zipfile
from xml.etree import ElementTree as ET

import hostile_inputs as hostile
import pytest
from people import browser_or_skip
from site_runs import notebook, shown, tiny_run

from review import (
    contact_sheet,
    corpus,
    diagrams,
    export,
    figures,
    gallery,
    imprint,
    joint,
    map_figures,
    map_table,
    paper_html,
    paper_table,
    prisma,
)
from review import publication_tables as tables
from review import report as reports
from review.batch.runner import OK, Outcome
from review.errors import InputError
from review.explore import tables as explore
from review.explore.filters import Filters, Labels
from review.imprint import Facts
from review.notebook import Session
from review.paper_table import Link
from review.publication import Entry, File
from review.publication import latex as figure_latex
from review.site import build
from review.statistics import compute_cross, compute_shares

EVIL = " ".join(hostile.MARKUP)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def loaded(home):
    return corpus.load(hostile.corpus(home / "corpus"))


@pytest.fixture(scope="module")
def report(home, loaded):
    outcomes = [Outcome(f"{hostile.MARKUP[0]}.ipynb", OK, 1.0, EVIL, (hostile.MARKUP[1],), hostile.MARKUP[2])]
    reports.write_html(home / "report.html", loaded, outcomes=outcomes, where='title != "<b class=pwned>"')
    return home / "report.html"


@pytest.fixture(scope="module")
def papers(home, loaded):
    """Every table for a paper, in every format."""
    for table in tables.every(loaded, resamples=5):
        paper_table.write(table, home / "tables")
    return home / "tables"


@pytest.fixture(scope="module")
def site(home, loaded):
    """The site of a run, with a guide that is an attack."""
    run = tiny_run(home / "run", loaded.directory)
    (home / "docs").mkdir()
    (home / "docs" / "how.md").write_text("# How " + "\n\n".join(hostile.MARKUP), "utf-8")
    build.build(loaded, run, home / "site", guides=home / "docs")
    return home / "site"


def entry(name="01-x", words=EVIL):
    facts = Facts(name, words, words, words, words, words, (100.0, 50.0))
    kinds = ("png", "svg", "pdf", "tex")
    return Entry(name, "single", facts, tuple(File(f"{name}.{kind}", kind, 300, "0" * 64) for kind in kinds))


def test_the_corpus_is_an_attack_everywhere(loaded):
    studies = loaded.studies("all")
    assert len(studies) == 6
    assert all(hostile.CANARY in text or "\\" in text or "%" in text for text in studies["title"])
    assert any("<script>" in code for one in loaded.codebook.dimensions.values() for code in one.categories)
    assert hostile.Elements(EVIL).found, "what is looked for is found in the attacks themselves"


def test_the_report_holds_no_element_of_the_corpus(report):
    text = report.read_text("utf-8")
    page = hostile.Elements(text)
    assert page.found == []
    assert "default-src 'none'" in text
    assert f"window.{hostile.CANARY}=1" in page.words


def test_tables_for_papers_hold_no_element_of_the_corpus(papers):
    pages = sorted(papers.glob("*.html"))
    assert len(pages) == 5
    for path in pages:
        text = path.read_text("utf-8")
        assert hostile.Elements(text).found == [], path
        assert "default-src 'none'" in text
    assert any(f"window.{hostile.CANARY}" in hostile.Elements(path.read_text("utf-8")).words for path in pages)


def test_words_of_a_link_are_words():
    link = Link("<b>pwned</b>", "https://example.org/")
    assert paper_html._part(link) == '<a href="https://example.org/">&lt;b&gt;pwned&lt;/b&gt;</a>'


def test_latex_gets_no_command_of_the_corpus(papers):
    whole = ""
    for path in sorted(papers.glob("*.tex")):
        text = path.read_text("utf-8")
        assert not re.search(r"\\(input|include|write|immediate|catcode|def|openout|csname)(?![a-z])", text), path
        assert "^^" not in text.replace(r"\^{}", "")
        body = [line for line in text.split("\n") if not line.startswith("% ")]
        assert not [line for line in body if re.search(r"(?<!\\)%", line)], path
        whole += text
    assert "textbackslash" in whole, "the attacks are there, as letters"
    made = figure_latex(entry(words=" ".join(hostile.TEX).replace("\n", " ")))
    assert not re.search(r"\\(input|write|immediate|catcode|def)(?![a-z])|(?<!\\)%", made)
    assert made.count(r"\end{") == 1


def test_word_files_hold_text_and_links_to_registers_only(papers):
    for path in sorted(papers.glob("*.docx")):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            assert not [name for name in names if "vbaProject" in name or "embeddings" in name or name.startswith(("/", ".."))]
            for name in names:
                if name.endswith((".xml", ".rels")):
                    ET.fromstring(archive.read(name))
            told = archive.read("word/_rels/document.xml.rels").decode()
            body = archive.read("word/document.xml").decode()
        targets = re.findall(r'Target="([a-z]+:[^"]*)"', told)
        assert all(one.startswith(("https://doi.org/", "https://arxiv.org/", "https://pubmed.")) for one in targets)
        assert "w:instrText" not in body
        assert "w:fldSimple" not in body


def test_the_site_holds_no_element_of_the_corpus(site):
    seen = 0
    for path in sorted(site.rglob("*.html")):
        text = path.read_text("utf-8")
        assert hostile.Elements(text).found == [], path
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
        assert policy, path
        assert "default-src 'none'; script-src 'self' blob:;" in policy[1]
        assert "unsafe-inline" not in policy[1].split("style-src")[0]
        seen += f"window.{hostile.CANARY}=1" in text.replace("&#39;", "'")
    assert seen > 5
    for name in ("static/index.js", "site.json"):
        assert "</script" not in (site / name).read_text("utf-8")


OUTPUTS = {
    "text__html": EVIL
    + "<style>@import 'https://pwned.example/a.css'; * { background: url(https://pwned.example/b.png) }</style>"
    + "<div style='position:fixed;inset:0;background:url(https://pwned.example/c.png)' class='pwned skip' id=main>cover</div>"
    + "<a href='data:text/html,<script>1</script>'>d</a><a href='vbscript:x'>v</a><a href='JaVaScRiPt&colon;x'>j</a>"
    + "<form action='https://pwned.example'><button formaction='javascript:x'>b</button></form><input autofocus onfocus=x>"
    + "<video src='https://pwned.example/v' poster='https://pwned.example/p'></video><audio src='https://pwned.example/a'></audio>"
    + "<img src='https://pwned.example/i.png' srcset='https://pwned.example/s.png 2x'><svg><use href='https://pwned.example/u#x'/>"
    + "<animate attributeName=href to='javascript:x'/><foreignObject><iframe src='https://pwned.example'></iframe></foreignObject>"
    + "</svg><math href='javascript:x'><mi>m</mi></math><portal src='https://pwned.example'></portal><base href='https://pwned.example'>",
    "image__svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='window.{hostile.CANARY}=1'><script>1</script></svg>",
    "text__markdown": EVIL + "\n\n[a](javascript:x) ![b](https://pwned.example/m.png)\n\n[c]: data:text/html,x",
    "text__latex": r"$$\href{javascript:window.pwned=1}{x}\input{/etc/passwd}$$",
    "application__javascript": f"window.{hostile.CANARY}=1",
    "application__vnd.vega.v5+json": {"data": [{"url": "https://pwned.example/d.json"}]},
    "application__vnd.jupyter.widget-view+json": {"model_id": EVIL, "version_major": 2, "version_minor": 0},
    "application__vnd.jupyter.widget-state+json": {"state": {"x": {"html": EVIL}}},
    "text__plain": EVIL + "\x1b]8;;https://pwned.example\x07",
}


def test_no_output_of_a_notebook_brings_an_element_into_a_site(loaded, tmp_path):
    made = [("x", shown(**{kind: value, "text__plain": "p"})) for kind, value in OUTPUTS.items()]
    notebook(tmp_path / "run" / "00-evil.ipynb", f"# {EVIL}", *made)
    build.build(loaded, tmp_path / "run", tmp_path / "out")
    text = (tmp_path / "out" / "notebooks" / "00-evil.html").read_text("utf-8")
    page = hostile.Elements(text)
    assert page.found == []
    assert not page.tags & {"style", "video", "audio", "foreignobject", "use", "animate", "portal", "math"}
    assert "position:fixed" not in text.replace("&", "")
    assert "@import" not in text
    assert text.count('id="main"') == 1
    assert "cover" in page.words


def test_names_of_pages_come_from_no_text(site):
    for path in site.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", path.name), path


def strings(value, where=""):
    """Return all texts of a figure that are drawn."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in ("meta", "customdata", "template"):
                yield from strings(item, f"{where}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, where)
    elif isinstance(value, str):
        yield where, value


def test_figures_take_texts_letter_by_letter(loaded, tmp_path):
    """plotly makes links and text styles of some HTML in any text, and formulas of what stands between dollar signs."""
    session = Session(loaded, "first", "", "first", 0, tmp_path)
    choice = {"selection": "all"}
    cells = joint.compute_cells(loaded, "design", "setting", **choice)
    placed = map_table.compute_map(loaded, "design", "setting", "outcome", **choice)
    drawn = [figures.plot_shares(compute_shares(loaded, name), titles=session.titles) for name in loaded.codebook.dimensions]
    drawn += [
        diagrams.plot_flow(prisma.compute_flow(loaded)),
        diagrams.plot_cross(compute_cross(loaded, "design", "setting", **choice), titles=session.titles),
        figures.plot_screening_reasons(prisma.compute_reasons(loaded), titles=session.titles),
        map_figures.plot_map(placed, cells, joint.codes(loaded, "outcome"), titles=session.titles),
    ]
    found = [text for figure in drawn for _, text in strings(json.loads(figure.to_json()))]
    allowed = re.compile(r"</?(b|br|i|em|sub|sup|span|extra)\b[^<>]*>")
    assert [text for text in found if "<" in allowed.sub("", text) or "$" in allowed.sub("", text).replace("&#36;", "")] == []
    assert any(hostile.CANARY in text for text in found)


def test_what_files_of_figures_say_about_themselves_ends_nowhere():
    facts = entry().facts
    drawing = imprint.svg('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><rect/></svg>', facts)
    root = ET.fromstring(drawing)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "title", "desc", "metadata", "RDF", "Description", "relation", "Bag", "li", "description"} | {
        "Alt",
        "identifier",
        "source",
        "rect",
    }
    assert ET.fromstring(imprint._rdf(facts)) is not None


def test_the_contact_sheet_and_the_interactive_page_show_words_as_words():
    page = contact_sheet.page([entry(), entry('x"><img src=x onerror=harm()>')])
    assert hostile.Elements(page).found == []
    assert "default-src 'none'" in page
    figure = diagrams.plot_flow(prisma.compute_flow(corpus.load()))
    text = export.page(figure, export.Item(figure, "01-x", EVIL, EVIL))
    shown = hostile.Elements(text, scripts=True)
    assert shown.found == []
    assert "default-src 'none'" in text


@pytest.mark.parametrize("name", ['x"><img src=x onerror=harm()>', "a b", "..", "CON.a", "x}\\input{y", "\u202ea"])
def test_a_figure_of_an_odd_name_is_refused(name, tmp_path):
    (tmp_path / f"{name}.json").write_text('{"data": [], "layout": {}}')
    (tmp_path / f"{name}.txt").write_text("alt\n\nCaption.\n")
    with pytest.raises(InputError, match="is no name of a figure"):
        gallery.read(tmp_path)


def test_sortable_tables_and_the_explorer_escape_everything(loaded):
    shown = explore.table(reports.compute_studies(loaded, "all"), EVIL).page
    assert hostile.Elements(shown, scripts=True).found == []
    assert shown.count("<script") == 1
    assert not re.search(r"<(b|img|svg|meta|link)\b", shown)


def test_a_code_that_looks_like_a_filter_is_only_that_code(loaded):
    name, dimension = next(iter(loaded.codebook.dimensions.items()))
    odd = next(code for code in dimension.categories if "<" in code)
    where = Filters("all", labels={name: Labels((odd,))}).where(loaded)
    assert list(loaded.studies("all", where)[name]) == [odd]


@pytest.mark.browser
@pytest.mark.slow
def test_nothing_of_it_runs_in_a_browser(home, site, report, papers, loaded):
    """The canary stays unset, nothing is asked of the network, no dialog opens, no page leads away by itself."""
    from playwright.sync_api import sync_playwright

    (home / "unguarded.html").write_text("".join(hostile.MARKUP[:2]), "utf-8")
    (home / "sheet.html").write_text(contact_sheet.page([entry()]), "utf-8")
    (home / "explore.html").write_text(explore.table(reports.compute_studies(loaded, "all"), EVIL).page, "utf-8")
    places = ["index.html", "notebooks/02-shares.html", "studies/index.html", "studies/adams2018pain.html", "guides/how.html"]
    places += ["statistics/design.html", "search.html?q=pwned", "search.html#q=script"]
    addresses = [f"file://{site}/{place}" for place in places]
    addresses += [f"file://{path}" for path in (report, *sorted(papers.glob("*.html")))]
    addresses += [f"file://{home}/{name}.html" for name in ("sheet", "explore")]
    with sync_playwright() as machine:
        browser = machine.chromium.launch(executable_path=browser_or_skip(), args=["--no-sandbox"])
        page = browser.new_page()
        asked, dialogs = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(f"file://{home}/unguarded.html")
        page.wait_for_function(f"window.{hostile.CANARY}")  # the attacks are attacks
        for address in addresses:
            page.goto(address)
            page.wait_for_load_state()
            assert page.evaluate(f"window.{hostile.CANARY}") is None, address
            assert page.url.split("?")[0].split("#")[0] == address.split("?")[0].split("#")[0]
            assert page.locator(f".{hostile.CANARY}").count() == 0
        browser.close()
    assert dialogs == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
