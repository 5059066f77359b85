"""The browser that draws static figures: found, started once for many images, and ended whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 90.0
"""Seconds without a new image after which the browser is killed."""

HEAD = (
    "<meta http-equiv='Content-Security-Policy' content=\"default-src file: data: blob: 'unsafe-inline' 'unsafe-eval'\">"
    "<style>@page { margin: 0 } img { display: block }</style>"
)

NO_BROWSER = "no browser found (install Chromium or set BROWSER_PATH)"
Key = tuple[str, str]


def find_browser() -> Path | None:
    """Return the browser that draws: ``BROWSER_PATH`` if set (and none if that is no program), else what can be found."""
    wish = os.environ.get("BROWSER_PATH")
    if wish is not None:
        found = shutil.which(wish)
        return Path(found) if found else None
    for name in BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    from choreographer.browsers import Chromium

    found = Chromium.find_browser(skip_local=False)
    return Path(found) if found and os.access(found, os.X_OK) else None


def render(orders: Mapping[Key, dict[str, Any]]) -> dict[Key, bytes | str]:
    """Draw images in one browser; where that fails, return the reason instead.

    The browser runs in a thread of its own, so that this works inside a notebook's event loop, and may load local
    files only. Nothing waits for longer than the limits of this module.
    """
    browser = find_browser()
    if browser is None:
        return dict.fromkeys(orders, NO_BROWSER)
    done: dict[Key, bytes | str] = {}
    sessions: list[Any] = []
    problems: list[str] = []

    def work() -> None:
        try:
            asyncio.run(_draw(browser, orders, done, sessions))
        except Exception as error:  # whatever the browser does, the other files are written
            problems.append(_line(error))

    thread = threading.Thread(target=work, name="figures", daemon=True)
    thread.start()
    count, last = 0, time.monotonic()
    while thread.is_alive():
        thread.join(0.1)
        if len(done) > count:
            count, last = len(done), time.monotonic()
        if time.monotonic() - last > PATIENCE:
            problems.insert(0, f"no answer within {PATIENCE:.0f} seconds")
            _kill(sessions)
            thread.join(10)
            break
    reason = f"{browser.name} failed: {problems[0] if problems else 'it stopped early'}"
    return {key: done.get(key, reason) for key in orders}


def _line(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}"[:200] if words else type(error).__name__


async def _draw(browser: Path, orders: Mapping[Key, dict[str, Any]], done: dict[Key, bytes | str], sessions: list[Any]) -> None:
    import kaleido
    from kaleido.errors import JavascriptError, KaleidoError

    generator = kaleido.PageGenerator(mathjax=False)
    generator.header = generator.header.replace("<head>", f"<head>{HEAD}")
    session = kaleido.Kaleido(path=browser, page_generator=generator, timeout=PATIENCE)
    sessions.append(session)
    try:
        await session.open()
        for key, order in orders.items():
            try:
                done[key] = await session.calc_fig(order["fig"], order["opts"])
            except (KaleidoError, JavascriptError) as error:  # one figure that cannot be drawn does not stop the others
                done[key] = f"{browser.name} failed: {_line(error)}"
    finally:
        await session.close()
        _kill(sessions)


def _kill(sessions: Sequence[Any]) -> None:
    """End browsers that are still there, with the processes they started."""
    for session in sessions:
        process = getattr(session, "subprocess", None)
        if process is None or process.poll() is not None:
            continue
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        process.wait(10)
