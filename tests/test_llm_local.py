"""The embedded model: answers depend on their request only, constrained answers are valid, misuse is a clear error."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from review import llm
from review.errors import MissingExtraError, ModelError
from review.llm import constrain, weights
from review.llm.local import Local

pytest.importorskip("xllamacpp")
jsonschema = pytest.importorskip("jsonschema")


HERE = Path(__file__).parents[1]


def ask(text: str = "Say hello.", **facts: Any) -> llm.Request:
    """Return a short request; a system message of one word is cheaper than the template's own."""
    return llm.Request((llm.Message("system", "Go."), llm.Message("user", text)), **{"max_tokens": 8, "seed": 1, **facts})


@pytest.fixture(scope="module")
def model() -> Iterator[Local]:
    with Local(weights.embedded()) as loaded:
        yield loaded


def test_the_same_request_has_the_same_answer_whatever_was_asked_before(model: Local) -> None:
    first = [model.complete(ask(seed=seed)) for seed in range(3)]
    model.complete(ask("Count to one hundred in words. " * 3, max_tokens=9))
    model.complete(ask("Give a number.", schema={"type": "integer", "minimum": 1, "maximum": 9}))
    again = [model.complete(ask(seed=seed)) for seed in (2, 1, 0)]
    assert again[::-1] == first
    assert len({answer.text for answer in first}) > 1, "seeds matter"


def test_other_processes_give_the_same_answer(model: Local) -> None:
    code = (
        "from review import llm; "
        "turns = (llm.Message('system', 'Go.'), llm.Message('user', 'Say hello.')); "
        "print(ascii(llm.load().complete(llm.Request(turns, max_tokens=8, seed=7)).text))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE)
    assert done.stdout.strip() == ascii(model.complete(ask(seed=7)).text)
    assert done.stderr == "", "the runtime keeps quiet"


def test_temperature_zero_does_not_depend_on_the_seed(model: Local) -> None:
    assert model.complete(ask(temperature=0, seed=1)) == model.complete(ask(temperature=0, seed=2))


def test_tokens_are_those_of_the_chat_template(model: Local) -> None:
    own, bare = model.complete(ask()), model.complete(llm.Request(ask().messages[1:], max_tokens=1))
    assert bare.prompt_tokens > own.prompt_tokens, "without a system message the template adds its own, which is longer"
    assert own.completion_tokens <= 8


def test_the_limit_and_a_stop_text_end_an_answer(model: Local) -> None:
    cut = model.complete(ask("Count: one two three four five six", max_tokens=3, temperature=0))
    assert (cut.finish, cut.completion_tokens) == ("length", 3)
    whole = model.complete(ask("Count: one two three four five six", temperature=0)).text
    stop = whole[len(whole) // 2]
    stopped = model.complete(ask("Count: one two three four five six", temperature=0, stop=(stop,)))
    assert stopped.text == whole[: whole.index(stop)]
    assert stopped.finish == "stop"


def schemas() -> list[dict[str, Any]]:
    """Return 40 schemas: kinds of values, bounds, nesting, arrays, unions and references, drawn with a fixed seed."""
    draw = random.Random(20260219)

    def leaf() -> dict[str, Any]:
        low = draw.randrange(-50, 50)
        kinds: list[dict[str, Any]] = [
            {"type": "integer", "minimum": low, "maximum": low + draw.randrange(1, 40)},
            {"type": "number", "minimum": abs(low) / 10, "maximum": abs(low) / 10 + 3, "multipleOf": 0.5},
            {"type": "string", "maxLength": draw.randrange(1, 12)},
            {"type": "string", "minLength": 2, "maxLength": 6},
            {"type": "string", "pattern": "^[A-Z]{2}[0-9]{2}$"},
            {"type": "string", "format": "date"},
            {"type": "boolean"},
            {"enum": draw.sample(["mild", "severe", "naïve", 'a "b"', 3, None, True], 3)},
            {"const": draw.choice(["ECG", "µg/l", 7])},
            {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"type": "null"}]},
        ]
        return draw.choice(kinds)

    def node(depth: int) -> dict[str, Any]:
        kind = draw.random()
        if depth == 0 or kind < 0.4:
            return leaf()
        if kind < 0.6:
            least = draw.randrange(3)
            return {"type": "array", "items": node(depth - 1), "minItems": least, "maxItems": least + 1}
        names = draw.sample(["age", "note", "sex", "a b", "größe", "properties"], draw.randrange(1, 3))
        return {"type": "object", "properties": {name: node(depth - 1) for name in names}, "required": names}

    fixed: list[dict[str, Any]] = [
        {
            "$defs": {"turn": {"enum": ["d", "p"]}},
            "type": "array",
            "items": {"$ref": "#/$defs/turn"},
            "minItems": 2,
            "maxItems": 3,
        },
        {"type": "object", "properties": {"a": {"type": "integer", "maximum": 9, "minimum": 0}, "b": {"type": "boolean"}}},
        {"type": "array", "prefixItems": [{"const": 1}, {"type": "boolean"}], "items": False, "minItems": 2},
    ]
    return [*fixed, *(node(2) for _ in range(37))]


@pytest.mark.slow
def test_constrained_answers_are_valid_unless_cut_off_and_unconstrained_ones_are_not(
    model: Local, record_property: pytest.RecordProperty
) -> None:
    cut, valid, loose = 0, 0, 0
    for index, schema in enumerate(schemas()):
        text = f"Write value {index}."
        answer = model.complete(ask(text, schema=schema, max_tokens=90, seed=index))
        if answer.finish == "length":
            cut += 1
            continue
        value = json.loads(answer.text)
        jsonschema.validate(value, constrain.closed(schema), cls=jsonschema.Draft202012Validator)
        assert answer.text == json.dumps(value, ensure_ascii=False), "on one line, nothing wasted"
        valid += 1
    for index, schema in enumerate(schemas()[::5]):
        text = f"Write {json.dumps(schema)}"
        try:
            jsonschema.validate(json.loads(model.complete(ask(text, max_tokens=20, seed=index)).text), schema)
            loose += 1
        except (ValueError, jsonschema.ValidationError):
            pass
    record_property("constrained valid, cut, unconstrained valid of 8", (valid, cut, loose))
    assert valid + cut == 40
    assert cut <= 2
    assert loose < 8


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number", "minimum": 5, "maximum": 6, "multipleOf": 0.25},  # llama.cpp's own translation forgets the bounds
        {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 6},
        {"type": "string", "pattern": "[0-9]$", "maxLength": 5},
    ],
)
def test_bounds_that_are_easily_forgotten_are_kept(model: Local, schema: dict[str, Any]) -> None:
    for seed in range(3):
        answer = model.complete(ask("Give a value.", schema=schema, seed=seed, max_tokens=20))
        jsonschema.validate(json.loads(answer.text), schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True, "maxItems": 2},
        {"not": {"type": "string"}},
        {"type": "string", "pattern": "(?=a)b"},
        {"$ref": "#/nowhere"},
        {"$ref": "http://127.0.0.1:9/schema"},
    ],
)
def test_a_schema_that_cannot_be_kept_to_is_refused(model: Local, schema: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises(ModelError, match=r"cannot be kept to: .* -> use simpler keywords"):
            model.complete(ask(schema=schema))


def test_a_grammar_is_kept_to_and_a_broken_one_refused(model: Local) -> None:
    answers = [model.complete(ask(grammar='root ::= ("yes" | "no") " 🩺"', seed=seed)) for seed in range(4)]
    assert {answer.text for answer in answers} <= {"yes 🩺", "no 🩺"}
    with pytest.raises(ModelError, match="grammar -> change the request"):
        model.complete(ask(grammar="root ::= nowhere"))


def test_properties_come_in_the_order_of_the_schema(model: Local) -> None:
    digit = {"type": "integer", "minimum": 0, "maximum": 9}
    for names in (["zeta", "alpha"], ["alpha", "zeta"]):
        schema = {"type": "object", "properties": dict.fromkeys(names, digit), "required": names}
        assert list(json.loads(model.complete(ask(schema=schema, max_tokens=30)).text)) == names


def test_an_answer_cut_in_the_middle_is_returned_and_says_so(model: Local) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 30}}, "required": ["a"]}
    texts = [model.complete(ask(schema=schema, max_tokens=size)) for size in range(1, 7)]
    assert all(answer.finish == "length" and '{"a": "'.startswith(answer.text[:7]) for answer in texts)
    assert texts[0].text == "", "cut inside the fence"


def test_half_a_character_is_not_returned(model: Local) -> None:
    for size in range(1, 7):
        text = model.complete(ask(grammar='root ::= "🩺🫀🧠🩻"', max_tokens=size)).text
        assert "🩺🫀🧠🩻".startswith(text)


def test_a_prompt_beyond_the_context_is_an_error_with_numbers(model: Local) -> None:
    with pytest.raises(ModelError, match=r"the prompt has 21\d\d tokens, the context 2048 -> shorten the prompt"):
        model.complete(ask("word " * 2100))


def test_an_answer_that_reaches_the_end_of_the_context_is_cut(model: Local) -> None:
    with Local(weights.embedded(), context=256) as small:
        answer = small.complete(ask("word " * 210, max_tokens=500, grammar="root ::= [a-z ]{900}"))
    assert answer.finish == "length"
    assert answer.prompt_tokens + answer.completion_tokens <= 256
    assert model.context == 2048


def test_several_threads_may_ask(model: Local) -> None:
    alone = {seed: model.complete(ask(seed=seed)).text for seed in range(3)}
    together: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: together.update({seed: model.complete(ask(seed=seed)).text})) for seed in alone
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_nobody_else_gets_in(model: Local) -> None:
    address = model._server.listening_address
    assert address.startswith("http://127.0.0.1:")
    for path, key in (("/v1/chat/completions", ""), ("/v1/chat/completions", "guess"), ("/completion", ""), ("/slots", "")):
        body = json.dumps({"messages": [{"role": "user", "content": "x"}], "prompt": "x", "max_tokens": 1}).encode()
        request = urllib.request.Request(address + path, body, {"Content-Type": "application/json"})
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        assert caught.value.code == 401
        caught.value.close()


def test_identity_holds_what_decides_an_answer_and_no_path(model: Local) -> None:
    identity = dict(model.identity)
    assert identity["sha256"] == weights.SHA256
    assert identity["licence"] == "Apache-2.0"
    assert identity["threads"] == "1"
    assert identity["build"].startswith("xllamacpp 20")
    assert not any(os.sep in value for value in identity.values())
    assert repr(model) == "Local('SmolLM2-135M-Instruct.Q4_1', threads=1)"


def test_it_costs_nothing_and_counts(model: Local) -> None:
    before = dict(model.usage.as_dict())
    answer = model.complete(ask())
    after = model.usage.as_dict()
    assert after["requests"] == before["requests"] + 1
    assert after["completion_tokens"] == before["completion_tokens"] + answer.completion_tokens
    assert after["cost"] == 0.0
    assert [model.supports(feature) for feature in ("schema", "grammar", "magic")] == [True, True, False]


def test_it_is_closed_for_good_and_twice_does_no_harm() -> None:
    with llm.load(str(weights.embedded().path)) as other:
        other.complete(ask(max_tokens=1))
        assert other.identity["licence"] == "", "the licence of a file named by its path is not known"
    other.close()
    with pytest.raises(ModelError, match="closed -> load it again"):
        other.complete(ask())


def test_a_model_that_was_asked_nothing_is_freed_on_a_busy_machine() -> None:
    """The runtime waits forever if it is freed before it serves; with no idle processor it nearly always was."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * (os.cpu_count() or 1))]
    code = "from review import llm\nfor _ in range(6):\n    llm.load().close()"
    try:
        subprocess.run([sys.executable, "-c", code], cwd=HERE, check=True, timeout=120)
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_gets_an_error_and_ends() -> None:
    code = """
import os, sys
from review import llm
model = llm.load()
request = llm.Request((llm.Message("user", "x"),), max_tokens=1)
child = os.fork()
if child == 0:
    try:
        model.complete(request)
    except Exception as error:
        print(error, flush=True)
    model.close()
    del model
    os._exit(7)  # as multiprocessing does; the runtime's own clean-up at exit would wait for a thread that is not there
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(model.complete(request).text) > 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, cwd=HERE)
    assert "loaded before this process was forked -> load it in each process" in done.stdout
    assert done.stdout.splitlines()[-1] == "7 True"


def test_without_llguidance_llama_cpp_translates_the_schema(model: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constrain, "available", lambda _: False)
    with Local(weights.embedded()) as plain:
        answer = plain.complete(
            ask(schema={"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}, max_tokens=30)
        )
        assert set(json.loads(answer.text)) == {"a"}
        with pytest.raises(ModelError, match="-> change the request"):
            plain.complete(ask(schema={"type": "nothing"}))
    assert plain.identity["build"] != model.identity["build"]


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"context": 0}])
def test_no_threads_or_no_context_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Local(weights.embedded(), **wrong)


def test_without_the_library_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingExtraError, match="make setup-generate"):
        llm.load()


def test_importing_the_package_loads_no_runtime() -> None:
    code = "import sys, review.llm; print(sorted({'xllamacpp', 'openai', 'httpx', 'numpy', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HERE)
    assert done.stdout.strip() == "[]"
