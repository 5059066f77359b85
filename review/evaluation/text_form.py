"""The form of texts: how long they and their sentences are, and how hard they look to read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from review.evaluation import baseline, shares
from review.evaluation.metrics import BASELINE, LOWER, Metric, Settings, Value
from review.evaluation.text_words import Texts, to_values, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

ASPECT = "form"
_KS = "Kolmogorov-Smirnov statistic, https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.ks_2samp.html"
_ARI = "Smith and Senter 1967, Automated Readability Index, https://apps.dtic.mil/sti/pdfs/AD0667273.pdf"
_CLI = "Coleman and Liau 1975, doi 10.1037/h0076540"
_FEATURES = {
    "length_ks": ("words a text", "Distance of the lengths", _KS, "Whether texts are as long as real ones."),
    "sentence_ks": ("words a sentence", "Distance of the sentence lengths", _KS, "Whether sentences are as long as real ones."),
    "ari_ks": ("Automated Readability Index", "Distance of the Automated Readability Index", _ARI,
               "Whether words (in characters) and sentences make texts look as hard to read as real ones."),
    "cli_ks": ("Coleman-Liau index", "Distance of the Coleman-Liau index", _CLI,
               "Whether words (in letters) and sentences make texts look as hard to read as real ones."),
}  # fmt: skip
_BLIND = "It cannot tell what the texts say: words in any order have the same form."

METRICS: tuple[Metric, ...] = (
    *(
        Metric(name, title, "intrinsic", ASPECT, 0, 1, LOWER, source, tells, _BLIND)
        for name, (_, title, source, tells) in _FEATURES.items()
    ),
    Metric("form_mean", "Mean of a text", "intrinsic", ASPECT, float("-inf"), float("inf"), BASELINE,
           "defined here: mean over the texts that have words", "What the lengths and indices are on average.",
           "Equal means can hide different spreads; the distances above see these."),
    Metric("empty", "Texts without a word", "intrinsic", ASPECT, 0, 1, LOWER,
           "defined here: share of texts without a word, with Wilson intervals (Wilson 1927, doi 10.1080/01621459.1927.10502953)",
           "Whether texts are empty that would not be in real data.", "A text of one meaningless word is not empty."),
)  # fmt: skip

_NO_LETTERS = re.compile(r"[\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def sentences(text: str) -> int:
    """Return how many sentences or lines of a text have words; a full stop of an abbreviation counts as an end."""
    return sum(bool(words(part)) for part in _SENTENCE.split(text))


def readability(text: str) -> tuple[float, float]:
    """Return the Automated Readability Index and the Coleman-Liau index of a text; NaN without a word.

    Characters are all but white space for the first, as on a typewriter, and letters and digits for the second.
    """
    count = len(words(text))
    return _indices(text, count, sentences(text)) if count else (float("nan"), float("nan"))


def _indices(text: str, count: int, ends: int) -> tuple[float, float]:
    characters, letters = len("".join(text.split())), len(_NO_LETTERS.sub("", text))
    return ari(characters, count, ends), coleman_liau(letters, count, ends)


def ari(characters: int, count: int, ends: int) -> float:
    """Return the Automated Readability Index of so many characters, words and sentences."""
    return 4.71 * characters / count + 0.5 * count / ends - 21.43


def coleman_liau(letters: int, count: int, ends: int) -> float:
    """Return the Coleman-Liau index of so many letters, words and sentences."""
    return 0.0588 * 100 * letters / count - 0.296 * 100 * ends / count - 15.8


def features(texts: Texts) -> NDArray[np.float64]:
    """Return words, words a sentence and both indices of each text; NaN for those without a word."""
    rows = []
    for text, count in zip(texts.texts, texts.words.lengths.tolist(), strict=True):
        ends = sentences(text) if count else 0
        rows.append((count, count / ends, *_indices(text, count, ends)) if count else (float("nan"),) * 4)
    return np.array(rows, dtype=float).reshape(len(rows), 4)


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the greatest difference of two distribution functions, missing numbers left out; NaN if nothing is left."""
    left, right = (np.sort(numbers[~np.isnan(numbers)]) for numbers in (one, other))
    if not len(left) or not len(right):
        return float("nan")
    both = np.concatenate([left, right])
    below = [np.searchsorted(held, both, side="right") / len(held) for held in (left, right)]
    return float(np.abs(below[0] - below[1]).max())


def measure(texts: Texts, settings: Settings) -> tuple[Value, ...]:
    """Compare the form of synthetic and real texts."""
    table = features(texts)

    def compared(held: NDArray[np.float64], part: NDArray[np.float64]) -> dict[str, float]:
        found = {}
        for place, (name, (subject, *_)) in enumerate(_FEATURES.items()):
            known = part[:, place][~np.isnan(part[:, place])]
            found[name] = distance(held[:, place], part[:, place])
            found[f"form_mean:{subject}"] = float(known.mean()) if len(known) else float("nan")
        return found

    directions = dict.fromkeys(_FEATURES, LOWER)
    found: Any = baseline.compare(compared, table[: texts.reals], table[texts.reals :], settings, directions)
    gone = np.isnan(table[:, 0])
    counts = [(int(part.sum()), len(part)) for part in (gone[texts.reals :], gone[: texts.reals])]
    return (*to_values(found, directions), shares.against_real("empty", "", counts[0], counts[1]))
