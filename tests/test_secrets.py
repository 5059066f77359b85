"""Planted keys are looked for in everything that whole commands write, say, keep, and show to other users of the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import leaks
import living_server
import llm_server
import nbformat
import pytest
from conftest import TINY

from review import llm
from review.errors import ModelError, ReviewError, RunError
from review.living.asking import Ask
from review.living.courier import Courier, Habits, Identity
from review.llm.settings import Secret, Settings

pytest.importorskip("openai")

HERE = Path(__file__).parent
KEY = 'sk-canary/4f1d+"9c77<e0>=aa'
"""With signs that are written otherwise in addresses, JSON and pages."""

ASK = llm.Request((llm.Message("user", "Hello"),))
OURS = {
    "REVIEW_LLM_KEY": KEY,
    "NCBI_API_KEY": "ncbi-canary/5a3e+71",
    "OPENALEX_API_KEY": "openalex-canary/b8+20",
    "REVIEW_EMAIL": "canary.mail+tag@example.org",
}
OTHERS = {
    "OPENAI_API_KEY": "sk-other-canary-01",
    "OPENAI_ADMIN_KEY": "sk-other-canary-02",
    "OPENAI_ORG_ID": "org-other-canary-03",
    "OPENAI_PROJECT_ID": "proj-other-canary-04",
    "OPENAI_WEBHOOK_SECRET": "whsec-other-canary-05",
    "OPENAI_CUSTOM_HEADERS": "X-Gateway: other-canary-06",
    "AWS_SECRET_ACCESS_KEY": "other/canary+07",
    "GH_TOKEN": "ghp_othercanary08",
    "DATABASE_URL": "postgres://user:other-canary-09@127.0.0.1/db",
    "MY_PASSWORD": "other-canary-10",
}
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PLANTED = [*OURS.values(), *OTHERS.values()]


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def configure(monkeypatch: pytest.MonkeyPatch, url: str, **more: str) -> None:
    for name, value in {"BASE_URL": url, "MODEL": "small", "KEY": KEY, "RETRIES": "0", **more}.items():
        monkeypatch.setenv(f"REVIEW_LLM_{name}", value)


def courier(address: str) -> AbstractContextManager[Courier]:
    """Return the way to a source with a key, which is tried once and closed afterwards."""
    return closing(Courier("openalex", address, 0.0, Identity(Secret(KEY)), Habits(retries=0)))


# The search itself


@pytest.mark.parametrize("way", sorted(leaks.packed(KEY)))
@pytest.mark.parametrize("text", [KEY, "other-canary-10"])
def test_the_search_finds_what_is_hidden(way: str, text: str) -> None:
    assert leaks.how(leaks.packed(text)[way], text)


def test_the_search_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(leaks.packed("something else")["zip of gzip"])
    assert [leaks.how(content, KEY) for _, content in leaks.files(tmp_path)] == ["", ""]


# Every form


@pytest.mark.parametrize("way", ["address", "JSON", "page", "base64 0"])
def test_a_key_is_taken_out_in_every_form_that_a_server_may_repeat_it_in(way: str) -> None:
    import base64

    held = leaks.packed(KEY)[way].decode()
    if way == "base64 0":
        held = base64.b64encode(KEY.encode()).decode()
    assert leaks.how(held.encode(), KEY)
    assert not leaks.how(Secret(KEY).scrub(held).encode(), KEY)


def test_a_short_mail_address_is_taken_out_and_a_short_word_is_not() -> None:
    assert Secret("a@b.de").scrub("to a@b.de or a%40b.de") == "to <key> or <key>"
    assert Secret("ollama").scrub("ollama") == "ollama"


# Where a key goes


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.org/v1", True),
        ("http://127.0.0.1:9/v1", True),
        ("http://localhost:9/v1", True),
        ("http://[::1]:9/v1", True),
        ("http://example.org/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://192.0.2.1/v1", False),
    ],
)
def test_a_key_is_not_sent_over_the_network_in_the_clear(url: str, good: bool) -> None:
    Settings(url, "m")
    if good:
        Settings(url, "m", Secret(KEY))
        return
    with pytest.raises(ModelError, match="the key would be read on the way -> write https://") as caught:
        Settings(url, "m", Secret(KEY))
    assert KEY not in str(caught.value)


def test_an_endpoint_is_told_nothing_that_the_environment_holds_for_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password other-canary-netrc\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with llm_server.serve(llm_server.say()) as at:
        configure(monkeypatch, at.url)
        with llm.load("endpoint", cache=None) as model:
            model.complete(ASK)
    (asked,) = at.asked
    told = {name.lower(): value for name, value in asked["headers"].items()}
    assert told["authorization"] == f"Bearer {KEY}"
    assert "canary" not in str({**asked, "headers": {**told, "authorization": ""}})


def test_what_is_on_this_machine_is_not_asked_by_way_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with llm_server.serve(llm_server.say()) as at, llm_server.serve(llm_server.say()) as proxy, living_server.serve() as services:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        configure(monkeypatch, at.url)
        with llm.load("endpoint", cache=None) as model:
            assert model.complete(ASK).text == "fine"
        with courier(f"{services.url}/openalex") as way:
            assert way.fetch(Ask("works", {"page": "1"}), lambda _: None, "page 1")
        assert (len(at.asked), len(services.asked), proxy.asked) == (1, 1, [])


def test_the_password_of_a_proxy_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with llm_server.serve(llm_server.hang_up) as proxy:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1").replace("//", "//user:other-canary-proxy@"))
        configure(monkeypatch, "https://example.invalid/v1")
        with llm.load("endpoint", cache=None) as model, pytest.raises(ReviewError) as first:
            model.complete(ASK)
        with courier("https://example.invalid/o") as way, pytest.raises(RunError) as second:
            way.fetch(Ask("works", {"page": "1"}), lambda _: None, "page 1")
    for caught in (first, second):
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize("before", range(170, 202, 4))
def test_a_long_refusal_is_cut_after_the_key_was_taken_out(before: int) -> None:
    with living_server.serve() as services:
        services.faults["openalex", 1] = [living_server.status(403, "x" * before + f" {KEY} {KEY}")]
        with courier(f"{services.url}/openalex") as way, pytest.raises(RunError) as caught:
            way.fetch(Ask("works", {"page": "1"}), lambda _: None, "page 1")
    assert KEY[:4] not in str(caught.value)


# Whole commands


def book(path: Path) -> Path:
    """Write a notebook that asks an endpoint, and shows as much as IPython can of what goes wrong."""
    cells = [
        ("url: str = ''\noutput_dir: str = ''", ["parameters"]),
        ("%xmode Verbose\nimport logging\nlogging.basicConfig(level=logging.DEBUG)", []),
        ("import os\nos.environ['REVIEW_LLM_BASE_URL'] = url", []),
        ("from review import llm\nmodel = llm.load('endpoint', cache=None)\nmodel, vars(model), model.settings", []),
        ("model.complete(llm.Request((llm.Message('user', 'Hello'),)))", []),
    ]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text, metadata={"tags": tags}) for text, tags in cells])
    made.metadata.update(
        {"kernelspec": {"name": "python3", "display_name": "p", "language": "python"}, "review": {"artefacts": []}}
    )
    nbformat.write(made, path)
    return path


def careless(handler: Any) -> None:
    """Answer well, with the key in text, end and headers."""
    sent = handler.headers["authorization"]
    said = json.dumps({"quote": f"Pain after Surgery {sent}", "code": "cohort", "note": sent})
    llm_server.say(llm_server.body(said, f"stop {sent}", id=sent), headers={"X-Echo": sent})(handler)


def refusal(handler: Any) -> None:
    """Refuse, and repeat the key plainly, in JSON and in an address."""
    sent = handler.headers["authorization"]
    llm_server.error(401, f"Incorrect API key provided: {sent}; see https://h/?k={quote(sent)}")(handler)


def commands(home: Path, good: str, bad: str, slow: str, judge: str) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """Give the steps: a name, changes of the environment, and what is typed."""
    at = {name: {"REVIEW_LLM_BASE_URL": url} for name, url in {"good": good, "bad": bad, "slow": slow, "judge": judge}.items()}
    generate = ["generate", "--modality", "text", "--method", "prompting", "-n", "2", "--model", "endpoint", "--option"]
    generate += ["technique=zero-shot", "--option", "compare=0", "--cache", "cache"]
    for name in ("good", "bad", "slow"):
        yield f"generate {name}", at[name], [*generate, "--seed", str(len(name)), "--out", f"made/{name}.jsonl", "--debug"]
        yield f"again {name}", at[name], [*generate, "--seed", str(len(name)), "--out", f"made/{name}.jsonl"]
    yield f"address with a key: {len(KEY)}", {"REVIEW_LLM_BASE_URL": f"https://u:{KEY}@h/v1?key={KEY}"}, [*generate, "--debug"]
    precode = ["precode", "--corpus", "tiny", "--model", "endpoint", "--keys", "adams2018pain", "--dimension", "design"]
    for name in ("good", "bad"):
        yield f"precode {name}", at[name], [*precode, "--resamples", "10", "--cache", "cache", "--again", "--apply", "--debug"]
    update = ["update", "--corpus", "tiny", "--source", "pubmed,openalex", "--since", "2026-01-02", "--until", "2026-03-04"]
    yield "update refused", {}, [*update, "--out", "update", "--debug"]
    yield "update", {}, [*update, "--out", "update", "--apply"]
    (home / "grid.json").write_text(json.dumps({"product": {"url": [good, bad]}}))
    yield "batch", {}, ["batch", "book.ipynb", "-f", "grid.json", "--jobs", "1", "--out", "batch", "--debug"]
    card = ["evaluate", "--real", "real.csv", "--synthetic", "made.csv", "--kind", "tabular", "--deals", "20", "--repeats", "5"]
    yield "evaluate", at["judge"], [*card, "--judge", "endpoint", "--out", "card", "--debug"]


def prepare(home: Path) -> None:
    import shutil

    (home / "made").mkdir()
    shutil.copytree(TINY, home / "tiny")
    book(home / "book.ipynb")
    for name, first in (("real.csv", 0), ("made.csv", 1)):
        rows = "".join(f"{number},{number * number % 7}\n" for number in range(first, 40, 2))
        (home / name).write_text(f"age,visits\n{rows}")


class Watch:
    """Read the command lines of new processes until the block ends: any user of the machine can."""

    def __init__(self) -> None:
        self.seen: dict[str, bytes] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._done.wait(0.1):
            for number in {name for name in os.listdir("/proc") if name.isdigit()} - set(self.seen):
                try:
                    self.seen[number] = Path(f"/proc/{number}/cmdline").read_bytes()
                except OSError:
                    continue

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder whose name is short enough for sockets in it, which stands for all that commands can write to."""
    with tempfile.TemporaryDirectory(prefix="s-") as name:
        yield Path(name)


def test_no_planted_key_is_in_anything_that_commands_leave_or_show(tmp_path: Path, home: Path) -> None:
    prepare(home)
    places = {"HOME": str(home), "TMPDIR": str(home), "REVIEW_LLM_MODEL": "small", "REVIEW_LLM_RETRIES": "0"}
    places |= {"REVIEW_LLM_TIMEOUT": "30", "XDG_CACHE_HOME": str(home / "cache-home"), "PYTHONPATH": str(HERE.parent)}
    inherited = {name: value for name, value in os.environ.items() if name not in PROXIES and not name.startswith("XDG_")}
    with (
        llm_server.serve(careless) as good,
        llm_server.serve(refusal) as bad,
        llm_server.serve(llm_server.hang_up) as slow,
        llm_server.serve(careless) as judge,
        living_server.serve() as services,
        Watch() as watch,
    ):
        echo = f"{OURS['OPENALEX_API_KEY']} {OURS['REVIEW_EMAIL']}"
        services.faults["pubmed", 1] = [living_server.status(403, f"bad key: {OURS['NCBI_API_KEY']} {OURS['REVIEW_EMAIL']}")]
        services.replaced["openalex", 1] = living_server.recorded("openalex", 1).replace(
            b'"meta"', b'"echo": ' + json.dumps(echo).encode() + b', "meta"', 1
        )
        steps = list(commands(home, good.url, bad.url, slow.url, judge.url))
        (tmp_path / "steps.json").write_text(json.dumps(steps))
        done = subprocess.run(
            [sys.executable, HERE / "many_commands.py", tmp_path / "steps.json"],
            cwd=home,
            env={**inherited, **OTHERS, **OURS, **places, **services.environment()},
            capture_output=True,
            timeout=300,
            check=False,
        )
    said = done.stdout + done.stderr
    ends = [line.split(": ")[-1] for line in done.stdout.decode().splitlines() if line.startswith("step ")]
    assert len(ends) == len(steps), said.decode()[-4000:]
    assert KEY in str(good.asked + bad.asked + judge.asked), "the key was used"
    assert OURS["NCBI_API_KEY"] in str(services.asked)
    assert OURS["OPENALEX_API_KEY"] in str(services.asked)
    written = dict(leaks.files(home))
    assert {"everything.log", "batch/manifest.jsonl", "update/request.json"} <= set(written)
    found = [
        f"{name}: {secret[:4]}... {way}"
        for name, content in [*written.items(), ("output", said), *(("a command line", line) for line in watch.seen.values())]
        for secret in PLANTED
        if (way := leaks.how(content, secret))
    ]
    assert found == []
