"""Somebody in front of a page of JupyterLab: scrolls to it, reads it, and types; and the browser that such tests need."""

import os
import time

import pytest

from review.browser import find_browser

PATIENCE = 240
"""Seconds that a page gets to appear: on a busy machine kernels and browsers are slow."""


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

    def see(self, where):
        """Scroll through the notebook until something is in the page (cells out of sight are not), and to it."""
        panel = self.page.locator(".jp-WindowedPanel-outer:visible").first
        deadline, top = time.monotonic() + PATIENCE, 0
        while not where.count():
            assert time.monotonic() < deadline, "it did not appear on the page"
            top = top + 300 if top < panel.evaluate("panel => panel.scrollHeight") else 0
            panel.evaluate("(panel, top) => { panel.scrollTop = top; }", top)
            self.page.wait_for_timeout(300)
        where.first.scroll_into_view_if_needed()

    def begin(self):
        """Go to the task, wherever in the notebook it is."""
        self.see(self.root)
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
