"""Who may read and write what is left on the disk: as the umask says, never more than before, and nothing open to everybody."""

from __future__ import annotations

import ast
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import EXAMPLES, TINY
from site_runs import tiny_run

from review import cli, corpus, files, paths, writing
from review.batch import cluster_worker
from review.journal import Journal
from review.living.asking import Plan
from review.living.store import Store
from review.site import build

MASKS = [0o022, 0o002, 0o077]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(params=MASKS, ids=["022", "002", "077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The mask of this process and of those that it starts."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


# One file


def test_a_write_asks_for_no_umask_which_would_open_what_other_threads_write_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(_: int) -> int:
        raise AssertionError("the umask of the whole process was changed")

    monkeypatch.setattr(os, "umask", ask)
    files.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_only_a_process_that_has_one_thread_changes_the_umask() -> None:
    found = {
        path.relative_to(paths.ROOT / "review").as_posix()
        for path in (paths.ROOT / "review").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "umask" and isinstance(node.value, ast.Name) and node.value.id == "os"
    }
    assert found == {"batch/warm_server.py"}


@pytest.mark.parametrize("before", [0o600, 0o640, 0o644, 0o660, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, umask: int, before: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(before)
    files.write_text(path, "new")
    assert (path.read_text(), mode(path)) == ("new", before)


def test_what_replaces_a_closed_file_is_never_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    seen: list[int] = []
    real = os.fdopen

    class Watched:
        def __init__(self, handle: int, how: str) -> None:
            self.file = real(handle, how)

        def __enter__(self) -> Watched:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            seen.append(stat.S_IMODE(os.fstat(self.file.fileno()).st_mode))
            self.file.write(data)

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

    monkeypatch.setattr(os, "fdopen", Watched)
    files.write_text(path, "new")
    assert seen == [0o600]


# A corpus


def test_a_changed_corpus_keeps_its_modes_and_its_draft_is_closed_to_others(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    for path in tiny.iterdir():
        path.chmod(0o600)
    loaded = corpus.load(tiny)
    drafts: list[int] = []
    real = os.replace

    def replace(old: str | Path, new: str | Path) -> None:
        if Path(old).parent.name == writing.JOURNAL:
            drafts.append(mode(Path(old).parent))
        real(old, new)

    monkeypatch.setattr(os, "replace", replace)
    rows = loaded.coding.assign(evidence=loaded.coding["evidence"].fillna("") + " x")
    writing.change(loaded, coding=rows).apply()
    assert drafts
    assert set(drafts) == {0o700}
    assert {path.name: mode(path) for path in tiny.iterdir() if path.is_file()} == {
        path.name: 0o600 for path in tiny.iterdir() if path.is_file()
    }


# A site


def test_a_site_can_be_read_by_a_server_and_one_that_is_closed_stays_closed(tmp_path: Path, umask: int) -> None:
    build.replace(tmp_path / "site", {"a/index.html": b"x"})
    made = [tmp_path / "site", tmp_path / "site" / "a"]
    assert [mode(path) for path in made] == [0o777 & ~umask] * 2
    assert mode(tmp_path / "site" / "a" / "index.html") == 0o666 & ~umask
    (tmp_path / "site").chmod(0o700)
    build.replace(tmp_path / "site", {"index.html": b"x"})
    assert mode(tmp_path / "site") == 0o700


# What is shipped to a worker


def test_what_a_worker_keeps_is_closed_to_others(tmp_path: Path, umask: int) -> None:
    data = b"patients"
    folder = tmp_path / "scratch" / "review-1"
    cluster_worker.deliver(folder, {cluster_worker.sha_of(data): data})
    assert mode(folder) == 0o700


# All of it


@pytest.mark.parametrize("umask", [0o027], indirect=True)  # neither what is usual nor what temporary files have
def test_all_that_commands_leave_has_the_modes_of_the_umask(umask: int, capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="m-") as name:
        home = Path(name) / "home"
        home.mkdir()
        (home / "tiny").mkdir()
        for path in TINY.iterdir():
            shutil.copyfile(path, home / "tiny" / path.name)
        tiny_run(home / "run", TINY)
        tiny = str(home / "tiny")
        (home / "grid.json").write_text(json.dumps({"product": {"number": [1]}}))
        keeps = str(EXAMPLES / "notebooks" / "keeps-its-promise.ipynb")
        for line in (
            [
                "import",
                str(EXAMPLES / "import" / "pubmed.nbib"),
                "--corpus",
                tiny,
                "--as",
                "candidates",
                "--skip-broken",
                "--apply",
            ],
            ["asreview", "export", "--corpus", tiny, "--out", str(home / "records" / "all.csv")],
            ["site", "--from", str(home / "run"), "--corpus", str(TINY), "--out", str(home / "site")],
            ["batch", keeps, "-f", str(home / "grid.json"), "--out", str(home / "batch"), "--jobs", "1", "--cold"],
        ):
            assert cli.main(line) == 0, capsys.readouterr().err
        with Journal(home / "rating" / "a.jsonl", lambda _: "") as journal:
            journal.add({"a": 1})
        Store.make(home / "update", Plan({"arxiv": "x"}, "", "2026-01-01")).keep("arxiv", 1, "xml", b"<feed/>")
        files.write_text(home / "cache" / "ab" / "abc.json", "{}")
        wrong = {
            path.relative_to(home).as_posix(): oct(mode(path))
            for path in home.rglob("*")
            if not path.is_symlink() and mode(path) != (0o777 if path.is_dir() else 0o666) & ~umask
        }
        names = {path.name for path in home.rglob("*")}
    assert {"manifest.jsonl", "index.html", "a.jsonl", "arxiv-0001.xml", "ro-crate-metadata.json"} <= names
    assert wrong == {}
