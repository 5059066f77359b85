"""The faults that are put into modules to see whether a test notices them: what they are, and that they are really in effect."""

import ast
import importlib
import sys
import types
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import mutant_runs
import mutation
from mutants import mutants

SOURCE = '''"""Words."""
from math import floor

NAME = "some words in a row"
LIMIT: int = 3


def share(count: int, total: int = 4, *, most: float = 0.5) -> float:
    """Say it."""
    if count > total or not total:
        raise ValueError(f"{count} of {total} is no share")
    kept = [place for place in range(total)[1:] if place]
    kept += [LIMIT]
    assert kept
    return min(count / total, most) if "key" != NAME else 0


class Held:
    def __init__(self):
        self.seen = {"a key": 1}

    @property
    def first(self):
        return self.seen["a key"]
'''


def changes(source: str) -> list[str]:
    return [mutant.change for mutant in mutants(source, ast.parse(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", ["x = a < b -> x = None", "a < b -> a <= b"]),
        ("f(a and b)", ["f(a and b) -> pass", "a and b -> a or b"]),
        ("f(a + 1)", ["f(a + 1) -> pass", "a + 1 -> a - 1", "1 -> 2", "1 -> 0"]),
        ("f(0.5)", ["f(0.5) -> pass", "0.5 -> 1.0", "0.5 -> 0.25"]),
        ("f('key', '', 'in words')", ["f('key', '', 'in words') -> pass", "'key' -> 'XXkeyXX'", "'' -> 'XX'"]),
        ("f(x=a, strict=True)", ["f(x=a, strict=True) -> pass", "f() without x="]),
        ("f(max(a))", ["f(max(a)) -> pass", "max(a) -> min(a)"]),
        ("f(a.strip())", ["f(a.strip()) -> pass", "no strip() of a"]),
        ("f(a[b:])", ["f(a[b:]) -> pass", "b: -> :"]),
        ("def f():\n    return not a", ["return not a -> return None", "not a -> a"]),
        ("def f():\n    raise E('no')", ["raise E('no') -> pass"]),
        ("for a in b:\n    continue", ["continue -> break"]),
        ("if a:\n    b += c", ["a -> not a", "b += c -> pass", "b += c -> b -= c"]),
        ("[a for a in b if a]", ["[a for a in b if a] -> pass", "a -> not a"]),
        ("'docstring'", []),
        ("import a", []),
        ("assert a == 1", []),
        ("Pair = tuple[int, str]", []),
        ("if TYPE_CHECKING:\n    a = 1", []),
        ("@d(1)\ndef f(a: list[1]) -> 'x':\n    pass", []),
        ("f(a, a); f(a, a)", ["f(a, a) -> pass", "f(a, a) -> pass #2"]),
    ],
)
def test_what_is_changed(source, expected):
    assert changes(source) == expected


def test_a_mutant_has_a_name_that_stays_when_other_lines_change():
    names = [mutant.name for mutant in mutants(SOURCE, ast.parse(SOURCE))]
    moved = "import os\n\n" + SOURCE
    assert [mutant.name for mutant in mutants(moved, ast.parse(moved))] == names
    assert len(set(names)) == len(names)
    assert {function for function, _, _ in names} == {"", "share", "Held.__init__", "Held.first"}


def test_every_mutant_can_be_compiled_and_differs():
    for place, mutant in enumerate(mutants(SOURCE, ast.parse(SOURCE))):
        tree = ast.parse(SOURCE)
        before = ast.unparse(tree)
        mutants(SOURCE, tree)[place].apply()
        assert ast.unparse(tree) != before, mutant.change
        compile(tree, "changed", "exec")


def changed(function: str, change: str) -> tuple[types.ModuleType, ast.Module]:
    """The module as it is, and a tree with one fault."""
    module = types.ModuleType("toy")
    module.__file__ = "toy.py"
    exec(compile(SOURCE, "toy.py", "exec"), vars(module))
    tree = ast.parse(SOURCE)
    next(mutant for mutant in mutants(SOURCE, tree) if (mutant.function, mutant.change) == (function, change)).apply()
    return module, tree


def test_a_function_gets_the_fault_whoever_has_imported_it():
    module, tree = changed("share", "count / total -> count * total")
    imported = module.share
    assert imported(1) == 0.25
    mutant_runs.exchange(module, "share", tree)
    assert imported(1) == 0.5


@pytest.mark.parametrize(("change", "expected"), [("4 -> 5", 0.2), ("0.5 -> 0.25 ", 0.25)])
def test_a_default_gets_the_fault(change, expected):
    module, tree = changed("share", change.strip())
    mutant_runs.exchange(module, "share", tree)
    assert module.share(1) == expected


def test_a_property_gets_the_fault():
    module, tree = changed("Held.first", "return self.seen['a key'] -> return None")
    held = module.Held()
    assert held.first == 1
    mutant_runs.exchange(module, "Held.first", tree)
    assert held.first is None


def test_a_module_is_imported_with_the_fault(tmp_path, monkeypatch):
    (tmp_path / "toy_module.py").write_text(SOURCE, encoding="utf-8")
    _, tree = changed("", "3 -> 4")
    monkeypatch.setattr(sys, "meta_path", [mutant_runs.Changed("toy_module", tmp_path / "toy_module.py", tree), *sys.meta_path])
    assert importlib.import_module("toy_module").LIMIT == 4
    monkeypatch.delitem(sys.modules, "toy_module")


def test_what_a_process_says():
    assert mutant_runs.tried(mutant_runs.in_fork(lambda: 0)) == "survived"
    assert mutant_runs.tried(mutant_runs.in_fork(lambda: 1)) == "killed"
    assert mutant_runs.tried(mutant_runs.in_fork(lambda: 1 // 0)) == "not tried"
    assert mutant_runs.handed_back(lambda: {"a": 1}) == {"a": 1}

    def forever() -> int:
        while True:
            pass

    assert mutant_runs.tried(mutant_runs.in_fork(forever, 0)) == "timed out"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.setattr(mutation, "ROOT", tmp_path)
    (tmp_path / "toy.py").write_text("def f(a):\n    return a < 1\n", encoding="utf-8")
    return mutation.Module("toy.py", (), {}, 9)


def explain(folder: Path, monkeypatch, text: str) -> None:
    file = folder / "survivors.yaml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(mutation, "SURVIVORS", file)


def test_a_survivor_has_to_be_explained_and_an_explanation_has_to_have_a_survivor(toy, tmp_path, monkeypatch, capsys):
    _, found = toy.parsed()
    assert [mutant.change for mutant in found] == ["return a < 1 -> return None", "a < 1 -> a <= 1", "1 -> 2", "1 -> 0"]
    results = [(0, "killed"), (1, "survived"), (2, "timed out"), (3, "killed")]
    explain(tmp_path, monkeypatch, "")
    assert mutation.report(toy, results, whole=True) == 1
    assert "4 of 4 faults: 2 killed, 1 timed out, 1 survived; 75.0% noticed" in capsys.readouterr().out
    row = "toy.py:\n  - {function: f, line: 'return a < 1', change: 'a < 1 -> a <= 1', reason: a is never 1}\n"
    explain(tmp_path, monkeypatch, row)
    assert mutation.report(toy, results, whole=True) == 0
    assert mutation.report(toy, [(place, "killed") for place in range(4)], whole=True) == 1
    assert "out of date" in capsys.readouterr().out
    assert mutation.report(toy, [(0, "killed"), (2, "killed")], whole=False) == 0
    assert "95 % interval" in capsys.readouterr().out


def test_explanations_have_reasons_and_name_functions_of_modules_that_are_there():
    for path, rows in mutation.explained().items():
        source = (mutation.ROOT / path).read_text("utf-8")
        known = {mutant.name for mutant in mutants(source, ast.parse(source))}
        assert {name for name in rows if name not in known} == set(), path
        assert all(len(reason.split()) > 2 for reason in rows.values())
