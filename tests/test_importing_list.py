"""The story of the authors' list on the real corpus; the list here is made up of its studies, and is not theirs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from review import bibliography, cli, corpus, paths, published, report, statistics
from review.bibliography import Reference

NAMES = (*corpus.FILES,)
NOTEBOOKS = ("00-start", "02-modality", "08-reproduction-report")


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A copy of the real corpus after the import of a made-up list: 40 studies, a record that was excluded, and a new one."""
    folder = tmp_path_factory.mktemp("list") / "my-review"
    folder.mkdir()
    for name in NAMES:
        shutil.copyfile(paths.DATA / name, folder / name)
    real = corpus.load()
    chosen = [reference for reference in real.references if reference.key in real.selections["v2"]][:40]
    own = [Reference(f"study{number}", one.kind, one.fields, 0) for number, one in enumerate(chosen)]
    out = real.screening[real.screening["key"] == "allam2025scaling"].iloc[0]
    own.append(Reference("out", "misc", {"title": out.title, "author": "Allam, A", "year": "2025", "eprint": out.arxiv}, 0))
    own.append(Reference("new", "article", {"title": "Test record one of the list", "author": "Doe, J", "year": "2024"}, 0))
    file = folder.parent / "list.bib"
    file.write_text(bibliography.write(own), "utf-8")
    assert cli.main(["import", str(file), "--as", "included", "--corpus", str(folder), "--apply"]) == 0
    return folder


def test_nothing_is_by_construction_any_more(listed):
    loaded = corpus.load(listed)
    assert loaded.basis("default") == "listed"
    assert set(loaded.selections) == {"all", "pool", "v2"}
    assert len(loaded.selections["v2"]) == 42
    for version in ("v1", "v2"):
        table = statistics.reproduce(loaded, version=version)
        assert set(table["status"]) <= {statistics.INDEPENDENT, statistics.NOT_CODED, statistics.NOT_ATTAINABLE}
        unattainable = table["verdict"] == published.UNATTAINABLE
        assert (table.loc[~unattainable, "status"] == statistics.INDEPENDENT).all()
        assert set(table["total"]) == {42}


def test_codes_are_kept_and_the_rest_is_unknown(listed):
    before, after = corpus.load(), corpus.load(listed)
    assert after.coding.equals(before.coding)
    modality = after.studies("v2").set_index("key")["modality"]
    assert modality.isna().sum() == 2
    assert modality["doe2024test"] is not None
    kept = [key for key in modality.index if key not in ("doe2024test", "allam2025scaling")]
    assert before.studies("all").set_index("key").loc[kept, "modality"].tolist() == modality[kept].tolist()


def test_only_new_lines_come_into_the_bibliography(listed):
    before = (paths.DATA / "bibliography.bib").read_text("utf-8").splitlines()
    after = (listed / "bibliography.bib").read_text("utf-8").splitlines()
    entries = ("@misc{allam2025scaling,", "@article{doe2024test,")
    assert len(after) - len(before) == 7 + 1 + 4 + 1 + 1
    assert all(line in after for line in entries)
    remaining = iter(after)
    assert all(any(line == other for other in remaining) for line in before), "the old lines stand there in their order"


def test_the_report_says_so(listed, tmp_path):
    loaded = corpus.load(listed)
    report.write_html(tmp_path / "report.html", loaded)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "by construction" not in text
    assert report.CAUTIONS["listed"] in text


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_run_on_it_and_lose_the_words(listed, name, tmp_path):
    command = [
        Path(sys.executable).parent / "papermill",
        paths.NOTEBOOKS / f"{name}.ipynb",
        tmp_path / "out.ipynb",
        *("-p", "corpus_dir", listed),
        *("-p", "output_dir", tmp_path / "out"),
    ]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=paths.ROOT)
    assert run.returncode == 0, run.stderr[-3000:]
    outputs = json.dumps([cell.get("outputs") for cell in json.loads((tmp_path / "out.ipynb").read_text("utf-8"))["cells"]])
    assert report.CAUTIONS["listed"] in outputs
    assert report.CAUTIONS["calibrated"] not in outputs
    for table in (tmp_path / "out" / "tables").glob("*.csv"):
        assert statistics.BY_CONSTRUCTION not in table.read_text("utf-8"), table.name
    for caption in (tmp_path / "out" / "figures").glob("*.txt"):
        assert "hold by construction" not in caption.read_text("utf-8"), caption.name
