"""Names of the people who code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from review import contracts
from review.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from review.corpus import Corpus


def check(name: str) -> str:
    """Return the name of a person who codes or adjudicates.

    Raises
    ------
    OptionError
        If it cannot stand in ``coding.csv`` or means something else there.
    """
    if not re.fullmatch(contracts.CODER, name):
        raise OptionError(f"the name is {name!r} -> use a small letter, then up to 30 small letters, digits and hyphens")
    if name in contracts.NOT_THEIR_OWN:
        raise OptionError(f"the name {name!r} stands for no person -> choose another one")
    if near := contracts.meant(name):
        raise OptionError(f"the name {name!r} is almost {near!r}, which has a meaning -> choose another one")
    return name


def check_new(name: str, corpus: Corpus, keys: Iterable[str]) -> str:
    """Return the name of a person who has coded none of some studies yet.

    Raises
    ------
    OptionError
        Also if the corpus has coders ``a`` and ``b`` already (here: language models), or codes of that name for these studies.
    """
    check(name)
    rows = corpus.coding[corpus.coding["coder"] == name]
    if name in contracts.CODERS and not rows.empty:
        raise OptionError(f"{name!r} is a coder of this corpus already -> choose a name of your own")
    coded = sorted(set(rows["key"]) & set(keys))
    if coded:
        message = f"the corpus has codes of {name!r} for {len(coded)} of these studies, {coded[0]!r} the first"
        raise OptionError(f"{message} -> choose another name, or other studies")
    return name
