"""The choices that the published text leaves open, each one a scenario that is solved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review.errors import ReviewError, UnknownNameError
from review.published import BY_DIFFERENCE
from review.selection import SIZE, Target

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus


@dataclass(frozen=True)
class Scenario:
    """One reading of what was published and of which studies may stand behind it.

    Attributes
    ----------
    version : str
        Version of the review whose counts must hold.
    exclusive : bool
        Whether the labels of a multi-label dimension are read as exclusive: counts of ``evaluation`` are then counts of
        ``primary_evaluation``, the dimension of the same codes in the codebook.
    difference : bool
        Whether counts that follow only by difference to 100 must hold.
    borderline : bool
        Whether studies with a borderline remark may be chosen.
    identified : bool
        Whether a study needs a DOI, arXiv, PubMed or PubMed Central identifier.
    verified : bool
        Whether a study must be verified.
    free : bool
        Whether an unknown value may be any value; otherwise unknown counts as not reported.
    """

    version: str
    exclusive: bool = False
    difference: bool = True
    borderline: bool = True
    identified: bool = True
    verified: bool = True
    free: bool = False

    @property
    def name(self) -> str:
        """The version, and what differs from the base scenario, such as ``v2+free``."""
        words = {
            "exclusive": "exclusive",
            "difference": "no-difference",
            "borderline": "no-borderline",
            "identified": "unidentified",
            "verified": "unverified",
            "free": "free",
        }
        base = Scenario(self.version)
        changed = [word for field, word in words.items() if getattr(self, field) != getattr(base, field)]
        return "+".join([self.version, *changed])


_CHANGES: dict[str, dict[str, bool]] = {
    "exclusive": {"exclusive": True},
    "no-difference": {"difference": False},
    "no-borderline": {"borderline": False},
    "unidentified": {"identified": False},
    "unverified": {"verified": False},
    "free": {"free": True},
}
"""Words that may follow the version in a scenario's name."""


def parse(corpus: Corpus, text: str = "default") -> Scenario:
    """Read a scenario such as ``v2``, ``v1+free`` or ``v2+unverified+unidentified``.

    Raises
    ------
    UnknownNameError
        If the version or a word is unknown.
    """
    version, *words = text.split("+")
    scenario = Scenario(corpus.version(version))
    for word in words:
        if word not in _CHANGES:
            raise UnknownNameError("scenario word", word, list(_CHANGES))
        scenario = replace(scenario, **_CHANGES[word])  # type: ignore[arg-type]
    return scenario


def standard(corpus: Corpus) -> list[Scenario]:
    """Return the base scenario of every version with a calibrated selection, and each single departure from it."""
    versions = [name for name in corpus.selections if corpus.basis(name) == "calibrated"] or [corpus.version("default")]
    return [parse(corpus, "+".join([version, *word])) for version in versions for word in ((), *((key,) for key in _CHANGES))]


def candidates(corpus: Corpus, scenario: Scenario) -> pd.DataFrame:
    """Return the studies that may stand behind the review under a scenario, sorted by key."""
    frame = corpus.studies("pool" if scenario.verified else "all")
    if scenario.identified:
        frame = frame[(frame[["doi", "arxiv", "pmid", "pmcid"]] != "").any(axis=1)]
    if not scenario.borderline:
        screening = corpus.screening
        doubtful = screening.loc[screening["note"].str.contains("borderline", regex=False), "key"]
        frame = frame[~frame["key"].isin(set(doubtful))]
    return frame.sort_values("key").reset_index(drop=True)


def targets(corpus: Corpus, scenario: Scenario) -> tuple[Target, ...]:
    """Return the counts that must hold under a scenario, the number of studies first.

    Raises
    ------
    ReviewError
        If nothing is published to hold to, or the exclusive reading has no dimension in the codebook.
    """
    rows = corpus.implied[corpus.implied["version"] == scenario.version].dropna(subset="count")
    if rows.empty:
        raise ReviewError(f"version {scenario.version!r} publishes no count to hold to -> choose another version")
    found = [Target(*SIZE, int(rows["total"].max()))]
    for name, category, count, verdict in zip(rows["dimension"], rows["category"], rows["count"], rows["verdict"], strict=True):
        if verdict == BY_DIFFERENCE and not scenario.difference:
            continue
        dimension = str(name)
        if scenario.exclusive and not corpus.codebook[dimension].exclusive:
            dimension = f"primary_{dimension}"
            if dimension not in corpus.codebook.dimensions or not corpus.codebook[dimension].exclusive:
                raise ReviewError(f"the codebook has no exclusive dimension {dimension!r} -> read the labels as overlapping")
        found.append(Target(dimension, str(category), int(count)))
    return tuple(found)


def describe(scenario: Scenario) -> str:
    """Return one sentence on what a scenario assumes."""
    parts = [f"counts of version {scenario.version}"]
    parts.append("evaluation labels exclude each other" if scenario.exclusive else "evaluation labels may overlap")
    parts.append(
        "a share that no count is rounded to stands for what the others leave"
        if scenario.difference
        else "such a share is not used"
    )
    parts.append("borderline studies allowed" if scenario.borderline else "no borderline studies")
    parts.append("identifier needed" if scenario.identified else "no identifier needed")
    parts.append("verified studies only" if scenario.verified else "unverified studies allowed")
    parts.append("unknown may be anything" if scenario.free else "unknown counts as not reported")
    return "; ".join(parts)
