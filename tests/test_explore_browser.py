"""The explorer in JupyterLab: filtered by keyboard alone, with counts and intervals that are those of the statistics."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import TINY
from people import Person
from test_lab import browser_path, open_notebook, outputs, pages, run_all, server  # noqa: F401 (fixtures)
from test_rating_browser import kernel_of

from review import corpus, paths, statistics

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "<script>window.harm = 1</script><img src=x onerror='window.harm = 2'>"


def prepare(home, name, **given):
    """Write a copy of the notebook with other parameters."""
    book = json.loads((paths.NOTEBOOKS / "13-explore.ipynb").read_text("utf-8"))
    cell = next(cell for cell in book["cells"] if "parameters" in cell["metadata"].get("tags", []))
    given["output_dir"] = str(home / "out" / name)
    cell["source"] = [*cell["source"], "\n", *(f"{key} = {value!r}\n" for key, value in given.items())]
    path = home / "notebooks" / name
    path.write_text(json.dumps(book))
    return path


def run(page, address, path):
    """Open a notebook and run its cells."""
    open_notebook(page, address, path.name)
    run_all(page, path)


class Reader(Person):
    """Somebody who explores."""

    def __init__(self, page):
        super().__init__(page, ".sdx", "", ".sdx-headline")

    def focused(self):
        """Return what has the focus: the words of its label, or its own."""
        return self.page.evaluate(
            "() => { const at = document.activeElement; const label = at.labels && at.labels[0];"
            " return (label ? label.querySelector('.sdx-words') || label : at).textContent.trim(); }"
        )

    def tab_to(self, words, most=60):
        """Go on with the Tab key alone until something has the focus."""
        for _ in range(most):
            if self.focused().startswith(words):
                outline = self.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", f"the focus on {words!r} cannot be seen"
                return
            self.press("Tab")
        raise AssertionError(f"Tab does not lead to {words!r}, but to {self.focused()!r}")

    def shares(self):
        """Return the table of shares as it is read: category, studies, share, interval, not known, status."""
        rows = self.root.locator(".sdx-results .sdx-scroll").first.locator("tbody tr")
        found = [row.locator("th, td").all_text_contents() for row in rows.all()]
        return [[row[0], *(cell.strip() for cell in row[2:])] for row in found]


def expected(loaded, dimension, selection, where=""):
    """Return what :meth:`Reader.shares` should see, from the statistics."""
    table = statistics.compute_shares(loaded, dimension, selection, where)
    titles = loaded.codebook[dimension].categories
    return [
        [
            titles[row.category].title,
            f"{row.count} of {row.total}",
            f"{100 * row.share:.1f} %",
            f"{100 * row.low:.1f} to {100 * row.high:.1f}",
            str(row.unknown),
            row.status,
        ]
        for row in table.to_records(index=False)
    ]


def look_at(page, tmp_path, name):
    page.screenshot(path=str(tmp_path / f"{name}.png"))


def check_accessibility(page):
    """No rule of axe-core is broken in the explorer."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".sdx")
    broken = [(one["id"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]]
    assert broken == []


def filter_by_keyboard(reader, loaded, tmp_path):
    """Tick a box, choose another dimension, type a filter: each changes counts, intervals, status and caution."""
    page = reader.page
    assert reader.text(".sdx-headline") == "59 of 59 studies of selection v2"
    assert "by construction" in reader.text(".sdx-caution")
    assert reader.shares() == expected(loaded, "modality", "v2")
    assert {row[-1] for row in reader.shares()} == {"by construction"}
    look_at(page, tmp_path, "start")
    check_accessibility(page)

    reader.root.locator("select").first.focus()
    reader.tab_to("Count by")
    reader.press("ArrowDown")
    reader.until("Generation method", ".sdx-results thead")
    assert reader.shares() == expected(loaded, "method", "v2")
    reader.tab_to("Data modality")
    reader.tab_to("Unstructured text")
    before = time.monotonic()
    reader.press("Space")
    reader.until("46 of 59")
    assert time.monotonic() - before < 5
    where = 'modality == "text"'
    assert reader.shares() == expected(loaded, "method", "v2", where)
    assert {row[-1] for row in reader.shares()} == {"not published"}
    assert "No share here is by construction" in reader.text(".sdx-caution")
    assert reader.text(".sdx-live").startswith("46 of 59 studies of selection v2. Prompting")
    look_at(page, tmp_path, "filtered")

    reader.tab_to("Further filter")
    page.keyboard.type("yaer >= 2024")
    reader.until("no column named 'yaer'", ".sdx-field .sdx-error")
    assert reader.shares() == expected(loaded, "method", "v2", where)
    look_at(page, tmp_path, "error")
    check_accessibility(page)
    reader.press("Control+a")
    page.keyboard.type("year >= 2024")
    reader.press("Enter")
    where += " and (year >= 2024)"
    count = len(loaded.studies("v2", where))
    reader.until(f"{count} of 59")
    assert reader.text(".sdx-field .sdx-error") == ""
    assert reader.shares() == expected(loaded, "method", "v2", where)
    return where


def copy_and_search(reader, loaded, where, tmp_path):
    page = reader.page
    reader.tab_to("Repeat this view")
    reader.press("Enter")
    reader.tab_to("Copy filter")
    reader.press("Enter")
    reader.until("Copied", ".sdx-copy button")
    assert page.evaluate("navigator.clipboard.readText()") == where
    words = reader.root.locator(".sdx-copy code").nth(1).text_content()
    assert f"-p selection v2 -p where '{where}' -p dimension method" in words

    studies = loaded.studies("v2", where)
    reader.tab_to("Search in the list")
    word = studies["citation"].iloc[0]
    page.keyboard.type(word)
    reader.until(" shown", ".sdx-hits")
    shown = reader.root.locator(".sdx-list tbody tr")
    assert all(word in text for text in shown.all_text_contents())
    reader.press("Control+a", "Delete")
    reader.until(f"{len(studies)} of {len(studies)} shown", ".sdx-hits")
    reader.tab_to("Year")
    reader.press("Enter", "Enter")
    years = reader.root.locator(".sdx-list tbody td:nth-child(2)").all_text_contents()
    assert years == sorted(map(str, studies["year"]), reverse=True)
    assert reader.root.locator("th[aria-sort=descending]").text_content().startswith("Year")
    assert reader.focused().startswith("Year")
    look_at(page, tmp_path, "list")
    links = reader.root.locator(".sdx-list td:first-child a").evaluate_all("all => all.map((one) => one.href)")
    assert len(links) == len(studies)
    assert all(link.startswith("https://") for link in links)


def look_at_widths(reader, tmp_path):
    for width in (1280, 800):
        reader.page.set_viewport_size({"width": width, "height": 900})
        reader.page.wait_for_timeout(500)
        reader.root.first.scroll_into_view_if_needed()
        assert reader.root.evaluate("root => root.scrollWidth <= root.clientWidth")
        look_at(reader.page, tmp_path, f"width-{width}")
        part = reader.root.locator(".sdx-results")
        part.scroll_into_view_if_needed()
        part.screenshot(path=str(tmp_path / f"results-{width}.png"))
    reader.page.set_viewport_size({"width": 1400, "height": 1000})


def sortable_table(reader, loaded, tmp_path):
    """The long table below is sortable and searchable, and has every study."""
    page = reader.page
    reader.see(reader.page.locator("table.review-table.dataTable"))
    box = page.locator(".dt-container")
    assert "of 59 entries" in box.locator(".dt-info").text_content()
    word = loaded.studies("v2")["citation"].iloc[3]
    box.locator("input[type=search]").fill(word)
    page.wait_for_function("() => document.querySelector('.dt-info').textContent.includes('filtered')")
    assert all(word in row for row in box.locator("tbody tr").all_text_contents())
    look_at(page, tmp_path, "table")


def lose_the_kernel(reader, home, tmp_path):
    """A kernel that has stopped is told, and the numbers are marked as those before."""
    reader.see(reader.page.locator(".sdx"))
    os.kill(kernel_of(home).pid, signal.SIGKILL)
    reader.root.locator("input[type=checkbox]").nth(2).focus()
    reader.press("Space")
    reader.until("The kernel does not answer", ".sdx-results .sdx-error")
    look_at(reader.page, tmp_path, "lost")


def test_the_explorer_by_keyboard(browser_path, server, tmp_path):  # noqa: F811
    address, home = server
    loaded = corpus.load()
    path = prepare(home, "explore.ipynb", selection="v2")
    with pages(browser_path, address) as (new, outside, errors):
        page = new()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        run(page, address, path)
        reader = Reader(page)
        reader.see(reader.page.locator(".sdx"))
        where = filter_by_keyboard(reader, loaded, tmp_path)
        copy_and_search(reader, loaded, where, tmp_path)
        look_at_widths(reader, tmp_path)
        sortable_table(reader, loaded, tmp_path)
        page.keyboard.press("Control+s")
        lose_the_kernel(reader, home, tmp_path)
    assert outside == []
    assert errors == []
    kinds = [cell["cell_type"] for cell in json.loads(path.read_text("utf-8"))["cells"]]
    source = json.loads((paths.NOTEBOOKS / "13-explore.ipynb").read_text("utf-8"))["cells"]
    assert kinds == [cell["cell_type"] for cell in source], "keys of the explorer are no shortcuts of JupyterLab"


def test_what_a_corpus_holds_is_text(browser_path, server, tmp_path):  # noqa: F811
    """A title with a script in it is shown letter by letter, in the explorer and in the table."""
    address, home = server
    folder = shutil.copytree(TINY, tmp_path / "evil")
    text = (folder / "bibliography.bib").read_text("utf-8")
    (folder / "bibliography.bib").write_text(text.replace("{{Work and Pain}}", f"{{{{{EVIL}}}}}"), "utf-8")
    path = prepare(home, "evil.ipynb", corpus_dir=str(folder))
    with pages(browser_path, address) as (new, outside, errors):
        page = new()
        run(page, address, path)
        reader = Reader(page)
        reader.see(reader.page.locator(".sdx"))
        assert EVIL in reader.text(".sdx-list")
        assert reader.root.locator("script, img").count() == 0
        reader.see(reader.page.locator("table.review-table.dataTable"))
        assert EVIL in page.locator("table.review-table").text_content()
        assert page.evaluate("window.harm") is None
    assert outside == []
    assert errors == []
    assert not [output for _, output in outputs(path) if output["output_type"] == "error"]


@contextlib.contextmanager
def lab(home):
    """Run ``review lab`` with settings of its own; give the address that it opens in a browser."""
    names = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
    environment = {**os.environ, **{f"JUPYTER_{name}_DIR": str(home / folder) for name, folder in names.items()}}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces")}
    rest = ["--no-browser", "--port=0", "--ip=127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        rest.append("--allow-root")
    with (home / "log.txt").open("w") as log:
        command = [sys.executable, "-m", "review.cli", "lab", "--", *rest]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=home, start_new_session=True)
        try:
            pages_to_open, deadline = [], time.monotonic() + 90
            while not pages_to_open:
                assert process.poll() is None, (home / "log.txt").read_text()
                assert time.monotonic() < deadline, (home / "log.txt").read_text()
                time.sleep(0.2)
                pages_to_open = list((home / "runtime").glob("jpserver-*-open.html"))
            yield re.search(r'href="([^"]+)"', pages_to_open[0].read_text("utf-8"))[1]
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def test_lab_opens_the_first_notebook_without_questions(browser_path, tmp_path):  # noqa: F811
    """No dialog and no notification, nothing is asked of the network, and the folders of the project can be reached."""
    with lab(tmp_path) as start, pages(browser_path, start.partition("/lab")[0]) as (new, outside, errors):
        page, asked = new(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(start)
        page.wait_for_selector(".jp-Notebook h1:has-text('Start here')", timeout=90_000)
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=90_000)
        page.wait_for_timeout(3000)
        assert page.locator(".jp-Dialog").count() == 0
        assert page.locator(".Toastify__toast").count() == 0
        look_at(page, tmp_path, "lab")
        page.locator(".jp-FileBrowser .jp-BreadCrumbs-home").click()
        page.wait_for_selector(".jp-DirListing-item:has-text('docs')")
    assert not [url for url in asked if "/api/news" in url or "/api/update" in url]
    assert outside == []
    assert errors == []
