from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import stat
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from review import files
from review.errors import InputError


@pytest.mark.parametrize("text", ["a", "Ä\n", "a\r\nb\r\n", "\u2028", "a\tb", "\ufeffless\n"[1:]])
def test_text_is_returned_as_it_is(tmp_path, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    assert files.read_text(path) == text


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", None, "is empty"),
        (b" \n\t\n", None, "is empty"),
        (b"\xef\xbb\xbfa", 1, "byte order mark"),
        (b"a\nb\n\xff\n", 3, "byte 4 is not UTF-8"),
        ("ä".encode("latin-1"), 1, "byte 0 is not UTF-8"),
        ("a\n".encode("utf-16"), 1, "byte 0 is not UTF-8"),
        ("a\n".encode("utf-16-le"), 1, "NUL byte"),
        (b"a\nb\x00", 2, "NUL byte"),
        (b"\xed\xa0\x80", 1, "not UTF-8"),
    ],
)
def test_text_that_is_refused(tmp_path, data, line, message):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        files.read_text(path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (str(path), line)
    assert message in problem.message
    assert problem.remedy


def test_missing_and_folder(tmp_path):
    with pytest.raises(InputError, match="missing"):
        files.read_text(tmp_path / "nothing")
    with pytest.raises(InputError, match="this is a folder -> name a file"):
        files.read_text(tmp_path)


@given(st.binary(max_size=200))
def test_any_bytes_give_text_or_an_input_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(data)
    with suppress(InputError):
        assert files.read_text(path).encode() == data


def test_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    files.write_text(path, "one\n")
    files.write_text(path, "zwei ä\n")
    assert path.read_bytes() == "zwei ä\n".encode()
    assert [item.name for item in path.parent.iterdir()] == ["c.txt"]


@pytest.mark.parametrize("step", ["fdopen", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError("no space"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        files.write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")
    real = os.fdopen

    class Full:
        def __init__(self, handle, mode):
            self.file = real(handle, mode)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            self.file.write(data[:1])
            raise OSError("no space left")

    monkeypatch.setattr(os, "fdopen", Full)
    with pytest.raises(OSError, match="no space left"):
        files.write_bytes(path, b"new")
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_text_that_cannot_be_encoded_writes_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        files.write_text(tmp_path / "a.txt", "\ud800")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_the_umask_is_respected_and_kept(tmp_path, umask):
    before = os.umask(umask)
    try:
        files.write_text(tmp_path / "a.txt", "a")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~umask


def test_json_is_readable_and_ends_with_a_line():
    assert files.to_json({"b": "ä", "a": [1, None]}) == '{\n "b": "ä",\n "a": [\n  1,\n  null\n ]\n}\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": float("-inf")}])
def test_json_has_no_numbers_that_are_none(value):
    with pytest.raises(ValueError, match="JSON compliant"):
        files.to_json(value)


def test_csv_quotes_only_what_must_be_quoted():
    text = files.rows_to_csv(["a", "b"], [["x", None], ['"', "1,2"], ["l\nm", 3], [0, ""]])
    assert text == 'a,b\nx,\n"""","1,2"\n"l\nm",3\n0,\n'


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3)))
def test_csv_is_read_back(rows):
    text = files.rows_to_csv(["a", "b"], rows)
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == [["a", "b"], *rows]


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), min_size=1, max_size=3)))
def test_csv_is_what_the_standard_library_writes_but_for_carriage_returns(rows):
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    assert files.rows_to_csv(["a"], rows) == "a\n" + buffer.getvalue()


FRAME = pd.DataFrame(
    {
        "name": ["a", None, "ä,b"],
        "count": pd.array([1, None, 3], dtype="Int64"),
        "share": [0.1, float("nan"), 1 / 3],
        "known": pd.array([True, False, None], dtype="boolean"),
        "plain": [1, 2, 3],
    }
)


def test_missing_values_become_empty_and_null(tmp_path):
    files.write_table(FRAME, tmp_path / "t")
    assert (tmp_path / "t.csv").read_text() == (
        'name,count,share,known,plain\na,1,0.1,True,1\n,,,False,2\n"ä,b",3,0.3333333333333333,,3\n'
    )
    assert json.loads((tmp_path / "t.json").read_text()) == [
        {"name": "a", "count": 1, "share": 0.1, "known": True, "plain": 1},
        {"name": None, "count": None, "share": None, "known": False, "plain": 2},
        {"name": "ä,b", "count": 3, "share": 1 / 3, "known": None, "plain": 3},
    ]


def test_equal_tables_give_equal_bytes(tmp_path):
    files.write_table(FRAME, tmp_path / "one")
    files.write_table(FRAME.copy().set_axis([5, 6, 7]), tmp_path / "two")
    for suffix in (".csv", ".json"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_a_name_with_a_dot_keeps_it(tmp_path):
    files.write_table(FRAME, tmp_path / "shares.v1")
    files.write_table(FRAME, tmp_path / "shares.v2")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "shares.v1.csv",
        "shares.v1.json",
        "shares.v2.csv",
        "shares.v2.json",
    ]


def test_a_table_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        files.write_table(pd.DataFrame({"a": [float("inf")]}), tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="one name"):
        files.records(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_records_hold_python_values():
    frame = pd.DataFrame({"a": [np.int64(1)], "b": [np.float64(0.5)], "c": [np.bool_(True)], "d": [(1, 2)], "e": [pd.NaT]})
    (record,) = files.records(frame)
    assert [type(value) for value in record.values()] == [int, float, bool, tuple, type(None)]


def test_an_empty_table(tmp_path):
    files.write_table(pd.DataFrame({"a": [], "b": []}), tmp_path / "t")
    assert (tmp_path / "t.csv").read_text() == "a,b\n"
    assert (tmp_path / "t.json").read_text() == "[]\n"


def test_digest_is_sha256_of_lengths_and_parts():
    expected = hashlib.sha256(b"\0" * 7 + b"\1" + b"a" + b"\0" * 7 + b"\2" + b"bc").hexdigest()
    assert files.digest(b"a", b"bc") == expected


@given(st.lists(st.binary(max_size=3), max_size=4), st.lists(st.binary(max_size=3), max_size=4))
def test_digest_tells_parts_apart(left, right):
    assert (files.digest(*left) == files.digest(*right)) == (left == right)
