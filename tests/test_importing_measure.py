"""How often the matcher is right, on pairs whose answer the evidence of the project tells; docs/import.md says the same."""

import json
import random
import re
from dataclasses import replace

import pytest

from review import paths
from review.importing import compare, matching
from review.importing.records import normalise

EVIDENCE = paths.DATA / "build" / "evidence"
GUIDE = (paths.ROOT / "docs" / "import.md").read_text("utf-8")


def evidence(name):
    return json.loads((EVIDENCE / name).read_text("utf-8"))


@pytest.fixture(scope="module")
def found():
    """Every record of the search as it was found, before anybody looked it up again, without identifiers."""
    rows = [(row["key"], row["identity"]) for row in evidence("pool.json")]
    rows += [(row["key"], row) for row in evidence("excluded.json")]
    return {
        key: normalise(title=row["title"], authors=row["authors"] or [], year=row["year"], file="found", line=place)
        for place, (key, row) in enumerate(sorted(rows, key=lambda pair: pair[0]), 1)
    }


def typo(title, rng):
    place = rng.randrange(1, len(title) - 1)
    return title[: place - 1] + title[place] + title[place - 1] + title[place + 1 :]


def without_a_word(title, rng):
    words = title.split()
    del words[rng.randrange(len(words))]
    return " ".join(words)


CHANGES = {
    "upper case": lambda title, rng: title.upper(),
    "no punctuation": lambda title, rng: re.sub(r"[^\w\s]", " ", title),
    "markup": lambda title, rng: f"<i>{title.split()[0]}</i> {' '.join(title.split()[1:])}.",
    "two letters swapped": typo,
    "a word lost": without_a_word,
    "only the part before the colon": lambda title, rng: title.split(":")[0],
    "year one later": lambda title, rng: title,
}


def test_a_record_that_a_corpus_does_not_have_is_new(found):
    """Each of the 337 records against the 336 others; one was excluded as a duplicate."""
    items = [replace(compare.item(record), key=key) for key, record in found.items()]
    near = {}
    for place, one in enumerate(items):
        others = [*items[:place], *items[place + 1 :]]
        near[one.key] = compare.pairs([*others, one], len(others), matching.THRESHOLD)[0]
    assert len(items) == 337
    same = [key for key, pairs in near.items() if any(pair.kind != compare.PROBABLE for pair in pairs)]
    asked = [key for key, pairs in near.items() if pairs]
    assert same == []
    assert asked == []
    assert "| a record that the corpus does not have | 337 | 0 | 0 |" in GUIDE


def test_studies_as_they_were_found_are_the_verified_ones(found, real):
    """Titles, years and authors changed between preprint and publication, and were found with errors."""
    pool = [row["key"] for row in evidence("pool.json")]
    matches = matching.match([found[key] for key in pool], real)
    right = [key for key, one in zip(pool, matches, strict=True) if one.key == key and not one.open]
    asked = [key for key, one in zip(pool, matches, strict=True) if one.key == key and one.verdict == matching.PROBABLE]
    wrong = [key for key, one in zip(pool, matches, strict=True) if one.key not in ("", key)]
    assert wrong == []
    missed = 191 - len(right) - len(asked)
    said = f"{len(right)} are recognised as the study with its verified identity, {len(asked)} are asked about and {missed} are"
    assert said in " ".join(GUIDE.split())


@pytest.mark.parametrize("name", CHANGES)
def test_changed_titles_are_recognised_or_asked_about(name, found, real):
    rng = random.Random(20260219)
    keys = sorted(found)
    records = []
    for key in keys:
        record = found[key]
        later = (record.year or 0) + 1 if name == "year one later" and record.year else record.year
        title = CHANGES[name](record.title, rng)
        records.append(normalise(title=title, authors=list(record.authors), year=later, file="changed", line=record.line))
    matches = matching.match(records, real)
    right = sum(one.key == key and not one.open for key, one in zip(keys, matches, strict=True))
    asked = sum(one.key == key and one.verdict == matching.PROBABLE for key, one in zip(keys, matches, strict=True))
    wrong = [(key, one.key) for key, one in zip(keys, matches, strict=True) if one.key not in ("", key)]
    missed = [key for key, one in zip(keys, matches, strict=True) if one.verdict == matching.NEW]
    assert wrong == []
    assert re.search(rf"\| {name} \| {right} \| {asked} \| {len(missed)} \|", GUIDE), (right, asked, len(missed))
