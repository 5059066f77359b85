"""Exact ranges against brute force over all subsets, and the properties that ranges must have."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review import bounds, corpus, recoding, scenarios, sensitivity
from review.bounds import Model
from review.errors import InfeasibleError, ReviewError, UnknownNameError
from review.selection import SIZE, Target

COLOURS = ("red", "blue")
LABELS = ("p", "q")


@st.composite
def pools(draw, free=False):
    """A pool of up to 9 studies with one exclusive and one multi-label dimension, and targets that one subset meets."""
    size = draw(st.integers(2, 6 if free else 9))
    unknown = st.none() if free else st.nothing()
    colours = draw(st.lists(st.sampled_from(COLOURS) | unknown, min_size=size, max_size=size))
    flags = [draw(st.lists(st.sampled_from([True, False, None]), min_size=size, max_size=size)) for _ in LABELS]
    states = {("colour", code): [None if colour is None else colour == code for colour in colours] for code in COLOURS}
    states |= {("label", code): column for code, column in zip(LABELS, flags, strict=True)}
    subset = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    wanted = [Target(*SIZE, sum(subset))]
    for dimension, code in states:
        if draw(st.booleans()):
            count = sum(taken and state is True for taken, state in zip(subset, states[dimension, code], strict=True))
            wanted.append(Target(dimension, code, count + draw(st.integers(0, 1)) * draw(st.integers(0, 1))))
    keys = tuple(f"s{index}" for index in range(size))
    return Model(keys, states, tuple(wanted), free, {"colour": COLOURS})


def worlds(model):
    """All ways to fill in what is unknown: one if unknown counts as not reported."""
    size = len(model.keys)
    if not model.free:
        yield {name: [state is True for state in column] for name, column in model.states.items()}
        return
    choices = []
    for study in range(size):
        known = [code for code in COLOURS if model.states["colour", code][study]]
        choices.append([("colour", study, code) for code in (known or COLOURS)])
        for code in LABELS:
            state = model.states["label", code][study]
            choices.append([(code, study, value) for value in ((True, False) if state is None else (state,))])
    for picks in itertools.product(*choices):
        filled = {name: [False] * size for name in model.states}
        for name, study, value in picks:
            if name == "colour":
                filled["colour", value][study] = True
            else:
                filled["label", name][study] = value
        yield filled


def brute(model, measure):
    """All values of a measure over all subsets (and worlds) that meet the targets."""
    found = set()
    for filled in worlds(model):
        for subset in itertools.product((False, True), repeat=len(model.keys)):

            def count(*conditions, filled=filled, subset=subset):
                columns = [filled[condition] for condition in conditions]
                return sum(taken and all(column[i] for column in columns) for i, taken in enumerate(subset))

            met = all(
                (sum(subset) if (target.dimension, target.category) == SIZE else count((target.dimension, target.category)))
                == target.count
                for target in model.targets
            )
            if met:
                found.add(measure(count))
    return {value for value in found if value is not None}


CONDITIONS = [
    [("colour", "red")],
    [("label", "p")],
    [("colour", "blue"), ("label", "q")],
    [("label", "p"), ("label", "q")],
]


@settings(max_examples=200, deadline=None)
@given(pools(), st.sampled_from(CONDITIONS))
def test_ranges_equal_brute_force(model, conditions):
    values = brute(model, lambda count: count(*conditions))
    if not values:
        with pytest.raises(InfeasibleError):
            model.bound(conditions)
        return
    found = model.bound(conditions)
    assert (found.low, found.high) == (min(values), max(values))
    for value, keys in ((found.low, found.at_low), (found.high, found.at_high)):
        taken = [key in keys for key in model.keys]
        columns = [[state is True for state in model.states[condition]] for condition in conditions]
        assert value == sum(all(row) for row in zip(taken, *columns, strict=True))


@settings(max_examples=60, deadline=None)
@given(pools(free=True), st.sampled_from(CONDITIONS))
def test_ranges_with_free_unknowns_equal_brute_force_over_all_worlds(model, conditions):
    values = brute(model, lambda count: count(*conditions))
    if not values:
        with pytest.raises(InfeasibleError):
            model.bound(conditions)
        return
    found = model.bound(conditions)
    assert (found.low, found.high) == (min(values), max(values))


@settings(max_examples=120, deadline=None)
@given(pools())
def test_ratios_equal_brute_force(model):
    part, whole = [("colour", "red"), ("label", "p")], [("label", "p")]

    def ratio(count):
        return Fraction(count(*part), count(*whole)) if count(*whole) else None

    values = brute(model, ratio)
    found = model.ratio(part, whole)
    if not values:
        assert found is None
        return
    assert (Fraction(*found.low), Fraction(*found.high)) == (min(values), max(values))


@settings(max_examples=80, deadline=None)
@given(pools())
def test_the_miss_of_an_infeasible_model_is_the_smallest(model):
    loose = Model(model.keys, model.states, model.targets[:1], False, model.exclusive)

    def distance(count):
        return sum(abs(count((t.dimension, t.category)) - t.count) for t in model.targets[1:])

    smallest = min(brute(loose, distance))
    text = bounds.misses(model)
    assert f"miss the counts by {smallest} in all" in text


@pytest.fixture(scope="module")
def loaded():
    return corpus.load()


@pytest.fixture(scope="module")
def ranges(loaded):
    return {version: sensitivity.compute_bounds(loaded, scenario=version) for version in ("v1", "v2")}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_published_categories_have_one_value_and_the_selection_lies_in_every_range(loaded, ranges, version):
    table = ranges[version]
    counts = loaded.implied[loaded.implied["version"] == version].set_index(["dimension", "category"])["count"]
    fixed = table[table["fixed"]].set_index(["dimension", "category"])
    assert len(fixed) == 9
    for place, row in fixed.iterrows():
        assert row["min"] == row["max"] == row["chosen"] == counts[place]
    assert (table["min"] <= table["chosen"]).all()
    assert (table["chosen"] <= table["max"]).all()
    assert set(loaded.codebook.dimensions) | {"year"} == set(table["dimension"])
    assert not table[~table["fixed"]].query("dimension == 'evaluation'").empty


def test_no_draw_lies_outside_a_range(loaded, ranges):
    """The full 10,000 draws are made by benchmarks/bounds.py; here 300 of another seed."""
    model = bounds.model(loaded, scenarios.parse(loaded, "v2"))
    place = {key: index for index, key in enumerate(model.keys)}
    names = list(zip(ranges["v2"]["dimension"], ranges["v2"]["category"], strict=True))
    matrix = np.array([[state is True for state in model.states[name]] for name in names])
    low, high = ranges["v2"]["min"].to_numpy(), ranges["v2"]["max"].to_numpy()
    draws = sensitivity.draw(model, 300, seed=7)
    assert len(set(draws)) > 250
    for keys in draws:
        counts = matrix[:, [place[key] for key in keys]].sum(axis=1)
        assert len(keys) == 59
        assert (low <= counts).all()
        assert (counts <= high).all()


def test_draws_are_the_same_for_the_same_seed(loaded):
    model = bounds.model(loaded, scenarios.parse(loaded, "v2"))
    assert sensitivity.draw(model, 3, seed=1) == sensitivity.draw(model, 3, seed=1) != sensitivity.draw(model, 3, seed=2)


def test_allowing_more_never_makes_a_range_smaller(loaded, ranges):
    for word in ("unverified", "unidentified", "free"):
        wider = sensitivity.compute_bounds(loaded, ["modality", "evaluation", "method"], f"v2+{word}")
        base = ranges["v2"].head(len(wider)).reset_index(drop=True)
        both = wider.merge(base, on=["dimension", "category"], suffixes=("", "_base"))
        assert (both["min"] <= both["min_base"]).all()
        assert (both["max"] >= both["max_base"]).all()


def test_the_exclusive_reading_clashes_and_says_by_how_many(loaded):
    with pytest.raises(InfeasibleError, match=r"miss the counts by \d+ in all: .*primary_evaluation"):
        sensitivity.compute_bounds(loaded, ["modality"], "v2+exclusive")
    table = sensitivity.compute_scenarios(loaded, [("evaluation", "downstream")])
    assert len(set(table["scenario"])) == 14
    infeasible = table[~table["feasible"]]
    assert {"v1+exclusive", "v2+exclusive"} <= set(infeasible["scenario"])
    assert infeasible["clash"].str.contains("miss the counts by").all()
    assert table.loc[table["feasible"], "min"].notna().all()


def test_without_the_difference_count_multimodal_is_still_what_is_left(loaded):
    """Every verified study has a modality, so the other two counts leave five; nothing else was assumed."""
    table = sensitivity.compute_bounds(loaded, ["modality"], "v2+no-difference").set_index("category")
    assert not table.loc["multimodal", "fixed"]
    assert (table.loc["multimodal", "min"], table.loc["multimodal", "max"]) == (5, 5)


@pytest.mark.parametrize("text", ["v2+nonsense", "v9", "v2+", "+free"])
def test_unknown_scenarios_are_refused(loaded, text):
    with pytest.raises(UnknownNameError):
        scenarios.parse(loaded, text)


def test_scenario_names_round_trip(loaded):
    for scenario in scenarios.standard(loaded):
        assert scenarios.parse(loaded, scenario.name) == scenario
    assert scenarios.parse(loaded, "v1+free+unverified").name == "v1+unverified+free"
    assert scenarios.parse(loaded).name == "v2"


def test_a_version_without_counts_is_refused(tmp_path, loaded):
    import shutil

    folder = tmp_path / "corpus"
    shutil.copytree(loaded.directory, folder, ignore=shutil.ignore_patterns("build"))
    (folder / "published.csv").unlink()
    (folder / "selection.csv").unlink()
    with pytest.raises((ReviewError, UnknownNameError)):
        sensitivity.compute_bounds(corpus.load(folder))


def test_cells_and_shares(loaded):
    table = sensitivity.compute_cell_bounds(loaded, "method", "modality", "v2").set_index(["row", "column"])
    assert (table["min"] <= table["max"]).all()
    assert (table["share_min"] <= table["share_max"]).all()
    frame = loaded.studies("v2")
    cell = ((frame["method"] == "prompting") & (frame["modality"] == "text")).sum()
    row = table.loc[("prompting", "text")]
    assert row["min"] <= cell <= row["max"]
    assert row["share_min"] == pytest.approx(row["min"] / 44)
    assert row["share_max"] == pytest.approx(row["max"] / 44)


def test_recodings_name_studies_of_the_selection(loaded):
    table = recoding.compute_recodings(loaded, "v2")
    assert len(table) == 18
    assert (table["recodings"] == 1).all()
    prompting = table[(table["category"] == "prompting") & (table["direction"] == 1)].iloc[0]
    assert (prompting["share"], prompting["next_share"]) == (74.58, 76.27)
    human = table[(table["category"] == "human") & (table["direction"] == 1)].iloc[0]
    assert human["open"] == 33  # the studies of the selection whose human label is unknown
    chosen = set(loaded.selections["v2"])
    for keys in table["keys"]:
        assert set(keys.split("; ")) - {""} <= chosen


def test_moves_list_the_studies_of_what_became_less(loaded):
    table = recoding.compute_moves(loaded, "v1", "v2")
    assert set(zip(table["category"], table["moved"], table["gained"], strict=True)) == {
        ("fine-tuning", -1, "prompting"),
        ("human", -7, ""),
    }
    frame = loaded.studies("all")
    assert set(table.loc[table["category"] == "fine-tuning", "key"]) == set(frame.loc[frame["method"] == "fine-tuning", "key"])
    for _, rows in table.groupby("category"):
        assert list(rows["doubt"]) == sorted(rows["doubt"], reverse=True)


def test_the_reading_list_is_ranked_and_reproducible(loaded):
    table = recoding.compute_reading_list(loaded, 20)
    assert list(table["rank"]) == list(range(1, 21))
    assert list(table["score"]) == sorted(table["score"], reverse=True)
    assert (table["score"] == table["pivotal"] + table["doubt"] + table["unknown"]).all()
    assert set(table["key"]) <= set(loaded.selections["pool"])
    assert table.equals(recoding.compute_reading_list(loaded, 20))


def test_doubt_counts_what_other_coders_said(loaded):
    table = recoding.compute_doubt(loaded).set_index(["key", "dimension", "category"])
    coding = loaded.coding
    row = table.loc[("belkadi2025generating", "method", "fine-tuning")]
    given_ = coding[(coding["key"] == "belkadi2025generating") & (coding["dimension"] == "method")].set_index("coder")["value"]
    assert given_["verifier"] == "fine-tuning"
    assert given_["a"] == given_["b"] == "specialized"
    assert row["doubt"] >= 6
    assert row["other"] == "specialized"
