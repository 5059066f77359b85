"""Names and links that lead elsewhere: nothing is written outside of the folder that was named, nothing from outside shown."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from conftest import EXAMPLES, TINY
from site_runs import tiny_run

from review import bibliography, corpus, drafts, files, gallery, paths, publication, reproduce
from review.batch import campaign, cluster, cluster_worker, declarations
from review.batch.grid import Declared, of_pairs
from review.batch.runner import OK, Outcome
from review.coding import names
from review.errors import InputError, OptionError, ReviewError, RunError, UnknownNameError
from review.evaluation import rating_file
from review.site import build, source

OUTSIDE = (
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "a/../../b",
    "a\\..\\..\\b",
    "C:\\x",
    "con",
    "a\x00b",
    "\u202egnp",
    ".hidden",
    "a b\n",
    "",
    "x" * 500,
)


def inside(folder, name):
    """Tell whether a name is that of one thing in a folder."""
    return (
        (folder / name).parent == folder and (folder / name).resolve().parent == folder.resolve() and name not in ("", ".", "..")
    )


@pytest.mark.parametrize("name", [name for name in OUTSIDE if name])
def test_free_text_names_one_folder(name, tmp_path):
    plain = paths.plain_name(name)
    assert inside(tmp_path, plain)
    assert plain.isprintable()
    assert len(plain) < 120
    assert not plain.startswith(".")


def test_names_stay_apart_and_plain_ones_as_they_are():
    assert paths.plain_name("v2-v2-0123456789ab") == "v2-v2-0123456789ab"
    assert paths.plain_name("a/b") != paths.plain_name("a-b") != paths.plain_name("a\\b")


def test_the_run_of_a_selection_with_a_path_for_a_name_stays_in_its_folder(damage, monkeypatch, tmp_path):
    damage("codebook.yaml", "selection: first", "selection: ../../../outside/first")
    folder = damage("codebook.yaml", "version: first", "version: ../../../outside/first")
    for name in ("selection.csv", "published.csv"):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(text.replace("\nfirst,", "\n../../../outside/first,"), "utf-8")
    runs = tmp_path / "deep" / "er" / "runs"
    monkeypatch.setattr(paths, "RUNS", runs)
    asked = []

    def stop(target):
        asked.append(target)
        raise RunError("far enough")

    monkeypatch.setattr(reproduce, "Manifest", stop)
    with pytest.raises(RunError, match="far enough"):
        reproduce.reproduce(str(folder), demonstrations="none")
    assert asked[0].parent == runs
    assert inside(runs, source.latest(corpus.load(folder)).name)
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "key", ["../x", "a/b", "a\\b", "..", "\uff412020", "\u0430dams2018", "a\u200bb", "a b", "a{b", "a%", "=a", "@a"]
)
def test_keys_of_a_bibliography_are_plain(key, tmp_path):
    """Among others none that looks like another one: all letters are of ASCII."""
    path = tmp_path / "bibliography.bib"
    path.write_text(f"@article{{{key},\n title = {{T}},\n}}\n", "utf-8")
    with pytest.raises(InputError):
        bibliography.read(path)


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_of_people_name_no_file_elsewhere(name):
    if name == "con":
        return
    with pytest.raises(OptionError):
        names.check(name)
    with pytest.raises(ReviewError):
        rating_file.check_rater(name)


@pytest.mark.parametrize("promise", ["../x.csv", "/tmp/x.csv", "a/../../x", "..", ""])
def test_a_notebook_promises_no_file_elsewhere(promise, notebook):
    book = json.loads(notebook.read_text("utf-8"))
    book["metadata"]["review"] = {"artefacts": [promise]}
    notebook.write_text(json.dumps(book), "utf-8")
    with pytest.raises(InputError, match="not a list of relative paths"):
        declarations.promised(notebook)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "x.json", "*"])
def test_figures_are_chosen_by_names_that_are_there(name, tmp_path):
    (tmp_path / "a.json").write_text('{"data": [], "layout": {}}')
    (tmp_path / "a.txt").write_text("alt\n\nCaption.\n")
    with pytest.raises(UnknownNameError):
        gallery.read(tmp_path, [name])


def test_a_list_of_figures_that_names_other_files_is_refused(tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("dear")
    out = tmp_path / "out"
    out.mkdir()
    mark = hashlib.sha256(b"dear").hexdigest()
    (out / publication.MANIFEST).write_text(json.dumps({"figures": [], "others": {"../victim.txt": mark}}))
    with pytest.raises(InputError, match="outside of the folder"):
        publication._known(out)
    assert victim.read_text() == "dear"


def test_parameters_name_no_folder(tmp_path):
    values = of_pairs([("name", "../../x")], {"name": Declared("name", str, "")})
    notebook = shutil.copy(EXAMPLES / "notebooks" / "keeps-its-promise.ipynb", tmp_path / "b.ipynb")
    given = next(name for name in declarations.declared(Path(notebook)) if name != "output_dir")
    (run,) = campaign.plan(Path(notebook), [{given: 1}], tmp_path / "out", {})
    assert values == {"name": "../../x"}
    assert inside(tmp_path / "out", run.name)


@pytest.mark.parametrize("name", ["../outside.txt", "/tmp/outside-of-a-run.txt", "a/../../outside.txt"])
def test_a_worker_puts_no_file_elsewhere(name, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    fields = {"call": "c", "place": 0, "job": None, "folder": folder, "cwd": tmp_path, "files": {}, "rebased": {}, "facts": {}}
    task = cluster_worker.Task(**fields, shared=False)
    hashes = {name: cluster_worker.sha_of(b"x"), "good.txt": cluster_worker.sha_of(b"y")}
    done = cluster_worker.Result(Outcome("n", OK, 1.0), hashes, {name: b"x", "good.txt": b"y"})
    outcome = cluster._accepted(task, done)
    assert outcome.status != OK
    assert name in outcome.error
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "outside.txt").exists()
    assert not Path("/tmp/outside-of-a-run.txt").exists()


# Links


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_link_is_replaced_and_never_written_through(tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("dear")
    (tmp_path / "soft.csv").symlink_to(victim)
    os.link(victim, tmp_path / "hard.csv")
    for name in ("soft.csv", "hard.csv"):
        files.write_text(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"
        assert not (tmp_path / name).is_symlink()
    assert victim.read_text() == "dear"


def test_a_link_that_waits_under_a_temporary_name_is_not_written_through(tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("dear")
    for number in range(3):
        (tmp_path / f".x.csv.{number}{drafts.SUFFIX}").symlink_to(victim)
    files.write_text(tmp_path / "x.csv", "new")
    assert (tmp_path / "x.csv").read_text() == "new"
    assert victim.read_text() == "dear"


@pytest.mark.parametrize("place", ["figures/02-shares.svg", "tables/x.csv", "tables", "report.html", "00-start.ipynb"])
def test_a_site_shows_nothing_that_a_link_leads_out_to(place, tmp_path):
    """A run that somebody sent could have a link to a private file, and a site is made to be published."""
    run = tiny_run(tmp_path / "run", TINY)
    private = tmp_path / "private"
    private.mkdir()
    (private / "key").write_text("secret")
    path = run / place
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(private if place == "tables" else private / "key")
    with pytest.raises(RunError, match="is a link to a place outside of the run"):
        build.build(corpus.load(TINY), run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_within_a_run_is_followed(tmp_path):
    run = tiny_run(tmp_path / "run", TINY)
    (run / "figures" / "02-shares.svg").rename(run / "figures" / "real.svg")
    (run / "figures" / "02-shares.svg").symlink_to("real.svg")
    assert source.leading_out(run) is None
