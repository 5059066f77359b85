"""Joint counts: every study once, unknown on its own, ranges as a search through all selections finds them."""

from __future__ import annotations

import itertools
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review import bounds, corpus, joint, map_table, scenarios, sensitivity, swarm
from review.errors import UnknownNameError

DIMENSIONS = ("modality", "method", "evaluation")


def counts(table, *names):
    """The strata that have studies, with their counts."""
    rows = table[table["count"] > 0]
    return dict(zip(zip(*(rows[name] for name in names), strict=True), rows["count"], strict=True))


@pytest.fixture
def open_tiny(damage):
    """The tiny corpus with five candidates, of which two sets of four meet the published counts."""
    bea = "@inproceedings{brown2019sleep,\n"
    damage("bibliography.bib", bea, f"{bea}  doi = {{10.1000/brown}},\n")
    damage("bibliography.bib", "  howpublished = {Preprint},\n", "  howpublished = {Preprint},\n  doi = {10.1000/evans},\n")
    damage("published.csv", "first,outcome,pain,75.0,4", "first,outcome,pain,50.0,4")
    return corpus.load(damage("selection.csv", "first,diaz2020work,calibrated", "first,evans2021home,calibrated"))


# Counts


def test_cells_are_counted_by_hand(small):
    table = joint.compute_cells(small, "design", "setting", "all")
    assert counts(table, "row", "column") == {
        ("cohort", "hospital"): 2,
        ("cohort", "at home"): 1,
        ("trial", "hospital; at home"): 1,
        ("survey", ""): 1,
        ("", ""): 1,
    }
    assert list(dict.fromkeys(table["row"])) == ["cohort", "trial", "survey", ""], "codebook first, unknown last"
    assert list(dict.fromkeys(table["column"])) == ["hospital", "at home", "hospital; at home", ""]
    assert len(table) == 16, "empty cells are rows too"
    both = table[(table["row"] == "cohort") & (table["column"] == "hospital")].iloc[0]
    assert both["keys"] == "adams2018pain; evans2021home"
    assert both["share"] == pytest.approx(2 / 6)
    assert (both["low"], both["high"]) == pytest.approx((0.0968, 0.7000), abs=1e-4), "Wilson interval of 2 of 6"


def test_combinations_are_exact_and_say_what_stays_open(small):
    table = joint.compute_joint(small, "design", "setting", "outcome", "all")
    assert counts(table, "row", "labels") == {
        ("cohort", "pain; sleep"): 1,
        ("cohort", "pain"): 1,
        ("cohort", ""): 1,
        ("trial", "pain"): 1,
        ("survey", "mood-score"): 1,
        ("", ""): 1,
    }
    still = dict(zip(table["keys"], table["open"], strict=True))
    assert still["adams2018pain"] == 0, "pain and sleep, and mood is known not to apply"
    assert still["brown2019sleep"] == 1, "mood is not known"
    assert still["fox2022clinic"] == 1
    assert dict(zip(table["labels"], table["size"], strict=True))["pain; sleep"] == 2


def test_a_listed_absence_leaves_nothing_open(small):
    table = joint.compute_joint(small, "design", "outcome", "setting", "all")
    still = dict(zip(table["keys"], table["open"], strict=True))
    assert still["adams2018pain"] == 0, "unlisted settings do not apply"
    assert still["chen2020mood"] == 1, "no setting is known"


def test_gaps_count_each_label_and_the_unknown(small):
    table = joint.compute_gaps(small, "design", "setting", "outcome", "all")
    hospital = table[(table["row"] == "cohort") & (table["column"] == "hospital")].set_index("label")
    assert hospital["count"].to_dict() == {"pain": 1, "sleep": 1, "mood-score": 0, "": 1}
    assert hospital["unknown"].to_dict() == {"pain": 1, "sleep": 1, "mood-score": 1, "": 0}
    assert hospital["verdict"].to_dict() == {
        "pain": joint.FILLED,
        "sleep": joint.FILLED,
        "mood-score": joint.EMPTY,
        "": joint.FILLED,
    }
    assert set(table["verdict"]) <= set(joint.VERDICTS)
    assert (hospital["cell"] == 2).all()


def test_a_label_that_all_studies_have_needs_no_row_for_the_unknown(small):
    table = joint.compute_gaps(small, "design", "setting", "outcome", "all", where='design == "trial"')
    assert set(table["label"]) == {"pain", "sleep", "mood-score"}


@pytest.mark.parametrize("selection", ["v1", "v2", "pool", "all"])
def test_every_study_is_counted_once(real, selection):
    studies = real.studies(selection)
    cells = joint.compute_cells(real, *DIMENSIONS[:2], selection)
    table = joint.compute_joint(real, *DIMENSIONS, selection)
    for found in (cells, table):
        assert found["count"].sum() == len(studies)
        keys = [key for keys in found["keys"] for key in keys.split("; ") if key]
        assert sorted(keys) == sorted(studies["key"])
        assert (found["total"] == len(studies)).all()
    sums = table.groupby(["row", "column"])["count"].sum()
    assert {place: count for place, count in sums.items() if count} == counts(cells, "row", "column")


def test_margins_are_those_of_the_published_counts(real):
    cells = joint.compute_cells(real, *DIMENSIONS[:2], "v2")
    assert cells.groupby("row")["count"].sum().to_dict() == {"text": 46, "tabular": 8, "multimodal": 5}
    assert cells.groupby("column")["count"].sum().to_dict() == {"prompting": 44, "fine-tuning": 12, "specialized": 3}
    gaps = joint.compute_gaps(real, *DIMENSIONS, "v2")
    labels = gaps.groupby("label")["count"].sum()
    assert labels[["intrinsic", "human", "llm"]].to_dict() == {"intrinsic": 16, "human": 26, "llm": 8}


def test_status_never_says_by_construction(real):
    assert set(joint.compute_joint(real, *DIMENSIONS, "v2")["status"]) == {"not published"}
    assert set(joint.compute_joint(real, *DIMENSIONS, "pool")["status"]) == {"purposive sample"}


def test_no_studies_give_empty_tables(real):
    where = "year >= 2090"
    assert joint.compute_joint(real, *DIMENSIONS, where=where).empty
    cells = joint.compute_cells(real, *DIMENSIONS[:2], where=where)
    assert cells["count"].sum() == 0
    assert cells["share"].isna().all()
    assert map_table.compute_map(real, *DIMENSIONS, where=where).empty


def test_an_unknown_dimension_is_refused(real):
    with pytest.raises(UnknownNameError, match="colour"):
        joint.codes(real, "colour")


# Ranges


def test_ranges_are_what_a_search_through_all_selections_finds(open_tiny):
    studies = open_tiny.studies("pool").set_index("key")
    meeting = []
    for keys in itertools.combinations(studies.index, 4):
        part = studies.loc[list(keys)]
        designs = part["design"].value_counts().to_dict()
        pain = part["outcome_pain"].fillna(False).sum()
        if designs == {"cohort": 2, "trial": 1, "survey": 1} and pain == 2:
            meeting.append(part)
    assert len(meeting) == 2, "adams or diaz, with brown, chen and evans"
    names = ("design", "setting", "outcome")
    table = joint.compute_joint(open_tiny, *names)
    for row in table.itertuples():
        found = [
            sum(
                (one["design"], one["setting"], one["outcome"]) == (row.row, row.column, row.labels)
                for _, one in part.fillna("").iterrows()
            )
            for part in [chosen[list(names)].astype(object) for chosen in meeting]
        ]
        assert (row.min, row.max) == (min(found), max(found)), row
    assert table["scenario"].eq("first").all()
    possible = table[table["count"] == 0]
    assert possible["labels"].tolist() == ["pain"], "diaz is in the other selection only"
    gaps = joint.compute_gaps(open_tiny, *names).set_index(["row", "column", "label"])
    assert gaps.loc[("trial", "hospital; at home", "pain"), "verdict"] == joint.ALWAYS
    assert gaps.loc[("cohort", "hospital", "sleep"), "verdict"] == joint.SOMETIMES
    assert gaps.loc[("survey", "hospital", "pain"), "verdict"] == joint.NEVER


def test_ranges_of_cells_agree_with_the_model_of_conditions(real):
    mine = joint.compute_cells(real, *DIMENSIONS[:2], "v2").set_index(["row", "column"])[["min", "max"]]
    other = sensitivity.compute_cell_bounds(real, *DIMENSIONS[:2], "v2").set_index(["row", "column"])[["min", "max"]]
    pd.testing.assert_frame_equal(mine.astype(int), other.astype(int))


def test_ranges_of_labels_agree_with_the_model_of_conditions(real):
    model = bounds.model(real, scenarios.parse(real, "v2"))
    gaps = joint.compute_gaps(real, *DIMENSIONS, "v2")
    for row in gaps[(gaps["row"] == "tabular") & (gaps["label"] != "")].itertuples():
        bound = model.bound([("modality", row.row), ("method", row.column), ("evaluation", row.label)])
        assert (row.min, row.max) == (bound.low, bound.high)


@pytest.mark.parametrize("selection", ["v1", "v2"])
def test_the_chosen_selection_lies_in_its_ranges(real, selection):
    for table in (joint.compute_joint(real, *DIMENSIONS, selection), joint.compute_gaps(real, *DIMENSIONS, selection)):
        assert (table["min"] <= table["count"]).all()
        assert (table["count"] <= table["max"]).all()
        assert set(table["scenario"]) == {selection}


@pytest.mark.parametrize(
    ("selection", "where", "words"),
    [("pool", "", "not chosen"), ("v2", "year >= 2024", "filtered"), ("default", "", "scenario v2")],
)
def test_what_has_no_ranges_says_why(real, selection, where, words):
    span = joint.reach(real, selection, where)
    assert words in span.note
    if words != "scenario v2":
        assert span.span([True]) == (None, None)
        assert joint.compute_cells(real, *DIMENSIONS[:2], selection, where)["min"].isna().all()


def test_listed_and_impossible_selections_say_so(small):
    assert "listed" in joint.reach(small, "authors").note
    assert "there are only 3 candidates" in joint.reach(small, "first").note
    table = joint.compute_cells(small, "design", "setting", "first")
    assert table["max"].isna().all()
    assert set(table["scenario"]) == {""}


def test_another_scenario_can_be_asked_for(real):
    base = joint.compute_cells(real, *DIMENSIONS[:2], "v2").set_index(["row", "column"])
    wide = joint.compute_cells(real, *DIMENSIONS[:2], "v2", scenario="v2+unverified").set_index(["row", "column"])
    assert (wide["min"] <= base["min"]).all()
    assert (wide["max"] >= base["max"]).all()
    assert set(wide["scenario"]) == {"v2+unverified"}


# The map as a table


def test_the_map_lists_studies_with_what_their_codes_rest_on(small):
    table = map_table.compute_map(small, "design", "setting", "outcome", "all")
    assert table["key"].tolist()[0] == "adams2018pain"
    assert table["key"].tolist()[-1] == "fox2022clinic", "no year: last"
    rows = table.set_index("key")
    adams, brown, evans = (rows.loc[key] for key in ("adams2018pain", "brown2019sleep", "evans2021home"))
    assert adams["row_evidence"] == "verifier: a register was followed (full text)"
    assert brown["row_evidence"] == "a: allocated (abstract)"
    assert evans["row_evidence"] == "", "nobody's wording is kept"
    assert (adams["labels"], adams["not_applying"], adams["unknown"]) == ("pain; sleep", "mood-score", "")
    assert (brown["labels"], brown["not_applying"], brown["unknown"]) == ("pain", "sleep", "mood-score")
    assert adams["link"] == "https://doi.org/10.1000/pain_2018"
    assert (brown["link"], brown["column"]) == ("", "hospital; at home")


def test_the_order_of_columns_and_rows_is_fixed(real):
    table = map_table.compute_map(real, *DIMENSIONS)
    assert list(table.columns)[:6] == ["key", "citation", "title", "year", "first_public", "venue"]
    assert table["year"].is_monotonic_increasing
    assert len(table) == 59
    pd.testing.assert_frame_equal(table, map_table.compute_map(real, *DIMENSIONS))
    assert table["row_evidence"].str.match("(verifier|a|b): .+").all()


def wordings(rows):
    """What map_table.wording makes of rows of coder, value, evidence and scope of one study."""

    class Coded:
        coding = pd.DataFrame(
            [["k", "d", *row] for row in rows], columns=["key", "dimension", "coder", "value", "evidence", "scope"]
        )

    return map_table.wording(Coded, "d").get("k", "")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [("verifier", "x", "seen", "full text"), ("a", "x", "said", "abstract"), ("consensus", "x", "", "")],
            "verifier: seen (full text)",
        ),
        (
            [("verifier", "y", "seen", "full text"), ("a", "x", "said", "abstract"), ("consensus", "x", "", "")],
            "a: said (abstract)",
        ),
        ([("verifier", "x", "", ""), ("b", "x", "said", ""), ("consensus", "x", "", "")], "b: said"),
        ([("llm", "x", "guessed", "abstract"), ("consensus", "x", "", "")], ""),
        (
            [
                ("a", "x", "one", "abstract"),
                ("a", "y", "two", "abstract"),
                ("consensus", "x", "", ""),
                ("consensus", "y", "", ""),
            ],
            "a: one; two (abstract)",
        ),
        (
            [
                ("a", "x", "one", "abstract"),
                ("a", "y", "two", "full text"),
                ("consensus", "x", "", ""),
                ("consensus", "y", "", ""),
            ],
            "a: one (abstract); two (full text)",
        ),
        (
            [
                ("a", "x", "one", "abstract"),
                ("a", "y", "one", "abstract"),
                ("consensus", "x", "", ""),
                ("consensus", "y", "", ""),
            ],
            "a: one (abstract)",
        ),
        ([("a", "not x", "denied", "abstract"), ("consensus", "not x", "", "")], ""),
        ([("a", "x", "said", "abstract"), ("consensus", "", "", "")], ""),
    ],
)
def test_the_wording_is_that_of_a_coder_whose_code_counts(rows, expected):
    assert wordings(rows) == expected


# Dots


DOTS = st.lists(st.integers(0, 9), min_size=1, max_size=60)


@settings(deadline=None)
@given(DOTS, st.floats(0.5, 40), st.floats(2, 12), st.floats(0.1, 30))
def test_no_two_dots_overlap_and_all_stay_on_their_line(years, band, diameter, step):
    places = [year * step for year in years]
    span = (-diameter / 2, 9 * step + diameter / 2)
    spots = swarm.pile(places, band, diameter, span)
    assert len(spots) == len(places)
    for (x, y), (other, height) in itertools.combinations(spots, 2):
        assert math.hypot(x - other, y - height) >= diameter * (1 - 1e-6)
    for place, (x, y) in zip(places, spots, strict=True):
        assert y >= diameter / 2 - 1e-9
        assert span[0] - 1e-9 <= x - diameter / 2
        assert x + diameter / 2 <= span[1] + 1e-9
        assert abs(x - place) <= max(0.0, band - diameter) / 2 + 1e-6, "a dot stays in its band"
    assert spots == swarm.pile(places, band, diameter, span)


@settings(deadline=None)
@given(DOTS)
def test_no_dot_hangs_in_the_air(years):
    spots = swarm.pile([year * 5.0 for year in years], 5.0, 4.0)
    for x, y in spots:
        touched = any(math.isclose(math.hypot(x - other, y - height), 4.0) and height < y for other, height in spots)
        assert math.isclose(y, 2.0) or touched


def test_dots_of_a_year_stand_side_by_side_and_the_rest_on_top():
    spots = swarm.pile([10.0] * 5, 9.0, 4.0)
    assert spots[:2] == [(8.0, 2.0), (12.0, 2.0)]
    assert spots[2:4] == [(8.0, 6.0), (12.0, 6.0)]
    assert spots[4] == pytest.approx((10.0, 6.0 + math.sqrt(12)))


def test_a_line_shorter_than_a_dot_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        swarm.pile([1.0], 1.0, 4.0, (0.0, 3.0))
    with pytest.raises(ValueError, match="does not fit"):
        swarm.pile([1.0], 1.0, 0.0)
