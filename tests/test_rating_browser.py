"""Two raters work in JupyterLab by keyboard; a kernel is killed between two answers, and nothing that was saved is lost."""

import json
import os
import shutil
import signal

import psutil
import pytest
from people import Person, run_again
from test_lab import browser_path, open_notebook, pages, run_all, server  # noqa: F401 (fixtures)

from review import paths
from review.evaluation import human, rating, rating_file
from review.evaluation.metrics import Settings

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EVIL = "<script>window.harm = 1</script><img src=x onerror='window.harm = 2'><b>bold</b>"
NOTES = [
    f"{EVIL} Seen on ward {number}: cough for {number} days, chest clear, reviewed again tomorrow." for number in range(2, 6)
]
INVENTED = [f"{EVIL} Patient of {number} limbs, cough since yesterday, discharged to the moon today." for number in range(2, 6)]
ANNA = [3, 4, 2, 1, 2, 5]
"""Levels that the first rater gives to every item; the second gives others."""
BEN = [5, 5, 4, 2, 1, 1]


def prepare(home, name, rater):
    """Write a copy of the notebook with a rater and eight items, two of them shown twice."""
    book = json.loads((paths.NOTEBOOKS / "52-rating.ipynb").read_text("utf-8"))
    cell = next(cell for cell in book["cells"] if "parameters" in cell["metadata"].get("tags", []))
    given = {"rater": rater, "n": 8, "repeats": 2, "output_dir": str(home / "out"), "ratings_dir": str(home / "rated")}
    for role, texts in (("real", NOTES), ("synthetic", INVENTED)):
        path = home / f"{role}.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        given[role] = str(path)
    cell["source"] = [*cell["source"], "\n", *(f"{key} = {value!r}\n" for key, value in given.items())]
    path = home / "notebooks" / name
    path.write_text(json.dumps(book))
    return path


def kernel_of(home):
    """Return the process of the one kernel of this server."""
    mine = str(home / "runtime")
    found = [p for p in psutil.process_iter(["cmdline"]) if any(part.startswith(mine) for part in p.info["cmdline"] or ())]
    assert len(found) == 1
    return found[0]


class Rater(Person):
    """Somebody who rates."""

    def __init__(self, page, path):
        super().__init__(page, ".sdr-rating", ".sdr-question [role=radio]", ".sdr-state")
        self.path = path

    def answer(self, levels):
        """Answer an item with number keys and arrows."""
        for place, level in enumerate(levels):
            self.press(str(level), *(["ArrowDown"] if place < len(levels) - 1 else []))
        self.until("✓ Saved")

    def go_on(self, position):
        self.press("Enter")
        self.until(f"Item {position + 1} of", ".sdr-heading")


def saved(home, rater, task):
    lines, torn = rating_file.read(home / "rated" / f"ratings-{rater}.jsonl", task)
    assert torn == b""
    return lines, rating_file.latest(lines)


def levels_of(line, task):
    return [line.answers.get(question.name) for question in task.rubric.questions]


def first_rater(page, address, home, tmp_path):
    """Rate two items, lose the kernel in the third, come back and end the task."""
    path = prepare(home, "first.ipynb", "anna")
    open_notebook(page, address, "first.ipynb")
    run_all(page, path)
    anna = Rater(page, path)
    for _ in range(300):  # on a busy machine the notebook may be saved before the cell that makes the task has ended
        if (home / "rated" / "task.json").exists():
            break
        page.wait_for_timeout(200)
    task = rating.load(home / "rated")
    anna.begin()
    for position in range(2):
        anna.answer(ANNA)
        anna.go_on(position + 1)
    assert "Saved, item 3 of 10" in anna.text(".sdr-live")
    anna.press("3", "ArrowDown", "4")
    anna.until("✓ Saved")
    page.screenshot(path=str(tmp_path / "rating.png"))
    before = saved(home, "anna", task)[0]
    assert levels_of(before[-1], task) == [3, 4, None, None, None, None]

    os.kill(kernel_of(home).pid, signal.SIGKILL)
    anna.press("ArrowDown", "2")  # at once: a second later JupyterLab says in a dialog that the kernel has died
    anna.until("Not saved yet")
    anna.until("kernel does not answer", ".sdr-alarm")
    assert saved(home, "anna", task)[0] == before, "nothing acknowledged is lost, and nothing is written behind the back"
    page.screenshot(path=str(tmp_path / "lost.png"))

    page.locator(".jp-Dialog .jp-mod-accept").last.click(timeout=15_000)  # the kernel has died and restarts
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    again(page, path)
    anna.until("✓ Saved", seconds=60)
    assert anna.text(".sdr-heading") == "Item 3 of 10"
    after, last = saved(home, "anna", task)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 1, "the answer that was not saved is saved once"
    assert levels_of(last[2], task) == [3, 4, 2, None, None, None]
    anna.begin()
    for position in range(2, 10):
        anna.answer(ANNA)
        anna.go_on(position + 1) if position < 9 else anna.press("Enter")
    anna.until("All 10 items are answered and saved", ".sdr-item")
    return task


def again(page, path):
    """Run all cells of a notebook that has been run before; its first count goes back to 1 in a new kernel."""
    book = json.loads(path.read_text("utf-8"))
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            assert cell["execution_count"]
    run_again(page)


def second_rater(page, address, home, tmp_path):
    """Rate everything, go back once and change an answer, in a window as narrow as one at 200 % zoom."""
    path = prepare(home, "second.ipynb", "ben")
    open_notebook(page, address, "second.ipynb")
    run_all(page, path)
    ben = Rater(page, path)
    ben.begin()
    shown = ben.root.locator(".sdr-item")
    assert EVIL in ben.text(".sdr-item")
    assert shown.locator("script, img, b").count() == 0
    assert page.evaluate("window.harm") is None
    page.set_viewport_size({"width": 700, "height": 500})
    assert ben.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    page.screenshot(path=str(tmp_path / "narrow.png"))
    page.set_viewport_size({"width": 1400, "height": 1000})
    ben.press("Enter")
    ben.until("6 of 6 questions are not answered", ".sdr-live")
    ben.answer(BEN)
    ben.go_on(1)
    ben.press("p")
    ben.until("Item 1 of", ".sdr-heading")
    ben.press("4")
    ben.until("✓ Saved")
    ben.go_on(1)
    for position in range(1, 10):
        ben.answer(BEN)
        ben.go_on(position + 1) if position < 9 else ben.press("Enter")
    ben.until("All 10 items are answered and saved", ".sdr-item")
    page.screenshot(path=str(tmp_path / "end.png"))
    page.keyboard.press("Control+s")
    return path


def test_two_raters_and_a_killed_kernel(browser_path, server, tmp_path):  # noqa: F811
    address, home = server
    with pages(browser_path, address) as (new, outside, errors):
        page = new()
        task = first_rater(page, address, home, tmp_path)
        shutil.rmtree(home / "out")
        page.close()
        path = second_rater(new(), address, home, tmp_path)
    assert outside == []
    assert errors == []

    _, anna = saved(home, "anna", task)
    lines, ben = saved(home, "ben", task)
    assert [levels_of(anna[position], task) for position in range(10)] == [ANNA] * 10
    assert [levels_of(ben[position], task) for position in range(10)] == [[4, *BEN[1:]], *[BEN] * 9]
    assert any(levels_of(line, task) == BEN for line in lines if line.position == 0), "the changed answer stays in the file"
    assert all(0 < line.seconds < 120 and not line.paused for line in lines)

    section = human.measure(home / "rated", Settings())
    values = {(value.metric, value.subject): value.value for value in section.values}
    assert values["rating_mean", "complete: real"] == (ANNA[2] + BEN[2]) / 2
    assert values["rater_percent", "coherent: anna, ben"] == 0
    assert values["self_percent", "origin"] == 1
    kinds = [cell["cell_type"] for cell in json.loads(path.read_text("utf-8"))["cells"]]
    source = json.loads((paths.NOTEBOOKS / "52-rating.ipynb").read_text("utf-8"))["cells"]
    assert kinds == [cell["cell_type"] for cell in source], "keys of the task are no shortcuts of JupyterLab"
