"""Tables over several dimensions or codes at once, made from :mod:`review.statistics`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from review.statistics import STATUSES, associate, compute_shares, indicator, trend_test

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus


def compute_profile(
    corpus: Corpus, dimensions: Sequence[str], selection: str = "default", where: str = "", version: str = "default"
) -> pd.DataFrame:
    """Count every category of several dimensions.

    Returns
    -------
    DataFrame
        The tables of :func:`review.statistics.compute_shares`, one below the other.
    """
    import pandas as pd

    return pd.concat([compute_shares(corpus, name, selection, where, version) for name in dimensions], ignore_index=True)


def frequent(profile: pd.DataFrame, dimension: str) -> pd.DataFrame:
    """Return the categories of one dimension that occur, the most frequent first."""
    part = profile[(profile["dimension"] == dimension) & (profile["count"] > 0)]
    return part.sort_values("count", ascending=False, kind="stable").reset_index(drop=True)


def compute_coverage(corpus: Corpus, selection: str = "default", where: str = "") -> pd.DataFrame:
    """Count for how many studies a dimension has any code at all.

    Returns
    -------
    DataFrame
        One row a dimension: ``dimension, title, kind, absence, known, unknown, total, share_known``.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    rows = []
    for name, dimension in corpus.codebook.dimensions.items():
        flags = [indicator(frame, corpus, name, code) for code in dimension.categories]
        known = int(pd.concat(flags, axis=1).notna().any(axis=1).sum()) if len(frame) else 0
        share = known / len(frame) if len(frame) else None
        absence = "" if dimension.exclusive else dimension.absence
        rows.append([name, dimension.title, dimension.kind, absence, known, len(frame) - known, len(frame), share])
    columns = ["dimension", "title", "kind", "absence", "known", "unknown", "total", "share_known"]
    return pd.DataFrame(rows, columns=columns).astype({"share_known": "Float64"})


def explain_statuses(table: pd.DataFrame) -> pd.DataFrame:
    """Return what each status in a table means: ``status, meaning, rows``."""
    import pandas as pd

    counts = table["status"].value_counts()
    rows = [(status, meaning, int(counts[status])) for status, meaning in STATUSES.items() if status in counts.index]
    return pd.DataFrame(rows, columns=["status", "meaning", "rows"])


def compute_associations(
    corpus: Corpus, rows: str, columns: str, selection: str = "default", where: str = "", seed: int = 0
) -> pd.DataFrame:
    """Test whether two dimensions go together, so that every study counts once in each test.

    Two exclusive dimensions give one test of the whole table. A multi-label dimension gives one test a label: studies
    with and without it. Studies that are unknown in either are left out. In a calibrated selection the
    margins of published dimensions were fixed: the test describes this one selection.

    Parameters
    ----------
    rows, columns : str
        Dimensions; if only one is exclusive it may be either.

    Returns
    -------
    DataFrame
        ``rows, row_label, columns, column_label, total, cramers_v, p_value, resamples``; a label is empty where the whole
        dimension was tested. Missing where fewer than two rows or columns occur.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    found = []
    for row_label, first in _classifications(frame, corpus, rows):
        for column_label, second in _classifications(frame, corpus, columns):
            both = first.notna() & second.notna()
            table = pd.crosstab(first[both], second[both])
            result = associate(table, seed=seed)
            found.append(
                [rows, row_label, columns, column_label, result.total, result.cramers_v, result.p_value, result.resamples]
            )
    names = ["rows", "row_label", "columns", "column_label", "total", "cramers_v", "p_value", "resamples"]
    return pd.DataFrame(found, columns=names)


def _classifications(frame: pd.DataFrame, corpus: Corpus, name: str) -> list[tuple[str, pd.Series]]:
    """Return the ways to put each study into exactly one class: the dimension itself, or one a label."""
    dimension = corpus.codebook[name]
    if dimension.exclusive:
        return [("", frame[name].astype("object").where(frame[name].notna(), None))]
    flags = ((code, indicator(frame, corpus, name, code)) for code in dimension.categories)
    return [(code, flag.astype("object").where(flag.notna(), None)) for code, flag in flags if flag.fillna(False).any()]


def compute_trend_tests(
    corpus: Corpus, dimension: str, selection: str = "default", where: str = "", seed: int = 0
) -> pd.DataFrame:
    """Test for each code whether its studies are later or earlier than the others.

    Returns
    -------
    DataFrame
        ``dimension, category, count, others, difference`` (mean year with the code less mean year without) and
        ``p_value`` (two-sided permutation test); missing where all or none have the code. Not corrected for many tests.
    """
    import pandas as pd

    frame = corpus.studies(selection, where)
    rows = []
    for code in corpus.codebook[dimension].categories:
        has = indicator(frame, corpus, dimension, code)
        known = has.notna() & frame["year"].notna()
        flags = has[known].to_numpy(dtype=bool)
        years = frame.loc[known, "year"].to_numpy(dtype=np.float64)
        difference, p_value = trend_test(years, flags, seed=seed)
        rows.append([dimension, code, int(flags.sum()), int((~flags).sum()), difference, p_value])
    return pd.DataFrame(rows, columns=["dimension", "category", "count", "others", "difference", "p_value"])
