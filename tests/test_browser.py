"""One browser for many processes: the same images, an own browser where it fails, and nothing left over."""

import base64
import contextlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import psutil
import pytest
from plotly.utils import PlotlyJSONEncoder

from review import browser, system, theme
from review.browser import HEADER, SHARED, find_browser, render, shared

SIZE = {"width": 300, "height": 200, "scale": 1}
DRAW = """
import sys
import plotly.graph_objects as go
from review.browser import render
figure = go.Figure(go.Bar(y=[1, 2])).to_plotly_json()
[image] = render({("bar", "svg"): {"fig": figure, "opts": {"format": "svg", "width": 300, "height": 200, "scale": 1}}}).values()
assert b"main-svg" in image, image
print("kaleido" in sys.modules)
"""

SHARE = """
import os, subprocess, sys, time
from review.browser import shared
with shared():
    subprocess.run([sys.executable, "-c", '''{draw}'''], check=True)
    print(os.environ["{variable}"], flush=True)
    time.sleep(300)
"""


@pytest.fixture(autouse=True)
def unshared(monkeypatch):
    """Tests start without a shared browser, and leave none."""
    monkeypatch.delenv(SHARED, raising=False)
    yield
    assert SHARED not in os.environ


@pytest.fixture
def alone(monkeypatch):
    """Stand for the own browser; returns the orders that came to it."""
    asked = []

    def draw(_, orders):
        asked.append(list(orders))
        return dict.fromkeys(orders, b"own")

    monkeypatch.setattr(browser, "_alone", draw)
    monkeypatch.setattr(browser, "find_browser", lambda: Path("/usr/bin/chromium"))
    return asked


@pytest.fixture
def folder():
    """A folder of this user's own with a short name."""
    with tempfile.TemporaryDirectory(prefix="b-") as path:
        yield Path(path)


def needs_browser():
    if find_browser() is None and "CI" not in os.environ:
        pytest.skip("no browser here")


def order(kind="svg", figure=None, **options):
    figure = figure or go.Figure(go.Scatter(y=[1, 3, 2]))
    return {"fig": figure.to_plotly_json(), "opts": {"format": kind, **SIZE, **options}}


def figures():
    """Figures with what may change on the way: typed arrays, dates, gaps, patterns, several traces, foreign letters."""
    marker = {"color": ["#123456", "#abcdef"], "pattern": {"shape": ["/", "x"]}}
    days = pd.date_range("2024-01-01", periods=3)
    return {
        "typed": go.Figure([go.Scatter(x=np.linspace(0, 1, 50), y=np.sqrt(np.arange(50))), go.Scatter(y=np.float32([1, 2.5]))]),
        "whole": go.Figure(go.Heatmap(z=np.arange(12, dtype=np.int16).reshape(3, 4), colorscale="Viridis")),
        "bars": go.Figure(go.Bar(x=["ä\u2028", "<b>日本"], y=[1, 2], marker=marker), layout={"title": "\U0001f600 & more"}),
        "gaps": go.Figure(go.Scatter(x=days, y=[1.5, float("nan"), None], mode="lines+markers")),
    }


def comparable(kind, image):
    """Leave out what is another each time: the name of the drawing in an SVG, the dates of a PDF."""
    if kind == "svg":
        [name] = set(re.findall(rb'id="defs-([0-9a-f]{6})"', image))
        return image.replace(name, b"NAME")
    return re.sub(rb"/(Creation|Mod)Date \(D:[^)]*\)", b"", image) if kind == "pdf" else image


def descendants(process):
    return [child for child in psutil.Process(process).children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]


def browsers(process):
    return [child for child in descendants(process) if "chrom" in child.name()]


def gone(processes):
    """Wait until processes have ended; one that nobody reaps counts as ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if not [process for process in processes if alive(process)]:
            return True
        psutil.wait_procs(processes, timeout=0.2)
    return False


def alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# The same images


@pytest.mark.browser
def test_images_are_the_same_as_with_an_own_browser(monkeypatch):
    needs_browser()
    orders = {
        (name, kind): order(kind, figure, scale=3 if kind == "png" else 1)
        for name, figure in figures().items()
        for kind in ("svg", "pdf", "png")
    }
    orders["wrong", "png"] = {"svg": "<svg", "opts": {"format": "png", **SIZE}}
    orders["last", "svg"] = order()
    own = render(orders)
    monkeypatch.setattr(browser, "_alone", lambda *_: pytest.fail("an own browser was started"))
    with shared():
        first = render(orders)
        again = render(dict(reversed(orders.items())))
    assert own["wrong", "png"].endswith("failed: DrawingError: EncodingError: The source image cannot be decoded.")
    assert first.pop(("wrong", "png")) == again.pop(("wrong", "png")) == own.pop(("wrong", "png"))
    for key, image in own.items():
        assert comparable(key[1], image) == comparable(key[1], first[key]) == comparable(key[1], again[key]), key
    assert list(first) == [key for key in orders if key[0] != "wrong"]


@pytest.mark.parametrize("name", figures())
def test_what_is_sent_is_read_as_what_plotly_writes(name):
    written = json.dumps(order(figure=figures()[name]), cls=PlotlyJSONEncoder)
    assert json.dumps(json.loads(written), cls=PlotlyJSONEncoder) == written


def test_traces_are_named_by_their_place_unless_they_have_names():
    figure = {"data": [{"y": [1]}, {"uid": "mine"}, {}], "layout": {"title": "x"}}
    named = browser._named({"fig": figure})["fig"]
    assert [trace["uid"] for trace in named["data"]] == ["000000", "mine", "000002"]
    assert named["layout"] == figure["layout"]
    assert "uid" not in figure["data"][0]


@pytest.mark.browser
def test_a_drawing_holds_its_letters_and_all_else_is_made_of_it():
    needs_browser()
    family = "Arimo, monospace"
    figure = go.Figure(layout={"font": {"family": family}, "annotations": [{"text": "WWW <b>iii</b>", "showarrow": False}]})
    kinds = ("svg", "pdf", "png")
    first = render({("a", kind): order(kind, figure) for kind in kinds})
    svg = first["a", "svg"].decode()
    assert svg.count("@font-face") == 2
    again = render({("a", kind): {"svg": svg, "opts": {"format": kind, **SIZE}} for kind in kinds})
    assert {key: comparable(key[1], image) for key, image in again.items()} == {
        key: comparable(key[1], image) for key, image in first.items()
    }
    bare = re.sub(r"<style>@font-face.*?</style>", "", svg)
    assert bare != svg
    other = render({("a", "png"): {"svg": bare, "opts": {"format": "png", **SIZE}}})
    assert other["a", "png"] != first["a", "png"], "without its letters the drawing is one in another font"


@pytest.mark.browser
def test_a_machine_without_fonts_draws_the_same(monkeypatch, tmp_path):
    needs_browser()
    figure = go.Figure(layout={"font": {"family": theme.FONT, "size": theme.TEXT}})
    figure.add_bar(x=["Language-model based \u2265 \u03ba", "Ren\u00e9"], y=[-1, 2])
    orders = {("a", kind): order(kind, figure) for kind in ("svg", "pdf", "png")}
    here = render(orders)
    (tmp_path / "fonts.conf").write_text(f"<fontconfig><cachedir>{tmp_path}/cache</cachedir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))
    listed = subprocess.run(["fc-list"], capture_output=True, text=True, check=True).stdout if shutil.which("fc-list") else ""
    assert listed == ""
    there = render(orders)
    assert {key: comparable(key[1], image) for key, image in there.items()} == {
        key: comparable(key[1], image) for key, image in here.items()
    }


@pytest.mark.browser
def test_many_images_are_drawn_on_several_pages_and_told_as_they_come():
    needs_browser()
    told = {}
    orders = {(name, kind): order(kind, figure) for name, figure in figures().items() for kind in ("svg", "png")}
    last = {("page", "pdf"): {"html": "<p>The end</p>", "opts": {"format": "pdf", "width": 300, "height": 200}}}
    done = browser.render_many(orders, 2, told.__setitem__, lambda: last if len(told) == len(orders) else {})
    assert list(done) == [*orders, ("page", "pdf")]
    assert told == {key: done[key] for key in orders}
    assert done["page", "pdf"].startswith(b"%PDF")
    alone = render({("typed", "svg"): orders["typed", "svg"]})
    assert comparable("svg", alone["typed", "svg"]) == comparable("svg", done["typed", "svg"])


def test_without_a_browser_many_images_have_the_reason(monkeypatch, folder):
    monkeypatch.setenv("BROWSER_PATH", str(folder / "absent"))
    orders = {("a", "svg"): order()}
    assert browser.render_many(orders, 2, lambda *_: pytest.fail("told")) == {("a", "svg"): browser.NO_BROWSER}


# Its life


def test_a_block_that_draws_nothing_starts_no_browser_and_leaves_nothing(monkeypatch):
    monkeypatch.setenv(SHARED, "/gone/socket")
    before = set(psutil.Process().children(recursive=True))
    with shared():
        address = Path(os.environ[SHARED])
        assert address.parent.stat().st_mode & 0o777 == 0o700
        assert stat.S_ISSOCK(address.stat().st_mode)
        assert address.stat().st_mode & 0o777 == 0o600
        [server] = set(psutil.Process().children(recursive=True)) - before
        with shared():
            assert os.environ[SHARED] == str(address), "a block within a block uses its browser"
        assert server.is_running()
    assert os.environ[SHARED] == "/gone/socket"
    assert not address.parent.exists()
    assert not alive(server)
    monkeypatch.delenv(SHARED)


def test_the_block_ends_the_server_when_it_fails():
    folders = []

    def fail():
        with shared():
            folders.append(Path(os.environ[SHARED]).parent)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not folders[0].exists()


def test_a_path_too_long_for_a_socket_means_no_shared_browser(monkeypatch, tmp_path, caplog):
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with caplog.at_level(logging.INFO, "review.browser"), shared():
        assert SHARED not in os.environ
    assert "no shared browser: OSError: AF_UNIX path too long" in caplog.text
    assert not list(long.iterdir())


def test_a_system_without_unix_sockets_shares_nothing(monkeypatch):
    monkeypatch.delattr(socket, "AF_UNIX")
    with shared():
        assert SHARED not in os.environ


def test_a_server_that_does_not_end_is_killed():
    process = subprocess.Popen(["sleep", "300"], stdin=subprocess.PIPE)
    process.wait, waited = lambda *limit, wait=process.wait: wait(0.1) if limit else wait(), process.wait
    browser._end(process)
    assert waited() == -signal.SIGKILL


@pytest.mark.browser
def test_processes_draw_in_one_browser_that_ends_with_the_block():
    needs_browser()
    before = set(psutil.Process().children(recursive=True))
    with shared():
        for _ in range(2):
            assert subprocess.run([sys.executable, "-c", DRAW], capture_output=True, text=True, check=True).stdout == "False\n"
            [server] = set(psutil.Process().children()) - before
            running = browsers(server.pid)
            roots = [process for process in running if process.ppid() not in {one.pid for one in running}]
            assert len(roots) == 1
        first, folder = descendants(server.pid), Path(os.environ[SHARED]).parent
    assert gone([server, *first])
    assert not folder.exists()


@pytest.mark.browser
def test_nothing_is_left_when_the_process_that_shares_is_killed():
    needs_browser()
    code = SHARE.format(draw=DRAW, variable=SHARED)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "False\n"
        folder = Path(parent.stdout.readline().strip()).parent
        processes = descendants(parent.pid)
        assert browsers(parent.pid)
        parent.kill()
    assert gone(processes)
    assert not folder.exists()


@pytest.mark.browser
def test_a_killed_server_leaves_no_browser_and_the_images_are_drawn_all_the_same():
    needs_browser()
    before = set(psutil.Process().children())
    with shared():
        first = render({("a", "png"): order("png")})
        [server] = set(psutil.Process().children()) - before
        processes = descendants(server.pid)
        assert browsers(server.pid)
        server.kill()
        assert gone(processes)
        assert render({("a", "png"): order("png")}) == first


@pytest.mark.browser
def test_a_killed_browser_is_started_again(monkeypatch):
    needs_browser()
    before = set(psutil.Process().children())
    with shared():
        first = render({("a", "png"): order("png")})
        [server] = set(psutil.Process().children()) - before
        processes = browsers(server.pid)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert gone(processes)
        assert render({("a", "png"): order("png")}) == first, "whoever has drawn it"
        monkeypatch.setattr(browser, "_alone", lambda *_: pytest.fail("an own browser was started"))
        assert render({("a", "png"): order("png")}) == first
        assert browsers(server.pid)


# Where it cannot be used


def serve(folder, answers):
    """Answer the first client with these bytes, then hang up."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.listen()

    def work():
        with listener, listener.accept()[0] as client:
            (length,) = HEADER.unpack(client.recv(4, socket.MSG_WAITALL))
            client.recv(length, socket.MSG_WAITALL)
            client.sendall(answers)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def said(**answer):
    return browser.frame(json.dumps(answer))


IMAGE = base64.b64encode(b"shared").decode()


@pytest.mark.parametrize(
    ("answers", "drawn"),
    [
        (b"", 0),
        (b"\0\0", 0),
        (HEADER.pack(browser.LONGEST + 1), 0),
        (browser.frame("[1]"), 0),
        (browser.frame("{"), 0),
        (said(place=0, image="?"), 0),
        (said(place=2, image=IMAGE), 0),
        (said(place="0", image=IMAGE), 0),
        (said(image=IMAGE), 0),
        (said(place=0, image=5), 0),
        (said(place=0, image=IMAGE), 1),
        (said() + said(place=0, image=IMAGE) + said() + said(place=1, image=IMAGE), 2),
        (said(place=0, image=IMAGE) + said(place=1, reason="too large"), "reason"),
    ],
)
def test_what_the_shared_browser_has_not_drawn_an_own_one_draws(monkeypatch, folder, alone, caplog, answers, drawn):
    monkeypatch.setenv(SHARED, str(folder / "socket"))
    thread = serve(folder, answers)
    keys = [("a", "svg"), ("b", "svg")]
    with caplog.at_level(logging.INFO, "review.browser"):
        result = render(dict.fromkeys(keys, order()))
    thread.join(30)
    monkeypatch.delenv(SHARED)
    if drawn == "reason":
        assert result == {keys[0]: b"shared", keys[1]: "too large"}
        return
    assert result == {**dict.fromkeys(keys, b"own"), **dict.fromkeys(keys[:drawn], b"shared")}
    assert list(result) == keys
    assert alone == ([keys[drawn:]] if drawn < 2 else [])
    assert ("the shared browser is not used" in caplog.text) == (drawn < 2)


def test_a_shared_browser_that_says_nothing_is_given_up(monkeypatch, folder, alone):
    monkeypatch.setenv(SHARED, str(folder / "socket"))
    monkeypatch.setattr(browser, "SILENCE", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        assert render({("a", "svg"): order()}) == {("a", "svg"): b"own"}
    monkeypatch.delenv(SHARED)


@pytest.mark.parametrize("problem", ["open", "link", "absent", "no socket"])
def test_a_socket_that_others_may_have_made_is_not_used(monkeypatch, folder, alone, caplog, problem):
    place = folder / "place"
    if problem == "link":
        (folder / "other").mkdir(mode=0o700)
        place.symlink_to(folder / "other")
    elif problem != "absent":
        place.mkdir(mode=0o700)
        place.chmod(0o755 if problem == "open" else 0o700)
    monkeypatch.setenv(SHARED, str(place / "socket"))
    with caplog.at_level(logging.INFO, "review.browser"):
        assert render({("a", "svg"): order()}) == {("a", "svg"): b"own"}
    monkeypatch.delenv(SHARED)
    reason = {
        "open": "PermissionError",
        "link": "PermissionError",
        "absent": "FileNotFoundError",
        "no socket": "FileNotFoundError",
    }
    assert reason[problem] in caplog.text


@pytest.mark.parametrize("problem", ["value", "length"])
def test_an_order_that_cannot_be_sent_goes_to_an_own_browser(monkeypatch, folder, alone, problem):
    monkeypatch.setenv(SHARED, str(folder / "socket"))
    one = order()
    if problem == "value":
        one["fig"]["layout"]["meta"] = object()
    else:
        monkeypatch.setattr(browser, "LONGEST", 100)
    assert render({("a", "svg"): one}) == {("a", "svg"): b"own"}
    monkeypatch.delenv(SHARED)
    assert alone == [[("a", "svg")]]


def test_without_a_browser_nobody_is_asked(monkeypatch, folder):
    monkeypatch.setenv("BROWSER_PATH", str(folder / "absent"))
    monkeypatch.setenv(SHARED, str(folder / "socket"))
    monkeypatch.setattr(browser, "_ask", lambda *_: pytest.fail("the shared browser was asked"))
    assert render({("a", "svg"): order()}) == {("a", "svg"): browser.NO_BROWSER}
    monkeypatch.delenv(SHARED)


def test_nobody_else_may_look_into_the_folder(folder):
    assert system.private(str(folder))
    folder.chmod(0o710)
    assert not system.private(str(folder))
    (folder / "file").touch(mode=0o600)
    assert not system.private(str(folder / "file"))
