"""What can be wrong with a generated text that a program can tell without judging its medicine; for every text cell."""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Iterator, Mapping

from review.generators.dataset import copied, normal

EMPTY, SHORT, CUT, UNFINISHED, REPEATS = "empty", "too-short", "cut-off", "unfinished", "repeats"
PLACEHOLDER, PERSON, COPIED, DUPLICATE = "placeholder", "named-person", "copied", "duplicate"

FEWEST = 12
"""Words of a text; the shortest seed text has 20."""
DISTINCT = 0.7
"""Least share of distinct runs of three words; every seed text has more than 0.98."""
COPY = 8
"""Words in a row that count as copied."""

REASONS: Mapping[str, str] = types.MappingProxyType(
    {
        EMPTY: "there is no text",
        CUT: "the text was cut off before the model ended it",
        SHORT: f"the text has fewer than {FEWEST} words",
        UNFINISHED: "the text does not end with the end of a sentence",
        REPEATS: f"the text repeats itself: less than {DISTINCT:.0%} of its runs of three words are distinct",
        PLACEHOLDER: "the text holds a placeholder instead of a fact",
        PERSON: "the text names a person by title and name, though it was told not to",
        COPIED: f"the text shares {COPY} words in a row with a text that the model was shown or trained on",
        DUPLICATE: "the text was generated before in this run",
    }
)

_ENDS = re.compile(r"[.!?][\"')\]]*$")
_PLACEHOLDER = re.compile(r"\[[^\]\n]{2,40}\]|<[A-Za-z][^>\n]{0,40}>|\{[^}\n]{1,40}\}|_{3,}|\bX{2,}\b|\.\.\.\.")
_PERSON = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Doctor|Nurse)\b\.? +(?!Patient\b)[A-Z][a-z]+\b")


def distinct(text: str) -> float:
    """Return the share of distinct runs of three words; 1 for a text with fewer than four words."""
    words = normal(text).split()
    runs = [tuple(words[start : start + 3]) for start in range(len(words) - 2)]
    return len(set(runs)) / len(runs) if len(runs) > 1 else 1.0


def fault(text: str, sources: Mapping[str, str], earlier: Collection[str] = ()) -> tuple[str, str]:
    """Return the first reason to reject a text, and what exactly is wrong; two empty texts if nothing is.

    Parameters
    ----------
    text : str
    sources : mapping of str to str
        Name -> text of everything that must not be copied.
    earlier : collection of str
        Texts generated before, as :func:`review.generators.dataset.normal` returns them.
    """
    return next(_faults(text, sources, earlier), ("", ""))


def _faults(text: str, sources: Mapping[str, str], earlier: Collection[str]) -> Iterator[tuple[str, str]]:
    words, share = len(text.split()), distinct(text)
    if not words:
        yield EMPTY, ""
    if words < FEWEST:
        yield SHORT, f"{words} words"
    if share < DISTINCT:
        yield REPEATS, f"{share:.0%} distinct"
    for reason, pattern in ((PLACEHOLDER, _PLACEHOLDER), (PERSON, _PERSON)):
        for found in pattern.finditer(text):
            yield reason, found.group()
    for name, source in sources.items():
        if copied(text, [source], COPY):
            yield COPIED, name
    if normal(text) in earlier:
        yield DUPLICATE, ""
    if not _ENDS.search(text.strip()):
        yield UNFINISHED, f"ends with {text.strip()[-12:]!r}"
