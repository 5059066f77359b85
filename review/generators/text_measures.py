"""Measure whether generated texts show what they were asked for: label, findings, age, sex, and facts that were shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from review.generators.dataset import normal
from review.generators.seeds import Fact
from review.statistics import wilson

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n")
_NEGATION = re.compile(r"\b(?:no|not|non|never|none|nil|denies|denied|deny|without|absent|absence|negative|neither|nor)\b|n't\b")
_SEX = {
    "woman": re.compile(r"\b(?:woman|female|she|her|hers|lady|\d{1,3}\s?F)\b"),
    "man": re.compile(r"\b(?:man|male|he|his|him|gentleman|\d{1,3}\s?M)\b"),
}


def rate(name: str, hits: Iterable[bool], series: str = "") -> dict[str, Any]:
    """Return a row ``name, series, count, total, share, low, high``: hits among all, with a 95 % Wilson interval.

    ``share`` is None if there is nothing to count.
    """
    values = list(hits)
    low, high = wilson(sum(values), len(values))
    share = sum(values) / len(values) if values else None
    return {"name": name, "series": series, "count": sum(values), "total": len(values), "share": share, "low": low, "high": high}


def mentioned(text: str, words: str) -> bool:
    """Tell whether a text holds some words in this order, case and white space aside."""
    return re.search(rf"(?<!\w){re.escape(normal(words))}(?!\w)", normal(text)) is not None


def negated(text: str, words: str) -> bool:
    """Tell whether some sentence of a text has a negation before these words. A crude test: no syntax is looked at."""
    for sentence in _SENTENCE.split(text):
        found = re.search(rf"(?<!\w){re.escape(normal(words))}(?!\w)", normal(sentence))
        if found and _NEGATION.search(normal(sentence)[: found.start()]):
            return True
    return False


def states_age(text: str, age: int) -> bool:
    """Tell whether a text holds the number of an age."""
    return re.search(rf"(?<![\d./]){age}(?![\d/]|\.\d)", text) is not None


def states_sex(text: str, sex: str) -> bool:
    """Tell whether a text has words of one sex and none of the other.

    Parameters
    ----------
    sex : {"woman", "man"}
    """
    found = {name for name, pattern in _SEX.items() if pattern.search(text) or pattern.search(text.lower())}
    return found == {sex}


class Retriever:
    """Find the facts that are nearest to some words (cosine of TF-IDF weights).

    Parameters
    ----------
    facts : sequence of Fact
    """

    def __init__(self, facts: Sequence[Fact]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.facts = tuple(facts)
        self._words = TfidfVectorizer(sublinear_tf=True, stop_words="english")
        self._known = self._words.fit_transform([f"{fact.label} {fact.topic} {fact.text}" for fact in self.facts])

    def nearest(self, words: str, count: int) -> tuple[Fact, ...]:
        """Return the nearest facts, the nearest first; the order of the file decides between equals."""
        near = (self._known @ self._words.transform([words]).T).toarray()[:, 0]
        order = sorted(range(len(self.facts)), key=lambda place: (-near[place], place))
        return tuple(self.facts[place] for place in order[:count])
