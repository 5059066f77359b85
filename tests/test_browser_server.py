"""The server of the shared browser with a pretended browser: order, limits, losses, and clients that send anything."""

import asyncio
import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest

from review import browser, browser_server
from review.browser import HEADER, frame
from review.browser_page import DrawingError, Page

PATH = "/usr/bin/pretended"


class Pretended(browser.Session):
    """A session whose browser does what its orders say; figures are words."""

    made: ClassVar = []

    def __init__(self, path):
        self.browser, self.pages = path, []
        self._kaleido = self
        self.drawn, self.reloads = [], 0
        Pretended.made.append(self)

    async def open(self):
        if self.browser.name == "broken":
            raise RuntimeError("it does not start")
        self.subprocess = subprocess.Popen(["sleep", "300"], start_new_session=True)
        if self.browser.name == "half":
            raise RuntimeError("it starts and fails")
        if self.browser.name == "mute":
            await asyncio.sleep(300)
        self.pages.append(PretendedPage(self))

    async def reload(self):
        self.reloads += 1
        if self.drawn[-1:] == ["no more"]:
            await asyncio.sleep(300)
        if self.drawn[-1:] == ["spoils"]:
            raise RuntimeError("the page does not load")

    async def paint(self, figure, options):
        self.drawn.append(figure)
        if figure == "wrong":
            raise DrawingError("no figure")
        if figure == "odd":
            raise TypeError("an odd figure")
        if figure == "dies":
            self.subprocess.kill()
            self.subprocess.wait()
            asyncio.current_task().cancel()
        await asyncio.sleep({"hangs": 300, "slow": 0.3}.get(figure, 0))
        return f"{figure} as {options['format']}".encode()

    async def close(self):
        self.kill()


class PretendedPage(Page):
    """A page that has its pretended browser draw; the session stands for its tab."""

    async def draw(self, order):
        if order["opts"]["format"] == "svg":
            await self.refresh()
        self.used = True
        return await self.tab.paint(order["fig"], order["opts"])


@pytest.fixture
def start(monkeypatch):
    """Run a server in a thread; returns its address."""
    monkeypatch.setattr(browser, "Session", Pretended)
    monkeypatch.setattr(Pretended, "made", [])
    running = []

    def begin(number=1):
        folder = tempfile.mkdtemp(prefix="b-")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{folder}/socket")
        listener.listen()
        parent, end = os.pipe()
        thread = threading.Thread(target=browser_server.main, args=(listener, parent, folder, number))
        thread.start()
        running.append((folder, parent, end, thread))
        return f"{folder}/socket"

    yield begin
    for folder, parent, end, thread in running:
        os.close(end)
        thread.join(60)
        assert not thread.is_alive()
        assert not Path(folder).exists()
        os.close(parent)
    assert all(one.gone() for one in Pretended.made)


def message(*figures, path=PATH, kind="svg", **more):
    orders = [{"fig": figure, "opts": {"format": kind}} for figure in figures]
    return frame(json.dumps({"browser": path, "prefix": sys.prefix, "orders": orders, **more}))


def connect(address, data):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(address)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may be refused before all is sent
        connection.sendall(data)
    return connection


def answers(connection, number):
    """Return the answers but those that say to wait, and how many of these there were; stops when the server hangs up."""
    found, beats = {}, 0
    with connection:
        while len(found) < number:
            try:
                answer = browser._receive(connection)
            except (EOFError, ConnectionResetError):
                break
            beats += not answer
            if answer:
                found[answer["place"]] = answer.get("reason") or base64.b64decode(answer["image"])
    return [found.get(place) for place in range(number)], beats


def ask(address, *figures, **more):
    return answers(connect(address, message(*figures, **more)), len(figures))[0]


def test_images_are_answered_in_order_and_one_browser_draws_all(start):
    address = start()
    assert ask(address, "a", "wrong", "b") == [b"a as svg", "pretended failed: DrawingError: no figure", b"b as svg"]
    assert ask(address, "c") == [b"c as svg"]
    assert ask(address) == []
    [one] = Pretended.made
    assert one.drawn == ["a", "wrong", "b", "c"]


@pytest.mark.parametrize(("kind", "pages"), [("svg", 4), ("png", 2)])
def test_a_page_is_new_for_each_svg_after_each_wrong_figure_and_for_each_client(start, kind, pages):
    address = start()
    answers(connect(address, message("a", "b", "wrong", "c", kind=kind)), 5)  # until it hangs up: the new page is there
    assert Pretended.made[0].reloads == pages


def test_clients_are_drawn_for_together_in_browsers_of_their_own(start):
    address = start(2)
    assert ask(address, "a") == ask(address, "a") == [b"a as svg"]
    assert len(Pretended.made) == 1, "a second browser is started only if the first is busy"
    clients = [connect(address, message("slow", "slow")) for _ in range(6)]
    for client in clients:
        assert answers(client, 2)[0] == [b"slow as svg"] * 2
    assert sorted(len(one.drawn) for one in Pretended.made)[0] >= 2
    assert sum(len(one.drawn) for one in Pretended.made) == 14
    assert len(Pretended.made) == 2


def test_who_waits_is_told_to_wait(start, monkeypatch):
    monkeypatch.setattr(browser_server, "BEAT", 0.01)
    address = start()
    images, beats = answers(connect(address, message("slow")), 1)
    assert images == [b"slow as svg"]
    assert beats > 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        HEADER.pack(browser.LONGEST + 1),
        HEADER.pack(5) + b"abc",
        frame("{"),
        frame("[]"),
        HEADER.pack(2) + b"\xff\xff",
        frame('{"browser": 1, "orders": []}'),
        frame('{"browser": "x", "orders": {}}'),
        message(orders=[1]),
        message(orders=[{"fig": {}}]),
        message("a", prefix="/elsewhere"),
        message("a", path="/usr/bin/another"),
    ],
)
def test_a_client_that_sends_anything_is_refused_and_the_server_goes_on(start, data):
    address = start()
    assert ask(address, "a") == [b"a as svg"]
    client = connect(address, data)
    with contextlib.suppress(OSError):  # the server may have hung up
        client.shutdown(socket.SHUT_WR)
    assert answers(client, 1)[0] == [None]
    assert ask(address, "b") == [b"b as svg"]
    assert Pretended.made[0].drawn == ["a", "b"]


def test_a_client_that_does_not_finish_its_order_is_left(start, monkeypatch):
    monkeypatch.setattr(browser_server, "SLOW", 0.1)
    address = start()
    assert answers(connect(address, b"\0\0"), 1)[0] == [None]
    monkeypatch.setattr(browser_server, "SLOW", 60.0)
    assert ask(address, "a") == [b"a as svg"]


def test_a_client_of_another_user_is_refused(start, monkeypatch):
    address = start()
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    assert ask(address, "a") == [None]
    monkeypatch.setattr(os, "getuid", lambda: own)
    assert ask(address, "a") == [b"a as svg"]


def test_the_folder_keeps_others_out_where_the_system_does_not_tell_the_user(start, monkeypatch):
    monkeypatch.delattr(socket, "SO_PEERCRED")
    assert ask(start(), "a") == [b"a as svg"]


def test_a_client_that_has_gone_is_not_drawn_for(start):
    address = start()
    client = connect(address, message("slow", *["more"] * 50))
    client.close()
    assert ask(address, "next") == [b"next as svg"]
    assert Pretended.made[0].drawn.count("more") < 50


def test_a_lost_browser_is_started_again_for_the_next_client(start):
    address = start()
    assert ask(address, "a", "dies", "b") == [b"a as svg", None, None]
    assert ask(address, "c") == [b"c as svg"]
    assert [one.drawn for one in Pretended.made] == [["a", "dies"], ["c"]]


def test_an_odd_figure_costs_its_client_the_server_but_nobody_the_browser(start):
    address = start()
    assert ask(address, "a", "odd", "b") == [b"a as svg", None, None]
    assert ask(address, "c") == [b"c as svg"]
    assert len(Pretended.made) == 1


@pytest.mark.parametrize("path", [PATH, "/usr/bin/mute"])
def test_a_figure_or_a_browser_that_takes_all_the_time_gets_a_reason(start, monkeypatch, path):
    monkeypatch.setattr(browser, "PATIENCE", 3.0)
    address = start()
    late = f"{Path(path).name} failed: no answer within 3 seconds"
    drawn = [b"a as svg"] if path == PATH else [late]
    assert ask(address, "a", "hangs", "b", path=path) == [*drawn, late, late]
    assert Pretended.made[0].subprocess.wait(60) < 0
    monkeypatch.setattr(browser, "PATIENCE", 60.0)
    assert ask(address, "c") == [b"c as svg"]


@pytest.mark.parametrize("figure", ["no more", "spoils"])
def test_a_page_that_does_not_load_again_ends_the_browser(start, monkeypatch, figure):
    monkeypatch.setattr(browser, "PATIENCE", 3.0)
    address = start()
    assert ask(address, figure) == [f"{figure} as svg".encode()]
    assert ask(address, "a") == [b"a as svg"]
    assert len(Pretended.made) == 2


@pytest.mark.parametrize("name", ["broken", "half"])
def test_a_browser_that_does_not_start_is_left_to_the_client(start, name):
    address = start()
    assert ask(address, "a", path=f"/usr/bin/{name}") == [None]
    assert ask(address, "a") == [b"a as svg"]


def test_the_end_does_not_wait_for_an_image(start):
    address = start()
    client = connect(address, message("a", "hangs"))
    assert browser._receive(client)["place"] == 0
    client.close()
    begun = time.monotonic()
    while "hangs" not in Pretended.made[0].drawn:
        assert time.monotonic() < begun + 30
        time.sleep(0.01)


def test_no_browser_is_started_after_the_end(start):
    start()

    async def late():
        server = browser_server.Server(1)
        await server.close()
        await server._desks[0].serve({"browser": PATH, "orders": []}, None, None)

    with pytest.raises(browser_server.LostError, match="the server ends"):
        asyncio.run(late())
    assert Pretended.made == []


def test_a_page_that_is_lost_ends_the_browser(start):
    start()

    async def lost():
        session = Pretended(Path(PATH))
        await session.open()
        session.pages[0].used = True
        session.drawn.append("spoils")
        with pytest.raises(RuntimeError, match="does not load"):
            await session.refresh()
        return session.gone()

    assert asyncio.run(lost())


@pytest.mark.parametrize(("processors", "number"), [(None, 1), (1, 1), (2, 1), (4, 2), (64, 4)])
def test_browsers_leave_processors_to_the_clients(monkeypatch, processors, number):
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert browser_server.browsers_here() == number
