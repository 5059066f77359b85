"""The screening flow from identification to inclusion, reconciled from the tables.

Stages follow the flow diagram of PRISMA 2020 (Page et al. 2021, doi 10.1136/bmj.n71), as PRISMA-ScR
(Tricco et al. 2018, doi 10.7326/M18-0850) asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from review.errors import InputError, Problem, ReviewError

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus


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
        With a screening table.
    selection : str
        The selection at the bottom of the flow.

    Returns
    -------
    DataFrame
        ``stage, label, count, kind``: kind ``box`` for records that go on, ``out`` for those that leave between this box and the
        one before. In a label, reasons stand one a line with their counts.

    Raises
    ------
    InputError
        If the corpus has no screening table.
    ReviewError
        If what leaves and what stays do not add up.
    """
    import pandas as pd

    screening = corpus.screening
    if screening.empty:
        file = str(corpus.directory / "screening.csv")
        raise InputError([Problem(file, None, None, "there is no screening table", "add it to draw a flow")])
    name = corpus.resolve(selection)
    steps = {step: int(count) for step, count in zip(corpus.flow["step"], corpus.flow["count"], strict=True)}
    decisions = screening.groupby(["stage", "decision"]).size().to_dict()
    out = decisions.get(("screening", "excluded"), 0)
    failed = decisions.get(("verification", "excluded"), 0)
    unverified = decisions.get(("verification", "unverified"), 0)
    verified = decisions.get(("verification", "verified"), 0)
    chosen = len(corpus.selections[name])
    rows: list[tuple[str, str, int, str]] = []
    if steps:
        rows += [
            ("identification", f"Records found by {steps.get('queries', 0)} queries", steps["records found"], "box"),
            ("identification", "Duplicates removed", steps["duplicates removed"], "out"),
        ]
    rows += [
        ("screening", "Records screened", len(screening), "box"),
        ("screening", _with_reasons("Excluded", corpus, "screening", "excluded"), out, "out"),
        ("eligibility", "Studies judged eligible, looked up again", len(screening) - out, "box"),
        ("eligibility", _with_reasons("Excluded", corpus, "verification", "excluded"), failed, "out"),
        ("eligibility", _with_reasons("Could not be verified", corpus, "verification", "unverified"), unverified, "out"),
        ("eligibility", "Verified studies", verified, "box"),
    ]
    if name not in ("pool", "all"):
        how = "chosen to meet the published counts" if corpus.basis(name) == "calibrated" else "listed by the authors"
        if corpus.basis(name) == "calibrated":
            rows.append(("selection", "Not chosen", verified - chosen, "out"))
        rows.append(("selection", f"Selection {name}, {how}", chosen, "box"))
    table = pd.DataFrame(rows, columns=["stage", "label", "count", "kind"])
    reconcile(table)
    return table


def _with_reasons(label: str, corpus: Corpus, stage: str, decision: str) -> str:
    reasons = compute_reasons(corpus)
    rows = reasons[(reasons["stage"] == stage) & (reasons["decision"] == decision)]
    lines = [f"{row.reason.replace('-', ' ')}: {row.count}" for row in rows.itertuples(index=False, name="Row")]
    return "\n".join([label, *lines])


def reconcile(table: pd.DataFrame) -> None:
    """Check that every box is the box before it less what left in between.

    Raises
    ------
    ReviewError
        Naming the first box that does not add up.
    """
    left: int | None = None
    for row in table.itertuples(index=False, name="Row"):
        count = int(row[2])
        if row.kind == "out":
            left = None if left is None else left - count
            continue
        if left is not None and left != count:
            raise ReviewError(f"the flow does not add up at {row.label!r}: {left} are left, {count} are given")
        left = count
