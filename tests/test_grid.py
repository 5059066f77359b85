"""Parameter sets: combined as the file says, typed as the notebook declares, refused with line and key."""

import json
from pathlib import Path

import nbformat
import pytest

from review.batch import grid
from review.errors import InputError, OptionError

CELL = """# Parameters
name: str = "a"  # text
n: int = 1  # whole
x: float = 0.5  # number
yes: bool = False  # truth
items: list = []  # list
free = None  # anything
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.ipynb"
    cell = nbformat.v4.new_code_cell(CELL, metadata={"tags": ["parameters"]})
    book = nbformat.v4.new_notebook(cells=[cell])
    book.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python"}
    nbformat.write(book, path)
    return grid.declared(path)


def put(folder: Path, text: str, name: str = "grid.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_types_come_from_the_parameters_cell(known):
    kinds = {name: parameter.kind for name, parameter in known.items()}
    assert kinds == {"name": str, "n": int, "x": float, "yes": bool, "items": list, "free": None}
    assert known["x"].default == 0.5


def test_parts_are_combined(tmp_path, known):
    text = """
fixed: {name: z}
product: {n: [1, 2], "yes": [true, false]}
zip: {x: [0.5, 1], free: [a, b]}
exclude: [{n: 2, "yes": false}]
"""
    found = grid.read(put(tmp_path, text), known)
    assert len(found) == 2 * (2 * 2 - 1)
    assert found[0] == {"name": "z", "x": 0.5, "free": "a", "n": 1, "yes": True}
    assert not [one for one in found if one["n"] == 2 and not one["yes"]]
    assert {(one["x"], one["free"]) for one in found} == {(0.5, "a"), (1.0, "b")}
    assert all(isinstance(one["x"], float) for one in found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.json", '{"list": [{"n": 1, "name": "a,b"}, {"n": 2, "name": ""}]}'),
        ("g.json", '[{"n": 1, "name": "a,b"}, {"n": 2, "name": ""}]'),
        ("g.yml", "list: [{n: 1, name: 'a,b'}, {n: 2, name: ''}]"),
        ("g.csv", 'n,name\n1,"a,b"\n2,\n'),
    ],
)
def test_every_format_gives_the_same_sets(tmp_path, known, name, text):
    assert grid.read(put(tmp_path, text, name), known) == ({"n": 1, "name": "a,b"}, {"n": 2, "name": ""})


def test_values_in_csv_are_read_as_their_types(tmp_path, known):
    found = grid.read(put(tmp_path, 'x,yes,items,free\n2,TRUE,"[1, ""a""]",plain\n3e1,false,[],7\n', "g.csv"), known)
    assert found[0] == {"x": 2.0, "yes": True, "items": [1, "a"], "free": "plain"}
    assert found[1] == {"x": 30.0, "yes": False, "items": [], "free": 7}


def test_values_of_the_command_line(tmp_path, known):
    assert grid.of_pairs([("n", "3"), ("name", "3")], known) == {"n": 3, "name": "3"}
    for pairs, words in (
        ([("m", "3")], "declares no parameter 'm'"),
        ([("n", "3.5")], "'3.5' is not of the type int"),
        ([("yes", "1")], "not true or false"),
        ([("items", "1")], "not of the type list"),
        ([("items", "[")], "not a list written as JSON"),
        ([("x", "nan")], "nan is no number that JSON has"),
        ([("items", "[1e999]")], "inf is no number that JSON has"),
        ([("free", '["\\ud800"]')], "holds a control character or half of a character"),
        ([("n", "1"), ("n", "2")], "given twice"),
    ):
        with pytest.raises(OptionError, match=words.replace("[", r"\[")):
            grid.of_pairs(pairs, known)
    path = put(tmp_path, "product: {n: [1, 2]}")
    assert grid.read(path, known, {"x": 1.0})[0] == {"x": 1.0, "n": 1}
    with pytest.raises(InputError, match="in the file and on the command line"):
        grid.read(path, known, {"n": 1})


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("product:\n  m: [1]\n", 2, "m", "declares no parameter 'm'"),
        ("product:\n  n: [1, x]\n", 2, "n", "'x' is not of the type int"),
        ("product:\n  n: [1, true]\n", 2, "n", "True is not of the type int"),
        ("product: {n: 1}\n", 1, "product", "not a mapping of parameters to lists"),
        ("product: {n: []}\n", 1, "product", "not a mapping of parameters to lists"),
        ("zip: {n: [1, 2], x: [1]}\n", 1, "zip", "lists of 1, 2 values"),
        ("list: {n: 1}\n", 1, "list", "not a list of mappings"),
        ("list: [1]\n", 1, "list", "not a mapping"),
        ("cross: {n: [1]}\n", 1, "cross", "unknown part"),
        ("fixed: {n: 1}\nproduct: {n: [1, 2]}\n", 1, "n", "in two parts"),
        ("list: [{n: 1}, {n: 1}]\n", None, None, "run 2 is the same as run 1"),
        ("product: {n: [1]}\nexclude: [{n: 1}]\n", None, None, "no run is left"),
        ("product: {n: [1\n", 2, None, "expected"),
        ("just text\n", None, None, "no mapping"),
        ("product: {yes: [true]}\n", None, "true", "YAML reads a name as true"),
        ("product:\n  x: [.inf]\n", 2, "x", "inf is no number that JSON has"),
        ("product:\n  items: [[-.inf, 2]]\n", 2, "items", "-inf is no number that JSON has"),
        ("fixed:\n  free: {1: a}\n", 2, "free", "the name '1' within the value is no text (put it in quotes)"),
        ("fixed:\n  free: {a: [{~: b}]}\n", 2, "free", "the name 'None' within the value is no text"),
        ("product: !!python/object/apply:os.system ['true']\n", 1, None, "is not allowed"),
        ("fixed: &a {n: 1}\nlist: [*a]\n", 1, None, "anchors and aliases are not allowed"),
        ("product: {n: " + "[" * 3000 + "]" * 3000 + "}\n", 1, None, "levels of nesting"),
        (f"product: {{n: {list(range(400))}, x: {list(range(400))}}}\n", None, None, "160000 runs are more than"),
    ],
)
def test_bad_grids_are_refused_with_their_place(tmp_path, known, text, line, key, words):
    with pytest.raises(InputError) as caught:
        grid.read(put(tmp_path, text), known)
    problem = caught.value.problems[0]
    assert (problem.line, problem.key) == (line, key)
    assert words in problem.message
    assert problem.remedy


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ("n,m\n1,2\n", 1, "m", "declares no parameter"),
        ("n,n\n1,2\n", 1, "n", "stands twice"),
        ("n,x\n1\n", 2, None, "1 fields instead of 2"),
        ("n,x\n1,1\n\n2,two\n", 4, "x", "'two' is not of the type float"),
        ("n,x\n", None, None, "no run is left"),
    ],
)
def test_bad_tables_are_refused_with_their_place(tmp_path, known, text, line, key, words):
    with pytest.raises(InputError) as caught:
        grid.read(put(tmp_path, text, "g.csv"), known)
    problem = caught.value.problems[0]
    assert (problem.line, problem.key) == (line, key)
    assert words in problem.message


def test_other_files_are_refused(tmp_path, known):
    with pytest.raises(InputError, match=r"the suffix is \.txt"):
        grid.read(put(tmp_path, "a", "g.txt"), known)
    with pytest.raises(InputError, match="not JSON"):
        grid.read(put(tmp_path, json.dumps({"list": []})[:-1], "g.json"), known)
