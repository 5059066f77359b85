"""Distances agree with scipy and with tables worked out by hand; real rows against real rows are no further than chance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from review.generators import tables
from review.generators import tabular_fidelity as fidelity
from review.generators.tables import Column, Table

COLUMNS = (Column("kind", "class", levels=("a", "b")), Column("size", "number", "cm", 1), Column("count", "number"))


def small(kind, size, count):
    return pd.DataFrame({"kind": list(kind), "size": size, "count": count})


TABLE = Table("t", "T", COLUMNS, "kind", small("aabb", [1.0, 2.0, 3.0, 4.0], [1, 2, 3, 4]), "", "")


@pytest.fixture(scope="module")
def real():
    table = tables.load("breast-cancer")
    return table, *table.split(2)


def test_the_distance_of_numbers_is_that_of_scipy():
    draw = np.random.default_rng(0)
    for _ in range(20):
        one, other = draw.normal(size=31).round(1), draw.normal(0.3, size=17).round(1)
        expected = stats.ks_2samp(one, other).statistic
        assert fidelity.column_distance(COLUMNS[1], one, other) == pytest.approx(expected)


def test_the_distance_of_classes_is_half_the_sum_of_differences():
    column = Column("kind", "class", levels=("a", "b", "c"))
    one, other = np.array([0.0, 0, 1, 2]), np.array([0.0, 1, 1, 1, 1])
    assert fidelity.column_distance(column, one, other) == pytest.approx(0.5 * (0.3 + 0.55 + 0.25))
    assert fidelity.column_distance(column, one, one) == 0
    assert fidelity.column_distance(column, np.zeros(1), np.ones(1)) == 1


def test_rank_correlations_are_those_of_scipy(real):
    table, train, _ = real
    found = fidelity.correlations(fidelity.coded(table, train))
    codes = train.assign(diagnosis=[table["diagnosis"].levels.index(value) for value in train["diagnosis"]])
    expected = stats.spearmanr(codes).statistic
    assert found == pytest.approx(expected[np.triu_indices(len(table.columns), 1)])


def test_distances_by_hand():
    one, other = TABLE.frame, small("abbb", [1.0, 2.0, 3.0, 4.0], [4, 3, 2, 1])
    found = fidelity.distances(TABLE, fidelity.coded(TABLE, one), fidelity.coded(TABLE, other))
    assert (found["kind"], found["size"], found["count"]) == (0.25, 0, 0)
    assert found[fidelity.MEAN] == pytest.approx(0.25 / 3)
    kind = [stats.spearmanr(codes, [1, 2, 3, 4]).statistic for codes in ([0, 0, 1, 1], [0, 1, 1, 1])]
    gaps = [abs(kind[0] - kind[1]), abs(kind[0] + kind[1]), 2.0]
    assert found[fidelity.CORRELATION] == pytest.approx(np.mean(gaps))


def test_a_constant_column_has_no_correlation():
    one, other, flat = (
        fidelity.coded(TABLE, frame)
        for frame in (TABLE.frame, small("aaaa", [1.0, 2.0, 3.0, 4.0], [1, 2, 3, 4]), small("aaaa", [1.0] * 4, [1, 2, 3, 4]))
    )
    assert fidelity.distances(TABLE, one, other)[fidelity.CORRELATION] == 0
    assert np.isnan(fidelity.distances(TABLE, one, flat)[fidelity.CORRELATION])


def test_rows_that_were_held_out_are_as_far_as_chance_says(real):
    """Real rows in the place of synthetic ones lie within the range of real rows nearly always, over several splits."""
    table, _, _ = real
    inside = []
    for seed in range(6):
        train, held = table.split(seed)
        rows = fidelity.fidelity(table, train, held, held, 1, deals=60)
        assert [row["measure"] for row in rows] == [
            *(column.name for column in table.columns),
            "mean of the columns",
            "correlations",
        ]
        assert {row["rows"] for row in rows} == {len(held)}
        assert all(row["low"] <= row["real"] <= row["high"] for row in rows)
        assert rows[0]["statistic"] == "total variation"
        assert {row["statistic"] for row in rows[1:-2]} == {"Kolmogorov-Smirnov"}
        assert rows[0]["synthetic"] < rows[0]["real"]  # the split keeps the shares of the classes, chance does not
        inside += [row["low"] <= row["synthetic"] <= row["high"] for row in rows[1:]]
    assert 0.8 < sum(inside) / len(inside) <= 1


def test_rows_from_elsewhere_are_further_than_chance(real):
    table, train, held = real
    draw = np.random.default_rng(0)
    shuffled = held.assign(**{name: draw.permutation(held[name].to_numpy()) for name in held})
    rows = {row["measure"]: row for row in fidelity.fidelity(table, train, held, shuffled, 1, deals=60)}
    assert rows[fidelity.CORRELATION]["synthetic"] > 2 * rows[fidelity.CORRELATION]["high"]
    assert rows[fidelity.MEAN]["synthetic"] <= rows[fidelity.MEAN]["high"]
    ends = held[held["diagnosis"] == "malignant"]
    rows = {row["measure"]: row for row in fidelity.fidelity(table, train, held, ends, 1, deals=60)}
    assert rows["diagnosis"]["synthetic"] > rows["diagnosis"]["high"]
    assert rows["mean radius"]["synthetic"] > rows["mean radius"]["high"]


def test_a_small_sample_has_a_wide_baseline_and_too_small_a_one_none(real):
    table, train, held = real
    few = fidelity.fidelity(table, train, held, held.head(8), 1, deals=60)
    many = fidelity.fidelity(table, train, held, held, 1, deals=60)
    assert all(one["real"] > other["real"] for one, other in zip(few, many, strict=True))
    assert fidelity.fidelity(table, train, held, held.head(4), 1) == ()
    assert fidelity.copying(table, train, held, held.head(4)) == ()
    assert fidelity.fidelity(table, train, held, train, 1, deals=3)[0]["rows"] == len(held)
    assert fidelity.fidelity(table, train, held, held.head(8), 1, deals=60) == few


def test_an_undefined_statistic_is_none():
    flat = small("aaaaa", [1.0] * 5, [1] * 5)
    held = small("abababab", [1.0, 2.0] * 4, [1, 2] * 4)
    rows = {row["measure"]: row for row in fidelity.fidelity(TABLE, TABLE.frame, held, flat, 1, deals=5)}
    assert rows[fidelity.CORRELATION]["synthetic"] is None
    assert rows[fidelity.CORRELATION]["real"] is not None


def test_the_distance_to_the_closest_row_by_hand():
    rows = small("ab", [2.5, 9.0], [1, 4])
    # first: to (a, 2, 2): (0 + 0.5/3 + 1/3) / 3; to (a, 1, 1): (0 + 1.5/3 + 0) / 3: the same
    # second: to (b, 4, 4): (0 + 5/3 + 0) / 3
    assert fidelity.nearest(TABLE, TABLE.frame, rows) == pytest.approx([0.5 / 3, 5 / 9])


def test_copies_are_seen(real):
    table, train, held = real
    copies, others = fidelity.copying(table, train, held, train.head(50)), fidelity.copying(table, train, held, held)
    assert copies[0] == {"rows": "synthetic", "count": 50, "median": 0.0, "closer": 1.0, "equal": 1.0}
    assert copies[1]["rows"] == "held out"
    assert copies[1]["closer"] == pytest.approx(0.05, abs=0.01)
    assert copies[1]["equal"] == 0
    assert {key: others[0][key] for key in ("median", "closer")} == {key: others[1][key] for key in ("median", "closer")}


def test_marginals_are_shares_of_the_rows(real):
    table, train, held = real
    rows = pd.DataFrame(fidelity.marginals(table, train, held, bins=4))
    assert (rows.groupby("column")["real"].sum() - 1).abs().max() < 1e-9
    assert rows.groupby("column")["synthetic"].sum().le(1 + 1e-9).all()  # values beyond the range of train have no bin
    diagnosis = rows[rows["column"] == "diagnosis"]
    assert diagnosis["bin"].tolist() == ["malignant", "benign"]
    assert diagnosis["synthetic"].tolist() == [(held["diagnosis"] == level).mean() for level in ("malignant", "benign")]
    radius = rows[rows["column"] == "mean radius"].iloc[0]
    assert radius["low"] == train["mean radius"].min()
    inside = train["mean radius"].between(radius["low"], radius["high"], inclusive="left")
    assert radius["real"] == pytest.approx(inside.mean())
