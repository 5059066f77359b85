"""Items with a label, the models that learn to predict it, and how right they are."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from review.evaluation.inputs import CLASS
from review.evaluation.tabular_arrays import Encoder, Layout, Matrix, layout, matrix, scale
from review.evaluation.tabular_detection import auc

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

LINEAR, TREES = "linear", "trees"
FOREST = 50
"""Trees of a random forest."""

FURTHEST = 1e100
"""Standard deviations of the real label of which no answer is further off: its square would be no number."""

WORDS = 20_000
"""Most frequent words and pairs of words of the training texts that become features."""


@dataclass(frozen=True)
class Items:
    """Items whose label is known.

    Attributes
    ----------
    rows : array (items, columns)
        Numbers and classes without the label, as :func:`review.evaluation.tabular_arrays.matrix` returns them.
    columns : Layout
    texts : tuple of str
        Empty if there is no text.
    label : array
        Numbers, or places of levels.
    classes : bool
        Whether the label is one of classes.
    spread : float
        Standard deviation of a label of numbers in the real data.
    two : tuple of float
        The places of the levels, if the real data have two of them.
    """

    rows: Matrix
    columns: Layout
    texts: tuple[str, ...]
    label: Matrix
    classes: bool
    spread: float
    two: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.label)

    def take(self, places: NDArray[np.int64]) -> Items:
        """Return some items."""
        texts = tuple(self.texts[place] for place in places) if self.texts else ()
        return Items(self.rows[places], self.columns, texts, self.label[places], self.classes, self.spread, self.two)


@dataclass(frozen=True)
class Answer:
    """What a model says about items: the label, a score of the second level against the first; why it is constant, or ""."""

    label: Matrix
    score: Matrix
    constant: str = ""


def items(frame: pd.DataFrame, pair: Pair) -> Items:
    """Return the items of a table whose label is known."""
    kinds = {column.name: column.kind for column in pair.columns}
    whole = Layout((pair.label,), (), ()) if kinds[pair.label] != CLASS else Layout((), (pair.label,), ((),))
    label = matrix(frame, whole)[:, 0]
    known = ~np.isnan(label)
    columns = Layout((), (), ()) if pair.kind == "text" else layout(pair, (pair.label,))
    texts = tuple(frame[pair.text][known]) if pair.text else ()
    real = matrix(pair.real, whole)[:, 0]
    classes = kinds[pair.label] == CLASS
    levels = np.unique(real[~np.isnan(real)]) if classes else np.empty(0)
    two = tuple(levels.tolist()) if len(levels) == 2 else ()
    return Items(matrix(frame, columns)[known], columns, texts, label[known], classes, scale(real), two)


def predict(model: str, train: Items, test: Items, seed: int) -> Answer:
    """Train a model and answer for the test items; "" is the most frequent class or the mean of the training items."""
    from sklearn.exceptions import ConvergenceWarning

    levels, counts = np.unique(train.label, return_counts=True)
    inputs = _features(train, test, model) if model else None
    reason = f"all training items have one {'class' if train.classes else 'value'}" if len(levels) == 1 else ""
    reason = reason or ("no training text has a word" if inputs is None else "")
    if inputs is None or reason:
        common = levels[np.argmax(counts)] if train.classes else train.label.mean()
        return Answer(np.full(len(test), common), np.zeros(len(test)), reason if model else "")
    learner = _learner(model, train, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner.fit(inputs[0], train.label)
    label = np.asarray(learner.predict(inputs[1]), dtype=float)
    if not train.classes:
        return Answer(label, np.zeros(len(test)))
    chances = dict(zip(learner.classes_.tolist(), learner.predict_proba(inputs[1]).T, strict=True))
    nothing = np.zeros(len(test))
    low, high = (chances.get(level, nothing) for level in test.two or (-1.0, -1.0))
    return Answer(label, high - low)


def _learner(model: str, train: Items, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    if model == LINEAR:
        return LogisticRegression(max_iter=1000) if train.classes else Ridge()
    if train.classes:
        return RandomForestClassifier(FOREST, min_samples_leaf=2, random_state=seed)
    return RandomForestRegressor(FOREST, min_samples_leaf=2, max_features=1 / 3, random_state=seed)


def _features(train: Items, test: Items, model: str) -> tuple[Any, Any] | None:
    """Return scaled numbers and levels, and for a linear model weighted words (TF-IDF) if there is a text.

    None if there is no feature.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    encoder = Encoder.fit(train.rows, train.columns)
    encoded = [encoder.apply(part.rows) for part in (train, test)]
    if not train.texts or model == TREES:
        return encoded[0], encoded[1]
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=WORDS, token_pattern=r"(?u)\b\w+\b")  # noqa: S106
    if not any(map(vectors.build_analyzer(), train.texts)):
        return (encoded[0], encoded[1]) if encoded[0].shape[1] else None
    words = [vectors.fit_transform(train.texts), vectors.transform(test.texts)]
    left, right = (hstack([part, csr_matrix(rows)], format="csr") for part, rows in zip(words, encoded, strict=True))
    return left, right


def scores(answer: Answer, test: Items) -> dict[str, float]:
    """Return how right an answer is, by the name of the metric."""
    truth = test.label
    if not test.classes:
        with np.errstate(over="ignore"):
            gaps = np.clip((truth - answer.label) / test.spread, -FURTHEST, FURTHEST)
            around = float((((truth - truth.mean()) / test.spread) ** 2).sum())
        explained = 1 - float((gaps**2).sum()) / around if around else float("nan")
        return {"tstr_r2": explained, "tstr_error": float(np.abs(gaps).mean())}
    levels = np.unique(truth)
    right = [((truth == level) & (answer.label == level)).sum() for level in levels]
    there = [(truth == level).sum() for level in levels]
    said = [(answer.label == level).sum() for level in levels]
    found = {
        "tstr_balanced_accuracy": float(np.mean([hit / all_of for hit, all_of in zip(right, there, strict=True)])),
        "tstr_macro_f1": float(np.mean([2 * hit / (a + b) for hit, a, b in zip(right, there, said, strict=True)])),
    }
    if test.two:
        found["tstr_auc"] = auc(truth == test.two[1], answer.score)
    return found
