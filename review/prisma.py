"""The screening flow from identification to inclusion, reconciled from the tables.

Stages follow the flow diagram of PRISMA 2020 (Page et al. 2021, doi 10.1136/bmj.n71), as PRISMA-ScR
(Tricco et al. 2018, doi 10.7326/M18-0850) asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from review.errors import ReviewError

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus

LISTED = "listed-not-verified"
"""Reason of a record that is here because the authors list it, and that nobody has looked up."""

_CHOSEN = {"calibrated": "chosen to meet the published counts", "listed": "listed by the authors"}


def compute_reasons(corpus: Corpus) -> pd.DataFrame:
    """Count why records were excluded or could not be verified.

    Returns
    -------
    DataFrame
        ``stage, decision, reason, count``, the most frequent reason of each stage and decision first.
    """
    screening = corpus.screening
    rows = screening[screening["decision"] != "verified"]
    counts = rows.groupby(["stage", "decision", "reason"]).size().rename("count").reset_index()
    return counts.sort_values(["stage", "decision", "count", "reason"], ascending=[True, True, False, True]).reset_index(
        drop=True
    )


def compute_flow(corpus: Corpus, selection: str = "default") -> pd.DataFrame:
    """Return the boxes of the flow diagram, top to bottom.

    Parameters
    ----------
    corpus : Corpus
        Without a screening table the flow starts with the studies of the bibliography.
    selection : str
        The selection at the bottom of the flow.

    Returns
    -------
    DataFrame
        ``stage, label, count, kind``: kind ``box`` for records that go on, ``out`` for those that leave between this box and the
        one before. In a label, reasons stand one a line with their counts.

    Raises
    ------
    ReviewError
        If what leaves and what stays do not add up.
    """
    import pandas as pd

    screening = corpus.screening
    name = corpus.resolve(selection)
    if screening.empty:
        known = len(corpus.references)
        rows = [("eligibility", "Studies of the bibliography; how they were screened is not told", known, "box")]
        if name not in ("pool", "all"):
            rows += _selection(name, corpus.basis(name), known, len(corpus.selections[name]))
        return pd.DataFrame(rows, columns=["stage", "label", "count", "kind"])
    reached = screening.groupby(["stage", "decision"]).size().to_dict()
    decided = screening["decision"].value_counts().to_dict()
    out = reached.get(("screening", "excluded"), 0)
    pending = reached.get(("screening", "pending"), 0)
    eligible = len(screening) - pending - out
    failed = reached.get(("verification", "excluded"), 0)
    rows = _identification(corpus)
    if pending:
        rows += [] if rows else [("identification", "Records found", len(screening), "box")]
        rows.append(("screening", "Awaiting screening", pending, "out"))
    rows += [
        ("screening", "Records screened", len(screening) - pending, "box"),
        ("screening", _with_reasons("Excluded", screening, "screening", "excluded"), out, "out"),
        ("eligibility", _eligible(screening), eligible, "box"),
        ("eligibility", _with_reasons("Excluded", screening, "verification", "excluded"), failed, "out"),
    ]
    verified = decided.get("verified", 0)
    chosen = screening[screening["key"].isin(set(corpus.selections[name]))]
    doubtful = chosen[chosen["decision"] == "unverified"]
    if name == "all":
        rows.append(("eligibility", f"Studies of the bibliography, {verified} of them verified", eligible - failed, "box"))
    else:
        rest = screening[~screening["key"].isin(doubtful["key"])]
        unverified = decided.get("unverified", 0) - len(doubtful)
        kept = f"Verified studies, and {len(doubtful)} listed but not verified"
        label = kept if len(doubtful) else "Verified studies"
        rows.append(("eligibility", _with_reasons("Could not be verified", rest, None, "unverified"), unverified, "out"))
        rows.append(("eligibility", label, verified + len(doubtful), "box"))
    if name not in ("pool", "all"):
        rows += _selection(name, corpus.basis(name), verified + len(doubtful), len(chosen))
    table = pd.DataFrame(rows, columns=["stage", "label", "count", "kind"])
    reconcile(table)
    return table


def _eligible(screening: pd.DataFrame) -> str:
    """Return what the studies are that went on to be looked up: some may only be on the authors' list."""
    listed = int((screening["reason"] == LISTED).sum())
    if listed:
        return f"Studies judged eligible, and {listed} that only the authors list"
    return "Studies judged eligible, looked up again"


def _identification(corpus: Corpus) -> list[tuple[str, str, int, str]]:
    """Return the boxes above the screening; none for a corpus that does not tell how records were found."""
    steps = {str(step): int(count) for step, count in zip(corpus.flow["step"], corpus.flow["count"], strict=True)}
    if not steps:
        return []
    label = f"Records found by {steps['queries']} queries" if "queries" in steps else "Records found"
    return [
        ("identification", label, steps["records found"], "box"),
        ("identification", "Duplicates removed", steps["duplicates removed"], "out"),
    ]


def _selection(name: str, basis: str, given: int, chosen: int) -> list[tuple[str, str, int, str]]:
    """Return the boxes from the studies at hand to a selection of them."""
    box = ("selection", f"Selection {name}, {_CHOSEN[basis]}", chosen, "box")
    if basis == "calibrated":
        return [("selection", "Not chosen", given - chosen, "out"), box]
    return [("selection", "Not listed by the authors", given - chosen, "out"), box] if given > chosen else [box]


def _with_reasons(label: str, screening: pd.DataFrame, stage: str | None, decision: str) -> str:
    """Return a label with the reasons of a decision, at one stage or at any, one a line."""
    rows = screening[(screening["decision"] == decision) & ((screening["stage"] == stage) | (stage is None))]
    counts = rows["reason"].value_counts()
    order = sorted(zip(counts.index, counts, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return "\n".join([label, *(f"{reason.replace('-', ' ')}: {count}" for reason, count in order)])


def reconcile(table: pd.DataFrame) -> None:
    """Check that every box is the box before it less what left in between.

    Raises
    ------
    ReviewError
        Naming the first box that does not add up.
    """
    left: int | None = None
    for label, count, kind in zip(table["label"], table["count"], table["kind"], strict=True):
        if kind == "out":
            left = None if left is None else left - count
            continue
        if left is not None and left != count:
            raise ReviewError(f"the flow does not add up at {label!r}: {left} are left, {count} are given")
        left = count
