"""The site: what pages say, where links lead, what cannot run, and that writing is all or nothing."""

import hashlib
import io
import json
import re
import shutil
import string
from pathlib import Path

import pytest
import yaml
from conftest import TINY
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from pypdf import PdfReader, PdfWriter
from site_runs import SVG, Page, dead_links, notebook, plotly, shown, tiny_run, unsafe

from review import cli, corpus, paths, reproduce
from review.errors import InputError, OptionError, RunError
from review.site import build, cells, command, measures, pictures, search, source, studies, tables
from review.site.clean import clean, data, web
from review.site.markdown import Headings, render, slug
from review.site.places import Places, name_files, relative

EVIL = "</script><script>window.harm=1</script><img src=x onerror=harm()>"


@pytest.fixture(scope="module")
def tiny_site(tmp_path_factory):
    """A site of the tiny corpus, with guides; the run and the folder."""
    home = tmp_path_factory.mktemp("site")
    run = tiny_run(home / "run", TINY)
    guides = home / "docs"
    guides.mkdir()
    (guides / "how.md").write_text("# How\n\n## First\n\n[start](../notebooks/00-start.ipynb) ![p](../figures/x.svg)\n")
    built = build.build(corpus.load(TINY), run, home / "out", guides=guides)
    return run, home / "out", built


def read(folder, name):
    return Page((folder / name).read_text("utf-8"))


def row_of(page_text, first):
    """Return the words of the cells of the table row that begins with some words."""
    for row in re.findall(r"<tr.*?</tr>", page_text, re.DOTALL):
        found = [" ".join(re.sub(r"<[^>]*>", "", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        if found and found[0] == first:
            return found
    raise AssertionError(f"no row {first!r}")


# The whole


def test_every_link_within_the_site_leads_somewhere(tiny_site):
    assert dead_links(tiny_site[1]) == []


def test_the_manifest_tells_what_is_there(tiny_site):
    _, folder, built = tiny_site
    told = json.loads((folder / "site.json").read_text("utf-8"))
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files.pop("site.json")
    assert told["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert told["bytes"] == built.bytes == sum(map(len, files.values()))
    assert told["counts"] == {
        "pages": sum(name.endswith(".html") for name in files),
        "notebooks": 2,
        "figures": 2,
        "tables": 1,
        "dimensions": 3,
        "studies": 6,
        "guides": 1,
        "modules": sum(name.startswith("reference/review") for name in files),
        "searched": told["counts"]["searched"],
    }
    assert (told["corpus"], told["selection"], told["version"], told["left_out"]) == (
        corpus.load(TINY).hash,
        "first",
        "first",
        [],
    )


def test_the_same_run_gives_the_same_bytes(tiny_site, tmp_path):
    run, folder, _ = tiny_site
    again = build.build(corpus.load(TINY), run, tmp_path / "again", guides=run.parent / "docs")
    assert again.manifest == json.loads((folder / "site.json").read_text("utf-8"))
    assert b"/tmp" not in (tmp_path / "again" / "index.html").read_bytes()


def test_every_page_says_how_far_its_numbers_are_findings(tiny_site):
    for path in sorted(tiny_site[1].rglob("*.html")):
        page = Page(path.read_text("utf-8"))
        assert "Calibrated reconstruction: counts of published categories hold by construction." in page.words, path
        policy = page.find("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
        assert "default-src 'none'; script-src 'self' blob:;" in policy
        assert len(page.find("h1")) == 1
        assert len(page.ids) == len(set(page.ids)), path
        assert page.find("html", lang="en")
        assert [image for image in page.find("img") if "alt" not in image] == []


def test_another_review_can_be_shown(tmp_path):
    loaded = corpus.load(paths.ROOT / "examples" / "second-review")
    notebook(tmp_path / "run" / "n.ipynb", "# N", ("1", shown(text__plain="1")))
    built = build.build(loaded, tmp_path / "run", tmp_path / "out")
    assert built.manifest["counts"]["studies"] == len(loaded.references)
    assert dead_links(tmp_path / "out") == []
    assert (tmp_path / "out" / "guides" / "the-corpus.html").is_file()
    assert "The list of the review's" in read(tmp_path / "out", "studies/index.html").words


# Notebooks


def test_a_notebook_shows_the_whole_table_of_the_run_with_links(tiny_site):
    text = (tiny_site[1] / "notebooks" / "02-shares.html").read_text("utf-8")
    page = Page(text)
    assert row_of(text, "design")[:5] == ["design", "cohort", "2", "4", "0"]
    assert "short" not in page.words
    assert {"href": "../statistics/design.html#code-cohort"} in page.find("a")
    assert page.find("a", href="../files/tables/02-shares.csv")
    assert not page.find("a", href="../files/tables/missing.csv")


def test_a_figure_is_a_picture_first_with_its_words_and_files(tiny_site):
    _, folder, _ = tiny_site
    text = (folder / "notebooks" / "02-shares.html").read_text("utf-8")
    page = Page(text)
    still = page.find("img", **{"class": "still"})[0]
    assert (still["src"], still["alt"], still["width"]) == ("../files/figures/02-shares.svg", "Three bars.", "658")
    assert "A caption." in page.words
    names = [found["href"] for found in page.find("a") if "download" in found]
    assert {"../files/figures/02-shares.svg", "../files/figures/02-shares.json", "../files/tables/02-shares.csv"} <= set(names)
    drawings = [json.loads(script) for script in page.scripts if script.startswith("{")]
    assert [sorted(drawing) for drawing in drawings] == [["narrow", "wide"], ["wide"]]
    assert drawings[0]["narrow"]["layout"]["width"] < drawings[0]["wide"]["layout"]["width"]
    assert "meta" not in drawings[0]["wide"]["layout"]
    assert "There is no static picture of this figure" in page.words
    assert (folder / "static" / "plotly.packed.js").stat().st_size > 1e6


def test_notebooks_without_figures_load_no_library(tmp_path):
    notebook(tmp_path / "run" / "n.ipynb", "# N", ("1", shown(text__plain="1")))
    build.build(corpus.load(TINY), tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out" / "static" / "plotly.packed.js").exists()


def test_errors_streams_and_failed_runs_are_shown_as_text(tiny_site):
    page = read(tiny_site[1], "notebooks/00-start.html")
    assert page.find("pre", **{"class": "error"})
    assert "Zero" in page.words
    assert "\x1b" not in page.words
    assert "This notebook did not run through: failed." in page.words
    assert page.find("a", href="02-shares.html#by-design")
    assert "nothing" in page.words
    assert not [link for _, _, link in page.links if "gone" in link]


def test_cells_that_hold_a_key_lead_to_the_study(tiny_site):
    page = read(tiny_site[1], "notebooks/02-shares.html")
    assert page.find("a", href="../studies/adams2018pain.html")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ('session.table(x, "02-shares")', "02-shares"),
        ('y = 1\nsession.table(frame=x, name="a-b")', "a-b"),
        ('session.table(x, "02-shares").head()', ""),
        ('x = session.table(x, "02-shares")', ""),
        ('session.table(x, "../../etc/passwd")', ""),
        ('table(x, "a")', ""),
        ("session.table(x, name)", ""),
        ("%matplotlib inline", ""),
        ("# nothing", ""),
    ],
)
def test_the_table_of_a_cell_is_known_from_its_last_line(code, name):
    assert cells.written(code) == name


def test_pictures_in_outputs_become_data_addresses(tmp_path):
    run, loaded = tmp_path / "run", corpus.load(TINY)
    notebook(
        run / "n.ipynb",
        "# N",
        ("a", shown(image__png="aGk=\n", text__plain="<Figure>")),
        ("b", shown(**{"image__svg+xml": "<svg onload='harm()'/>"})),
        ("c", shown(image__png="a", text__plain="x")),
        ("c", shown(image__png="aGk\u2028=", text__plain="x")),
        ("d", shown(**{"application__vnd.jupyter.widget-view+json": {"model_id": "1"}})),
        ("e", shown(application__json={"a": 1})),
    )
    shelf = source.read(run, loaded)
    reader = cells.Reader(shelf, shelf.notebooks[0], loaded, Places.of(loaded), "notebooks/n.html", Headings())
    found = [(block.kind, block.html) for block in reader.blocks() if block.kind not in ("code", "html")]
    assert found[0] == ("image", "data:image/png;base64,aGk=")
    assert found[1][1].startswith("data:image/svg+xml;base64,")
    assert found[2] == found[3] == ("error", "a picture of type image/png that cannot be read")
    assert found[4] == ("text", cells.LIVE)
    assert len(found) == 5


# Studies and statistics


def test_the_page_of_a_study_tells_codes_by_coder_and_what_is_unknown(tiny_site):
    text = (tiny_site[1] / "studies" / "adams2018pain.html").read_text("utf-8")
    page = Page(text)
    assert page.find("a", href="https://doi.org/10.1000/pain_2018")
    assert row_of(text, "a") == ["a", "Cohort", "high", "followed for a year", "abstract"]
    assert row_of(text, "b") == ["b", "Trial", "low", "followed, it seems", "abstract"]
    assert row_of(text, "verifier")[1] == "Cohort"
    assert "Pain; Sleep; reported as not done: Mood" in page.words
    assert "whether a study is one of the review's 4 is unknown" in page.words
    assert "first (chosen so that the published counts hold)" in page.words
    assert "pool (identity, eligibility and main codes verified)" in page.words
    assert "@article{adams2018pain," in page.words
    assert page.find("a", rel="next", href="brown2019sleep.html")
    assert not page.find("a", rel="prev")


def test_a_study_without_codes_is_unknown_not_no(tiny_site):
    page = read(tiny_site[1], "studies/fox2022clinic.html")
    assert "Design: unknown" in " ".join(page.words.split())
    assert "Identifiernone known" in page.words
    assert "unverified (not-found)" in page.words


def test_labels_on_one_ground_stand_in_one_row(small):
    by_key = {study.row["key"]: study for study in studies.gather(small, Places.of(small))}
    outcome = by_key["brown2019sleep"].coded[1]
    assert [(code.coder, code.values) for code in outcome.codes] == [("consensus", ("Pain", "reported as not done: Sleep"))]
    assert outcome.consensus == (("Pain", "statistics/outcome.html#code-pain"), ("reported as not done: Sleep", ""))


def test_membership_is_said_as_far_as_the_default_selection_tells(small, damage):
    assert studies.membership(small).startswith("The authors' list is not available")
    listed = corpus.load(damage("codebook.yaml", "selection: first", "selection: authors"))
    assert studies.membership(listed) == "The list of the review's 4 studies is known: the selection authors."
    pool = corpus.load(damage("codebook.yaml", "selection: authors", "selection: pool"))
    assert studies.membership(pool) == "This corpus has no list of the studies that a review included."


def test_counts_and_the_studies_behind_them(small, tiny_site):
    run = source.read(tiny_site[0], small)
    measure = measures.gather(small, run, Places.of(small), {"figures/02-shares": "notebooks/02-shares.html#figure"})[0]
    names = {one.category.code: [citation for _, citation, _ in one.studies] for one in measure.counted}
    assert names == {
        "cohort": ["Adams et al. 2018", "Díaz et al. 2020"],
        "trial": ["Brown 2019"],
        "survey": ["Chen and Dow 2020"],
    }
    assert [one.row["count"] for one in measure.counted] == [2, 1, 1]
    assert measure.counted[0].published["published"] == "50.0"
    assert measure.figures == (("notebooks/02-shares.html#figure", "A caption."),)


def test_unknown_studies_are_listed(small, tiny_site):
    run = source.read(tiny_site[0], small)
    outcome = measures.gather(small, run, Places.of(small), {})[1]
    assert outcome.dimension.absence == "unknown"
    sleep = next(one for one in outcome.counted if one.category.code == "sleep")
    assert [citation for _, citation, _ in sleep.studies] == ["Adams et al. 2018"]
    assert [citation for _, citation, _ in sleep.unknown] == ["Chen and Dow 2020", "Díaz et al. 2020"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"dimension": "outcome", "n": 1}], ["outcome"]),
        ([{"design": "trial", "pain": 1, "sleep": 2}], ["design", "outcome"]),
        ([{"key": "a", "design": "trial"}], []),
        ([{"rows": "design", "columns": "setting"}], ["design", "setting"]),
        ([], []),
    ],
)
def test_dimensions_of_a_table(small, rows, found):
    assert measures.named(rows, small) == found


# Tables


def test_numbers_keys_and_addresses_in_cells(small):
    rows = [
        {"key": "adams2018pain", "design": None, "share": 0.5, "p": 0.00001, "n": 3, "ok": True, "link": "https://a.org/b"},
        {"key": "gone", "design": "trial", "share": None, "p": 0.25, "n": 40, "ok": False, "link": "javascript:x"},
    ]
    grid = tables.grid(rows, small, Places.of(small), "notebooks/n.html")
    assert [kind for _, kind in grid.columns] == ["", "", "n", "n", "n", "", ""]
    first, second = ([cell.pieces for cell in row] for row in grid.rows)
    assert first[0] == (("adams2018pain", "../studies/adams2018pain.html"),)
    assert [pieces[0][0] for pieces in first[1:]] == ["unknown", "0.500", "1.0e-05", "3", "yes", "a.org/b"]
    assert first[6][0][1] == "https://a.org/b"
    assert second[0] == (("gone", ""),)
    assert [pieces[0][0] for pieces in second[1:]] == ["trial", "", "0.250", "40", "no", "javascript:x"]
    assert second[6][0][1] == ""


def test_codes_lead_to_their_statistics(small):
    places = Places.of(small)
    rows = [
        {"dimension": "setting", "category": "at home", "percent": -12.5},
        {"dimension": "no", "category": "x", "percent": 1.0},
    ]
    grid = tables.grid(rows, small, places, "index.html")
    assert grid.rows[0][0].pieces == (("setting", "statistics/setting.html"),)
    assert grid.rows[0][1].pieces == (("at home", "statistics/setting.html#code-at-home"),)
    assert [row[2].pieces[0][0] for row in grid.rows] == ["\u221212.50", "1.00"]
    assert grid.rows[1][1].pieces == (("x", ""),)
    cross = tables.grid([{"design": "trial", "pain": 1}], small, places, "index.html")
    assert cross.rows[0][0].pieces == (("trial", "statistics/design.html#code-trial"),)
    keys = tables.grid([{"keys": "adams2018pain; brown2019sleep"}], small, places, "index.html")
    assert [address for _, address in keys.rows[0][0].pieces] == ["studies/adams2018pain.html", "studies/brown2019sleep.html"]


def test_long_tables_are_cut_and_say_so(small):
    grid = tables.grid([{"n": number} for number in range(500)], small, Places.of(small), "index.html")
    assert (len(grid.rows), grid.total) == (tables.MOST, 500)


# What must not run


def attack(address="https://harm.example/x.js"):
    """Return HTML that tries whatever is known."""
    return (
        f"<script src='{address}'></script><script>harm()</script><img src=x onerror=harm()><img src='{address}'>"
        "<iframe srcdoc='<script>harm()</script>'></iframe><object data=x></object><embed src=x><form action=x><input></form>"
        "<a href='javascript:harm()'>a</a><a href=' java\nscript:harm()'>b</a><a href='data:text/html,x'>c</a>"
        "<svg><script>harm()</script><a xlink:href='javascript:harm()'><rect onclick=harm() /></a><foreignObject><p>x</p>"
        "</foreignObject><use href='#x'/><animate onbegin=harm() /><style>@import 'x'</style></svg>"
        "<math><mtext><table><mglyph><style><img src=x onerror=harm()></style></mglyph></table></mtext></math>"
        "<meta http-equiv=refresh content='0;url=x'><base href='https://harm.example/'><link rel=stylesheet href=x>"
        "<div style='position:fixed;inset:0' class='skip' id='main'>cover</div><p onmouseover=harm()>words</p>"
        "<noscript><p title='</noscript><img src=x onerror=harm()>'></noscript>"
        "<img srcset='x 1x' src='data:image/png;base64,aGk='>"
        "<img src='data:text/html;base64,aGk='><table background=x><tr><td>cell</td></tr></table><button formaction=x>z</button>"
    )


def test_html_of_outputs_is_cut_down_to_words_tables_and_links():
    html = clean(attack(), lambda address: address if address == "x" else None)
    page = Page(f"<body>{html}</body>")
    assert unsafe(page) == []
    assert "harm" not in html
    for words in ("cover", "words", "cell"):
        assert words in page.words
    assert page.ids == []
    assert not page.find("div", **{"class": "skip"})
    assert page.find("img", src="data:image/png;base64,aGk=")


@settings(deadline=None)
@given(st.text(alphabet="<>/\"'= abonerrorscriptimgsvgjavascript:&;\n\x00", max_size=80))
def test_no_text_gets_through_as_something_that_runs(text):
    assert unsafe(Page(clean(text, lambda address: None))) == []


def test_a_malicious_notebook_shows_as_text(tmp_path):
    figure = {
        "data": [{"type": "bar", "x": [EVIL], "y": [1], "text": float("nan")}],
        "layout": {"title": {"text": EVIL}, "images": [{"source": "https://harm.example/a.png"}]},
    }
    notebook(
        tmp_path / "run" / "evil.ipynb",
        f"# {EVIL}\n\n{attack()}\n\n[x](javascript:harm()) ![y](https://harm.example/a.png)",
        (EVIL, {"output_type": "stream", "name": "stderr", "text": EVIL}),
        ("a", shown(text__html=attack(), text__plain="x")),
        ("b", shown(text__markdown=attack())),
        ("c", shown(application__javascript="harm()", text__plain=EVIL)),
        ("d", {"output_type": "error", "ename": EVIL, "evalue": EVIL, "traceback": []}),
        ("e", plotly(figure)),
        ("f", shown(image__jpeg="aGk=", text__plain=EVIL)),
    )
    build.build(corpus.load(TINY), tmp_path / "run", tmp_path / "out")
    for path in sorted((tmp_path / "out").rglob("*.html")):
        assert unsafe(Page(path.read_text("utf-8"))) == [], path
    page = read(tmp_path / "out", "notebooks/evil.html")
    drawn = [json.loads(script) for script in page.scripts if script]
    assert drawn[0]["wide"]["data"][0]["x"] == [EVIL]
    assert drawn[0]["wide"]["data"][0]["text"] is None
    assert "window.harm=1" in page.words


def test_a_malicious_corpus_shows_as_text(damage, tmp_path):
    damage("bibliography.bib", "{{Sleep in Wards: 50\\% Less}}", "{{" + EVIL + "}}")
    damage("coding.csv", "followed for a year", '"' + EVIL + '"')
    damage("coding.csv", "high,allocated,https://example.org/brown", "high,allocated,javascript:harm()")
    folder = damage("codebook.yaml", "title: Design", f'title: "{EVIL}"')
    loaded = corpus.load(folder)
    notebook(tmp_path / "run" / "n.ipynb", "# N", ("1", shown(text__plain="1")))
    build.build(loaded, tmp_path / "run", tmp_path / "out")
    for path in sorted((tmp_path / "out").rglob("*.html")):
        assert unsafe(Page(path.read_text("utf-8"))) == [], path
    assert EVIL in read(tmp_path / "out", "studies/brown2019sleep.html").words
    script = (tmp_path / "out" / "static" / "index.js").read_text("utf-8")
    assert "<" not in script
    entries = json.loads(script.removeprefix("window.siteIndex = ").removesuffix(";\n"))
    assert any(EVIL in entry["t"] for entry in entries)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda part: st.lists(part) | st.dictionaries(st.text(), part)
    )
)
def test_data_in_pages_is_read_back_and_ends_no_element(value):
    text = data(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://a.org/x?y=1#z", True),
        ("HTTP://a.org", True),
        ("javascript:x", False),
        ("//a.org", False),
        ('https://a.org/"x', False),
        ("ftp://a.org", False),
        ("", False),
        (None, False),
    ],
)
def test_links_lead_to_the_web_or_nowhere(address, good):
    assert web(address) == (address if good else "")


def test_the_report_of_a_run_is_shown_without_what_runs(tiny_site, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_site[0], run)
    (run / "report.html").write_text(
        f"<html><main><h1>Report</h1><p id='p1'><code>adams2018pain</code> <a href='#p1'>up</a></p>{attack()}"
        '<figure id="figure-02-shares"><img src="data:image/svg+xml;base64,aGk=" alt="bars"></figure></main></html>'
    )
    card = run / "cards" / "one" / "card.html"
    card.parent.mkdir(parents=True)
    card.write_text(
        f"<main><h1>Card</h1>{attack()}<svg viewBox='0 0 1 1' role='img'><title>w</title><path d='M0 0'/></svg></main>"
    )
    build.build(corpus.load(TINY), run, tmp_path / "out")
    page = read(tmp_path / "out", "report.html")
    assert unsafe(page) == []
    assert page.find("a", href="studies/adams2018pain.html")
    assert page.find("img", alt="bars", src="files/figures/02-shares.svg")
    assert page.find("a", href="#p1")
    shown_card = read(tmp_path / "out", "cards/one.html")
    assert unsafe(shown_card) == []
    assert shown_card.find("path")
    assert dead_links(tmp_path / "out") == [("report.html", "#p1")] or dead_links(tmp_path / "out") == []


# Places and headings


@settings(deadline=None)
@given(st.lists(st.text(string.printable + "äé/\\", min_size=1, max_size=130), unique=True, max_size=12))
def test_file_names_are_safe_and_no_two_alike(names):
    found = name_files(names)
    assert list(found) == names
    assert len({file.lower() for file in found.values()}) == len(names)
    for file in found.values():
        assert re.fullmatch(r"[A-Za-z0-9_.-]{1,130}", file)
        assert file.split(".")[0].lower() not in ("", "con", "index", "nul")


def test_plain_names_stay_as_they_are():
    assert name_files(["adams2018pain", "a.b", "A.b"])["adams2018pain"] == "adams2018pain"
    assert name_files(["a.b", "A.b"])["A.b"] != "A.b"
    assert name_files(["index", "x:y"])["x:y"].startswith("x-y-")
    assert name_files(["CON.0"])["CON.0"].startswith("CON-0-"), "some systems keep a name for themselves whatever its ending"


@pytest.mark.parametrize(
    ("target", "page", "address"),
    [
        ("index.html", "studies/a.html", "../index.html"),
        ("studies/a.html", "studies/b.html", "a.html"),
        ("statistics/x.html#code-y", "index.html", "statistics/x.html#code-y"),
        ("files/ä b.csv", "a/b.html", "../files/%C3%A4%20b.csv"),
    ],
)
def test_addresses_are_relative(target, page, address):
    assert relative(target, page) == address


def test_addresses_in_sources_lead_to_pages(small):
    places = Places.of(small)
    places.sources["docs/batch.md"], places.sources["notebooks/02.ipynb"] = "guides/batch.html", "notebooks/02.html"
    resolve = places.resolve("guides/x.html", "docs/x.md")
    assert resolve("batch.md#grid") == "batch.html#grid"
    assert resolve("../notebooks/02.ipynb") == "../notebooks/02.html"
    assert resolve("#here") == "#here"
    assert resolve("../../etc/passwd") is None
    assert resolve("") is None


def test_headings_get_places_and_the_first_is_the_title():
    headings = Headings()
    html = render("# One *two*\n\n## A b!\n\n# Late\n\n## A b!\n\ntext <b onclick=x>b</b>", lambda address: address, headings)
    assert headings.title == "One two"
    assert [(heading.level, heading.id) for heading in headings.found] == [(2, "a-b"), (2, "late"), (2, "a-b-2")]
    assert "<h1" not in html
    assert '<h2 id="a-b-2">' in html
    assert "<b>b</b>" in html


def test_slugs_are_those_of_code_hosts():
    assert slug("What is skipped?") == "what-is-skipped"
    assert slug("Zürich & more") == "zürich--more"


# Search


def test_the_index_has_sections_studies_and_codes(tiny_site):
    script = (tiny_site[1] / "static" / "index.js").read_text("utf-8")
    entries = json.loads(script.removeprefix("window.siteIndex = ").removesuffix(";\n"))
    found = {entry["a"]: entry for entry in entries}
    assert found["notebooks/02-shares.html#by-design"]["t"] == "Shares: By design"
    assert "Zürich" in found["notebooks/02-shares.html#by-design"]["s"]
    assert "Three bars." in found["notebooks/02-shares.html#by-design"]["s"]
    assert found["statistics/design.html#code-cohort"]["t"] == "Design: Cohort"
    study = found["studies/adams2018pain.html"]
    assert "followed for a year" in study["s"]
    assert "10.1000/pain_2018" in study["s"]
    assert found["guides/how.html#first"]["k"] == "guide"
    for address in found:
        assert (tiny_site[1] / address.partition("#")[0]).is_file()


def test_folding_is_without_case_and_accents():
    assert search.fold("DÍAZ Straße") == "diaz straße"


# Pictures


def png(colours):
    image = Image.effect_noise((120, 80), 90).convert("RGBA") if colours else Image.new("RGBA", (120, 80), (255, 0, 0, 0))
    told = PngImagePlugin.PngInfo()
    told.add_text("Source", "corpus 1234")
    content = io.BytesIO()
    image.save(content, "PNG", dpi=(300, 300), pnginfo=told)
    return content.getvalue()


def test_png_files_keep_size_resolution_and_texts():
    small = pictures.palette(png(colours=True))
    with Image.open(io.BytesIO(small)) as image:
        assert (image.size, image.mode) == ((120, 80), "P")
        assert round(image.info["dpi"][0]) == 300
        assert image.text["Source"] == "corpus 1234"
    with Image.open(io.BytesIO(pictures.palette(png(colours=False)))) as clear:
        assert clear.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_pdf_files_lose_repeated_objects(tmp_path):
    writer = PdfWriter()
    for _ in range(3):
        writer.add_blank_page(100, 50)
    whole = io.BytesIO()
    writer.write(whole)
    small = pictures.merged(whole.getvalue())
    assert len(PdfReader(io.BytesIO(small)).pages) == 3
    assert pictures.merged(whole.getvalue()) == small
    assert pictures.merged(b"no pdf") == b"no pdf"


def test_a_file_that_gets_no_smaller_stays_as_it_is(tmp_path):
    (tmp_path / "f.json").write_bytes(b'{"data":[]}')
    (tmp_path / "f.svg").write_text(SVG)
    found = pictures.files(tmp_path, source.Picture("f", {}, "", ""), ("svg", "pdf", "json"))
    assert found == {"svg": SVG.encode(), "json": b'{"data":[]}'}


def test_the_size_of_a_drawing():
    assert pictures.size(SVG.encode()) == (658, 132)
    assert pictures.size(b'<svg width="100" height="50px">') == (100, 50)
    assert pictures.size(b'<svg viewBox="0 0 1 1">') == (0, 0)


@pytest.mark.parametrize(
    "meta", [None, {"width": "double"}, {"width": "double", "single": {"error": "x"}}, "x", {"width": "single"}]
)
def test_a_figure_with_one_width_is_drawn_at_it(meta):
    assert list(pictures.drawable({"data": [], "layout": {"meta": meta, "width": 1}})) == ["wide"]


# Reading a run


def test_a_run_of_another_corpus_is_refused(tiny_site, real):
    with pytest.raises(RunError, match=r"was made from corpus .* -> run review reproduce again, or name its corpus"):
        source.read(tiny_site[0], real)


def test_a_folder_without_executed_notebooks_is_refused(small, tmp_path):
    with pytest.raises(RunError, match="there is no run in"):
        source.read(tmp_path / "gone", small)
    with pytest.raises(RunError, match="there is no executed notebook in"):
        source.read(tmp_path, small)
    notebook(tmp_path / "n.ipynb", "# N", ("1",))
    with pytest.raises(RunError, match="there is no executed notebook in"):
        source.read(tmp_path, small)


def test_broken_files_are_named_with_their_line(small, tmp_path):
    notebook(tmp_path / "n.ipynb", "# N", ("1", shown(text__plain="1")))
    (tmp_path / "summary.json").write_text('{\n "corpus": \n}')
    with pytest.raises(InputError) as caught:
        source.read(tmp_path, small)
    problem = caught.value.problems[0]
    assert (Path(problem.file).name, problem.line, problem.message) == ("summary.json", 3, "not JSON (Expecting value)")
    (tmp_path / "summary.json").write_text("[]")
    with pytest.raises(InputError, match="it is not a summary of a run"):
        source.read(tmp_path, small)
    (tmp_path / "summary.json").unlink()
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "t.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match="it is not a list of rows"):
        source.read(tmp_path, small).table("t")
    (tmp_path / "report.html").write_text("<p>nothing</p>")
    with pytest.raises(InputError, match="there is no <main> in it"):
        build.build(small, tmp_path, tmp_path.parent / "out")


def test_of_figures_alike_the_promised_one_is_taken(small, tiny_site, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_site[0], run)
    for kind in ("json", "svg", "txt"):
        shutil.copy(run / "figures" / f"02-shares.{kind}", run / "figures" / f"01-same.{kind}")
    (run / "figures" / "other.json").write_text("[]")
    read_run = source.read(run, small)
    figure = read_run.pictures["figures/01-same"].figure
    assert read_run.picture(figure, ["figures/02-shares.json"]).name == "02-shares"
    assert read_run.picture(figure, []).name == "01-same"
    assert read_run.picture({"data": [], "layout": {}}, []) is None
    assert "figures/other" not in read_run.pictures


# Writing


def test_a_folder_with_other_things_is_kept_unless_forced(tiny_site, tmp_path):
    run, loaded = tiny_site[0], corpus.load(TINY)
    target = tmp_path / "mine"
    target.mkdir()
    (target / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="holds something that is no site"):
        build.build(loaded, run, target)
    assert (target / "letter.txt").read_text() == "dear"
    build.build(loaded, run, target, force=True)
    assert not (target / "letter.txt").exists()
    (target / "old.html").write_text("x")
    build.build(loaded, run, target)
    assert not (target / "old.html").exists()
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(RunError, match="is a file"):
        build.build(loaded, run, file, force=True)


def test_a_folder_that_holds_the_run_is_never_replaced(tiny_site):
    with pytest.raises(RunError, match="would be replaced, and"):
        build.build(corpus.load(TINY), tiny_site[0], tiny_site[0].parent, force=True)


def test_what_was_there_stays_if_writing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "exchange", lambda new, old: False)  # a system that cannot let two folders change places
    target = tmp_path / "site"
    build.replace(target, {"a/b.txt": b"old"})

    def fail(old, new):
        if old.name == "new":
            raise OSError("disk full")
        old.rename(new)

    with pytest.raises(OSError, match="disk full"):
        build.replace(target, {"a/b.txt": b"new"}, rename=fail)
    assert (target / "a" / "b.txt").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_large_site_leaves_out_png_then_pdf(tiny_site, tmp_path):
    run, loaded = tmp_path / "run", corpus.load(TINY)
    shutil.copytree(tiny_site[0], run)
    (run / "figures" / "02-shares.png").write_bytes(png(colours=True))
    (run / "figures" / "02-shares.pdf").write_bytes(b"%PDF-" + b"x" * 50_000)
    whole = build.build(loaded, run, tmp_path / "out")
    assert whole.manifest["left_out"] == []
    assert "files/figures/02-shares.pdf" in whole.manifest["files"]
    cut = build.build(loaded, run, tmp_path / "out", limit=whole.bytes - 1000)
    assert cut.manifest["left_out"] == ["png"]
    assert "files/figures/02-shares.png" not in cut.manifest["files"]
    assert dead_links(tmp_path / "out") == []
    least = build.build(loaded, run, tmp_path / "out", limit=1)
    assert least.manifest["left_out"] == ["png", "pdf", "json"]
    assert build.build(loaded, run, tmp_path / "out", limit=0).bytes == whole.bytes


def test_what_goes_is_enough_and_no_more():
    downloads = [{"svg": b"12345", "pdf": b"1234", "png": b"123456"}, {"png": b"1234", "json": b"12"}]
    kinds = ["pdf", "png", "json"]
    assert build.surplus(0, downloads, kinds) == []
    assert build.surplus(1, downloads, kinds) == build.surplus(10, downloads, kinds) == ["png"]
    assert build.surplus(11, downloads, kinds) == ["png", "pdf"]
    assert build.surplus(99, downloads, kinds) == ["png", "pdf", "json"]
    assert build.surplus(1, downloads, ["json"]) == ["json"]


def test_the_reference_says_what_the_docstrings_say(tiny_site):
    from review import statistics

    page = read(tiny_site[1], "reference/review.statistics.html")
    assert page.find("h2", id="review.statistics.compute_shares")
    text = " ".join(page.words.split())
    assert "compute_shares(corpus: Corpus, dimension: str, selection: str = 'default', where: str = '', version: str" in text
    assert statistics.compute_shares.__doc__.split("\n")[0] in text
    names = {place.rpartition(".")[2] for place in page.ids}
    assert "wilson" in names
    assert not {"_memberships", "TYPE_CHECKING", "annotations"} & names, "what is private, or not from here, is left out"
    assert page.find("a", href="review.corpus.html#review.corpus.Corpus.studies")
    assert read(tiny_site[1], "reference/review.corpus.html").find("h3", id="review.corpus.Corpus.studies")


def test_every_public_module_is_in_the_reference(tiny_site):
    import pkgutil

    import review

    listed = {name for _, _, link in read(tiny_site[1], "reference/index.html").links if (name := link).startswith("review.")}
    names = [name for _, name, _ in pkgutil.walk_packages(review.__path__, "review.")]
    assert listed == {"review.html", *(f"{name}.html" for name in names)}


def test_a_value_is_shown_with_its_type_and_docstring():
    from review.site import reference

    theme = next(module for module in reference.modules() if module.name == "review.theme")
    things = {thing.name: thing for thing in theme.things}
    assert things["WIDTHS"].kind == "value"
    assert things["WIDTHS"].signature == "WIDTHS: dict[Width, float] = {'single': 84.0, 'double': 174.0}"
    assert "Column widths of a journal page, in millimetres" in things["WIDTHS"].parts[0].html
    assert "INK" not in things, "a value without a docstring is left out"


# The command


@pytest.fixture
def guides(tmp_path, monkeypatch):
    """One guide instead of those of the project."""
    folder = tmp_path / "docs"
    folder.mkdir()
    shutil.copy(command.GUIDES / "site.md", folder)
    monkeypatch.setattr(command, "GUIDES", folder)


@pytest.mark.usefixtures("guides")
def test_the_command_writes_a_site(tiny_site, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["site", "--corpus", str(TINY), "--from", str(tiny_site[0]), "--out", str(out), "--downloads", "none"]
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert said.out == f"{out / 'index.html'}\n"
    assert "notebooks 2" in said.err
    assert not (out / "files" / "figures" / "02-shares.json").exists()
    assert (out / "guides" / "site.html").is_file()
    assert cli.main([*words, "--limit", "1"]) == 0
    assert "it is still larger than 1 MB" in capsys.readouterr().err
    assert cli.main([*words, "--limit", "-1"]) == 2


def test_wrong_options_say_what_to_do(tiny_site, tmp_path, capsys):
    with pytest.raises(OptionError, match="no kind of file named 'gif' -> choose of: pdf, png, json, or none"):
        command.downloads("pdf,gif")
    assert command.downloads("pdf, png") == ("pdf", "png")
    assert cli.main(["site", "--from", str(tiny_site[0]), "--out", str(tmp_path / "out")]) == 1
    assert "was made from corpus" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("guides")
def test_what_is_left_out_is_said(tiny_site, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(tiny_site[0], run)
    (run / "figures" / "02-shares.pdf").write_bytes(b"%PDF-" + b"x" * 2_000_000)
    words = ["site", "--corpus", str(TINY), "--from", str(run), "--out", str(tmp_path / "out"), "--limit", "6"]
    assert cli.main(words) == 0
    assert "left out to stay below 6 MB: png, pdf" in capsys.readouterr().err


def test_a_run_is_made_if_there_is_none(tiny_site, tmp_path, monkeypatch, capsys):
    asked = []

    def pretend(**options):
        asked.append(options)
        shutil.copytree(tiny_site[0], options["folder"])
        status = "ok" if len(asked) < 2 else "failed"
        outcome = reproduce.Outcome("n.ipynb", status, 1.0, "", (), "")
        return reproduce.Result(options["folder"], (outcome,), (), ())

    monkeypatch.setattr(paths, "RUNS", tmp_path)
    monkeypatch.setattr(reproduce, "reproduce", pretend)
    loaded = corpus.load(TINY)
    folder = tmp_path / f"first-first-{loaded.hash[:12]}"
    assert command.executed(loaded, str(TINY)) == folder
    assert [(options["corpus_dir"], options["demonstrations"]) for options in asked] == [(str(TINY), "none")]
    assert command.executed(loaded, str(TINY)) == folder
    assert len(asked) == 1
    assert "review reproduce brings it up to date" in capsys.readouterr().err
    shutil.rmtree(folder)
    with pytest.raises(RunError, match="not every notebook ran"):
        command.executed(loaded, str(TINY))


def test_the_run_is_looked_for_where_reproduce_leaves_it(real, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    monkeypatch.setattr(reproduce, "Manifest", lambda target: seen.append(target) or (_ for _ in ()).throw(RunError("stop")))
    with pytest.raises(RunError, match="stop"):
        reproduce.reproduce(demonstrations="none")
    assert seen == [source.latest(real).resolve()]


# Publishing


def test_the_workflow_builds_and_publishes_the_site():
    flow = yaml.safe_load((paths.ROOT / ".github" / "workflows" / "pages.yml").read_text("utf-8"))
    steps = [step for job in flow["jobs"].values() for step in job["steps"]]
    uses = [step["uses"] for step in steps if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v[0-9]+", name) for name in uses)
    names = [name.partition("@")[0] for name in uses]
    assert names == [f"actions/{name}" for name in ("checkout", "setup-python", "upload-pages-artifact", "deploy-pages")]
    assert flow["permissions"] == {"contents": "read"}
    assert flow["jobs"]["deploy"]["permissions"] == {"pages": "write", "id-token": "write"}
    assert flow["jobs"]["deploy"]["needs"] == "build"
    assert {step["with"]["path"] for step in steps if "upload" in step.get("uses", "")} == {"runs/site"}
    targets = re.findall(r"^([a-z-]+):", (paths.ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    made = [word for step in steps for word in re.findall(r"\bmake ([a-z-]+)", step.get("run", ""))]
    assert made == ["site"]
    assert set(made) <= set(targets)


def test_binder_gets_fonts_libraries_and_a_browser():
    packages = (paths.ROOT / "apt.txt").read_text("utf-8").splitlines()
    assert packages == sorted(set(packages))
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in packages)
    assert {"fontconfig", "fonts-liberation", "libnss3", "libgbm1"} <= set(packages)
    script = paths.ROOT / "postBuild"
    assert script.stat().st_mode & 0o111
    assert script.read_text("utf-8").startswith("#!/usr/bin/env bash\n")
    assert (Path(cli.sys.executable).parent / "choreo_get_chrome").exists()
    assert not (paths.ROOT / "binder").exists(), "Binder would read only that folder"
