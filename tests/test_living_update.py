"""An update from its query to records that wait: page by page, cut off anywhere, and never more than once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import living_server as server
import pytest

from review import cli, corpus, paths
from review.errors import InputError, OptionError, ReviewError, RunError
from review.living import arxiv, openalex, pubmed, update
from review.living.asking import Plan
from review.living.courier import Clock, Courier, Habits, Identity
from review.living.store import Store
from review.living.update import SOURCES
from review.llm.settings import Secret

PLAN = Plan(dict.fromkeys(SOURCES, "test"), "2026-01-02", "2026-03-04")
DAYS = ("--since", "2026-01-02", "--until", "2026-03-04")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    for module in (pubmed, arxiv, openalex):
        monkeypatch.setattr(module, "PORTION", server.SIZE)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NCBI_API_KEY", "OPENALEX_API_KEY", "REVIEW_EMAIL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def services():
    with server.serve() as found:
        yield found


def ways(services, key="", **habits):
    """Couriers without pauses."""
    facts = {"timeout": 5.0, "retries": 1, **habits}

    def way(source):
        clock = Clock(time.monotonic, lambda _: None)
        return Courier(source.name, f"{services.url}/{source.name}", 0.0, Identity(Secret(key)), Habits(**facts), clock)

    return way


@pytest.fixture
def offline(services, monkeypatch):
    """The command line finds the services on loopback, and does not pause."""
    for name, url in services.environment().items():
        monkeypatch.setenv(name, url)
    monkeypatch.setattr(Clock, "__init__", lambda self: self.__dict__.update(now=time.monotonic, sleep=lambda _: None))
    return services


def test_every_page_is_asked_for_once_and_kept_as_it_came(services, tmp_path):
    store = Store.make(tmp_path / "update", PLAN)
    said: list[str] = []
    answers = update.fetch(store, ways(services), said.append)
    assert [(answer.source, answer.total, len(answer.records), answer.whole) for answer in answers] == [
        ("pubmed", 5, 5, True),
        ("arxiv", 5, 5, True),
        ("openalex", 5, 5, True),
    ]
    assert [services.pages(name) for name in SOURCES] == [[1, 2, 3, 4], [1, 2, 3], [1, 2, 3]]
    for path in sorted((tmp_path / "update" / "pages").iterdir()):
        name, number = path.stem.split("-")
        assert path.read_bytes() == server.recorded(name, int(number))
    assert said[-1] == "openalex: page 3, 5 of 5 records"
    assert update.read(Store.open(tmp_path / "update")) == answers


def test_a_finished_update_asks_for_nothing(services, tmp_path):
    update.fetch(Store.make(tmp_path, PLAN), ways(services))
    before = len(services.asked)
    update.fetch(Store.make(tmp_path, PLAN), ways(services))
    assert len(services.asked) == before


@pytest.mark.parametrize("name", list(SOURCES))
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_broken_page_ends_the_run_and_the_next_one_goes_on(services, tmp_path, name, number):
    services.faults[name, number] = [server.says(b"{<broken")] * 2
    store = Store.make(tmp_path, PLAN)
    with pytest.raises(RunError, match=f"{name}, page {number}: the answer cannot be read"):
        update.fetch(store, ways(services))
    asked = services.pages(name)
    assert asked == [*range(1, number), number, number]
    assert not store.path(name, number, "xml").exists()
    answers = update.fetch(Store.make(tmp_path, PLAN), ways(services))
    assert all(answer.whole for answer in answers)
    assert services.pages(name)[len(asked) :] == list(range(number, 5 if name == "pubmed" else 4)), "no page was asked for again"


def test_a_page_that_was_damaged_on_disk_is_asked_for_again(services, tmp_path):
    store = Store.make(tmp_path, PLAN)
    whole = update.fetch(store, ways(services))
    store.path("arxiv", 2, "xml").write_bytes(b"<feed")
    services.asked.clear()
    assert update.fetch(store, ways(services)) == whole
    assert services.asked[0][:2] == ("arxiv", 2)


def test_with_a_key_openalex_is_asked_with_a_cursor_and_the_folder_remembers(services, tmp_path):
    services.faults["openalex", 2] = [server.status(404)]
    with pytest.raises(RunError, match="HTTP 404"):
        update.fetch(Store.make(tmp_path, PLAN), ways(services, key="key-0123456789"))
    update.fetch(Store.make(tmp_path, PLAN), ways(services))
    asked = [params for name, _, params, _ in services.asked if name == "openalex"]
    assert [params.get("cursor") for params in asked] == ["*", "cursor-1", "cursor-1", "cursor-2"]
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"key-0123456789" not in held


def test_nothing_found_is_a_result(services, tmp_path, small):
    for name in SOURCES:
        services.replaced[name, 1] = server.without_records(name)
    answers = update.fetch(Store.make(tmp_path, PLAN), ways(services))
    found = update.compare(PLAN, answers, small)
    assert found.table().empty
    assert list(found.summary()["found"]) == [0, 0, 0]


def test_too_much_is_refused_before_it_is_fetched(services, tmp_path):
    services.replaced["arxiv", 1] = server.recorded("arxiv", 1).replace(b">5<", b">10001<")
    with pytest.raises(RunError, match="arxiv finds 10,001 records, 10,000 are the most -> narrow the days"):
        update.fetch(Store.make(tmp_path, Plan({"arxiv": "test"}, "", "2026-03-04")), ways(services))
    assert services.pages("arxiv") == [1]


def test_fewer_records_than_found_are_told(services, tmp_path):
    plan = Plan({"arxiv": "test"}, "", "2026-03-04", most=3)
    (answer,) = update.fetch(Store.make(tmp_path, plan), ways(services))
    assert answer.notices == ("arxiv: 3 of 5 records came as --max asks for",)
    assert answer.whole


def test_records_are_laid_beside_the_corpus_and_one_another(services, tmp_path, small):
    found = update.compare(PLAN, update.fetch(Store.make(tmp_path, PLAN), ways(services)), small)
    verdicts = {row["record"]: (row["verdict"], row["key"], row["by"]) for row in found.table().to_dict("records")}
    assert verdicts["pubmed-2026-03-04:1"] == ("new", "", "")
    assert verdicts["pubmed-2026-03-04:2"] == ("known", "adams2018pain", "doi")
    assert verdicts["arxiv-2026-03-04:2"] == ("known", "chen2020mood", "arxiv")
    assert verdicts["openalex-2026-03-04:1"][:2] == ("repeated", "pubmed-2026-03-04:3")
    assert verdicts["openalex-2026-03-04:2"] == ("repeated", "arxiv-2026-03-04:1", "arxiv")
    assert verdicts["openalex-2026-03-04:4"][1] == "gray2017paper", "the excluded record is found again"
    summary = found.summary().set_index("source")
    assert list(summary["received"]) == [5, 5, 5]
    counts = summary.drop(columns=["since", "until", "found", "received"])
    assert counts.sum(axis=1).tolist() == [5, 5, 5], "every record has one verdict"


def applied(services, folder, tmp_path):
    loaded = corpus.load(folder)
    answers = update.fetch(Store.make(tmp_path / "update", PLAN), ways(services))
    return update.change(update.compare(PLAN, answers, loaded), loaded)


def test_new_records_wait_and_the_flow_adds_up(services, tiny, tmp_path):
    before = corpus.load(tiny)
    change = applied(services, tiny, tmp_path)
    after = change.apply()
    waiting = after.screening[after.screening["decision"] == "pending"]
    assert set(waiting["stage"]) == {"screening"}
    assert set(waiting["reason"]) == {"not-screened"}
    assert "Test record one: synthetic notes on \u03b1-thalassæmia, in vitro and H2O" in set(waiting["title"])
    assert (after.coding.to_csv(), after.references) == (before.coding.to_csv(), before.references)
    steps = dict(zip(after.flow["step"], map(int, after.flow["count"]), strict=True))
    assert steps["records found"] - steps["duplicates removed"] == len(after.screening) == 8 + len(waiting)
    assert steps["queries"] == 3 + 3
    assert [step for step in steps if step.startswith("update ")] == [f"update {name} {PLAN.hash[:12]}" for name in SOURCES]
    assert "pubmed, from 2026-01-02 to 2026-03-04" in set(after.flow["note"])


def test_applied_twice_is_applied_once(services, tiny, tmp_path):
    applied(services, tiny, tmp_path).apply()
    loaded = corpus.load(tiny)
    found = update.compare(PLAN, update.read(Store.open(tmp_path / "update")), loaded)
    assert not [one for one in found.matches if one.verdict == "new"]
    assert not update.change(found, loaded)


def test_a_folder_holds_one_update(tmp_path):
    Store.make(tmp_path, PLAN)
    with pytest.raises(OptionError, match="another query, other days or sources"):
        Store.make(tmp_path, Plan(PLAN.texts, "2025-01-01", "2026-03-04"))
    with pytest.raises(InputError, match="it holds no update"):
        Store.open(tmp_path / "empty")


@pytest.mark.parametrize("text", ["", "[]", '{"format": "x"}', '{"format": "synthetic-data-review/update/1", "texts": 3}'])
def test_a_broken_request_is_told(tmp_path, text):
    (tmp_path / "request.json").write_text(text)
    with pytest.raises(InputError, match=r"request\.json.* -> (begin a new update|restore it)"):
        Store.open(tmp_path)


def test_two_processes_do_not_ask_for_the_same(tmp_path, services):
    store = Store.make(tmp_path, PLAN)
    with store.locked(), pytest.raises(ReviewError, match="another process is updating"):
        update.fetch(Store.open(tmp_path), ways(services))
    assert not services.asked


KILLED = """
import sys
from review import cli
from review.living import arxiv, openalex, pubmed
for module in (pubmed, arxiv, openalex):
    module.PORTION = 2
sys.exit(cli.main(sys.argv[1:]))
"""


def test_a_process_that_is_killed_goes_on_where_it_was(services, tiny, tmp_path):
    held = []

    def hold(handler):
        held.append(handler)
        time.sleep(60)

    services.faults["pubmed", 3] = [hold]
    out = tmp_path / "update"
    command = [sys.executable, "-c", KILLED, "update", "--source", "pubmed", "--corpus", str(tiny), "--out", str(out), *DAYS]
    process = subprocess.Popen(command, env={**os.environ, **services.environment()}, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while not held and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert services.pages("pubmed") == [1, 2, 3]
    assert sorted(path.name for path in (out / "pages").iterdir()) == ["pubmed-0001.json", "pubmed-0002.xml"]
    done = subprocess.run(command, env={**os.environ, **services.environment()}, capture_output=True, text=True, check=True)
    assert services.pages("pubmed") == [1, 2, 3, 3, 4]
    assert "pubmed: 2 pages are there already" in done.stderr


def test_the_command_shows_and_changes_nothing(offline, tiny, tmp_path, capsys):
    before = corpus.load(tiny).hash
    out = tmp_path / "update"
    assert cli.main(["update", "--corpus", str(tiny), "--out", str(out), *DAYS]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split()[:5] == ["source", "since", "until", "found", "received"]
    assert "would change: screening.csv, flow.csv; nothing is written without --apply" in said.err
    assert "the next update could begin with --since 2026-03-04" in said.err
    assert "quotedphrasesnotfound" in said.err, "what a source leaves out of the query is told"
    assert corpus.load(tiny).hash == before
    tables = {path.name for path in out.iterdir() if path.is_file()}
    assert {
        "records.csv",
        "records.json",
        "summary.csv",
        "details.csv",
        "notices.json",
        "request.json",
        "journal.jsonl",
    } <= tables
    kept = {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".csv", ".json")}
    assert cli.main(["update", "--corpus", str(tiny), "--out", str(out), *DAYS]) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".csv", ".json")} == kept
    events = [json.loads(line)["event"] for line in (out / "journal.jsonl").read_text().splitlines()]
    assert events.count("page") == 10
    assert events.count("finished") == 3


def test_the_command_applies_and_force_asks_again(offline, tiny, tmp_path, capsys):
    command = ["update", "--corpus", str(tiny), "--out", str(tmp_path / "update"), "--source", "arxiv", *DAYS]
    assert cli.main([*command, "--apply"]) == 0
    assert "written: screening.csv, flow.csv" in capsys.readouterr().err
    assert cli.main([*command, "--force"]) == 0
    assert "nothing would change" in capsys.readouterr().err
    assert offline.pages("arxiv") == [1, 2, 3, 1, 2, 3]
    assert (corpus.load(tiny).screening["decision"] == "pending").sum() > 0


def test_the_day_of_an_update_that_was_cut_off_is_kept(offline, tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "RUNS", tmp_path)
    command = ["update", "--corpus", str(tiny), "--source", "arxiv", "--since", "2026-01-02"]
    offline.faults["arxiv", 2] = [server.status(404)]
    assert cli.main([*command, "--until", "2026-03-04"]) == 1
    assert "what came so far is kept there; the same command goes on" in capsys.readouterr().err
    assert cli.main(command) == 0
    assert "goes on with the update of 2026-03-04" in capsys.readouterr().err
    assert offline.pages("arxiv") == [1, 2, 2, 3]
    (tmp_path / "update-broken").mkdir()
    (tmp_path / "update-broken" / "request.json").write_text("{}")
    assert cli.main(command) == 0, "a finished update is not gone on with: today is another one"
    assert offline.pages("arxiv") == [1, 2, 2, 3, 1, 2, 3]
    assert len(list(tmp_path.glob("update-*"))) == 3


def test_a_folder_that_is_named_keeps_its_day(offline, tiny, tmp_path):
    command = ["update", "--corpus", str(tiny), "--source", "arxiv", "--since", "2026-01-02", "--out", str(tmp_path / "x")]
    assert cli.main([*command, "--until", "2026-03-04"]) == 0
    assert cli.main(command) == 0
    assert offline.pages("arxiv") == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--source", "scholar"], "there is no source 'scholar'"),
        (["--since", "2026-02-30"], "--since is '2026-02-30'"),
        (["--until", "soon"], "--until is 'soon'"),
        (["--since", "2026-02-02", "--until", "2026-01-01"], "is after the last day"),
        (["--max", "-1"], "numbers above 0"),
        (["--timeout", "0"], "numbers above 0"),
        (["--query-file", "no-such.yaml"], "the file is missing"),
        (["--decide", "x"], "write RECORD=ANSWER"),
    ],
)
def test_wrong_options_are_told(offline, tiny, tmp_path, capsys, options, said):
    command = ["update", "--corpus", str(tiny), "--out", str(tmp_path / "x"), "--source", "arxiv", "--until", "2026-03-04"]
    assert cli.main([*command, *options]) == 1
    assert said in capsys.readouterr().err


def test_a_person_decides_what_is_open(offline, tiny, tmp_path, capsys):
    command = ["update", "--corpus", str(tiny), "--out", str(tmp_path / "x"), *DAYS, "--format", "json"]
    assert cli.main(command) == 0
    said = capsys.readouterr()
    rows = json.loads(said.out)
    is_open = [row["record"] for row in rows if row["verdict"] in ("probably known", "conflict", "incomplete")]
    assert is_open
    assert f"{len(is_open)} to decide" in said.err
    decided = [part for record in is_open for part in ("--decide", f"{record}=skip")]
    assert cli.main([*command, *decided]) == 0
    said = capsys.readouterr()
    assert "to decide" not in said.err
    assert {row["verdict"] for row in json.loads(said.out) if row["record"] in is_open} == {"skipped"}


def test_the_query_is_printed_without_asking(offline, capsys):
    assert cli.main(["update", "--show-query", "--source", "pubmed"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith('pubmed: ("language model*"[tiab]')
    assert "not the search of its authors" in said.err
    assert not offline.asked


def test_nothing_new_in_an_update_changes_nothing(offline, tiny, tmp_path, capsys):
    offline.replaced["arxiv", 1] = server.without_records("arxiv")
    command = ["update", "--corpus", str(tiny), "--out", str(tmp_path / "x"), "--source", "arxiv", *DAYS, "--apply"]
    assert cli.main(command) == 0
    said = capsys.readouterr().err
    assert "0 records: nothing found" in said
    assert "nothing would change" in said


def test_more_than_can_be_matched_in_all(small, monkeypatch):
    monkeypatch.setattr(update.matching, "MOST", 1)
    answer = update.Answer("arxiv", 2, (object(), object()), (), whole=True)
    with pytest.raises(OptionError, match="2 records, 1 are the most -> ask one source at a time"):
        update.compare(PLAN, [answer], small)
