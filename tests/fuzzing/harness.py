"""What an input of a reader may lead to, and a run of many inputs that keeps whatever leads to something else."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzzing.limits import OWN, PROJECT, Arcs, HangError, limited, timed
from fuzzing.mutate import mutate
from review.errors import InputError, ReviewError
from review.files import HIDING, NO_TEXT

REGRESSIONS = PROJECT / "tests" / "examples" / "fuzz"
SAMPLE = 8
"""One input in so many is traced line by line, which is slow."""

MOST = 2000
"""Inputs that are remembered to be changed further: so many that were read, and so many that were refused."""

LONG = 20_000
"""Bytes of an input that is not remembered: it would take the time of many."""

KEPT = 0.7
"""How often an input that was read is changed, rather than any: what is refused early shows little."""

DRIFT = 0.1
"""How often an input that was read is remembered though it led to nothing new."""

_VARIABLE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\]|\d+")


@dataclass(frozen=True)
class Outcome:
    """What became of an input: ``refused`` with the error's text, or ``kept`` with what it was read as."""

    kind: str
    text: str


@dataclass(frozen=True)
class Target:
    """A reader and what is thrown at it.

    Attributes
    ----------
    name : str
    seeds : callable
        Returns good (or nearly good) inputs to start from.
    attack : callable
        Given the bytes and a folder that may hold what an earlier input left there: writes the bytes where the project would
        read them, has them read, and returns the outcome. Whatever it raises is a finding.
    dictionary : tuple of bytes
        Words that mean something in this format.
    few : int
        Inputs of the short form, fewer where one takes long.
    """

    name: str
    seeds: Callable[[], list[bytes]]
    attack: Callable[[bytes, Path], Outcome]
    dictionary: tuple[bytes, ...] = ()
    few: int = 200


class WrongError(AssertionError):
    """An input was read as something else than it holds, or refused without saying why."""


def refused(error: ReviewError, *names: str) -> Outcome:
    """Return the outcome for an error, after a look at whether it tells the user enough.

    Parameters
    ----------
    error : ReviewError
    names : str
        Names of the files that the error may be about: one of them has to stand in every line about a problem.

    Raises
    ------
    WrongError
        If it does not name a file, or does not say what to do.
    """
    text = str(error)
    for problem in error.problems if isinstance(error, InputError) else ():
        if not problem.message.strip() or not problem.remedy.strip():
            raise WrongError(f"a problem without message or remedy: {problem!r}")
        if "\n" in str(problem):
            raise WrongError(f"a problem on more than one line: {problem!r}")
        if problem.line is not None and problem.line < 1:
            raise WrongError(f"a problem on line {problem.line}: {problem!r}")
        if names and Path(problem.file).name not in names:
            raise WrongError(f"a problem that names {problem.file!r} and none of {names}: {problem!r}")
    if " -> " not in text:
        raise WrongError(f"a refusal that does not say what to do: {text!r}")
    if names and not any(name in text for name in names):
        raise WrongError(f"a refusal that names none of {names}: {text!r}")
    return Outcome("refused", text)


def kept(text: str) -> Outcome:
    """Return the outcome for an input that was read, with a word on what it was read as."""
    return Outcome("kept", text)


def written_out(texts: Iterable[str]) -> None:
    """Raise if a text that was read cannot be written to every format of the project, or shows as something else than it is."""
    for text in texts:
        if found := NO_TEXT.search(text) or HIDING.search(text):
            raise WrongError(f"U+{ord(found[0]):04X} was read as text")


def same(first: Any, second: Any, what: str) -> None:
    """Raise unless two values are equal."""
    if first != second:
        raise WrongError(f"{what}: {first!r:.400} is not {second!r:.400}")


def shapes(outcome: Outcome) -> set[str]:
    """Return the lines of an outcome without what differs from input to input (numbers, what is quoted, keys)."""
    lines = outcome.text.splitlines()[:60] or [""]
    return {f"{outcome.kind}: {_VARIABLE.sub('_', line)[:160]}" for line in lines}


def _add(inputs: list[bytes], data: bytes, rng: random.Random) -> None:
    """Remember an input, in place of any other if there are too many."""
    if len(inputs) < MOST:
        inputs.append(data)
    else:
        inputs[rng.randrange(MOST)] = data


@dataclass
class Finding:
    """An input that did what none may do.

    Attributes
    ----------
    sort : str
        What happened and where: findings of one sort are counted, and only the first is stored.
    data : bytes
        The input, made smaller as long as the same happens.
    trace : str
    """

    sort: str
    data: bytes
    trace: str


@dataclass
class Run:
    """Many inputs for one target: the same ones for the same seed, if nothing else traces (a measure of coverage does).

    Attributes
    ----------
    target : Target
    folder : Path
        Where the target writes.
    limit : float
        Seconds that one input may take.
    minimise : bool
        Whether to make findings smaller.
    """

    target: Target
    folder: Path
    limit: float = 5.0
    minimise: bool = True
    outcomes: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Finding] = field(default_factory=dict)
    sorts: Counter[str] = field(default_factory=Counter)
    arcs: Arcs = field(default_factory=Arcs)
    slowest: tuple[float, bytes] = (0.0, b"")
    seconds: float = 0.0

    def go(self, count: int, seed: int = 1, most: float | None = None) -> Run:
        """Try the seeds, then inputs made from them: ``count`` in all, or what ``most`` seconds of the processor allow."""
        rng = random.Random(seed)
        start = time.process_time()
        pool = list(dict.fromkeys(self.target.seeds()))
        good: list[bytes] = []
        if not pool:
            raise ValueError(f"the target {self.target.name} has no seeds")
        with limited(self.folder):
            for data in pool:
                before = self.outcomes["kept"]
                self.one(data, trace=True)
                good += [data] * (self.outcomes["kept"] - before)
            while self.inputs < count and (most is None or time.process_time() - start < most):
                base = rng.choice(good if good and rng.random() < KEPT else pool)
                data = mutate(base, rng, pool, self.target.dictionary)
                before = self.outcomes["kept"]
                fresh = self.one(data, trace=self.inputs % SAMPLE == 0)
                if len(data) < LONG and self.outcomes["kept"] > before and (fresh or rng.random() < DRIFT):
                    _add(good, data, rng)
                elif len(data) < LONG and fresh:
                    _add(pool, data, rng)
        self.seconds += time.process_time() - start
        return self

    @property
    def inputs(self) -> int:
        """How many were tried."""
        return sum(self.outcomes.values())

    def one(self, data: bytes, trace: bool = False) -> bool:
        """Try one input; tell whether it led to something new."""
        start = time.process_time()
        outcome, finding = self.attempt(data, trace)
        spent = time.process_time() - start
        if spent > self.slowest[0] and not trace:
            self.slowest = spent, data
        fresh = self.arcs.fresh if trace else False
        if outcome is None:
            assert finding is not None
            self.outcomes["findings"] += 1
            self.sorts[finding.sort] += 1
            if finding.sort not in self.findings:
                self.findings[finding.sort] = self.smaller(finding) if self.minimise else finding
            return False
        self.outcomes[outcome.kind] += 1
        for shape in shapes(outcome):
            fresh = fresh or shape not in self.messages
            if shape in self.messages or len(self.messages) < 20_000:
                self.messages[shape] += 1
        return fresh

    def attempt(self, data: bytes, trace: bool = False) -> tuple[Outcome | None, Finding | None]:
        """Return the outcome of an input, or else the finding."""
        try:
            with timed(self.limit), self.arcs.watched() if trace else contextlib.nullcontext():
                outcome = self.target.attack(data, self.folder)
            if outcome.kind not in ("refused", "kept"):
                raise WrongError(f"the outcome {outcome.kind!r}")
        except (Exception, HangError) as error:
            return None, Finding(sort_of(error), data, "".join(traceback.format_exception(error, limit=-30)))
        return outcome, None

    def smaller(self, finding: Finding, tries: int = 400, budget: float = 20.0) -> Finding:
        """Leave out parts of the input as long as the same happens."""
        end = time.monotonic() + (0.0 if finding.sort.startswith("HangError") else budget)
        size = max(1, len(finding.data) // 2)
        while size and tries > 0 and time.monotonic() < end:
            place = 0
            while place < len(finding.data) and tries > 0 and time.monotonic() < end:
                tries -= 1
                _, other = self.attempt(finding.data[:place] + finding.data[place + size :])
                if other is not None and other.sort == finding.sort:
                    finding = other
                else:
                    place += size
            size //= 2
        return finding

    def summary(self) -> dict[str, Any]:
        """Return what was tried and what came of it, as plain values; times are those of the processor."""
        return {
            "target": self.target.name,
            "inputs": self.inputs,
            "kept": self.outcomes["kept"],
            "refused": self.outcomes["refused"],
            "findings": self.outcomes["findings"],
            "sorts": len(self.findings),
            "messages": len(self.messages),
            "arcs": len(self.arcs.seen),
            "seconds": round(self.seconds, 1),
            "inputs_per_s": round(self.inputs / max(self.seconds, 1e-9), 1),
            "slowest_ms": round(1000 * self.slowest[0], 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }

    def store(self, folder: Path) -> None:
        """Write every finding (the input, and what happened) and the slowest input."""
        place = folder / self.target.name
        place.mkdir(parents=True, exist_ok=True)
        for sort, finding in self.findings.items():
            name = hashlib.sha256(sort.encode()).hexdigest()[:10]
            (place / f"{name}.bin").write_bytes(finding.data)
            text = f"{sort}\n{self.sorts[sort]} times\n\n{finding.data[:2000]!r}\n\n{finding.trace}"
            (place / f"{name}.txt").write_text(text, "utf-8", "backslashreplace")
        (place / "slowest.bin").write_bytes(self.slowest[1])


def sort_of(error: BaseException) -> str:
    """Return what happened, and the last place in the project's own code where it did."""
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(OWN)]
    where = f"{Path(places[-1].filename).relative_to(PROJECT)}:{places[-1].lineno}" if places else "nowhere"
    if isinstance(error, HangError):
        where = str(Path(places[0].filename).relative_to(PROJECT)) if places else "nowhere"
    about = _VARIABLE.sub("_", str(error))[:60] if isinstance(error, WrongError) else ""
    return f"{type(error).__name__} at {where} {about}".strip()


def replay(target: Target, folder: Path, limit: float = 30.0) -> list[tuple[str, Finding | None]]:
    """Try again every input of ``tests/examples/fuzz`` that once was a finding of a target."""
    run = Run(target, folder, limit=limit, minimise=False)
    with limited(folder):
        return [(path.name, run.attempt(path.read_bytes())[1]) for path in regressions(target.name)]


def regressions(name: str) -> Sequence[Path]:
    """Return the stored inputs of a target."""
    place = REGRESSIONS / name
    return sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []
