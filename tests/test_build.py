"""The committed data are what the evidence gives, byte for byte, and pass an independent validator."""

import importlib.util
import json
import subprocess
import sys
from collections import Counter

import pytest

from review import corpus, paths
from review.contracts import read_table

BUILD = paths.DATA / "build"
BUILT = ("bibliography.bib", "coding.csv", "screening.csv", "selection.csv", "published.csv", "flow.csv", "datapackage.json")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("build_data", BUILD / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = tmp_path_factory.mktemp("data")
    return target, module.build(target)


@pytest.mark.parametrize("name", BUILT)
def test_committed_file_is_rebuilt_byte_for_byte(built, name):
    target, _ = built
    assert (target / name).read_bytes() == (paths.DATA / name).read_bytes()


def test_every_pool_study_is_accounted_for(built):
    _, decisions = built
    pool = {row["key"] for row in json.loads((BUILD / "evidence" / "pool.json").read_text("utf-8"))}
    excluded = {row["key"] for row in json.loads((BUILD / "evidence" / "excluded.json").read_text("utf-8"))}
    screening = read_table(paths.DATA / "screening.csv")
    assert sum(decisions.values()) == len(pool) == 191
    assert set(screening["key"]) == pool | excluded
    assert len(screening) == 337
    in_bibliography = {reference.key for reference in corpus.load().references}
    kept = screening[(screening["stage"] == "verification") & (screening["decision"] != "excluded")]
    assert in_bibliography == set(kept["key"])


def test_spellings_of_one_generator_are_one_thing():
    mapped = {}
    for line in (BUILD / "mapping.csv").read_text("utf-8").splitlines():
        dimension, raw, *rest = line.split(",")
        if dimension == "generator":
            mapped[raw] = rest[0]
    assert {mapped[name] for name in ("ChatGPT", "GPT-3.5-turbo", "GPT-3.5", "gpt-3.5-turbo", "GPT-3.5 Turbo")} == {"gpt-3.5"}


def test_evidence_is_a_clause_and_no_abstract():
    """Evidence is a clause in our own words: no field is as long as an abstract."""
    coding = corpus.load().coding
    assert coding["evidence"].str.len().max() < 400


def test_identities_of_verified_studies_are_complete_and_in_the_window():
    frame = corpus.load().studies("pool")
    assert (frame[["title", "authors", "venue", "first_public"]] != "").all(axis=None)
    assert frame["year"].notna().all()
    assert frame["first_public"].str.match(r"^20\d\d(-\d\d)?$").all()
    assert (frame["first_public"] >= "2020").all()
    assert (frame["first_public"] <= "2025-06").all()
    for column in ("doi", "arxiv", "pmid"):
        values = frame.loc[frame[column] != "", column].str.lower()
        assert values.is_unique
    assert frame.loc[frame["doi"] != "", "doi"].str.match(r"^10\.\d{4,9}/\S+$").all()
    assert frame.loc[frame["arxiv"] != "", "arxiv"].str.match(r"^\d{4}\.\d{4,5}$").all()


def test_unverified_studies_have_a_reason_from_a_closed_list():
    screening = corpus.load().screening
    rows = screening[screening["decision"] == "unverified"]
    known = {
        "identity-incomplete",
        "date-not-shown",
        "generation-not-shown",
        "method-not-shown",
        "modality-not-shown",
        "domain-not-shown",
    }
    assert set(rows["reason"]) <= known
    assert Counter(screening["decision"]) == {"excluded": 148, "verified": 155, "unverified": 34}


def test_independent_validator_accepts_the_package():
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "frictionless", "validate", "--json", str(paths.DATA / "datapackage.json")],
        capture_output=True,
        text=True,
        check=False,
        cwd=paths.DATA,
    )
    report = json.loads(run.stdout)
    assert run.returncode == 0
    assert report["valid"] is True
    assert report["stats"]["tasks"] == 7


def test_datapackage_describes_every_table_and_column():
    package = json.loads((paths.DATA / "datapackage.json").read_text("utf-8"))
    described = {resource["path"]: resource for resource in package["resources"]}
    for path in paths.DATA.glob("*.csv"):
        header = path.read_text("utf-8").splitlines()[0].split(",")
        assert [field["name"] for field in described[path.name]["schema"]["fields"]] == header
        assert all(field["description"] for field in described[path.name]["schema"]["fields"])
    assert package["$schema"].startswith("https://datapackage.org/profiles/2.")
