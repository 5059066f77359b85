"""The short form of the fault campaign, and proof that its checks find what they are there to find."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fault_parts import load

from review.batch import manifest, warm

kills = load("kills")


@pytest.fixture
def short():
    """Return a folder whose path leaves room for sockets, unlike those of tests that run side by side."""
    folder = Path(tempfile.mkdtemp(prefix="f-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.skipif(not warm.supported(), reason="parts of a batch are found in /proc")
@pytest.mark.parametrize("only", [None, "zygote"])
def test_nothing_is_lost_done_twice_or_broken_when_parts_are_killed(short, capsys, only):
    campaign = kills.Campaign(seed=4, only=only)
    while sum(campaign.kills.values()) < 4 and campaign.grids < 4:
        folder = short / str(campaign.grids)
        folder.mkdir()
        campaign.grid(folder, 4)
    assert not campaign.wrong, capsys.readouterr().out
    assert sum(campaign.kills.values()) > 0
    assert only is None or campaign.kills[only] > 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a grid that ran without faults: its folder of runs and its log."""
    folder = tmp_path_factory.mktemp("grid")
    campaign = kills.Campaign(seed=1, only=None)
    campaign.grid(folder, 0)
    assert not campaign.wrong
    return folder / "out", folder / "log.txt"


def change(path, old, new):
    before = path.read_bytes()
    path.write_bytes(old(before) if callable(old) else before.replace(old, new))
    return before


def some(out):
    return next(path for path in sorted(out.iterdir()) if path.is_dir())


def last_line(data):
    return data[: data.rindex(b"\n", 0, -1) + 1]


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        (lambda out, _: (out / manifest.NAME, last_line), "lost"),
        (lambda out, _: (out / manifest.NAME, lambda data: data + data.splitlines(keepends=True)[-1]), "duplicated"),
        (lambda _, log: (log, lambda data: data + b"7\n"), "duplicated"),
        (lambda out, _: (some(out) / "large.txt", lambda data: data[:1000]), "corrupt"),
        (lambda out, _: (some(out) / "number.txt", lambda data: data + b"0"), "corrupt"),
    ],
)
def test_the_checks_find_what_is_planted(whole, what, kind):
    out, log = whole
    assert list(kills.problems(out, log)) == []
    path, edit = what(out, log)
    before = change(path, edit, None)
    try:
        assert {problem.split(":")[0] for problem in kills.problems(out, log)} == {kind}
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize(("place", "kind"), [("stray.tmp", "left over"), ("{run}/half.part", "corrupt")])
def test_the_checks_find_files_that_nobody_knows(whole, place, kind):
    out, log = whole
    path = out / place.format(run=some(out).name)
    path.write_text("x")
    try:
        assert {problem.split(":")[0] for problem in kills.problems(out, log)} == {kind}
    finally:
        path.unlink()


def test_the_checks_find_a_process_that_goes_on(tmp_path, monkeypatch):
    ticks = iter(range(0, 1000, 6))
    monkeypatch.setattr(kills.time, "monotonic", lambda: next(ticks))
    name, value = "REVIEW_FAULTS", str(tmp_path)
    command = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env={name: value}, text=True, **pipes) as process:
        assert process.stdout.readline() == "up\n"
        assert list(kills.leftovers(f"{name}={value}", tmp_path)) == [f"process left over: {process.pid}"]
        process.stdin.close()
    assert list(kills.leftovers(f"{name}={value}", tmp_path)) == []


def test_the_log_of_a_grid_is_whole(whole):
    out, log = whole
    assert sorted(map(int, log.read_text().split())) == list(range(1, kills.RUNS + 1))
    assert len(json.loads((out / "batch.json").read_text())["sets"]) == kills.RUNS
