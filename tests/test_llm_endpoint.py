"""An endpoint against a server that misbehaves in every way that servers do; nothing is lost, everything is counted."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import llm_server as server
import pytest
from llm_server import Scripted, serve

from review import llm
from review.errors import MissingExtraError, ModelError
from review.llm.endpoint import Endpoint
from review.llm.settings import MODES, Secret, Settings

pytest.importorskip("openai")

ASK = llm.Request((llm.Message("system", "Be brief."), llm.Message("user", "Hello")), max_tokens=9, seed=3, stop=("x",))
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
WITH_SCHEMA = llm.Request(ASK.messages, schema=SCHEMA)
WITH_GRAMMAR = llm.Request(ASK.messages, grammar='root ::= "yes"')
FINE = llm.Completion("fine", "stop", 7, 3)

Make = Callable[..., Endpoint]


@pytest.fixture
def make() -> Any:
    """Endpoints that are quick to give up, closed at the end."""
    made: list[Endpoint] = []

    def one(at: Scripted | str, **changes: Any) -> Endpoint:
        url = at if isinstance(at, str) else at.url
        facts = {"retries": 2, "timeout": 5.0, "deadline": 20.0, "pause": 0.01, **changes}
        made.append(Endpoint(Settings(url, "small", Secret("sk-secret-word"), **facts)))
        return made[-1]

    yield one
    for endpoint in made:
        endpoint.close()


def counts(endpoint: Endpoint, *names: str) -> tuple[Any, ...]:
    return tuple(endpoint.usage.as_dict()[name] for name in names)


def test_a_request_is_sent_as_the_interface_wants_it(make: Make) -> None:
    with serve(server.say()) as at:
        assert make(at).complete(ASK) == FINE
    (asked,) = at.asked
    assert asked["path"] == "/v1/chat/completions"
    assert asked["headers"]["authorization"] == "Bearer sk-secret-word"
    assert asked["body"] == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "max_tokens": 9,
        "temperature": 0.8,
        "top_p": 0.95,
        "seed": 3,
        "stop": ["x"],
    }


def test_what_the_environment_holds_for_somebody_else_is_not_sent(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "of-somebody-else")
    with serve(server.say()) as at:
        endpoint = Endpoint(Settings(at.url, "small"))
        endpoint.complete(ASK)
        endpoint.close()
    assert at.asked[0]["headers"]["authorization"] == "Bearer none"
    assert "of-somebody-else" not in str(at.asked)


@pytest.mark.parametrize(
    "first",
    [
        server.error(429, "slow down"),
        server.error(500, "broken"),
        server.error(503, "busy"),
        server.error(408, "late"),
        server.say(b'{"choices": [{"mess'),
        server.say(b"<html>Welcome</html>", kind="text/html"),
        server.say({"choices": []}),
        server.say(b""),
        server.cut,
        server.hang_up,
    ],
)
def test_what_may_pass_is_tried_again_and_counted(make: Make, first: server.Answer) -> None:
    with serve(first, server.say()) as at:
        endpoint = make(at)
        assert endpoint.complete(ASK) == FINE
    assert counts(endpoint, "requests", "retries", "prompt_tokens", "completion_tokens") == (1, 1, 7, 3)
    assert at.asked[0]["body"] == at.asked[1]["body"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (server.error(500, "broken"), r"HTTP 500: broken \(3 attempts\) -> try again later"),
        (server.error(429, "slow down"), r"HTTP 429: slow down \(3 attempts\) -> ask less often"),
        (server.say(b"{nonsense"), r"not JSON: \{nonsense \(3 attempts\) -> check REVIEW_LLM_BASE_URL"),
        (server.say({"choices": []}), r"no choice with a message.*3 attempts"),
        (server.cut, r"peer closed connection.*3 attempts"),
        (server.hang_up, r"disconnected.*3 attempts"),
    ],
)
def test_what_does_not_pass_is_an_error_after_the_last_attempt(make: Make, answer: server.Answer, words: str) -> None:
    with serve(answer) as at:
        endpoint = make(at)
        with pytest.raises(ModelError, match=words):
            endpoint.complete(ASK)
    assert len(at.asked) == 3
    assert counts(endpoint, "requests", "retries") == (0, 2)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(400, "change the request"), (401, "REVIEW_LLM_KEY"), (403, "REVIEW_LLM_KEY"), (404, "REVIEW_LLM_MODEL")],
)
def test_what_cannot_pass_is_an_error_at_once(make: Make, status: int, remedy: str) -> None:
    with (
        serve(server.error(status, "no such luck")) as at,
        pytest.raises(ModelError, match=f"{status}: no such luck -> .*{remedy}"),
    ):
        make(at).complete(ASK)
    assert len(at.asked) == 1


@pytest.mark.parametrize(
    ("body", "text", "finish"),
    [
        (server.body(None), "", "stop"),
        (server.body(""), "", "stop"),
        (server.body("", "content_filter"), "", "content_filter"),
        (server.body(None, refusal="I cannot"), "", "refusal"),
        (server.body("half of", "length"), "half of", "length"),
    ],
)
def test_an_empty_or_unfinished_answer_is_an_answer(make: Make, body: dict[str, Any], text: str, finish: str) -> None:
    with serve(server.say(body)) as at:
        endpoint = make(at)
        assert endpoint.complete(ASK) == llm.Completion(text, finish, 7, 3)
    assert counts(endpoint, "requests", "retries") == (1, 0)


def test_an_answer_without_usage_is_counted_as_uncounted(make: Make) -> None:
    with serve(server.say(server.body(usage=None)), server.say()) as at:
        endpoint = make(at, prices=(2.0, 10.0))
        assert endpoint.complete(ASK) == llm.Completion("fine", "stop", 0, 0)
        endpoint.complete(ASK)
    assert counts(endpoint, "requests", "uncounted", "prompt_tokens") == (2, 1, 7)
    assert endpoint.usage.as_dict()["cost"] == "at least 0.000044"  # 7 x 2 + 3 x 10, per million


def test_cost_is_tokens_times_price_or_unknown(make: Make) -> None:
    with serve(server.say(server.body(usage=(1_000_000, 500_000)))) as at:
        priced, unpriced = make(at, prices=(2.0, 10.0)), make(at)
        priced.complete(ASK)
        priced.complete(ASK)
        unpriced.complete(ASK)
    assert priced.usage.as_dict()["cost"] == 14.0
    assert unpriced.usage.as_dict()["cost"] == "unknown"


def test_the_server_decides_how_long_to_wait(make: Make) -> None:
    with serve(server.error(429, "slow down", {"Retry-After": "0.4"}), server.say()) as at:
        make(at).complete(ASK)
    assert at.at[1] - at.at[0] >= 0.4


def test_pauses_double(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("review.llm.endpoint.time.sleep", slept.append)
    with serve(server.error(500, "broken")) as at, pytest.raises(ModelError, match="6 attempts"):
        make(at, retries=5, pause=4.0, deadline=1000.0).complete(ASK)
    assert slept == [4.0, 8.0, 16.0, 30.0, 30.0]


@pytest.mark.parametrize("wait", ["3600", "inf"])
def test_a_wait_beyond_the_deadline_is_an_error_at_once(make: Make, wait: str) -> None:
    start = time.monotonic()
    with serve(server.error(429, "tomorrow", {"Retry-After": wait})) as at, pytest.raises(ModelError, match="asks to wait"):
        make(at).complete(ASK)
    assert time.monotonic() - start < 5
    assert len(at.asked) == 1


@pytest.mark.parametrize("answer", [server.slow(3), server.trickle(0.05, headers=False), server.trickle(0.05, headers=True)])
def test_a_slow_server_is_left_in_time_however_it_is_slow(make: Make, answer: server.Answer) -> None:
    start = time.monotonic()
    with serve(answer) as at:
        with pytest.raises(ModelError, match=r"no answer within 0.4 s -> .*REVIEW_LLM_TIMEOUT"):
            make(at, timeout=0.4, retries=0).complete(ASK)
        assert time.monotonic() - start < 2.5


def test_after_a_slow_attempt_the_next_one_is_answered(make: Make) -> None:
    with serve(server.trickle(0.05, headers=False), server.say()) as at:
        endpoint = make(at, timeout=0.6)
        assert endpoint.complete(ASK) == FINE
        assert endpoint.complete(ASK) == FINE
    assert counts(endpoint, "requests", "retries") == (2, 1)


def test_the_deadline_holds_over_all_attempts(make: Make) -> None:
    start = time.monotonic()
    with serve(server.slow(3)) as at:
        with pytest.raises(ModelError, match=r"beyond the 1 s|no answer within"):
            make(at, timeout=0.4, retries=1000, deadline=1.0).complete(ASK)
        assert time.monotonic() - start < 2.5
    assert 2 <= len(at.asked) <= 4


def test_attempts_keep_to_the_rate(make: Make) -> None:
    with serve(server.say()) as at:
        endpoint, start = make(at, rate=600.0), time.monotonic()
        for _ in range(4):
            endpoint.complete(ASK)
    assert all(arrived - start >= 0.1 * index for index, arrived in enumerate(at.at))


def test_waiting_for_ones_turn_ends_at_the_deadline(make: Make) -> None:
    with serve(server.say()) as at:
        endpoint = make(at, rate=1.0, deadline=0.5, retries=0)
        endpoint.complete(ASK)
        with pytest.raises(ModelError, match=r"no answer within 0.5 s"):
            endpoint.complete(ASK)
    assert len(at.asked) == 1


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:{port}/v1", r"(refused|ConnectError).* -> check that the server runs at REVIEW_LLM_BASE_URL"),
        ("https://127.0.0.1:{port}/v1", "check that the server runs"),
        ("https://nowhere.invalid/v1", "check that the server runs"),
        ("https://" + "a" * 300 + "/v1", "check that the server runs"),
    ],
)
def test_a_server_that_is_not_there_is_an_error(make: Make, url: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        make(url.format(port=free_port()), retries=0).complete(ASK)


def test_encryption_where_there_is_none_is_an_error(make: Make) -> None:
    with serve(server.say()) as at, pytest.raises(ModelError, match="SSL"):
        make(at.url.replace("http:", "https:"), retries=0).complete(ASK)


def test_a_failure_inside_the_client_is_an_error_at_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = make("http://127.0.0.1:9/v1")

    def broken(*_: object, **__: object) -> None:
        raise KeyError("sk-secret-word")

    client = endpoint._transport._connect()
    monkeypatch.setattr(client.chat.completions.with_raw_response, "create", broken)
    with pytest.raises(ModelError, match="KeyError: '<key>'"):
        endpoint.complete(ASK)
    assert endpoint.usage.retries == 0


@pytest.mark.parametrize(
    ("mode", "schema", "grammar"),
    [("auto", True, False), ("json_schema", True, False), ("llama.cpp", True, True), ("none", False, False)],
)
def test_each_mode_says_what_it_supports(mode: str, schema: bool, grammar: bool, make: Make) -> None:
    endpoint = make("http://127.0.0.1:9/v1", mode=mode)
    assert (endpoint.supports("schema"), endpoint.supports("grammar"), endpoint.supports("magic")) == (schema, grammar, False)
    assert mode in MODES


CLOSED = {**SCHEMA, "additionalProperties": False}
STANDARD = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": CLOSED}}


@pytest.mark.parametrize(
    ("mode", "request_", "sent", "unconstrained"),
    [
        ("auto", WITH_SCHEMA, {"response_format": STANDARD}, 0),
        ("auto", WITH_GRAMMAR, {}, 1),
        ("json_schema", WITH_SCHEMA, {"response_format": STANDARD}, 0),
        ("json_schema", ASK, {}, 0),
        ("llama.cpp", WITH_SCHEMA, {"json_schema": CLOSED, "cache_prompt": False}, 0),
        ("llama.cpp", WITH_GRAMMAR, {"grammar": 'root ::= "yes"', "cache_prompt": False}, 0),
        ("llama.cpp", ASK, {"cache_prompt": False}, 0),
        ("none", WITH_SCHEMA, {}, 1),
        ("none", WITH_GRAMMAR, {}, 1),
    ],
)
def test_each_mode_sends_the_constraint_in_its_words(
    make: Make, mode: str, request_: llm.Request, sent: dict[str, Any], unconstrained: int
) -> None:
    with serve(server.say()) as at:
        endpoint = make(at, mode=mode)
        endpoint.complete(request_)
    body = at.asked[0]["body"]
    assert {name: body[name] for name in ("response_format", "json_schema", "grammar", "cache_prompt") if name in body} == sent
    assert endpoint.usage.unconstrained == unconstrained


def test_auto_asks_again_without_a_schema_that_is_refused(make: Make) -> None:
    with serve(server.error(400, "response_format is not supported"), server.say()) as at:
        endpoint = make(at, retries=0)
        assert endpoint.supports("schema")
        assert endpoint.complete(WITH_SCHEMA) == FINE
        assert not endpoint.supports("schema")
        endpoint.complete(WITH_SCHEMA)
    assert ["response_format" in asked["body"] for asked in at.asked] == [True, False, False], "not offered a second time"
    assert counts(endpoint, "requests", "unconstrained", "retries") == (2, 2, 0)


def test_auto_takes_other_refusals_for_what_they_are(make: Make) -> None:
    with serve(server.error(400, "the prompt is too long")) as at, pytest.raises(ModelError, match="too long"):
        make(at).complete(WITH_SCHEMA)
    assert len(at.asked) == 1


def test_json_schema_does_not_fall_back(make: Make) -> None:
    with (
        serve(server.error(400, "response_format is not supported")) as at,
        pytest.raises(ModelError, match="REVIEW_LLM_CONSTRAINED"),
    ):
        make(at, mode="json_schema").complete(WITH_SCHEMA)
    assert len(at.asked) == 1


def test_a_server_that_wants_the_limit_under_another_name_gets_it(make: Make) -> None:
    with serve(server.error(400, "Use 'max_completion_tokens' instead."), server.say()) as at:
        endpoint = make(at, retries=0)
        assert endpoint.complete(ASK) == FINE
        endpoint.complete(ASK)
    assert ["max_tokens" in asked["body"] for asked in at.asked] == [True, False, False]
    assert at.asked[2]["body"]["max_completion_tokens"] == 9


def test_it_is_closed_for_good_and_twice_does_no_harm(make: Make) -> None:
    with serve(server.say()) as at:
        with make(at) as endpoint:
            endpoint.complete(ASK)
        endpoint.close()
        with pytest.raises(ModelError, match="closed -> load it again"):
            endpoint.complete(ASK)


def test_without_the_library_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(MissingExtraError, match="make setup-generate"):
        Endpoint(Settings("http://127.0.0.1:9/v1", "small"))


def test_a_cached_endpoint_is_free_the_second_time_even_without_a_server(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    with serve(server.say()) as at:
        monkeypatch.setenv("REVIEW_LLM_BASE_URL", at.url + "/")
        monkeypatch.setenv("REVIEW_LLM_MODEL", "small")
        monkeypatch.setenv("REVIEW_LLM_PRICE_PROMPT", "1")
        monkeypatch.setenv("REVIEW_LLM_PRICE_COMPLETION", "1")
        with llm.load("endpoint", cache=tmp_path) as model:
            first = model.complete(ASK)
    with llm.load("endpoint", cache=tmp_path) as model:
        second = model.complete(ASK)
    assert (first.text, second.text, second.cached) == ("fine", "fine", True)
    assert (model.usage.requests, model.usage.cached, model.usage.cost) == (0, 1, 0.0)
    assert len(at.asked) == 1
