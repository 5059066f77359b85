"""Which records are already in a corpus, which probably are, and which are new.

A record is the same as another if they share an identifier, or if title (letters and digits), family name of the first author and
year (within one) agree; where an author is not known, a title of five words or more and the same year will do. Where titles are
only alike, or author or year speaks against it, a person has to decide. Titles are compared by
the normalised indel similarity of their sorted words (``rapidfuzz.fuzz.ratio``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review.errors import OptionError
from review.importing import compare
from review.importing.compare import SAME, Item, Pair
from review.importing.records import MOST as MOST_RECORDS

if TYPE_CHECKING:
    from review.corpus import Corpus
    from review.importing.records import Record

NEW = "new"
KNOWN = "known"
EXCLUDED = "excluded earlier"
PENDING = "pending"
REPEATED = "repeated"
PROBABLE = compare.PROBABLE
CONFLICT = compare.CONFLICT
INCOMPLETE = "incomplete"
SKIPPED = "skipped"
VERDICTS = {
    NEW: "in neither the bibliography nor the screening table",
    KNOWN: "a study of the bibliography",
    PENDING: "a record that waits for screening",
    EXCLUDED: "a record that was screened and excluded",
    REPEATED: "the same as an earlier record of what is imported",
    PROBABLE: "a person has to decide whether it is the one named",
    CONFLICT: "identifiers or title contradict each other: a person has to decide",
    INCOMPLETE: "without a title, and no identifier of it is known",
    SKIPPED: "left out by decision",
}
OPEN = (PROBABLE, CONFLICT, INCOMPLETE)
"""Verdicts that a person has to settle."""

EVERY = "probable"
THRESHOLD = compare.THRESHOLD
MOST = MOST_RECORDS


@dataclass(frozen=True)
class Match:
    """What became of one record.

    Attributes
    ----------
    record : Record
    verdict : str
        One of :data:`VERDICTS`.
    key : str
        Of the study or record in the corpus; ``FILE:LINE`` of an earlier record of the import; "" for a new one.
    by : str
        What they share: names of identifiers, ``title``, or ``decision``.
    score : float
        Similarity of the titles from 0 to 100.
    note : str
        Why, in words.
    """

    record: Record
    verdict: str
    key: str = ""
    by: str = ""
    score: float = 0.0
    note: str = ""

    @property
    def open(self) -> bool:
        """Whether a person has to decide."""
        return self.verdict in OPEN


def match(
    records: Sequence[Record], corpus: Corpus, threshold: float = THRESHOLD, decisions: Mapping[str, str] | None = None
) -> list[Match]:
    """Match records with a corpus, and with one another.

    Parameters
    ----------
    records : sequence of Record
    corpus : Corpus
        Studies of the bibliography and every record of the screening table, those excluded too.
    threshold : float
        Similarity of titles, 50 to 100, from which a person has to decide.
    decisions : mapping of str to str, optional
        By ``FILE:LINE``, line, or the record's own key: ``new``, ``same`` (as the one named), ``skip``, or a key of the corpus.
        What is in the corpus for certain is not made new a second time.
        ``probable`` stands for every record that is probably known and has no decision of its own.

    Returns
    -------
    list of Match
        In the order of the records.

    Raises
    ------
    OptionError
        If a decision fits no record or cannot be taken, the threshold is no such number, or there are too many records.
    ValueError
        If two records have the same file and line.
    """
    if not 50 <= threshold <= 100:
        raise OptionError(f"the threshold is {threshold:g} -> choose a similarity from 50 to 100")
    if len(records) > MOST:
        raise OptionError(f"there are {len(records):,} records, {MOST:,} are the most at a time -> split the file")
    if len({record.place for record in records}) < len(records):
        raise ValueError("two records have one place: FILE:LINE must name one")
    given = dict(decisions or {})
    probable = given.pop(EVERY, None)
    decided = _decisions(records, given)
    known = compare.known(corpus)
    mine = [compare.item(record) for record in records]
    items = [*known, *mine]
    pairs = compare.pairs(items, len(known), threshold)
    titled = [bool(one.title) for one in mine]
    found = [_judged(record, near, items, len(known), has) for record, near, has in zip(records, pairs, titled, strict=True)]
    statuses = {item.key: item.status for item in known}
    answers = [decided.get(place, probable if one.verdict == PROBABLE else None) for place, one in enumerate(found)]
    return _followed([_settled(one, answer, statuses) for one, answer in zip(found, answers, strict=True)], statuses)


def _judged(record: Record, near: Sequence[Pair], items: Sequence[Item], known: int, titled: bool) -> Match:
    """Return the verdict of one record from all that it is like."""
    strong = [pair for pair in near if pair.other < known and pair.by != "title"]
    shared = {items[pair.other].key: pair.by for pair in strong if items[pair.other].reason != "duplicate"}
    if len(shared) > 1:
        facts = "; ".join(f"{by} of {key}" for key, by in sorted(shared.items()))
        return Match(record, CONFLICT, min(shared), "identifiers", 0.0, f"it has {facts}")
    if not near:
        return Match(record, NEW) if titled else Match(record, INCOMPLETE, note="it has no title")
    best = min(near, key=lambda pair: _rank(pair, items, known))
    other = items[best.other]
    if best.kind != SAME:
        return Match(record, best.kind if titled else INCOMPLETE, other.key, best.by, best.score, best.note)
    verdict = other.status if best.other < known else REPEATED
    return Match(record, verdict, other.key, best.by, best.score, _why(other))


def _rank(pair: Pair, items: Sequence[Item], known: int) -> tuple[int, int, int, int, float, int]:
    """Order by certainty; identifiers before titles, the corpus before the import, the bibliography before the rest."""
    other = items[pair.other]
    certainty = (SAME, CONFLICT, PROBABLE).index(pair.kind)
    return certainty, pair.by == "title", pair.other >= known, other.status != KNOWN, -pair.score, pair.other


def _why(item: Item) -> str:
    return item.reason.replace("-", " ") if item.status == EXCLUDED else ""


def _decisions(records: Sequence[Record], decisions: Mapping[str, str]) -> dict[int, str]:
    """Return decisions by the place of the record."""
    names: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        for name in {record.place, record.place.rpartition(":")[2], record.key} - {""}:
            names.setdefault(name, []).append(place)
    found: dict[int, str] = {}
    for name, answer in decisions.items():
        places = names.get(name, [])
        if not places:
            raise OptionError(f"no record is named {name!r} -> name it by FILE:LINE as in the table")
        if len(places) > 1:
            raise OptionError(f"{len(places)} records are named {name!r} -> name one by FILE:LINE")
        found[places[0]] = answer
    return found


def _settled(one: Match, answer: str | None, statuses: Mapping[str, str]) -> Match:
    """Return a match as a person decided it."""
    if answer is None:
        return one
    if answer == "skip":
        return replace(one, verdict=SKIPPED, by="decision")
    if answer == "new" and one.verdict in (KNOWN, PENDING, EXCLUDED):
        return replace(one, note="it is there already")
    if answer == "new":
        if not compare.item(one.record).title:
            raise OptionError(f"{one.record.place} has no title and cannot be new -> skip it, or give a key of the corpus")
        return replace(one, verdict=NEW, key="", by="decision", note="")
    key = one.key if answer == "same" else answer
    if answer == "same" and (not key or one.by == "identifiers"):
        raise OptionError(f"{one.record.place} is like no single record -> give a key of the corpus instead of 'same'")
    if key in statuses:
        return replace(one, verdict=statuses[key], key=key, by="decision", note="")
    if answer == "same":
        return replace(one, verdict=REPEATED, by="decision", note="")
    raise OptionError(f"{answer!r} is no answer for {one.record.place} -> use new, same, skip or a key of the corpus")


def _followed(matches: Sequence[Match], statuses: Mapping[str, str]) -> list[Match]:
    """Return matches in which what repeats a record that became another's is that other's too."""
    by_place = {one.record.place: one for one in matches}
    return [_follow(one, by_place, statuses) for one in matches]


def _follow(one: Match, by_place: Mapping[str, Match], statuses: Mapping[str, str]) -> Match:
    first, seen = one, {one.record.place}
    while first.verdict == REPEATED and first.key in by_place and first.key not in seen:
        seen.add(first.key)
        first = by_place[first.key]
    if one.verdict != REPEATED or first.verdict in (NEW, REPEATED):
        return one
    if first.key in statuses and not first.open:
        return replace(one, verdict=first.verdict, key=first.key, note=first.note)
    return replace(one, verdict=first.verdict, note=f"as {first.record.place}")


def count(matches: Iterable[Match]) -> dict[str, int]:
    """Return how many records have each verdict that occurs, in the order of :data:`VERDICTS`."""
    verdicts = [one.verdict for one in matches]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}


def new_records(matches: Iterable[Match]) -> Iterator[Record]:
    """Return the records that the corpus does not have, in their order."""
    return (one.record for one in matches if one.verdict == NEW)
