"""Shares, intervals, cross tables, tests and trends: by hand, by other libraries, by full enumeration."""

import itertools
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from conftest import TINY
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import multinomial_proportions_confint, proportion_confint

from review import corpus, errors, paths, statistics

CODEBOOK = """
review: {title: Small, citation: Nobody 2026, selection: v1, version: v1}
dimensions:
  modality:
    title: Modality
    kind: single
    definition: what
    categories:
      text: {title: T, definition: d, include: i, exclude: e}
      tabular: {title: T, definition: d, include: i, exclude: e}
  evaluation:
    title: Evaluation
    kind: multiple
    absence: unknown
    definition: how
    categories:
      intrinsic: {title: T, definition: d, include: i, exclude: e}
      human: {title: T, definition: d, include: i, exclude: e}
  technique:
    title: Technique
    kind: multiple
    absence: unlisted
    definition: with what
    categories:
      few-shot: {title: T, definition: d, include: i, exclude: e}
      rag: {title: T, definition: d, include: i, exclude: e}
"""
ENTRY = "@article{{{key},\n  title = {{{key}}},\n  author = {{Doe, Jane}},\n  journal = {{J}},\n  year = {{{year}}},{first}\n}}\n"
STUDIES = {  # key: year and first public date
    "s1": (2020, "2019-12"),
    "s2": (2021, "2021-03"),
    "s3": (2023, "2023-01"),
    "s4": (2023, ""),
    "s5": (2024, "2023"),
    "s6": (2024, "2024-06"),
}
CODES = {  # no row of s6 in evaluation; an empty value is unknown
    "modality": {"s1": ["text"], "s2": ["text"], "s3": ["tabular"], "s4": ["text"], "s5": [""], "s6": ["tabular"]},
    "evaluation": {
        "s1": ["intrinsic", "not human"],
        "s2": ["human"],
        "s3": [""],
        "s4": ["intrinsic", "human"],
        "s5": ["not intrinsic"],
    },
    "technique": {
        "s1": ["few-shot"],
        "s2": ["few-shot", "rag"],
        "s3": [""],
        "s4": ["rag"],
        "s5": ["few-shot"],
        "s6": ["not rag"],
    },
}
SELECTIONS = {
    "v1": ("calibrated", ["s1", "s2", "s3", "s4", "s6"]),
    "authors": ("listed", ["s1", "s2", "s3", "s5", "s6"]),
}
PUBLISHED = [  # 41 % of 5 is no number of studies
    "v1,modality,text,60,5",
    "v1,modality,tabular,40,5",
    "v1,evaluation,intrinsic,41,5",
    "v1,evaluation,human,40,5",
    "v2,technique,rag,40,5",
]
EXCLUSIVE = ["modality", "method", "primary_evaluation"]


def build(folder: Path, published: list[str]) -> corpus.Corpus:
    entries = [
        ENTRY.format(key=key, year=year, first=f"\n  firstpublic = {{{first}}}," if first else "")
        for key, (year, first) in STUDIES.items()
    ]
    coding = [
        f"{key},{name},consensus,{value},,,,"
        for name, values in CODES.items()
        for key, labels in values.items()
        for value in labels
    ]
    chosen = [f"{name},{key},{basis}" for name, (basis, keys) in SELECTIONS.items() for key in keys]
    files = {
        paths.BIBLIOGRAPHY: entries,
        paths.CODEBOOK: [CODEBOOK],
        paths.CODING: ["key,dimension,coder,value,confidence,evidence,source,scope", *coding],
    }
    if published:
        files[paths.PUBLISHED] = [
            "version,dimension,category,share,total,source,date,note",
            *(f"{row},page,2026-01-01," for row in published),
        ]
        files[paths.SELECTION] = ["selection,key,basis", *chosen]
    for name, lines in files.items():
        (folder / name).write_text("\n".join([*lines, ""]), encoding="utf-8")
    return corpus.load(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> corpus.Corpus:
    return build(tmp_path_factory.mktemp("corpus"), PUBLISHED)


@pytest.fixture(scope="module")
def real() -> corpus.Corpus:
    return corpus.load()


def column(frame: pd.DataFrame, name: str, index: str = "category") -> dict[object, object]:
    return dict(zip(frame[index], frame[name], strict=True))


# Intervals


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_printed_by_newcombe(count, total, low, high):
    """Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3."""
    assert [round(bound, 4) for bound in statistics.wilson(count, total)] == [low, high]


@settings(deadline=None)
@given(
    st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
)
def test_wilson_equals_statsmodels_and_scipy(pair, level):
    found = statistics.wilson(*pair, level)
    assert found == pytest.approx(proportion_confint(*pair, alpha=1 - level, method="wilson"), abs=1e-12)
    interval = scipy.stats.binomtest(*pair).proportion_ci(level, method="wilson")
    assert found == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert 0 <= found[0] <= Fraction(*pair) <= found[1] <= 1


def test_wilson_at_the_edges():
    assert statistics.wilson(0, 59)[0] == 0.0
    assert statistics.wilson(59, 59)[1] == 1.0
    assert statistics.wilson(0, 59)[1] == pytest.approx(1 - statistics.wilson(59, 59)[0])
    assert statistics.wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "total"), [(-1, 5), (6, 5), (1, 0)])
def test_wilson_refuses_what_is_no_share(count, total):
    with pytest.raises(ValueError, match=f"count {count} of {total} is not a share"):
        statistics.wilson(count, total)


def closed_formula(counts: list[int], level: float = 0.95) -> np.ndarray:
    """Goodman 1965, equation for the chi-squared quantile at 1 - alpha / k with one degree of freedom."""
    total, quantile = sum(counts), scipy.stats.chi2.ppf(1 - (1 - level) / len(counts), 1)
    rows = []
    for count in counts:
        root = math.sqrt(quantile * (quantile + 4 * count * (total - count) / total))
        rows.append([(quantile + 2 * count + sign * root) / (2 * (total + quantile)) for sign in (-1, 1)])
    return np.array(rows)


def test_goodman_as_printed_by_sison_and_glaz():
    """Sison and Glaz 1995, doi 10.1080/01621459.1995.10476521: seven counts with Goodman's bounds to three decimals."""
    printed = [*[(0.085, 0.166), (0.115, 0.204), (0.116, 0.207), (0.091, 0.173), (0.096, 0.181), (0.143, 0.239), (0.089, 0.171)]]
    found = statistics.goodman([56, 72, 73, 59, 62, 87, 58])
    assert [(round(low, 3), round(high, 3)) for low, high in found] == printed


@pytest.mark.parametrize("counts", [[46, 8, 5], [44, 12, 3], [0, 59], [1, 0, 0], [91, 49, 37, 43]])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_goodman_equals_formula_and_statsmodels(counts, level):
    found = np.array(statistics.goodman(counts, level))
    assert found == pytest.approx(closed_formula(counts, level), abs=1e-12)
    assert found == pytest.approx(multinomial_proportions_confint(counts, 1 - level, method="goodman"), abs=1e-12)


def test_goodman_is_wider_than_wilson():
    for count, (low, high) in zip([46, 8, 5], statistics.goodman([46, 8, 5]), strict=True):
        first, last = statistics.wilson(count, 59)
        assert low < first < last < high


def test_goodman_with_nothing_to_estimate():
    assert statistics.goodman([59]) == [(0.0, 1.0)]
    assert statistics.goodman([0, 0]) == [(0.0, 1.0)] * 2
    assert statistics.goodman([]) == []


# Shares


def test_shares_of_an_exclusive_dimension(small):
    frame = statistics.compute_shares(small, "modality", "pool")
    assert column(frame, "count") == {"text": 3, "tabular": 2}
    assert set(frame["total"]) == {6}
    assert set(frame["unknown"]) == {1}
    assert column(frame, "share") == {"text": 0.5, "tabular": pytest.approx(1 / 3)}
    assert set(frame["dimension"]) == {"modality"}
    assert frame[["low", "high"]].to_numpy() == pytest.approx(np.array([statistics.wilson(3, 6), statistics.wilson(2, 6)]))
    # unknown is one more category of the simultaneous bounds
    assert frame[["simultaneous_low", "simultaneous_high"]].to_numpy(float) == pytest.approx(closed_formula([3, 2, 1])[:2])


def test_simultaneous_bounds_without_unknown_codes(small):
    frame = statistics.compute_shares(small, "modality", "v1")
    assert set(frame["unknown"]) == {0}
    assert frame[["simultaneous_low", "simultaneous_high"]].to_numpy(float) == pytest.approx(closed_formula([3, 2]))


@pytest.mark.parametrize(
    ("dimension", "counts", "unknown"),
    [
        # absence "unknown": known are s1 (yes), s4 (yes), s5 (no); and s1 (no), s2 (yes), s4 (yes)
        ("evaluation", {"intrinsic": 2, "human": 2}, {"intrinsic": 3, "human": 3}),
        # absence "unlisted": s3 is unknown in both; s6 has no label, only "not rag", so few-shot is unknown
        ("technique", {"few-shot": 3, "rag": 2}, {"few-shot": 2, "rag": 1}),
    ],
)
def test_shares_of_a_dimension_with_labels(small, dimension, counts, unknown):
    frame = statistics.compute_shares(small, dimension, "all")
    assert column(frame, "count") == counts
    assert column(frame, "unknown") == unknown
    assert column(frame, "share") == pytest.approx({code: count / 6 for code, count in counts.items()})
    assert frame[["simultaneous_low", "simultaneous_high"]].isna().all(axis=None)


def test_indicator_has_three_values(small):
    frame = small.studies()

    def states(dimension: str, code: str) -> str:
        values = statistics.indicator(frame, small, dimension, code)
        return "".join("?" if pd.isna(value) else "yn"[not value] for value in values)

    assert states("modality", "text") == "yyny?n"
    assert states("evaluation", "intrinsic") == "y??yn?"
    assert states("evaluation", "human") == "ny?y??"
    assert states("technique", "few-shot") == "yy?ny?"
    assert states("technique", "rag") == "ny?ynn"


def test_default_is_the_selection_of_the_codebook(small):
    pd.testing.assert_frame_equal(
        statistics.compute_shares(small, "modality"), statistics.compute_shares(small, "modality", "v1", "", "v1")
    )


def test_shares_of_no_study(small):
    frame = statistics.compute_shares(small, "modality", "pool", "year == 1999")
    assert frame[["count", "total", "unknown"]].to_numpy().tolist() == [[0, 0, 0]] * 2
    assert frame["share"].isna().all()
    assert frame[["low", "high", "simultaneous_low", "simultaneous_high"]].to_numpy(float).tolist() == [[0.0, 1.0] * 2] * 2
    assert set(frame["status"]) == {statistics.NOT_CODED}


@pytest.mark.parametrize(
    ("selection", "where", "version", "dimension", "expected"),
    [
        ("v1", "", "v1", "modality", {"text": "by construction", "tabular": "by construction"}),
        ("v1", " ", "v1", "modality", {"text": "by construction", "tabular": "by construction"}),
        ("v1", "", "v1", "evaluation", {"intrinsic": "not attainable", "human": "by construction"}),
        ("v1", "", "v1", "technique", {"few-shot": "not published", "rag": "not published"}),
        ("v1", "year >= 2021", "v1", "modality", {"text": "not published", "tabular": "not published"}),
        # chosen to meet v1, whatever it is set against; what v1 does not print was not chosen
        ("v1", "", "v2", "modality", {"text": "by construction", "tabular": "by construction"}),
        ("v1", "", "v2", "technique", {"few-shot": "not published", "rag": "independent"}),
        ("authors", "", "v1", "modality", {"text": "independent", "tabular": "independent"}),
        ("authors", "", "v1", "evaluation", {"intrinsic": "not attainable", "human": "independent"}),
        ("authors", "", "v1", "technique", {"few-shot": "not published", "rag": "not published"}),
        ("authors", "", "v2", "modality", {"text": "not published", "tabular": "not published"}),
        ("authors", "year >= 2021", "v1", "modality", {"text": "not published", "tabular": "not published"}),
        ("pool", "", "v1", "modality", {"text": "purposive sample", "tabular": "purposive sample"}),
        ("pool", "", "v1", "evaluation", {"intrinsic": "purposive sample", "human": "purposive sample"}),
        ("all", "", "v1", "technique", {"few-shot": "purposive sample", "rag": "purposive sample"}),
        ("all", "year >= 2021", "v1", "modality", {"text": "purposive sample", "tabular": "purposive sample"}),
        # one known study is enough to be coded; s3 has no known code at all
        ("v1", 'key == "s3"', "v1", "evaluation", {"intrinsic": "not coded", "human": "not coded"}),
        ("pool", 'key == "s5"', "v1", "modality", {"text": "not coded", "tabular": "not coded"}),
        ("pool", 'key in ["s3", "s5"]', "v1", "evaluation", {"intrinsic": "purposive sample", "human": "not coded"}),
    ],
)
def test_status(small, selection, where, version, dimension, expected):
    frame = statistics.compute_shares(small, dimension, selection, where, version)
    assert column(frame, "status") == expected
    assert set(expected.values()) <= set(statistics.STATUSES)


@pytest.mark.parametrize(
    ("version", "method", "evaluation"), [("v1", [43, 13, 3], [16, 33, 8]), ("v2", [44, 12, 3], [16, 26, 8])]
)
def test_published_counts_of_the_committed_corpus(real, version, method, evaluation):
    expected = {"modality": [46, 8, 5], "method": method, "evaluation": evaluation}
    for dimension, counts in expected.items():
        frame = statistics.compute_shares(real, dimension, version, version=version)[:3]
        assert list(frame["count"]) == counts
        assert set(frame["total"]) == {59}
        assert set(frame["status"]) == {statistics.BY_CONSTRUCTION}


def test_what_the_review_does_not_print_is_not_by_construction(real):
    assert column(statistics.compute_shares(real, "evaluation", "v2"), "status")["downstream"] == statistics.NOT_PUBLISHED
    assert set(statistics.compute_shares(real, "language", "v2")["status"]) <= {statistics.NOT_PUBLISHED, statistics.NOT_CODED}


def test_pool_is_a_purposive_sample(real):
    for dimension in real.codebook.dimensions:
        statuses = set(statistics.compute_shares(real, dimension, "pool")["status"])
        assert statuses <= {statistics.PURPOSIVE, statistics.NOT_CODED}
    assert set(statistics.compute_shares(real, "modality", "pool")["status"]) == {statistics.PURPOSIVE}


@pytest.mark.parametrize("selection", ["v1", "v2", "pool", "all"])
@pytest.mark.parametrize("dimension", EXCLUSIVE)
def test_exclusive_counts_and_unknown_sum_to_the_total(real, selection, dimension):
    frame = statistics.compute_shares(real, dimension, selection)
    assert real.codebook[dimension].exclusive
    assert len(set(frame["unknown"])) == 1
    assert frame["count"].sum() + frame["unknown"][0] == frame["total"][0] == len(real.selections[selection])


def test_exclusive_dimensions_of_the_codebook(real):
    assert [name for name, dimension in real.codebook.dimensions.items() if dimension.exclusive] == EXCLUSIVE


def test_shares_agree_with_the_coding_table(real):
    """Counted once more from coding.csv alone."""
    coding = real.coding
    rows = coding[(coding["coder"] == "consensus") & coding["key"].isin(real.selections["v2"])]
    tally = rows.groupby(["dimension", "value"])["key"].nunique()
    for dimension in real.codebook.dimensions:
        counts = column(statistics.compute_shares(real, dimension, "v2"), "count")
        assert counts == {code: int(tally.get((dimension, code), 0)) for code in counts}


def test_unknown_dimension(small):
    with pytest.raises(errors.UnknownNameError, match="no dimension named 'colour'"):
        statistics.compute_shares(small, "colour")


# Cross tables


def test_cross_by_hand(small):
    table = statistics.compute_cross(small, "modality", "technique", "all")
    # text: s1 few-shot, s2 both, s4 rag; tabular: s3 unknown, s6 neither; s5 has no known modality
    assert table.to_numpy().tolist() == [[2, 2], [0, 0]]
    assert (list(table.index), list(table.columns)) == (["text", "tabular"], ["few-shot", "rag"])
    assert (table.index.name, table.columns.name) == ("modality", "technique")


def test_cross_with_years_shows_years_without_studies(small):
    table = statistics.compute_cross(small, "year", "modality", "all")
    assert list(table.index) == [2020, 2021, 2022, 2023, 2024]
    assert table.to_numpy().tolist() == [[1, 0], [1, 0], [0, 0], [1, 1], [0, 1]]
    assert statistics.compute_cross(small, "modality", "year", "all").to_numpy().tolist() == table.T.to_numpy().tolist()


def test_cross_of_no_study(small):
    assert statistics.compute_cross(small, "modality", "technique", "all", "year == 1999").to_numpy().tolist() == [[0, 0]] * 2
    assert statistics.compute_cross(small, "modality", "year", "all", "year == 1999").shape == (2, 0)
    assert statistics.compute_cross(small, "year", "modality", "all", "year == 1999").shape == (0, 2)


@pytest.mark.parametrize("pair", [("modality", "method"), ("method", "modality")])
@pytest.mark.parametrize("selection", ["v1", "v2"])
def test_cross_margins_are_the_shares(real, pair, selection):
    table = statistics.compute_cross(real, *pair, selection)
    for axis, dimension in ((1, pair[0]), (0, pair[1])):
        assert table.sum(axis=axis).to_dict() == column(statistics.compute_shares(real, dimension, selection), "count")


def test_cross_leaves_out_what_is_unknown_in_either(real):
    table = statistics.compute_cross(real, "modality", "primary_evaluation", "all")
    known = real.studies().dropna(subset=["modality", "primary_evaluation"])
    assert table.to_numpy().sum() == len(known)


# Association


def counts(*rows: list[int]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def exact_p(table: np.ndarray) -> float:
    """Fisher-Freeman-Halton p: the probability of all tables with these margins that are not likelier than this one."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)

    def fillings(left: tuple[int, ...], sizes: tuple[int, ...]):
        if not sizes:
            yield ()
            return
        for row in itertools.product(*(range(most + 1) for most in left)):
            if sum(row) == sizes[0]:
                rest = tuple(most - taken for most, taken in zip(left, row, strict=True))
                for others in fillings(rest, sizes[1:]):
                    yield (row, *others)

    constant = Fraction(math.prod(math.factorial(int(size)) for size in (*rows, *columns)), math.factorial(int(table.sum())))

    def probability(cells) -> Fraction:
        return constant / math.prod(math.factorial(int(cell)) for row in cells for cell in row)

    every = [probability(cells) for cells in fillings(tuple(map(int, columns)), tuple(map(int, rows)))]
    assert sum(every) == 1
    mine = probability(table)
    return float(sum(chance for chance in every if chance <= mine))


def test_tea_tasting():
    """Fisher's lady got three of four cups right on either side: p = 34 / 70 (two-sided)."""
    found = statistics.associate(counts([3, 1], [1, 3]))
    assert found.p_value == pytest.approx(34 / 70)
    assert round(found.p_value, 4) == 0.4857
    assert found.cramers_v == pytest.approx(0.5)  # chi-squared is 8 * (3 * 3 - 1 * 1)**2 / 4**4 = 2; sqrt(2 / 8)
    assert (found.total, found.resamples) == (8, 0)


@pytest.mark.parametrize("cells", [([10, 2], [3, 15]), ([5, 0], [1, 4]), ([40, 4], [6, 9])])
def test_two_by_two_equals_scipy(cells):
    found = statistics.associate(counts(*cells))
    assert found.p_value == pytest.approx(scipy.stats.fisher_exact(list(cells)).pvalue)
    assert found.p_value == pytest.approx(exact_p(np.array(cells)))
    assert found.cramers_v == pytest.approx(scipy.stats.contingency.association(np.array(cells), method="cramer"))


@pytest.mark.parametrize(
    "cells",
    [([3, 0, 1], [0, 2, 1], [1, 1, 3]), ([4, 1, 0], [0, 3, 2]), ([2, 2, 2], [1, 1, 1], [2, 2, 2]), ([5, 0, 0], [0, 4, 1])],
)
def test_monte_carlo_is_near_full_enumeration(cells):
    expected = exact_p(np.array(cells))
    found = statistics.associate(counts(*cells), seed=7)
    error = math.sqrt(expected * (1 - expected) / 9999)
    assert abs(found.p_value - expected) <= 4 * error + 1 / 9999
    assert found.resamples == 9999
    assert found.total == sum(map(sum, cells))


def test_enumeration_agrees_with_scipy_on_two_by_two():
    assert exact_p(np.array([[3, 1], [1, 3]])) == pytest.approx(34 / 70)


@pytest.mark.parametrize("cells", [([3, 0, 1], [0, 2, 1], [1, 1, 3]), ([4, 1, 0], [0, 3, 2]), ([4, 1], [0, 3], [2, 5])])
def test_cramers_v_equals_scipy(cells):
    expected = scipy.stats.contingency.association(np.array(cells), method="cramer")
    assert statistics.associate(counts(*cells), resamples=9).cramers_v == pytest.approx(expected)


def test_cramers_v_by_hand():
    # chi-squared of the identity of three is 2 n: V = sqrt(2 n / (n * 2)) = 1; of equal rows 0
    assert statistics.associate(counts([4, 0, 0], [0, 4, 0], [0, 0, 4]), resamples=9).cramers_v == pytest.approx(1.0)
    assert statistics.associate(counts([1, 2, 3], [1, 2, 3]), resamples=9).cramers_v == pytest.approx(0.0, abs=1e-9)


def test_association_is_reproducible():
    table = counts([6, 2, 1], [1, 4, 2], [2, 3, 5])
    first, again, other = (statistics.associate(table, seed=seed, resamples=499) for seed in (1, 1, 2))
    assert first == again
    assert first.resamples == 499
    assert statistics.associate(table) == statistics.associate(table, seed=0, resamples=9999)
    assert (first.cramers_v, first.total) == (other.cramers_v, other.total)
    assert first.p_value != other.p_value


def test_a_row_or_column_of_one_study_is_kept():
    found = statistics.associate(counts([3, 0], [0, 1]))
    assert (found.p_value, found.cramers_v, found.total) == (pytest.approx(1 / 4), pytest.approx(1.0), 4)


def test_empty_rows_and_columns_are_dropped():
    padded = counts([0, 0, 0, 0], [3, 0, 1, 0], [0, 0, 0, 0], [1, 0, 3, 0])
    assert statistics.associate(padded) == statistics.associate(counts([3, 1], [1, 3]))


@pytest.mark.parametrize(
    ("cells", "total"), [(([3, 4],), 7), (([3], [4]), 7), (([0, 0], [0, 0]), 0), (([3, 0], [4, 0]), 7), (([0, 0], [2, 5]), 7)]
)
def test_degenerate_tables_have_no_association(cells, total):
    found = statistics.associate(counts(*cells))
    assert math.isnan(found.p_value)
    assert math.isnan(found.cramers_v)
    assert (found.total, found.resamples) == (total, 0)


# Trends


def test_trend_by_hand(small):
    frame = statistics.compute_trend(small, "technique", "all").set_index(["year", "category"])
    assert {year for year, _ in frame.index} == {2020, 2021, 2022, 2023, 2024}
    found = {pair: (row["count"], row["total"], row["unknown"]) for pair, row in frame.iterrows()}
    assert found == {
        (2020, "few-shot"): (1, 1, 0),
        (2020, "rag"): (0, 1, 0),
        (2021, "few-shot"): (1, 1, 0),
        (2021, "rag"): (1, 1, 0),
        (2022, "few-shot"): (0, 0, 0),
        (2022, "rag"): (0, 0, 0),
        (2023, "few-shot"): (0, 2, 1),
        (2023, "rag"): (1, 2, 1),
        (2024, "few-shot"): (1, 2, 1),
        (2024, "rag"): (0, 2, 0),
    }
    assert frame.loc[(2023, "rag"), "share"] == 0.5
    assert tuple(frame.loc[(2023, "rag"), ["low", "high"]]) == statistics.wilson(1, 2)
    assert pd.isna(frame.loc[(2022, "rag"), "share"])
    assert tuple(frame.loc[(2022, "rag"), ["low", "high"]]) == (0.0, 1.0)


def test_trend_by_first_public_year(small):
    frame = statistics.compute_trend(small, "modality", "all", by="first_public")
    texts = frame[frame["category"] == "text"].set_index("year")
    # s1 2019, s2 2021, s3 and s5 2023, s6 2024; s4 has no date
    assert texts["total"].to_dict() == {2019: 1, 2020: 0, 2021: 1, 2022: 0, 2023: 2, 2024: 1}
    assert texts["count"].to_dict() == {2019: 1, 2020: 0, 2021: 1, 2022: 0, 2023: 0, 2024: 0}
    assert texts["unknown"].to_dict() == {2019: 0, 2020: 0, 2021: 0, 2022: 0, 2023: 1, 2024: 0}


@pytest.mark.parametrize("dimension", ["modality", "method", "evaluation", "technique"])
def test_trend_sums_to_the_shares(real, dimension):
    frame = statistics.compute_trend(real, dimension, "v2")
    shares = statistics.compute_shares(real, dimension, "v2")
    for name in ("count", "unknown", "total"):
        assert frame.groupby("category")[name].sum().to_dict() == column(shares, name)


def test_trend_of_no_study(small):
    frame = statistics.compute_trend(small, "modality", "all", "year == 1999")
    assert frame.empty
    assert list(frame.columns) == ["year", "dimension", "category", "count", "total", "unknown", "share", "low", "high"]


def test_trend_by_another_column(small):
    with pytest.raises(errors.UnknownNameError, match="no column named 'month' -> choose one of: year, first_public"):
        statistics.compute_trend(small, "modality", by="month")


def enumerated(years: list[float], has: list[bool]) -> tuple[float, float]:
    """Every way to give the code to as many studies; p is twice the smaller tail, at most 1."""
    size, indices = sum(has), range(len(years))

    def difference(chosen: tuple[int, ...]) -> Fraction:
        inside = [Fraction(years[index]) for index in chosen]
        outside = [Fraction(years[index]) for index in indices if index not in chosen]
        return sum(inside) / len(inside) - sum(outside) / len(outside)

    mine = difference(tuple(itertools.compress(indices, has)))
    every = [difference(chosen) for chosen in itertools.combinations(indices, size)]
    tails = [sum(other <= mine for other in every), sum(other >= mine for other in every)]
    return float(mine), min(1.0, 2 * min(tails) / len(every))


@pytest.mark.parametrize(
    ("years", "has"),
    [
        ([2020, 2021, 2022, 2023, 2024, 2025, 2025], [0, 0, 0, 0, 1, 1, 1]),
        ([2020, 2021, 2022, 2023, 2024, 2025, 2025], [1, 1, 0, 0, 0, 1, 0]),
        ([2024, 2024, 2023, 2025, 2021, 2020], [0, 0, 0, 0, 1, 1]),
        ([2023, 2023, 2023, 2023, 2024, 2025], [1, 0, 1, 0, 1, 1]),
        ([2024, 2024, 2024, 2024], [1, 0, 1, 0]),
    ],
)
def test_trend_test_equals_full_enumeration(years, has):
    found = statistics.trend_test(np.array(years, dtype=float), np.array(has, dtype=bool))
    assert found == pytest.approx(enumerated(years, [bool(flag) for flag in has]))


def test_trend_test_by_hand():
    # 2024 and 2025 are the last of five: difference 2.5, the likeliest tail is 1 of 10 choices, twice that 0.2
    found = statistics.trend_test(np.array([2021.0, 2022, 2023, 2024, 2025]), np.array([0, 0, 0, 1, 1], dtype=bool))
    assert found == pytest.approx((2.5, 0.2))


def test_trend_test_is_reproducible_where_it_draws():
    rng = np.random.default_rng(5)
    years, has = rng.integers(2020, 2026, 40).astype(float), rng.integers(0, 2, 40).astype(bool)
    first, again, other = (statistics.trend_test(years, has, seed=seed, resamples=299) for seed in (1, 1, 2))
    assert statistics.trend_test(years, has) == statistics.trend_test(years, has, seed=0, resamples=9999)
    assert first == again
    assert first[0] == other[0]
    assert first[1] != other[1]


@pytest.mark.parametrize("has", [[True] * 3, [False] * 3, []])
def test_trend_test_of_all_or_none(has):
    found = statistics.trend_test(np.array([2020.0, 2021, 2022][: len(has)]), np.array(has, dtype=bool))
    assert all(math.isnan(value) for value in found)


@pytest.mark.parametrize("has", [[True, False, False], [False, True, True]])
def test_trend_test_of_a_single_study(has):
    difference, p_value = statistics.trend_test(np.array([2020.0, 2021, 2024]), np.array(has))
    assert difference == pytest.approx(-2.5 if has[0] else 2.5)
    assert math.isnan(p_value)


# Overlaps


def test_overlaps_by_hand(small):
    frame = statistics.compute_overlaps(small, "technique", "all")
    assert list(frame.columns) == ["labels", "few-shot", "rag", "size", "count"]
    assert frame.to_numpy().tolist() == [
        ["", False, False, 0, 2],  # s3 and s6: no label is known
        ["few-shot", True, False, 1, 2],  # s1 and s5
        ["rag", False, True, 1, 1],  # s4
        ["few-shot; rag", True, True, 2, 1],  # s2
    ]


def test_overlaps_of_equal_count_and_size_stand_in_alphabetical_order(small):
    frame = statistics.compute_overlaps(small, "evaluation", "all")
    assert list(zip(frame["labels"], frame["count"], strict=True)) == [
        *[("", 3), ("human", 1), ("intrinsic", 1), ("intrinsic; human", 1)]
    ]


def test_overlaps_of_no_study(small):
    frame = statistics.compute_overlaps(small, "technique", "all", "year == 1999")
    assert frame.empty
    assert list(frame.columns) == ["labels", "few-shot", "rag", "size", "count"]


@pytest.mark.parametrize("dimension", ["evaluation", "technique", "domain", "modality"])
@pytest.mark.parametrize("selection", ["v2", "pool"])
def test_overlaps_sum_to_the_studies_and_the_shares(real, dimension, selection):
    frame = statistics.compute_overlaps(real, dimension, selection)
    assert frame["count"].sum() == len(real.selections[selection])
    assert not frame["labels"].duplicated().any()
    marginals = {code: int(frame.loc[frame[code], "count"].sum()) for code in real.codebook[dimension].categories}
    assert marginals == column(statistics.compute_shares(real, dimension, selection), "count")
    assert list(frame["count"]) == sorted(frame["count"], reverse=True)


# The reproduction table


def test_reproduction_of_the_second_version(real):
    frame = statistics.reproduce(real)
    assert list(frame.columns) == [
        *("dimension", "category", "published", "implied_count", "verdict", "count", "total", "unknown"),
        *("percent", "low", "high", "difference", "status"),
    ]
    expected = {  # count of 59, as printed, count / 59 in percent less what is printed
        "text": (46, "78.0", -0.03),
        "tabular": (8, "13.6", -0.04),
        "multimodal": (5, "8.4", 0.07),
        "prompting": (44, "74.6", -0.02),
        "fine-tuning": (12, "20.3", 0.04),
        "specialized": (3, "5.1", -0.02),
        "intrinsic": (16, "27.1", 0.02),
        "human": (26, "44.1", -0.03),
        "llm": (8, "13.6", -0.04),
    }
    rows = zip(frame["category"], frame["count"], frame["published"], frame["difference"], strict=True)
    assert {category: tuple(values) for category, *values in rows} == expected
    assert list(frame["count"]) == list(frame["implied_count"])
    assert set(frame["status"]) == {statistics.BY_CONSTRUCTION}
    assert column(frame, "percent")["text"] == 77.97
    low, high = proportion_confint(46, 59, method="wilson")
    assert (frame["low"][0], frame["high"][0]) == (round(100 * low, 1), round(100 * high, 1))


@pytest.mark.parametrize("version", ["v1", "v2", "news"])
@pytest.mark.parametrize("selection", ["v1", "v2", "pool"])
def test_difference_is_percent_less_published(real, selection, version):
    frame = statistics.reproduce(real, selection, version=version)
    rows = real.published[real.published["version"] == version]
    assert list(zip(frame["dimension"], frame["category"], frame["published"], strict=True)) == list(
        zip(rows["dimension"], rows["category"], rows["share"], strict=True)
    )
    assert len(frame) == (7 if version == "news" else 9)
    exact = 100 * frame["count"] / frame["total"] - frame["published"].astype(float)
    assert frame["difference"].to_numpy() == pytest.approx(exact.to_numpy(), abs=0.00501)
    assert frame["difference"].to_numpy() == pytest.approx(
        (frame["percent"] - frame["published"].astype(float)).to_numpy(), abs=0.0101
    )
    if selection == version:
        assert frame["difference"].abs().max() <= 0.1  # a decimal place, and the one that is only a truncation
    if selection == "pool":
        assert set(frame["status"]) == {statistics.PURPOSIVE}


def test_reproduction_of_a_list(small):
    frame = statistics.reproduce(small, "authors", "", "v1")
    # authors are s1, s2, s3, s5, s6: texts 2, tables 2, intrinsic s1, human s2
    assert column(frame, "count") == {"text": 2, "tabular": 2, "intrinsic": 1, "human": 1}
    assert column(frame, "implied_count") | {"intrinsic": None} == {"text": 3, "tabular": 2, "intrinsic": None, "human": 2}
    assert pd.isna(column(frame, "implied_count")["intrinsic"])
    assert column(frame, "difference") == {"text": -20.0, "tabular": 0.0, "intrinsic": -21.0, "human": -20.0}
    assert column(frame, "unknown") == {"text": 1, "tabular": 1, "intrinsic": 3, "human": 3}
    assert column(frame, "verdict")["intrinsic"] == column(frame, "status")["intrinsic"] == "not attainable"


def test_reproduction_under_a_filter(small):
    frame = statistics.reproduce(small, "authors", "year >= 2023", "v1")
    assert set(frame["total"]) == {3}
    assert column(frame, "count")["tabular"] == 2


def test_reproduction_where_nothing_is_published(tmp_path):
    bare = build(tmp_path, [])
    assert statistics.reproduce(bare, "all").empty
    assert set(statistics.compute_shares(bare, "modality", "all")["status"]) == {statistics.PURPOSIVE}


def test_what_is_left_out_is_the_default_selection_without_a_filter(small):
    same = pd.testing.assert_frame_equal
    same(
        statistics.compute_cross(small, "modality", "technique"),
        statistics.compute_cross(small, "modality", "technique", "v1", ""),
    )
    same(statistics.compute_trend(small, "technique"), statistics.compute_trend(small, "technique", "v1", "", "year"))
    same(statistics.compute_overlaps(small, "technique"), statistics.compute_overlaps(small, "technique", "v1", ""))
    same(statistics.reproduce(small), statistics.reproduce(small, "v1", "", "v1"))


def test_the_statuses_are_words_that_a_reader_sees():
    assert list(statistics.STATUSES) == [
        *("by construction", "independent", "not attainable", "not coded", "not published", "purposive sample")
    ]
    assert statistics.LEVEL == 0.95


@pytest.fixture(scope="module")
def six():
    """The tiny corpus: of six studies one has no year; its selection ``first`` is calibrated, ``authors`` is listed."""
    return corpus.load(TINY)


def test_tables_have_the_kinds_of_their_descriptions_even_without_a_study(six):
    for where in ("", "year > 2030"):
        for dimension in ("design", "outcome"):
            shares = statistics.compute_shares(six, dimension, where=where)
            assert {str(shares[name].dtype) for name in ("simultaneous_low", "simultaneous_high")} == {"Float64"}
            assert str(statistics.compute_trend(six, dimension, where=where)["share"].dtype) == "Float64"
        for rows, columns in (("outcome", "design"), ("year", "design")):
            assert {str(kind) for kind in statistics.compute_cross(six, rows, columns, where=where).dtypes} == {"int64"}


def test_studies_of_an_unknown_year_are_in_no_year(six):
    unknown = 'key == "fox2022clinic"'
    assert six.studies("all", unknown)["year"].isna().tolist() == [True]
    assert statistics.compute_cross(six, "year", "design", "all", unknown).empty
    assert statistics.compute_trend(six, "design", "all", unknown).empty


def test_a_blank_filter_is_none(six):
    plain, blank = (statistics.compute_shares(six, "design", "authors", where) for where in ("", " "))
    assert "independent" in set(plain["status"])
    pd.testing.assert_frame_equal(blank, plain)


def test_as_many_tables_and_orders_are_drawn_as_asked_for():
    table = pd.DataFrame([[5, 3, 4], [3, 5, 2]])
    found = statistics.associate(table, resamples=99)
    # a p-value is (1 + those as extreme) / (1 + drawn); that of both sides is twice that of one
    assert found.p_value * 100 == pytest.approx(round(found.p_value * 100), abs=1e-9)
    assert statistics.associate(table, resamples=9999).p_value * 100 != pytest.approx(round(found.p_value * 100), abs=1e-3)
    years, has = np.arange(24.0), np.arange(24) % 3 == 0
    p_value = statistics.trend_test(years, has, resamples=99)[1]
    assert p_value * 50 == pytest.approx(round(p_value * 50), abs=1e-9)
    assert p_value != statistics.trend_test(years, has)[1]


def test_rows_of_combinations_are_numbered_by_how_frequent_they_are(real):
    table = statistics.compute_overlaps(real, "evaluation")
    assert table.index.tolist() == list(range(len(table)))
    assert table["count"].is_monotonic_decreasing


def test_a_corpus_of_which_nothing_is_published_has_nothing_to_reproduce(tmp_path, small):
    table = statistics.reproduce(build(tmp_path, []), "all")
    assert table.empty
    assert list(table.columns) == list(statistics.reproduce(small).columns)


def test_none_and_all_are_bounds_without_rounding():
    assert {statistics.wilson(0, total)[0] for total in range(1, 200)} == {0.0}
    assert {statistics.wilson(total, total)[1] for total in range(1, 200)} == {1.0}


def test_a_study_of_an_unknown_year_beside_others_counts_in_none(six):
    cross = statistics.compute_cross(six, "year", "design", "all")
    assert cross.sum(axis=1).to_dict() == {2018: 1, 2019: 1, 2020: 2, 2021: 1}
    trend = statistics.compute_trend(six, "design", "all").drop_duplicates("year")
    assert dict(zip(trend["year"], trend["total"], strict=True)) == {2018: 1, 2019: 1, 2020: 2, 2021: 1}
