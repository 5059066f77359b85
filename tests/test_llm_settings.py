"""Settings of an endpoint: one table in the documentation, one variable each, nonsense refused before anything is sent."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest

from review import llm
from review.errors import ModelError
from review.llm.settings import Secret, Settings

GOOD = {"REVIEW_LLM_BASE_URL": "http://127.0.0.1:11434/v1", "REVIEW_LLM_MODEL": "small"}
NAMES = re.findall(r"``(REVIEW_LLM_\w+)``", Settings.__doc__ or "")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def read(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Settings:
    for name, value in {**GOOD, **changes}.items():
        monkeypatch.setenv(name, value)
    return Settings.from_environment()


def test_the_defaults_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch)
    rows = re.findall(r"``(REVIEW_LLM_\w+)``\s+(\S*?)\s{2,}", Settings.__doc__ or "")
    table = dict(rows)
    assert float(table["REVIEW_LLM_TIMEOUT"]) == found.timeout
    assert float(table["REVIEW_LLM_DEADLINE"]) == found.deadline
    assert int(table["REVIEW_LLM_RETRIES"]) == found.retries
    assert float(table["REVIEW_LLM_RATE"]) == found.rate
    assert table["REVIEW_LLM_CONSTRAINED"] == found.mode
    assert found.prices is None
    assert not found.key


def test_every_variable_of_the_table_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "REVIEW_LLM_BASE_URL": "https://example.org/v1/",
        "REVIEW_LLM_MODEL": " large ",
        "REVIEW_LLM_KEY": " sk-1 \n",
        "REVIEW_LLM_TIMEOUT": "1.5",
        "REVIEW_LLM_DEADLINE": "3",
        "REVIEW_LLM_RETRIES": "0",
        "REVIEW_LLM_RATE": "30",
        "REVIEW_LLM_PRICE_PROMPT": "0",
        "REVIEW_LLM_PRICE_COMPLETION": "0.6",
        "REVIEW_LLM_CONSTRAINED": "llama.cpp",
    }
    assert set(values) == set(NAMES)
    found = read(monkeypatch, **values)
    assert found == Settings("https://example.org/v1", "large", Secret(""), 1.5, 3.0, 0, 30.0, (0.0, 0.6), "llama.cpp")
    assert found.key.reveal() == "sk-1"


@pytest.mark.parametrize("missing", [["REVIEW_LLM_BASE_URL"], ["REVIEW_LLM_MODEL"], ["REVIEW_LLM_BASE_URL", "REVIEW_LLM_MODEL"]])
def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, missing: list[str]) -> None:
    with pytest.raises(ModelError, match=f"{' and '.join(missing)} -> set it"):
        read(monkeypatch, **dict.fromkeys(missing, " "))
    with pytest.raises(ModelError, match="not configured"):
        llm.load("endpoint")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:11434/v1",
        "ftp://127.0.0.1/v1",
        "http://",
        "http:///v1",
        "http://[::1/v1",
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:0/v1",
        "http://127.0.0.1:abc/v1",
        "http://a b/v1",
        "http://a\tb/v1",
        "http://häuser.example/v1",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ModelError, match="REVIEW_LLM_BASE_URL is no address -> write it like http"):
        read(monkeypatch, REVIEW_LLM_BASE_URL=url)


@pytest.mark.parametrize("url", ["http://user:word@h/v1", "http://word@h/v1", "http://h/v1?key=word", "http://h/v1#word"])
def test_an_address_with_a_user_or_query_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ModelError, match="leave them out") as caught:
        read(monkeypatch, REVIEW_LLM_BASE_URL=url)
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("REVIEW_LLM_TIMEOUT", "soon", "is 'soon' -> give a number above 0"),
        ("REVIEW_LLM_TIMEOUT", "0", "above 0"),
        ("REVIEW_LLM_TIMEOUT", "nan", "above 0"),
        ("REVIEW_LLM_DEADLINE", "inf", "above 0"),
        ("REVIEW_LLM_RETRIES", "1.5", "a whole number that is 0 or more"),
        ("REVIEW_LLM_RETRIES", "-1", "0 or more"),
        ("REVIEW_LLM_RATE", "-1", "0 or more"),
        ("REVIEW_LLM_PRICE_PROMPT", "1", "set both or none"),
        ("REVIEW_LLM_CONSTRAINED", "yes", "choose one of: auto, json_schema, llama.cpp, none"),
        ("REVIEW_LLM_KEY", "two words", "copy it again"),
        ("REVIEW_LLM_KEY", "schlüssel", "copy it again"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        read(monkeypatch, **{name: value})
    assert name != "REVIEW_LLM_KEY" or value not in str(caught.value)


@pytest.mark.parametrize("place", ["REVIEW_LLM_BASE_URL", "REVIEW_LLM_MODEL"])
def test_the_key_may_not_stand_in_what_is_shown(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    with pytest.raises(ModelError, match="give it in REVIEW_LLM_KEY only") as caught:
        read(monkeypatch, REVIEW_LLM_KEY="sk-0123456789", **{place: f"{GOOD[place]}/sk-0123456789"})
    assert "0123456789" not in str(caught.value)


def test_a_secret_shows_in_no_way() -> None:
    secret = Secret("sk-0123456789")
    shown = [repr(secret), str(secret), f"{secret}", repr([secret]), repr(Settings("https://h/v1", "m", secret))]
    assert not any("0123456789" in text for text in shown)
    for leave in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="environment"):
            leave(secret)
    assert (bool(secret), bool(Secret("")), repr(Secret(""))) == (True, False, "<no secret>")


def test_a_secret_is_scrubbed_unless_it_may_be_a_word() -> None:
    assert Secret("sk-0123456789").scrub("a sk-0123456789, sk-0123456789") == "a <key>, <key>"
    assert Secret("ollama").scrub("ollama") == "ollama"
    assert Secret("").scrub("abc") == "abc"


def test_a_model_name_is_needed() -> None:
    wrong: Any = " "
    with pytest.raises(ModelError, match="REVIEW_LLM_MODEL is empty"):
        Settings("http://h/v1", wrong)
