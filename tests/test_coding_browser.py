"""Two people code in JupyterLab by keyboard, blind; a kernel is killed; a third person settles what they disagree on."""

import json
import os
import shutil
import signal

import psutil
import pytest
from conftest import TINY
from people import Person, reload, run_again
from test_lab import browser_path, open_notebook, pages, run_all, server  # noqa: F401 (fixtures)

from review import cli, corpus, paths
from review.coding import codes
from review.coding import task as tasks
from review.coding.answers import Answer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "<script>window.harm = 1</script><img src=x onerror='window.harm = 2'><b>bold</b>"
KEYS = ("evans2021home", "fox2022clinic")
OTHERS = "evans2021home,design,a,cohort,high,a walrus was followed,,abstract\n"
"""A code that another coder of the corpus gave before."""
ANNA_WORDS = "zanzibar quartz"
PAGE = "https://example.org/read"


def prepare(home, name, **given):
    """Write a copy of the notebook with other parameters."""
    book = json.loads((paths.NOTEBOOKS / "60-coding.ipynb").read_text("utf-8"))
    cell = next(cell for cell in book["cells"] if "parameters" in cell["metadata"].get("tags", []))
    if not (home / "corpus").exists():
        shutil.copytree(TINY, home / "corpus")
        with (home / "corpus" / "coding.csv").open("a") as file:
            file.write(OTHERS)
        lines = [json.dumps({"key": key, "text": f"{EVIL} The abstract of {key}."}) for key in KEYS]
        (home / "texts.jsonl").write_text("\n".join(lines))
    given |= {"corpus_dir": str(home / "corpus"), "output_dir": str(home / "out"), "coding_dir": str(home / "coded")}
    given |= {"keys": ",".join(KEYS), "texts": str(home / "texts.jsonl"), "resamples": 50}
    cell["source"] = [*cell["source"], "\n", *(f"{key} = {value!r}\n" for key, value in given.items())]
    path = home / "notebooks" / name
    path.write_text(json.dumps(book))
    return path


def kernel_of(home):
    """Return the process of the newest kernel of this server."""
    mine = str(home / "runtime")
    found = [p for p in psutil.process_iter(["cmdline"]) if any(part.startswith(mine) for part in p.info["cmdline"] or ())]
    return max(found, key=lambda process: process.create_time())


class Coder(Person):
    """Somebody who codes or adjudicates."""

    def __init__(self, page, where="Coding task"):
        super().__init__(page, f'.sdc-root[aria-label="{where}"]', "[role=radio]:visible", ".sdc-state")

    def type(self, words):
        self.page.keyboard.type(words)

    def tab(self):
        return self.text('[role=tab][aria-selected="true"]')

    def focused(self):
        return self.page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")


def barriers(page):
    """Return what axe finds in the task: rules of which something on the page breaks one."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".sdc-root")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found.response["violations"]]


def saved(home, coder):
    task = tasks.load(home / "coded", corpus.load(home / "corpus"))
    return task, codes.load(home / "coded", task, coder)


def first_coder(page, address, home, tmp_path):
    """Code one study by keyboard, lose the kernel in it, come back and finish both."""
    path = prepare(home, "first.ipynb", coder="anna")
    open_notebook(page, address, "first.ipynb")
    run_all(page, path)
    anna = Coder(page)
    anna.begin()
    assert EVIL in anna.text(".sdc-study")
    assert anna.root.locator(".sdc-study").locator("script, img, b").count() == 0
    assert page.evaluate("window.harm") is None
    anna.press("Enter")
    anna.until("Design: choose a code, or unknown", "[role=alert]")
    anna.press("1", "e")
    anna.type(f"{ANNA_WORDS} as they say")
    anna.until("Saved (anna)")
    anna.press("Tab")
    anna.type(PAGE)
    anna.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SELECT"
    anna.press("f")  # full text
    anna.press("Escape")
    anna.until("Saved (anna)")
    page.screenshot(path=str(tmp_path / "single.png"))
    task, held = saved(home, "anna")
    first = task.order("anna")[0].key
    found = held.answer(first, "design")
    assert found == Answer({"cohort": "yes"}, False, "", f"{ANNA_WORDS} as they say", PAGE, "full text")

    anna.press("Enter")
    assert "Outcome" in anna.tab()
    anna.press("y", "ArrowDown", "n", "s")
    anna.until("Saved (anna)")
    page.screenshot(path=str(tmp_path / "labels.png"))
    assert barriers(page) == []
    before = saved(home, "anna")[1]
    assert before.answer(first, "outcome") == Answer({"pain": "yes", "sleep": "no"}, False, "", "", PAGE, "full text")

    os.kill(kernel_of(home).pid, signal.SIGKILL)
    anna.press("ArrowDown", "y")  # at once: a second later JupyterLab says in a dialog that the kernel has died
    anna.until("Not saved yet")
    anna.until("kernel does not answer", ".sdc-alarm")
    assert saved(home, "anna")[1] == before, "nothing is written behind the back"
    page.screenshot(path=str(tmp_path / "lost.png"))
    page.locator(".jp-Dialog .jp-mod-accept").last.click(timeout=15_000)  # the kernel has died and restarts
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    run_again(page)
    anna.until("Saved (anna)", seconds=60)
    labels = {"pain": "yes", "sleep": "no", "mood-score": "yes"}
    assert saved(home, "anna")[1].answer(first, "outcome").labels == labels

    reload(page)
    run_again(page)
    anna = Coder(page)
    anna.begin()
    assert anna.text(".sdc-heading") == "Study 1 of 2"
    assert "Setting" in anna.tab(), "the first open question"
    anna.press("u", "Backspace")
    assert "Outcome" in anna.tab()
    checked = anna.root.locator('.sdc-form:visible .sdc-label [aria-checked="true"]')
    assert [checked.nth(place).text_content() for place in range(3)] == ["Yes", "No", "Yes"]
    anna.press("Enter")  # all questions are answered: the study is done
    anna.until("Study 2 of 2", ".sdc-heading")
    anna.press("2", "Enter", "y", "Enter", "y", "Enter")
    anna.until("All 2 studies are coded and saved", ".sdc-study")
    task, held = saved(home, "anna")
    assert held.complete
    assert held.answer(first, "setting") == Answer({}, True)
    page.keyboard.press("Control+s")
    return path


def widget_states(page):
    """Return all that this page holds of widgets: models of the kernel, and the whole document."""
    return page.content() + json.dumps(page.evaluate("Object.fromEntries(Object.entries(window.localStorage))"))


def second_coder(page, address, home, tmp_path):
    """See nothing of the first one's codes; then code everything otherwise."""
    path = prepare(home, "second.ipynb", coder="ben")
    open_notebook(page, address, "second.ipynb")
    run_all(page, path)
    ben = Coder(page)
    ben.begin()
    seen = widget_states(page) + path.read_text("utf-8")
    for planted in ("zanzibar", "walrus", "both coders"):
        assert planted not in seen
    assert "Saved (" not in ben.text(".sdc-state")
    assert '"held": false' not in seen
    assert "`ben` has not finished" in path.read_text("utf-8")
    page.set_viewport_size({"width": 700, "height": 500})
    assert ben.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    page.screenshot(path=str(tmp_path / "narrow.png"))
    page.set_viewport_size({"width": 1400, "height": 1000})
    for study in range(2):
        ben.press("2", "Enter", "u", "Enter", "y", "Enter")
        ben.until("Study 2 of 2" if study == 0 else "All studies are coded", ".sdc-heading")
    seen = widget_states(page)
    assert "zanzibar" not in seen
    page.keyboard.press("Control+s")
    return path


def third_person(page, address, home, tmp_path):
    """Settle every disagreement by keyboard."""
    path = prepare(home, "third.ipynb", adjudicator="cleo")
    open_notebook(page, address, "third.ipynb")
    run_all(page, path)
    cleo = Coder(page, "Adjudication")
    cleo.begin()
    total = int(cleo.text(".sdc-heading").split(" of ")[1])
    assert "Disagreement 1 of" in cleo.text(".sdc-heading")
    cleo.press("Enter")
    cleo.until("choose an answer", "[role=alert]")
    page.screenshot(path=str(tmp_path / "adjudication.png"))
    for case in range(total):
        if case == 0:
            cleo.press("3", "u", "r")
            page.screenshot(path=str(tmp_path / "third.png"))
            assert barriers(page) == []
        else:
            cleo.press("1", "r")
        cleo.type("read the methods section")
        cleo.press("Control+Enter")
        cleo.until(f"Disagreement {case + 2} of" if case < total - 1 else "All disagreements are settled", ".sdc-heading")
    page.screenshot(path=str(tmp_path / "settled.png"))
    page.keyboard.press("Control+s")
    return total


def test_two_coders_and_an_adjudicator(browser_path, server, tmp_path, capsys):  # noqa: F811
    address, home = server
    with pages(browser_path, address) as (new, outside, errors):
        page = new()
        path = first_coder(page, address, home, tmp_path)
        page.close()
        second_coder(new(), address, home, tmp_path)
        total = third_person(new(), address, home, tmp_path)
    assert outside == []
    cut_off = "Canceled future for create_subshell_request"  # JupyterLab asked the kernel for something when it was killed
    assert [error for error in errors if cut_off not in error] == []
    kinds = [cell["cell_type"] for cell in json.loads(path.read_text("utf-8"))["cells"]]
    source = json.loads((paths.NOTEBOOKS / "60-coding.ipynb").read_text("utf-8"))["cells"]
    assert kinds == [cell["cell_type"] for cell in source], "keys of the task are no shortcuts of JupyterLab"

    status = cli.main(["code", "--corpus", str(home / "corpus"), "--work", str(home / "coded"), "--apply"])
    streams = capsys.readouterr()
    assert status == 0, streams.err
    assert f"0 of {total} disagreements left" in streams.err
    rows = corpus.load(home / "corpus").coding
    mine = rows[rows["key"] == "evans2021home"]
    assert {"a", "anna", "ben", "consensus"} == set(mine["coder"])
    rules = mine.loc[mine["coder"] == "consensus", "evidence"]
    assert rules.str.startswith(("both coders: anna, ben", "adjudicated by cleo: read the methods section")).all()
