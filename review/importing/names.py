"""Names of authors as "Family, Given", and the family name by which they are compared."""

from __future__ import annotations

import re
from collections.abc import Iterable

from review.importing.text import folded

OTHERS = "others"
_INITIALS = re.compile(r"(?:[A-Z]\.?[- ]?){1,4}")
_SUFFIX = re.compile(r"(?:jr|sr|i{2,3}|iv)\.?", re.IGNORECASE)


def person(name: str) -> str:
    """Return one author as "Family, Given".

    A name in braces is that of an organisation and stays whole, but for commas; one with a comma stays in its order. Of others
    the last word is the family name, with the small-letter words before it (BibTeX's rule), unless it is initials as in
    "Smith JA" (MEDLINE's form).
    """
    bare = name.replace(" and ", " & ").strip(" ,;")
    if bare.startswith("{") and bare.endswith("}"):
        return " ".join(bare.strip("{} ").replace(",", " ").split())
    if not bare or re.fullmatch(r"(?:et\.? al\.?|others|and others)", bare, re.IGNORECASE):
        return OTHERS if bare else ""
    if "," in bare:
        return re.sub(r"\s*,\s*", ", ", bare)
    words = bare.split()
    if len(words) == 1:
        return bare
    if _INITIALS.fullmatch(words[-1]) and words[-1].isupper() and not _INITIALS.fullmatch(words[0]):
        return f"{' '.join(words[:-1])}, {words[-1]}"
    last = len(words) - 1
    suffix = f", {words[last]}" if last > 1 and _SUFFIX.fullmatch(words[last]) else ""
    last -= bool(suffix)
    start = next((place for place in range(1, last) if words[place][0].islower()), last)
    return f"{' '.join(words[start : last + 1])}{suffix}, {' '.join(words[:start])}"


def people(text: str) -> list[str]:
    """Return the authors of one field: names with semicolons, "and", or commas between "Smith JA, Doe B"."""
    if ";" in text:
        parts = text.split(";")
    elif re.search(r"\sand\s", text):
        parts = re.split(r"\s+and\s+", text)
    else:
        pieces = [piece.strip() for piece in text.split(",")]
        full = [piece for piece in pieces if " " in piece]
        parts = pieces if len(full) == len(pieces) > 1 else [text]
    return [part.strip() for part in parts if part.strip()]


def joined(authors: Iterable[str]) -> str:
    """Return authors as BibTeX has them."""
    return " and ".join(authors)


def family(author: str) -> str:
    """Return the family name of "Family, Given" in the form in which names are compared; "" for nobody."""
    return "" if author == OTHERS else folded(author.split(",", maxsplit=1)[0])


def alike(one: str, other: str) -> bool:
    """Tell whether two family names may be one: equal, or one a part of the other ("Amin Nejad" and "Nejad")."""
    if one.replace(" ", "") == other.replace(" ", ""):
        return True
    shorter, longer = sorted((one.split(), other.split()), key=len)
    return bool(shorter) and len(shorter[-1]) > 1 and set(shorter) <= set(longer)
