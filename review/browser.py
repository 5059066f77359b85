"""The browser that draws static figures: found, started once for many images, and ended whatever happens.

With :func:`shared` the processes of a run draw in one browser (:mod:`review.browser_server`). Where that cannot be used a
process starts its own; the images are the same.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from review.batch.warm_server import HEADER, exactly
from review.browser_page import DrawingError, Page, Paper
from review.browser_program import program, without_keys
from review.system import private, restored

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 90.0
"""Seconds without a new image after which the browser is killed."""

FAREWELL = 10.0
"""Seconds that a browser which is ended gets to remove its files."""

SILENCE = 30.0
"""Seconds without a word after which the shared browser is given up."""

SHARED = "REVIEW_BROWSER"
"""The variable of the environment by which a process finds the socket of the shared browser."""

LONGEST = 1 << 28
"""Bytes of a message that are accepted."""

NO_BROWSER = "no browser found (install Chromium or set BROWSER_PATH)"
Key = tuple[str, str]
Orders = Mapping[Key, dict[str, Any]]
_logger = logging.getLogger(__name__)


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


def render(orders: Orders) -> dict[Key, bytes | str]:
    """Draw images in the shared browser or in one of this process; where that fails, return the reason instead.

    A browser may load local files only. Nothing waits for longer than the limits of this module. Orders are those of
    :meth:`review.browser_page.Page.draw`; a figure is drawn once where all that is made of it is ordered in a row.
    """
    browser = find_browser()
    if browser is None:
        return dict.fromkeys(orders, NO_BROWSER)
    named = {key: _named(order) for key, order in orders.items()}
    done = _ask(browser, named)
    rest = {key: order for key, order in named.items() if key not in done}
    if rest:
        done |= _alone(browser, rest)
    return {key: done[key] for key in orders}


def render_many(
    orders: Orders,
    number: int,
    ready: Callable[[Key, bytes | str], None],
    then: Callable[[], Orders] = dict,
) -> dict[Key, bytes | str]:
    """Draw many images on several pages of one browser of this process; see :func:`render`.

    Parameters
    ----------
    orders : mapping
        By name and kind; what has one name is drawn on one page.
    number : int
        Pages.
    ready : callable
        Told of each image, in another thread, as soon as it is there.
    then : callable, optional
        Returns what is drawn when all else is.
    """
    browser = find_browser()
    if browser is None:
        return dict.fromkeys(orders, NO_BROWSER)
    return _alone(browser, {key: _named(order) for key, order in orders.items()}, number, ready, then)


def _named(order: dict[str, Any]) -> dict[str, Any]:
    """Name the traces of a figure by their place: plotly would give them random names, which stand in the SVG."""
    if "fig" not in order:
        return order
    figure = order["fig"]
    traces = [{"uid": f"{place:06x}", **trace} for place, trace in enumerate(figure["data"])]
    return {**order, "fig": {**figure, "data": traces}}


def _ask(browser: Path, orders: Orders) -> dict[Key, bytes | str]:
    """Return what the shared browser has drawn; nothing if there is none, not all if it is lost."""
    done: dict[Key, bytes | str] = {}
    address = os.environ.get(SHARED)
    if not address:
        return done
    try:
        if not private(os.path.dirname(address)):
            raise PermissionError(f"{address} is not in a folder of this user's own")
        message = _message(browser, list(orders.values()))
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SILENCE)
            connection.connect(address)
            connection.sendall(message)
            keys = list(orders)
            while len(done) < len(orders):
                answer = _receive(connection)
                if "image" in answer:
                    done[keys[answer["place"]]] = base64.b64decode(answer["image"], validate=True)
                elif "reason" in answer:
                    done[keys[answer["place"]]] = str(answer["reason"])
    except (OSError, EOFError, LookupError, TypeError, ValueError) as error:
        _logger.info("the shared browser is not used, an own one is started: %s", _line(error))
    return done


def _message(browser: Path, orders: list[dict[str, Any]]) -> bytes:
    """Return what is sent; plotly's encoder is also the one that writes for the browser."""
    from plotly.utils import PlotlyJSONEncoder

    return frame(json.dumps({"browser": str(browser), "prefix": sys.prefix, "orders": orders}, cls=PlotlyJSONEncoder))


def frame(text: str) -> bytes:
    """Return a message: its length, then the text.

    Raises
    ------
    ValueError
        If it is too long.
    """
    data = text.encode()
    if len(data) > LONGEST:
        raise ValueError(f"a message of {len(data)} bytes")
    return HEADER.pack(len(data)) + data


def _receive(connection: socket.socket) -> dict[str, Any]:
    (length,) = HEADER.unpack(exactly(connection, HEADER.size))
    if length > LONGEST:
        raise ValueError(f"a message of {length} bytes")
    answer = json.loads(exactly(connection, length))
    if not isinstance(answer, dict):
        raise ValueError("an answer that is no object")
    return answer


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Let the processes that are started in the block share a browser, which starts with the first image.

    It ends with the block, or with this process. Where the system has no Unix sockets every process starts its own.
    """
    if not hasattr(socket, "AF_UNIX") or os.path.exists(os.environ.get(SHARED, "")):
        yield
        return
    folder, server = tempfile.mkdtemp(prefix="review-browser-"), None
    try:
        with restored(SHARED):
            try:
                server = _start(folder)
                os.environ[SHARED] = _address(folder)
            except OSError as error:  # the path may be too long for a socket
                _logger.info("no shared browser: %s", _line(error))
            yield
    finally:
        if server is not None:
            _end(server)
        shutil.rmtree(folder, ignore_errors=True)


def _address(folder: str) -> str:
    return os.path.join(folder, "socket")


def _start(folder: str) -> subprocess.Popen[bytes]:
    """Start the server of a shared browser; it lives as long as its standard input is open."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(_address(folder))
        os.chmod(_address(folder), 0o600)
        listener.listen(128)
        command = [sys.executable, "-P", "-m", "review.browser_server", str(listener.fileno()), folder]
        with open(os.path.join(folder, "log"), "wb") as log:
            return subprocess.Popen(  # noqa: S603 -- this interpreter and a module of this package
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**without_keys(os.environ), "TMPDIR": folder},
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )


def _end(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None
    server.stdin.close()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _alone(
    browser: Path,
    orders: Orders,
    number: int = 1,
    ready: Callable[[Key, bytes | str], None] = lambda _key, _image: None,
    then: Callable[[], Orders] = dict,
) -> dict[Key, bytes | str]:
    """Draw in a browser of this process; in a thread of its own, so that this works inside a notebook's event loop."""
    done: dict[Key, bytes | str] = {}
    sessions: list[Session] = []
    problems: list[str] = []
    stopped, ended = threading.Event(), threading.Event()  # a join that a signal breaks off takes the thread for ended

    def work() -> None:
        try:
            session = Session(browser, number)
            sessions.append(session)
            asyncio.run(_draw(session, orders, done, ready, then, stopped))
        except (Exception, asyncio.CancelledError) as error:  # whatever the browser does, the other files are written
            problems.append(_line(error))
        finally:
            ended.set()

    def stop(patience: float) -> None:
        """Let the browser end and remove its files; kill it if it does not, also if it is only about to start."""
        stopped.set()
        limit = time.monotonic() + FAREWELL
        kind = time.monotonic() + patience
        while not ended.wait(0.05) and time.monotonic() < limit:
            for session in sessions if time.monotonic() >= kind else ():
                session.kill()

    threading.Thread(target=work, name="figures", daemon=True).start()
    count, last = 0, time.monotonic()
    try:
        while not ended.wait(0.1):
            if len(done) > count:
                count, last = len(done), time.monotonic()
            if time.monotonic() - last > PATIENCE:
                problems.insert(0, late())
                stop(0)
                break
    except BaseException:  # Ctrl-C or a signal to end: left alone, the browser would write its profile while that is removed
        stop(FAREWELL / 2)
        raise
    reason = f"{browser.name} failed: {problems[0] if problems else 'it stopped early'}"
    return {key: done.get(key, reason) for key in dict.fromkeys([*orders, *done])}


def late() -> str:
    """Return the words for a browser that has used up its time."""
    return f"no answer within {PATIENCE:.0f} seconds"


def _line(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}"[:200] if words else type(error).__name__


async def _draw(
    session: Session,
    orders: Orders,
    done: dict[Key, bytes | str],
    ready: Callable[[Key, bytes | str], None],
    then: Callable[[], Orders],
    stopped: threading.Event,
) -> None:
    waiting = [[key for key in orders if key[0] == name] for name in dict.fromkeys(name for name, _ in orders)]

    async def work(page: int) -> None:
        while waiting:
            for key in waiting.pop(0):
                done[key] = await session.draw(orders[key], page)
                ready(key, done[key])

    async def all_pages() -> None:
        await asyncio.gather(*(work(page) for page in range(len(session.pages))))
        for key, order in then().items():
            done[key] = await session.draw(order)

    try:
        await session.open()
        drawing = asyncio.create_task(all_pages())
        while not (drawing.done() or stopped.is_set()):
            await asyncio.wait({drawing}, timeout=0.1)
        if drawing.done():
            drawing.result()
        drawing.cancel()
    finally:
        await session.close()
        session.kill()


class Session:
    """A browser with pages, each of which draws one image at a time.

    Parameters
    ----------
    browser : Path
        The program.
    number : int
        Pages.
    """

    def __init__(self, browser: Path, number: int = 1) -> None:
        import kaleido

        self.browser = browser
        self.pages: list[Page] = []
        choice = {"path": browser, "browser_cls": program()}
        self._kaleido = kaleido.Kaleido(n=number, page_generator=Paper(), timeout=None, **choice)

    async def open(self) -> None:
        """Start the browser and load its pages."""
        await self._kaleido.open()
        while not self._kaleido.tabs_ready.empty():
            self.pages.append(Page(self._kaleido.tabs_ready.get_nowait()))

    async def draw(self, order: Mapping[str, Any], page: int = 0) -> bytes | str:
        """Return an image, or why it cannot be drawn; that does not stop others."""
        try:
            return await self.pages[page].draw(order)
        except DrawingError as error:
            await self.refresh(page)
            return f"{self.browser.name} failed: {_line(error)}"

    async def refresh(self, page: int = 0) -> None:
        """Load a page anew if it was used; a browser that cannot is ended."""
        try:
            await self.pages[page].refresh()
        except Exception:
            self.kill()
            raise

    async def close(self) -> None:
        """Ask the browser to end, and remove its files."""
        await self._kaleido.close()

    def gone(self) -> bool:
        """Tell whether the browser has ended or never started."""
        process = getattr(self._kaleido, "subprocess", None)
        return process is None or process.poll() is not None

    def kill(self) -> None:
        """End the browser if it is still there, with the processes it started."""
        if self.gone():
            return
        logging.getLogger("choreographer.browser_async").setLevel(logging.ERROR)  # it would warn that the browser has ended
        process = self._kaleido.subprocess
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        process.wait(10)
