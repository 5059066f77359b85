"""Every folder of ``examples/invalid`` is one way to get a corpus wrong, and says what the user must be told.

A folder holds only the damaged files; the rest comes from ``examples/valid/tiny``. In its ``expect.json`` the lists
``files``, ``lines``, ``keys`` and ``messages`` run in parallel, one place a problem.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import EXAMPLES, TINY

from review import cli, corpus
from review.errors import InputError

FOLDERS = sorted(path for path in (EXAMPLES / "invalid").iterdir() if path.is_dir())
NAMES = {path.name for path in TINY.iterdir()}
Place = tuple[str, int | None, str | None]


@pytest.fixture(params=FOLDERS, ids=lambda path: path.name)
def case(request, tmp_path):
    """The damaged corpus and what is expected of it: place and message of each problem, in order of place."""
    folder: Path = request.param
    target = Path(shutil.copytree(TINY, tmp_path / "corpus"))
    damaged = {path.name for path in folder.iterdir()} - {"expect.json"}
    assert damaged
    assert damaged <= NAMES
    for name in damaged:
        shutil.copyfile(folder / name, target / name)
    expect = json.loads((folder / "expect.json").read_text("utf-8"))
    assert set(expect["files"]) <= damaged
    parts = (expect[name] for name in ("files", "lines", "keys", "messages"))
    return target, list(zip(*parts, strict=True))


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def rank(item: tuple[Place, str]) -> tuple[str, int, str, str]:
    (file, line, key), message = item
    return file, line or 0, key or "", message


def test_there_are_enough_of_them():
    assert len(FOLDERS) >= 45
    for start, least in {
        "bib": 15,
        "coding": 18,
        "codebook": 9,
        "screening": 5,
        "published": 7,
        "selection": 5,
        "flow": 2,
    }.items():
        assert sum(folder.name.startswith(f"{start}-") for folder in FOLDERS) >= least


def test_each_is_refused_with_file_line_key_and_remedy(case):
    target, expected = case
    before = snapshot(target.parent)
    with pytest.raises(InputError) as caught:
        corpus.load(target)
    problems = caught.value.problems
    found = sorted((((Path(item.file).name, item.line, item.key), item.message) for item in problems), key=rank)
    wanted = sorted((((file, line, key), message) for file, line, key, message in expected), key=rank)
    assert [place for place, _ in found] == [place for place, _ in wanted]
    for (_, message), (_, part) in zip(found, wanted, strict=True):
        assert part in message
    for item in problems:
        assert Path(item.file).parent == target
        assert item.remedy.strip()
        assert item.message.strip()
        assert "\n" not in item.message
        assert str(item) in str(caught.value)
    assert snapshot(target.parent) == before


def test_each_through_the_command_line(case, capsys):
    target, expected = case
    before = snapshot(target.parent)
    assert cli.main(["validate", "--corpus", str(target)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    for file, line, key, message in expected:
        place = f"{target / file}:" if line is None else f"{target / file}:{line}:"
        assert any(
            place in row and message in row and " -> " in row and (key is None or f"[{key}]" in row) for row in err.splitlines()
        )
    assert snapshot(target.parent) == before


def test_the_tiny_corpus_itself_is_good(capsys):
    assert cli.main(["validate", "--corpus", str(TINY)]) == 0
    assert capsys.readouterr().err == ""


def test_a_python_tag_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = Path(shutil.copytree(TINY, tmp_path / "corpus"))
    shutil.copyfile(EXAMPLES / "invalid" / "codebook-python-tag" / "codebook.yaml", target / "codebook.yaml")
    with pytest.raises(InputError):
        corpus.load(target)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


@pytest.mark.parametrize("name", ["bibliography.bib", "coding.csv", "codebook.yaml"])
def test_a_needed_file_is_missing(damage, name):
    with pytest.raises(InputError, match=f"{name}: the file is missing"):
        corpus.load(damage(name))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_folder_in_place_of_a_file(tiny, name):
    (tiny / name).unlink()
    (tiny / name).mkdir()
    with pytest.raises(InputError, match=f"{name}: this is a folder -> name a file"):
        corpus.load(tiny)


def test_no_such_folder(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        corpus.load(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder():
    with pytest.raises(InputError, match="there is no such folder"):
        corpus.load(TINY / "coding.csv")


def test_an_unreadable_file_hides_no_problem_of_another(damage):
    damage("bibliography.bib", "@article{evans2021home,", "@article{evans2021home")
    damage("screening.csv", ",2026-01-03,", ",,")
    damage("flow.csv", "records found,11", "records found,12")
    tiny = damage("selection.csv", "authors,brown2019sleep", "authors,fox2022clinic")
    with pytest.raises(InputError) as caught:
        corpus.load(tiny)
    files = {Path(problem.file).name for problem in caught.value.problems}
    assert files == {"bibliography.bib", "screening.csv", "flow.csv", "selection.csv"}


def test_an_unreadable_table_invents_no_problem_of_another(damage):
    # whether fox2022clinic may lack an author is known from screening.csv alone
    tiny = damage("screening.csv", "key,stage,", "stage,key,")
    with pytest.raises(InputError) as caught:
        corpus.load(tiny)
    assert {Path(problem.file).name for problem in caught.value.problems} == {"screening.csv"}
