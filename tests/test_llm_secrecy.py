"""A planted key is looked for in everything that an endpoint writes, raises, keeps or shows."""

from __future__ import annotations

import logging
import pickle
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llm_server as server
import pytest
from llm_server import serve

from review import llm
from review.errors import ModelError, ReviewError
from review.generators.dataset import Dataset
from review.llm.endpoint import Endpoint
from review.llm.settings import Settings

pytest.importorskip("openai")

CANARY = "sk-canary-4f1d9c77e0aa"
ASK = llm.Request((llm.Message("user", "Hello"),), schema={"type": "object", "properties": {"a": {"type": "integer"}}})


class Everything(logging.Handler):
    """Keep every log record, formatted and with all that hangs on it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{self.format(record)} {record.__dict__!r}")


@pytest.fixture
def logs() -> Iterator[list[str]]:
    """All log records of all libraries at the lowest level."""
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.texts
    root.removeHandler(handler)
    root.setLevel(level)


def shown(error: ReviewError) -> list[str]:
    """Return all that an error tells: also the local values of the package's frames, as some tracebacks show them."""
    texts = [*traceback.format_exception(error), repr(error), str(error.args), repr(pickle.dumps(error)), repr(vars(error))]
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return texts + [repr(frame.f_locals) for frame in frames if Path(frame.f_code.co_filename).parent.name == "llm"]


def configure(monkeypatch: pytest.MonkeyPatch, url: str, **more: str) -> None:
    for name, value in {
        "BASE_URL": url,
        "MODEL": "small",
        "KEY": CANARY,
        "RETRIES": "1",
        "TIMEOUT": "0.5",
        "DEADLINE": "3",
        **more,
    }.items():
        monkeypatch.setenv(f"REVIEW_LLM_{name}", value)


def careless(handler: Any) -> None:
    """Repeat the key in text, finish and headers of a good answer."""
    key = handler.headers["authorization"]
    server.say(server.body(f"You sent {key}", f"stop {key}", id=key), headers={"X-Echo": key, "Retry-After": key})(handler)


def careless_refusal(handler: Any) -> None:
    """Repeat the key at the end of a long error, where it may be cut in the middle."""
    key = handler.headers["authorization"].removeprefix("Bearer ")
    server.error(401, "x" * (300 - 10) + key, {"Retry-After": key})(handler)


def careless_page(handler: Any) -> None:
    """Repeat the key in a page, written with escapes."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in CANARY)
    server.say(f'{{"choices": [{{"message": {{"content": "{escaped}"}}, "finish_reason": "stop"}}]}}'.encode())(handler)


def dead_address() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/v1"


SCRIPTS = {
    "good": server.say(),
    "careless": careless,
    "careless page": careless_page,
    "echo": server.echo("authorization"),
    "careless refusal": careless_refusal,
    "error": server.error(500, "broken"),
    "refused": server.error(401, f"Incorrect API key provided: {CANARY}"),
    "nonsense": server.say(b"{nonsense " + CANARY.encode()),
    "cut": server.cut,
    "hang up": server.hang_up,
    "slow": server.slow(1.5),
    "trickle": server.trickle(0.05, headers=True),
}


@pytest.mark.parametrize("name", [*SCRIPTS, "nobody there", "no encryption there"])
def test_the_key_gets_out_nowhere(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logs: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    others: tuple[Any, ...] = (None, None)
    with serve(SCRIPTS.get(name, server.say())) as at:
        url = {"nobody there": dead_address(), "no encryption there": at.url.replace("http:", "https:")}.get(name, at.url)
        configure(monkeypatch, url)
        model = llm.load("endpoint", cache=tmp_path / "cache")
        try:
            seen += [repr(model.complete(ASK)), repr(model.complete(ASK))]
            assert model.usage.cached == 1
        except ReviewError as error:
            seen += shown(error)
            others = (error.__cause__, error.__context__)
        seen += [repr(model), repr(vars(model)), repr(dict(model.identity)), repr(model.usage)]
        inner = model.model
        seen += [repr(inner), repr(vars(inner)), repr(inner.settings), repr(inner._transport), repr(vars(inner.settings))]
        model.close()
    made = Dataset("text", "prompting", 0, dict(model.identity), {"model": "endpoint"}, {}, ())
    made.write(tmp_path / "made" / "x.jsonl")
    seen += [path.read_bytes().decode("utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    seen += [str(path) for path in tmp_path.rglob("*")]
    output = capfd.readouterr()
    seen += [*logs, output.out, output.err]
    assert others == (None, None), "what the client raised holds the request with its headers"
    assert name in ("nobody there", "no encryption there") or CANARY in str(at.asked), "the key was used"
    assert len(logs) > 3, "the libraries wrote logs"
    for text in seen:
        assert CANARY not in text
        assert CANARY[:12] not in text, "not even a part of it"


def test_an_endpoint_and_its_settings_cannot_be_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, dead_address())
    for thing in (Endpoint.from_environment(), Settings.from_environment()):
        with pytest.raises(TypeError, match="from the environment") as caught:
            pickle.dumps(thing)
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"BASE_URL": f"http://user:{CANARY}@127.0.0.1/v1"},
        {"BASE_URL": f"http://127.0.0.1/v1?key={CANARY}"},
        {"BASE_URL": f"http://127.0.0.1/{CANARY}/v1"},
        {"BASE_URL": f"http://127.0.0.1:{CANARY}/v1"},
        {"MODEL": CANARY},
        {"KEY": f"{CANARY} {CANARY}"},
        {"KEY": f"{CANARY}\n{CANARY}"},
        {"KEY": f"{CANARY}ü"},
        {"TIMEOUT": "never"},
        {"CONSTRAINED": "perhaps"},
    ],
)
def test_settings_that_cannot_be_used_do_not_show_the_key(
    wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch, logs: list[str]
) -> None:
    configure(monkeypatch, "http://127.0.0.1:9/v1", **wrong)
    with pytest.raises(ModelError) as caught:
        llm.load("endpoint")
    error = caught.value
    assert error.__context__ is None
    given = {"BASE_URL", "MODEL"} & set(wrong)  # those are local values, of course
    for text in [*(shown(error)[:4] if given else shown(error)), *logs]:
        assert CANARY not in text
