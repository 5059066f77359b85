"""Rows and courses of a small network: constrained, judged, measured, and the same for the same seed."""

import dataclasses
import math

import pytest

from review import generators
from review.errors import OptionError
from review.generators import tables, tabular_courses, visits
from review.generators.visits import Course, Visit

QUICK = {"steps": 12, "width": 16, "layers": 1}


@pytest.fixture(scope="module")
def rows():
    return generators.generate("tabular", "specialized", 24, 3, **QUICK)


@pytest.fixture(scope="module")
def learnt():
    return generators.generate("tabular", "specialized", 60, 3, steps=150)


@pytest.fixture(scope="module")
def courses():
    return generators.generate("tabular", "specialized", 40, 3, data="visits", courses=1000, steps=120)


def test_rows_have_the_columns_and_lie_in_range(rows):
    table = tables.load("breast-cancer")
    train, _ = table.split(3)
    assert len(rows.records) == 24
    for record in rows.accepted:
        assert list(record.content) == [column.name for column in table.columns]
        for column in table.numbers:
            assert train[column.name].min() <= record.content[column.name] <= train[column.name].max()
    assert len(rows.accepted) >= 20
    assert {record.reason for record in rows.records} <= {"", "copy-train", "duplicate"}
    assert rows.configuration["learnt"] == len(train)
    assert "Wolberg" in rows.configuration["source"]


def test_the_same_seed_gives_the_same_bytes_whatever_the_number(rows):
    again = generators.generate("tabular", "specialized", 9, 3, **QUICK)
    assert [dataclasses.asdict(record) for record in again.records] == [dataclasses.asdict(record) for record in rows.records[:9]]
    assert again.recipe == rows.recipe
    assert again.model["sha256"] == rows.model["sha256"]
    other = generators.generate("tabular", "specialized", 2, 4, **QUICK)
    assert other.model["sha256"] != rows.model["sha256"]


def test_a_condition_holds_for_every_row_and_the_rows_it_is_compared_with():
    made = generators.generate("tabular", "specialized", 12, 3, condition="malignant", **QUICK)
    assert {record.content["diagnosis"] for record in made.records} == {"malignant"}
    fidelity = made.measure("fidelity").set_index("measure")
    assert fidelity.loc["diagnosis", ["synthetic", "high"]].tolist() == [0, 0]
    assert made.measure("copying")["count"].tolist() == [12, 64]
    with pytest.raises(OptionError, match="diagnosis is never 'odd'"):
        generators.generate("tabular", "specialized", 1, 3, condition="odd", **QUICK)


def test_without_the_constraint_malformed_rows_are_counted():
    options = {**QUICK, "steps": 3}
    made = generators.generate("tabular", "specialized", 20, 3, constrained=False, **options)
    reasons = [record.reason for record in made.records]
    assert reasons.count("malformed") >= 15
    validity = made.measure("validity").set_index("series")["count"]
    assert validity["constrained"] == 20
    assert validity["unconstrained"] == 20 - reasons.count("malformed")
    assert made.records[reasons.index("malformed")].content == {}


def test_training_lowers_the_loss_of_rows_held_out(learnt):
    training = learnt.measure("training")
    held = training[training["series"] == "rows held out"]
    assert held["step"].tolist() == [25, 50, 75, 100, 125, 150]
    assert held["loss"].iloc[-1] < 0.75 * held["loss"].iloc[0]
    bins = learnt.configuration["bins"]
    assert held["loss"].iloc[-1] < (7 * math.log(bins) + math.log(2)) / 8  # better than guessing within each column
    fidelity = learnt.measure("fidelity").set_index("measure")
    assert fidelity.loc["mean of the columns", "synthetic"] < 2 * fidelity.loc["mean of the columns", "high"]
    assert fidelity.loc["correlations", "synthetic"] < 0.3


def test_the_other_table_and_all_columns_run():
    made = generators.generate("tabular", "specialized", 6, 3, table="diabetes", columns="all", condition="2", **QUICK)
    assert all(len(record.content) == 11 for record in made.records)
    assert {record.content["sex"] for record in made.records} == {"2"}


def test_courses_are_read_and_impossible_steps_counted(courses):
    assert len(courses.records) == 40
    reasons = [record.reason for record in courses.records]
    assert set(reasons) <= {"", "impossible"}
    for record in courses.records:
        course, fault = visits.read(record.raw.split(", "))
        assert fault == ""
        assert record.content == course.plain()
        assert (record.reason == "") == (visits.impossible(course) == "") == (record.detail == "")
    assert courses.configuration["source"].startswith("simulated, no patients")


def test_the_simulator_is_the_bound_of_the_likelihood(courses):
    nats = courses.measure("likelihood").set_index("name")["nats"]
    assert 0 < nats["difference"] < 0.25
    assert nats["model"] - nats["simulator"] == pytest.approx(nats["difference"], abs=1e-3)
    training = courses.measure("training")
    assert training["loss"].iloc[-1] == nats["model"]


def test_most_learnt_shares_are_near_the_known_ones(courses):
    table = courses.measure("transitions")
    assert len(table) <= len(visits.known())
    large = table[table["total"] >= 50]
    assert (large["generated"] - large["known"]).abs().max() < 0.25
    again = courses.measure("within")
    assert set(again["series"]) == {tabular_courses.LEARNT, tabular_courses.SIMULATED}
    own = again[again["series"] == tabular_courses.SIMULATED]
    assert own["count"].sum() / own["total"].sum() > 0.85


def test_an_age_group_can_be_asked_for_and_an_unknown_one_not():
    options = {"data": "visits", "courses": 50, **QUICK}
    made = generators.generate("tabular", "specialized", 4, 3, condition="older", **options)
    assert {record.content["group"] for record in made.records} == {"older"}
    assert "age group" not in set(made.measure("transitions")["table"])
    with pytest.raises(OptionError, match="no age group 'old' -> choose of: younger, older"):
        generators.generate("tabular", "specialized", 4, 3, condition="old", **options)


def test_without_the_constraint_malformed_and_unfinished_courses_are_counted():
    options = {"data": "visits", "courses": 50, **QUICK, "steps": 2}
    made = generators.generate("tabular", "specialized", 30, 3, constrained=False, **options)
    assert {"malformed", "unfinished"} <= {record.reason for record in made.records}
    record = next(record for record in made.records if record.reason == "unfinished")
    assert len(record.content["words"]) == visits.LONGEST
    assert record.detail


def test_shares_are_compared_with_what_chance_explains():
    """By hand: 20 visits of one kind; with probability 0.88, 14 to 20 of them are explained by chance."""
    visit = Visit("first visit", "mild", "clinic", ())
    made = [Course("older", (visit,))] * 20
    [row] = [
        row for row in tabular_courses.transitions(made, made[:2]) if (row["table"], row["word"]) == ("kind of visit", "clinic")
    ]
    assert (row["generated"], row["count"], row["total"], row["inside"]) == (1.0, 20, 20, True)
    assert (row["low"], row["high"]) == (0.7, 1.0)
    assert row["simulated"] == 1
    [row] = [row for row in tabular_courses.transitions(made, made[:2]) if (row["table"], row["given"]) == ("end", "mild")]
    assert (row["generated"], row["inside"], row["known"]) == (1.0, False, 0.12)
    [row] = [row for row in tabular_courses.transitions(made, []) if (row["table"], row["given"]) == ("end", "mild")]
    assert row["simulated"] is None
    assert tabular_courses.transitions([], made) == ()
    assert tabular_courses.within([row]) == ()


def test_simulated_courses_are_explained_by_chance_themselves():
    made, again = visits.simulate(400, 1), visits.simulate(400, 2)
    rows = tabular_courses.transitions(made, again)
    assert len(rows) == len(visits.known())
    assert sum(row["inside"] for row in rows) / len(rows) >= 0.88
    assert sum(row["simulated_inside"] for row in rows) / len(rows) >= 0.88
    table = {(row["name"], row["series"]): row for row in tabular_courses.within(rows)}
    assert table["next stage", "generated"]["total"] == 9
    model, simulator, difference = tabular_courses.likelihoods(1.5, made)
    assert difference["nats"] == pytest.approx(model["nats"] - simulator["nats"], abs=2e-4)
    words = sum(len(course.words()) - 1 for course in made)
    assert simulator["nats"] == pytest.approx(-sum(map(visits.log_probability, made)) / words, abs=1e-4)


def test_equal_courses_are_counted_beside_those_held_out():
    made = visits.simulate(30, 1)
    rows = tabular_courses.copies(made[:10], made[10:20], made[:5])
    assert (rows[0]["count"], rows[0]["total"]) == (5, 5)
    assert rows[1]["count"] == sum(course in set(made[:10]) for course in made[10:20])
    assert len(tabular_courses.copies(made, made, [])) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data": "texts"}, "the option data is 'texts' -> choose one of: table, visits"),
        ({"table": "iris"}, "the option table"),
        ({"columns": "none"}, "the option columns"),
        ({"bins": 1}, "the option bins is 1 -> choose 2 or more"),
        ({"courses": 3}, "choose 10 or more"),
        ({"steps": -1}, "choose 0 or more"),
        ({"width": 18}, "choose a multiple of 4"),
        ({"temperature": -1.0}, "the option temperature is -1.0"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(OptionError, match=words):
        generators.generate("tabular", "specialized", 1, **options)


def test_progress_is_told():
    seen = []
    generators.generate("tabular", "specialized", 2, 3, progress=lambda *step: seen.append(step), **{**QUICK, "steps": 2})
    assert seen == [("fit", 1, 2), ("fit", 2, 2), ("sample", 1, 2), ("sample", 2, 2)]
