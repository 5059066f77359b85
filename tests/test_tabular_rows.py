"""A row is judged by schema, range and what was there before, in this order."""

import pandas as pd
import pytest

from review.generators import tabular_rows
from review.generators.tables import Column, Table
from review.generators.tabular_rows import DUPLICATE, RANGE, REASONS, SCHEMA, SHOWN, TRAIN, Judge

COLUMNS = (Column("kind", "class", levels=("a", "b")), Column("size", "number", "cm", 1), Column("count", "number"))
FRAME = pd.DataFrame({"kind": ["a", "b", "a"], "size": [1.5, 3.0, 2.0], "count": [4, 9, 5]})
TABLE = Table("t", "T", COLUMNS, "kind", FRAME, "", "")
NEW = {"kind": "a", "size": 2.5, "count": 6}


@pytest.fixture
def judge():
    return Judge(TABLE, FRAME)


def test_a_new_row_within_the_ranges_is_kept_with_its_decimals(judge):
    assert judge.judge({"count": 6.0, "kind": "a", "size": 2.449}) == ("", "", {"kind": "a", "size": 2.4, "count": 6})


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ({"kind": "a", "size": 2.5}, "'count' is a required property"),
        ({**NEW, "more": 1}, "'more' was unexpected"),
        ({**NEW, "kind": "c"}, "kind: 'c' is not one of"),
        ({**NEW, "kind": 1}, "kind: "),
        ({**NEW, "size": "2.5"}, "size: '2.5' is not of type 'number'"),
        ({**NEW, "size": True}, "size: True is not of type 'number'"),
        ({**NEW, "count": 6.5}, "count: 6.5 is not of type 'integer'"),
        ({**NEW, "size": None}, "size: None is not of type"),
        ([1, 2], "is not of type 'object'"),
        ({**NEW, "size": 99, "kind": "c"}, "kind: "),
    ],
)
def test_what_does_not_meet_the_schema_says_where(judge, row, detail):
    reason, found, _ = judge.judge(row)
    assert reason == SCHEMA
    assert detail in found


@pytest.mark.parametrize(("name", "value"), [("size", 1.4), ("size", 3.1), ("count", 3), ("count", 10), ("size", float("inf"))])
def test_a_number_outside_the_range_says_the_range(judge, name, value):
    reason, detail, kept = judge.judge({**NEW, name: value})
    low, high = {"size": (1.5, 3.0), "count": (4, 9)}[name]
    assert (reason, detail) == (RANGE, f"{name}: {value} is not from {low} to {high}")
    assert (name in kept) == (value != float("inf"))


def test_copies_and_duplicates_are_told_apart(judge):
    real = TABLE.rows(FRAME)
    assert judge.judge(real[0], shown=[real[0]])[0] == SHOWN
    assert judge.judge(real[1], shown=[real[0]])[0] == TRAIN
    assert judge.judge({**real[1], "size": 3})[0] == TRAIN
    assert judge.judge(NEW)[0] == ""
    assert judge.judge({**NEW, "size": 2.6})[0] == ""
    reason, detail, kept = judge.judge({"size": 2.6, "count": 6, "kind": "a"})
    assert (reason, kept) == (DUPLICATE, {**NEW, "size": 2.6})
    assert "row 1 of this run" in detail


def test_a_rejected_row_is_not_remembered(judge):
    assert judge.judge({**NEW, "size": 99})[0] == RANGE
    assert judge.judge({**NEW, "size": 2.54})[0] == ""
    assert judge.judge({**NEW, "size": 2.5})[0] == DUPLICATE


def test_reasons_stand_in_the_order_of_judgement():
    assert list(REASONS) == [SCHEMA, RANGE, SHOWN, TRAIN, DUPLICATE]


def test_only_what_can_be_written_is_kept_of_a_bad_row():
    row = {"a": 1, "b": float("nan"), "c": [1], "d": "x", "e": "\ud800", "\ud800": 1, "f": None, "g": True, 5: 2.5}
    assert tabular_rows.readable(row) == {"a": 1, "d": "x", "g": True, "5": 2.5}
    assert tabular_rows.readable("text") == {}
    assert tabular_rows.shortened("x" * 300) == "x" * 199 + "…"
    assert tabular_rows.shortened("\ud800") == "\\ud800"
    assert tabular_rows.shortened("Ä") == "Ä"
