"""Can a model tell synthetic from real texts? Its AUC, beside that of telling real texts from other real ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, Metric, Settings, Value
from review.evaluation.tabular_arrays import one_thread
from review.evaluation.text_words import Texts, to_values

ASPECT = "text detection"
DEALS, MOST, FOLDS = 20, 300, 5
POOL = 1500
"""Texts of each side whose words and letters are counted."""

METRICS: tuple[Metric, ...] = (
    Metric("detection_auc", "Telling synthetic from real", "intrinsic", ASPECT, 0, 1, LOWER,
           "classifier two-sample test: Lopez-Paz and Oquab 2017, arXiv 1610.06545; here with the AUC, Hanley and McNeil 1982, "
           "doi 10.1148/radiology.143.1.7063747",
           "Whether words or spellings give synthetic texts away: 0.5 is a guess, 1 is always right.",
           "It sees words and runs of letters, not meaning; and a telling sign may be harmless, as one more line at the end."),
)  # fmt: skip


def measure(texts: Texts, settings: Settings) -> tuple[Value, ...]:
    """Compare how well synthetic and other real texts are told from a reference part of the real ones."""
    limited = dataclasses.replace(settings, most=min(settings.most, MOST), deals=DEALS)
    draw = np.random.default_rng(settings.seed)
    real, synthetic = (np.sort(draw.permutation(places)[:POOL]) for places in (texts.real, texts.synthetic))
    if not baseline.sizes(len(real), len(synthetic), limited.most).enough:
        return ()
    table = _table([texts.texts[place] for place in (*real, *synthetic)])
    if table is None:
        return (Value("detection_auc", note="the texts have no words or letters in common"),)

    def compared(held: Any, part: Any) -> dict[str, float]:
        return {"detection_auc": auc(held, part, settings.seed)}

    directions = {"detection_auc": LOWER}
    with one_thread():
        found = baseline.compare(compared, table[: len(real)], table[len(real) :], limited, directions)
    notes = [f"{DEALS} deals, as a model is trained {FOLDS} times in each: the edge is coarse"]
    if max(texts.reals, len(texts.synthetic)) > 2 * MOST:
        notes.append(f"at most {MOST} texts at a time, of at most {POOL:,} of each side")
    return to_values(found, directions, "; ".join(notes))


def _table(texts: list[str]) -> Any:
    """Return TF-IDF weights of words and pairs of words, and of runs of three and four letters; None if there are none."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    kinds = ({"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}, {"analyzer": "char_wb", "ngram_range": (3, 4)})
    parts = []
    for kind in kinds:
        try:
            parts.append(TfidfVectorizer(sublinear_tf=True, min_df=2, **kind).fit_transform(texts))
        except ValueError:  # an empty vocabulary
            continue
    return hstack(parts, format="csr") if parts else None


def auc(held: Any, part: Any, seed: int) -> float:
    """Return the mean AUC over folds of a logistic regression that tells the rows of two sparse matrices apart."""
    from scipy.sparse import vstack
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    table = vstack([held, part], format="csr")
    sides = np.repeat([0, 1], [held.shape[0], part.shape[0]])
    found = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(sides, sides):
        model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000, solver="liblinear", random_state=seed)
        model.fit(table[train], sides[train])
        found.append(roc_auc_score(sides[test], model.decision_function(table[test])))
    return float(np.mean(found))
