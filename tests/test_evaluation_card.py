"""The report card: complete, valid against its schema, inert whatever the data hold, and laid beside the coded studies."""

import csv
import dataclasses
import io
import json
import re
from html.parser import HTMLParser

import jsonschema
import numpy as np
import pandas as pd
import pytest

from review import corpus, evaluation, files
from review.errors import InputError, MissingExtraError
from review.evaluation import card as cards
from review.evaluation import inputs, page, reported
from review.evaluation.metrics import FAIL, FAMILIES, LOWER, NOT_ASSESSABLE, PASS, Grade, Metric, Section, Settings, Value

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://x","y")',
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "\u202egnp.exe",
)
METRICS = {
    "ks": Metric("ks", "Kolmogorov-Smirnov", "intrinsic", "marginals", 0, 1, LOWER, "Smirnov 1948", "difference", "its cause"),
    "dcr": Metric("dcr", "Distance", "privacy", "distance", 0, float("inf"), LOWER, "here", "closeness", "safety", "units"),
}


def made(names=("a", "b"), count=12, **options):
    frame = pd.DataFrame({name: np.arange(float(count)) for name in names})
    pair = inputs.from_frames(frame, frame, frame)
    values = [Value("ks", name, 0.5, 0.4, 0.6, 0.1, 0.0, 0.2, 0.25, FAIL, 4, 4, "interval", "against", name) for name in names]
    grades = (Grade("intrinsic", "marginals", FAIL, f"because of {names[0]}", tuple(f"ks:{name}" for name in names)),)
    tables = {"examples": ({"column": names[0], "count": 3, "share": 0.123456, "gone": None},)}
    sections = {
        "intrinsic": [Section(tuple(values), grades, (f"a note on {names[0]}",), tables)],
        "privacy": [Section((Value("dcr", value=2.0),), (Grade("privacy", "distance", PASS, "fine"),))],
    }
    return cards.build(pair, Settings(), sections, METRICS, {"human": "nobody rated"}, **options)


def test_every_family_stands_in_the_card():
    card = made()
    assert list(card.sections) == list(FAMILIES)
    assert {(grade.family, grade.grade) for grade in card.grades} == {
        ("intrinsic", FAIL),
        ("human", NOT_ASSESSABLE),
        ("llm", NOT_ASSESSABLE),
        ("downstream", NOT_ASSESSABLE),
        ("privacy", PASS),
    }
    assert card.table().set_index("family").loc["human", "reason"] == "nobody rated"
    assert card.grade("intrinsic", "marginals") == FAIL
    assert card.notes[0].startswith("small sample: 12 real items")
    assert not re.search(r"overall (score|grade):", card.html())


def test_a_pass_of_a_few_items_is_no_grade_and_a_fail_is():
    card = made(count=9)
    assert card.grade("privacy", "distance") == NOT_ASSESSABLE
    assert card.grade("intrinsic", "marginals") == FAIL
    assert "fewer than 10 items" in card.table().set_index("aspect").loc["distance", "reason"]


def test_the_json_keeps_to_its_schema(tmp_path):
    card = made(HOSTILE)
    jsonschema.Draft202012Validator.check_schema(cards.schema())
    jsonschema.validate(card.plain(), cards.schema())
    _, path, _ = card.write(tmp_path)
    assert cards.read(path) == card.plain()
    assert json.loads(path.read_text())["metrics"][1]["high"] is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda held: held.update(format="other/1"), "format"),
        (lambda held: held["families"][0]["grades"][0].update(grade="A+"), "families/0/grades/0/grade"),
        (lambda held: held["families"].pop(), "families"),
        (lambda held: held.update(overall=1), "the whole"),
        (lambda held: held["data"].update(fingerprint="short"), "data/fingerprint"),
    ],
)
def test_another_json_is_refused_with_its_place(tmp_path, change, key):
    held = made().plain()
    change(held)
    path = tmp_path / "card.json"
    path.write_text(json.dumps(held))
    with pytest.raises(InputError) as caught:
        cards.read(path)
    assert caught.value.problems[0].key == key


def test_no_json_is_refused(tmp_path):
    path = tmp_path / "card.json"
    path.write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        cards.read(path)


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def test_data_values_are_inert_in_the_page():
    text = made(HOSTILE, title=HOSTILE[0]).html()
    tags = Tags(text)
    assert not {"script", "img", "iframe", "object", "form", "input", "link"} & set(tags.seen)
    assert not [one for one in tags.attributes if one[1].startswith("on")]
    assert all(value.startswith("#") for _, name, value in tags.attributes if name in ("href", "src"))
    assert "default-src 'none'" in text
    assert "49" not in re.sub(r"[0-9a-f]{64}", "", text).split("<body>")[1].replace("&#", "")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_data_values_are_inert_in_the_table():
    rows = list(csv.DictReader(io.StringIO(made(HOSTILE).csv())))
    assert len(rows) == len(HOSTILE) + 1
    assert not [text for row in rows for text in row.values() if text.startswith(("=", "+", "@", "\t"))]
    assert rows[2]["subject"] == "'" + HOSTILE[2]
    assert float(rows[0]["value"]) == 0.5


def test_negative_numbers_stay_numbers():
    assert files.inert(-0.5) == -0.5
    assert files.inert("-1+1") == "'-1+1"


@pytest.mark.parametrize(("accepted", "words"), [((12, 20), "only these are graded"), ((9, 20), "rejected ones are graded, too")])
def test_the_card_says_whether_rejected_records_are_in_it(accepted, words):
    frame = pd.DataFrame({"a": np.arange(12.0)})
    pair = dataclasses.replace(inputs.from_frames(frame, frame), accepted=accepted)
    (note,) = (note for note in cards.build(pair, Settings(), {}, {}, {}).notes if "were accepted" in note)
    assert note == f"{accepted[0]} of 20 records that the generator was asked for were accepted; {words}"


def test_links_of_the_page_lead_somewhere():
    tags = Tags(made().html())
    targets = {value for _, name, value in tags.attributes if name == "id"}
    assert {value[1:] for _, name, value in tags.attributes if name == "href"} <= targets


def test_an_empty_card_has_a_table_with_a_header():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    card = cards.build(inputs.from_frames(frame, frame), Settings(), {}, {}, {})
    assert card.csv().startswith("family,aspect,title,direction,metric,subject,value")
    assert any("no hold-out" in note for note in card.notes)
    jsonschema.validate(card.plain(), cards.schema())
    assert "No corpus of coded studies" in card.html()


def test_what_nobody_describes_or_grades_twice_is_refused():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    pair = inputs.from_frames(frame, frame)
    twice = Section(grades=(Grade("intrinsic", "a", PASS, "x"),), tables={"t": ()})
    with pytest.raises(ValueError, match="nobody describes: ks"):
        cards.build(pair, Settings(), {"intrinsic": [Section((Value("ks", value=1.0),))]}, {}, {})
    with pytest.raises(ValueError, match="two grades of a"):
        cards.build(pair, Settings(), {"intrinsic": [twice, twice]}, {}, {})
    with pytest.raises(ValueError, match="two tables named t"):
        cards.build(pair, Settings(), {"intrinsic": [twice, Section(tables={"t": ()})]}, {}, {})


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "\u2013"),
        (0.0, "0"),
        (0.0123456, "0.0123"),
        (-1.5, "-1.50"),
        (123.456, "123"),
        (1e-9, "0.000000"),
        (98765.4, "98765"),
        (1.7e308, "1.70e+308"),
        (-2e9, "-2.00e+09"),
    ],
)
def test_numbers_are_short(number, words):
    assert page.short(number) == words


def test_a_strip_puts_numbers_in_their_order():
    strip = page.strip(Value("ks", "", 0.5, 0.4, 0.6, 0.1, 0.0, 0.2, 0.25), METRICS["ks"])
    assert strip["baseline_low"] == page.ROOM  # 0 of a range from 0 to 1
    assert strip["value"] == page.WIDTH / 2
    small = page.strip(Value("ks", "", 0.02, 0.01, 0.04), METRICS["ks"])
    assert small["value"] == page.WIDTH / 2  # a small value has a line of its own: from 0 to the end of its interval
    assert strip["baseline"] < strip["edge"] < strip["low"] < strip["value"] < strip["high"]
    assert strip["words"] == "value 0.500, interval 0.400 to 0.600; baseline 0.100, 0 to 0.200"
    assert page.strip(Value("ks", note="no value"), METRICS["ks"]) is None
    assert page.strip(Value("dcr", value=2.0), METRICS["dcr"])["words"] == "value 2.00"
    huge = page.strip(Value("dcr", "", 0.0, -1.7e308, 1.7e308), METRICS["dcr"])
    assert (huge["low"], huge["value"], huge["high"]) == (page.ROOM, page.WIDTH / 2, page.WIDTH - page.ROOM)


def test_families_of_the_coded_studies_are_counted_as_everywhere():
    loaded = corpus.load()
    table = reported.compute_reported(loaded).set_index("family")
    assert table.loc["intrinsic", "count"] == 16  # published, and met by construction
    assert table.loc["human", "count"] == 26
    assert table.loc["llm", "count"] == 8
    assert table.loc["human", "status"] == "by construction"
    assert pd.isna(table.loc["privacy", "count"])
    assert table.loc["privacy", "status"] == reported.NOT_APART


def test_a_view_shows_the_failing_aspects_of_its_families():
    grades = [
        Grade("intrinsic", "marginals", FAIL, "x"),
        Grade("human", "turing", FAIL, "x"),
        Grade("privacy", "copies", FAIL, "x"),
        Grade("downstream", "prediction", PASS, "x"),
    ]
    views = reported.compute_views(corpus.load(), grades).set_index("labels")
    assert views["count"].sum() == 59
    found = views.loc["intrinsic; human; downstream"]
    assert (found["shown"], found["failing"], found["failing_shown"], found["failing_hidden"]) == (4, 3, 3, 0)
    found = views.loc["downstream"]
    assert (found["shown"], found["failing_shown"], found["failing_hidden"]) == (1, 0, 3)
    words = reported.describe_views(views.reset_index())
    none = int(views.loc[views["failing_shown"] == 0, "count"].sum())
    assert "3 aspects of this card fail" in words
    assert f"{none} none" in words
    passing = reported.compute_views(corpus.load(), grades[3:])
    assert "No aspect of this card fails" in reported.describe_views(passing)


def test_a_card_beside_the_corpus_carries_its_cautions():
    card = evaluation.reported_by(made(), corpus.load())
    assert "by construction" in card.cautions[0]
    assert "language models" in card.cautions[1]
    jsonschema.validate(card.plain(), cards.schema())
    assert "16 of 59" in card.html()


def test_a_corpus_without_evaluation_says_so():
    loaded = corpus.load("examples/second-review")
    assert reported.applies(loaded) is False
    card = evaluation.reported_by(made(), loaded)
    assert (card.reported, card.cautions) == ((), ())
    assert reported.describe_views(reported.compute_views(loaded, [])) == "No coded study stands beside this card."


def test_a_missing_library_is_named(monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("no", name="sklearn.linear_model")

    monkeypatch.setattr(evaluation, "_steps", missing)
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    with pytest.raises(ModuleNotFoundError):
        evaluation.evaluate(inputs.from_frames(frame, frame))
    monkeypatch.setattr(evaluation, "_steps", lambda *_: [("columns", "intrinsic", missing)])
    with pytest.raises(MissingExtraError, match="evaluate"):
        evaluation.evaluate(inputs.from_frames(frame, frame))
