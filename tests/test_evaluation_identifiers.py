"""Identifiers are found as they are written, without the network; those of real people that come back are caught, and masked."""

import socket

import numpy as np
import pytest

from review.evaluation import identifiers
from review.evaluation.identifiers import DATE, EMAIL, NAME, PHONE, RECORD, SECURITY, SURNAME, URL, find, masked
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, UNCLEAR, Settings

SETTINGS = Settings()
GIVEN = [
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Emma",
    "Frank",
    "Grace",
    "Henry",
    "Iris",
    "Jack",
    "Karen",
    "Liam",
    "Maria",
    "Noah",
    "Olga",
    "Paul",
    "Quinn",
    "Rosa",
    "Sam",
    "Tina",
]
FAMILY = [
    "Abel",
    "Brown",
    "Cohen",
    "Drake",
    "Evans",
    "Fisher",
    "Green",
    "Hughes",
    "Ivers",
    "Jones",
    "King",
    "Lopez",
    "Moore",
    "Novak",
    "Owens",
    "Price",
    "Reed",
    "Stone",
]


def letter(draw):
    return (
        f"Dr. {draw.choice(GIVEN)} {draw.choice(FAMILY)} saw the patient on {draw.integers(1, 28)}/{draw.integers(1, 13)}/2020. "
        f"MRN: {draw.integers(10**6, 10**7)}. Phone (212) 555-{draw.integers(1000, 9999)}{draw.integers(0, 2)}"
    )[:-1]


def letters(draw, size):
    return [letter(draw) for _ in range(size)]


def value(section, kind, metric="identifiers_again"):
    return next(one for one in section.values if (one.metric, one.subject) == (metric, kind))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seen by Dr. Alice Walker and Mr Brown.", {NAME: ["alice walker"], SURNAME: ["brown"]}),
        ("Patient name: Mary O'Brien-Jones, Prof. J. K. Miller", {NAME: ["mary o'brien-jones", "j k miller"]}),
        ("DICTATED BY DR. SMITH TODAY", {SURNAME: ["smith"]}),
        ("MRN: 0045821", {RECORD: ["0045821"]}),
        ("Hospital number A-123456", {RECORD: ["A123456"]}),
        ("The medical record number is 12 34 5678.", {RECORD: ["12345678"]}),
        ("NHS number 943 476 5919", {RECORD: ["9434765919"]}),
        ("Call (415) 555-2671 or +44 20 7946 0958", {PHONE: ["155552671", "079460958"]}),
        ("telephone 4155552671", {PHONE: ["155552671"]}),
        ("write to A.Walker@StMary.org", {EMAIL: ["a.walker@stmary.org"]}),
        ("SSN 536-90-4399", {SECURITY: ["536904399"]}),
        ("see https://stmary.org/x.", {URL: ["https://stmary.org/x"]}),
        ("on 12/03/2021, 2021-03-12 and 3 March 2019", {DATE: ["12/03/2021", "2021-03-12", "3 march 2019"]}),
        ("March 5th, 2020", {DATE: ["march 5th, 2020"]}),
    ],
)
def test_identifiers_are_found_as_they_are_written(text, expected):
    assert find(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80, Hb 13.5, WBC 10,200; Na 140; platelets 250 000; 0.9% NaCl 1000 ml.",
        "K 4.1.admitted.He was in pain.in the ward",
        "units 1234567890 were given",
        "Alice Walker came without a title",
        "the patient id 5, patient number of days 12, MR imaging, MS Contin 15 mg",
        "since 03/2019, May-2020",
        "a @ b, root@localhost",
        "nothing at all",
    ],
)
def test_other_words_and_numbers_are_not_identifiers(text):
    assert find(text) == {}


def test_nothing_touches_the_network(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("the network was used")

    for name in ("create_connection", "getaddrinfo", "gethostbyname"):
        monkeypatch.setattr(socket, name, refuse)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    identifiers.engine.cache_clear()
    text = "Dr. Alice Walker, a.walker@stmary.co.uk, https://stmary.org, phone (415) 555-2671, MRN 0045821, 12/03/2021"
    assert set(find(text)) == {NAME, EMAIL, URL, PHONE, RECORD, DATE}
    with pytest.raises(AssertionError, match="network"):
        socket.create_connection(("localhost", 9))


def test_values_are_masked_but_for_two_characters():
    assert masked("alice walker") == "al••• ••••••"
    assert [masked(name) for name in ("li", "ng a", "chan", "smith")] == ["l•", "n• •", "c•••", "sm•••"]
    text = "Dr. Alice Walker, phone (415) 555-2671 on 3 May 2020, 7 beds"
    covered = identifiers.cover(text)
    assert len(covered) == len(text)
    assert covered == "Dr. Al••• ••••••, phone (•••• •••••••• on • ••• ••••, • beds"


@pytest.mark.parametrize("with_holdout", [True, False])
def test_a_number_of_a_real_patient_is_caught(with_holdout):
    draw = np.random.default_rng(1)
    real, synthetic, held = letters(draw, 60), letters(draw, 60), letters(draw, 40)
    more = {"holdout": held} if with_holdout else {}
    real[5] = "The patient. MRN: 7766554. Phone (415) 555-2671. Mail joe.doe@stmary.org. SSN 536-90-4399"
    assert identifiers.measure({"real": real, "synthetic": synthetic, **more}, SETTINGS).grades[0].grade == PASS
    for planted, kind in (
        ("mrn 7766554 again", RECORD),
        ("call 415.555.2671 again", PHONE),
        ("JOE.DOE@stmary.org", EMAIL),
        ("social security 536 90 4399", SECURITY),
    ):
        section = identifiers.measure({"real": real, "synthetic": [*synthetic, planted], **more}, SETTINGS)
        assert section.grades[0].grade == FAIL
        assert section.grades[0].decided_by == (f"identifiers_again:{kind}",)
        found = value(section, kind)
        assert "come back: 1 (" in found.note
        assert all(secret not in str(section) for secret in ("7766554", "155552671", "joe.doe", "536904399"))


def test_a_name_in_full_is_caught_where_names_do_not_come_back_by_chance():
    draw = np.random.default_rng(2)
    unique = [f"{one}{two.lower()}" for one in GIVEN for two in FAMILY]
    names = [f"Dr. {name} {unique[-1 - place]} came." for place, name in enumerate(unique[:150])]
    real, synthetic, held = names[:50], names[50:100], names[100:150]
    for more in ({}, {"holdout": held}):
        parts = {"real": real, "synthetic": synthetic, **more}
        assert identifiers.measure(parts, SETTINGS).grades[0].grade == PASS
        parts["synthetic"] = [*synthetic, real[int(draw.integers(50))]]
        assert identifiers.measure(parts, SETTINGS).grades[0].decided_by == (f"identifiers_again:{NAME}",)


def test_letters_of_the_same_kind_pass_in_nearly_all_trials():
    passed = 0
    for seed in range(14):
        draw = np.random.default_rng(seed)
        parts = {
            "real": letters(draw, 60),
            "synthetic": letters(draw, 60),
            **({"holdout": letters(draw, 40)} if seed % 2 else {}),
        }
        # a telephone number may come back by chance: there are 9000 of them, and 60 in either
        for text in range(60):
            parts["synthetic"][text] = parts["synthetic"][text].replace("(212)", "(646)")
        passed += identifiers.measure(parts, Settings(seed=seed)).grades[0].grade == PASS
    assert passed >= 12


def test_a_telephone_number_that_stands_everywhere_may_be_that_of_the_hospital():
    draw = np.random.default_rng(3)
    real, synthetic = ([f"Ward (415) 555-2671. MRN {number}" for number in draw.integers(10**6, 10**7, 30)] for _ in "ab")
    section = identifiers.measure({"real": real, "synthetic": synthetic}, SETTINGS)
    assert value(section, PHONE).verdict == UNCLEAR
    assert value(section, RECORD).verdict == PASS
    section = identifiers.measure({"real": real[:1], "synthetic": synthetic, "holdout": real[1:]}, SETTINGS)
    assert value(section, PHONE).verdict == UNCLEAR
    section = identifiers.measure({"real": real[:1], "synthetic": synthetic, "holdout": ["nothing"]}, SETTINGS)
    assert value(section, PHONE).verdict == FAIL


def test_a_record_number_fails_even_if_it_stands_in_several_letters():
    texts = ["MRN 7766554 came", "MRN 7766554 left"]
    section = identifiers.measure({"real": texts, "synthetic": texts[:1]}, SETTINGS)
    assert value(section, RECORD).verdict == FAIL


def test_dates_are_shown_and_not_graded():
    real = [f"seen on {day}/05/2020" for day in range(1, 29)]
    section = identifiers.measure({"real": real, "synthetic": real}, SETTINGS)
    assert value(section, DATE).value == 1
    assert value(section, DATE).verdict == ""
    assert value(section, DATE, "identifiers").baseline == 1
    assert section.grades[0].grade == NOT_ASSESSABLE


def test_without_identifiers_in_real_texts_there_is_no_grade():
    section = identifiers.measure({"real": ["no pain"] * 20, "synthetic": ["MRN 7766554"] * 20}, SETTINGS)
    assert section.grades[0].grade == NOT_ASSESSABLE
    assert value(section, RECORD, "identifiers").value == 1
    section = identifiers.measure({"real": ["MRN 7766554"] * 20, "synthetic": ["no pain"] * 20}, SETTINGS)
    assert section.grades[0].grade == PASS
    assert value(section, RECORD).note == "none in the synthetic texts"


def test_at_most_so_many_texts_are_searched_and_this_is_said():
    draw = np.random.default_rng(4)
    section = identifiers.measure({"real": letters(draw, 60), "synthetic": letters(draw, 40)}, Settings(most=50))
    assert section.notes[0] == "Identifiers: 50 of 60 real texts are searched."
    assert "without a title" in section.notes[-1]
