"""Somebody in front of a page of JupyterLab: scrolls to it, reads it, and types; and the browser that such tests need."""

import os
import time
import warnings

import pytest

from review.browser import find_browser

PATIENCE = 240
"""Seconds that a page gets to appear: on a busy machine kernels and browsers are slow."""
VISITS = 3
"""How often a person loads a notebook whose page does not appear: JupyterLab has left out a widget that its kernel had made."""


def browser_or_skip():
    """Return the browser; without one the test is skipped, but not where everything is set up for tests."""
    path = find_browser()
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine")
    assert path is not None, "CI must have Chromium"
    return path


class Person:
    """Somebody in front of a page.

    ``root`` is the selector of the page, ``start`` of what gets the focus first, ``state`` of what says if answers are saved.
    """

    def __init__(self, page, root, start, state):
        self.page, self.root = page, page.locator(root)
        self.start, self.state = start, state

    def text(self, where):
        """Return the text of a part of the page, in sight or not."""
        part = self.root.locator(where)
        return part.first.text_content() if part.count() else ""

    def see(self, where, seconds=PATIENCE):
        """Scroll through the notebook until something is in the page (cells out of sight are not), and to it."""
        panel = self.page.locator(".jp-WindowedPanel-outer:visible").first
        deadline, top, shown = time.monotonic() + seconds, 0, {}
        while not where.count():
            shown |= dict.fromkeys(self.page.locator(".jp-OutputArea-output").all_text_contents())
            assert time.monotonic() < deadline, f"it did not appear on the page, which shows {list(shown)}"
            top = top + 300 if top < panel.evaluate("panel => panel.scrollHeight") else 0
            panel.evaluate("(panel, top) => { panel.scrollTop = top; }", top)
            self.page.wait_for_timeout(300)
        where.first.scroll_into_view_if_needed()

    def begin(self):
        """Go to the task, wherever in the notebook it is; load the notebook and run it again where it does not appear."""
        for visit in range(1, VISITS + 1):
            try:
                self.see(self.root, PATIENCE / VISITS)
                break
            except AssertionError as error:
                if visit == VISITS:
                    raise
                warnings.warn(f"visit {visit}: {error}", stacklevel=2)
            reload(self.page)
            run_again(self.page)
        self.root.locator(self.start).first.focus()

    def until(self, words, where="", seconds=20):
        """Wait until a part of the page holds some words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if words in self.text(where or self.state):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{words!r} is not in {self.text(where or self.state)!r}")

    def press(self, *keys):
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)


def reload(page):
    """Load a notebook again and wait until it is there with its kernel."""
    page.reload(wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=90_000)


def run_again(page):
    """Run every cell of a notebook whose kernel is ready."""
    page.click('.lm-MenuBar-itemLabel:text-is("Run")', timeout=5000)
    page.click('.lm-Menu-itemLabel:text-is("Run All Cells")', timeout=5000)
