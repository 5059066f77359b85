"""Answers kept by content: a hit is exact and free, a damaged file is found out, several processes agree."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from review import llm
from review.errors import ModelError
from review.llm.cache import Cached, key
from review.llm.usage import Usage

REQUEST = llm.Request((llm.Message("user", "Grüße 🩺"),), schema={"type": "object", "properties": {"b": {}, "a": {}}}, seed=4)


class Talker(llm.Model):
    """A model that never says the same thing twice."""

    def __init__(self, name: str = "talker", fails: bool = False) -> None:
        self.name, self.fails, self.closed = name, fails, 0
        self._usage = Usage()

    @property
    def identity(self) -> Mapping[str, str]:
        return {"model": self.name, "backend": "test"}

    @property
    def usage(self) -> Usage:
        return self._usage

    def supports(self, feature: str) -> bool:
        return feature == "schema"

    def complete(self, request: llm.Request) -> llm.Completion:
        if self.fails:
            raise ModelError("no answer -> wait")
        self.usage.add(requests=1, prompt_tokens=5, completion_tokens=7)
        return llm.Completion(f'{os.getpid()} {random.random()} é\n"', "stop", 5, 7)

    def close(self) -> None:
        self.closed += 1


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_hit_is_exact_marked_and_free(tmp_path: Path) -> None:
    model = Cached(Talker(), tmp_path)
    first, second = model.complete(REQUEST), model.complete(REQUEST)
    assert (first.cached, second.cached) == (False, True)
    assert (second.text, second.finish, second.prompt_tokens, second.completion_tokens) == (first.text, "stop", 5, 7)
    assert (model.usage.requests, model.usage.cached, model.usage.prompt_tokens) == (1, 1, 5)
    assert Cached(Talker(), tmp_path).complete(REQUEST).text == first.text, "another object of the same model"


def test_an_entry_holds_what_it_takes_to_check_it_by_hand(tmp_path: Path) -> None:
    Cached(Talker(), tmp_path).complete(REQUEST)
    (path,) = files(tmp_path)
    entry = json.loads(path.read_text("utf-8"))
    assert path == tmp_path / entry["key"][:2] / f"{entry['key']}.json"
    assert entry["key"] == key({"backend": "test", "model": "talker"}, REQUEST)
    assert entry["request"] == REQUEST.body()
    assert "Grüße 🩺" in path.read_text("utf-8")


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (llm.Message("user", "Grüße"),)},
        {"messages": (llm.Message("system", "Grüße 🩺"),)},
        {"seed": 5},
        {"temperature": 0.7},
        {"top_p": 0.9},
        {"max_tokens": 255},
        {"stop": ("x",)},
        {"schema": {"type": "object", "properties": {"a": {}, "b": {}}}},
        {"schema": None, "grammar": 'root ::= "x"'},
    ],
)
def test_every_part_of_a_request_matters(change: dict[str, Any]) -> None:
    facts = {name: getattr(REQUEST, name) for name in ("messages", "schema", "seed", "temperature", "top_p", "max_tokens")}
    assert key({"a": "b"}, llm.Request(**{**facts, **change})) != key({"a": "b"}, REQUEST)


def test_the_model_matters_and_the_order_of_its_facts_does_not(tmp_path: Path) -> None:
    assert key({"a": "1", "b": "2"}, REQUEST) == key({"b": "2", "a": "1"}, REQUEST)
    assert key({"a": "1"}, REQUEST) != key({"a": "2"}, REQUEST)
    one, two = Cached(Talker("one"), tmp_path), Cached(Talker("two"), tmp_path)
    one.complete(REQUEST)
    assert not two.complete(REQUEST).cached


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _edit(data: bytes) -> bytes:
    return data.replace(b'"finish": "stop"', b'"finish": "length"')


def _other_key(data: bytes) -> bytes:
    return data.replace(b'"key": "', b'"key": "0')


def _tokens(data: bytes) -> bytes:
    return data.replace(b'"prompt_tokens": 5', b'"prompt_tokens": 500')


def _other_format(data: bytes) -> bytes:
    return data.replace(b"answer/1", b"answer/9")


@pytest.mark.parametrize(
    "damage",
    [_cut, _edit, _other_key, _tokens, _other_format, lambda _: b"", lambda _: b"[]", lambda _: b"null", lambda _: b"\xff\xfe"],
)
def test_a_damaged_entry_is_counted_asked_again_and_replaced(tmp_path: Path, damage: Any) -> None:
    model = Cached(Talker(), tmp_path)
    first = model.complete(REQUEST)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    assert damage(whole) != whole
    path.write_bytes(damage(whole))
    second = model.complete(REQUEST)
    assert not second.cached
    assert second.text != first.text
    assert (model.usage.damaged, model.usage.requests, model.usage.cached) == (1, 2, 0)
    third = model.complete(REQUEST)
    assert (third.text, third.cached) == (second.text, True)
    assert files(tmp_path) == [path]


def test_every_byte_of_an_entry_is_guarded(tmp_path: Path) -> None:
    model = Cached(Talker(), tmp_path)
    model.complete(REQUEST)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert not model.complete(REQUEST).cached, f"byte {place}"
        path.write_bytes(whole)


def test_the_entry_of_another_request_is_not_served_under_a_wrong_name(tmp_path: Path) -> None:
    model = Cached(Talker(), tmp_path)
    model.complete(REQUEST)
    (path,) = files(tmp_path)
    other = llm.Request(REQUEST.messages, seed=9)
    name = key(model.identity, other)
    (tmp_path / name[:2]).mkdir(exist_ok=True)
    (tmp_path / name[:2] / f"{name}.json").write_bytes(path.read_bytes())
    assert not model.complete(other).cached
    assert model.usage.damaged == 1


def test_an_error_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no answer"):
        Cached(Talker(fails=True), tmp_path).complete(REQUEST)
    assert files(tmp_path) == []
    assert not Cached(Talker(), tmp_path).complete(REQUEST).cached


def _ask(folder: Path, start: Any, out: Any) -> None:
    model = Cached(Talker(), folder)
    start.wait()
    out.put([model.complete(llm.Request(REQUEST.messages, seed=seed)).text for seed in range(40)])


def test_processes_that_ask_at_once_get_one_answer_each(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, out = context.Event(), context.Queue()
    workers = [context.Process(target=_ask, args=(tmp_path, start, out)) for _ in range(4)]
    for worker in workers:
        worker.start()
    start.set()
    answers = [out.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    assert all(answer == answers[0] for answer in answers), "the first one written stays"
    assert len(files(tmp_path)) == 40
    assert [path for path in files(tmp_path) if path.suffix != ".json"] == []


def test_without_hard_links_entries_are_kept_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    model = Cached(Talker(), tmp_path)
    first = model.complete(REQUEST)
    assert model.complete(REQUEST) == llm.Completion(first.text, "stop", 5, 7, cached=True)
    assert len(files(tmp_path)) == 1


def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="choose another folder"):
        Cached(Talker(), tmp_path / "file")


def test_an_answer_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    model = Cached(Talker(), tmp_path)
    name = key(model.identity, REQUEST)
    (tmp_path / name[:2]).write_text("a file where a folder should be")
    with pytest.raises(ModelError, match="cannot be written"):
        model.complete(REQUEST)


def test_everything_else_is_up_to_the_model_behind(tmp_path: Path) -> None:
    inner = Talker()
    with Cached(inner, tmp_path / "new" / "folder") as model:
        assert (model.supports("schema"), model.supports("grammar")) == (True, False)
        assert model.identity == inner.identity
        assert model.usage is inner.usage
    assert inner.closed == 1
