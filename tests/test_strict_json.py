"""JSON that somebody changed or damaged, and inputs that are made to take long or to end the process."""

import json

import pytest
from conftest import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st

from review import strict_json
from review.batch import grid
from review.batch.grid import Declared
from review.errors import SHOWN, InputError, RunError
from review.evaluation import parquet, readers
from review.generators import seeds, tabular_prompting, text_answers
from review.site import build

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_json_wrote_is_read_as_it_was(value):
    assert strict_json.parse("f.json", json.dumps(value), "restore it") == value
    assert strict_json.parse("f.json", json.dumps(value, ensure_ascii=False), "restore it", nan=True) == value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{\n "a": \n}', 3, "not JSON"),
        ("", 1, "not JSON"),
        ('{"a": 1, "b": 2, "a": 3}', None, "the name 'a' stands twice"),
        ("[NaN]", None, "the value NaN is not JSON"),
        ("[1e999]", None, "the number 1e999 is too large"),
        ("[" + "9" * 5000 + "]", None, "digits"),
        ('["\\ud800"]', None, "U\\+D800"),
        ('{"\\udc00": 1}', None, "U\\+DC00"),
        ("[" * 2000, None, "nested too deeply"),
        ("[" * 2000 + "]" * 2000, None, "nested too deeply"),
    ],
)
def test_what_is_no_plain_json_is_refused_with_its_line(text, line, words):
    with pytest.raises(InputError, match=words) as caught:
        strict_json.parse("f.json", text, "restore it")
    assert [(problem.file, problem.line, problem.remedy) for problem in caught.value.problems] == [("f.json", line, "restore it")]


def test_control_characters_and_nan_are_read_where_they_may_be():
    assert strict_json.parse("f", '["\\u001b[31m"]', "") == ["\x1b[31m"]
    with pytest.raises(InputError, match=r"U\+001B"):
        strict_json.parse("f", '["\\u001b[31m"]', "", controls=False)
    assert str(strict_json.parse("f", "[NaN, 1e999]", "", nan=True)) == "[nan, inf]"
    with pytest.raises(InputError) as caught:
        strict_json.parse("f", "{", "", line=7)
    assert caught.value.problems[0].line == 7


def test_a_file_that_ends_whoever_reads_it_is_refused(tmp_path):
    bad = EXAMPLES / "fuzz" / "evaluate-parquet" / "ends-the-process.parquet"
    good = tmp_path / "good.parquet"
    import pandas as pd

    pd.DataFrame({"text": ["a", "b"], "n": [1, 2]}).to_parquet(good)
    assert parquet.deadly([good]) is None
    assert parquet.deadly([good, bad, good]) == bad
    with pytest.raises(InputError, match="reading it ends the process"):
        readers.read(bad)


@pytest.mark.parametrize(
    "find", [tabular_prompting.first_object, lambda text: text_answers.holds_valid(text, {"type": "object"})]
)
def test_an_answer_of_nothing_but_braces_is_given_up(find):
    assert not find('{"a":' * 100_000)
    assert find('words {"a": 1} words')


def test_fields_that_no_reader_of_csv_takes_are_refused(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a" * 140_000 + ",b\n1,2\n3,4\n")
    with pytest.raises(InputError, match="not CSV"):
        readers.read(path)
    path.write_text("name\n" + "x" * 140_000 + "\n")
    with pytest.raises(InputError, match="not CSV"):
        grid.read(path, {"name": Declared("name", str, "")})


def test_very_many_columns_are_refused_or_read_soon(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(",".join(f"c{n}" for n in range(60_000)) + ",c0\n")
    with pytest.raises(InputError, match="two columns have this name"):
        readers.read(path)


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": "another"}', "{", ""])
def test_a_folder_of_something_else_with_a_file_named_like_the_list_of_a_site_is_left_alone(tmp_path, text):
    (tmp_path / "site.json").write_text(text)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="holds something that is no site"):
        build.check_target(tmp_path)
    (tmp_path / "site.json").write_text(json.dumps({"format": build.FORMAT}))
    build.check_target(tmp_path)


def test_the_text_of_an_error_stays_short_enough_to_be_read(tmp_path):
    (tmp_path / "notes.jsonl").write_text("\n" * 5_000 + "x\n")
    with pytest.raises(InputError) as caught:
        seeds.load("note", tmp_path)
    assert len(caught.value.problems) == 5_001
    assert str(caught.value).count("\n") == SHOWN + 1
    assert str(caught.value).endswith("and 4,801 more -> mend these first")
