"""The site in a real browser, opened from a disk: every way through it by mouse and keyboard, and nothing asked of anybody."""

import functools
import http.server
import io
import json
import re
import shutil
import threading
import time

import pytest
from conftest import TINY
from people import browser_or_skip
from PIL import Image
from site_runs import Page, dead_links, notebook, plotly, shown, unsafe
from test_site import EVIL, attack

from review import corpus, paths, reproduce
from review.site import build

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BOOKS = ("00-start", "02-modality", "09-ranges")
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser_path():
    return browser_or_skip()


@pytest.fixture(scope="module")
def site(browser_path, tmp_path_factory):
    """The site of the project's corpus, from three notebooks that were run for it."""
    home = tmp_path_factory.mktemp("real")
    books = [paths.NOTEBOOKS / f"{name}.ipynb" for name in BOOKS]
    result = reproduce.reproduce(selection="v2", version="v2", notebooks=books, demonstrations="none", folder=home / "run")
    assert result.good, result.outcomes
    (home / "docs").mkdir()
    for name in ("batch.md", "report-card.md", "site.md"):
        shutil.copy(paths.ROOT / "docs" / name, home / "docs")
    return build.build(corpus.load(), home / "run", home / "site", guides=home / "docs")


class Seen:
    """What pages of one browser did beside being looked at."""

    def __init__(self):
        self.outside, self.errors = [], []

    def watch(self, page, inside):
        page.on(
            "request",
            lambda request: None if request.url.startswith((*inside, "data:", "blob:")) else self.outside.append(request.url),
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type in ("error", "warning") else None)
        return page


@pytest.fixture(scope="module")
def chromium(browser_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = play.chromium.launch(executable_path=str(browser_path), args=[*arguments, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture
def new(chromium, site):
    """Return a function that opens a page of the site; at the end nothing must have been asked of others, or gone wrong."""
    seen, contexts = Seen(), []

    def opened(address="index.html", folder=site.folder, **options):
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options)
        contexts.append(context)
        page = seen.watch(context.new_page(), (f"file://{folder}/",))
        page.goto(f"file://{folder}/{address}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert seen.outside == []
    assert seen.errors == []


def draw(page):
    """Bring every figure into sight, one after the other, and wait until it can be explored."""
    for figure in page.locator("figure.plot").all():
        figure.scroll_into_view_if_needed()
        figure.locator(".live .main-svg").first.wait_for(state="visible", timeout=30_000)
        figure.locator(".still").wait_for(state="hidden", timeout=30_000)
        page.wait_for_function("figure => figure.querySelector('.live .main-svg')", arg=figure.element_handle())


def ink(picture):
    """Return the share of the points of a picture that are not white."""
    with Image.open(io.BytesIO(picture)) as image:
        levels = image.convert("L").histogram()
    return sum(levels[:200]) / sum(levels)


def kinds(site):
    """Return one page of each kind."""
    key = next(iter(sorted(path.name for path in (site.folder / "studies").glob("a*.html"))))
    return (
        "index.html",
        "notebooks/index.html",
        "notebooks/02-modality.html",
        "statistics/index.html",
        "statistics/technique.html",
        "studies/index.html",
        f"studies/{key}",
        "report.html",
        "guides/index.html",
        "guides/site.html",
        "search.html#q=synthetic",
        "about.html",
    )


def test_the_site_is_small_and_whole(site):
    assert site.bytes <= 15_000_000
    assert site.manifest["left_out"] == []
    assert (
        site.manifest["counts"]["studies"] == len(corpus.load().references) == len(list(site.folder.glob("studies/*.html"))) - 1
    )
    assert site.manifest["counts"]["notebooks"] == len(BOOKS)
    assert dead_links(site.folder) == []
    outside = re.compile(r"""(src|href)=["']?(https?:)?//""")
    for path in sorted(site.folder.rglob("*.html")):
        text = path.read_text("utf-8")
        assert unsafe(Page(text)) == []
        assert all(match[1] == "href" for match in outside.finditer(text)), path


def test_the_first_page_is_there_at_once(new):
    start = time.monotonic()
    page = new()
    page.locator("main table tbody tr").first.wait_for(timeout=5_000)
    took = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"first page usable after {took:.0f} ms (with the browser's start of a page {time.monotonic() - start:.1f} s)")
    assert took < 5_000, "2 s is the aim; a busy machine gets more"
    still = page.locator("figure.plot .still")
    assert still.count() == 1
    assert "by construction" in page.locator("main table").inner_text()


def test_from_a_figure_to_the_page_that_was_read(new):
    page = new()
    page.get_by_role("link", name="Generation method").first.click()
    assert page.locator("h1").inner_text() == "Generation method"
    page.locator("main table").get_by_role("link", name="Prompting").click()
    section = page.locator("section", has=page.locator("h3#code-prompting"))
    assert section.locator("summary").first.inner_text() == "44 of 59 studies"
    section.locator("summary").first.click()
    assert section.locator("ul li").count() == 44
    section.locator("ul li a").first.click()
    assert "Prompting" in page.locator("table.codes").inner_text()
    source = page.locator("table.codes td a").first
    assert source.get_attribute("href").startswith("https://")
    page.locator("table.codes tr.head a", has_text="Prompting").click()
    assert page.url.endswith("statistics/method.html#code-prompting")


def test_search_by_keyboard_from_any_page(new):
    page = new("statistics/modality.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#find").focus()
    page.keyboard.type("DIFFERENTIAL privacy")
    page.keyboard.press("Enter")
    page.locator("#results li").first.wait_for()
    assert page.url.endswith("search.html#q=DIFFERENTIAL%20privacy")
    count = int(page.locator("#hits").inner_text().split()[0])
    assert count == page.locator("#results li").count() > 1
    for item in page.locator("#results li").all():
        assert item.locator("a").get_attribute("href").startswith(("studies/", "statistics/", "notebooks/", "guides/"))
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('#results') !== null")
    address = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{address}")


def test_search_by_mouse_and_what_it_finds(new, real):
    page = new("search.html")
    names = {row["key"]: row["citation"] for row in real.studies().to_dict("records")}
    page.locator("#query").fill("alamgeer fall")
    page.locator("#hits", has_text="1 hit").wait_for()
    assert names["alamgeer2025ai"] in page.locator("#results li").first.inner_text()
    assert page.locator("#results mark").count() >= 1
    page.locator("#results a").first.click()
    page.wait_for_url("**/studies/alamgeer2025ai.html")
    page.go_back()
    page.locator("#results li").first.wait_for()
    assert page.locator("#query").input_value() == "alamgeer fall"
    page.locator("#query").fill("zzzz")
    page.locator("#hits", has_text="0 hits").wait_for()
    assert page.locator("#results li").count() == 0
    page.locator("#query").fill("")
    page.wait_for_function("() => document.getElementById('hits').textContent === ''")


def shown_rows(page):
    return page.locator("#studies tbody tr").all_inner_texts()


def test_the_table_is_filtered_and_its_state_stands_in_the_address(new, real):
    page = new("studies/index.html")
    status = page.locator(".status")
    every = len(real.references)
    assert status.inner_text() == f"{every} of {every} studies"
    page.get_by_label("Selection", exact=True).select_option("v2")
    page.get_by_label("Data modality", exact=True).select_option("tabular")
    frame = real.studies("v2", 'modality == "tabular"')
    assert status.inner_text() == f"{len(frame)} of {every} studies"
    assert len(frame) == 8, "published: 13.6 % of 59"
    assert len(shown_rows(page)) == 8
    page.get_by_label("Evaluation", exact=True).select_option("downstream")
    both = sum("downstream" in value for value in frame["evaluation"].fillna(""))
    assert status.inner_text() == f"{both} of {every} studies"
    assert "modality=tabular" in page.url
    page.reload()
    assert status.inner_text() == f"{both} of {every} studies"
    assert page.get_by_label("Selection", exact=True).input_value() == "v2"
    page.get_by_role("button", name="Clear").click()
    assert status.inner_text() == f"{every} of {every} studies"
    page.get_by_label("Words in a row").fill("DIAZ tabular")
    words = [row for row in shown_rows(page) if "tabular" in row]
    assert status.inner_text() == f"{len(words)} of {every} studies"
    page.get_by_label("Words in a row").fill("zzzz")
    assert status.inner_text() == f"0 of {every} studies"


def test_the_table_is_sorted_by_keyboard(new, real):
    page = new("studies/index.html")
    head = page.locator("#studies th", has_text="Year")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"

    def years():
        return [int(text) for text in page.locator("#studies tbody td:nth-child(2)").all_inner_texts() if text]

    known = sorted(int(year) for year in real.studies()["year"].dropna())
    assert years() == known[: len(years())]
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert years() == known[::-1][: len(years())]
    assert page.locator("#studies th[aria-sort=none]").count() == page.locator("#studies th[aria-sort]").count() - 1
    assert page.url.endswith("#sort=year&dir=descending")


def test_ten_thousand_rows_can_be_filtered(new, site):
    text = (site.folder / "studies" / "index.html").read_text("utf-8")
    body = re.search(r"<tbody>(.*)</tbody>", text, re.DOTALL)[1]
    rows = body.count("<tr>")
    times = -(-10_000 // rows)
    long = site.folder / "studies" / "long.html"
    long.write_text(text.replace(body, body * times), "utf-8")
    try:
        page = new("studies/long.html")
        page.locator(".status", has_text=f"{rows * times} of {rows * times}").wait_for(timeout=20_000)
        took = page.evaluate(
            """() => { const field = document.getElementById('filter-text'); field.value = 'alamgeer';
            const start = performance.now(); field.dispatchEvent(new Event('input')); return performance.now() - start; }"""
        )
        assert page.locator(".status").inner_text() == f"{times} of {rows * times} studies"
        print(f"{rows * times} rows filtered in {took:.0f} ms")
        assert took < 3_000
        page.get_by_label("Words in a row").fill("")
        assert page.locator("#studies tbody tr").count() == 200
        page.get_by_role("button", name="Show 200 more").click()
        assert page.locator("#studies tbody tr").count() == 400
        assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 201
    finally:
        long.unlink()


@pytest.mark.parametrize("width", [1280, 360])
def test_figures_are_drawn_at_the_width_that_there_is(new, width):
    page = new("notebooks/02-modality.html", viewport={"width": width, "height": 740})
    draw(page)
    figures = page.locator("figure.plot").all()
    assert len(figures) == 3
    for figure in figures:
        assert figure.get_attribute("data-drawn") == ("wide" if width == 1280 else "narrow")
        live = figure.locator(".live")
        assert ink(live.screenshot()) > 0.01, "what is drawn can be seen"
        box, paper = live.locator(".main-svg").first.bounding_box(), figure.locator(".paper").bounding_box()
        assert box["width"] <= paper["width"]
        assert live.get_attribute("aria-label") == figure.locator("img").get_attribute("alt")
    page.set_viewport_size({"width": 1640 - width, "height": 740})
    last = figures[-1]
    page.wait_for_function(
        "([figure, want]) => figure.dataset.drawn === want", arg=[last.element_handle(), "narrow" if width == 1280 else "wide"]
    )


def test_hovering_tells_the_numbers(new):
    page = new()
    draw(page)
    page.locator(".live .scatterlayer .point").first.hover(force=True)
    page.locator(".live .hoverlayer text").first.wait_for(timeout=10_000)


def barriers(page, **options):
    """Return what is wrong for people with other ways to read, as far as it is serious."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False, **options}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("number", range(7))
def test_no_serious_barriers(new, site, number):
    chosen = [
        name for name in kinds(site) if name.split("/")[0] not in ("guides", "statistics") and name != "notebooks/index.html"
    ]
    address = [*chosen, "statistics/modality.html"][number]
    page = new(address)
    if page.locator("figure.plot").count():
        draw(page)
    assert barriers(page) == []


def test_contrast_in_the_dark(new, site):
    for address in ("notebooks/02-modality.html", "statistics/modality.html", "search.html#q=synthetic", kinds(site)[6]):
        page = new(address, color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
        assert barriers(page, runOnly=["color-contrast"]) == [], address


def test_nothing_is_wider_than_a_phone(new, site):
    for address in kinds(site):
        page = new(address, viewport=PHONE)
        wide, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room, address
        for region in page.locator(".scroll, .paper").all():
            assert region.get_attribute("tabindex") == "0"
            assert region.get_attribute("role") == "region"
            assert region.get_attribute("aria-label")
        page.context.close()


def test_wide_tables_scroll_by_keyboard(new):
    page = new("studies/index.html", viewport=PHONE)
    region = page.locator(".scroll")
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.scroll').scrollLeft > 0")


def test_without_scripts_everything_stands_there(new, real):
    page = new("studies/index.html", java_script_enabled=False)
    assert page.locator("#studies tbody tr").count() == len(real.references)
    assert not page.locator("form.filters").is_visible()
    book = new("notebooks/02-modality.html", java_script_enabled=False)
    still = book.locator("figure.plot .still").first
    assert still.is_visible()
    assert ink(still.screenshot()) > 0.01
    assert new("search.html", java_script_enabled=False).locator("noscript").is_visible()


def test_a_link_into_a_fold_opens_it(new):
    page = new("report.html")
    page.locator("main a[href^='#count-']").first.click()
    assert page.evaluate("document.querySelector('details:target').open")


def test_pages_can_be_printed(new):
    page = new("notebooks/02-modality.html")
    draw(page)
    page.emulate_media(media="print")
    assert not page.locator("header.top nav").is_visible()
    assert not page.locator("figure.plot .live").first.is_visible()
    assert page.locator("figure.plot img").first.is_visible()


def test_what_is_malicious_does_not_run(new, chromium, tmp_path):
    remote = {"source": "https://harm.example/a.png", "x": 0, "y": 1, "sizex": 1, "sizey": 1}
    figure = {
        "data": [{"type": "bar", "x": [f"<a href='javascript:harm()'>x</a>{EVIL}"], "y": [1]}],
        "layout": {
            "title": {"text": EVIL},
            "images": [remote],
        },
    }
    notebook(tmp_path / "run" / "evil.ipynb", f"# {EVIL}", ("a", shown(text__html=attack())), ("b", plotly(figure)))
    build.build(corpus.load(TINY), tmp_path / "run", tmp_path / "out")
    context = chromium.new_context()
    page = Seen().watch(context.new_page(), ("file:",))
    asked = []
    page.on("response", lambda response: asked.append(response.url))
    page.goto(f"file://{tmp_path}/out/notebooks/evil.html")
    draw(page)
    assert page.evaluate("window.harm") is None
    assert page.locator(".live a[*|href^=javascript]").count() == 0
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []
    page.goto(f"file://{tmp_path}/out/search.html#q=evil")
    page.locator("#results li").first.wait_for()
    assert page.evaluate("window.harm") is None
    context.close()


def test_it_works_from_a_server_as_well(chromium, site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site.folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/"
    seen = Seen()
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    try:
        page = seen.watch(context.new_page(), (address,))
        page.goto(f"{address}notebooks/02-modality.html")
        draw(page)
        page.locator("#find").fill("privacy")
        page.get_by_role("button", name="Search").click()
        page.locator("#results li").first.wait_for()
        page.goto(f"{address}studies/index.html#year=2024")
        assert re.fullmatch(r"[0-9]+ of [0-9]+ studies", page.locator(".status").inner_text())
    finally:
        context.close()
        server.shutdown()
        thread.join()
        server.server_close()
    assert seen.outside == []
    assert seen.errors == []


def test_the_manifest_is_json_for_others(site):
    told = json.loads((site.folder / "site.json").read_text("utf-8"))
    assert told["format"] == build.FORMAT
    assert told["counts"]["pages"] == sum(name.endswith(".html") for name in told["files"])
