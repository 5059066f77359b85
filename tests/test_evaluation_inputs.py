"""Reading pairs of data sets: what columns are taken for, and what is refused with file, line, key and remedy."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from review.errors import InputError, OptionError, printable
from review.evaluation import inputs, readers
from review.evaluation.inputs import Choices
from review.generators.dataset import Dataset, Record

REAL = "age,sex,score\n61,f,1.5\n47,m,2.5\n52,f,\n"
SYNTHETIC = "age,sex,score\n60,m,1.0\n50,x,2.0\n"


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pair(folder: Path, real: str | bytes = REAL, synthetic: str | bytes = SYNTHETIC, suffix: str = "csv", **choices: object):
    return inputs.load(
        put(folder, f"real.{suffix}", real), put(folder, f"synthetic.{suffix}", synthetic), None, Choices(**choices)
    )


def refused(folder: Path, real: str | bytes = REAL, synthetic: str | bytes = SYNTHETIC, suffix: str = "csv", **choices: object):
    with pytest.raises(InputError) as caught:
        pair(folder, real, synthetic, suffix, **choices)
    return caught.value.problems


def test_columns_get_the_types_of_the_real_data(tmp_path):
    found = pair(tmp_path)
    assert [(column.name, column.kind) for column in found.columns] == [("age", "number"), ("sex", "class"), ("score", "class")]
    assert found.kind == "tabular"
    assert found.real["age"].tolist() == [61.0, 47.0, 52.0]
    assert list(found.real["sex"].cat.categories) == ["f", "m", "x"] == list(found.synthetic["sex"].cat.categories)
    assert found.real["score"].isna().tolist() == [False, False, True]


def test_numbers_with_two_values_are_classes_and_the_card_says_so(tmp_path):
    found = pair(tmp_path, "a,b\n1,0\n2,1\n3,1\n", "a,b\n1,1\n2,0\n")
    assert [column.kind for column in found.columns] == ["number", "class"]
    assert any("b: numbers with 2 different values" in note for note in found.notes)


def test_the_three_formats_give_the_same_pair(tmp_path):
    rows = [{"age": 61, "sex": "f", "score": 1.5}, {"age": 47, "sex": "m", "score": 2.5}, {"age": 52, "sex": "f", "score": None}]
    others = [{"age": 60, "sex": "m", "score": 1.0}, {"age": 50, "sex": "x", "score": 2.0}]
    csv = pair(tmp_path)
    jsonl = pair(tmp_path, *("".join(json.dumps(row) + "\n" for row in part) for part in (rows, others)), suffix="jsonl")
    paths = []
    for name, part in (("real", rows), ("synthetic", others)):
        paths.append(tmp_path / f"{name}.parquet")
        pd.DataFrame(part).to_parquet(paths[-1])
    parquet = inputs.load(*paths)
    for other in (jsonl, parquet):
        assert other.columns[0] == csv.columns[0]
        pd.testing.assert_frame_equal(other.real[["age", "sex"]], csv.real[["age", "sex"]])
        assert other.real["score"].astype("object").isna().tolist() == csv.real["score"].isna().tolist()


def test_a_name_cannot_steer_the_terminal():
    assert printable("left out: a\x1b[31m\nb é") == "left out: a\\x1b[31m\\nb é"


def test_half_of_a_character_is_refused(tmp_path):
    rows = '{"a": 1.5}\n{"a": 2.5}\n{"a": 3.5}\n'
    (problem,) = refused(tmp_path, rows, '{"a": 1.5}\n{"a": "x \\ud800"}\n', "jsonl")
    assert (problem.line, "half of a character" in problem.message) == (2, True)
    whole = '{"t": "a heart \\ud83d\\ude00 of some gold"}\n' * 3
    assert pair(tmp_path, whole, whole, "jsonl").real["t"][0] == "a heart \U0001f600 of some gold"


def test_dates_are_compared_as_days(tmp_path):
    found = pair(tmp_path, "day\n1970-01-02\n1970-01-11\n1970-01-03T12:00:00Z\n", "day\n1969-12-31\n1970-01-01\n")
    assert found.real["day"].tolist() == [1.0, 10.0, 2.5]
    assert found.synthetic["day"].tolist() == [-1.0, 0.0]
    assert any("dates, compared as days" in note for note in found.notes)


def test_text_with_a_label_is_text_and_beside_numbers_it_is_paired(tmp_path):
    texts = "text,label\nchest pain on effort since May,cardiology\nitchy red rash on both arms,dermatology\n"
    found = pair(tmp_path, texts, texts)
    assert (found.kind, found.text, found.label) == ("text", "text", "label")
    beside = "note,rate\nregular rhythm at this rate today,70.5\nirregular rhythm this morning,120\nslow rhythm at night,45\n"
    found = pair(tmp_path, beside, beside)
    assert (found.kind, found.text, found.label) == ("paired", "note", "")


def test_sequences_are_kept_and_identifiers_left_out(tmp_path):
    rows = [{"id": f"p{place}", "signal": [1, 2.5], "report": "a regular rhythm was seen"} for place in range(60)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    found = pair(tmp_path, lines, lines, suffix="jsonl")
    assert {column.name: column.kind for column in found.columns} == {"signal": "sequence", "report": "text"}
    assert found.real["signal"][0] == [1.0, 2.5]
    assert any("left out: id has 60 different short values" in note for note in found.notes)


def test_records_of_a_generator_are_taken_when_accepted(tmp_path):
    records = tuple(Record(place, {"a": place * 1.5, "b": "x"}, "bad" if place == 1 else "") for place in range(4))
    made = Dataset("tabular", "prompting", 1, {"model": "m"}, {}, {"bad": "bad"}, records)
    path, _ = made.write(tmp_path / "records.jsonl")
    found = inputs.load(path, path)
    assert found.real["a"].tolist() == [0.0, 3.0, 4.5]
    assert found.accepted == (3, 4)
    assert readers.read(path, rejected=True).frame["a"].tolist() == [0.0, 1.5, 3.0, 4.5]


def test_every_problem_is_told_with_its_line(tmp_path):
    problems = refused(tmp_path, synthetic='age,sex,score\nold,m,1\n50,x,"=1+1"\n60,x,inf\n', classes=("sex",))
    assert [(problem.line, problem.key) for problem in problems] == [(2, "age")]
    assert "'old' is not a finite number" in problems[0].message
    assert "--ignore age" in problems[0].remedy


@pytest.mark.parametrize(
    ("real", "synthetic", "line", "key", "words"),
    [
        (REAL, "age,sex\n60,m\n50,f\n", None, "score", "the column is missing here"),
        (REAL, "age,sex,score,extra\n60,m,1,1\n50,f,2,1\n", None, "extra", "the column is missing here"),
        (REAL, "age,sex,score\n60,m,1\n", None, None, "1 rows are too few"),
        (REAL, "age,sex,score\n", None, None, "0 rows are too few"),
        (REAL, "", None, None, "the file is empty"),
        (REAL, " \n\n", None, None, "the file is empty"),
        (REAL, "age,sex,score\n,m,1\nNA,f,2\n", None, "age", "every value of the column is missing"),
        ("a\n1\n2\n3\n", "a\n1\ninf\n", 3, "a", "'inf' is not a finite number"),
        ("a\n1\n2\ninf\n", "a\n1\n3\n", 4, "a", "'inf' is not a finite number"),
        ("a\n1\n2\n3\n4\n5\n6\noops\n", "a\n1\n3\n", 8, "a", "'oops' is not a finite number"),
        (REAL, "age,age,score\n1,2,3\n1,2,3\n", 1, "age", "two columns have this name"),
        (REAL, "age,,score\n1,2,3\n1,2,3\n", 1, None, "a column has no name"),
        (REAL, "age,sex,score\n1,2\n1,2,3\n", None, None, "no table with 3 columns"),
        (REAL, "age,sex,score\n1,m\x00,3\n1,2,3\n", 2, None, "NUL byte"),
        (REAL, b"age,sex,score\n1,m\xff,3\n1,f,3\n", 2, None, "is not UTF-8"),
        (REAL, "age,sex,score\n".encode("utf-16"), None, None, "UTF-16"),
    ],
)
def test_bad_csv_is_refused(tmp_path, real, synthetic, line, key, words):
    problems = refused(tmp_path, real, synthetic)
    assert (problems[0].line, problems[0].key) == (line, key)
    assert words in problems[0].message
    assert problems[0].remedy


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"a": 1}\n{"a": NaN}\n', 2, "NaN is not JSON"),
        ('{"a": 1}\n{"a": 1, "a": 2}\n', 2, "one name stands twice"),
        ('{"a": 1}\n[1]\n', 2, "no JSON object"),
        ('{"a": 1}\n\n{"a": \n', 3, "not JSON"),
        ('{"a": 1}\n' + "[" * 100_000 + "\n", 2, "not JSON"),
        ('{"a": 1}\n{"a": true}\n{"a": 3}\n', 2, "True is not a finite number"),
        ('{"a": 1}\n{"a": "two"}\n{"a": 3}\n', 2, "'two' is not a finite number"),
        ('{"a": [1]}\n{"a": [1]}\n', 1, "[1] is not a finite number"),
    ],
)
def test_bad_json_lines_are_refused(tmp_path, text, line, words):
    problems = refused(tmp_path, '{"a": 1}\n{"a": 2}\n{"a": 3}\n', text, "jsonl")
    assert problems[0].line == line
    assert words in problems[0].message


def test_a_line_of_a_csv_with_line_ends_inside_values_is_told_as_a_row(tmp_path):
    problems = refused(tmp_path, "a,b\n1,x\n2,y\n3,y\n", 'a,b\n1,"x\ny"\nbad,y\n')
    assert problems[0].line is None
    assert "row 2: 'bad'" in problems[0].message


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"the suffix is \.txt"):
        readers.read(put(tmp_path, "a.txt", "a"))
    with pytest.raises(InputError, match="missing"):
        readers.read(tmp_path / "none.csv")
    with pytest.raises(InputError, match="no Parquet file"):
        readers.read(put(tmp_path, "a.parquet", "no"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="this is a folder -> name a file"):
        readers.read(tmp_path / "folder.csv")


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    found = pair(tmp_path, b"\xef\xbb\xbf" + REAL.encode())
    assert found.columns[0].name == "age"


def test_choices_are_checked(tmp_path):
    with pytest.raises(OptionError, match="no column named 'aeg'"):
        pair(tmp_path, label="aeg")
    with pytest.raises(OptionError, match="used and left out at once"):
        pair(tmp_path, label="sex", ignore=("sex",))
    with pytest.raises(OptionError, match="no kind of data named 'image'"):
        pair(tmp_path, kind="image")
    with pytest.raises(OptionError, match="no column of text"):
        pair(tmp_path, kind="text")
    found = pair(tmp_path, columns=("age", "sex"), label="sex")
    assert (found.named("number", "class"), found.label) == (("age", "sex"), "sex")
    assert "left out as asked: score" in found.notes


def test_nothing_to_compare_is_refused(tmp_path):
    rows = "".join(json.dumps({"id": f"p{place}"}) + "\n" for place in range(60))
    assert "no column can be compared" in refused(tmp_path, rows, rows, "jsonl")[0].message


def test_tables_in_memory_are_checked_alike():
    real = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": pd.Categorical(["x", "y", "x"])})
    found = inputs.from_frames(real, real.iloc[:2], real)
    assert [column.kind for column in found.columns] == ["number", "class"]
    assert set(found.parts()) == {"real", "synthetic", "holdout"}
    with pytest.raises(InputError, match="synthetic: 1 rows are too few"):
        inputs.from_frames(real, real.iloc[:1])
    with pytest.raises(InputError, match=r"row 2: inf is not a finite number"):
        inputs.from_frames(real, pd.DataFrame({"a": [1.0, math.inf], "b": ["x", "y"]}))


def test_the_fingerprint_follows_the_values_only():
    real = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    one = inputs.fingerprint(inputs.from_frames(real, real))
    assert one == inputs.fingerprint(inputs.from_frames(real.copy(), real.copy()))
    assert one != inputs.fingerprint(inputs.from_frames(real, real + 1e-12 * np.array([[0.0], [0.0], [1e3]])))
