"""BLEU of each text against all others of its set, from one table of n-grams for the whole set.

Equals sentence BLEU-4 of sacrebleu 2.6 with all other texts as references, on the same words (``tokenize="none"``,
``effective_order=True``, ``smooth_method="exp"``), divided by 100. For each n-gram the highest count in a text and the highest
one in any other text are enough to know the highest count in all texts but one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ORDERS = (1, 2, 3, 4)


def self_bleu(bags: Sequence[Any], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the BLEU-4 of each text against all others, from 0 to 1.

    Parameters
    ----------
    bags : sequence of sparse matrices (texts, n-grams)
        How often each n-gram stands in each text, for runs of 1, 2, 3 and 4 words.
    lengths : array of int
        Words of each text; two texts or more.
    """
    logs, orders, smooth = (np.full(len(lengths), fill) for fill in (0.0, 0.0, 1.0))
    any_right = np.zeros(len(lengths), dtype=bool)
    for order, bag in zip(ORDERS, bags, strict=True):
        right, total = _clipped(bag), np.maximum(lengths - order + 1, 0)
        defined = total > 0
        any_right |= right > 0
        smooth = np.where(defined & (right == 0), 2 * smooth, smooth)
        precision = np.where(right > 0, right, 1 / smooth) / np.maximum(total, 1)
        logs += np.where(defined, np.log(precision), 0.0)
        orders += defined
    nearest = _nearest(lengths)
    short = np.where(lengths < nearest, np.exp(1 - nearest / np.maximum(lengths, 1)), 1.0)
    return np.where(any_right, short * np.exp(logs / np.maximum(orders, 1)), 0.0)


def _clipped(bag: Any) -> NDArray[np.int64]:
    """Return for each text how many of its n-grams some other text has, each as often as that one has it at most."""
    counts, grams, kinds = bag.data, bag.indices, bag.shape[1]
    highest = np.zeros(kinds, dtype=np.int64)
    np.maximum.at(highest, grams, counts)
    top = counts == highest[grams]
    alone = top & (np.bincount(grams[top], minlength=kinds)[grams] == 1)
    second = np.zeros(kinds, dtype=np.int64)
    np.maximum.at(second, grams[~alone], counts[~alone])
    kept = np.where(alone, second[grams], counts)
    rows = np.repeat(np.arange(bag.shape[0]), np.diff(bag.indptr))
    return np.bincount(rows, kept, minlength=bag.shape[0]).astype(np.int64)


def _nearest(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the length of another text that is nearest to that of each text, the shorter one of two."""
    scale = int(lengths.max()) + 1
    ranks = np.abs(lengths[:, None] - lengths[None, :]) * scale + lengths[None, :]
    np.fill_diagonal(ranks, scale * scale)
    return np.asarray(lengths[ranks.argmin(axis=1)])
