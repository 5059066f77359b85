"""How well counts of short runs of bytes predict text: the baseline that a model of text has to beat.

Interpolated n-grams with the weights of Witten and Bell (1991): a context that was followed by many different bytes is
trusted less.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

END = 0
"""Byte that ends a text; it stands in no text."""


class Ngrams:
    """Conditional frequencies of bytes after contexts of 0 to ``order - 1`` bytes.

    Parameters
    ----------
    texts : sequence of str
    order : int
        1 for unigrams, 3 for trigrams.
    """

    def __init__(self, texts: Sequence[str], order: int) -> None:
        if order < 1:
            raise ValueError("an n-gram has 1 byte or more")
        self.order = order
        self._counts: dict[bytes, Counter[int]] = defaultdict(Counter)
        for text in texts:
            data = _bytes(text)
            for place in range(len(data)):
                for length in range(min(order - 1, place) + 1):
                    self._counts[data[place - length : place]][data[place]] += 1

    def probability(self, context: bytes, byte: int) -> float:
        """Return the probability of a byte after a context, of which the last ``order - 1`` bytes count."""
        shorter = 1 / 256
        for length in range(min(self.order - 1, len(context)) + 1):
            counts = self._counts.get(context[len(context) - length :])
            if counts is None:
                break
            total, kinds = counts.total(), len(counts)
            shorter = (counts[byte] + kinds * shorter) / (total + kinds)
        return shorter

    def bits(self, text: str) -> float:
        """Return the negative logarithm to base 2 of the probability of a text and its end."""
        data = _bytes(text)
        start = self.order - 1
        return -sum(math.log2(self.probability(data[max(0, i - start) : i], data[i])) for i in range(len(data)))


def _bytes(text: str) -> bytes:
    return text.encode() + bytes([END])
