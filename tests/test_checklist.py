"""The reporting checklist: both numberings whole, every named place there, its page made from it."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
import yaml

from review import checklist, cli, paths
from review import checklist_items as items
from review.errors import InputError

SUBITEMS = {"10": "ab", "13": "abcdef", "16": "ab", "20": "abcd", "23": "abcd", "24": "abc"}
PRISMA_2020 = [f"{number}{letter}" for number in range(1, 28) for letter in SUBITEMS.get(str(number), [""])]


@pytest.fixture(scope="module")
def listed():
    return items.load()


def number(listed, guideline, wanted):
    (found,) = [item for item in listed.items if wanted in items.numbers_of(item, guideline)]
    return found


def test_both_numberings_are_whole(listed):
    first = [name for item in listed.items for name in items.numbers_of(item, "prisma_scr")]
    assert first == [str(place) for place in range(1, 23)]
    second = [name for item in listed.items for name in item.prisma_2020]
    assert sorted(second) == sorted(PRISMA_2020)
    assert len(PRISMA_2020) == 42


def test_the_two_optional_items_are_those_on_critical_appraisal(listed):
    assert [(item.prisma_scr, item.item) for item in listed.items if item.optional] == [
        ("12", "Critical appraisal of individual sources of evidence"),
        ("16", "Critical appraisal within sources of evidence"),
    ]


def test_every_file_heading_and_function_exists(listed):
    assert items.unresolved(listed) == []


def test_what_was_not_done_is_said_to_be_not_done(listed):
    for name in ("5", "8", "12", "16", "22"):
        assert number(listed, "prisma_scr", name).status == "not answered"
    for name in ("14", "21", "24a", "26"):
        assert number(listed, "prisma_2020", name).status == "not answered"
    for name in ("1", "7", "9", "19"):
        assert number(listed, "prisma_scr", name).status == "partly"


def test_nothing_is_claimed_about_the_review_itself(listed):
    assert "full text was not read" in listed.scope
    assert "self-assessment" in listed.scope
    assert not [item for item in listed.items if re.search(r"\bRao\b", item.how)]


def test_an_item_that_is_open_names_no_place_as_its_answer(listed):
    for item in listed.items:
        assert bool(item.where) or item.status in ("not answered", "not applicable")
        assert item.status in items.STATUSES


def test_counts_add_up_to_all_items(listed):
    counts = checklist.count_statuses(listed).set_index("status")
    assert (counts["prisma_scr"].sum(), counts["prisma_2020"].sum()) == (22, 42)
    answered = [item for item in listed.items if item.status == "answered"]
    assert counts.loc["answered", "prisma_scr"] == sum(bool(item.prisma_scr) for item in answered)
    assert counts.loc["answered", "prisma_2020"] == sum(len(item.prisma_2020) for item in answered)


def test_the_page_is_the_one_made_from_the_list(listed):
    page = (paths.ROOT / "docs" / "prisma-scr.md").read_bytes()
    assert page == checklist.to_markdown(listed).encode(), "run: review checklist --format md > docs/prisma-scr.md"


def test_the_page_has_one_row_an_item_whatever_its_text(listed):
    odd = replace(listed, items=(replace(listed.items[0], how="a | b"), *listed.items[1:]))
    rows = [line for line in checklist.to_markdown(odd).splitlines() if line.startswith("| ")]
    items_rows = [row for row in rows if re.search(r"\*\*(answered|partly|not answered|not applicable)\*\*", row)]
    assert len(items_rows) == len(listed.items)
    assert r"a \| b" in items_rows[0]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in items_rows} == {8}


def test_the_table_for_a_paper_has_all_items(listed):
    table = checklist.paper_table(listed)
    assert sum(len(group.rows) for group in table.groups) == len(table.frame) == len(listed.items)
    assert table.groups[0].title == "Title"
    assert any("10.7326/M18-0850" in note for note in table.notes)
    assert any("10.1136/bmj.n71" in note for note in table.notes)
    assert round(sum(column.share for column in table.columns), 9) == 1


# --- places


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("README.md#Limits", ""),
        ("notebooks/08-reproduction-report.ipynb#What the statuses mean", ""),
        ("review.statistics.compute_shares", ""),
        ("review.bounds.Model", ""),
        ("review/checklist.py", ""),
        ("data", "there is no such file"),
        ("nowhere.md", "there is no such file"),
        ("nowhere.md#Limits", "there is no such file"),
        ("README.md#No such thing", "there is no heading 'No such thing'"),
        ("notebooks/08-reproduction-report.ipynb#Limits", "there is no heading 'Limits'"),
        ("review.statistics.nothing", "review.statistics has no nothing"),
        ("review.nothing.at_all", "there is no module review.nothing"),
    ],
)
def test_a_place_that_is_not_there_is_found(listed, place, reason):
    one = replace(listed, items=(replace(listed.items[0], where=(place,)),))
    assert items.unresolved(one) == ([f"item 1: {place}: {reason}"] if reason else [])


def test_a_comment_in_code_is_no_heading(tmp_path):
    path = tmp_path / "guide.md"
    path.write_text("# Real #\n\n```sh\n# not one\n```\n\n## Also real\n#neither\n", "utf-8")
    assert items._headings(path) == {"Real", "Also real"}


# --- what can be wrong with the file


def first(data, **values):
    data["items"][0].update(values)


def without(data, name):
    del data["items"][0][name]


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (lambda data: data.pop("scope"), "scope", "it is missing or no text"),
        (lambda data: data.update(numbering=" "), "numbering", "it is missing or no text"),
        (lambda data: data["guidelines"].pop("prisma_2020"), "guidelines.prisma_2020", "it lacks name or citation"),
        (lambda data: data.update(guidelines=["x"]), "guidelines.prisma_scr", "it lacks name or citation"),
        (lambda data: data.update(items=[]), "items", "there are no items"),
        (lambda data: data.update(items=["x"]), "items[0].section", "it is missing or no text"),
        (lambda data: first(data, prisma_scr=1), "items[0].prisma_scr", "it is missing or no text"),
        (lambda data: without(data, "item"), "items[0].item", "it is missing or no text"),
        (lambda data: without(data, "how"), "items[0].how", "it is missing or no text"),
        (lambda data: first(data, colour="red"), "items[0].colour", "it is not known here"),
        (lambda data: first(data, status="done"), "items[0].status", "'done' is no status"),
        (lambda data: first(data, prisma_2020="1"), "items[0].prisma_2020", "it is no list of texts"),
        (lambda data: first(data, prisma_2020=[1]), "items[0].prisma_2020", "it is no list of texts"),
        (lambda data: first(data, prisma_2020=["2"]), "prisma_2020 2", "the number stands twice"),
        (lambda data: first(data, prisma_scr="2"), "prisma_scr 2", "the number stands twice"),
        (lambda data: first(data, where=[]), "items[0].where", "nothing is named for the status 'partly'"),
        (lambda data: first(data, optional="yes"), "items[0].optional", "'yes' is neither true nor false"),
    ],
)
def test_a_broken_list_is_refused_with_its_place(tmp_path, change, key, message):
    data = yaml.safe_load(items.SOURCE.read_text("utf-8"))
    change(data)
    path = tmp_path / "list.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    with pytest.raises(InputError) as caught:
        items.load(path)
    assert (key, message) in [(problem.key, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize("text", ["a: [", "- x\n", "a: &b 1\nc: *b\n"])
def test_what_is_no_plain_yaml_of_this_form_is_refused(tmp_path, text):
    path = tmp_path / "list.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"list\.yaml"):
        items.load(path)


def test_an_item_without_any_number_is_refused(tmp_path):
    data = yaml.safe_load(items.SOURCE.read_text("utf-8"))
    data["items"][13]["prisma_2020"] = []
    path = tmp_path / "list.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    with pytest.raises(InputError, match="it has no number in either guideline"):
        items.load(path)


# --- command


def test_every_format_prints_all_items(listed, capsys):
    assert cli.main(["checklist"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == len(listed.items) + 1
    assert said.err.startswith("items of PRISMA-ScR/PRISMA 2020: answered ")
    assert cli.main(["checklist", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [list(row) for row in rows] == [list(items.COLUMNS)] * len(listed.items)
    assert cli.main(["checklist", "--format", "csv"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["prisma_2020"] for line in lines] == [row["prisma_2020"] for row in rows]
    assert cli.main(["checklist", "--format", "md"]) == 0
    assert capsys.readouterr().out == checklist.to_markdown(listed)


def test_a_corpus_has_no_checklist(capsys):
    assert cli.main(["checklist", "--corpus", "somewhere"]) == 1
    assert "leave out --corpus" in capsys.readouterr().err


def test_a_lost_place_fails_the_command(listed, capsys, monkeypatch):
    broken = replace(listed, items=(replace(listed.items[0], where=("lost.md",)), *listed.items[1:]))
    monkeypatch.setattr(checklist, "load", lambda: broken)
    assert cli.main(["checklist"]) == 1
    assert "item 1: lost.md: there is no such file" in capsys.readouterr().err
