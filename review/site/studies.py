"""What the page of one study says: identity, codes by coder with their evidence, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review.bibliography import Reference, write
from review.codebook import NOT
from review.corpus import ADDRESSES, ALL, DEFAULT, POOL
from review.files import records
from review.site.clean import web
from review.site.places import Places

if TYPE_CHECKING:
    from review.codebook import Dimension
    from review.corpus import Corpus

UNKNOWN = "unknown"
CONSENSUS = "consensus"
BASES = {
    "calibrated": "chosen so that the published counts hold",
    "listed": "as listed by the authors",
    "sample": "purposive sample",
}


@dataclass(frozen=True)
class Code:
    """What one coder said about one dimension of a study on one ground."""

    coder: str
    values: tuple[str, ...]
    confidence: str
    evidence: str
    source: str
    address: str
    scope: str


@dataclass(frozen=True)
class Coded:
    """One dimension of a study: name, title, page, consensus values with their places, and the rows behind them."""

    name: str
    title: str
    place: str
    consensus: tuple[tuple[str, str], ...]
    codes: tuple[Code, ...]


@dataclass(frozen=True)
class Study:
    """Everything that the page of a study shows."""

    row: Mapping[str, Any]
    identifiers: tuple[tuple[str, str, str], ...]
    selections: tuple[tuple[str, str], ...]
    coded: tuple[Coded, ...]
    screening: tuple[Mapping[str, Any], ...]
    bibtex: str
    membership: str


def gather(corpus: Corpus, places: Places) -> list[Study]:
    """Return every study of the bibliography, in its order."""
    coding: dict[str, list[dict[str, Any]]] = {}
    for row in records(corpus.coding):
        coding.setdefault(row["key"], []).append(row)
    screening: dict[str, list[dict[str, Any]]] = {}
    for row in records(corpus.screening):
        screening.setdefault(row["key"], []).append({**row, "address": web(row["source"])})
    members = {name: set(keys) for name, keys in corpus.selections.items() if name != ALL}
    said = membership(corpus)
    order = _coders(corpus)
    return [
        Study(
            row,
            _identifiers(reference, row),
            tuple((name, _basis(corpus, name)) for name, keys in members.items() if row["key"] in keys),
            tuple(
                _coded(dimension, coding.get(row["key"], []), places, order) for dimension in corpus.codebook.dimensions.values()
            ),
            tuple(screening.get(row["key"], [])),
            write([reference]),
            said,
        )
        for reference, row in zip(corpus.references, records(corpus.studies(ALL)), strict=True)
    ]


def membership(corpus: Corpus) -> str:
    """Say whether it is known which studies the review included, as far as its default selection tells."""
    basis = corpus.basis(DEFAULT)
    published = corpus.published
    totals = published.loc[published["version"] == corpus.version(DEFAULT), "total"]
    number = f"{totals.iloc[0]} " if len(totals) else ""
    if basis == "listed":
        return f"The list of the review's {number}studies is known: the selection {corpus.resolve(DEFAULT)}."
    if basis == "calibrated":
        return f"The authors' list is not available: whether a study is one of the review's {number}is unknown."
    return "This corpus has no list of the studies that a review included."


def _basis(corpus: Corpus, name: str) -> str:
    basis = corpus.basis(name)
    return "identity, eligibility and main codes verified" if name == POOL and basis == "sample" else BASES[basis]


def _coders(corpus: Corpus) -> dict[str, int]:
    """Return the place of each coder: as named in the contract, then people by name, consensus last."""
    from review.contracts import CODERS

    names = sorted(set(corpus.coding["coder"]), key=lambda name: (name == CONSENSUS, name not in CODERS, name))
    known = [name for name in CODERS if name in names and name != CONSENSUS]
    people = [name for name in names if name not in CODERS]
    return {name: place for place, name in enumerate([*known, *people, CONSENSUS])}


def _identifiers(reference: Reference, row: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Return kind, text and address of each identifier."""
    found = [(title, str(row[name]), web(f"{prefix}{row[name]}")) for name, title, prefix in ADDRESSES if row[name]]
    for name, title in (("preprint", "Preprint"), ("url", "Page")):
        value = reference.fields.get(name, "")
        if value:
            found.append((title, value, web(value) or (web(f"https://doi.org/{value}") if value.startswith("10.") else "")))
    return tuple(found)


def _coded(dimension: Dimension, rows: Sequence[Mapping[str, Any]], places: Places, order: Mapping[str, int]) -> Coded:
    own = [row for row in rows if row["dimension"] == dimension.name]
    agreed = [row["value"] for row in own if row["coder"] == CONSENSUS and row["value"]]
    consensus = tuple((spoken(value, dimension), places.codes.get((dimension.name, value), "")) for value in agreed)
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in sorted(own, key=lambda row: order[row["coder"]]):
        ground = tuple(str(row[name] or "") for name in ("coder", "confidence", "evidence", "source", "scope"))
        groups.setdefault(ground, []).append(spoken(row["value"], dimension))
    codes = tuple(
        Code(coder, tuple(values), confidence, evidence, source, web(source), scope)
        for (coder, confidence, evidence, source, scope), values in groups.items()
    )
    return Coded(dimension.name, dimension.title, places.dimensions[dimension.name], consensus, codes)


def spoken(value: str | None, dimension: Dimension) -> str:
    """Return a code as its title; what is unknown, and what was reported as not done, say so."""
    if not value:
        return UNKNOWN
    if value in dimension.categories:
        return dimension.categories[value].title
    negated = value.removeprefix(NOT)
    return f"reported as not done: {dimension.categories[negated].title}" if negated in dimension.categories else value
