"""Real tables are described as their package describes them, split the same way each time, and judged by their own schema."""

import jsonschema
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from review.errors import OptionError, UnknownNameError
from review.generators import tables
from review.generators.tables import Column, Table

every = pytest.mark.parametrize(("name", "columns"), [(name, choice) for name in tables.NAMES for choice in tables.CHOICES])


@every
def test_a_table_has_the_rows_of_the_package_and_its_own_columns(name, columns):
    table = tables.load(name, columns)
    assert len(table.frame) == {"breast-cancer": 569, "diabetes": 442}[name]
    assert list(table.frame.columns) == [column.name for column in table.columns]
    expected = {"few": 5, "chosen": 8, "all": {"breast-cancer": 31, "diabetes": 11}[name]}
    assert len(table.columns) == expected[columns]
    assert table.frame.notna().all(axis=None)
    assert table.target in table.frame
    assert {column.name for column in table.numbers} | {"diagnosis", "sex"} >= set(table.frame)


def test_values_are_those_of_the_package():
    bunch = load_breast_cancer(as_frame=True)
    table = tables.load("breast-cancer", "all")
    for name in bunch.feature_names:
        pd.testing.assert_series_equal(table.frame[name], bunch.frame[name], check_exact=True)
    assert table.frame["diagnosis"].value_counts().to_dict() == {"benign": 357, "malignant": 212}
    raw = load_diabetes(as_frame=True, scaled=False).frame
    table = tables.load("diabetes", "all")
    for code, (name, _, _) in tables.DIABETES.items():
        # The file has four decimals at most; in older versions the last digit of a float is another one.
        assert table.frame[name].tolist() == [round(value, 4) for value in raw[code]]
    assert table.frame["sex"].astype(float).tolist() == raw["sex"].tolist()


def test_chosen_values_are_rounded_to_about_three_figures():
    table = tables.load("breast-cancer")
    raw = load_breast_cancer(as_frame=True).frame
    assert table.frame["mean radius"].tolist() == [round(value, 1) for value in raw["mean radius"]]
    assert table.frame["mean area"].tolist() == [round(value) for value in raw["mean area"]]
    assert not table.frame.duplicated().any()


def test_what_the_description_states_is_stated_and_nothing_else():
    words = load_diabetes().DESCR
    table = tables.load("diabetes", "all")
    for code, (name, unit, _) in tables.DIABETES.items():
        if code == "target":
            assert "quantitative measure of disease progression one year after baseline" in words
        else:
            assert all(word in words.lower() for word in name.lower().split())
        assert unit == ("years" if code == "age" else "")
    assert "age in years" in words
    assert "Angle Regression" in words
    assert all(name in words for name in ("Efron", "Hastie", "Johnstone", "Tibshirani"))
    cancer = load_breast_cancer().DESCR
    assert all(name in cancer for name in ("Wolberg", "Street", "Mangasarian", "fine needle", "November, 1995"))
    assert "licen" not in (words + cancer).lower()
    assert "states no licence" in table.licence
    from importlib.metadata import metadata

    told = metadata("scikit-learn")  # older versions have the text of the licence in place of its name
    assert (told.get("License-Expression") or told["License"].split(" License")[0].replace(" ", "-")) in table.licence


@every
def test_a_split_is_disjoint_complete_and_the_same_each_time(name, columns):
    table = tables.load(name, columns)
    train, held = table.split(5)
    assert len(held) == pytest.approx(0.3 * len(table.frame), abs=1)
    together = pd.concat([train, held])
    order = list(table.frame.columns)
    pd.testing.assert_frame_equal(
        together.sort_values(order).reset_index(drop=True), table.frame.sort_values(order).reset_index(drop=True)
    )
    again = table.split(5)
    pd.testing.assert_frame_equal(train, again[0])
    pd.testing.assert_frame_equal(held, again[1])
    assert not held.equals(table.split(6)[1])


def test_classes_have_the_same_shares_in_both_parts():
    table = tables.load("breast-cancer")
    for part in table.split(3):
        assert (part["diagnosis"] == "malignant").mean() == pytest.approx(212 / 569, abs=0.005)


@pytest.mark.parametrize("share", [0, 1, -0.1, 0.0001])
def test_a_part_without_rows_is_refused(share):
    with pytest.raises(OptionError, match="leaves a part without rows -> choose"):
        tables.load("breast-cancer").split(1, share)


@every
def test_the_schema_is_that_of_the_rows_to_learn_from(name, columns):
    table = tables.load(name, columns)
    train, held = table.split(7)
    schema = table.schema(train)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for row in table.rows(train):
        validator.validate(row)
    for column in table.numbers:
        bounds = schema["properties"][column.name]
        assert (bounds["minimum"], bounds["maximum"]) == (train[column.name].min(), train[column.name].max())
        assert bounds["type"] == ("number" if column.decimals else "integer")
    outside = [row for row in table.rows(held) if not validator.is_valid(row)]
    beyond = pd.Series(False, index=held.index)
    for column in table.numbers:
        beyond |= ~held[column.name].between(train[column.name].min(), train[column.name].max())
    assert len(outside) == beyond.sum()
    row = table.rows(train)[0]
    first = table.columns[0].name
    for bad in ({**row, "more": 1}, {key: row[key] for key in row if key != first}, {**row, first: None}):
        assert not validator.is_valid(bad)


def test_rows_are_plain_values_and_come_back_as_a_table():
    table = tables.load("diabetes")
    rows = table.rows(table.frame.head(3))
    assert rows[0] == {
        "age": 59,
        "sex": "2",
        "body mass index": 32.1,
        "blood sugar level": 87,
        "disease progression": 151,
        "average blood pressure": 101,
        "total serum cholesterol": 157,
        "high-density lipoproteins": 38,
    }
    assert {type(value) for value in rows[0].values()} == {int, str, float}
    pd.testing.assert_frame_equal(table.frame_of(rows), table.frame.head(3))
    assert list(table.frame_of([]).columns) == list(table.frame.columns)


def test_columns_write_values_with_their_decimals():
    column = Column("x", "number", decimals=2)
    assert (column.plain(1.005), column.text(2), column.text(2.345)) == (1.0, "2.00", "2.35")
    whole = Column("x", "number")
    assert (whole.plain(2.6), whole.text(2.6), type(whole.plain(2.6))) == (3, "3", int)
    level = Column("x", "class", levels=("a", "b"))
    assert (level.plain("a"), level.text("a")) == ("a", "a")


def test_a_description_shows_units_ranges_and_classes():
    frame = pd.DataFrame({"kind": ["a", "b"], "size": [1.5, 3.0]})
    columns = (Column("kind", "class", levels=("a", "b")), Column("size", "number", "cm", 1))
    table = Table("t", "T", columns, "kind", frame, "", "")
    described = table.describe(frame).to_dict("records")
    assert described[0] == {"column": "kind", "kind": "class", "unit": "not stated", "decimals": 0, "values": "a, b"}
    assert described[1] == {"column": "size", "kind": "number", "unit": "cm", "decimals": 1, "values": "1.5 to 3.0"}
    assert table["size"] is columns[1]


@pytest.mark.parametrize(("name", "columns", "what"), [("iris", "all", "table"), ("diabetes", "none", "choice of columns")])
def test_unknown_names_are_refused(name, columns, what):
    with pytest.raises(UnknownNameError, match=f"no {what} named"):
        tables.load(name, columns)
