"""Do labels fit their texts, as far as words show it? A model that learnt from real texts is asked about synthetic ones."""

from __future__ import annotations

import numpy as np

from review.evaluation.metrics import HIGHER, Metric, Settings, Value
from review.evaluation.tabular_arrays import one_thread
from review.evaluation.text_words import Texts
from review.statistics import wilson

MOST = 2000
"""Texts of each side."""

METRICS: tuple[Metric, ...] = (
    Metric("label_fit", "Labels that words predict", "intrinsic", "content", 0, 1, HIGHER,
           "defined here: share of labels predicted by a logistic regression on TF-IDF weights of words, learnt from real texts",
           "Whether labels of synthetic texts fit their words, beside real texts that the model has not seen.",
           "A text can fit its label by one word and be wrong otherwise; a weak model says little about any text."),
)  # fmt: skip


def measure(texts: Texts, settings: Settings) -> tuple[Value, ...]:
    """Show which share of the labels of synthetic texts a model predicts that learnt from real ones; not graded."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    if texts.labels is None:
        return ()
    labels = texts.labels
    draw = np.random.default_rng(settings.seed)
    real, synthetic = (draw.permutation(places)[:MOST] for places in (texts.real, texts.synthetic))
    counts = np.bincount(labels[real])
    known = np.flatnonzero(counts >= 5)
    real = real[np.isin(labels[real], known)]
    synthetic = synthetic[np.isin(labels[synthetic], known)]
    if len(known) < 2 or not len(synthetic):
        return (
            Value("label_fit", note="fewer than two labels with five real texts each, or no synthetic text with one of them"),
        )
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced"))
    split = StratifiedKFold(5, shuffle=True, random_state=settings.seed)
    given = [texts.texts[place] for place in real]
    with one_thread():
        held_out = cross_val_predict(model, given, labels[real], cv=split)
        model.fit(given, labels[real])
        said = model.predict([texts.texts[place] for place in synthetic])
    right, right_real = int((said == labels[synthetic]).sum()), int((held_out == labels[real]).sum())
    chance = float(sum((said == label).mean() * (labels[synthetic] == label).mean() for label in known))
    low, high = wilson(right, len(synthetic))
    better = "better than" if low > chance else "not surely better than"
    return (
        Value("label_fit", "", right / len(synthetic), low, high, right_real / len(real), *wilson(right_real, len(real)),
              real=len(real), synthetic=len(synthetic), interval="95 % Wilson interval",
              against="real texts in five-fold cross-validation",
              note=f"{better} chance, which with these predictions and labels is {chance:.3f}"),
    )  # fmt: skip
