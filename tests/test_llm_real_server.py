"""An endpoint against a real OpenAI-compatible server on loopback with the same model: the same answers as in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from review import llm
from review.errors import ModelError
from review.llm import weights
from review.llm.endpoint import Endpoint
from review.llm.local import Local
from review.llm.settings import Secret, Settings

pytest.importorskip("openai")
xllamacpp = pytest.importorskip("xllamacpp")

KEY = "sk-right-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "minimum": 18, "maximum": 90}, "sex": {"enum": ["female", "male"]}},
    "required": ["age", "sex"],
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of llama.cpp that wants a key."""
    options = xllamacpp.CommonParams()
    options.model.path = str(weights.embedded().path)
    options.n_ctx, options.n_parallel, options.warmup, options.fit_params = 512, 1, False, False
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
    options.api_keys, options.verbosity = [KEY], -1
    server = xllamacpp.Server(options)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with Local(weights.embedded()) as model:
        yield model


def connect(address: str, key: str = KEY, mode: str = "llama.cpp", **facts: Any) -> Endpoint:
    return Endpoint(Settings(address, "smollm2", Secret(key), mode=mode, **{"retries": 0, "timeout": 60.0, **facts}))


def ask(text: str = "Say hello.", **facts: Any) -> llm.Request:
    return llm.Request((llm.Message("system", "Go."), llm.Message("user", text)), **{"max_tokens": 10, "seed": 1, **facts})


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"seed": 2, "temperature": 1.2, "top_p": 0.8},
        {"temperature": 0.0},
        {"stop": ("e",)},
        {"grammar": 'root ::= ("yes" | "no" | "perhaps") " 🩺"'},
        {"max_tokens": 1},
    ],
)
def test_both_ways_give_the_same_answer(address: str, local: Local, facts: dict[str, Any]) -> None:
    with connect(address) as endpoint:
        assert endpoint.complete(ask(**facts)) == local.complete(ask(**facts))


def test_an_answer_does_not_depend_on_what_was_asked_before(address: str) -> None:
    with connect(address) as endpoint:
        first = endpoint.complete(ask())
        endpoint.complete(ask("Say hello again and again."))
        assert endpoint.complete(ask()) == first
        assert endpoint.usage.requests == 3
        assert endpoint.usage.prompt_tokens > 2 * first.prompt_tokens


@pytest.mark.parametrize("mode", ["llama.cpp", "json_schema", "auto"])
def test_a_schema_is_kept_to(address: str, mode: str) -> None:
    with connect(address, mode=mode) as endpoint:
        assert endpoint.supports("schema")
        value = json.loads(endpoint.complete(ask("A patient as JSON.", schema=SCHEMA, max_tokens=60)).text)
        assert set(value) == {"age", "sex"}
        assert 18 <= value["age"] <= 90
        assert value["sex"] in ("female", "male")
        assert endpoint.usage.unconstrained == 0


def test_without_constraints_the_answer_is_free_and_counted(address: str) -> None:
    with connect(address, mode="none") as endpoint:
        answer = endpoint.complete(ask("Tell a story.", schema=SCHEMA))
        with pytest.raises(ValueError):
            json.loads(answer.text)
        assert endpoint.usage.unconstrained == 1


@pytest.mark.parametrize("key", ["sk-wrong-0123456789", ""])
def test_a_wrong_key_is_refused(address: str, key: str) -> None:
    with connect(address, key) as endpoint, pytest.raises(ModelError, match="HTTP 401: Invalid API Key -> check REVIEW_LLM_KEY"):
        endpoint.complete(ask())


def test_a_wrong_path_is_an_error(address: str) -> None:
    with (
        connect(address.removesuffix("/v1") + "/v7") as endpoint,
        pytest.raises(ModelError, match=r"HTTP 404.*REVIEW_LLM_BASE_URL"),
    ):
        endpoint.complete(ask())


def test_a_prompt_beyond_the_context_is_an_error_with_numbers(address: str) -> None:
    with (
        connect(address) as endpoint,
        pytest.raises(ModelError, match=r"\(6\d\d tokens\).*\(512 tokens\).* -> change the request"),
    ):
        endpoint.complete(ask("word " * 600))


def test_a_broken_grammar_and_schema_are_errors(address: str) -> None:
    with connect(address) as endpoint:
        for facts in ({"grammar": "root ::= nowhere"}, {"schema": {"type": "nothing"}}):
            with pytest.raises(ModelError, match="HTTP 400"):
                endpoint.complete(ask(**facts))


def test_an_attempt_that_is_too_slow_is_left_and_the_next_one_answered(address: str) -> None:
    with connect(address, timeout=0.15) as endpoint, pytest.raises(ModelError, match=r"no answer within 0.15 s"):
        endpoint.complete(ask("Tell a long story.", max_tokens=60, grammar="root ::= [a-z ]{400}"))
    with connect(address) as endpoint:
        assert endpoint.complete(ask(max_tokens=1)).completion_tokens == 1


def test_the_cache_keeps_both_apart(address: str, local: Local, tmp_path: Path) -> None:
    from review.llm.cache import Cached

    with connect(address) as endpoint:
        for model in (endpoint, local, endpoint, local):
            Cached(model, tmp_path).complete(ask(max_tokens=2))
        assert (endpoint.usage.cached, local.usage.cached) == (1, 1)
    assert len(list(tmp_path.rglob("*.json"))) == 2
