"""Which records are one: worked out by hand on a tiny corpus."""

import pytest

from review.errors import OptionError
from review.importing import compare, matching
from review.importing.matching import match
from review.importing.records import MOST, normalise


def record(line=1, file="f", **fields):
    return normalise(file=file, line=line, **fields)


def one(corpus, **fields):
    return match([record(**fields)], corpus)[0]


DOE, ASKED = "Doe, J", "probably known"
LONG = "A long title of seven words exactly"


@pytest.mark.parametrize(
    ("fields", "verdict", "key", "by"),
    [
        ({"title": "Pain after Surgery", "doi": "10.1000/PAIN_2018"}, "known", "adams2018pain", "doi"),
        ({"title": "Pain after surgery", "authors": "Adams, A", "year": 2018}, "known", "adams2018pain", "title"),
        ({"title": "PAIN AFTER SURGERY.", "authors": "Ann Adams", "year": 2018}, "known", "adams2018pain", "title"),
        ({"title": "Pain after Surgery", "authors": "Adams, A", "year": 2019}, "probably known", "adams2018pain", "title"),
        ({"title": "Pain after Surgery", "authors": "Other, A", "year": 2018}, "new", "", ""),
        ({"title": "Pain after Surgerie", "authors": "Adams, A", "year": 2018}, "probably known", "adams2018pain", "title"),
        ({"title": "Pain after Surgery", "year": 2018}, "probably known", "adams2018pain", "title"),
        ({"title": "Mood in a Survey", "arxiv": "2001.00001v2"}, "known", "chen2020mood", "arxiv"),
        ({"title": "Work and Pain", "pmid": "123"}, "known", "diaz2020work", "pmid"),
        ({"title": "Something that has nothing to do with it", "pmid": "123"}, "conflict", "diaz2020work", "pmid"),
        ({"title": "Pain after Surgery", "authors": "Adams, A", "doi": "10.1000/other"}, "conflict", "adams2018pain", "title"),
        ({"title": "X", "doi": "10.1000/pain_2018", "pmid": "123"}, "conflict", "adams2018pain", "identifiers"),
        ({"title": "A Paper", "authors": "Gray, G", "year": 2017}, "excluded earlier", "gray2017paper", "title"),
        ({"title": "A Paper", "authors": "Other, G", "year": 2017}, "probably known", "gray2017paper", "title"),
        ({"pmid": "123"}, "known", "diaz2020work", "pmid"),
        ({"pmid": "9"}, "incomplete", "", ""),
        ({"title": "???"}, "incomplete", "", ""),
        ({"title": LONG}, "new", "", ""),
    ],
)
def test_verdicts(small, fields, verdict, key, by):
    found = one(small, **fields)
    assert (found.verdict, found.key, found.by) == (verdict, key, by)
    assert found.open == (verdict in ("probably known", "conflict", "incomplete"))


@pytest.mark.parametrize(
    ("family", "key", "year", "agree"),
    [
        ("anderson", "anderson2020test", 2020, True),
        ("anderson", "andersonndtest", None, True),
        ("van den berg", "vandenberg2020test", 2020, True),
        ("ander", "anderson2020test", 2020, None),
        ("anderson", "anderson2020test", 2019, None),
        ("", "2020test", 2020, None),
    ],
)
def test_the_key_of_a_screened_record_tells_its_author(family, key, year, agree):
    one = compare.Item("f:1", "title", family, 2020, {})
    other = compare.Item(key, "title", "", year, {}, "pending", stem=key)
    assert compare._authors(one, other) is agree
    assert compare._authors(other, one) is agree


def test_every_verdict_says_what_it_means(small):
    assert set(matching.OPEN) < set(matching.VERDICTS)
    assert one(small, title="A Paper", authors="Gray, G", year=2017).note == "not a study"


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ({"title": LONG, "doi": "10.1000/a"}, {"title": "Other", "doi": "10.1000/A", "authors": ""}, "conflict"),
        ({"title": LONG, "doi": "10.1000/a"}, {"title": f"{LONG}.", "doi": "10.1000/A"}, "repeated"),
        ({"title": LONG, "doi": "10.1000/a", "pmid": "7"}, {"title": LONG, "doi": "10.1000/a", "pmid": "8"}, "conflict"),
        ({"title": LONG, "doi": "10.1101/123456"}, {"title": LONG, "doi": "10.1000/a"}, "repeated"),
        ({"title": LONG, "doi": "10.1000/a"}, {"title": LONG, "doi": "10.1000/b"}, "conflict"),
        (
            {"title": LONG, "doi": "10.1000/a", "authors": DOE},
            {"title": LONG, "doi": "10.1000/b", "authors": "Roe, J"},
            "new",
        ),
        ({"title": LONG, "authors": DOE, "year": 2020}, {"title": LONG, "authors": DOE, "year": 2021}, "repeated"),
        (
            {"title": LONG, "authors": DOE, "year": 2020},
            {"title": LONG, "authors": DOE, "year": 2023},
            "probably known",
        ),
        (
            {"title": LONG, "authors": DOE, "year": 2020},
            {"title": LONG, "authors": "Roe, J", "year": 2020},
            "probably known",
        ),
        (
            {"title": LONG, "authors": DOE},
            {"title": LONG.replace("exactly", "exact"), "authors": DOE},
            "probably known",
        ),
        ({"title": f"Short: {LONG}", "authors": DOE}, {"title": LONG, "authors": DOE}, ASKED),
        ({"title": f"Short: {LONG}", "authors": DOE}, {"title": "Short", "authors": DOE}, ASKED),
        ({"title": f"Short: {LONG}"}, {"title": "Short"}, "new"),
        (
            {"title": f"{LONG} I", "authors": "D, J", "year": 2020},
            {"title": f"{LONG} II", "authors": "D, J", "year": 2023},
            "new",
        ),
        ({"title": LONG}, {"title": LONG}, "repeated"),
        ({"title": LONG, "arxiv": "2001.00009"}, {"title": LONG, "doi": "10.48550/arXiv.2001.00009v3"}, "repeated"),
    ],
)
def test_records_of_one_import(small, first, second, verdict):
    found = match([record(1, **first), record(2, **second)], small)
    assert [one.verdict for one in found] == ["new", verdict]
    assert found[1].key == ("f:1" if verdict != "new" else "")


def test_a_record_like_two_studies_names_the_nearest(small):
    found = one(small, title="Work and Pains", authors="Diaz, D", year=2020)
    assert (found.verdict, found.key) == ("probably known", "diaz2020work")
    assert 90 < found.score < 100
    assert found.note == "the title is alike"


def test_the_threshold_moves_what_is_asked(small):
    given = [record(title="Pain after any Surgery", authors="Adams, A", year=2018)]
    assert match(given, small, threshold=85)[0].verdict == "probably known"
    assert match(given, small, threshold=95)[0].verdict == "new"
    with pytest.raises(OptionError, match="from 50 to 100"):
        match(given, small, threshold=40)


DOUBTFUL = {"title": "Pain after Surgerie", "authors": "Adams, A", "year": 2018}


@pytest.mark.parametrize(
    ("answer", "verdict", "key"),
    [
        ("same", "known", "adams2018pain"),
        ("new", "new", ""),
        ("skip", "skipped", "adams2018pain"),
        ("brown2019sleep", "known", "brown2019sleep"),
        ("hall2016note", "excluded earlier", "hall2016note"),
    ],
)
@pytest.mark.parametrize("name", ["list.bib:5", "5", "doe", "probable"])
def test_a_person_decides(small, answer, verdict, key, name):
    given = [record(5, "list.bib", key="doe", **DOUBTFUL), record(9, "list.bib", title=LONG)]
    found = match(given, small, decisions={name: answer})
    assert (found[0].verdict, found[0].key) == (verdict, key)
    assert found[1].verdict == "new"


def test_one_answer_of_its_own_goes_before_the_one_for_all(small):
    given = [record(1, **DOUBTFUL), record(2, title="Sleep in Ward", authors="Brown, B", year=2019)]
    found = match(given, small, decisions={"probable": "same", "2": "new"})
    assert [one.verdict for one in found] == ["known", "new"]


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ({"f:9": "new"}, "no record is named 'f:9'"),
        ({"doe": "new"}, "2 records are named 'doe'"),
        ({"f:1": "perhaps"}, "'perhaps' is no answer for f:1"),
        ({"f:2": "same"}, "f:2 is like no single record"),
        ({"f:3": "new"}, "f:3 has no title"),
        ({"f:4": "same"}, "f:4 is like no single record"),
    ],
)
def test_decisions_that_cannot_be_taken(small, decisions, said):
    given = [
        record(1, key="doe", **DOUBTFUL),
        record(2, key="doe", title=LONG),
        record(3, pmid="9"),
        record(4, title="X", doi="10.1000/pain_2018", pmid="123"),
    ]
    with pytest.raises(OptionError, match=said):
        match(given, small, decisions=decisions)


def test_what_repeats_a_decided_record_follows_it(small):
    given = [record(1, **DOUBTFUL), record(2, **DOUBTFUL)]
    assert [one.verdict for one in match(given, small)] == ["probably known", "probably known"]
    pair = [
        record(1, title=LONG, doi="10.1000/a"),
        record(2, title=LONG, doi="10.1000/a"),
        record(3, title=LONG, doi="10.1000/a"),
    ]
    assert [one.verdict for one in match(pair, small)] == ["new", "repeated", "repeated"]
    decided = match(pair, small, decisions={"1": "adams2018pain"})
    assert [(one.verdict, one.key) for one in decided] == [("known", "adams2018pain")] * 3
    skipped = match(pair, small, decisions={"1": "skip"})
    assert [one.verdict for one in skipped] == ["skipped"] * 3


def test_a_doubtful_repetition_is_decided_as_one(small):
    given = [record(1, title=LONG, authors="Doe, J"), record(2, title=f"{LONG}s", authors="Doe, J")]
    assert [one.verdict for one in match(given, small)] == ["new", "probably known"]
    assert [one.verdict for one in match(given, small, decisions={"2": "same"})] == ["new", "repeated"]


def test_records_are_counted_and_the_new_ones_given(small):
    found = match([record(1, title=LONG), record(2, pmid="123"), record(3, title="Quite another one")], small)
    assert matching.count(found) == {"new": 2, "known": 1}
    assert [one.line for one in matching.new_records(found)] == [1, 3]


def test_places_must_differ_and_numbers_are_bounded(small):
    with pytest.raises(ValueError, match="one place"):
        match([record(1, title="x"), record(1, title="y")], small)
    with pytest.raises(OptionError, match="10,000 are the most"):
        match([record(number, title="x") for number in range(MOST + 1)], small)


def test_many_records_of_one_title_take_no_time(small):
    given = [record(number, title=LONG, authors="Doe, J") for number in range(3000)]
    found = match(given, small)
    assert matching.count(found) == {"new": 1, "repeated": 2999}
    assert {one.key for one in found[1:]} == {"f:0"}


def test_the_whole_corpus_is_known_to_itself(real):
    given = [
        record(
            reference.line,
            title=reference.fields["title"],
            authors=reference.fields.get("author", ""),
            year=reference.fields.get("year"),
            doi=reference.fields.get("doi"),
            arxiv=reference.fields.get("eprint"),
            pmid=reference.fields.get("pmid"),
        )
        for reference in real.references
    ]
    assert [one.key for one in match(given, real)] == [reference.key for reference in real.references]
    assert matching.count(match(given, real)) == {"known": 189}


def test_every_screened_record_is_known(real):
    rows = list(real.screening.itertuples(index=False, name="Row"))
    given = [
        record(line, title=row.title, year=row.year, doi=row.doi, arxiv=row.arxiv, pmid=row.pmid) for line, row in enumerate(rows)
    ]
    found = match(given, real)
    assert [one.key for one in found] == [row.key for row in rows]
    assert not any(one.verdict in ("new", "conflict") for one in found)


def test_items_of_the_corpus_hold_identifiers_of_both_files(real):
    items = {item.key: item for item in compare.known(real)}
    assert items["levine2023cell2sentence"].identifiers == {"preprint": "10.1101/2023.09.11.557287"}
    assert items["allam2025scaling"].status == "excluded earlier"
    assert items["allam2025scaling"].stem == "allam2025scaling"
    assert len(items) == 337
