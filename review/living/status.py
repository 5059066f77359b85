"""Where a living review stands: its query, what the last update found, who waits, and what coder llm proposed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.living import query, update
from review.living.asking import Plan
from review.living.store import Store
from review.living.update import Update

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus

FIRST = "first search"
"""Where records come from whose source is a page, not a file or an update."""

DECISIONS = ("pending", "excluded", "unverified", "verified")
_PLACE = re.compile(r"(?P<file>(?!https?:)[^/\s]+):\d+")


def compute_query(path: Path | str = "") -> pd.DataFrame:
    """Return what ``review update`` asks for.

    Parameters
    ----------
    path : Path or str
        A query file; by default the project's own.

    Returns
    -------
    DataFrame
        One row a concept: ``concept, terms`` (with commas), ``number`` of terms, ``sources`` that are asked for it; then one row
        for each source with a string of its own.
    """
    import pandas as pd

    asked = query.load(path or query.DEFAULT)
    rows = [(one.name, ", ".join(one.terms), len(one.terms), ", ".join(one.sources)) for one in asked.concepts]
    rows += [("own string", text, 1, source) for source, text in asked.own.items()]
    return pd.DataFrame(rows, columns=["concept", "terms", "number", "sources"])


def describe_query(path: Path | str = "") -> Any:
    """Return in words whose query it is."""
    from IPython.display import Markdown

    asked = query.load(path or query.DEFAULT)
    return Markdown(f"> **{asked.title}**, from {asked.since or 'the beginning'} on. {asked.note}")


def compute_state(corpus: Corpus) -> pd.DataFrame:
    """Count the records of the screening table by where they come from and what was decided.

    Returns
    -------
    DataFrame
        ``origin`` (an update, a file, or :data:`FIRST`), ``pending, excluded, unverified, verified, total``; no rows for a corpus
        without a screening table.
    """
    import pandas as pd

    screening = corpus.screening
    origins = [match["file"] if (match := _PLACE.fullmatch(str(source))) else FIRST for source in screening["source"]]
    rows = []
    for origin in dict.fromkeys(sorted(origins, key=lambda one: (one != FIRST, one))):
        decisions = [decision for decision, other in zip(screening["decision"], origins, strict=True) if other == origin]
        counts = [decisions.count(decision) for decision in DECISIONS]
        rows.append([origin, *counts, sum(counts)])
    return pd.DataFrame(rows, columns=["origin", *DECISIONS, "total"])


def describe_state(corpus: Corpus) -> Any:
    """Return in words how many records wait."""
    from IPython.display import Markdown

    screening = corpus.screening
    if screening.empty:
        return Markdown("> This corpus has no screening table, so no record can wait in it.")
    number = int((screening["decision"] == "pending").sum())
    waiting = (
        "No record waits for screening." if not number else f"**{number} records wait for screening** (`review asreview export`)."
    )
    return Markdown(f"> {len(screening)} records. {waiting}")


def look(corpus: Corpus, folder: Path | str = "") -> Update:
    """Lay an update that was fetched before beside a corpus; nothing is asked for.

    Parameters
    ----------
    folder : Path or str
        That ``review update`` made; "" for none, which is an update without records.

    Raises
    ------
    InputError
        If the folder holds no update.
    """
    if not folder:
        return Update(Plan({}, "", ""), (), (), corpus.hash)
    store = Store.open(Path(folder))
    return update.compare(store.plan, update.read(store), corpus)


def describe_update(found: Update) -> Any:
    """Return in words what an update brought."""
    from IPython.display import Markdown

    from review.importing import matching

    if not found.answers:
        return Markdown("> No update was named. `review update` makes one; give its folder as `update_dir`.")
    days = f"{found.plan.since or 'the beginning'} to {found.plan.until}"
    counts = ", ".join(f"{number} {verdict}" for verdict, number in matching.count(found.matches).items()) or "nothing found"
    partial = [answer.source for answer in found.answers if not answer.whole]
    note = f" **Not finished: {', '.join(partial)}.**" if partial else ""
    said = "".join(f"\n> - {notice}" for answer in found.answers for notice in answer.notices)
    return Markdown(f"> {len(found.matches)} records from {days}: {counts}.{note} Beside the corpus as it is now.{said}")


def describe_proposals(corpus: Corpus) -> Any:
    """Return in words whether coder llm has proposed codes, and what that means."""
    from IPython.display import Markdown

    from review.living import precode

    number = int((corpus.coding["coder"] == precode.CODER).sum())
    if not number:
        return Markdown("> Coder `llm` has proposed no code in this corpus (`review precode`).")
    return Markdown(f"> Coder `llm` has proposed {number} codes. {precode.WARNING}")
