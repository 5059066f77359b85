"""The grammar allows exactly the numbers of a range and exactly the rows of a schema."""

import json
import re

import pandas as pd
import pytest

from review.generators import tables
from review.generators import tabular_grammar as grammar
from review.generators.tables import Column, Table
from review.generators.tabular_rows import Judge


def expression(alternatives):
    """Turn the GBNF of a number into a regular expression."""
    parts = ["".join(re.escape(part.strip('"')) if part[0] == '"' else part for part in one.split(" ")) for one in alternatives]
    return re.compile("|".join(parts))


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [
        (0, 0, 0),
        (0, 9, 0),
        (7, 7, 2),
        (0, 427, 3),
        (53, 145, 3),
        (769, 2742, 2),
        (170, 2501, 0),
        (99, 100, 1),
        (999, 1000, 0),
        (5, 1234, 1),
        (100, 199, 2),
        (19, 91, 0),
        (190, 910, 1),
        (1, 1000, 2),
    ],
)
def test_exactly_the_numbers_of_the_range_can_be_written(low, high, decimals):
    pattern = expression(grammar.number(low, high, decimals))
    for value in range(2 * high + 20):
        text = f"{value / 10**decimals:.{decimals}f}"
        assert bool(pattern.fullmatch(text)) == (low <= value <= high), text
    for odd in ("", "-1", "+1", "01", "1e2", " 1", f"{high / 10**decimals:.{decimals + 1}f}"):
        assert not pattern.fullmatch(odd)


def test_no_number_is_written_in_two_ways():
    for one in (grammar.number(5, 1234, 1), grammar.number(170, 2501, 0)):
        singles = [expression([alternative]) for alternative in one]
        for value in range(1300):
            assert sum(bool(single.fullmatch(f"{value / 10:.1f}")) for single in singles) <= 1


@pytest.mark.parametrize(("low", "high"), [(-1, 4), (5, 4)])
def test_impossible_bounds_are_refused(low, high):
    with pytest.raises(ValueError, match="no numbers from"):
        grammar.number(low, high, 0)


def test_a_row_by_hand():
    columns = (Column('the "kind"', "class", levels=("a", 'b"')), Column("size", "number", decimals=1))
    frame = pd.DataFrame({'the "kind"': ["a", 'b"'], "size": [0.5, 0.7]})
    table = Table("t", "T", columns, "size", frame, "", "")
    assert grammar.row(table, frame).splitlines() == [
        r'root ::= "{\"the \\\"kind\\\"\": " c0 ", \"size\": " c1 "}"',
        r'c0 ::= "\"a\"" | "\"b\\\"\""',
        'c1 ::= "0" "." [5-7]',
    ]
    written = grammar.line(table, {'the "kind"': 'b"', "size": 0.5})
    assert written == '{"the \\"kind\\"": "b\\"", "size": 0.5}'
    assert json.loads(written) == {'the "kind"': 'b"', "size": 0.5}


@pytest.mark.parametrize("name", tables.NAMES)
def test_each_real_row_is_in_the_language_of_the_grammar_and_of_the_schema(name):
    table = tables.load(name)
    train, held = table.split(3)
    rules = dict(line.split(" ::= ") for line in grammar.row(table, train).splitlines())
    pieces = []
    for place, column in enumerate(table.columns):
        rule = rules[f"c{place}"]
        if column.kind == "class":
            pieces.append("|".join(re.escape(json.loads(one)) for one in rule.split(" | ")))
        else:
            pieces.append(expression(rule.split(" | ")).pattern)
    names = [re.escape(json.dumps(column.name)) for column in table.columns]
    whole = re.compile(r"\{" + ", ".join(f"{one}: ({two})" for one, two in zip(names, pieces, strict=True)) + r"\}")
    judge = Judge(table, train)
    for row in table.rows(train) + table.rows(held):
        assert bool(whole.fullmatch(grammar.line(table, row))) == (judge.against_schema(row) == ("", ""))
