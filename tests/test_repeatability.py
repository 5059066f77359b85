"""The same input and seed give the same bytes in any surroundings; no module uses a clock, an order or chance unseen."""

from __future__ import annotations

import io
import json
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import chance
import pandas as pd
import pytest
from conftest import TINY
from site_runs import notebook, shown

from review import corpus, errors
from review.living import query
from review.printing import print_table
from review.site import cells, source
from review.site.markdown import Headings
from review.site.places import Places

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import repeat  # noqa: E402
from repeat_allowed import RULES, rule  # noqa: E402

CHEAP = (
    *("validate.table", "statistics.table", "statistics.csv", "statistics-filtered.json", "select.table", "agreement.csv"),
    *("prisma.json", "import-*", "tables", "card", "generate-tabular-specialized", "batch"),
)
"""The cheap part of ``tools/repeat.py``, which runs everything."""

DIARY = "a time or a process number in a diary, a log or a name of a temporary file; never in a result"
EXPLAINED = {
    ("batch/campaign.py", "Run._named"): "gathered in a set, and sorted by the caller",
    ("batch/campaign.py", "perform.start"): DIARY,
    ("batch/cluster.py", "_placed"): "removes all that it finds",
    ("batch/cluster.py", "run_each"): "marks the files of one call in the memory of a worker",
    ("batch/cluster_worker.py", "perform"): DIARY + ". Files are looked up by their names",
    ("batch/kernel.py", "PrivateKernelManager.__init__"): DIARY,
    ("batch/keys.py", "below"): "taken up to a limit, then sorted",
    ("batch/runner.py", "execute"): "tells whether a file is older than the run",
    ("batch/warm.py", "_pool"): "tells a process from its fork",
    ("batch/warm.py", "launch"): DIARY,
    ("batch/warm.py", "supported"): DIARY,
    ("batch/warm_process.py", "Zygote.start"): DIARY,
    ("batch/warm_provisioner.py", "WarmKernelManager._async_pre_start_kernel"): "names a kernel, as Jupyter does",
    ("batch/warm_server.py", "main"): DIARY,
    ("batch/warm_server.py", "restless"): "asks whether something is among them",
    ("batch/warm_server.py", "settle"): "forked kernels must not draw the same as each other; what the project draws has a seed",
    ("browser_server.py", "browsers_here"): "how many browsers draw side by side; a picture does not know of others",
    ("codebook.py", "_Checker.pairs"): "finds a node again that was seen; not printed",
    ("coding/results.py", "results"): "closes files of two coders, each by itself",
    ("drafts.py", "_claimed"): DIARY,
    ("importing/compare.py", "_contained"): "gives a set",
    ("importing/matching.py", "_decisions"): "each name has a list of its own",
    ("living/courier.py", "Courier.__init__"): "spreads waiting times",
    ("living/courier.py", "Courier._take_turn"): "keeps the pace that a service asks for",
    ("living/store.py", "Store.log"): DIARY,
    ("living/update_command.py", "_plan"): "the last day of a query that names none; it is kept with the query",
    ("llm/local.py", "Local.__init__"): "a key that nobody else knows, for a server in this process",
    ("llm/reply.py", "pause"): "how long a server asks to wait",
    ("publication.py", "_draw"): "how many files are made side by side",
    ("recoding.py", "compute_reading_list"): "adds one to each count",
    ("reproduce.py", "publish"): "removes all that it finds",
    ("reproduce.py", "reproduce"): DIARY,
    ("sensitivity.py", "_chosen_counts"): "looked up by key; whole numbers",
    ("site/pages.py", "Site._tables"): "added to a set, which is sorted",
}
"""Where modules of ``review/`` may do it, and why two runs are still the same."""

MANIFEST = {"began": "09:00", "event": "finished", "memory": 5, "outputs": {"a.csv": "1", "b.ipynb": "2"}, "seconds": 1.5}


def manifest(**changes: Any) -> bytes:
    return (json.dumps(MANIFEST | changes) + "\n").encode()


def executed(text: str, folder: str, start: str) -> bytes:
    told = {"start_time": start, "end_time": start, "duration": 1, "output_path": f"{folder}/book.ipynb"}
    cells = [
        {"id": start, "metadata": {"tags": ["injected-parameters"]}},
        {"id": "same", "metadata": {"execution": {"shell": start}, "papermill": {"start_time": start}}, "outputs": [text]},
    ]
    return json.dumps({"metadata": {"papermill": told}, "cells": cells}).encode()


def made(tmp_path: Path, *contents: dict[str, bytes]) -> list[Path]:
    for place, files in enumerate(contents):
        for name, content in files.items():
            path = tmp_path / str(place) / repeat.MADE / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return [tmp_path / "0", tmp_path / "1"]


@pytest.mark.slow
def test_two_checkouts_with_nothing_around_them_in_common_give_the_same_bytes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = [word for pattern in CHEAP for word in ("--only", pattern)]
    status = repeat.main([*words, "--out", str(tmp_path / "kept")])
    printed, told = capfd.readouterr()
    assert status == 0, printed + told
    names = [line.rpartition(":")[0] for line in told.splitlines() if line.endswith("[0, 0]")]
    assert len(names) >= 12
    files = sorted(path.name for path in (tmp_path / "kept/a" / repeat.MADE).rglob("*") if path.is_file())
    for name in ("card.html", "card.json", "metrics.csv", "tabular-specialized.jsonl", "00-overview.json", "statistics.csv"):
        assert name in files
    assert any(name.endswith(".docx") for name in files)
    assert int(printed.splitlines()[-1].split()[0]) > 40


def test_surroundings_have_nothing_in_common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeat, "snapshot", repeat.commit)
    one, two = repeat.surroundings(tmp_path)
    for name in ("LC_ALL", "TZ", "PYTHONHASHSEED", "COLUMNS", "OMP_NUM_THREADS", "HOME", "TMPDIR", "PYTHONPATH"):
        assert one.variables[name] != two.variables[name]
    assert (one.umask, one.jobs, one.one_processor) != (two.umask, two.jobs, two.one_processor)
    assert len(one.root.parts) != len(two.root.parts)
    repeat.clear(one, two)
    assert not one.root.exists()
    assert not two.root.exists()


def test_every_command_is_asked_for_once() -> None:
    assert sorted(name for group in repeat.groups(["*"]) for name in group) == sorted(repeat.steps(1))
    assert repeat.groups(["select.table", "generate-text-*"])[0] == ["select.table"]


def test_what_differs_is_a_fault(tmp_path: Path) -> None:
    one, two = made(tmp_path, {"a.csv": b"1", "b.csv": b"12", "c.csv": b"3"}, {"a.csv": b"1", "b.csv": b"14", "d.csv": b"3"})
    same, allowed, faults = repeat.compare(one, two)
    assert (same, allowed) == (1, 0)
    assert [fault.partition(f"{repeat.MADE}/")[2] for fault in faults] == [
        *("c.csv: made by one only", "d.csv: made by one only", "b.csv: differs at byte 1")
    ]


def test_times_and_places_of_runs_may_differ(tmp_path: Path) -> None:
    folders = [str(tmp_path / place) for place in "01"]
    lines = manifest(began="10:00", run="x"), manifest(seconds=7, run="x", outputs={"a.csv": "1", "b.ipynb": "3"})
    books = [executed("out", folder, start) for folder, start in zip(folders, ("1", "2"), strict=True)]
    one, two = made(
        tmp_path,
        {"manifest.jsonl": lines[0] + manifest(run="y"), "book.ipynb": books[0]},
        {"manifest.jsonl": manifest(run="y") + lines[1], "book.ipynb": books[1]},
    )
    assert repeat.compare(one, two) == (0, 2, [])


def crate(start: str, digest: str, status: str = "good") -> bytes:
    run = {"@id": f"#{start}", "@type": "CreateAction", "description": "run 1", "startTime": start, "actionStatus": status}
    book = {"@id": "book.ipynb", "@type": "File", "sha256": digest}
    return json.dumps({"@graph": [run, book, {"@id": "./", "@type": "Dataset", "mentions": [{"@id": f"#{start}"}]}]}).encode()


def test_a_crate_may_tell_other_times_and_names_made_of_them(tmp_path: Path) -> None:
    one, two = ({"ro-crate-metadata.json": content} for content in (crate("1", "x"), crate("2", "y")))
    assert repeat.compare(*made(tmp_path, one, two)) == (0, 1, [])


def test_a_table_of_runs_may_tell_other_seconds(tmp_path: Path) -> None:
    tables = [f"run  seconds  status\na1   {seconds}   ok\n".encode() for seconds in ("1.200", "10.345")]
    assert repeat.compare(*made(tmp_path, *({"printed/batch": table} for table in tables))) == (0, 1, [])


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("ro-crate-metadata.json", (crate("1", "x"), crate("2", "y", status="failed"))),
        ("printed/batch", (b"a1   1.200   ok\n", b"a1   1.300   failed\n")),
        ("printed/batch", (b"a1   1.200   0.51\n", b"a1   1.200   0.52\n")),
        ("manifest.jsonl", (manifest(), manifest(outputs={"a.csv": "other"}))),
        ("manifest.jsonl", (manifest(), manifest() * 2)),
        ("book.ipynb", (executed("out", "", "1"), executed("other", "", "1"))),
        ("book.ipynb", (executed("out", "/x", "1"), executed("out", "/y", "1"))),
        (
            "ro-crate-metadata.json",
            [json.dumps({"@graph": [{"@id": "a.csv", "@type": "File", "sha256": mark}]}).encode() for mark in "12"],
        ),
    ],
)
def test_nothing_else_may_differ(tmp_path: Path, name: str, contents: tuple[bytes, bytes]) -> None:
    same, allowed, faults = repeat.compare(*made(tmp_path, *({name: content} for content in contents)))
    assert (same, allowed, len(faults)) == (0, 0, 1)


def test_what_may_differ_is_few_and_explained() -> None:
    patterns = ["*/printed/validate.table", "*/printed/batch", "*manifest.jsonl", "*.ipynb", "*ro-crate-metadata.json"]
    assert [one.pattern for one in RULES] == patterns
    assert all(len(one.reason.split()) > 5 for one in RULES)
    assert rule(f"{repeat.MADE}/reproduce/summary.json") is None


def test_no_module_uses_a_clock_an_order_or_chance_without_an_explanation() -> None:
    found = {
        (path.relative_to(ROOT / "review").as_posix(), one.where): f"{path}:{one.line}: {one.what}"
        for path in sorted((ROOT / "review").rglob("*.py"))
        for one in chance.find(path.read_text("utf-8"))
    }
    assert [told for place, told in found.items() if place not in EXPLAINED] == []
    assert sorted(set(EXPLAINED) - set(found)) == [], "explained, but no longer there"


@pytest.mark.parametrize(
    "line",
    [
        *("datetime.now(UTC)", "dt.date.today()", "time.time()", "time.strftime('%x')", "uuid.uuid4()", "hash(x)", "id(x)"),
        *(
            "os.listdir(x)",
            "list(x.glob('*'))",
            "[one for one in x.iterdir()]",
            "next(x.rglob('*'))",
            "for a in os.scandir(y): print(a)",
        ),
        *("locale.setlocale(0)", "random.shuffle(x)", "np.random.default_rng()", "os.cpu_count()", "socket.gethostname()"),
        *("[one for one in {1, 2}]", "list(set(x))", "', '.join({a for a in x})", "{k: 1 for k in set(x) - y}", "[*set(x)]"),
        *(
            "tuple(x.keys() & y)",
            "dict.fromkeys(set(x) | y)",
            "sum(a for a in set(x))",
            "pd.DataFrame(set(x))",
            "enumerate(set(x))",
        ),
        *("for a in set(x): print(a)", "for a in one.union(two): print(a)", "a = set(x)\nfor b in a: print(b)"),
    ],
)
def test_what_makes_runs_differ_is_found(line: str) -> None:
    body = line.replace("\n", "\n    ")
    assert [one.where for one in chance.find(f"def f(x, y):\n    {body}\n")] == ["f"]


@pytest.mark.parametrize(
    "line",
    [
        *(
            "sorted(x.glob('*'))",
            "sorted(p for p in x.rglob('*') if p.is_file())",
            "any(x.iterdir())",
            "{p for p in x.iterdir()}",
        ),
        *("np.random.default_rng(seed)", "sorted(set(x) - y)", "[one for one in sorted(set(x))]", "len(set(x))", "a in {1, 2}"),
        *(
            "{a: 1 for a in dict.fromkeys(x)}",
            "any(a for a in set(x))",
            "{*set(x), 1}",
            "sorted({*x, *set(y)})",
            "dt.datetime(2020, 1, 1)",
        ),
        *("[a for a in x if a in set(y)]", "a = set(x)\na = sorted(a)\nfor b in a: print(b)"),
    ],
)
def test_what_is_the_same_in_every_run_is_not(line: str) -> None:
    body = line.replace("\n", "\n    ")
    assert chance.find(f"def f(x, y):\n    {body}\n") == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_data_for_programs_are_utf8_in_any_locale(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(held, encoding="latin-1", errors="backslashreplace"))
    print_table(pd.DataFrame({"title": ["Łé", "\udce9"]}, dtype=object), form)
    sys.stdout.flush()
    printed = held.getvalue().decode("utf-8")
    assert "Łé" in printed
    assert "\\udce9" in printed, "what no encoding has is still written out"


def test_a_site_does_not_tell_in_which_folder_of_which_machine_it_was_made() -> None:
    inside, outside = ROOT / "runs" / "x", Path('/home/somebody/a "folder"/given')
    lines = ("# Parameters", 'selection = "v2"', f"places = [{str(inside)!r}, {str(outside)!a}, 'é/x']", "seed = 1  # é")
    told = ("# Parameters", 'selection = "v2"', 'places = ["runs/x", "given", \'é/x\']', "seed = 1  # é")
    assert cells.placeless("\n".join(lines)) == "\n".join(told)
    assert cells.placeless("%magic /home/x") == "%magic /home/x"


def test_a_page_of_a_notebook_does_not_tell_it(tmp_path: Path) -> None:
    loaded, folder = corpus.load(TINY), tmp_path / "run"
    path = notebook(folder / "n.ipynb", (f'output_dir = "{folder}"',), ('open("/etc/hosts")', shown(text__plain="x")))
    book = json.loads(path.read_text("utf-8"))
    book["cells"][0]["metadata"]["tags"] = [cells.INJECTED]
    path.write_text(json.dumps(book), "utf-8")
    shelf = source.read(folder, loaded)
    reader = cells.Reader(shelf, shelf.notebooks[0], loaded, Places.of(loaded), "notebooks/n.html", Headings())
    one, two = (block.html for block in reader.blocks() if block.kind == "code")
    assert str(tmp_path) not in one
    assert "&quot;run&quot;" in one or '"run"' in one
    assert "/etc/hosts" in two, "what the author wrote stands as it is"


def test_problems_of_a_query_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    names = [f"part-{letter}" for letter in "qwertyuiopasdfgh"]
    lines = "".join(f"    {name}: 1\n" for name in names)
    path = tmp_path / "query.yaml"
    path.write_text(f"concepts:\n  one:\n    terms: [x]\n{lines}", "utf-8")
    with pytest.raises(errors.InputError) as caught:
        query.load(path)
    assert [problem.key for problem in caught.value.problems] == [f"concepts.one.{name}" for name in names]


def test_tests_can_be_run_in_an_order_that_is_drawn(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"), "utf-8")
    for name in "abc":
        (tmp_path / f"test_{name}.py").write_text("".join(f"def test_{n}(): pass\n" for n in range(9)), "utf-8")

    def order(*words: str) -> list[str]:
        command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "-c", os.devnull]
        told = subprocess.run([*command, *words, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path, check=True)
        return [line for line in told.stdout.splitlines() if "::" in line]

    usual = [f"test_{name}.py::test_{n}" for name in "abc" for n in range(9)]
    one, again, other = order("--shuffle=1"), order("--shuffle=1"), order("--shuffle=2")
    assert one == again
    assert sorted(one) == sorted(other) == sorted(usual)
    assert len({tuple(found) for found in (usual, one, other)}) == 3
    files = [name.split("::")[0] for name in one]
    assert sum(a != b for a, b in pairwise(files)) == 2, "the tests of a file are kept together"
