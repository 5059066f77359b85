"""Whether a text says what it was asked to be about: a linear classifier of labels, learnt from the seed texts.

The classifier is itself a model with errors. Its accuracy on held-out seed texts stands beside every rate that it gives, and
so does chance (one in as many as there are labels).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from review.generators.text_measures import rate

if TYPE_CHECKING:
    from review.generators.seeds import Seed

CONTROL = "held-out seed texts"
ASKED = "asked label found"


class Labels:
    """TF-IDF of words and a logistic regression (scikit-learn), learnt from labelled texts.

    Parameters
    ----------
    train : sequence of Seed
        At least two labels.
    """

    def __init__(self, train: Sequence[Seed]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        words = TfidfVectorizer(stop_words="english", sublinear_tf=True)
        self.labels = tuple(sorted({seed.label for seed in train}))
        self._model: Any = make_pipeline(words, LogisticRegression(C=10.0, max_iter=2000))
        self._model.fit([seed.text for seed in train], [seed.label for seed in train])

    def predict(self, texts: Sequence[str]) -> list[str]:
        """Return the label of each text."""
        return [str(label) for label in self._model.predict(list(texts))] if texts else []


def adherence(
    train: Sequence[Seed], held_out: Sequence[Seed], made: Sequence[tuple[str, str]], name: str = "generated texts"
) -> tuple[dict[str, Any], ...]:
    """Count how often the classifier finds the label that a text was asked for.

    Parameters
    ----------
    train, held_out : sequence of Seed
        To learn from, and to see how often the classifier is right.
    made : sequence of (str, str)
        Label that was asked for, and text.
    name : str
        What to call the second row.

    Returns
    -------
    tuple of dict
        ``name, series, count, total, share, low, high`` for the held-out seed texts and the texts that were made, without rows
        that count nothing. With k labels in turn, chance is 1/k.
    """
    labels = Labels(train)
    rows = [_row(CONTROL, [(seed.label, seed.text) for seed in held_out], labels), _row(name, made, labels)]
    return tuple(row for row in rows if row["total"])


def _row(series: str, pairs: Sequence[tuple[str, str]], labels: Labels) -> dict[str, Any]:
    found = labels.predict([text for _, text in pairs])
    return rate(ASKED, (label == asked for label, (asked, _) in zip(found, pairs, strict=True)), series)
