"""Where a living review stands, for the notebook: nothing is asked for, and what is missing is said."""

import json
import subprocess
import sys

import living_server as server
import pytest

from review import corpus, paths
from review.errors import InputError
from review.living import arxiv, openalex, pubmed, status, update
from review.living.asking import Plan
from review.living.courier import Courier
from review.living.store import Store
from review.living.update import SOURCES

PLAN = Plan(dict.fromkeys(SOURCES, "test"), "2026-01-02", "2026-03-04")
NOTEBOOK = paths.NOTEBOOKS / "61-living-review.ipynb"


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """The folder of an update with what the three services have recorded."""
    for module in (pubmed, arxiv, openalex):
        monkeypatch.setattr(module, "PORTION", server.SIZE)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with server.serve() as services:
        update.fetch(Store.make(tmp_path / "update", PLAN), lambda one: Courier(one.name, f"{services.url}/{one.name}", 0.0))
    return tmp_path / "update"


def test_the_query_as_a_table(tmp_path):
    table = status.compute_query()
    assert list(table["concept"]) == ["language models", "synthetic data", "biomedicine"]
    assert table.loc[2, "sources"] == "arxiv, openalex"
    assert all(len(row["terms"].split(", ")) == row["number"] for row in table.to_dict("records"))
    path = tmp_path / "query.yaml"
    path.write_text("title: Mine\nconcepts:\n  a: {terms: [x]}\nown: {pubmed: y}\n", "utf-8")
    assert status.compute_query(path).to_dict("records")[-1] == {
        "concept": "own string",
        "terms": "y",
        "number": 1,
        "sources": "pubmed",
    }
    assert "**Mine**, from the beginning on" in status.describe_query(path).data
    assert "not the search of its authors" in status.describe_query().data


def test_decisions_by_origin(tiny, fetched):
    loaded = corpus.load(tiny)
    table = status.compute_state(loaded)
    assert table.to_dict("records") == [
        {"origin": status.FIRST, "pending": 0, "excluded": 2, "unverified": 1, "verified": 5, "total": 8}
    ]
    assert "No record waits" in status.describe_state(loaded).data
    after = update.change(status.look(loaded, fetched), loaded).apply()
    table = status.compute_state(after).set_index("origin")
    assert list(table.index) == [status.FIRST, "arxiv-2026-03-04", "openalex-2026-03-04", "pubmed-2026-03-04"]
    assert table["total"].sum() == len(after.screening)
    waiting = table["pending"].sum()
    assert f"**{waiting} records wait for screening**" in status.describe_state(after).data
    assert table.loc["arxiv-2026-03-04", "pending"] == table.loc["arxiv-2026-03-04", "total"] > 0


def test_an_update_that_was_fetched_before(small, fetched):
    found = status.look(small, fetched)
    said = status.describe_update(found).data
    assert said.startswith("> 15 records from 2026-01-02 to 2026-03-04: ")
    assert "quotedphrasesnotfound" in said
    assert "Not finished" not in said
    Store.open(fetched).path("arxiv", 3, "xml").unlink()
    said = status.describe_update(status.look(small, fetched)).data
    assert "**Not finished: arxiv.**" in said


def test_no_update_and_no_folder(small, tmp_path):
    found = status.look(small)
    assert found.table().empty
    assert found.summary().empty
    assert "No update was named" in status.describe_update(found).data
    with pytest.raises(InputError, match="it holds no update"):
        status.look(small, tmp_path)


def test_a_corpus_without_screening(damage):
    damage("screening.csv")
    damage("flow.csv")
    damage("bibliography.bib", "  title = {{A Clinic}},\n", "  title = {{A Clinic}},\n  author = {Fox, F},\n  year = {2022},\n")
    loaded = corpus.load(damage("selection.csv"))
    assert status.compute_state(loaded).empty
    assert "no screening table" in status.describe_state(loaded).data


def test_proposals_are_announced_as_such(tiny):
    assert "has proposed no code" in status.describe_proposals(corpus.load(tiny)).data
    with (tiny / "coding.csv").open("a", encoding="utf-8") as file:
        file.write("fox2022clinic,design,llm,trial,,,,\n")
    said = status.describe_proposals(corpus.load(tiny)).data
    assert "has proposed 1 codes" in said
    assert "never part of the consensus" in said


@pytest.mark.slow
def test_the_notebook_shows_an_update(tiny, fetched, tmp_path):
    given = {"corpus_dir": tiny, "update_dir": fetched, "output_dir": tmp_path / "out"}
    options = [part for name, value in given.items() for part in ("-p", name, str(value))]
    command = [sys.executable, "-m", "papermill", str(NOTEBOOK), str(tmp_path / "done.ipynb"), *options]
    subprocess.run(command, check=True, capture_output=True)
    promised = json.loads(NOTEBOOK.read_text("utf-8"))["metadata"]["review"]["artefacts"]
    assert all((tmp_path / "out" / name).is_file() for name in promised)
    rows = json.loads((tmp_path / "out" / "tables" / "61-update.json").read_text("utf-8"))
    assert [row["source"] for row in rows] == ["pubmed", "arxiv", "openalex"]
