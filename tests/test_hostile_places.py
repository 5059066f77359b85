"""What stands where a file should: endless devices, pipes that make one wait, huge files, links to nothing or to themselves."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import TINY
from fuzzing import harness, limits, targets

from review import corpus, files, llm
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
