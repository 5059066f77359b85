"""What works without a network is run without one, and every try to reach one is a failure; pages load nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import nullcontext, suppress
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from conftest import TINY
from processes import until
from site_runs import tiny_run

from review import browser, cli, paths

HERE = Path(__file__).parent
WATCH = HERE / "network"
LOADS = {
    ("audio", "src"),
    ("base", "href"),
    ("body", "background"),
    ("embed", "src"),
    ("feimage", "href"),
    ("feimage", "xlink:href"),
    ("form", "action"),
    ("frame", "src"),
    ("iframe", "src"),
    ("image", "href"),
    ("image", "xlink:href"),
    ("img", "src"),
    ("img", "srcset"),
    ("input", "src"),
    ("link", "href"),
    ("object", "data"),
    ("script", "href"),
    ("script", "src"),
    ("script", "xlink:href"),
    ("source", "src"),
    ("source", "srcset"),
    ("track", "src"),
    ("use", "href"),
    ("use", "xlink:href"),
    ("video", "poster"),
    ("video", "src"),
}
"""Attributes that make a browser load something at once."""

STYLED = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:[a-z][a-z0-9+.-]*:)?//[^"')\s;]+)""", re.IGNORECASE)


class Page(HTMLParser):
    """Find what a page or picture would load from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            loads = (tag, name) in LOADS and not (tag == "link" and given.get("rel") in ("license", "canonical"))
            if loads and re.match(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", value, re.IGNORECASE) and not value.startswith("data:"):
                self.found.append(f"<{tag} {name}={value[:80]}>")
            self.found += [f"{name}: {address}" for address in STYLED.findall(value)]

    def handle_data(self, data: str) -> None:
        if self._style:
            self.found += [f"style: {address}" for address in STYLED.findall(data)]
            self._style = False


def remote(path: Path) -> list[str]:
    """Return what a page, picture or style sheet would load from elsewhere."""
    text = path.read_text("utf-8")
    if path.suffix == ".css":
        return STYLED.findall(text)
    return Page(text).found


def run(arguments: list[str | Path], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run Python without a network, and fail if it or a process that it started tried to reach one."""
    log = folder / "network.log"
    inherited = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    places = {"PYTHONPATH": f"{WATCH}{os.pathsep}{HERE.parent}", "NETWORK_LOG": str(log), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**inherited, **places, **more},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert not log.exists(), log.read_text("utf-8")
    return done


# The watch itself


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('192.0.2.1', 80), 1)",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import urllib.request; urllib.request.urlopen('http://example.org')",
        "import httpx; httpx.get('https://example.org')",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "import socket; socket.create_server(('0.0.0.0', 0))",
        "import socket; socket.create_server(('', 0))",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; socket.gethostbyname(chr(97))'])",
    ],
)
def test_the_watch_sees_every_attempt(tmp_path: Path, attempt: str) -> None:
    with pytest.raises(AssertionError, match=r"socket\.(connect|getaddrinfo|sendto|bind|gethostbyname) "):
        run(["-W", "ignore", "-c", attempt], tmp_path)


def test_the_watch_lets_this_machine_be_reached(tmp_path: Path) -> None:
    here = "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print('fine')"
    assert run(["-W", "ignore", "-c", here], tmp_path).stdout == "fine\n"


@pytest.mark.parametrize(
    "text",
    [
        "<script src='https://example.org/x.js'></script>",
        "<script src='//example.org/x.js'></script>",
        "<link rel=stylesheet href='HTTPS://example.org/x.css'>",
        "<style>@font-face { src: url(https://example.org/x.woff2) }</style>",
        "<style>@import 'https://example.org/x.css';</style>",
        "<p style='background: url(\"//example.org/x.png\")'>",
        "<svg><image xlink:href='https://example.org/x.png'/></svg>",
        "<img srcset='https://example.org/x.png 2x'>",
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(text: str) -> None:
    assert Page(text).found


def test_links_and_packed_pictures_are_nothing_that_is_loaded() -> None:
    assert (
        Page(
            '<a href="https://example.org">x</a><img src="data:image/png;base64,//aa"><svg xmlns="http://www.w3.org/2000/svg"/>'
        ).found
        == []
    )


# Whole commands


def test_the_package_is_imported_without_a_network(tmp_path: Path) -> None:
    names = sorted(
        ".".join(path.relative_to(paths.ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (paths.ROOT / "review").rglob("*.py")
    )
    done = run(["-c", f"import importlib\nfor name in {names!r}: importlib.import_module(name)"], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def prepare(folder: Path) -> list[tuple[str, dict[str, str], list[str]]]:
    """Return the steps: every command that needs no network."""
    tiny_run(folder / "run", TINY)
    for name, first in (("real.csv", 0), ("made.csv", 1)):
        rows = "".join(f"{number},{number * number % 7}\n" for number in range(first, 40, 2))
        (folder / name).write_text(f"age,visits\n{rows}")
    words = [
        "validate",
        "statistics",
        "select --review-version v1",
        "agreement --resamples 20",
        "prisma",
        "bounds --dimension modality",
        "checklist",
        f"code --corpus {TINY}",
        f"tables --corpus {TINY} --out tables --format html,latex,word --resamples 20",
        f"import {paths.ROOT / 'examples' / 'import' / 'list.bib'}",
        f"asreview export --out records.csv --corpus {TINY}",
        f"site --from run --corpus {TINY} --out site",
        "generate --modality tabular --method specialized --list-options",
        "evaluate --real real.csv --synthetic made.csv --kind tabular --deals 20 --repeats 5 --out card",
    ]
    return [(line, {}, line.split()) for line in words]


def test_commands_that_need_no_network_try_to_reach_none_and_their_pages_load_nothing(tmp_path: Path) -> None:
    steps = prepare(tmp_path)
    (tmp_path / "steps.json").write_text(json.dumps(steps))
    done = run([HERE / "many_commands.py", tmp_path / "steps.json"], tmp_path)
    ends = re.findall(r"^step (.*): (.*)$", done.stdout, re.MULTILINE)
    assert ends == [(name, "0") for name, _, _ in steps], done.stderr[-3000:]
    pages = [path for path in tmp_path.rglob("*") if path.suffix in (".html", ".svg", ".css")]
    assert {"index.html", "card.html"} <= {path.name for path in pages}
    assert {path.relative_to(tmp_path).as_posix(): found for path in pages if (found := remote(path))} == {}


def test_a_notebook_is_executed_without_a_network(tmp_path: Path) -> None:
    options = ["-p", "output_dir", str(tmp_path / "out"), "-p", "corpus_dir", str(TINY)]
    done = run(
        ["-m", "papermill", paths.NOTEBOOKS / "02-modality.ipynb", tmp_path / "x.ipynb", *options], tmp_path, BROWSER_PATH="none"
    )
    assert done.returncode == 0, done.stderr[-3000:]
    pages = list((tmp_path / "out").rglob("*.html"))
    assert pages
    assert [found for path in pages for found in remote(path)] == []


COMMITTED = subprocess.run(
    ["git", "ls-files", "*.html", "*.svg", "*.css", "*.j2"], cwd=paths.ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_pages_and_pictures_load_nothing_from_elsewhere(name: str) -> None:
    assert remote(paths.ROOT / name) == []


# The browser that draws figures, which has a network of its own


def test_the_browser_is_started_without_a_network_and_without_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, told = tmp_path / "chromium", tmp_path / "told.json"
    words = "import json, os, sys; json.dump([sys.argv, dict(os.environ)], open(os.environ['TOLD'], 'w'))"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{words}" "$@"\n')
    program.chmod(0o755)
    for name in ("REVIEW_LLM_KEY", "OPENAI_API_KEY", "GH_TOKEN", "MY_PASSWORD", "HTTPS_PROXY", "REVIEW_EMAIL", "DATABASE_URL"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("BROWSER_PATH", str(program))
    monkeypatch.setenv("TOLD", str(told))
    monkeypatch.delenv(browser.SHARED, raising=False)
    order = {"svg": "<svg/>", "opts": {"format": "png", "width": 9, "height": 9, "scale": 1}}
    for shared in (False, True):
        with browser.shared() if shared else nullcontext():
            (answer,) = browser.render({("a", "png"): order}).values()
        assert str(answer).startswith("chromium failed")
        arguments, environment = json.loads(told.read_text())
        told.unlink()
        assert "--host-resolver-rules=MAP * ~NOTFOUND" in arguments
        assert "--disable-background-networking" in arguments
        assert "canary" not in str(environment)
        assert "PATH" in environment
        assert not any("port" in word and word.startswith("--remote-debugging") for word in arguments), "it listens on a pipe"


# What listens


def listening() -> dict[str, str]:
    """Return the address of every TCP socket that listens, by its inode: 127.0.0.1 is 0100007F, ::1 ends in 01000000."""
    found = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A":
                found[parts[9]] = parts[1].split(":")[0]
    return found


def sockets(pid: int) -> dict[str, dict[str, str]]:
    """Return the addresses at which a process and those below it listen, by their command lines."""
    known = listening()
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
    below: set[int] = {pid}
    found: dict[str, dict[str, str]] = {}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    for one in below:
        links = []
        with suppress(OSError):
            for link in Path(f"/proc/{one}/fd").iterdir():
                with suppress(OSError):
                    links.append(os.readlink(link))
        if mine := {link: known[link[8:-1]] for link in links if link.startswith("socket:[") and link[8:-1] in known}:
            found[f"{one} {Path(f'/proc/{one}/cmdline').read_text()}"] = mine
    return found


def only_here(found: dict[str, dict[str, str]]) -> bool:
    return all(address in ("0100007F", f"{'0' * 24}01000000") for one in found.values() for address in one.values())


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells what listens")
def test_a_socket_that_listens_for_others_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        assert sockets(os.getpid())
        assert only_here(sockets(os.getpid()))
        with socket.create_server(("", 0)):
            assert not only_here(sockets(os.getpid()))


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux tells what listens")
def test_a_batch_listens_to_nobody_else(tmp_path: Path) -> None:
    """Runner, workers, the process that kernels are forked from and kernels have sockets in closed folders.

    Only ipykernel opens a port, on this machine: for what processes print that a cell forks, who have to know a secret of it.
    """
    cells = ["import pathlib, time\noutput_dir: str = ''", "pathlib.Path(output_dir, 'here').touch()\ntime.sleep(300)"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    book.cells[0].metadata["tags"] = ["parameters"]
    book.metadata.update({"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}})
    nbformat.write(book, tmp_path / "b.ipynb")
    with tempfile.TemporaryDirectory(prefix="n-") as short:
        command = [
            sys.executable,
            "-m",
            "review.cli",
            "batch",
            str(tmp_path / "b.ipynb"),
            "--out",
            str(tmp_path / "out"),
            "--jobs",
            "1",
        ]
        batch = subprocess.Popen(
            command,
            cwd=paths.ROOT,
            env={**os.environ, "TMPDIR": short},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(lambda: list((tmp_path / "out").glob("*/here")), 180)
            found = sockets(batch.pid)
            open_folders = [path.name for path in Path(short).iterdir() if path.is_dir() and path.stat().st_mode & 0o077]
        finally:
            batch.send_signal(signal.SIGTERM)
            batch.wait(120)
    assert only_here(found), found
    assert sum(map(len, found.values())) <= 1, found
    assert open_folders == []


# JupyterLab


def test_lab_weakens_nothing_that_guards_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    places: list[str] = []

    def call(command: list[str], *, cwd: Path, env: dict[str, str]) -> int:
        asked.append(command)
        places.append(env["JUPYTER_CONFIG_PATH"])
        return 0

    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    assert cli.main(["lab"]) == 0
    given = [word.split("=")[0] for word in asked[0][3:]]
    assert given == ["--ServerApp.root_dir", "--LabApp.default_url"], "no address, origin, token, password or root is given"
    shipped = {
        path.relative_to(places[0]).as_posix(): path.read_text("utf-8") for path in Path(places[0]).rglob("*") if path.is_file()
    }
    assert list(shipped) == ["labconfig/default_setting_overrides.json"]
    assert json.loads(shipped["labconfig/default_setting_overrides.json"]) == {
        "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}
    }


def test_schedulers_in_the_guides_listen_to_this_machine_or_ask_for_certificates() -> None:
    text = (paths.ROOT / "docs" / "cluster.md").read_text("utf-8")
    lines = re.findall(r"^\.venv/bin/dask (?:scheduler|worker) .*$", text, re.MULTILINE)
    assert lines
    assert [line for line in lines if "--host 127.0.0.1" not in line and "--protocol tls" not in line] == []
