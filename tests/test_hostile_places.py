"""What stands where a file should: endless devices, pipes that make one wait, huge files, links to nothing or to themselves."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import TINY
from fuzzing import harness, limits, targets
from site_runs import tiny_run

from review import cli, corpus, files, llm, paths
from review.batch import keys, manifest
from review.errors import InputError, ModelError, ReviewError
from review.llm import weights
from review.site import source

TARGETS = targets()
ELSEWHERE = {"pubmed-1", "pubmed-2", "arxiv-1", "openalex-1", "reply", "answer", "corpus", "generated", "run-files"}
"""Targets whose input is no file, or goes into a file in another form."""
LONG = 1 << 40


def put(kind: str, path: Path) -> None:
    """Put something in the place of a file."""
    if path.exists():
        path.unlink()
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    elif kind == "a terabyte":
        with path.open("wb") as file:
            file.truncate(LONG)  # of holes
    else:
        path.symlink_to(path.name if kind == "a link to itself" else "nothing-is-here")


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a terabyte"])
@pytest.mark.parametrize("name", sorted(set(TARGETS) - ELSEWHERE))
def test_no_reader_waits_or_reads_without_end(name, kind, tmp_path, monkeypatch):
    (seed, *_), placed, write_bytes, write_text = TARGETS[name].seeds(), [], Path.write_bytes, Path.write_text

    def in_its_place(path: Path) -> int:
        placed.append(path)
        put(kind, path)
        return len(seed)

    def bytes_(path: Path, data: bytes) -> int:
        return in_its_place(path) if bytes(data) == seed else write_bytes(path, data)

    def text(path: Path, data: str, *given: object, **named: object) -> int:
        encoded = data.encode("utf-8", "surrogatepass")
        return in_its_place(path) if encoded == seed else write_text(path, data, *given, **named)

    monkeypatch.setattr(Path, "write_bytes", bytes_)
    monkeypatch.setattr(Path, "write_text", text)
    with limits.limited(tmp_path), limits.timed(5):
        try:
            outcome = TARGETS[name].attack(seed, tmp_path)
        except ReviewError as error:
            outcome = harness.Outcome("refused", str(error))
    assert placed
    assert outcome.kind == "refused" or name == "decided"  # no decision was taken if it is no file
    if outcome.kind == "refused":
        assert placed[0].name in outcome.text or placed[0].parent.name in outcome.text or name == "cache"


@pytest.mark.parametrize("kind", ["a link to itself", "a link to nothing"])
@pytest.mark.parametrize(
    "name", ["bibliography.bib", "codebook.yaml", "coding.csv", "screening.csv", "selection.csv", "flow.csv"]
)
def test_a_link_to_nothing_is_no_table_that_is_left_out(name, kind, tmp_path):
    shutil.copytree(TINY, tmp_path / "tiny")
    put(kind, tmp_path / "tiny" / name)
    with pytest.raises(InputError, match=rf"{name}: the file (is missing|cannot be read)"):
        corpus.load(tmp_path / "tiny")


def test_a_file_is_read_up_to_a_size(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("four")
    assert files.read_bytes(path, 4) == b"four"
    with pytest.raises(InputError, match=r"a.txt: the file has 4 bytes, 3 are the most -> split it"):
        files.read_bytes(path, 3)


def test_a_manifest_behind_a_broken_link_is_not_taken_for_none(tmp_path):
    put("a link to itself", tmp_path / "manifest.jsonl")
    with pytest.raises(InputError, match=r"manifest\.jsonl: the file cannot be read"):
        list(manifest.read(tmp_path / "manifest.jsonl"))
    assert list(manifest.read(tmp_path / "none.jsonl")) == []


def test_what_is_no_model_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(weights.hashlib, "file_digest", lambda *_: pytest.fail("it was read"))
    put("a terabyte", tmp_path / "m.gguf")
    with pytest.raises(ModelError, match="is no GGUF file"):
        llm.load(str(tmp_path / "m.gguf"))


def test_a_link_to_itself_leads_nowhere(tmp_path):
    put("a link to itself", tmp_path / "loop")
    assert source.leading_out(tmp_path) is None
    put("a device", tmp_path / "out")
    assert source.leading_out(tmp_path) == tmp_path / "out"


LOOPS = [
    ["figures", "--format", "svg", "--only", "02-shares", "--out", "loop"],
    ["figures", "--format", "svg", "--from", "loop", "--out", "there"],
    ["site", "--from", "loop", "--out", "there"],
    ["site", "--from", "there", "--out", "loop"],
    ["status", "loop"],
    ["batch", str(paths.NOTEBOOKS / "02-modality.ipynb"), "--out", "loop"],
    ["batch", str(paths.NOTEBOOKS / "02-modality.ipynb"), "--input", "loop", "--out", "there"],
    ["reproduce", "--corpus", "loop"],
    ["reproduce", "--demonstrations", "none", "--out", "loop"],
    ["code", "--work", "loop"],
    ["generate", "--modality", "tabular", "--method", "specialized", "-n", "5", "--out", "loop"],
    ["generate", "--modality", "tabular", "--method", "specialized", "-n", "5", "--out", ""],
    ["generate", "--modality", "tabular", "--method", "specialized", "-n", "5", "--out", "/"],
    ["tables", "--resamples", "2", "--out", "loop"],
    ["import", "loop"],
]


@pytest.mark.parametrize("command", LOOPS, ids=lambda command: " ".join(command)[-60:])
def test_links_that_lead_to_each_other_end_in_words(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    put("a link to itself", tmp_path / "loop")
    assert cli.main(command) == 1
    said = capsys.readouterr().err
    assert " -> " in said
    assert (tmp_path / "loop").readlink() == Path("loop")
    assert {path.name for path in tmp_path.iterdir()} <= {"loop", "there"}


def test_no_module_follows_links_in_a_way_that_can_fail():
    found = {path: path.read_text("utf-8").count(".resolve()") for path in sorted((paths.ROOT / "review").rglob("*.py"))}
    assert {path.name: count for path, count in found.items() if count} == {"paths.py": 1}  # of this package itself


# --- names that are no text

ODD = os.fsdecode(b"a\xff\x1b[2J\n")


def test_a_list_may_have_any_name_and_none_gets_into_a_corpus(tiny, capsys):
    path = tiny / f"{ODD}.ris"
    path.write_text("TY  - JOUR\nTI  - A walrus in the ward\nAU  - Doe, J\nPY  - 2024\nER  - \n")
    assert cli.main(["import", str(path), "--corpus", str(tiny), "--apply"]) == 0
    streams = capsys.readouterr()
    assert r"a\udcff\x1b[2J\n.ris:1" in streams.out
    assert "A walrus in the ward" in set(corpus.load(tiny).screening["title"])


@pytest.mark.parametrize("command", ["reproduce --corpus", "reproduce --demonstrations none --out", "batch NOTEBOOK --out"])
def test_a_folder_that_no_notebook_can_be_told_is_refused(command, tiny, capsys):
    words = command.replace("NOTEBOOK", str(paths.NOTEBOOKS / "02-modality.ipynb")).split()
    folder = tiny.rename(tiny.parent / ODD)
    assert cli.main([*words, str(folder)]) == 1
    assert "the name has bytes that are no text, and no notebook can be told it -> rename" in capsys.readouterr().err


def test_words_that_are_no_text_are_refused(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    data = ["--real", str(tmp_path / "a.csv"), "--synthetic", str(tmp_path / "a.csv"), "--out", str(tmp_path / "card")]
    assert cli.main(["evaluate", *data, "--title", ODD]) == 1
    assert "has bytes that are no text -> write it in UTF-8" in capsys.readouterr().err
    cell = ["--modality", "tabular", "--method", "specialized", "--out", str(tmp_path / "x.jsonl")]
    assert cli.main(["generate", *cell, "--option", f"epochs={ODD}"]) == 1
    assert "is no option -> write NAME=VALUE" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("place", ["", "figures"])
def test_a_site_of_a_run_with_a_name_that_is_no_text_is_refused(place, tiny, tmp_path):
    tiny_run(tmp_path / "run", tiny)
    loaded = corpus.load(tiny)
    source.read(tmp_path / "run", loaded)
    (tmp_path / "run" / place / os.fsdecode(b"x\xff.ipynb")).write_text("{}")
    with pytest.raises(InputError, match=r"x\\udcff.ipynb: the name has bytes that are no text"):
        source.read(tmp_path / "run", loaded)


def test_an_input_may_have_any_name(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / ODD
    path.write_text("1")
    first = keys.compute(keys.Source("", own=False), {"folder": str(tmp_path / "in")})
    assert list(first.files) == [str(path)]
    path.rename(path.with_name(os.fsdecode(b"a\xfe")))
    assert keys.compute(keys.Source("", own=False), {"folder": str(tmp_path / "in")}).digest != first.digest


# --- parameters of a batch


def test_parameters_name_files_and_folders(tmp_path):
    (tmp_path / "a").write_text("1")
    (tmp_path / "in").mkdir()
    put("a pipe", tmp_path / "pipe")
    put("a link to itself", tmp_path / "loop")
    names = ("a", "in", "pipe", "loop", "none")
    given = {name: str(tmp_path / name) for name in names} | {"one": 1, "nothing": "", "zero": "/dev/zero"}
    assert keys.named(given) == {"a": tmp_path / "a", "in": tmp_path / "in"}


@pytest.mark.parametrize("sign", ["/", "//", "/..", "/tmp/.."])
def test_the_root_of_the_file_system_is_a_sign_and_no_input(sign, monkeypatch):
    monkeypatch.setattr(Path, "rglob", lambda *_: pytest.fail("all of the disk was listed"))
    key = keys.compute(keys.Source("", own=False), {"separator": sign})
    assert key.files == {}
    other = keys.compute(keys.Source("", own=False), {"separator": "|"})
    assert key.parts["parameters"] != other.parts["parameters"]


def test_a_folder_with_too_many_files_is_no_input(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "MOST_BELOW", 3)
    for name in "abc":
        (tmp_path / name).write_text(name)
    assert set(keys.compute(keys.Source("", own=False), {"folder": str(tmp_path)}).files) == {str(tmp_path / x) for x in "abc"}
    (tmp_path / "d").mkdir()
    with pytest.raises(InputError, match=r"the folder holds more than 3 files, .* -> name the one in it that is meant"):
        keys.compute(keys.Source("", own=False), {"folder": str(tmp_path)})


def test_a_pipe_is_no_input(tmp_path):
    put("a pipe", tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe: the input is no file -> name one"):
        keys.compute(keys.Source("", own=False), {}, [tmp_path / "pipe"])


@pytest.mark.parametrize("name", ["x" * 5000, "nul\0", "x/" * 3000])
def test_what_can_be_no_name_is_no_input(name, tmp_path):
    assert keys.named({"text": name}) == {}
    with pytest.raises(InputError, match="the input file is missing"):
        keys.compute(keys.Source("", own=False), {}, [tmp_path / name])
