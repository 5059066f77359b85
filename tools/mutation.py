"""Whether the tests notice faults: put small ones into modules, one at a time, and run the tests that cover the line.

Run ``python tools/mutation.py review/statistics.py``; without a file all modules of :data:`TESTS`. Exit 1 if a fault that no
test notices is not explained in ``tests/mutation/survivors.yaml``, or if an explanation is out of date, or if the tests fail
as they are.

A fault in a function is tried in a fork of a process that has already collected the tests: the function gets the changed code,
whoever has imported it. Any other fault is tried in a fork that imports the changed module, and the tests, anew. Every function
is first made to raise an error, which a test must notice: faults are then really in effect. Tests that take longer than
``--longest`` seconds are left out, so the share of faults that are noticed is a lower bound.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import gc
import importlib
import os
import random
import sys
import types
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from statsmodels.stats.proportion import proportion_confint

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # before anything starts threads that a fork would lose

from mutant_runs import (  # noqa: E402
    FAILED,
    KILLED,
    SURVIVED,
    TIMED_OUT,
    UNCOVERED,
    UNTRIED,
    Changed,
    Covered,
    collect,
    exchange,
    handed_back,
    in_fork,
    passes,
    prepare,
    record,
    tried,
)
from mutants import Mutant, mutants  # noqa: E402

SURVIVORS = ROOT / "tests" / "mutation" / "survivors.yaml"

PRIVACY = (
    "test_evaluation_privacy.py",
    "test_evaluation_attacks.py",
    "test_evaluation_overlaps.py",
    "test_evaluation_identifiers.py",
)
TESTS = {
    "review/statistics.py": ("test_statistics.py",),
    "review/published.py": ("test_published.py", "test_statistics.py"),
    "review/selection.py": ("test_selection.py",),
    "review/agreement.py": ("test_agreement.py",),
    "review/corpus.py": ("test_corpus.py", "test_statistics.py"),
    "review/evaluation/privacy*.py": PRIVACY,
}
"""Module (or pattern) -> the test files that have to notice a fault in it."""

LIBRARIES = (
    *("numpy", "pandas", "pandera.pandas", "scipy.stats", "scipy.optimize", "statsmodels.api", "bibtexparser", "yaml"),
    *("sklearn.feature_extraction.text", "sklearn.metrics", "sklearn.neighbors", "spacy", "tldextract"),
    *("presidio_analyzer", "presidio_analyzer.predefined_recognizers", "presidio_analyzer.nlp_engine", "pytest"),
)
"""Imported once, before anything of the project."""

SECONDS = 20
"""Time that the tests of one fault have at least; ten times what they took, if this is more."""


@dataclass(frozen=True)
class Module:
    """A module, its faults, and what the tests cover."""

    path: str
    files: tuple[str, ...]
    covered: dict[str, Covered]
    longest: float

    @property
    def name(self) -> str:
        """The name by which it is imported."""
        return self.path.removesuffix(".py").replace("/", ".")

    def parsed(self) -> tuple[ast.Module, list[Mutant]]:
        """Return a fresh tree and all its mutants."""
        source = (ROOT / self.path).read_text("utf-8")
        tree = ast.parse(source)
        return tree, mutants(source, tree)

    def spans(self, tree: ast.Module) -> dict[str, range]:
        """Return the lines of the body of each outermost function."""
        found = {}
        for node in tree.body:
            prefix, functions = (f"{node.name}.", node.body) if isinstance(node, ast.ClassDef) else ("", [node])
            for function in functions:
                if isinstance(function, ast.FunctionDef):
                    found[prefix + function.name] = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
        return found

    def chosen(self, lines: range) -> list[str]:
        """Return the tests that run one of the lines, the quickest first, without those that take too long."""
        hit = [(held.seconds, name) for name, held in self.covered.items() if not held.lines[self.path].isdisjoint(lines)]
        return [name for seconds, name in sorted(hit) if seconds <= self.longest]

    def limit(self, chosen: Sequence[str]) -> float:
        """Return the seconds of CPU that these tests may take."""
        return max(SECONDS, 10 * sum(self.covered[name].seconds for name in chosen))

    def tests_of(self, mutant: Mutant, spans: dict[str, range], tree: ast.Module) -> tuple[list[str], bool]:
        """Return the tests of a mutant, and whether the code of a function can be exchanged for it."""
        body = spans.get(mutant.function)
        if mutant.inside and body is not None:
            statement = next(lines for lines in _statements(tree, mutant.line))
            direct = self.chosen(statement)
            if direct:
                return direct, True
        if body is not None and (called := self.chosen(body)):
            return called, mutant.inside
        if mutant.inside and body is not None and mutant.function not in _called_on_import(tree):
            return [], False
        used = [name for lines in spans.values() for name in self.chosen(lines)]
        return sorted(set(used), key=lambda name: (self.covered[name].seconds, name)), False


def _statements(tree: ast.Module, line: int) -> Iterator[range]:
    """Yield the lines of the smallest statement around a line: coverage knows statements by some of their lines only."""
    held = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)]
    smallest = min(held, key=lambda node: (node.end_lineno or 0) - node.lineno)
    heads = [child.lineno for child in ast.iter_child_nodes(smallest) if isinstance(child, ast.stmt)]
    yield range(smallest.lineno, min(heads) if heads else (smallest.end_lineno or 0) + 1)


def _called_on_import(tree: ast.Module) -> set[str]:
    """Return the functions that are called while the module is imported."""
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    calls = [call for node in outside for call in ast.walk(node) if isinstance(call, ast.Call)]
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


def try_all(module: Module, places: Sequence[int]) -> list[tuple[int, str]]:
    """Try some of the mutants, by their number, and return what became of each."""
    tree, found = module.parsed()
    spans = module.spans(tree)
    plans = {place: module.tests_of(found[place], spans, tree) for place in places}
    results = [(place, UNCOVERED) for place, (chosen, _) in plans.items() if not chosen]

    def exchanged(session: Any) -> list[tuple[int, str]] | str:
        prepare(session, module.path, list(spans.values()))
        gc.freeze()
        live = importlib.import_module(module.name)
        every = sorted({name for chosen, _ in plans.values() for name in chosen})
        if in_fork(lambda: 0 if passes(session, every) else FAILED):
            return "tests fail without any fault"
        return [
            (place, tried(in_fork(lambda place=place, chosen=chosen: body(session, live, place, chosen), module.limit(chosen))))
            for place, (chosen, inside) in plans.items()
            if inside and chosen
        ]

    def body(session: Any, live: types.ModuleType, place: int, chosen: list[str]) -> int:
        found[place].apply()
        exchange(live, found[place].function, tree)
        return 0 if passes(session, chosen) else FAILED

    def anew(place: int, chosen: list[str]) -> int:
        found[place].apply()
        sys.meta_path.insert(0, Changed(module.name, ROOT / module.path, tree))
        files = list(dict.fromkeys(Path(name.partition("::")[0]).name for name in chosen))
        return 0 if collect(files, lambda session: passes(session, chosen)) is True else FAILED

    results += _listed(handed_back(lambda: collect(module.files, exchanged)))
    for place, (chosen, inside) in plans.items():
        if chosen and not inside:
            limit = module.limit(chosen) + SECONDS
            results.append((place, tried(in_fork(lambda place=place, chosen=chosen: anew(place, chosen), limit))))
    return sorted(results)


def _listed(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise SystemExit(f"the tests could not be collected: {found}")
    return found


def unnoticed(module: Module) -> list[str]:
    """Return the covered functions that may raise an error without any test noticing: none, if faults are really in effect."""
    tree, _ = module.parsed()
    spans = module.spans(tree)
    wrong = ast.parse("def wrong():\n    raise AssertionError('put in')").body[0]
    assert isinstance(wrong, ast.FunctionDef)

    def broken(session: Any, function: str, chosen: list[str]) -> int:
        live = importlib.import_module(module.name)
        owner = next(
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.body[0].lineno == spans[function].start
        )
        owner.body = wrong.body
        exchange(live, function, tree)
        return 0 if passes(session, chosen) else FAILED

    def every(session: Any) -> list[str]:
        plans = {function: module.chosen(lines) for function, lines in spans.items()}
        return [
            function
            for function, chosen in plans.items()
            if chosen and in_fork(lambda function=function, chosen=chosen: broken(session, function, chosen)) == 0
        ]

    return _listed(handed_back(lambda: collect(module.files, every)))


def files_of(path: str) -> tuple[str, ...]:
    """Return the test files of a module."""
    return next((files for pattern, files in TESTS.items() if fnmatch.fnmatch(path, pattern)), ())


def explained() -> dict[str, dict[tuple[str, str, str], str]]:
    """Return the reasons for survivors, by module."""
    held = yaml.safe_load(SURVIVORS.read_text("utf-8")) if SURVIVORS.exists() else {}
    return {
        path: {(row.get("function", ""), row["line"], row["change"]): row["reason"] for row in rows}
        for path, rows in (held or {}).items()
    }


def report(module: Module, results: Sequence[tuple[int, str]], *, whole: bool) -> int:
    """Print what became of the faults of a module; return how many explanations are missing or out of date."""
    _, found = module.parsed()
    reasons = explained().get(module.path, {})
    counts = Counter(outcome for _, outcome in results)
    alive = [found[place] for place, outcome in results if outcome in (SURVIVED, UNCOVERED, UNTRIED)]
    noticed = counts[KILLED] + counts[TIMED_OUT]
    numbers = ", ".join(f"{counts[name]} {name}" for name in (KILLED, TIMED_OUT, SURVIVED, UNCOVERED, UNTRIED) if counts[name])
    share = _percent(noticed, len(results), whole=whole)
    print(f"{module.path}: {len(results)} of {len(found)} faults: {numbers}; {share} noticed")
    missing = [mutant for mutant in alive if mutant.name not in reasons]
    for mutant in missing:
        print(f"  {module.path}:{mutant.line}: {mutant.function or 'module'}: {mutant.change}   | {mutant.text}")
    stale = set(reasons) - {mutant.name for mutant in alive} if whole else set()
    for function, line, change in sorted(stale):
        print(f"  out of date in {SURVIVORS.name}: {function or 'module'}: {change}   | {line}")
    return len(missing) + len(stale)


def _percent(count: int, total: int, *, whole: bool) -> str:
    if not total:
        return "none"
    if whole:
        return f"{count / total:.1%}"
    low, high = proportion_confint(count, total, method="wilson")
    return f"{count / total:.1%} (95 % interval {low:.1%} to {high:.1%})"


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="files, as review/statistics.py; all of them by default")
    parser.add_argument("--most", type=int, default=0, help="try at most so many faults of a module, drawn by the seed")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--longest", type=float, default=4, help="leave out tests that take more seconds of CPU (4)")
    parser.add_argument("--unexplained", action="store_true", help="try only faults that survivors.yaml does not explain")
    parser.add_argument("--record", default="", help="folder that keeps which lines a test runs, for the next time")
    parser.add_argument("--out", default="", help="write what became of every fault to this file (YAML)")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Try the faults of some modules."""
    options = arguments(words)
    every = sorted(str(path.relative_to(ROOT)) for pattern in TESTS for path in ROOT.glob(pattern))
    paths = [str(Path(name).resolve().relative_to(ROOT)) for name in options.modules] or every
    for name in LIBRARIES:
        importlib.import_module(name)
    os.chdir(ROOT)
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in paths:
        groups[files_of(path) or (f"test_{Path(path).stem}.py",)].append(path)
    wrong, outcomes = 0, {}
    for files, modules in groups.items():
        group = sorted({*modules, *(path for path in every if files_of(path) == files)})
        covered = record(files, group, options.longest, options.record)
        for path in modules:
            module = Module(path, files, covered, options.longest)
            if blind := unnoticed(module):
                print(f"{path}: no test notices an error raised by: {', '.join(blind)}")
                wrong += len(blind)
            _, found = module.parsed()
            reasons = explained().get(path, {}) if options.unexplained else {}
            places = [place for place, mutant in enumerate(found) if mutant.name not in reasons]
            if options.most and len(places) > options.most:
                places = sorted(random.Random(options.seed).sample(places, options.most))  # noqa: S311 - no secret
            results = try_all(module, places)
            wrong += report(module, results, whole=len(places) == len(found))
            sys.stdout.flush()
            outcomes[path] = [
                dict(zip(("function", "line", "change"), found[at].name, strict=True), at=found[at].line, outcome=outcome)
                for at, outcome in results
            ]
    if options.out:
        Path(options.out).write_text(yaml.safe_dump(outcomes, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
