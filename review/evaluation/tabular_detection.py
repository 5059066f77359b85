"""How well a classifier tells synthetic rows from real ones, and real rows from real rows.

Cross-validated area under the ROC curve of logistic regression and of boosted trees. Training is dear, so there are fewer
deals and fewer rows than for other measures.
"""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from numpy.typing import NDArray

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, Grade, Metric, Settings, Value, grade
from review.evaluation.tabular_arrays import Encoder, Layout, Matrix, one_thread, small

FAMILY, ASPECT = "intrinsic", "detection"
DEALS, MOST, FOLDS, ROUNDS = 20, 1000, 3, 30
LINEAR, TREES = "detection_linear", "detection_trees"
PAPER = "classifier two-sample test: Lopez-Paz and Oquab 2017, arXiv:1610.06545"

METRICS = (
    Metric(
        LINEAR,
        "Real or synthetic, told apart by logistic regression (AUC)",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        f"{PAPER}; area under the ROC curve: Hanley and McNeil 1982, Radiology 143, 29-36",
        "Whether a weighted sum of numbers, ranks, missing values and levels tells synthetic from real rows; 0.5 is a guess.",
        "What differs (see the marginals), how columns go together, and copies of real rows, which lower the value.",
    ),
    Metric(
        TREES,
        "Real or synthetic, told apart by boosted trees (AUC)",
        FAMILY,
        ASPECT,
        0.0,
        1.0,
        LOWER,
        f"{PAPER}; area under the ROC curve: Hanley and McNeil 1982, Radiology 143, 29-36",
        "Whether rules about several columns together tell synthetic rows from real ones; 0.5 is a guess.",
        "Whether a difference matters for any use: a rounding that nobody minds is found as well as a wrong disease.",
    ),
)


def auc(truth: NDArray[np.bool_], scores: Matrix) -> float:
    """Return the area under the ROC curve: how often a true item scores above another one, ties counting half."""
    from scipy.stats import rankdata

    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return float("nan")
    return float((rankdata(scores)[truth].sum() - positive * (positive + 1) / 2) / (positive * negative))


def features(rows: Matrix, columns: Layout) -> dict[str, Matrix]:
    """Return rows as features of both classifiers.

    Linear: those of :class:`Encoder`, and the ranks of the numbers. Trees: ranks and places of levels, -1 for a missing value.
    """
    from scipy.stats import rankdata

    count = len(columns.numbers)
    missing = np.isnan(rows)
    ranks = rows[:, :count].copy()
    for place in range(count):
        known = ~missing[:, place]
        ranks[known, place] = rankdata(ranks[known, place]) / max(int(known.sum()), 1)
    linear = np.hstack([Encoder.fit(rows, columns).apply(rows), np.where(missing[:, :count], 0.5, ranks) - 0.5])
    return {LINEAR: linear, TREES: np.where(missing, -1.0, np.hstack([ranks, rows[:, count:]]))}


def told_apart(one: Matrix, other: Matrix, columns: Layout, seed: int) -> dict[str, float]:
    """Return the cross-validated AUC of both classifiers: mean over the folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    rows = np.vstack([one, other])
    truth = np.arange(len(rows)) >= len(one)
    inputs = features(rows, columns)
    scores: dict[str, list[float]] = {name: [] for name in inputs}
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, truth):
        models = {
            LINEAR: LogisticRegression(max_iter=1000),
            TREES: HistGradientBoostingClassifier(
                max_iter=ROUNDS, learning_rate=0.15, max_leaf_nodes=8, min_samples_leaf=5, early_stopping=False, random_state=seed
            ),
        }
        for name, model in models.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(inputs[name][train], truth[train])
            scores[name].append(auc(truth[test], model.predict_proba(inputs[name][test])[:, 1]))
    return {name: float(np.mean(found)) for name, found in scores.items()}


def measure(real: Matrix, synthetic: Matrix, columns: Layout, settings: Settings) -> tuple[tuple[Value, ...], Grade]:
    """Grade how well classifiers tell synthetic from real rows, beside how well they tell real from real rows."""
    fewer = dataclasses.replace(settings, deals=min(DEALS, settings.deals), most=min(MOST, settings.most))
    with one_thread():
        compared = baseline.compare(lambda one, other: told_apart(one, other, columns, settings.seed), real, synthetic, fewer)
    values = []
    for name, summary in compared.items():
        size = summary.sizes
        notes = [
            f"{fewer.deals} deals, {size.reference} real against {size.other} other rows, {FOLDS}-fold cross-validation",
            small(size),
        ]
        if summary.high < summary.baseline_low:
            notes.append("lower than for any real rows, as copies of real rows make it: see the privacy family")
        values.append(summary.as_value(name, "", LOWER, "; ".join(filter(None, notes))))
    return tuple(values), grade(FAMILY, ASPECT, values, f"fewer than {baseline.FEWEST} rows in a part")
