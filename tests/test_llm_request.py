"""Requests, usage and reading of replies: plain values, no model."""

from __future__ import annotations

import email.utils
import json
import threading
import time
from typing import Any

import pytest

from review import llm
from review.errors import ModelError
from review.llm import constrain, reply
from review.llm.reply import Failure, Reply
from review.llm.usage import Usage

HELLO = (llm.Message("user", "hello"),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": ()},
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": float("nan")},
        {"seed": -1},
        {"seed": 2**32 - 1},  # llama.cpp takes this one for "any"
        {"stop": ("",)},
        {"schema": {}, "grammar": "root ::= x"},
    ],
)
def test_a_request_that_no_backend_can_answer_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        llm.Request(**{"messages": HELLO, **wrong})


def test_messages_have_a_known_role_and_text_that_has_bytes() -> None:
    with pytest.raises(ValueError, match="assistant"):
        llm.Message("doctor", "hello")
    with pytest.raises(ValueError, match="surrogate"):
        llm.Message("user", "\ud800")


def test_the_body_is_the_same_for_the_same_request_and_tells_orders_apart() -> None:
    first = llm.Request(HELLO, schema={"a": 1, "b": 2}, temperature=1)
    again = llm.Request(HELLO, schema={"a": 1, "b": 2}, temperature=1.0)
    other = llm.Request(HELLO, schema={"b": 2, "a": 1}, temperature=1.0)
    assert json.dumps(first.body()) == json.dumps(again.body()) != json.dumps(other.body())
    first.body()["schema"]["a"] = 9
    assert first.schema == {"a": 1, "b": 2}, "the body is a copy"


def test_usage_adds_up_from_many_threads() -> None:
    usage = Usage()

    def work() -> None:
        for _ in range(200):
            usage.add(requests=1, prompt_tokens=3)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (usage.requests, usage.prompt_tokens) == (1600, 4800)


def test_a_cost_is_known_unknown_or_a_lower_bound() -> None:
    usage = Usage()
    assert usage.as_dict()["cost"] == "unknown"
    usage.add(cost=0.25)
    assert usage.as_dict()["cost"] == 0.25
    usage.add(uncounted=1)
    assert usage.as_dict()["cost"] == "at least 0.250000"


CHOICE = {"message": {"content": "yes"}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"choices": [CHOICE], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}, Reply("yes", "stop", 3, 1)),
        ({"choices": [CHOICE]}, Reply("yes", "stop", None, None)),
        ({"choices": [CHOICE], "usage": None}, Reply("yes", "stop", None, None)),
        ({"choices": [CHOICE], "usage": {"prompt_tokens": 3}}, Reply("yes", "stop", None, None)),
        ({"choices": [CHOICE], "usage": {"prompt_tokens": True, "completion_tokens": -1}}, Reply("yes", "stop", None, None)),
        ({"choices": [{"message": {"content": None}, "finish_reason": "length"}]}, Reply("", "length", None, None)),
        ({"choices": [{"message": {}, "finish_reason": None}]}, Reply("", "unknown", None, None)),
        ({"choices": [{"message": {"content": None, "refusal": "no"}}]}, Reply("", "refusal", None, None)),
        ({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}, Reply("", "content_filter", None, None)),
        ({"choices": [{"message": {"content": "a\ud83e"}, "finish_reason": "length"}]}, Reply("a?", "length", None, None)),
    ],
)
def test_an_answer_is_read(body: dict[str, Any], expected: Reply) -> None:
    assert reply.read(json.dumps(body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "<html>",
        "null",
        "[]",
        "3",
        '"x"',
        "{}",
        '{"choices": []}',
        '{"choices": null}',
        '{"choices": [null]}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": "x"}]}',
        '{"choices": [{"message": {"content": 3}}]}',
        '{"choices": [{"message": {"content": ["x"]}}]}',
        '{"choices": [{"message": {"content": "x"}, "finish_reason": 3}]}',
        '{"choices": [{"message": {"content": "x", "refusal": {}}}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_answer_is_a_failure_that_may_pass_and_quotes_the_server(body: str) -> None:
    found = reply.read(body)
    assert isinstance(found, Failure)
    assert found.passing
    assert (body[:50] or "(nothing)") in found.text
    assert len(found.text) < 400


@pytest.mark.parametrize(
    ("status", "passing", "word"),
    [
        (400, False, "change the request"),
        (401, False, "REVIEW_LLM_KEY"),
        (403, False, "REVIEW_LLM_KEY"),
        (404, False, "REVIEW_LLM_MODEL"),
        (408, True, "later"),
        (418, False, "log"),
        (429, True, "REVIEW_LLM_RATE"),
        (500, True, "later"),
        (501, False, "log"),
        (503, True, "later"),
    ],
)
def test_a_status_tells_what_to_do_and_whether_to_try_again(status: int, passing: bool, word: str) -> None:
    found = reply.refused(status, {}, '{"error": {"message": "because"}}')
    assert (found.passing, found.status, found.text) == (passing, status, f"HTTP {status}: because")
    assert word in found.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [('{"error": "x"}', "x"), ('{"detail": "y"}', "{'detail': 'y'}"), ("<b>", "<b>"), ("[1]", "[1]"), ("", "(nothing)")],
)
def test_an_error_is_quoted_whatever_its_form(text: str, said: str) -> None:
    assert reply.refused(500, {}, text).text == f"HTTP 500: {said}"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "inf"}, float("inf")),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ],
)
def test_the_wait_that_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert reply.pause(headers) == seconds


def test_a_wait_may_be_a_date() -> None:
    found = reply.pause({"retry-after": email.utils.formatdate(time.time() + 100, usegmt=True)})
    assert found == pytest.approx(100, abs=3)


def test_objects_are_closed_but_data_and_named_properties_stay() -> None:
    schema = {
        "type": "object",
        "properties": {
            "properties": {"type": "object", "properties": {"x": {"type": "integer"}}},
            "open": {"type": "object", "properties": {}, "additionalProperties": True},
            "data": {"enum": [{"properties": {}}]},
        },
        "anyOf": [{"properties": {}}],
    }
    found = constrain.closed(schema)
    assert found["additionalProperties"] is False
    assert found["properties"]["properties"]["additionalProperties"] is False
    assert found["properties"]["open"]["additionalProperties"] is True
    assert found["properties"]["data"] == {"enum": [{"properties": {}}]}
    assert found["anyOf"] == [{"properties": {}, "additionalProperties": False}]
    assert "additionalProperties" not in schema, "the schema given is not changed"
    assert set(found["properties"]) == {"properties", "open", "data"}


@pytest.mark.parametrize(("text", "left"), [("", ""), ("```", ""), ("```json\n", ""), ("```json\n{}", "{}"), ("{}", "{}")])
def test_the_fence_is_taken_away(text: str, left: str) -> None:
    assert constrain.strip(text) == left


@pytest.mark.parametrize("name", ["", "gpt", "model.bin", "embedded "])
def test_an_unknown_name_is_an_error_that_says_what_there_is(name: str) -> None:
    with pytest.raises(ModelError, match=r"'embedded', 'endpoint' or the path of a \.gguf file"):
        llm.load(name)
