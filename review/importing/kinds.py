"""Types of publications in other programs -> entry types of BibTeX."""

from __future__ import annotations

import re

_KINDS = {
    "article": "jour jfull mgzn ejour inpr article articlejournal articlemagazine articlenewspaper journalarticle suppperiodical",
    "inproceedings": "cpaper conf inproceedings conference paperconference conferencepaper proceedingspaper proceedings",
    "incollection": "chap ecchap incollection inbook chapter booksection bookchapter bookitem suppbook",
    "book": "book ebook edbook mvbook collection reference inreference",
    "phdthesis": "thes thesis phdthesis",
    "mastersthesis": "mastersthesis mastersthesis",
    "techreport": "rprt report techreport",
    "unpublished": "unpb unpublished manuscript",
}
_BY_NAME = {name: kind for kind, names in _KINDS.items() for name in names.split()}


def kind(name: str) -> str:
    """Return the entry type for a type's name in RIS, CSL, BibLaTeX, Zotero, Scopus or Web of Science; ``misc`` if unknown."""
    return _BY_NAME.get(re.sub(r"[^a-z]", "", name[:100].lower()), "misc")
