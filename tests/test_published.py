"""Printed shares -> counts: exact rounding, verdicts, versions."""

import doctest
from decimal import Decimal, localcontext

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review import codebook, contracts, paths, published

V1 = {
    ("modality", "text"): 46,
    ("modality", "tabular"): 8,
    ("modality", "multimodal"): 5,
    ("method", "prompting"): 43,
    ("method", "fine-tuning"): 13,
    ("method", "specialized"): 3,
    ("evaluation", "intrinsic"): 16,
    ("evaluation", "human"): 33,
    ("evaluation", "llm"): 8,
}
V2 = V1 | {("method", "prompting"): 44, ("method", "fine-tuning"): 12, ("evaluation", "human"): 26}
NEWS = {pair: count for pair, count in V2.items() if pair not in {("method", "fine-tuning"), ("method", "specialized")}}


def quantized(count: int, total: int, decimals: int, rule: str) -> Decimal:
    """The same share by the decimal module, with digits enough to be on the right side of every tie."""
    with localcontext() as context:
        context.prec = 60
        share = Decimal(100 * count) / Decimal(total)
        return share.quantize(Decimal(1).scaleb(-decimals), rounding=published.RULES[rule])


def book(**kinds: str) -> codebook.Codebook:
    """A codebook of dimensions with the codes a to j."""
    categories = {code: codebook.Category(code, code, code, code, code) for code in "abcdefghij"}
    return codebook.Codebook({}, {name: codebook.Dimension(name, name, kind, name, categories) for name, kind in kinds.items()})


def printed(*rows: str) -> pd.DataFrame:
    """The table of rows written as ``version dimension category share total``."""
    frame = pd.DataFrame([row.split() for row in rows], columns=["version", "dimension", "category", "share", "total"])
    return frame.assign(source="page", date="2026-01-01", note="")


def by_category(frame: pd.DataFrame, column: str) -> dict[str, object]:
    return dict(zip(frame["category"], frame[column], strict=True))


@pytest.fixture(scope="module")
def real() -> tuple[pd.DataFrame, codebook.Codebook]:
    table = contracts.read_table(paths.DATA / paths.PUBLISHED).drop(columns=contracts.LINE)
    return table, codebook.load(paths.DATA / paths.CODEBOOK)


@pytest.mark.parametrize("rule", published.RULES)
@pytest.mark.parametrize("decimals", range(4))
def test_shorten_equals_decimal_for_every_count_of_59(decimals, rule):
    for count in range(60):
        assert published.shorten(count, 59, decimals, rule) == quantized(count, 59, decimals, rule)


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))),
    st.integers(0, 6),
    st.sampled_from(sorted(published.RULES)),
)
def test_shorten_equals_decimal(pair, decimals, rule):
    assert published.shorten(*pair, decimals, rule) == quantized(*pair, decimals, rule)


@pytest.mark.parametrize(
    ("count", "total", "decimals", "up", "even", "down"),
    [
        (1, 8, 0, "13", "12", "12"),  # 12.5
        (3, 8, 0, "38", "38", "37"),  # 37.5: the even neighbour is the upper one
        (1, 200, 0, "1", "0", "0"),  # 0.5
        (1, 16, 1, "6.3", "6.2", "6.2"),  # 6.25
        (3, 16, 1, "18.8", "18.8", "18.7"),  # 18.75
        (1, 400, 1, "0.3", "0.2", "0.2"),  # 0.25
        (0, 59, 1, "0.0", "0.0", "0.0"),
        (59, 59, 1, "100.0", "100.0", "100.0"),
    ],
)
def test_rules_differ_at_exact_ties(count, total, decimals, up, even, down):
    found = [str(published.shorten(count, total, decimals, rule)) for rule in ("half up", "half even", "truncation")]
    assert found == [up, even, down]


@pytest.mark.parametrize("rule", published.RULES)
def test_every_tie_of_200(rule):
    for count in range(1, 200, 2):
        assert published.shorten(count, 200, 0, rule) == quantized(count, 200, 0, rule)


@pytest.mark.parametrize(("count", "total"), [(-1, 59), (60, 59), (0, 0), (1, 0), (0, -1)])
def test_shorten_refuses_what_is_no_share(count, total):
    with pytest.raises(ValueError, match=f"count {count} of {total} is not a share"):
        published.shorten(count, total, 1, "half up")


def test_no_count_of_59_is_rounded_to_8_4():
    assert published.attainable("8.4", 59).counts == {"half up": (), "half even": (), "truncation": (5,)}
    assert published.attainable("8.4", 59).rounded == ()


@pytest.mark.parametrize(("share", "count"), [("78.0", 46), ("13.6", 8)])
def test_the_other_shares_of_modality_are_no_truncations(share, count):
    found = published.attainable(share, 59)
    assert found.rounded == (count,)
    assert count not in found.counts["truncation"]


def test_the_printed_decimals_count():
    assert published.attainable("8.47", 59).rounded == (5,)
    assert published.attainable("8.5", 59).rounded == (5,)
    assert published.attainable("8", 59).rounded == (5,)
    assert published.attainable("8.40", 59).rounded == ()


def test_rounded_joins_both_rules():
    # of 400: 198 is 49.5 (up and to even 50), 202 is 50.5 (up 51, to even 50), 203 is 50.75
    found = published.attainable("50", 400)
    assert found.counts["half up"] == (198, 199, 200, 201)
    assert found.counts["half even"] == (198, 199, 200, 201, 202)
    assert found.counts["truncation"] == (200, 201, 202, 203)
    assert found.rounded == (198, 199, 200, 201, 202)


@settings(deadline=None)
@given(st.integers(1, 120).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))), st.integers(0, 3))
def test_a_count_is_among_those_that_its_own_share_allows(pair, decimals):
    count, total = pair
    for rule in published.RULES:
        share = str(published.shorten(count, total, decimals, rule))
        assert count in published.attainable(share, total).counts[rule]


def test_examples_in_the_docstrings():
    results = doctest.testmod(published)
    assert results.attempted
    assert not results.failed


@pytest.mark.parametrize(("version", "counts"), [("v1", V1), ("v2", V2), ("news", NEWS)])
def test_counts_behind_the_published_shares(real, version, counts):
    frame = published.implied_counts(*real)
    rows = frame[frame["version"] == version]
    found = dict(zip(zip(rows["dimension"], rows["category"], strict=True), rows["count"], strict=True))
    assert found == counts
    odd = rows[rows["verdict"] != published.ATTAINABLE]
    assert list(odd["category"]) == ["multimodal"]
    assert list(odd["verdict"]) == [published.BY_DIFFERENCE]
    assert list(odd["rounded_counts"]) == [""]
    assert list(odd["truncation_counts"]) == ["5"]
    assert set(rows["total"]) == {59}


def test_exclusive_dimensions_of_the_review_sum_to_59(real):
    frame = published.implied_counts(*real)
    sums = frame.groupby(["version", "dimension"])["count"].sum()
    assert {sums[version, name] for version in ("v1", "v2") for name in ("modality", "method")} == {59}
    assert (sums["v1", "evaluation"], sums["v2", "evaluation"]) == (57, 50)


def test_columns_and_exact_shares(real):
    frame = published.implied_counts(*real)
    first = frame.iloc[0]
    assert list(frame.columns) == [
        *("version", "dimension", "category", "share", "total", "count", "exact", "verdict"),
        *("rounded_counts", "truncation_counts", "source", "date", "note"),
    ]
    assert (first["share"], first["count"], first["exact"]) == ("78.0", 46, 77.9661)  # 46 / 59 = 0.77966...
    assert frame["exact"][1] == 13.5593  # 8 / 59 = 0.135593220...
    assert (first["source"], first["date"], first["note"]) == ("arXiv:2506.16594v1", "2025-06-19", "abstract")
    assert len(frame) == len(real[0]) == 25


def test_a_share_of_several_counts_has_none():
    frame = published.implied_counts(printed("v1 x a 50 400", "v1 x b 25 400"), book(x="multiple"))
    assert list(frame["verdict"]) == [published.ATTAINABLE] * 2
    assert frame["count"].isna().all()
    assert frame["exact"].isna().all()
    assert frame["rounded_counts"][0] == "198 199 200 201 202"


def test_a_share_that_nothing_gives_has_no_count():
    # of 59: 5 is 8.47 %, 6 is 10.17 %
    frame = published.implied_counts(printed("v1 x a 9.0 59", "v1 x b 8.4 59", "v1 x c 8.5 59"), book(x="multiple"))
    verdicts = by_category(frame, "verdict")
    assert verdicts == {"a": published.UNATTAINABLE, "b": published.BY_TRUNCATION, "c": published.ATTAINABLE}
    assert [None if pd.isna(count) else count for count in frame["count"]] == [None, 5, 5]


def test_difference_needs_an_exclusive_dimension():
    rows = ("v1 x a 78.0 59", "v1 x b 13.6 59", "v1 x c 8.4 59")
    assert by_category(published.implied_counts(printed(*rows), book(x="single")), "verdict")["c"] == published.BY_DIFFERENCE
    assert by_category(published.implied_counts(printed(*rows), book(x="multiple")), "verdict")["c"] == published.BY_TRUNCATION


@pytest.mark.parametrize(
    ("rows", "odd"),
    [
        pytest.param(("v x a 78.0 59", "v x b 13.5 59", "v x c 8.4 59"), {"c": 5, "b": 8}, id="sum 99.9, two odd"),
        pytest.param(("v x a 78.0 59", "v x b 11.9 59", "v x c 8.4 59"), {"c": 5}, id="sum 98.3"),
        pytest.param(("v x a 77.9 59", "v x b 13.7 59", "v x c 8.4 59"), {"a": 46, "b": None, "c": 5}, id="three odd"),
    ],
)
def test_no_difference_where_the_others_do_not_settle_it(rows, odd):
    frame = published.implied_counts(printed(*rows), book(x="single"))
    verdicts, counts = by_category(frame, "verdict"), by_category(frame, "count")
    for code, count in odd.items():
        assert verdicts[code] == (published.UNATTAINABLE if count is None else published.BY_TRUNCATION)
        assert pd.isna(counts[code]) if count is None else counts[code] == count
    assert published.BY_DIFFERENCE not in verdicts.values()


def test_no_difference_beside_an_ambiguous_share():
    # of 300: 30.3 is 91, 29.3 is 88, 40.0 is 120, but 40 is 119, 120 or 121; nothing is 0.4
    rest = ("v x b 30.3 300", "v x c 29.3 300", "v x d 0.4 300")
    sure = published.implied_counts(printed("v x a 40.0 300", *rest), book(x="single"))
    assert by_category(sure, "count") == {"a": 120, "b": 91, "c": 88, "d": 1}
    assert by_category(sure, "verdict")["d"] == published.BY_DIFFERENCE
    unsure = published.implied_counts(printed("v x a 40 300", *rest), book(x="single"))
    assert by_category(unsure, "verdict")["d"] == published.UNATTAINABLE
    assert unsure["count"].isna().tolist() == [True, False, False, True]


def test_the_difference_may_be_nothing_but_not_less():
    # of 40: 9, 13 and 17 are 22.5, 32.5 and 42.5, to even 22, 32 and 42; 1 is 2.5; nothing is 1.5 or 2.0
    rows = ["v x a 22 40", "v x b 32 40", "v x c 42 40", "v x d 2.5 40", "v x e 1.5 40"]
    frame = published.implied_counts(printed(*rows), book(x="single"))
    assert list(frame["count"]) == [9, 13, 17, 1, 0]
    assert list(frame["verdict"]) == [published.ATTAINABLE] * 4 + [published.BY_DIFFERENCE]
    # of 40: 5 is 12.5, to even 12; the nine whole shares stand for 41 studies
    shares = [*["12"] * 4, *["22"] * 2, *["2"] * 3, "2.0"]
    rows = [f"v x {code} {share} 40" for code, share in zip("abcdefghij", shares, strict=True)]
    frame = published.implied_counts(printed(*rows), book(x="single"))
    assert list(frame["count"][:9]) == [5, 5, 5, 5, 9, 9, 1, 1, 1]
    assert frame["verdict"][9] == published.UNATTAINABLE


def test_versions_do_not_mix():
    frame = published.implied_counts(printed("v x a 78.0 59", "w x b 13.6 59", "v x c 8.4 59"), book(x="single"))
    assert published.BY_DIFFERENCE not in set(frame["verdict"])


def test_nothing_published():
    frame = published.implied_counts(printed(), book(x="single"))
    assert frame.empty
    assert str(frame["count"].dtype) == "Int64"


def test_what_changed_between_the_versions(real):
    frame = published.compare_versions(*real, "v1", "v2")
    pairs = list(zip(frame["dimension"], frame["category"], strict=True))
    assert pairs == list(V1)  # in the order of the codebook
    moved = dict(zip(frame["category"], frame["moved"], strict=True))
    changed = {code: count for code, count in moved.items() if count}
    assert changed == {"prompting": 1, "fine-tuning": -1, "human": -7}
    points = {code: change for code, change in by_category(frame, "points").items() if change}
    assert points == {"prompting": 1.7, "fine-tuning": -1.7, "human": -11.8}
    assert by_category(frame, "share_before")["human"] == 55.9
    assert by_category(frame, "share_after")["human"] == 44.1


def test_comparison_is_antisymmetric(real):
    there, back = published.compare_versions(*real, "v1", "v2"), published.compare_versions(*real, "v2", "v1")
    assert list(there["moved"]) == [-count for count in back["moved"]]
    assert list(there["count_before"]) == list(back["count_after"])


def test_a_value_that_one_version_lacks_has_not_moved(real):
    frame = published.compare_versions(*real, "v2", "news").set_index("category")
    assert list(frame.index) == [code for _, code in V2]
    missing = frame.loc[["fine-tuning", "specialized"]]
    assert missing[["share_after", "count_after", "moved", "points"]].isna().all(axis=None)
    assert list(missing["count_before"]) == [12, 3]
    assert (frame.drop(index=missing.index)["moved"] == 0).all()


def test_verdicts_are_words_that_a_reader_sees(real):
    assert set(published.implied_counts(*real)["verdict"]) == {"attainable", "by difference to 100"}
    frame = published.implied_counts(printed("v1 x a 9.0 59", "v1 x b 8.4 59"), book(x="multiple"))
    assert list(frame["verdict"]) == ["not attainable", "only by truncation"]


def test_counts_of_a_share_stand_in_order():
    # of 1024: 507 is 49.51 % and 517 is 50.49 %, 506 and 518 are beyond one half
    assert published.attainable("50", 1024).rounded == tuple(range(507, 518))


def test_a_comparison_stands_in_the_order_of_the_codebook_and_points_have_four_decimals():
    rows = ["old x c 33.333333 3", "old x a 66.666667 3", "new y b 50 4", "new x c 0 3", "new x a 66.666667 3", "old y b 25 4"]
    frame = published.compare_versions(printed(*rows), book(x="multiple", y="multiple"), "old", "new")
    assert list(frame.columns) == [
        *("dimension", "category", "share_before", "count_before", "share_after", "count_after", "moved", "points")
    ]
    assert list(frame["dimension"] + frame["category"]) == ["xa", "xc", "yb"]
    assert frame.index.tolist() == [0, 1, 2]
    assert frame["points"].tolist() == [0.0, -33.3333, 25.0]
    assert frame["moved"].tolist() == [0, -1, 1]


def test_every_count_that_truncation_prints_is_found_however_large_the_review_is():
    found = published.attainable("0.0", 10**6)
    assert found.counts["truncation"] == tuple(range(1000))
    assert found.rounded == tuple(range(501))  # 500 is half a unit, which half even rounds down


def test_the_rows_of_a_comparison_are_numbered_in_the_order_of_the_codebook():
    rows = ["old x a 50 4", "new x a 50 4", "old y b 25 4", "new y b 50 4"]
    frame = published.compare_versions(printed(*rows), book(y="multiple", x="multiple"), "old", "new")
    assert list(zip(frame.index, frame["dimension"], frame["moved"], strict=True)) == [(0, "y", 1), (1, "x", 0)]
