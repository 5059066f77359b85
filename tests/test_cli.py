"""The command line: exit codes, formats, and errors that say what to do."""

import csv
import io
import json
import shutil
import subprocess
import sys
import time

import pytest

from review import __version__, cli, paths


def run(capsys, *argv):
    status = cli.main(list(argv))
    streams = capsys.readouterr()
    return status, streams.out, streams.err


@pytest.fixture
def copy(tmp_path):
    """A copy of the project's corpus that a test may damage."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for path in paths.DATA.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


def test_validate_says_what_the_corpus_holds(capsys):
    status, out, err = run(capsys, "validate")
    assert (status, err) == (0, "")
    assert "all 189, pool 155, v1 59, v2 59" in out


PUBLISHED = {
    "v1": {"modality": [46, 8, 5], "method": [43, 13, 3], "evaluation": [16, 33, 8]},
    "v2": {"modality": [46, 8, 5], "method": [44, 12, 3], "evaluation": [16, 26, 8]},
}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_statistics_give_the_published_counts_by_construction(capsys, version):
    status, out, err = run(capsys, "statistics", "--review-version", version, "--format", "json")
    assert status == 0
    assert "by construction" in err
    rows = json.loads(out)
    assert {"dimension", "category", "count", "total", "share", "low", "high", "status"} <= set(rows[0])
    for dimension, counts in PUBLISHED[version].items():
        found = [row for row in rows if row["dimension"] == dimension and row["category"] != "downstream"]
        assert [row["count"] for row in found] == counts
        assert {row["total"] for row in found} == {59}
        assert {row["status"] for row in found} == {"by construction"}
        assert all(row["low"] < row["share"] < row["high"] for row in found)
    assert {row["status"] for row in rows if row["dimension"] == "generator"} <= {"not published", "not coded"}


def test_csv_and_json_hold_the_same(capsys):
    _, out, _ = run(capsys, "statistics", "--dimension", "method", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    _, out, _ = run(capsys, "statistics", "--dimension", "method", "--format", "json")
    assert [{name: str(value) for name, value in row.items()} for row in json.loads(out)] == rows


def test_the_table_is_aligned(capsys):
    _, out, _ = run(capsys, "statistics", "--dimension", "modality")
    lines = out.splitlines()
    assert len(lines) == 4
    assert len({line.index(word) for line, word in zip(lines[1:], ("46", "8", "5"), strict=True)}) == 1


def test_a_filter_takes_the_published_status_away(capsys):
    _, out, _ = run(capsys, "statistics", "--where", "year >= 2024", "--dimension", "modality", "--format", "json")
    rows = json.loads(out)
    assert {row["status"] for row in rows} == {"not published"}
    assert rows[0]["total"] < 59


def test_the_pool_is_named_a_purposive_sample(capsys):
    _, out, err = run(capsys, "statistics", "--selection", "pool", "--dimension", "modality", "--format", "json")
    assert {row["status"] for row in json.loads(out)} == {"purposive sample"}
    assert "estimate nothing" in err


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_select_prints_the_committed_selection(capsys, version):
    status, out, _ = run(capsys, "select", "--review-version", version)
    with (paths.DATA / "selection.csv").open(encoding="utf-8", newline="") as file:
        committed = [row["key"] for row in csv.DictReader(file) if row["selection"] == version]
    assert status == 0
    assert out.split() == committed


def test_select_write_restores_the_file(capsys, copy):
    before = (copy / "selection.csv").read_bytes()
    (copy / "selection.csv").unlink()
    status, _, _ = run(capsys, "select", "--write", "--corpus", str(copy))
    # without the file the versions are those of published.csv; "news" prints two methods less and is calibrated, too
    text = (copy / "selection.csv").read_text("utf-8")
    assert status == 0
    assert [line for line in text.splitlines() if not line.startswith("news,")] == before.decode().splitlines()


def test_select_does_not_overwrite_a_listed_selection(capsys, copy):
    path = copy / "selection.csv"
    text = path.read_text("utf-8").replace("calibrated", "listed")
    path.write_text(text, encoding="utf-8")
    status, _, err = run(capsys, "select", "--write", "--corpus", str(copy))
    assert status == 1
    assert "holds the listed selection" in err
    assert path.read_text("utf-8") == text


def test_bounds_of_published_categories_are_single_values(capsys):
    status, out, err = run(capsys, "bounds", "--dimension", "modality", "--dimension", "evaluation", "--format", "json")
    rows = json.loads(out)
    assert status == 0
    assert "verified studies only" in err
    assert [set(row) for row in rows] == [{"dimension", "category", "min", "max", "chosen", "scenario"}] * 7
    assert [(row["min"], row["max"]) for row in rows[:6]] == [(n, n) for n in (46, 8, 5, 16, 26, 8)]
    assert rows[6]["min"] < rows[6]["chosen"] < rows[6]["max"]


def test_an_infeasible_scenario_names_the_clash(capsys):
    status, out, err = run(capsys, "bounds", "--scenario", "v2+exclusive")
    assert (status, out) == (1, "")
    assert "no reconstruction exists" in err
    assert "primary_evaluation llm = 8 is missed by" in err


def test_reading_list_has_the_length_that_was_asked_for(capsys):
    status, out, _ = run(capsys, "reading-list", "-n", "5", "--format", "json")
    assert status == 0
    assert [row["rank"] for row in json.loads(out)] == [1, 2, 3, 4, 5]


def test_prisma_adds_up(capsys):
    status, out, _ = run(capsys, "prisma", "--format", "json")
    rows = json.loads(out)
    assert status == 0
    assert [row["count"] for row in rows if row["kind"] == "box"] == [404, 337, 191, 155, 59]


def test_agreement_says_who_the_coders_were(capsys):
    status, out, err = run(capsys, "agreement", "--resamples", "20", "--format", "json")
    rows = {(row["dimension"], row["label"]): row for row in json.loads(out)}
    assert status == 0
    assert "language models" in err
    assert rows["modality", ""]["kappa"] > 0.9


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["statistics", "--selection", "v9"], "no selection named 'v9' -> choose one of: default, all, pool, v1, v2"),
        (["statistics", "--review-version", "v9"], "no version named 'v9'"),
        (["statistics", "--dimension", "colour"], "no dimension named 'colour'"),
        (["statistics", "--where", "year >"], "cannot read the filter"),
        (["statistics", "--where", "__import__('os')"], "is not allowed in a filter"),
        (["bounds", "--scenario", "v2+maybe"], "no scenario word named 'maybe'"),
        (["validate", "--corpus", "/no/such/folder"], "there is no such folder"),
        (["agreement", "--coders", "a", "z", "--resamples", "1"], "z"),
    ],
)
def test_bad_input_gives_one_clear_error(capsys, argv, message):
    status, out, err = run(capsys, *argv)
    assert status == 1
    assert out == ""
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["statistics", "--format", "xml"], ["reproduce", "--jobs", "0"]])
def test_wrong_usage_exits_2(capsys, argv):
    assert run(capsys, *argv)[0] == 2


def test_debug_shows_the_traceback():
    with pytest.raises(Exception, match="no such folder"):
        cli.main(["validate", "--corpus", "/no/such/folder", "--debug"])


def test_version_and_help(capsys):
    assert run(capsys, "--version")[:2] == (0, f"review {__version__}\n")
    status, out, _ = run(capsys, "--help")
    assert status == 0
    assert all(name in out for name in ("validate", "statistics", "select", "agreement", "prisma", "figures", "reproduce", "lab"))


def test_importing_the_package_loads_nothing_heavy():
    heavy = "('numpy', 'pandas', 'plotly', 'papermill', 'yaml')"
    script = f"import sys, review; print([name for name in {heavy} if name in sys.modules])"
    run_ = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run_.stdout.strip() == "[]"
    script = script.replace("import sys, review", "import sys, review.cli; review.cli.parser()")
    run_ = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run_.stdout.strip() == "[]"


def test_the_installed_command_answers_help():
    start = time.perf_counter()
    run_ = subprocess.run([sys.executable, "-m", "review.cli", "--help"], capture_output=True, text=True, check=False)
    assert run_.returncode == 0
    assert "COMMAND" in run_.stdout
    assert time.perf_counter() - start < 30


def test_lab_starts_jupyterlab_on_the_first_notebook(monkeypatch, capsys):
    seen = {}

    def call(command, cwd, env):
        seen.update(command=command, cwd=cwd)
        return 0

    monkeypatch.setattr(subprocess, "call", call)
    assert run(capsys, "lab", "--", "--no-browser")[0] == 0
    opened = ["--LabApp.default_url=/lab/tree/notebooks/00-start.ipynb", "--no-browser"]
    assert seen["command"][1:] == ["-m", "jupyterlab", f"--ServerApp.root_dir={paths.ROOT}", *opened]
    assert seen["cwd"] == paths.ROOT
    assert (paths.ROOT / "notebooks" / "00-start.ipynb").is_file()
