"""Tables over several dimensions: coverage, profile, associations and trend tests against counts by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from review import corpus, statistics, summaries


@pytest.fixture(scope="module")
def loaded():
    return corpus.load()


def test_coverage_counts_studies_with_any_known_code(loaded):
    table = summaries.compute_coverage(loaded, "v2").set_index("dimension")
    coding = loaded.coding
    chosen = coding[(coding["coder"] == "consensus") & (coding["value"] != "") & coding["key"].isin(loaded.selections["v2"])]
    by_hand = chosen.groupby("dimension")["key"].nunique()
    assert (table["known"] == by_hand.reindex(table.index).fillna(0)).all()
    assert (table["known"] + table["unknown"] == 59).all()
    assert table.loc["modality", "share_known"] == 1
    assert table.loc["evaluation", "absence"] == "unknown"
    assert summaries.compute_coverage(loaded, "v2", "year < 1990")["share_known"].isna().all()


def test_profile_is_the_tables_of_its_dimensions(loaded):
    table = summaries.compute_profile(loaded, ["method", "generator"], "v1")
    assert list(dict.fromkeys(table["dimension"])) == ["method", "generator"]
    assert table[table["dimension"] == "method"]["count"].tolist() == [43, 13, 3]
    part = summaries.frequent(table, "generator")
    assert list(part["count"]) == sorted(part["count"], reverse=True)
    assert (part["count"] > 0).all()


def test_statuses_are_explained_and_counted(loaded):
    table = summaries.explain_statuses(statistics.compute_shares(loaded, "evaluation", "v2"))
    assert table[["status", "rows"]].to_numpy().tolist() == [["by construction", 3], ["not published", 1]]
    assert table["meaning"].str.len().min() > 20


def test_two_exclusive_dimensions_are_tested_once_with_every_study(loaded):
    table = summaries.compute_associations(loaded, "modality", "method", "v2", seed=3)
    assert len(table) == 1
    row = table.iloc[0]
    assert row["total"] == 59
    frame = loaded.studies("v2")
    expected = stats.contingency.association(pd.crosstab(frame["modality"], frame["method"]).to_numpy(), method="cramer")
    assert row["cramers_v"] == pytest.approx(expected)
    again = summaries.compute_associations(loaded, "modality", "method", "v2", seed=3)
    assert again.equals(table)


def test_labels_are_tested_one_by_one_without_the_unknown(loaded):
    table = summaries.compute_associations(loaded, "generator", "modality", "v2").set_index("row_label")
    frame = loaded.studies("v2")
    known = frame["generator_gpt_4"].notna()
    assert (table["total"] == known.sum()).all()
    assert (table["column_label"] == "").all()
    counts = pd.crosstab(frame.loc[known, "generator_gpt_4"].astype(bool), frame.loc[known, "modality"]).to_numpy()
    assert table.loc["gpt-4", "cramers_v"] == pytest.approx(stats.contingency.association(counts, method="cramer"))


def test_a_flag_that_is_only_ever_true_cannot_be_tested(loaded):
    """Human evaluation is reported or unknown, hardly ever denied: with the unknown left out nothing is left to compare."""
    table = summaries.compute_associations(loaded, "evaluation", "method", "v2").set_index("row_label")
    assert np.isnan(table.loc["llm", "p_value"])


def test_trend_tests_compare_mean_years(loaded):
    table = summaries.compute_trend_tests(loaded, "modality", "v2").set_index("category")
    frame = loaded.studies("v2")
    has = (frame["modality"] == "text").to_numpy()
    years = frame["year"].to_numpy(dtype=float)
    assert table.loc["text", "difference"] == pytest.approx(years[has].mean() - years[~has].mean())
    assert table.loc["text", "count"] == 46
    assert table.loc["text", "others"] == 13
    assert table["p_value"].between(0, 1).all()
