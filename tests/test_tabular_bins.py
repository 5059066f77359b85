"""A value falls into one bin and comes back in it; bins hold about as many values each."""

import numpy as np
import pandas as pd
import pytest

from review.errors import OptionError
from review.generators import tables
from review.generators.tables import Column, Table
from review.generators.tabular_bins import START, Bins, Part

COLUMNS = (Column("size", "number", "cm", 1), Column("kind", "class", levels=("a", "b")))
FRAME = pd.DataFrame({"size": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 9.0], "kind": list("aabbabab")})
TABLE = Table("t", "T", COLUMNS, "kind", FRAME, "", "")


@pytest.mark.parametrize("name", tables.NAMES)
@pytest.mark.parametrize("columns", tables.CHOICES)
@pytest.mark.parametrize("number", [2, 12])
def test_a_decoded_row_has_the_tokens_that_it_was_made_from(name, columns, number):
    table = tables.load(name, columns)
    train, _ = table.split(1)
    bins = Bins(table, train, number)
    for index, row in enumerate(table.rows(train)[:80]):
        tokens = bins.encode(row)
        assert len(tokens) == bins.length == len(table.columns) + 1
        assert tokens[0] == START
        assert bins.fits(tokens)
        again = bins.decode(tokens, index)
        assert list(again) == [column.name for column in table.columns]
        assert bins.encode(again) == tokens
        assert again == bins.decode(tokens, index)


def test_every_token_of_every_column_is_possible_and_decodes_within_range():
    table = tables.load("breast-cancer")
    train, _ = table.split(1)
    bins, draw = Bins(table, train, 12), np.random.default_rng(0)
    covered = [token for part in bins.parts for token in part.tokens]
    assert covered == list(range(1, bins.vocabulary))
    for part in bins.parts:
        for token in part.tokens:
            for _ in range(5):
                value = part.decode(token, draw)
                assert part.encode(value) == token
                if part.column.kind == "number":
                    assert train[part.column.name].min() <= value <= train[part.column.name].max()


def test_bins_hold_about_as_many_values_each():
    table = tables.load("breast-cancer")
    train, _ = table.split(1)
    bins = Bins(table, train, 10)
    part = next(part for part in bins.parts if part.column.name == "mean radius")
    counts = np.bincount([part.encode(value) - part.first for value in train["mean radius"]])
    assert len(counts) == 10
    assert counts.min() > 0.6 * len(train) / 10


def test_edges_and_gaps_by_hand():
    bins = Bins(TABLE, FRAME, 2)
    kind, size = bins.parts
    assert (kind.column.name, kind.first, size.first, bins.vocabulary) == ("kind", 1, 3, 5)
    assert size.edges == (1, 5, 91)
    assert [size.encode(value) for value in (0.1, 0.4, 0.5, 9.0, -3, 99)] == [3, 3, 4, 4, 3, 4]
    draw = np.random.default_rng(0)
    values = [size.decode(4, draw) for _ in range(4000)]
    shares = [
        np.mean([low <= value < high for value in values]) for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 9.0), (9.0, 9.1))
    ]
    assert shares == pytest.approx([0.25] * 4, abs=0.03)  # four real values in the bin, four gaps
    assert bins.encode({"size": 0.3, "kind": "b"}) == [0, 2, 3]


def test_repeated_values_need_fewer_bins():
    column = Column("x", "number")
    table = Table("t", "T", (column,), "x", pd.DataFrame({"x": [1, 1, 1, 1, 2, 2, 2, 3]}), "", "")
    [part] = Bins(table, table.frame, 8).parts
    assert part.edges == (1, 2, 3, 4)
    draw = np.random.default_rng(0)
    assert [{part.decode(token, draw) for _ in range(20)} for token in part.tokens] == [{1}, {2}, {3}]


def test_one_value_is_one_bin():
    column = Column("x", "number")
    table = Table("t", "T", (column,), "x", pd.DataFrame({"x": [7, 7]}), "", "")
    [part] = Bins(table, table.frame, 3).parts
    assert part.size == 1
    assert part.decode(part.first, np.random.default_rng(0)) == 7


def test_only_the_tokens_of_a_column_are_allowed_at_its_place():
    bins = Bins(TABLE, FRAME, 2)
    assert [list(bins.allowed(place, [])) for place in (1, 2)] == [[1, 2], [3, 4]]
    assert not bins.fits([0, 3, 3])
    assert not bins.fits([0, 1, 2])


def test_a_level_can_be_asked_for():
    bins = Bins(TABLE, FRAME, 2)
    assert bins.prefix() == [0]
    assert bins.prefix("b") == [0, 2]
    with pytest.raises(OptionError, match="kind is never 'c' -> choose of: a, b"):
        bins.prefix("c")
    with pytest.raises(OptionError, match="1 bins -> choose 2"):
        Bins(TABLE, FRAME, 1)
    assert Part(COLUMNS[1], 1).size == 2
