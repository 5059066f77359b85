from __future__ import annotations

import csv
import json
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import TINY
from hypothesis import given, settings
from hypothesis import strategies as st

from review import contracts, paths
from review.errors import InputError

TABLES = [paths.CODING, paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW]


def read(folder: Path, name: str, text: str):
    path = folder / name
    path.write_bytes(text.encode())
    return contracts.read_table(path)


def problems(folder: Path, name: str, text: str) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(InputError) as caught:
        read(folder, name, text)
    assert all(problem.remedy for problem in caught.value.problems)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_holds_the_text_of_the_file(name):
    table = contracts.read_table(TINY / name)
    with (TINY / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert list(table.columns) == [*header, contracts.LINE]
    assert table.drop(columns=contracts.LINE).to_numpy().tolist() == rows


def test_a_row_remembers_the_line_on_which_it_starts():
    table = contracts.read_table(TINY / paths.CODING)
    lines = (TINY / paths.CODING).read_text("utf-8").splitlines()
    assert table[contracts.LINE].tolist() == [2, 3, 4, *range(6, len(lines) + 1)]  # row 3 has a line break
    for row in table.itertuples(index=False):
        assert lines[row.line - 1].startswith(f"{row.key},{row.dimension},{row.coder},")


def test_another_name_for_a_contract(tmp_path):
    path = tmp_path / "old.csv"
    path.write_text("step,count,note\nqueries,1,\n")
    assert contracts.read_table(path, paths.FLOW)["count"].tolist() == ["1"]


@pytest.mark.parametrize("text", ["NA", "nan", "null", "None", "", "007", " x ", "1e5", "TRUE", "-"])
def test_text_stays_text(tmp_path, text):
    table = read(tmp_path, paths.FLOW, f"step,count,note\nqueries,1,{text}\n")
    assert table["note"].tolist() == [text]
    assert isinstance(table["note"][0], str)


def test_empty_lines_and_windows_line_ends(tmp_path):
    table = read(tmp_path, paths.FLOW, "step,count,note\r\n\r\nqueries,1,\r\n\r\n\r\nrecords found,2,\r\n")
    assert table[contracts.LINE].tolist() == [3, 6]


@pytest.mark.parametrize("share", ["0", "0.0", "5", "50.0", "99.9999", "100", "100.0"])
def test_a_share(tmp_path, share):
    read(tmp_path, paths.PUBLISHED, published(share=share))


@pytest.mark.parametrize(
    "share",
    [
        "-1",
        "100.1",
        "101",
        "1000",
        "5.",
        ".5",
        "5.00001",
        "1e1",
        "5 %",
        "5%",
        " 5",
        "5\n",
        "\u0665",
        "nan",
        "inf",
        "",
        "0x5",
        "+5",
    ],
)
def test_what_is_not_a_share(tmp_path, share):
    ((line, key, message),) = problems(tmp_path, paths.PUBLISHED, published(share=share))
    assert (line, key) == (2, "share")
    assert message == f"{share!r} is not a percentage from 0 to 100"


@pytest.mark.parametrize("total", ["-1", "1.5", "100000", "", "1\n", "\u0665", "many"])
def test_what_is_not_a_total(tmp_path, total):
    assert [item[:2] for item in problems(tmp_path, paths.PUBLISHED, published(total=total))] == [(2, "total")]


@pytest.mark.parametrize("date", ["", "2026-01-31", "2024-02-29"])
def test_a_date(tmp_path, date):
    read(tmp_path, paths.PUBLISHED, published(date=date))


@pytest.mark.parametrize(
    "date",
    ["2026-02-29", "2026-13-01", "2026-00-01", "2026-1-1", "20260101", "2026-01", "2026-W01-1", "01.02.2026", "1999-12-31", " "],
)
def test_what_is_not_a_date(tmp_path, date):
    assert [item[:2] for item in problems(tmp_path, paths.PUBLISHED, published(date=date))] == [(2, "date")]


@pytest.mark.parametrize("year", ["19", "20２０", "2020\n", "2100", "c2020"])  # noqa: RUF001
def test_what_is_not_a_year(tmp_path, year):
    text = (TINY / paths.SCREENING).read_text("utf-8").replace("At Home,2021", f'At Home,"{year}"')
    assert [item[:2] for item in problems(tmp_path, paths.SCREENING, text)] == [(6, "year")]


def published(share: str = "5", total: str = "20", date: str = "") -> str:
    return f'version,dimension,category,share,total,source,date,note\nfirst,design,trial,"{share}","{total}",x,"{date}",\n'


def test_all_problems_of_a_table_at_once(tmp_path):
    text = "selection,key,basis\n,a,listed\nx, ,listed\nx,b,listed\nx,c,wish\nx,d,guess\n"
    assert problems(tmp_path, paths.SELECTION, text) == [
        (2, "selection", "'' is empty"),
        (3, "key", "' ' is empty"),
        (5, "basis", "'wish' is not one of: calibrated, listed"),
        (6, "basis", "'guess' is not one of: calibrated, listed"),
    ]


def test_at_most_twenty_rows_of_a_wrong_length_are_listed(tmp_path):
    found = problems(tmp_path, paths.SELECTION, "selection,key,basis\n" + "a,b\n" * 100)
    assert [line for line, _, _ in found] == list(range(2, 22))


def test_a_very_long_field(tmp_path):
    ((line, _, message),) = problems(tmp_path, paths.FLOW, f"step,count,note\nqueries,1,\nx,1,{'y' * 140_000}\n")
    assert line == 3
    assert "field larger than field limit" in message


def test_a_long_value_is_shortened_in_the_message(tmp_path):
    ((_, _, message),) = problems(tmp_path, paths.FLOW, f"step,count,note\nqueries,{'9' * 5000},\n")
    assert len(message) < 150


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_described(name):
    assert all(column.description for column in contracts.schema(name).columns.values())


def test_the_data_package_says_the_same():
    package = json.loads((paths.DATA / paths.DATAPACKAGE).read_text("utf-8"))
    resources = {item["path"]: item for item in package["resources"]}
    for name in TABLES:
        described = {field["name"]: field["description"] for field in resources[name]["schema"]["fields"]}
        assert described == {column.name: column.description for column in contracts.schema(name).columns.values()}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text('ab,"\n\r ;1', max_size=60).map("step,count,note\n".__add__))
def test_any_text_gives_a_table_or_an_input_error(tmp_path_factory, text):
    with suppress(InputError):
        table = read(tmp_path_factory.getbasetemp(), paths.FLOW, text.encode(errors="replace").decode())
        assert len(table) > 0
        assert (table["step"].str.strip() != "").all()
