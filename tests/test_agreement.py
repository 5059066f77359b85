import json
import math
import time
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review import agreement, corpus, paths
from review.errors import UnknownNameError

NAN = float("nan")
PAIRWISE = {
    "percent": agreement.percent_agreement,
    "kappa": agreement.cohen_kappa,
    "ac1": agreement.gwet_ac1,
    "alpha": lambda first, second: agreement.krippendorff_alpha(zip(first, second, strict=True)),
}


def spread(table):
    """Turn a table of counts (rows: first coder) into the codes of the two coders."""
    cells = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return [first for first, _ in cells], [second for _, second in cells]


def by_coder(*lines):
    """Turn one line of codes a coder, '*' for missing, into one list a unit."""
    return [[None if code == "*" else code for code in unit] for unit in zip(*(line.split() for line in lines), strict=True)]


def every(table):
    first, second = spread(table)
    return {name: function(first, second) for name, function in PAIRWISE.items()}


# Worked examples from the literature


def test_krippendorff_four_observers():
    # Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section C: 4 observers, 12 units, nominal alpha 0.743.
    # The twelfth unit has a single code and must not count.
    units = by_coder(
        "1 2 3 3 2 1 4 1 2 * * *",
        "1 2 3 3 2 2 4 1 2 5 * 3",
        "* 3 3 3 2 3 4 2 2 5 1 *",
        "1 2 3 3 2 4 4 1 2 5 1 *",
    )
    assert agreement.krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)
    # irrCAC 0.4.4, whose data set raw_4raters is this example, gives more digits.
    assert agreement.krippendorff_alpha(units) == pytest.approx(0.743421052632, abs=1e-12)


def test_krippendorff_three_coders():
    # Wikipedia, Krippendorff's alpha, "A computational example": 3 coders, 15 units, nominal alpha 0.691.
    units = by_coder(
        "* * * * * 3 4 1 2 1 1 3 3 * 3",
        "1 * 2 1 3 3 4 3 * * * * * * *",
        "* * 2 1 3 4 4 * 2 1 1 3 3 * 4",
    )
    assert agreement.krippendorff_alpha(units) == pytest.approx(0.691, abs=5e-4)


def test_gwet_abstractors():
    # K. Gwet, vignette "overview" of the R package irrCAC 1.0 (data of Gwet 2014, Handbook of Inter-Rater Reliability, 4th ed.):
    # 100 pregnancies by two abstractors. Printed: kappa 0.7964094, AC1 0.8493305, alpha 0.7972585, percent 0.89.
    values = every([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    assert values == pytest.approx({"percent": 0.89, "kappa": 0.7964094, "ac1": 0.8493305, "alpha": 0.7972585}, abs=5e-8)


def test_bonnardel_kappa():
    # P. Bonnardel, The Kappa coefficient (kappa.perso.worldonline.fr/kappa.txt): Po 0.770, Pe 0.336, kappa 0.654.
    values = every([[25, 3, 5], [6, 32, 8], [1, 0, 20]])
    assert values["percent"] == pytest.approx(0.77)
    assert values["kappa"] == pytest.approx(0.654, abs=5e-4)


# Tables by hand


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # po 14/20; pe .7 * .8 + .3 * .2 = .62; kappa .08/.38. Pooled share .75: AC1 (.7 - .375) / .625.
        # alpha: 12 codes apart, 40 codes, 30 and 10: 1 - 12 * 39 / (40**2 - 30**2 - 10**2) = 1 - 468/600.
        ([[12, 2], [4, 2]], {"percent": 0.7, "kappa": 8 / 38, "ac1": 0.325 / 0.625, "alpha": 0.22}),
        # The paradox: 118 of 125 alike, yet kappa is below 0. po 118/125; pe (123 * 120 + 2 * 5) / 125**2 = 14770/15625.
        # Pooled share 243/250: AC1 with pe 2 * 243 * 7 / 250**2. alpha: 1 - 14 * 249 / (250**2 - 243**2 - 7**2).
        (
            [[118, 5], [2, 0]],
            {
                "percent": 118 / 125,
                "kappa": (14750 - 14770) / (15625 - 14770),
                "ac1": (59000 - 3402) / (62500 - 3402),
                "alpha": 1 - 14 * 249 / 3402,
            },
        ),
        # Always apart: kappa -1; alpha 1 - 8 * 7 / (64 - 16 - 16); AC1 (0 - .5) / .5.
        ([[0, 2], [2, 0]], {"percent": 0.0, "kappa": -1.0, "ac1": -1.0, "alpha": 1 - 56 / 32}),
        # As chance has it: kappa 0; AC1 0.
        ([[5, 5], [5, 5]], {"percent": 0.5, "kappa": 0.0, "ac1": 0.0, "alpha": 1 - 20 * 39 / 800}),
    ],
)
def test_two_by_two(table, expected):
    assert every(table) == pytest.approx(expected)


# From irrCAC 0.4.4 (raw.CAC(...).gwet() and .krippendorff(), 12 digits; numpy 1.26.4, pandas 2.3.3), on tables drawn at random.
@pytest.mark.parametrize(
    ("table", "ac1", "alpha"),
    [
        ([[10, 2, 2], [1, 12, 0], [1, 2, 10]], 0.700304378366, 0.703147017379),
        ([[21, 1, 2, 1], [3, 24, 4, 3], [4, 2, 16, 2], [2, 2, 1, 32]], 0.70098747962, 0.698260544281),
        ([[27, 7], [4, 37]], 0.711790393013, 0.70334841629),
    ],
)
def test_irrcac(table, ac1, alpha):
    values = every(table)
    assert values["ac1"] == pytest.approx(ac1, abs=1e-11)
    assert values["alpha"] == pytest.approx(alpha, abs=1e-11)


def test_categories_that_nobody_used():
    # irrCAC 0.4.4, without categories and with categories=["x", "y", "z"]; a category that stands twice counts once.
    first, second = list("xxxxxxxxyy"), list("xxxxxxxyyy")
    assert agreement.gwet_ac1(first, second) == pytest.approx(0.84, abs=1e-11)
    assert agreement.gwet_ac1(first, second, ["x", "x", "y"]) == pytest.approx(0.84, abs=1e-11)
    assert agreement.gwet_ac1(first, second, ["x", "y", "z"]) == pytest.approx(0.876923076923, abs=1e-11)
    with pytest.raises(ValueError, match="'y' is not among the categories"):
        agreement.gwet_ac1(first, second, ["x", "z"])


# Undefined cases


@pytest.mark.parametrize("pair", [([], []), (["x", None], [None, "x"]), ([None, NAN], [pd.NA, None])])
def test_no_units(pair):
    assert all(math.isnan(function(*pair)) for function in PAIRWISE.values())
    assert math.isnan(agreement.gwet_ac1(*pair, categories=["x", "y"]))
    assert math.isnan(agreement.krippendorff_alpha([]))
    for statistic in agreement.STATISTICS:
        assert all(math.isnan(bound) for bound in agreement.bootstrap(statistic, zip(*pair, strict=True)))


def test_one_category():
    same = ["x"] * 5
    assert agreement.percent_agreement(same, same) == 1
    assert math.isnan(agreement.cohen_kappa(same, same))
    assert math.isnan(agreement.krippendorff_alpha([["x", "x", None], ["x", "x", "x"]]))
    assert math.isnan(agreement.gwet_ac1(same, same))
    assert math.isnan(agreement.gwet_ac1(same, same, ["x"]))
    assert agreement.gwet_ac1(same, same, ["x", "y"]) == 1


def test_one_coder_of_one_category():
    assert agreement.cohen_kappa(["x"] * 4, ["x", "x", "x", "y"]) == 0


def test_missing_codes_are_dropped_pairwise():
    first = ["x", "x", "y", "y", None, "z", "x"]
    second = ["x", "y", "y", "y", "x", NAN, pd.NA]
    for function in PAIRWISE.values():
        assert function(first, second) == function(first[:4], second[:4])


def test_an_empty_code_is_a_code():
    assert agreement.percent_agreement(["", ""], ["", "x"]) == 0.5


def test_lengths_must_match():
    for function in PAIRWISE.values():
        with pytest.raises(ValueError):
            function(["x"], ["x", "y"])


def test_ragged_units():
    assert agreement.krippendorff_alpha([["x", "y"], ["x", "x", "x"], ["y"], []]) == agreement.krippendorff_alpha(
        [["x", None, "y"], ["x", "x", "x"], [None, None, None]]
    )


# Against other packages, on random data

codes = st.sampled_from(["text", "tabular", "multimodal", ""])
pairs = st.lists(st.tuples(codes, codes), min_size=1, max_size=40)
ragged = st.integers(2, 5).flatmap(
    lambda coders: st.lists(st.lists(st.one_of(st.none(), codes), min_size=coders, max_size=coders), min_size=1, max_size=25)
)
loose = settings(deadline=None, max_examples=150)


@loose
@given(pairs)
def test_kappa_as_in_statsmodels_and_scikit_learn(units):
    from statsmodels.stats.inter_rater import cohens_kappa

    first, second = zip(*units, strict=True)
    mine = agreement.cohen_kappa(first, second)
    if len({*first, *second}) == 1:
        assert math.isnan(mine)
        return
    labels = sorted({*first, *second})
    table = np.zeros((len(labels), len(labels)))
    for one, two in units:
        table[labels.index(one), labels.index(two)] += 1
    assert mine == pytest.approx(float(cohens_kappa(table, return_results=False)))
    metrics = pytest.importorskip("sklearn.metrics")
    assert mine == pytest.approx(metrics.cohen_kappa_score(first, second))


@loose
@given(ragged)
def test_alpha_as_in_nltk(units):
    from nltk.metrics.agreement import AnnotationTask

    counted = [[code for code in unit if code is not None] for unit in units]
    counted = [unit for unit in counted if len(unit) > 1]
    mine = agreement.krippendorff_alpha(units)
    if len({code for unit in counted for code in unit}) < 2:
        assert math.isnan(mine)
        return
    data = [(coder, unit, code) for unit, row in enumerate(units) for coder, code in enumerate(row) if code is not None]
    assert mine == pytest.approx(AnnotationTask(data=data).alpha())


@loose
@given(pairs)
def test_ac1_by_its_definition(units):
    shares = pd.Series([code for unit in units for code in unit]).value_counts(normalize=True)
    first, second = zip(*units, strict=True)
    if len(shares) == 1:
        assert math.isnan(agreement.gwet_ac1(first, second))
        return
    chance = sum(share * (1 - share) for share in shares) / (len(shares) - 1)
    observed = sum(one == two for one, two in units) / len(units)
    assert agreement.gwet_ac1(first, second) == pytest.approx((observed - chance) / (1 - chance))


# Properties


def alike(first, second):
    return first == pytest.approx(second, nan_ok=True)


@loose
@given(pairs, st.permutations(["text", "tabular", "multimodal", ""]), st.randoms(use_true_random=False))
def test_names_order_and_side_do_not_matter(units, names, random):
    renamed = dict(zip(["text", "tabular", "multimodal", ""], names, strict=True))
    shuffled = random.sample(units, len(units))
    for function in PAIRWISE.values():
        value = function(*zip(*units, strict=True))
        assert alike(function(*zip(*[(two, one) for one, two in units], strict=True)), value)
        assert alike(function(*zip(*[(renamed[one], renamed[two]) for one, two in units], strict=True)), value)
        assert alike(function(*zip(*shuffled, strict=True)), value)
        assert math.isnan(value) or value <= 1


@loose
@given(ragged, st.randoms(use_true_random=False))
def test_alpha_does_not_depend_on_who_coded(units, random):
    mixed = [random.sample(unit, len(unit)) for unit in units]
    assert alike(agreement.krippendorff_alpha(mixed), agreement.krippendorff_alpha(units))


@given(st.lists(codes, min_size=1, max_size=30))
def test_perfect_agreement_is_one(values):
    for function in PAIRWISE.values():
        value = function(values, values)
        assert value == 1 or (len(set(values)) == 1 and math.isnan(value))


# Intervals

SAMPLE = list(zip(*spread([[40, 5, 1], [3, 25, 4], [2, 2, 18]]), strict=True))


@pytest.mark.parametrize("statistic", agreement.STATISTICS)
def test_interval(statistic):
    bounds = agreement.bootstrap(statistic, SAMPLE, seed=1)
    assert agreement.bootstrap(statistic, SAMPLE, seed=1) == bounds
    assert len({agreement.bootstrap(statistic, SAMPLE, seed=seed) for seed in range(8)}) > 1
    value = PAIRWISE[statistic](*zip(*SAMPLE, strict=True))
    assert bounds[0] < value < bounds[1]
    assert all(math.isnan(bound) for bound in agreement.bootstrap(statistic, SAMPLE, resamples=0))


@pytest.mark.parametrize("statistic", agreement.STATISTICS)
def test_interval_as_with_drawn_units(statistic):
    # The plain way: draw units one by one and compute the coefficient of each sample.
    rng = np.random.default_rng(5)
    drawn = [[SAMPLE[index] for index in rng.integers(0, len(SAMPLE), len(SAMPLE))] for _ in range(1500)]
    values = [PAIRWISE[statistic](*zip(*units, strict=True)) for units in drawn]
    expected = np.quantile(values, [0.025, 0.975])
    assert agreement.bootstrap(statistic, SAMPLE, seed=3, resamples=20000) == pytest.approx(tuple(expected), abs=0.02)


def test_interval_of_alpha_with_missing_codes():
    rng = np.random.default_rng(0)
    units = [[None if rng.random() < 0.2 else code for code in (rng.integers(3),) * 4] for _ in range(60)]
    units = [[code if rng.random() < 0.9 else 0 for code in unit] for unit in units]
    low, high = agreement.bootstrap("alpha", units, seed=0)
    assert low < agreement.krippendorff_alpha(units) < high
    assert high - low < 0.3


def test_interval_holds_95_percent():
    # 8,000 of 10,000 units alike: standard error .004, normal bounds .8 -+ 1.96 * .004.
    units = [("x", "x")] * 4000 + [("y", "y")] * 4000 + [("x", "y")] * 2000
    bounds = agreement.bootstrap("percent", units, resamples=20000)
    assert bounds == pytest.approx((0.8 - 0.00784, 0.8 + 0.00784), abs=0.0004)


def test_units_without_a_pair_are_not_drawn():
    assert agreement.bootstrap("kappa", [*SAMPLE, ("x", None), (None, None)]) == agreement.bootstrap("kappa", SAMPLE)


def test_no_interval_without_disagreement():
    units = [("x", "x")] * 50 + [("y", "y")] * 50
    for statistic in agreement.STATISTICS:
        assert all(math.isnan(bound) for bound in agreement.bootstrap(statistic, units))


def test_no_interval_where_too_many_resamples_are_undefined():
    # A label that both gave to k of 100 studies and one of them to no other: (1 - k/100)**100 of the resamples lack it.
    def units(count):
        return [("x", "x")] * count + [("x", "y")] + [("y", "y")] * (99 - count)

    assert all(math.isnan(bound) for bound in agreement.bootstrap("kappa", units(2)))  # 3 units with x: 4.8 % lack it
    low, high = agreement.bootstrap("kappa", units(4))  # 5 units with x: 0.6 % lack it
    assert low < high == 1
    low, high = agreement.bootstrap("percent", units(2))
    assert low < 0.99 < high


def test_ac1_keeps_its_categories_in_every_resample():
    units = [("x", "x")] * 30 + [("y", "x")] * 5 + [("z", "z")]
    named = agreement.bootstrap("ac1", units, categories=["x", "y", "z"])
    assert agreement.bootstrap("ac1", units) == named
    assert agreement.bootstrap("ac1", units, categories=["x", "y", "z", "w"]) > named


def test_bootstrap_refuses():
    with pytest.raises(UnknownNameError, match="no statistic named 'fleiss' -> choose one of: percent, kappa, alpha, ac1"):
        agreement.bootstrap("fleiss", SAMPLE)
    with pytest.raises(ValueError, match="kappa compares two coders, there are 3 -> use alpha"):
        agreement.bootstrap("kappa", [("x", "x", "y")])


def test_bootstrap_is_fast():
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for _, statistic in product(range(10), agreement.STATISTICS):
        agreement.bootstrap(statistic, [tuple(rng.integers(0, 5, 2)) for _ in range(190)])
    assert time.perf_counter() - start < 5


# The pool, as counted in its README

POOL = [
    ("modality", 190, 0.984),
    ("method", 187, 0.939),
    ("intrinsic", 185, 0.919),
    ("human", 190, 0.985),
    ("llm", 189, 0.911),
    ("downstream", 186, 0.929),
]


@pytest.fixture(scope="module")
def pool():
    return json.loads((paths.DATA / "build" / "evidence" / "pool.json").read_text(encoding="utf-8"))


def pool_codes(pool, name, coder):
    if name in ("modality", "method"):
        return [row[coder][name] or "" for row in pool]
    return [row[coder]["evaluation"][name] is True for row in pool]


@pytest.mark.parametrize(("name", "agreed", "kappa"), POOL)
def test_raw_agreement_of_the_pool(pool, name, agreed, kappa):
    # null is a code of its own in modality and method; of the flags only "true" and "not true" were told apart.
    first, second = (pool_codes(pool, name, coder) for coder in ("coder_a", "coder_b"))
    assert len(pool) == 191
    assert agreement.percent_agreement(first, second) * 191 == pytest.approx(agreed)
    assert agreement.cohen_kappa(first, second) == pytest.approx(kappa, abs=5e-4)


def test_human_flag_of_the_pool_with_null_apart_from_false(pool):
    # Here the README's count and unknown="category" differ: twice one coder has null and the other false.
    first, second = ([str(row[coder]["evaluation"]["human"]) for row in pool] for coder in ("coder_a", "coder_b"))
    assert agreement.percent_agreement(first, second) * 191 == pytest.approx(188)
    assert agreement.cohen_kappa(first, second) == pytest.approx(0.9549, abs=5e-5)


def test_method_of_the_pool_without_null(pool):
    first, second = ([row[coder]["method"] for row in pool] for coder in ("coder_a", "coder_b"))
    assert agreement.percent_agreement(first, second) == pytest.approx(186 / 189)
    assert agreement.cohen_kappa(first, second) == pytest.approx(0.9525, abs=5e-5)


# A tiny corpus, by hand

CODES = {
    ("modality", "a"): ["text", "text", "text", "tabular", "tabular", ""],
    ("modality", "b"): ["text", "text", "tabular", "tabular", "tabular", "text"],
    ("evaluation", "a"): ["human", "human", "llm", "not human", "not human", "llm"],
    ("evaluation", "b"): ["human", "llm", "llm", "", "not human", None],
    ("generator", "a"): ["gpt", "gpt llama", "", "llama", "gpt", "gpt"],
    ("generator", "b"): ["gpt", "gpt", "gpt", "llama", "llama", "not gpt"],
    ("technique", "a"): ["seeds"] * 6,
    ("technique", "consensus"): ["seeds"] * 6,
    ("evaluation", "consensus"): ["human", "human llm", "", "not llm", "not human", None],
    ("generator", "consensus"): ["gpt", "gpt llama", "", "not gpt", "llama", None],
    ("modality", "consensus"): ["text", "tabular", "", "text", "text", None],
}
DIMENSIONS = {
    "modality": ("single", "unknown", ["text", "tabular"]),
    "evaluation": ("multiple", "unknown", ["human", "llm"]),
    "generator": ("multiple", "unlisted", ["gpt", "llama", "other"]),
    "technique": ("multiple", "unlisted", ["seeds"]),
}


def split(cell):
    """Return the values of one cell of CODES; no row for None."""
    if cell is None:
        return []
    return [cell] if cell.startswith("not ") else cell.split(" ")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    entries = [
        f"@article{{k{n},\n  title = {{Study {n}}},\n  author = {{Doe, Jo}},\n  year = {{202{n}}},\n}}\n" for n in range(1, 7)
    ]
    (folder / paths.BIBLIOGRAPHY).write_text("\n".join(entries), encoding="utf-8")
    lines = {"title": "T", "definition": "D", "include": "I", "exclude": "E"}
    dimensions = {
        name: {"title": name, "definition": name, "kind": kind, "absence": absence, "categories": dict.fromkeys(labels, lines)}
        for name, (kind, absence, labels) in DIMENSIONS.items()
    }
    book = {"review": {"title": "T", "citation": "C"}, "dimensions": dimensions}
    (folder / paths.CODEBOOK).write_text(json.dumps(book), encoding="utf-8")  # JSON is YAML
    rows = ["key,dimension,coder,value,confidence,evidence,source,scope"]
    for (dimension, coder), cells in CODES.items():
        rows += [f"k{n},{dimension},{coder},{value},,,," for n, cell in enumerate(cells, start=1) for value in split(cell)]
    (folder / paths.CODING).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return corpus.load(folder)


def cells(table, *columns):
    return {tuple(row[:2]): tuple(row[2:]) for row in table[["dimension", "label", *columns]].itertuples(index=False)}


COUNTS = ("units", "agreed", "unknown_1", "unknown_2")
SHARES = ("percent", "kappa", "prevalence_1", "prevalence_2")


def test_rows_and_columns(tiny):
    table = agreement.compute_agreement(tiny, resamples=50)
    intervals = [f"{name}{end}" for name in ("percent", "kappa", "alpha", "ac1") for end in ("", "_low", "_high")]
    first = ["dimension", "label", "coder_1", "coder_2", "units", "agreed"]
    assert list(table.columns) == [*first, *intervals, "prevalence_1", "prevalence_2", "unknown_1", "unknown_2"]
    # Every label of the vocabulary, whether used or not; technique was coded by a only.
    assert list(cells(table)) == [
        ("modality", ""),
        ("evaluation", "human"),
        ("evaluation", "llm"),
        ("generator", "gpt"),
        ("generator", "llama"),
        ("generator", "other"),
    ]
    assert set(table["coder_1"] + table["coder_2"]) == {"ab"}
    assert {str(table[name].dtype) for name in COUNTS} == {"int64"}
    assert "consistency, not validity" in agreement.compute_agreement.__doc__


def test_unknown_as_a_category(tiny):
    table = agreement.compute_agreement(tiny, resamples=50)
    assert cells(table, *COUNTS) == {
        ("modality", ""): (6, 4, 1, 0),  # apart: k3, and k6 where a is unknown
        ("evaluation", "human"): (5, 3, 1, 3),  # a: X X ? n n; b: X ? ? ? n; k6 was not coded by b
        ("evaluation", "llm"): (5, 4, 4, 3),  # a: ? ? X ? ?; b: ? X X ? ?
        ("generator", "gpt"): (6, 3, 1, 0),  # a: X X ? n X X; b: X X X n n n
        ("generator", "llama"): (6, 2, 1, 1),  # a: n X ? X n n; b: n n n X X ?
        ("generator", "other"): (6, 4, 1, 1),  # a: n n ? n n n; b: n n n n n ?
    }
    expected = {
        ("modality", ""): (4 / 6, (24 - 15) / (36 - 15), NAN, NAN),
        ("evaluation", "human"): (3 / 5, (15 - 7) / (25 - 7), 2 / 5, 1 / 5),
        ("evaluation", "llm"): (4 / 5, (20 - 14) / (25 - 14), 1 / 5, 2 / 5),
        ("generator", "gpt"): (3 / 6, (18 - 15) / (36 - 15), 4 / 6, 3 / 6),
        ("generator", "llama"): (2 / 6, (12 - 14) / (36 - 14), 2 / 6, 2 / 6),
        ("generator", "other"): (4 / 6, (24 - 26) / (36 - 26), 0, 0),
    }
    found = cells(table, *SHARES)
    for place, values in expected.items():
        assert alike(list(found[place]), list(values)), place
    row = table.iloc[0]
    assert row["alpha"] == pytest.approx(1 - 4 * 11 / (144 - 36 - 25 - 1))  # text 6, tabular 5, unknown 1 of 12 codes
    assert row["ac1"] == pytest.approx((96 - 41) / (144 - 41))  # three categories: chance (36 + 35 + 11) / 144 / 2


def test_unknown_as_missing(tiny):
    table = agreement.compute_agreement(tiny, resamples=50, unknown="missing")
    assert cells(table, *COUNTS) == {
        ("modality", ""): (5, 4, 1, 0),
        ("evaluation", "human"): (2, 2, 1, 3),  # k1 and k5
        ("evaluation", "llm"): (1, 1, 4, 3),  # k3
        ("generator", "gpt"): (5, 3, 1, 0),
        ("generator", "llama"): (4, 2, 1, 1),
        ("generator", "other"): (4, 4, 1, 1),
    }
    expected = {
        ("modality", ""): (4 / 5, (20 - 12) / (25 - 12), NAN, NAN),
        ("evaluation", "human"): (1, 1, 1 / 2, 1 / 2),
        ("evaluation", "llm"): (1, NAN, 1, 1),
        ("generator", "gpt"): (3 / 5, (15 - 11) / (25 - 11), 4 / 5, 2 / 5),
        ("generator", "llama"): (2 / 4, (8 - 8) / (16 - 8), 2 / 4, 2 / 4),
        ("generator", "other"): (1, NAN, 0, 0),
    }
    found = cells(table, *SHARES)
    for place, values in expected.items():
        assert alike(list(found[place]), list(values)), place
    row = table.iloc[0]
    assert row["alpha"] == pytest.approx(1 - 2 * 9 / (100 - 25 - 25))
    assert row["ac1"] == pytest.approx((0.8 - 0.5) / 0.5)
    assert table.set_index("label").loc["other", ["kappa", "alpha", "ac1"]].isna().all()


def test_intervals_of_the_table(tiny):
    table = agreement.compute_agreement(tiny, seed=4)
    pd.testing.assert_frame_equal(agreement.compute_agreement(tiny, seed=4), table)
    other = agreement.compute_agreement(tiny, seed=5)
    moved = [name for name in table.columns if not table[name].equals(other[name])]
    assert set(moved) <= {f"{name}_{end}" for name in agreement.STATISTICS for end in ("low", "high")}
    assert moved
    units = list(zip(CODES["modality", "a"], CODES["modality", "b"], strict=True))
    for name in agreement.STATISTICS:
        bounds = agreement.bootstrap(name, units, seed=4)
        assert tuple(table.loc[0, [f"{name}_low", f"{name}_high"]]) == pytest.approx(bounds)
        assert bounds[0] <= table.loc[0, name] <= bounds[1]


def test_coders_in_the_other_order(tiny):
    table, turned = (agreement.compute_agreement(tiny, coders, resamples=50) for coders in ("ab", ("b", "a")))
    for name in ("units", "agreed", *agreement.STATISTICS):
        assert alike(list(turned[name]), list(table[name]))
    assert alike(list(turned["prevalence_1"]), list(table["prevalence_2"]))
    assert list(turned["unknown_1"]) == list(table["unknown_2"])
    assert set(turned["coder_1"]) == {"b"}


def test_selection_and_filter(tiny):
    table = agreement.compute_agreement(tiny, where="year >= 2024", resamples=50)
    assert table["units"].tolist() == [3, 2, 2, 3, 3, 3]
    assert table["agreed"].tolist() == [2, 1, 2, 1, 1, 2]
    nothing = agreement.compute_agreement(tiny, where="year >= 2099", resamples=50)
    assert nothing["units"].tolist() == [0] * 6
    assert nothing[[*agreement.STATISTICS, "kappa_low", "prevalence_1"]].isna().all(axis=None)
    with pytest.raises(UnknownNameError, match="no selection named 'best'"):
        agreement.compute_agreement(tiny, selection="best")


def test_no_shared_dimension_gives_an_empty_table(tiny):
    coding = tiny.coding[lambda frame: (frame["coder"] == "a") == (frame["dimension"] == "modality")]
    alone = corpus.Corpus(
        tiny.directory, tiny.codebook, "", tiny.references, {**tiny._tables, paths.CODING: coding.assign(line=0)}
    )
    table = agreement.compute_agreement(alone)
    assert table.empty
    assert "kappa_low" in table.columns
    assert list(agreement.raw_disagreements(alone).columns) == ["key", "dimension", "label", "value_1", "value_2"]


def test_names_that_do_not_exist(tiny):
    with pytest.raises(UnknownNameError, match="no coder named 'c' -> choose one of: a, b, consensus"):
        agreement.compute_agreement(tiny, coders=("a", "c"))
    with pytest.raises(UnknownNameError, match="no treatment of unknown codes named 'no' -> choose one of: category, missing"):
        agreement.raw_disagreements(tiny, unknown="no")


def test_disagreements(tiny):
    table = agreement.raw_disagreements(tiny)
    assert [tuple(row) for row in table.itertuples(index=False)] == [
        ("k3", "modality", "", "text", "tabular"),
        ("k6", "modality", "", "", "text"),
        ("k2", "evaluation", "human", "human", ""),
        ("k4", "evaluation", "human", "not human", ""),
        ("k2", "evaluation", "llm", "", "llm"),
        ("k3", "generator", "gpt", "", "gpt"),
        ("k5", "generator", "gpt", "gpt", "not gpt"),
        ("k6", "generator", "gpt", "gpt", "not gpt"),
        ("k2", "generator", "llama", "llama", "not llama"),
        ("k3", "generator", "llama", "", "not llama"),
        ("k5", "generator", "llama", "not llama", "llama"),
        ("k6", "generator", "llama", "not llama", ""),
        ("k3", "generator", "other", "", "not other"),
        ("k6", "generator", "other", "not other", ""),
    ]
    missing = agreement.raw_disagreements(tiny, unknown="missing")
    assert [tuple(row) for row in missing.itertuples(index=False)] == [
        row for row in table.itertuples(index=False, name=None) if "" not in row[3:]
    ]


@pytest.mark.parametrize("unknown", agreement.UNKNOWN)
def test_disagreements_are_those_of_the_table(tiny, unknown):
    table = agreement.compute_agreement(tiny, resamples=10, unknown=unknown)
    listed = agreement.raw_disagreements(tiny, unknown=unknown).groupby(["dimension", "label"]).size()
    apart = (table["units"] - table["agreed"]).to_numpy()
    places = pd.MultiIndex.from_frame(table[["dimension", "label"]])
    assert listed.reindex(places, fill_value=0).tolist() == apart.tolist()


def test_answers_mean_what_the_corpus_says(tiny):
    # Corpus.studies reads the consensus codes by the same rules.
    studies = tiny.studies().set_index("key")
    seen = 0
    for item in agreement._compare(tiny, ("consensus", "consensus"), "all", "", "category"):
        name = corpus.flag(item.dimension, item.label) if item.label else item.dimension
        for key, answer, _ in item.answers:
            state = studies.loc[key, name]
            known = state if not item.label or pd.isna(state) else item.label if state else f"not {item.label}"
            assert answer == ("" if pd.isna(state) else known), (name, key)
            seen += 1
    assert seen == 5 + 2 * 5 + 3 * 5 + 6


def test_what_is_left_out_is_what_the_description_says(tiny):
    units = [tuple(pair) for pair in np.random.default_rng(0).integers(0, 3, (97, 2))]
    assert agreement.bootstrap("kappa", units) == agreement.bootstrap("kappa", units, seed=0, resamples=2000)
    assert agreement.bootstrap("kappa", units) != agreement.bootstrap("kappa", units, seed=0, resamples=1999)
    every = agreement.compute_agreement(tiny, ("a", "b"), "all", "", seed=0, resamples=2000, unknown="category")
    pd.testing.assert_frame_equal(agreement.compute_agreement(tiny), every)
    listed = agreement.raw_disagreements(tiny, ("a", "b"), "all", "", unknown="category")
    pd.testing.assert_frame_equal(agreement.raw_disagreements(tiny), listed)


def test_a_dimension_that_one_coder_lacks_hides_none_of_the_others(tiny):
    coding = tiny.coding[lambda frame: (frame["coder"] != "b") | (frame["dimension"] != "modality")].assign(line=0)
    without = corpus.Corpus(tiny.directory, tiny.codebook, "", tiny.references, {**tiny._tables, paths.CODING: coding})
    assert list(dict.fromkeys(agreement.compute_agreement(without, resamples=10)["dimension"])) == ["evaluation", "generator"]


def test_one_listed_label_is_enough_for_the_others_to_be_denied(tiny):
    book = tiny.codebook["generator"]
    assert agreement._answer(book, "other", ["gpt", "not llama"]) == "not other"
    assert agreement._answer(book, "other", ["not llama"]) == ""
    assert agreement._answer(book, "llama", ["not llama"]) == "not llama"
    assert agreement._answer(tiny.codebook["evaluation"], "llm", ["human"]) == ""


def test_the_bounds_of_resamples_by_hand():
    # quantiles between ordered values: 2.5 % of the way from 0 to 1, and so on
    assert agreement._bounds(np.array([1.0, 0.0])) == pytest.approx((0.025, 0.975))
    assert agreement._bounds(np.array([*range(41), NAN])) == pytest.approx((1.0, 39.0))
    # undefined in 1 of 40, which is 2.5 %, and in 2 of 79, which is more
    assert agreement._bounds(np.array([*range(39), NAN])) == pytest.approx((0.025 * 38, 0.975 * 38))
    assert all(math.isnan(bound) for bound in agreement._bounds(np.array([*range(77), NAN, NAN])))
    for values in ([], [NAN], [1.0], [1.0, 1.0]):
        assert all(math.isnan(bound) for bound in agreement._bounds(np.array(values)))


def test_a_coder_without_a_name_is_compared_with_nobody(tiny):
    # a corpus that nobody coded for themselves has no two coders to name
    for coders in (("", ""), ("a", ""), ("", "b")):
        assert agreement.compute_agreement(tiny, coders).empty
        assert agreement.raw_disagreements(tiny, coders).empty
