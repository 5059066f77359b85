"""Tables of many runs in one: tidy, typed over all runs, the same whatever the order."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from review.batch import collect, keys
from review.batch.campaign import UNCHANGED, Done, Run
from review.batch.runner import FAILED, OK
from review.errors import InputError, OptionError


@pytest.fixture
def make(tmp_path):
    """``make("a", {"n": 1}, "x\\n1\\n")`` is a run that left this table."""

    def one(name, parameters, table=None, status=OK):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        if isinstance(table, str):
            (folder / "t.csv").write_text(table)
        elif table is not None:
            pd.DataFrame(table).to_parquet(folder / "t.parquet")
        run = Run(name, Path("n.ipynb"), parameters, folder, folder / "n.ipynb", keys.Key({}, {}), ())
        return Done(run, status)

    return one


def rows(frame):
    return [[None if pd.isna(value) else value for value in row] for row in frame.itertuples(index=False)]


def test_rows_of_good_runs_stand_behind_their_parameters(make):
    done = [
        make("r2", {"n": 2}, "a,b\n2,x\n9,y\n"),
        make("r13", {"n": 13}, status=FAILED),
        make("r1", {"n": 1}, "a,b\n1,x\n", UNCHANGED),
    ]
    held = collect.gather(done, "t.csv")
    assert list(held.columns) == ["run", "n", "a", "b"]
    assert rows(held) == [["r2", 2, 2, "x"], ["r2", 2, 9, "y"], ["r1", 1, 1, "x"]]
    assert collect.gather(done[1:2], "t.csv").empty


def test_parameters_keep_their_types(make):
    first = {
        "i": 1,
        "f": 1.0,
        "m": 1,
        "b": True,
        "t": "1",
        "l": [1, "ä"],
        "d": {"z": 1, "a": None},
        "big": 2**70,
        "odd": 2**53 + 1,
        "x": 1,
    }
    second = {"i": 2, "f": 2.0, "m": 0.5, "b": False, "t": "", "l": [], "d": {}, "big": 1, "odd": 0.5, "x": "1", "more": None}
    held = collect.gather([make("r1", first, "c\n1\n"), make("r2", second, "c\n2\n")], "t.csv")
    types = {"i": "Int64", "f": "Float64", "m": "Float64", "b": "boolean"}
    texts = dict.fromkeys(["run", "t", "l", "d", "big", "odd", "x", "more"], "string")
    assert {name: str(kind) for name, kind in held.dtypes.items()} == {**types, **texts, "c": "Int64"}
    assert rows(held)[0] == [
        "r1",
        1,
        1.0,
        1.0,
        True,
        "1",
        '[1, "ä"]',
        '{"a": null, "z": 1}',
        str(2**70),
        str(2**53 + 1),
        "1",
        None,
        1,
    ]
    assert rows(held)[1] == ["r2", 2, 2.0, 0.5, False, "", "[]", "{}", "1", "0.5", "1", None, 2]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_whole_numbers_stay_whole_where_a_run_has_none(make, tmp_path, suffix):
    big = 2**53 + 1  # not a float
    done = [make("r1", {"n": big}, f"k,v\n{big},0.1\n"), make("r2", {}, "k,w\n,x\n"), make("r3", {"n": 3}, "v\n0.3\n")]
    held = collect.gather(done, "t.csv")
    assert rows(held) == [["r1", big, big, 0.1, None], ["r2", None, None, None, "x"], ["r3", 3, None, 0.3, None]]
    target = tmp_path / "new" / f"out{suffix}"
    collect.write(held, target)
    if suffix == ".csv":
        assert target.read_text() == f"run,n,k,v,w\nr1,{big},{big},0.1,\nr2,,,,x\nr3,3,,0.3,\n"
        return
    back = pd.read_parquet(target)
    pd.testing.assert_frame_equal(back, held)
    import pyarrow.parquet as pq

    assert [str(field.type) for field in pq.read_schema(target)][1:4] == ["int64", "int64", "double"]


def test_the_order_of_the_runs_decides_no_column(make):
    done = [
        make("r1", {"z": 1}, "b,a\n1,\n"),
        make("r2", {"y": [2]}, "c,a\n1.5,u\n"),
        make("r3", {"x": 1.5, "z": 2}, "a,d\n7,true\n"),
    ]
    one, other = collect.gather(done, "t.csv"), collect.gather(done[::-1], "t.csv")
    assert list(one.columns) == ["run", "z", "y", "x", "b", "a", "c", "d"]
    assert other["run"].tolist() == ["r3", "r2", "r1"]
    pd.testing.assert_frame_equal(one, other.iloc[::-1].reset_index(drop=True))
    assert one["a"].tolist()[1:] == ["u", "7"]
    assert one["d"].tolist()[2] is True


def test_numbers_too_large_for_a_computer_word_keep_every_digit(make, tmp_path):
    held = collect.gather([make("r1", {}, f"a,b\n{2**64 - 1},{2**70}\n"), make("r2", {}, "a,b\n1,\n")], "t.csv")
    collect.write(held, tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text() == f"run,a,b\nr1,{2**64 - 1},{2**70}\nr2,1,\n"
    collect.write(held, tmp_path / "o.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "o.parquet"), held)


def test_fields_that_look_like_numbers_in_one_run_stay_as_they_were_written(make):
    held = collect.gather([make("r1", {}, "code\n007\n"), make("r2", {}, "code\nx1\n")], "t.csv")
    assert held["code"].tolist() == ["007", "x1"]


def test_tables_in_parquet_keep_their_types(make, tmp_path):
    day = pd.Timestamp("2024-02-29")
    done = [
        make(
            "r1",
            {"n": 1},
            {"i": [1, 2], "s": ["a", None], "none": [None, None], "l": [[1, 2], []], "mix": [1, 2], "t": [day, day]},
        ),
        make("r2", {"n": 2}, {"i": [3], "s": ["c"], "none": [4], "l": [[3]], "mix": ["x"], "t": [day], "f": [0.5]}),
        make("r3", {"n": 3}, {"i": pd.Series([], dtype="int64"), "s": pd.Series([], dtype="str")}),
    ]
    held = collect.gather(done, "t.parquet")
    kinds = {name: str(kind) for name, kind in held.dtypes.items() if name != "t"}
    numbers = {"n": "Int64", "i": "Int64", "none": "Int64", "f": "Float64"}
    assert kinds == {"run": "string", "s": "string", "l": "string", "mix": "string", **numbers}
    assert rows(held)[1] == ["r1", 1, 2, None, None, "[]", "2", day, None]
    assert rows(held)[2] == ["r2", 2, 3, "c", 4, "[3]", "x", day, 0.5]
    collect.write(held, tmp_path / "o.PARQUET")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "o.PARQUET"), held)
    collect.write(held, tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text().splitlines()[3] == "r2,2,3,c,4,[3],x,2024-02-29 00:00:00,0.5"


def test_what_json_does_not_know_becomes_text(make):
    held = collect.gather([make("r1", {}, {"x": [{"at": pd.Timestamp("2024-02-29")}]})], "t.parquet")
    assert json.loads(held["x"][0]) == {"at": "2024-02-29 00:00:00"}


VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.integers()))
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parameters=st.lists(st.dictionaries(st.sampled_from("pqr"), VALUES), min_size=1, max_size=4), cells=st.lists(CELLS))
def test_anything_survives_both_formats(make, tmp_path, parameters, cells):
    from review.files import rows_to_csv

    table = rows_to_csv(["id", "cell"], enumerate(cells))
    done = [make(f"r{place}", one, table) for place, one in enumerate(parameters)]
    held = collect.gather(done, "t.csv")
    assert len(held) == len(parameters) * len(cells)
    for name in ("o.parquet", "o.csv"):
        collect.write(held, tmp_path / name)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "o.parquet"), held)
    first = (tmp_path / "o.csv").read_bytes()
    collect.write(collect.gather(done, "t.csv"), tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_bytes() == first
    alone = pd.read_csv(done[0].run.folder / "t.csv")["cell"]  # what pandas makes of the table itself
    if alone.dtype == "str":
        assert rows(held[["cell"]])[: len(cells)] == rows(alone.to_frame())


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "the run r1 left no such table"),
        ("n,a\n1,2\n", r"\[n\] a column is named like a parameter"),
        ("run\n1\n", r"\[run\] a column is named like a parameter"),
        ("other\n1\n", r"\[other\] a column is named like a parameter"),
        ("", "no table"),
        ("a\n1,2\n", "more fields than the header"),
        ('a,b\n1,2\n3,4,5\n"', "no table"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(make, table, words):
    with pytest.raises(InputError, match=words) as error:
        collect.gather([make("r1", {"n": 1}, table), make("r2", {"other": 1}, "a\n1\n")], "t.csv")
    assert "r1" in str(error.value)


def test_bytes_that_are_no_table_are_refused(make):
    done = make("r1", {}, "x")
    (done.run.folder / "t.csv").write_bytes(b"a\n\xff\n")
    (done.run.folder / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="is not UTF-8"):
        collect.gather([done], "t.csv")
    with pytest.raises(InputError, match="no Parquet file"):
        collect.gather([done], "t.parquet")


def test_a_table_of_too_many_columns_is_refused_before_it_is_read(make):
    """pandas took close to a minute for 200,000 fields of one row."""
    most = collect.MOST_COLUMNS
    header = ",".join(f"c{number}" for number in range(most))
    assert len(collect.gather([make("r1", {}, f'{header}\n"{"," * most}"{"," * (most - 1)}\n')], "t.csv").columns) == most + 1
    for text in (f"{header},c\n", "a,b\n" + "1," * 200_000 + "\n"):
        with pytest.raises(InputError, match="16,384 are the most"):
            collect.gather([make("r1", {}, text)], "t.csv")
    with pytest.raises(InputError, match="16,385 columns, 16,384 are the most"):
        collect.gather([make("r2", {}, {f"c{number}": [1] for number in range(most + 1)})], "t.parquet")


def test_a_parameter_named_run_is_refused(make):
    with pytest.raises(InputError, match="named like the column of runs"):
        collect.gather([make("r1", {"run": 1}, "a\n1\n")], "t.csv")


def test_other_formats_are_refused_before_anything_is_read(make, tmp_path):
    with pytest.raises(OptionError, match="neither CSV nor Parquet"):
        collect.gather([make("r1", {})], "t.xlsx")
    with pytest.raises(OptionError, match="neither CSV nor Parquet"):
        collect.write(pd.DataFrame(), tmp_path / "t")


def test_parquet_without_its_library_says_what_to_do(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for act in (
        lambda: collect.gather([make("r1", {})], "t.parquet"),
        lambda: collect.write(pd.DataFrame(), tmp_path / "t.parquet"),
    ):
        with pytest.raises(OptionError, match=r"needs the module 'pyarrow'.*setup-generate.*'evaluate'.*CSV"):
            act()
    collect.write(pd.DataFrame({"a": [1]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "a\n1\n"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["t.csv"]
