"""Pairs of records that are, or may be, one publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from review.importing import identifiers, names
from review.importing.text import ascii_word, folded

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.importing.records import Record

SAME = "same"
PROBABLE = "probably known"
CONFLICT = "conflict"
WORDS = 5
"""Words that a title must have to mean something without an author, or as the beginning or end of another."""

UNLIKE = 60.0
"""Below this similarity titles contradict a shared identifier, unless the first author agrees."""

THRESHOLD = 85.0
MOST = 25
"""Earlier records that one is compared with for one reason: thousands with one title would make millions of pairs."""

BLOCK = 100
"""Records of the import by first authors of one name that one is compared with."""

MOST_WORDS = 40
LONGEST = 250
"""Signs of a title that are compared."""

CHUNK = 500
_ONE_EACH = ("doi", "arxiv", "pmid", "pmcid")
"""Identifiers of which a publication has one; preprints may have several DOIs."""


@dataclass(frozen=True)
class Item:
    """What is compared of a record or of a study of the corpus.

    Attributes
    ----------
    key : str
        In the corpus, or ``FILE:LINE``.
    title, family : str
        As :func:`review.importing.text.folded` returns them; "" if unknown.
    year : int or None
    identifiers : dict of str to str
    status : str
        Verdict for a record that is the same; "" for one of the import.
    reason : str
        Why it was excluded.
    stem : str
        Its key, where nothing else may tell the author; the keys that are made here begin with family name and year.
    source : str
        Where the row of the screening table is from.
    head : str
        The title up to its first colon, as it is compared.
    """

    key: str
    title: str
    family: str
    year: int | None
    identifiers: dict[str, str] = field(hash=False)
    status: str = ""
    reason: str = ""
    stem: str = ""
    source: str = ""
    head: str = ""


@dataclass(frozen=True)
class Pair:
    """Another item, by its place, that may be the same: ``kind`` is same, probable or conflict."""

    other: int
    kind: str
    by: str
    score: float
    note: str = ""


def item(record: Record) -> Item:
    """Return what is compared of a record."""
    return Item(record.place, folded(record.title), record.family, record.year, record.identifiers, head=_head(record.title))


def _head(title: str) -> str:
    return folded(title.partition(":")[0])


def known(corpus: Corpus) -> list[Item]:
    """Return every study of the bibliography, then the records that are in the screening table only."""
    statuses = {"excluded": "excluded earlier", "pending": "pending"}
    screening = corpus.screening
    rows = {str(row.key): row for row in screening.itertuples(index=False, name="Row")}
    found: dict[str, Item] = {}
    for reference in corpus.references:
        fields = reference.fields
        archive = fields.get("eprint", "") if fields.get("archiveprefix", "").lower() == "arxiv" else ""
        ids = _normal(fields.get("doi", ""), fields.get("preprint", ""), archive, fields.get("pmid", ""), fields.get("pmcid", ""))
        row = rows.get(reference.key)
        if row is not None:
            ids = _normal(str(row.doi), "", str(row.arxiv), str(row.pmid), "") | ids
        authors = fields.get("author", "").split(" and ")
        family = names.family(names.person(authors[0]))
        year = int(fields["year"]) if fields.get("year") else None
        title = fields["title"]
        source = "" if row is None else str(row.source)
        found[reference.key] = Item(reference.key, folded(title), family, year, ids, "known", source=source, head=_head(title))
    for key, row in rows.items():
        if key in found:
            continue
        ids = _normal(str(row.doi), "", str(row.arxiv), str(row.pmid), "")
        year = int(str(row.year)) if row.year else None
        status = statuses.get(str(row.decision), "known")
        title = str(row.title)
        found[key] = Item(key, folded(title), "", year, ids, status, str(row.reason), key, str(row.source), _head(title))
    return list(found.values())


def _normal(doi: str, preprint: str, arxiv: str, pmid: str, pmcid: str) -> dict[str, str]:
    published, early, archive = identifiers.split_doi(doi)
    early = identifiers.split_doi(preprint)[1] or identifiers.doi(preprint) or early
    values = {
        "doi": published,
        "preprint": early,
        "arxiv": identifiers.arxiv(arxiv) or archive,
        "pmid": identifiers.pmid(pmid),
        "pmcid": identifiers.pmcid(pmcid),
    }
    return {name: value for name, value in values.items() if value}


def pairs(items: Sequence[Item], known: int, threshold: float) -> list[list[Pair]]:
    """Return, for every item from place ``known`` on, the earlier items that are or may be the same.

    Parameters
    ----------
    items : sequence of Item
        Those of the corpus first.
    known : int
        How many they are.
    threshold : float
        Similarity of titles, 0 to 100, from which they are alike.
    """
    by_identifier: dict[tuple[str, str], list[int]] = {}
    shared: list[set[int]] = []
    for place, one in enumerate(items):
        found = {other for pair in one.identifiers.items() for other in by_identifier.get(pair, ())}
        shared.append(found)
        for pair in one.identifiers.items():
            _keep(by_identifier.setdefault(pair, []), place)
    scores = _alike(items, known, threshold)
    result = []
    for place in range(known, len(items)):
        others = sorted(shared[place] | set(scores[place - known]))
        judged = (_judge(items[place], items[other], other, scores[place - known].get(other)) for other in others)
        result.append([pair for pair in judged if pair is not None])
    return result


def _alike(items: Sequence[Item], known: int, threshold: float) -> list[dict[int, float]]:
    """Return, for every item from ``known`` on, the earlier ones with a like title and the similarity.

    Those of the corpus are all compared; of the import only those of which the first author is known and has the same name
    (:data:`BLOCK` of them), or whose title is the same or a part.
    """
    import numpy as np
    from rapidfuzz import fuzz, process

    words = [" ".join(sorted(one.title[:LONGEST].split())) for one in items]
    found: list[dict[int, float]] = []
    by_family: dict[str, list[int]] = {}

    def near(places: Sequence[int], scores: np.ndarray) -> dict[int, float]:
        chosen = np.flatnonzero(scores)
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")[:MOST]]
        pairs = ((places[int(other)], float(scores[other])) for other in chosen)
        return {other: round(score, 1) for other, score in pairs if words[other]}

    for start in range(known, len(items), CHUNK):
        stop = min(start + CHUNK, len(items))
        table = process.cdist(words[start:stop], words[:known], scorer=fuzz.ratio, score_cutoff=threshold, dtype=np.float32)
        for place, scores in zip(range(start, stop), table, strict=True):
            found.append(near(range(known), scores) if words[place] else {})
            block = by_family.setdefault(items[place].family, []) if items[place].family else []
            if block and words[place]:
                part = [words[other] for other in block[-BLOCK:]]
                row = process.cdist([words[place]], part, scorer=fuzz.ratio, score_cutoff=threshold, dtype=np.float32)[0]
                found[-1] |= near(block[-BLOCK:], row)
            block.append(place)
    first: dict[tuple[str, str], int] = {}
    for place, one in enumerate(items):
        other = first.setdefault((one.title, one.family), place)
        if known <= place != other and one.title:
            found[place - known][other] = 100.0
    for place, other in _contained(items, known):
        found[place - known].setdefault(other, round(fuzz.ratio(words[place], words[other]), 1))
    return found


def _keep(places: list[int], place: int) -> None:
    if len(places) < MOST:
        places.append(place)


def _contained(items: Sequence[Item], known: int) -> set[tuple[int, int]]:
    """Return places of a later and an earlier item of which one title is the other, begins or ends with it, or is its head."""
    whole: dict[str, list[int]] = {}
    for place, one in enumerate(items):
        _keep(whole.setdefault(one.title, []), place)
    found = set()
    for place, one in enumerate(items):
        words = one.title[:LONGEST].split()
        parts = {one.head, one.title} - {""}
        for number in range(WORDS, min(len(words), MOST_WORDS)):
            parts |= {" ".join(words[:number]), " ".join(words[-number:])}
        for other in (other for part in parts for other in whole.get(part, ())):
            if max(place, other) >= known and place != other:
                found.add((max(place, other), min(place, other)))
    return found


def _judge(one: Item, other: Item, place: int, score: float | None) -> Pair | None:
    """Return how one item relates to an earlier one; None if they are two publications."""
    names_shared = [name for name, value in one.identifiers.items() if other.identifiers.get(name) == value]
    both = [name for name in _ONE_EACH if name in one.identifiers and name in other.identifiers]
    differing = [name for name in both if one.identifiers[name] != other.identifiers[name]]
    if names_shared:
        return _by_identifier(one, other, place, names_shared, differing)
    if score is None:
        return None
    return _by_title(one, other, place, score, differing)


def _by_identifier(one: Item, other: Item, place: int, shared: Sequence[str], differing: Sequence[str]) -> Pair:
    by = ", ".join(shared)
    if differing:
        facts = "; ".join(f"{name} {one.identifiers[name]} against {other.identifiers[name]}" for name in differing)
        return Pair(place, CONFLICT, by, _similarity(one, other), f"the same {by}, but {facts}")
    score = _similarity(one, other)
    if one.title and other.title and score < UNLIKE and not _authors(one, other):
        return Pair(place, CONFLICT, by, score, f"the same {by}, but another title and no common first author")
    return Pair(place, SAME, by, score)


def _by_title(one: Item, other: Item, place: int, score: float, differing: Sequence[str]) -> Pair | None:
    equal = one.title == other.title
    authors, gap = _authors(one, other), _gap(one, other)
    telling = len(one.title.split()) >= WORDS
    if differing:
        facts = "; ".join(f"{name} {one.identifiers[name]} against {other.identifiers[name]}" for name in differing)
        return Pair(place, CONFLICT, "title", score, f"the same title, but {facts}") if equal and authors is not False else None
    near = one.year == other.year or (gap == 1 and telling)
    if equal and (other.source == one.key or (authors and near) or (authors is None and telling and one.year == other.year)):
        return Pair(place, SAME, "title", score)
    short = min(len(one.title.split()), len(other.title.split())) < WORDS
    if not (equal and telling) and (authors is False or (gap or 0) > 1 or (short and score < THRESHOLD and not authors)):
        return None
    reasons = [] if equal else ["the title is alike"]
    reasons += {False: ["the first author is another"], None: ["a first author is not known"], True: []}[authors]
    reasons += ["a year is not known"] if gap is None else [f"the years are {gap} apart"] if gap > 1 else []
    return Pair(place, PROBABLE, "title", score, ", ".join(reasons))


def _authors(one: Item, other: Item) -> bool | None:
    """Tell whether the first authors agree; None if one of them is not known."""
    if one.family and other.family:
        return names.alike(one.family, other.family)
    for family, keyed in ((one.family, other), (other.family, one)):
        name = ascii_word(family)
        if name and keyed.stem.startswith(f"{name}{keyed.year or 'nd'}"):
            return True
    return None


def _gap(one: Item, other: Item) -> int | None:
    return None if one.year is None or other.year is None else abs(one.year - other.year)


def _similarity(one: Item, other: Item) -> float:
    from rapidfuzz import fuzz

    return round(fuzz.ratio(" ".join(sorted(one.title.split())), " ".join(sorted(other.title.split()))), 1)
