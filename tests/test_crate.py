"""The crate of a batch: read back with the library, from a figure to the run that made it, without secrets and places."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from rocrate.rocrate import ROCrate

from review import paths
from review.batch import campaign, crate, manifest
from review.batch.manifest import FINISHED, STARTED, Event, Manifest
from review.batch.runner import BROKEN_PROMISE, FAILED, OK
from review.errors import InputError

VERSIONS = {"python": "3.11.7", "papermill": "2.7.0", "other": "1"}
BEGAN = "2026-01-31T23:59:58.500+00:00"


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def left(folder, run, files):
    """Write the files of a run; return their hashes."""
    for name, text in files.items():
        path = folder / run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {name: sha256(folder / run / name) for name in files}


def event(run, outputs=None, **more):
    given = {"parts": {"source": "5" * 64}, "began": BEGAN, "seconds": 2.25, "versions": VERSIONS, "commit": "c0ffee"}
    return Event(FINISHED, run, "book.ipynb", outputs=outputs or {}, **{"status": OK, **given, **more})


def record(folder, *events):
    with Manifest(folder) as book:
        for one in events:
            book.add(one)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def described(folder):
    """``described(event, ...)`` is the crate of a batch with these events, read back."""

    def read(*events):
        record(folder, *events)
        assert crate.write(folder) == folder / crate.NAME
        assert [path.name for path in folder.glob("*ro-crate*")] == [crate.NAME]  # and no temporary file
        return ROCrate(folder)

    return read


def actions(held):
    return held.get_by_type("CreateAction")


def values(action):
    found = action["object"] if isinstance(action["object"], list) else [action["object"]]
    return {one["name"]: one["value"] for one in found if one.type == "PropertyValue"}


def test_a_figure_leads_to_its_run_its_parameters_and_its_notebook(folder, described):
    files = {"notebook.ipynb": "{}", "figures/a b#ä%.svg": "<svg/>", "t.csv": "a\n1\n", "other.xyz": ""}
    made = {run: left(folder, run, {**files, "t.csv": f"a\n{run}\n"}) for run in ("r1", "r2")}
    given = {"number": 1, "where": "year >= 2024"}
    data = {"data/coding.csv": "d" * 64}
    held = described(event("r1", made["r1"], parameters=given, inputs=data), event("r2", made["r2"], parameters={"number": 2}))
    figure = next(one for one in held.get_by_type("File") if unquote(one.id) == "r1/figures/a b#ä%.svg")
    (action,) = [one for one in actions(held) if figure in one["result"]]
    assert (action["startTime"], action["endTime"]) == (BEGAN, "2026-02-01T00:00:00.750+00:00")
    assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert "error" not in action
    assert action["description"] == "papermill book.ipynb -p number 1 -p where 'year >= 2024'"
    assert values(action) == given
    (source,) = [one for one in action["object"] if one.type == "CreativeWork"]
    facts = {"@type": "CreativeWork", "name": "data/coding.csv", "sha256": "d" * 64, "encodingFormat": "text/csv"}
    assert dict(source) == {"@id": source.id, **facts}
    book, engine = action["instrument"]
    assert (book.type, book["name"], book["version"]) == ("SoftwareSourceCode", "book.ipynb", "c0ffee")
    assert book["identifier"] == f"sha256:{'5' * 64}"
    assert (engine["name"], engine["softwareVersion"]) == ("papermill", "2.7.0")
    assert {one["name"]: one["softwareVersion"] for one in book["softwareRequirements"]} == VERSIONS
    assert "url" in engine
    data_files = held.get_by_type("File")
    assert len(data_files) == 2 * len(files) + 1  # and the manifest
    for one in data_files:
        path = folder / unquote(one.id)
        assert (one["sha256"], one["contentSize"]) == (sha256(path), str(path.stat().st_size))
        assert one["name"] == path.name
    assert {one.id for one in held.root_dataset["hasPart"]} == {one.id for one in data_files}
    assert figure["encodingFormat"] == "image/svg+xml"


def test_a_batch_that_was_run_is_described(folder):
    source = Path(__file__).parent / "examples" / "notebooks" / "keeps-its-promise.ipynb"
    (done,) = campaign.run(source, [{"number": 7}], folder)
    held = ROCrate(crate.write(folder).parent)
    (action,) = actions(held)
    assert {one.id for one in action["result"]} == {f"{done.run.name}/{name}" for name in ("notebook.ipynb", "number.txt")}
    assert values(action) == {"number": 7}
    assert action["instrument"][0]["name"] == source.name
    assert action["startTime"] < action["endTime"] == held.root_dataset["datePublished"]


def test_the_root_says_what_the_profile_asks_for(folder, described):
    held = described(event("r1"), event("r2", began="2026-03-01T00:00:00.000+00:00"))
    root = held.root_dataset
    assert root["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    assert root["conformsTo"].type == "CreativeWork"
    assert root["mentions"] == actions(held)
    assert root["datePublished"] == "2026-03-01T00:00:02.250+00:00"
    assert root["description"] == "2 runs of book.ipynb, of which 0 failed."
    assert root["license"]["name"] == "No licence is stated"
    context = json.loads((folder / crate.NAME).read_text())["@context"]
    assert context == ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
    assert held.metadata["conformsTo"] == "https://w3id.org/ro/crate/1.1"
    ids = [one["@id"] for one in json.loads((folder / crate.NAME).read_text())["@graph"]]
    assert len(ids) == len(set(ids))


def test_failed_runs_say_why(folder, described):
    outputs = left(folder, "r1", {"notebook.ipynb": "{}"})
    held = described(
        event("r1", outputs, status=FAILED, error="cell 2: ValueError: api_key=abc", commit="", versions={}),
        event("r2", status=BROKEN_PROMISE, missing=("t.csv", "u.csv (empty)")),
        event("r3", status=FAILED),
        event("r4"),
    )
    found = {one["name"].split()[1]: one for one in actions(held)}
    status = {run: one["actionStatus"].rpartition("/")[2] for run, one in found.items()}
    assert status == {**dict.fromkeys(["r1", "r2", "r3"], "FailedActionStatus"), "r4": "CompletedActionStatus"}
    errors = {run: one.get("error") for run, one in found.items()}
    assert errors == {
        "r1": "cell 2: ValueError: api_key=[redacted]",
        "r2": "missing: t.csv, u.csv (empty)",
        "r3": "failed",
        "r4": None,
    }
    assert found["r1"]["result"].id == "r1/notebook.ipynb"
    assert found["r1"]["instrument"]["version"] == "5" * 64  # no commit: the hash of the cells
    assert "result" not in found["r2"]
    assert held.root_dataset["description"] == "4 runs of book.ipynb, of which 3 failed."


def test_only_the_last_end_whose_files_are_there_unchanged_is_described(folder, described):
    outputs = {run: left(folder, run, {"t.csv": run}) for run in ("kept", "edited", "gone", "again")}
    (folder / "edited" / "t.csv").write_text("EDITED")
    (folder / "gone" / "t.csv").unlink()
    old = event("again", {"t.csv": "0" * 64}, status=FAILED, error="earlier")
    ends = [old, *(event(run, files) for run, files in outputs.items())]
    held = described(*ends, Event(STARTED, "kept", "book.ipynb"), Event(STARTED, "new", "book.ipynb"))
    assert {one["result"].id for one in actions(held)} == {"kept/t.csv", "again/t.csv"}
    assert all("error" not in one for one in actions(held))
    told = "2 runs of book.ipynb, of which 0 failed. 2 more stand in the manifest, but their files are gone or were edited."
    assert held.root_dataset["description"] == told
    assert not [one.id for one in held.get_by_type("File") if one.id.startswith(("edited", "gone"))]


def test_runs_in_one_folder_are_described_too(folder, described):
    left(folder, ".", {"tables/t.csv": "a"})
    held = described(event("r1", {"tables/t.csv": sha256(folder / "tables" / "t.csv")}))
    assert actions(held)[0]["result"].id == "tables/t.csv"


def test_an_output_that_another_run_reads_is_one_file(folder, described):
    made = left(folder, "r1", {"t.csv": "a"})
    (folder / "own.txt").write_text("mine")
    name, own = str(folder / "r1" / "t.csv"), str(folder / "own.txt")
    inputs = {name: made["t.csv"], own: sha256(own)}
    held = described(
        event("r2", inputs=inputs, parameters={"table": name}), event("r1", made), event("r3", inputs={own: "0" * 64})
    )
    second, first, third = actions(held)
    assert first["result"] in second["object"]
    assert {one.id for one in second["object"] if one.type == "File"} == {"r1/t.csv", "own.txt"}
    assert (third["object"].type, third["object"]["name"]) == ("CreativeWork", "own.txt")  # it was another file then


def test_an_output_may_have_any_name(folder, described):
    names = [os.fsdecode(b"a\xff.csv"), "new\nline.csv", "x%20y.csv", "ü.csv"]
    held = described(event("r1", left(folder, "r1", dict.fromkeys(names, "a"))))
    (action,) = actions(held)
    assert {one.id for one in action["result"]} == {"r1/a%FF.csv", "r1/new%0Aline.csv", "r1/x%2520y.csv", "r1/%C3%BC.csv"}
    assert {one["name"] for one in action["result"]} == set(names)
    assert {one.id for one in action["result"]} < {one.id for one in held.root_dataset["hasPart"]}


def test_the_same_manifest_gives_the_same_bytes(folder, tmp_path):
    outputs = left(folder, "r1", {"t.csv": "a", "u.csv": "b"})
    given = {"parameters": {"at": str(folder / "x"), "d": {"b": 1, "a": 2}}, "inputs": {"a.csv": "1" * 64}}
    record(folder, event("r1", outputs, **given), event("r2", status=FAILED, error=f"no {folder}/x"))
    first = crate.write(folder).read_bytes()
    assert crate.write(folder).read_bytes() == first
    assert str(tmp_path).encode() not in first
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(folder / manifest.NAME, other)
    shutil.copytree(folder / "r1", other / "r1")
    shutil.rmtree(folder)
    other.rename(folder)
    assert crate.write(folder).read_bytes() == first


def test_neither_secrets_nor_places_of_a_home_are_told(folder, described):
    given = {
        "my_token": "tell-nobody-1",
        "deep": {"password": "tell-nobody-2"},
        "text": "Bearer tell-nobody-3",
        "home": "/home/tell-nobody-4/x and /root/y, not /srv/root/z",
        "project": f"{paths.ROOT}/data/coding.csv",
        "root": str(paths.ROOT),
        "file": "/mnt/tell-nobody-5/real.csv",
        "place": "/mnt/tell-nobody-5/",
        "beside": f"{paths.ROOT}-old/x",
        "separator": "/",
    }
    inputs = {"/mnt/tell-nobody-5/real.csv": "e" * 64, "../tell-nobody-6/y.csv": "f" * 64, "data/coding.csv": "d" * 64}
    error = f"{paths.ROOT}/review/x.py: C:\\Users\\tell-nobody-7\\y, key=0123456789abcdef0123, /Users/tell-nobody-8"
    held = described(event("r1", parameters=given, inputs=inputs, status=FAILED, error=error))
    (action,) = actions(held)
    assert values(action) == {
        "my_token": "[redacted]",
        "deep": '{"password": "[redacted]"}',
        "text": "Bearer [redacted]",
        "home": "~/x and ~/y, not /srv/root/z",
        "project": "./data/coding.csv",
        "root": "./",
        "file": "real.csv",
        "place": "tell-nobody-5",
        "beside": f"{paths.ROOT}-old/x",
        "separator": "/",
    }
    assert action["error"] == "./review/x.py: ~\\y, key=[redacted], ~"
    text = (folder / crate.NAME).read_text().replace('"tell-nobody-5"', "").replace("place tell-nobody-5", "")
    assert "tell-nobody" not in text
    works = {one["name"] for one in action["object"] if one.type == "CreativeWork"}
    assert works == {"real.csv", "y.csv", "data/coding.csv"}


def test_values_stand_as_they_are_or_as_json(described):
    given = {"i": 1, "f": 0.5, "b": True, "t": "1", "none": None, "nan": float("nan"), "l": [1, "ä"], "d": {"b": 1, "a": 2}}
    (action,) = actions(described(event("r1", parameters=given)))
    found = values(action)
    told = {"none": "null", "nan": "NaN", "l": '[1, "ä"]', "d": '{"a": 2, "b": 1}'}
    assert found == {**given, **told}
    assert {name: type(value) for name, value in found.items() if name in "ifbt"} == {"i": int, "f": float, "b": bool, "t": str}


def test_equal_values_are_one_entity_and_others_are_not(described):
    held = described(*(event(f"r{place}", parameters={"x": value}) for place, value in enumerate([1, 1, "1", True, 1.0])))
    assert len(held.get_by_type("PropertyValue")) == 4
    assert [values(one)["x"] for one in actions(held)] == [1, 1, "1", True, 1.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no key here, only a monkey = 12", None),
        ("KeyError: 'modality'", None),
        ("column key=short", None),
        ("sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef differs", None),
        ("sk-abcdefghijklmnop", "[redacted]"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("?key=0123456789abcdef0123&x=1", "?key=[redacted]&x=1"),
        ('{"access-key": "aGVsbG8gd29ybGQhIQ=="}', '{"access-key": "[redacted]"}'),
        ("sig: YWJjZGVmZ2hpamtsbW5vcA%3D", "sig: [redacted]%3D"),
        ("got eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln!", "got [redacted]!"),
        ("AKIAIOSFODNN7EXAMPLE, github_pat_0123456789abcdefgh", "[redacted], [redacted]"),
        ("https://me:word@host/x", "https://[redacted]@host/x"),
    ],
)
def test_what_looks_like_a_secret_is_redacted(text, told):
    assert manifest.redacted(text) == (text if told is None else told)
    assert manifest.redacted(manifest.redacted(text)) == manifest.redacted(text)


def test_without_an_ended_run_there_is_nothing_to_describe(folder):
    with pytest.raises(InputError, match="no run that ended"):
        crate.write(folder)
    record(folder, Event(STARTED, "r1", "book.ipynb"))
    with pytest.raises(InputError, match="no run that ended"):
        crate.write(folder)
    record(folder, event("r1", began="yesterday"))
    with pytest.raises(InputError, match="'yesterday' is no time at which the run r1 began"):
        crate.write(folder)
    assert not (folder / crate.NAME).exists()
