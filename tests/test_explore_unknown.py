"""``is unknown`` in a filter, and "not known" in the explorer, which is built on it."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_explore import REAL, SMALL, asked_of, check_filters, keys

from review.errors import FilterError
from review.explore import Filters, Labels, view
from review.filters import matches

FRAME = pd.DataFrame(
    {
        "year": pd.array([2020, None, 2022], dtype="Int64"),
        "share": [0.5, float("nan"), 1.0],
        "modality": pd.array([None, "text", "text"], dtype="string"),
        "venue": ["Work", "", "Sleep"],
        "human": pd.array([True, None, False], dtype="boolean"),
    }
)


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ("year is unknown", [1]),
        ("year is not unknown", [0, 2]),
        ("share is unknown", [1]),
        ("modality is unknown", [0]),
        ("venue is unknown", [1]),
        ("human is unknown", [1]),
        ("not (human is unknown)", [0, 2]),
        ("human or human is unknown", [0, 1]),
        ('modality == "text" and year is not unknown', [2]),
    ],
)
def test_what_is_unknown_can_be_asked_for(where, rows):
    assert [at for at, good in enumerate(matches(FRAME, where)) if good] == rows


@pytest.mark.parametrize(
    "where", ["year is None", "year is 3", "unknown is year", "3 is unknown", "year is human", "nothing is unknown"]
)
def test_nothing_else_can_be_asked_so(where):
    with pytest.raises(FilterError):
        matches(FRAME, where)


BY_HAND = [
    (Filters("all", first=2020, undated=True), "(year >= 2020 or year is unknown)", "chen2 diaz2 evans fox20"),
    (Filters("all", labels={"design": Labels(unknown=True)}), "design is unknown", "fox20"),
    (
        Filters("all", labels={"design": Labels(("trial",), unknown=True)}),
        '(design == "trial" or design is unknown)',
        "brown fox20",
    ),
    (
        Filters("all", labels={"outcome": Labels(("pain", "sleep"), every=True, unknown=True)}),
        "(outcome_pain and outcome_sleep or outcome is unknown)",
        "adams evans fox20",
    ),
]


@pytest.mark.parametrize(("filters", "where", "left"), BY_HAND)
def test_the_explorer_takes_unknown_studies(filters, where, left):
    assert filters.where(SMALL) == where
    assert keys(view(SMALL, filters).studies) == left.split()


@pytest.mark.parametrize("loaded", [SMALL, pytest.param(REAL, marks=pytest.mark.slow)], ids=["tiny", "real"])
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_the_expression_leaves_what_was_asked_for(loaded, data):
    filters = data.draw(asked_of(loaded, unknown=st.booleans()))
    check_filters(loaded, filters, data.draw(st.sampled_from(list(loaded.codebook.dimensions))))
