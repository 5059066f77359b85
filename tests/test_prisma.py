"""The screening flow: every box is the one before it less what left."""

import csv
import itertools
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review import corpus, errors, paths, prisma

CODEBOOK = """
review: {title: Small, citation: Nobody 2026}
dimensions:
  modality:
    title: Modality
    kind: single
    definition: what
    categories:
      text: {title: T, definition: d, include: i, exclude: e}
"""
ENTRY = "@article{{{key},\n  title = {{{key}}},\n  author = {{Doe, Jane}},\n  journal = {{J}},\n  year = {{2024}},\n}}\n"
SCREENING = "key,stage,decision,reason,note,verified_on,seen,source,title,year,doi,arxiv,pmid"
REASONS = {"excluded": ("not-a-study", "off-topic"), "unverified": ("identity-incomplete",), "verified": ("",)}


def build(
    folder: Path, records: list[tuple[str, str, str]], selections: dict[str, list[str]] | None = None, flow: str = ""
) -> corpus.Corpus:
    """A corpus of records ``stage, decision, reason`` with the keys r0, r1 and so on, every study coded as text."""
    keys = [f"r{index}" for index in range(len(records))]
    studies = [key for key, (_, decision, _) in zip(keys, records, strict=True) if decision != "excluded"]
    rows = [
        f"{key},{stage},{decision},{reason},,{'2026-01-01' if decision == 'verified' else ''},,,{key},2024,,,"
        for key, (stage, decision, reason) in zip(keys, records, strict=True)
    ]
    coding = [f"{key},modality,consensus,text,,,," for key in studies]
    files = {
        paths.BIBLIOGRAPHY: "\n".join(ENTRY.format(key=key) for key in studies),
        paths.CODEBOOK: CODEBOOK,
        paths.CODING: "\n".join(["key,dimension,coder,value,confidence,evidence,source,scope", *coding, ""]),
    }
    if records:
        files[paths.SCREENING] = "\n".join([SCREENING, *rows, ""])
    if selections:
        chosen = [f"{name},{key},listed" for name, members in selections.items() for key in members]
        files[paths.SELECTION] = "\n".join(["selection,key,basis", *chosen, ""])
    if flow:
        files[paths.FLOW] = "step,count,note\n" + flow
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return corpus.load(folder)


def boxes(table: pd.DataFrame) -> list[tuple[str, int, str]]:
    """First line of each label, count and kind."""
    return [
        (label.split("\n")[0], count, kind)
        for label, count, kind in zip(table["label"], table["count"], table["kind"], strict=True)
    ]


RECORDS = [
    ("screening", "excluded", "off-topic"),
    ("screening", "excluded", "not-a-study"),
    ("screening", "excluded", "not-a-study"),
    ("verification", "excluded", "off-topic"),
    ("verification", "unverified", "identity-incomplete"),
    ("verification", "unverified", "identity-incomplete"),
    ("verification", "verified", ""),
    ("verification", "verified", ""),
    ("verification", "verified", ""),
]
SCREENED = [
    ("Records screened", 9, "box"),
    ("Excluded", 3, "out"),
    ("Studies judged eligible, looked up again", 6, "box"),
    ("Excluded", 1, "out"),
]


@pytest.fixture(scope="module")
def real() -> corpus.Corpus:
    return corpus.load()


@pytest.fixture(scope="module")
def decided() -> Counter[tuple[str, str]]:
    """Records of the committed screening table by stage and decision, counted without the package."""
    with (paths.DATA / paths.SCREENING).open(encoding="utf-8", newline="") as file:
        return Counter((row["stage"], row["decision"]) for row in csv.DictReader(file))


def test_flow_of_the_committed_corpus(real, decided):
    excluded, unverified, verified = (decided["verification", name] for name in ("excluded", "unverified", "verified"))
    assert (404 - 67, 337 - 146, 191 - excluded - unverified) == (337, 191, verified)
    assert boxes(prisma.compute_flow(real)) == [
        ("Records found by 356 queries", 404, "box"),
        ("Duplicates removed", 67, "out"),
        ("Records screened", 337, "box"),
        ("Excluded", 146, "out"),
        ("Studies judged eligible, looked up again", 191, "box"),
        ("Excluded", excluded, "out"),
        ("Could not be verified", unverified, "out"),
        ("Verified studies", verified, "box"),
        ("Not chosen", verified - 59, "out"),
        ("Selection v2, chosen to meet the published counts", 59, "box"),
    ]


def test_stages_follow_one_another(real):
    stages = [stage for stage, _ in itertools.groupby(prisma.compute_flow(real)["stage"])]
    assert stages == ["identification", "screening", "eligibility", "selection"]


@pytest.mark.parametrize("name", ["v1", "v2", "pool", "all", "default"])
def test_flow_ends_with_the_selection(real, name):
    table = prisma.compute_flow(real, name)
    assert table["kind"].iloc[-1] == "box"
    assert table["count"].iloc[-1] == len(real.selections[real.resolve(name)])


def test_pool_ends_with_the_verified_studies(real, decided):
    assert boxes(prisma.compute_flow(real, "pool"))[-1] == ("Verified studies", decided["verification", "verified"], "box")


def test_all_ends_with_the_bibliography(real, decided):
    excluded, verified = decided["verification", "excluded"], decided["verification", "verified"]
    last = boxes(prisma.compute_flow(real, "all"))[-2:]
    label = f"Studies of the bibliography, {verified} of them verified"
    assert last == [("Excluded", excluded, "out"), (label, 191 - excluded, "box")]


@pytest.mark.parametrize(("stage", "decision", "row"), [("screening", "excluded", 3), ("verification", "excluded", 5)])
def test_reasons_in_a_label_sum_to_its_count(real, stage, decision, row):
    table = prisma.compute_flow(real)
    reasons = [line.rsplit(": ", 1) for line in table["label"][row].split("\n")[1:]]
    assert sum(int(count) for _, count in reasons) == table["count"][row]
    rows = prisma.compute_reasons(real).query("stage == @stage and decision == @decision")
    expected = [[reason.replace("-", " "), str(count)] for reason, count in zip(rows["reason"], rows["count"], strict=True)]
    assert reasons == expected


def test_reasons_sum_to_what_left(real, decided):
    table = prisma.compute_reasons(real)
    sums = table.groupby(["stage", "decision"])["count"].sum().to_dict()
    assert sums == {pair: count for pair, count in decided.items() if pair[1] != "verified"}


def test_reasons_the_most_frequent_first(tmp_path):
    table = prisma.compute_reasons(build(tmp_path, RECORDS))
    assert table.to_numpy().tolist() == [
        ["screening", "excluded", "not-a-study", 2],
        ["screening", "excluded", "off-topic", 1],
        ["verification", "excluded", "off-topic", 1],
        ["verification", "unverified", "identity-incomplete", 2],
    ]


def test_reasons_of_equal_frequency_stand_in_alphabetical_order(tmp_path):
    small = build(tmp_path, [RECORDS[0], RECORDS[1], RECORDS[6]])
    assert prisma.compute_flow(small, "pool")["label"][1] == "Excluded\nnot a study: 1\noff topic: 1"


def test_a_corpus_in_which_nothing_was_excluded(tmp_path):
    small = build(tmp_path, RECORDS[6:])
    assert prisma.compute_reasons(small).empty
    assert [count for _, count, _ in boxes(prisma.compute_flow(small, "pool"))] == [3, 0, 3, 0, 0, 3]


def test_a_corpus_in_which_nothing_was_verified(tmp_path):
    small = build(tmp_path, RECORDS[:6])
    assert [count for _, count, _ in boxes(prisma.compute_flow(small, "pool"))] == [6, 3, 3, 1, 2, 0]


def test_without_screening_the_flow_starts_with_the_bibliography(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    build(folder, RECORDS[6:])
    (folder / paths.SCREENING).unlink()
    loaded = corpus.load(folder)
    table = prisma.compute_flow(loaded, "all")
    assert table[["count", "kind"]].to_numpy().tolist() == [[len(loaded.references), "box"]]
    assert "not told" in table["label"].iloc[0]
    assert prisma.compute_reasons(loaded).empty
    assert prisma.compute_flow(loaded, "pool").equals(table)


def test_a_list_without_screening(tmp_path):
    build(tmp_path, RECORDS[6:], {"authors": ["r0", "r2"]})
    (tmp_path / paths.SCREENING).unlink()
    assert boxes(prisma.compute_flow(corpus.load(tmp_path), "authors"))[1:] == [
        ("Not listed by the authors", 1, "out"),
        ("Selection authors, listed by the authors", 2, "box"),
    ]


def test_unknown_selection(tmp_path):
    with pytest.raises(errors.UnknownNameError, match="no selection named 'v9'"):
        prisma.compute_flow(build(tmp_path, RECORDS), "v9")


def test_default_of_a_corpus_without_selections_is_the_bibliography(tmp_path):
    table = prisma.compute_flow(build(tmp_path, RECORDS))
    assert boxes(table) == [*SCREENED, ("Studies of the bibliography, 3 of them verified", 5, "box")]


def test_identification_without_queries(tmp_path):
    small = build(tmp_path, RECORDS, flow="records found,12,\nduplicates removed,3,\n")
    assert boxes(prisma.compute_flow(small, "pool"))[:3] == [
        ("Records found", 12, "box"),
        ("Duplicates removed", 3, "out"),
        ("Records screened", 9, "box"),
    ]


def test_a_list_of_all_verified_studies(tmp_path):
    small = build(tmp_path, RECORDS, {"authors": ["r6", "r7", "r8"]})
    assert boxes(prisma.compute_flow(small, "authors")) == [
        *SCREENED,
        ("Could not be verified", 2, "out"),
        ("Verified studies", 3, "box"),
        ("Selection authors, listed by the authors", 3, "box"),
    ]


def test_a_list_of_some_verified_studies(tmp_path):
    small = build(tmp_path, RECORDS, {"authors": ["r6", "r8"]})
    assert boxes(prisma.compute_flow(small, "authors"))[-3:] == [
        ("Verified studies", 3, "box"),
        ("Not listed by the authors", 1, "out"),
        ("Selection authors, listed by the authors", 2, "box"),
    ]


def test_a_list_with_a_study_that_could_not_be_verified(tmp_path):
    small = build(tmp_path, RECORDS, {"authors": ["r4", "r6", "r8"]})
    table = prisma.compute_flow(small, "authors")
    assert boxes(table)[-4:] == [
        ("Could not be verified", 1, "out"),
        ("Verified studies, and 1 listed but not verified", 4, "box"),
        ("Not listed by the authors", 1, "out"),
        ("Selection authors, listed by the authors", 3, "box"),
    ]
    assert table["label"].iloc[-4] == "Could not be verified\nidentity incomplete: 1"


def test_a_record_may_end_at_screening_without_being_excluded(tmp_path):
    """A review that checks identity while it screens has no second stage."""
    records = [("screening", "excluded", "off-topic"), ("screening", "unverified", "no-page"), ("screening", "verified", "")]
    table = prisma.compute_flow(build(tmp_path, records), "pool")
    assert [count for _, count, _ in boxes(table)] == [3, 1, 2, 0, 1, 1]
    assert table["label"].iloc[-2] == "Could not be verified\nno page: 1"


record = st.tuples(st.sampled_from(["screening", "verification"]), st.sampled_from(sorted(REASONS))).flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), st.sampled_from(REASONS[pair[1]]))
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(record, max_size=12), st.data())
def test_every_flow_adds_up(tmp_path_factory, records, data):
    records = [*records, ("verification", "unverified", "identity-incomplete")]  # one study there must be
    studies = [f"r{index}" for index, (_, decision, _) in enumerate(records) if decision != "excluded"]
    listed = data.draw(st.lists(st.sampled_from(studies), min_size=1, unique=True))
    small = build(tmp_path_factory.mktemp("corpus"), records, {"authors": listed})
    for name in ("authors", "pool", "all"):
        table = prisma.compute_flow(small, name)
        left = table["count"].iloc[0]
        assert left == len(records)
        for label, count, kind in boxes(table)[1:]:
            assert count >= 0
            left = left - count if kind == "out" else left
            assert kind == "out" or count == left, label
        assert left == len(small.selections[name])


def flow(*rows: tuple[str, int, str]) -> pd.DataFrame:
    return pd.DataFrame([("stage", *row) for row in rows], columns=["stage", "label", "count", "kind"])


def test_reconcile_accepts_what_adds_up():
    prisma.reconcile(flow(("Found", 10, "box"), ("A", 3, "out"), ("B", 2, "out"), ("Left", 5, "box"), ("Kept", 5, "box")))
    prisma.reconcile(flow(("Before any box", 3, "out"), ("Found", 10, "box")))
    prisma.reconcile(flow())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("Found", 10, "box"), ("A", 3, "out"), ("Left", 8, "box")], "'Left': 7 are left, 8 are given"),
        ([("Found", 10, "box"), ("A", 3, "out"), ("Left", 6, "box")], "'Left': 7 are left, 6 are given"),
        ([("Found", 10, "box"), ("Left", 9, "box")], "'Left': 10 are left, 9 are given"),
        (
            [("Found", 10, "box"), ("A", 1, "out"), ("B", 9, "box"), ("C", 1, "out"), ("D", 9, "box"), ("E", 1, "box")],
            "'D': 8 are left, 9 are given",
        ),
    ],
)
def test_reconcile_names_the_first_box_that_does_not_add_up(rows, message):
    with pytest.raises(errors.ReviewError, match=f"the flow does not add up at {message}"):
        prisma.reconcile(flow(*rows))


def test_flow_is_reconciled(tmp_path, monkeypatch):
    small = build(tmp_path, RECORDS)
    monkeypatch.setattr(prisma, "_identification", lambda _: [("identification", "Records found", 4, "box")])
    with pytest.raises(errors.ReviewError, match="the flow does not add up at 'Records screened': 4 are left, 9 are given"):
        prisma.compute_flow(small, "pool")
