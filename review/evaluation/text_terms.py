"""What texts speak of, by plain rules: headings, and terms of the real texts. These are words, not clinical entities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from review.evaluation.text_words import Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMMON = 0.05
"""Share of the real texts from which a heading counts."""

FEWEST = 2
"""Texts of the reference part in which a term stands at least."""

_HEADING = re.compile(r"(?:^|(?<=[.!?;])[ \t]+)[ \t#*_•-]*([^\W\d_][\w/&'-]*(?: [\w/&'-]+){0,3})[*_]{0,2}:(?!\d)", re.MULTILINE)


def headings(text: str) -> set[str]:
    """Return the headings of a text, in small letters: up to four words before a colon where a line or sentence starts."""
    return {found.lower() for found in _HEADING.findall(text)}


def heading_table(texts: Texts) -> tuple[tuple[str, ...], Any]:
    """Return the headings that enough real texts have, and which text has which (texts, headings) as a sparse matrix."""
    from scipy.sparse import csr_matrix

    having = [headings(text) for text in texts.texts]
    counts: dict[str, int] = {}
    for found in having[: texts.reals]:
        for name in sorted(found):
            counts[name] = counts.get(name, 0) + 1
    least = max(COMMON * texts.reals, FEWEST)
    names = tuple(sorted(name for name, count in counts.items() if count >= least))
    table = np.array([[name in found for name in names] for found in having], dtype=np.int64).reshape(len(having), len(names))
    return names, csr_matrix(table)


def heading_measures(held: Any, part: Any) -> tuple[float, float]:
    """Return how headings of a reference part recur in another part.

    Returns
    -------
    (float, float)
        The share of the headings of at least :data:`COMMON` of the reference texts that occur in the other part, and the mean
        over these of the difference of the shares of texts that have them. Without such a heading 1 and 0: nothing is amiss.
    """
    shares = [np.asarray(table.sum(axis=0)).ravel() / table.shape[0] for table in (held, part)]
    common = (shares[0] >= COMMON) & (shares[0] * held.shape[0] >= FEWEST)
    if not common.any():
        return 1.0, 0.0
    return float((shares[1][common] > 0).mean()), float(np.abs(shares[0] - shares[1])[common].mean())


def content_words(vocabulary: Sequence[str]) -> NDArray[np.bool_]:
    """Return which words count as content: two characters or more, a letter among them, and no English stop word."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return np.array(
        [len(word) > 1 and word not in ENGLISH_STOP_WORDS and any(map(str.isalpha, word)) for word in vocabulary], dtype=bool
    )


def term_table(texts: Texts) -> Any:
    """Return which text has which term, as a sparse matrix of ones; rarer terms than can count are left out.

    A term is a content word, or two content words that follow each other.
    """
    from scipy.sparse import hstack

    content = content_words(texts.vocabulary)
    pairs = texts.grams(2)
    lasting = np.ones(len(texts.words.ids), dtype=bool)
    lasting[texts.words.starts[1:][texts.words.lengths > 0] - 1] = False
    begins = np.flatnonzero(lasting)
    wanted = np.zeros(pairs.kinds, dtype=bool)
    wanted[pairs.ids] = content[texts.words.ids[begins]] & content[texts.words.ids[begins + 1]]
    table = hstack([texts.bag()[:, content], texts.bag(2)[:, wanted]], format="csr")
    table.data = np.ones_like(table.data)
    often = np.bincount(table[: texts.reals].indices, minlength=table.shape[1]) >= FEWEST
    return table[:, often]


def covered(held: Any, part: Any) -> float:
    """Return the share of the terms of the reference part that occur in another part; NaN if it has no terms."""
    known = np.bincount(held.indices, minlength=held.shape[1]) >= FEWEST
    seen = np.bincount(part.indices, minlength=part.shape[1]) > 0
    return float(seen[known].mean()) if known.any() else float("nan")
