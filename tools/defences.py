"""Whether each defence has a test: take it out of the code, and run the tests that guard it, which must fail.

    python tools/defences.py                        # all of tests/defences/defences.yaml, a few minutes
    python tools/defences.py --only yaml paths      # those whose name begins so

The list tells of every defence what it promises, the line that does it, what stands there when it is gone, and the tests. Work is
done in a copy of the checkout, one defence at a time; the tests must pass in the untouched copy first. Exit 1 if a defence can
be taken out unnoticed, or if what fails is only the changed code itself (a name that is not there, a module that cannot be
imported).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

from repeat import snapshot

ROOT = Path(__file__).resolve().parents[1]
LISTED = ROOT / "tests" / "defences" / "defences.yaml"
LONGEST = 180
"""Seconds for the tests of one defence: a defence against what never ends is noticed by that."""

MEMORY = 6 << 30
"""Bytes that a process of the tests can write to, where there is ``prlimit``: so is a defence against what is large."""

QUICK = "not slow and not browser"
"""The tests that are run."""

BROKEN = re.compile(
    r"^E\s+(NameError|UnboundLocalError|SyntaxError|IndentationError|ImportError|ModuleNotFoundError)\b", re.MULTILINE
)
"""Errors of code that was not changed well: they show nothing about the tests."""

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Defence:
    """A line that keeps a promise.

    Attributes
    ----------
    name, promise : str
    file : str
        Within the checkout.
    line, without : str
        What stands once in the file, and what is put in its place.
    tests : tuple of str
        As pytest takes them, within ``tests``.
    """

    name: str
    promise: str
    file: str
    line: str
    without: str
    tests: tuple[str, ...]

    def taken_out(self, folder: Path) -> str:
        """Return the text of the file without the defence.

        Raises
        ------
        ValueError
            If the line does not stand in the file exactly once.
        """
        text = (folder / self.file).read_text(encoding="utf-8")
        if text.count(self.line) != 1:
            raise ValueError(f"{self.name}: {self.line!r} stands in {self.file} {text.count(self.line)} times")
        return text.replace(self.line, self.without)


@dataclass(frozen=True)
class Outcome:
    """What the tests said.

    Attributes
    ----------
    status : {"noticed", "unnoticed", "broken"}
    seconds : float
    said : str
        The first test that failed, and why.
    """

    status: str
    seconds: float
    said: str


def read(path: Path = LISTED) -> list[Defence]:
    """Return the defences of a list.

    Raises
    ------
    ValueError
        If one has not exactly the fields of :class:`Defence`.
    """
    found = []
    for name, held in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        if set(held) != {"promise", "file", "line", "without", "tests"}:
            raise ValueError(f"{name}: its keys are {', '.join(held)}")
        found.append(Defence(name, held["promise"], held["file"], held["line"], held["without"], tuple(held["tests"])))
    return found


def pytest_says(folder: Path, tests: Sequence[str], seconds: float | None = None) -> tuple[int | None, str]:
    """Return the exit status of pytest in a checkout, None if it did not end, and what it said."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=short", "--no-header", "-p", "no:cacheprovider", "-m", QUICK]
    command += [f"tests/{test}" for test in tests]
    if limiter := shutil.which("prlimit"):
        command = [limiter, f"--data={MEMORY}", *command]
    places = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    places.pop("PYTEST_ADDOPTS", None)
    try:
        done = subprocess.run(
            command, cwd=folder, env=places, capture_output=True, text=True, timeout=seconds or LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout + done.stderr


def tried(folder: Path, defence: Defence) -> Outcome:
    """Take a defence out of a copy, run its tests, and put it back."""
    path = folder / defence.file
    before, without = path.read_bytes(), defence.taken_out(folder)
    if path.suffix == ".py":
        compile(without, defence.file, "exec")
    began = time.monotonic()
    try:
        path.write_text(without, encoding="utf-8")
        status, said = pytest_says(folder, defence.tests)
    finally:
        path.write_bytes(before)
    took = time.monotonic() - began
    if status is None:
        return Outcome("noticed", took, f"the tests did not end within {LONGEST} s")
    first = FAILED.search(said)
    words = first[1] if first else said.strip().splitlines()[-1] if said.strip() else ""
    if status == 0:
        return Outcome("unnoticed", took, words)
    if status != 1 or BROKEN.search(said):
        return Outcome("broken", took, words)
    return Outcome("noticed", took, words)


def main() -> None:
    """Try every defence that was asked for, and tell what came of it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="beginnings of names")
    arguments.add_argument("--list", type=Path, default=LISTED, help="the list (default: tests/defences/defences.yaml)")
    options = arguments.parse_args()
    chosen = [one for one in read(options.list) if one.name.startswith(tuple(options.only))]
    if not chosen:
        arguments.error("no defence has such a name")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "checkout"
        snapshot(folder)
        status, said = pytest_says(folder, list(dict.fromkeys(test for one in chosen for test in one.tests)), 10 * LONGEST)
        if status != 0:
            sys.exit(f"the tests do not pass as they are:\n{said}")
        counts: dict[str, int] = {}
        for defence in chosen:
            outcome = tried(folder, defence)
            counts[outcome.status] = counts.get(outcome.status, 0) + 1
            print(f"{outcome.status:9} {defence.name:32} {outcome.seconds:5.1f} s  {outcome.said[:150]}", flush=True)
    print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    sys.exit(set(counts) != {"noticed"})


if __name__ == "__main__":
    main()
