"""Text of references from anywhere -> plain text on one line: no markup, no entities, no signs that hide something."""

from __future__ import annotations

import html
import re
import unicodedata

_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9:_-]{0,40}(?:\s[^<>]{0,500})?/?>|<!--|-->|<!\[CDATA\[|\]\]>")
_FORMULA = re.compile(r"^(?:[=+@]|-(?![^\W\d_]))+")
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe"}
    | {"\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_NO_LETTERS = re.compile(r"[\W_]+")
_JOINERS = "\u200c\u200d"
"""They belong to the spelling of some languages; between ASCII letters they only hide something."""


def clean(text: object, notices: list[str], name: str, most: int, markup: bool = True) -> str:
    """Return a field as plain text on one line, and say what was removed.

    Parameters
    ----------
    text : object
        What the file holds; None is "".
    notices : list of str
        Gets one sentence for everything that was removed.
    name : str
        Of the field, for the notices.
    most : int
        Longest text that is taken, in characters; longer ones are left out.
    markup : bool
        Whether tags and HTML entities may stand in it.
    """
    value = "" if text is None else str(text)
    if len(value) > 4 * most:
        notices.append(f"the field {name!r} of {len(value):,} characters is left out: {most:,} are the most")
        return ""
    if markup:
        value = _without_markup(value)
    value = unicodedata.normalize("NFC", " ".join(value.split()))
    kept = value
    if not value.isprintable():
        kept = "".join(sign for place, sign in enumerate(value) if not _hidden(sign, value[place - 1 : place]))
    if len(kept) < len(value):
        notices.append(f"signs that do not show were removed from {name!r}")
    harmless = _FORMULA.sub("", kept).strip()
    if harmless != kept.strip():
        notices.append(f"signs that begin a formula were removed from {name!r}")
    if len(harmless) > most:
        notices.append(f"the field {name!r} of {len(harmless):,} characters is left out: {most:,} are the most")
        return ""
    return " ".join(harmless.split())


def _without_markup(value: str) -> str:
    for _ in range(2):
        value = html.unescape(_TAG.sub("", value))
    return _TAG.sub("", value)


def _hidden(sign: str, before: str) -> bool:
    """Tell whether a sign is a control, a direction mark, a lone surrogate, private or not assigned."""
    if sign in _JOINERS and before.isalpha() and not before.isascii():
        return False
    return (not sign.isascii() and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn")) or sign < " " or sign == "\x7f"


def folded(text: str) -> str:
    """Return lower-case letters and digits with single blanks, without accents: the form in which texts are compared."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).translate(_LETTERS)
    bare = "".join(sign for sign in plain.casefold() if not unicodedata.combining(sign))
    return " ".join(_NO_LETTERS.sub(" ", re.sub(f"[{_JOINERS}]", "", bare)).split())


def ascii_word(text: str) -> str:
    """Return the letters and digits of ASCII in a text, in lower case."""
    return re.sub(r"[^a-z0-9]", "", folded(text))


def page_range(text: str) -> str:
    """Return pages with the double hyphen that BibTeX has between first and last."""
    return re.sub(r"\s*-+\s*", "--", _DASHES.sub("-", text)).strip("- ")
