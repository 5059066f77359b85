"""What texts are about: their words beside those of real texts, how near real texts are, labels, headings and terms."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from review.evaluation import baseline
from review.evaluation.baseline import Indices
from review.evaluation.metrics import HIGHER, LOWER, Metric, Settings, Value
from review.evaluation.text_terms import covered, heading_measures, heading_table, term_table
from review.evaluation.text_words import Once, Texts, fewest, scaled, to_values, weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

ASPECT = "content"
MOST = 500
"""Texts of a part at a time."""

_WORDS = "It counts words: it cannot tell whether what they say together is true or makes sense."
_COPY = "Copies of real texts get the best values: that is looked at under privacy, not here."
_COSINE = "cosine of TF-IDF weights, https://scikit-learn.org/stable/modules/generated/sklearn.feature_extraction.text.TfidfTransformer.html"

METRICS: tuple[Metric, ...] = (
    Metric("word_js", "Distance of the word shares", "intrinsic", ASPECT, 0, 1, LOWER,
           "Lin 1991, doi 10.1109/18.61115 (Jensen-Shannon divergence, in bits)",
           "Whether words are used as often as in real texts.", _WORDS),
    Metric("known_words", "Words that real texts have", "intrinsic", ASPECT, 0, 1, HIGHER,
           "defined here: share of all words, and of the different ones among a fixed number, that the reference part has",
           "Whether words come from the language of the real texts.", f"{_WORDS} {_COPY}"),
    Metric("known_pairs", "Pairs of words that real texts have", "intrinsic", ASPECT, 0, 1, HIGHER,
           "defined here: share of all words in a row, two by two, that stand so in the reference part",
           "Whether words follow each other as in real texts: it falls where words are in another order.",
           f"It sees two words at a time, no sentence and no sense. {_COPY}"),
    Metric("nearest_text", "Likeness to the nearest real text", "intrinsic", ASPECT, 0, 1, HIGHER,
           f"{_COSINE}; median over the texts", "Whether texts are on the topics of the real ones.", f"{_WORDS} {_COPY}"),
    Metric("label_tv", "Distance of the label shares", "intrinsic", ASPECT, 0, 1, LOWER,
           "defined here: half the sum of the absolute differences of the shares (total variation); edge no nearer than the "
           "Wilson interval (doi 10.1080/01621459.1927.10502953) of the share of all but the most frequent real label",
           "Whether labels are as frequent as in real data.", "It cannot tell whether a label fits its text."),
    Metric("headings_covered", "Headings that occur", "intrinsic", ASPECT, 0, 1, HIGHER,
           "defined here: share of the headings of at least 5 % of the reference texts that occur at all",
           "Whether the sections of real texts occur.", "It sees words before a colon, not what stands in a section."),
    Metric("headings_tv", "Distance of the shares of headings", "intrinsic", ASPECT, 0, 1, LOWER,
           "defined here: mean over headings of the difference of the shares of texts that have them (total variation of each)",
           "Whether sections are as frequent as in real texts.", "It sees words before a colon, not what stands in a section."),
    Metric("terms_covered", "Terms that occur", "intrinsic", ASPECT, 0, 1, HIGHER,
           "defined here: share of the terms of two or more reference texts that occur; a term is a word, or two in a row, "
           "that are no English stop words",
           "How much of what real texts speak of more than once is spoken of.",
           f"Terms are words, not clinical entities, and longer texts cover more of them. {_COPY}"),
)  # fmt: skip


def divergence(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the Jensen-Shannon divergence of two arrays of counts, in bits; NaN if one has no count."""
    if not one.sum() or not other.sum():
        return float("nan")
    shares = [counts / counts.sum() for counts in (one, other)]
    middle = (shares[0] + shares[1]) / 2
    total = 0.0
    for share in shares:
        seen = share > 0
        total += float((share[seen] * np.log2(share[seen] / middle[seen])).sum()) / 2
    return max(total, 0.0)


def total_variation(one: NDArray[np.int64], other: NDArray[np.int64], levels: int) -> float:
    """Return half the sum of the absolute differences of the shares of levels."""
    shares = [np.bincount(codes, minlength=levels) / len(codes) for codes in (one, other)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def nearest(held: Any, part: Any) -> NDArray[np.float64]:
    """Return for each text of a part the cosine to the nearest text of the reference part.

    Parameters
    ----------
    held, part : sparse matrices (texts, words)
        Counts; the weights of words are those of the reference part, a word unknown there having the greatest.
    """
    weight = weights(held)
    near = scaled(part, weight) @ scaled(held, weight).T
    return np.asarray(near.max(axis=1).todense()).ravel()


def measure(texts: Texts, settings: Settings) -> tuple[Value, ...]:
    """Compare the content of synthetic and real texts."""
    limited = dataclasses.replace(settings, most=min(settings.most, MOST))
    if not baseline.sizes(texts.reals, len(texts.synthetic), limited.most).enough:
        return ()
    bag, words, pairs, terms = texts.bag(), texts.words, texts.grams(2), term_table(texts)
    names, headings = heading_table(texts)
    labels, budget = texts.labels, fewest(words, texts, limited, alike=False)
    levels = 0 if labels is None else int(labels.max()) + 1

    def known(held: Indices) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_]]:
        counts = np.bincount(words.of(held), minlength=words.kinds).astype(float)
        return bag[held], counts, np.bincount(pairs.of(held), minlength=pairs.kinds) > 0

    reference = Once(known)

    def compared(held: Indices, part: Indices) -> dict[str, float]:
        held_bag, held_counts, held_pairs = reference(held)
        said, beside = words.of(part), pairs.of(part)
        first = np.unique(said[:budget])
        found = {
            "word_js": divergence(held_counts, np.bincount(said, minlength=words.kinds).astype(float)),
            "known_words:all words": float((held_counts[said] > 0).mean()) if len(said) else float("nan"),
            "known_words:different words": float((held_counts[first] > 0).mean()) if len(first) else float("nan"),
            "known_pairs": float(held_pairs[beside].mean()) if len(beside) else float("nan"),
            "nearest_text": float(np.median(nearest(held_bag, bag[part]))),
            "terms_covered": covered(terms[held], terms[part]),
        }
        if labels is not None:
            found["label_tv"] = total_variation(labels[held], labels[part], levels)
        if names:
            found["headings_covered"], found["headings_tv"] = heading_measures(headings[held], headings[part])
        return found

    directions = {metric.name: metric.direction for metric in METRICS if metric.name != "known_words"}
    directions |= {"known_words:all words": HIGHER, "known_words:different words": HIGHER}
    found = baseline.compare(compared, texts.real, texts.synthetic, limited, directions)
    if labels is not None and "label_tv" in found:
        found["label_tv"] = baseline.spare(found["label_tv"], *baseline.unusual(labels[: texts.reals]), len(found))
    larger = max(texts.reals, len(texts.synthetic)) > 2 * MOST
    note = f"at most {MOST} texts at a time, drawn anew in each deal: the interval holds the error of drawing" if larger else ""
    values = to_values(found, directions, note)
    often = np.asarray(headings[: texts.reals].sum(axis=0)).ravel() >= baseline.FEWEST
    common = [name for name, many in zip(names, often, strict=True) if many]  # rarer ones may be names of people
    lists = {"headings_covered": f"{len(names)} headings" + (f": {', '.join(common[:12])}" if common else ""),
             "terms_covered": f"among {terms.shape[1]:,} terms of two or more real texts",
             "different words": f"of the first {budget:,} words of each part"}  # fmt: skip
    return tuple(
        dataclasses.replace(
            value, note="; ".join(part for part in (lists.get(value.subject or value.metric, ""), value.note) if part)
        )
        for value in values
    )
