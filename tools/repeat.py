"""Whether everything comes out the same, byte for byte, in two checkouts whose surroundings have nothing in common.

Run ``python tools/repeat.py [--only PATTERN] [--out DIR]`` with the interpreter of ``.venv``. The tree as it is, with what is not
committed yet, is checked out twice: in a short and in a long path, on a disk and in memory where there is such a folder, with
other times of files, another locale, time zone, hash seed, home, ``umask``, width of the terminal, number of threads, of
processors and of processes side by side. The same commands run in both, and all files that they leave are compared, and what they
print. What may differ is listed with its reason in ``tools/repeat_allowed.py``. Exit 1 if anything else does.

Two checkouts use the same libraries and the same processor: this says nothing
of others. It takes about 40 minutes of a processor.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from repeat_allowed import RULES, SKIPPED, rule, skipped

ROOT = Path(__file__).resolve().parents[1]
GIT = shutil.which("git") or "git"
MADE = "runs/repeat"
"""Folder of a checkout in which the commands leave what they make."""

QUERIES = {
    "validate": "validate",
    "statistics": "statistics --review-version v2",
    "statistics-filtered": "statistics --where year>=2024 --selection pool",
    "select": "select --review-version v1",
    "bounds": "bounds --scenario v2+free",
    "agreement": "agreement --resamples 500",
    "prisma": "prisma",
    "reading-list": "reading-list -n 10",
    "checklist": "checklist",
}
CELLS = {
    "text-prompting": "-n 6 --option compare=1",
    "text-fine-tuning": "-n 3 --option steps=2 --option compare=1",
    "text-specialized": "-n 6 --option steps=20",
    "tabular-prompting": "-n 4",
    "tabular-fine-tuning": "-n 3 --option steps=2 --option scored=2",
    "tabular-specialized": "-n 20 --option steps=20",
    "multimodal-prompting": "-n 3",
    "multimodal-fine-tuning": "-n 2 --option steps=2 --option segments=16",
    "multimodal-specialized": "-n 4 --option steps=20 --option segments=48",
}
NOTES, DIALOGUES = "data/seeds/notes.jsonl", "data/seeds/dialogues.jsonl"


CHILD = """
import contextlib, json, os, sys
from pathlib import Path
from review.cli import main
for name, words in json.loads(sys.argv[2]).items():
    print(name, file=sys.stderr, flush=True)
    with (Path(sys.argv[1]) / name).open("w", encoding="utf-8") as printed, contextlib.redirect_stdout(printed):
        status = main(words.split())
    print(json.dumps([name, status]), flush=True)
"""
"""Runs commands one after another: most of their time would be that of imports."""


def steps(jobs: int) -> dict[str, str]:
    """Return the commands by name; what they make is in folders of their names."""
    found: dict[str, str] = {}
    for name, words in QUERIES.items():
        for form in ("table",) if name in ("validate", "select") else ("table", "json", "csv"):
            found[f"{name}.{form}"] = words if name in ("validate", "select") else f"{words} --format {form}"
    for name in ("list.bib", "search.ris"):
        found[f"import-{name}"] = f"import examples/import/{name} --format csv"
    for cell, words in CELLS.items():
        modality, _, method = cell.partition("-")
        target = f"--out {MADE}/generated/{cell}.jsonl"
        found[f"generate-{cell}"] = f"generate --modality {modality} --method {method} --seed 7 {words} {target}"
    pair = f"--real {NOTES} --synthetic {DIALOGUES} --columns text,label"
    found["card"] = f"evaluate {pair} --seed 3 --deals 20 --repeats 5 --out {MADE}/card"
    found["tables"] = f"tables --resamples 200 --out {MADE}/tables"
    found["batch"] = f"batch notebooks/00-start.ipynb -p selection v2 --jobs {jobs} --out {MADE}/batch"
    found["reproduce"] = f"reproduce --demonstrations none --jobs {jobs} --out {MADE}/reproduce"
    found["site"] = f"site --from {MADE}/reproduce --out {MADE}/site"
    found["figures"] = f"figures --publication --only 00-overview --only 02-shares --out {MADE}/publication"
    found["demonstrations"] = f"reproduce --demonstrations quick --jobs {jobs} --out {MADE}/demonstrations"
    return found


def groups(patterns: Sequence[str]) -> list[list[str]]:
    """Return the names of commands that are asked for: those together that are run by one process."""
    asked = [name for name in steps(1) if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    alone = ("batch", "reproduce", "site", "figures", "demonstrations")
    shared = [[name for name in asked if name not in alone and name.startswith("generate-") == made] for made in (False, True)]
    return [group for group in [shared[0], *([name] for name in asked if name in alone), shared[1]] if group]


@dataclass(frozen=True)
class Surroundings:
    """A checkout and what is around it."""

    root: Path
    scratch: Path
    home: Path
    variables: dict[str, str]
    umask: int
    jobs: int
    one_processor: bool

    def run(self, commands: Mapping[str, str]) -> dict[str, int]:
        """Run commands in one process; keep what each prints beside what it makes; return their exit statuses."""
        (self.root / MADE / "printed").mkdir(parents=True, exist_ok=True)
        given = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | self.variables
        pinned = ["taskset", "-c", "0"] if self.one_processor and shutil.which("taskset") else []
        command = [*pinned, sys.executable, "-c", CHILD, f"{MADE}/printed", json.dumps(commands)]
        with (self.home / f"{next(iter(commands))}.log").open("wb") as told:
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": told}
            done = subprocess.run(command, cwd=self.root, env=given, umask=self.umask, check=False, **streams)
        ended = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"[")]
        return dict.fromkeys(commands, -1) | dict(ended)


def snapshot(root: Path) -> None:
    """Make a repository of the tree as it is: what is committed, what is not, but not what is ignored."""
    words = [GIT, "-C", str(ROOT), "ls-files", "-zco", "--exclude-standard"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in sorted(set(filter(None, listed))):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    commit(root)


def commit(root: Path) -> None:
    """Make a repository of a folder, with one commit."""
    told = {**os.environ, **{f"GIT_{who}_{what}": "repeat" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "The tree as it is"]):
        subprocess.run([GIT, *words], cwd=root, env=told, check=True)


def surroundings(scratch: Path) -> tuple[Surroundings, Surroundings]:
    """Return two checkouts of the tree as it is, in surroundings that have nothing in common."""
    memory = Path("/dev/shm")  # noqa: S108 (a new folder in it)
    other = Path(tempfile.mkdtemp(prefix="repeat-", dir=memory)) if os.access(memory, os.W_OK) else scratch
    roots = scratch / "a", other / "a folder with spaces, ä and é" / "further" / "down" / "second"
    roots[0].mkdir()
    snapshot(roots[0])
    roots[1].parent.mkdir(parents=True)
    subprocess.run([GIT, "clone", "-q", str(roots[0]), str(roots[1])], check=True)
    names = sorted((path for path in roots[1].rglob("*") if path.is_file() and ".git" not in path.parts), reverse=True)
    for place, path in enumerate(names):
        os.utime(path, (1.5e9 - place * 1000,) * 2)
    locales = scratch / "locales"
    locales.mkdir()
    german = [shutil.which("localedef") or "", "-i", "de_DE", "-f", "UTF-8", str(locales / "de_DE.UTF-8")]
    made = bool(german[0]) and not subprocess.call(german, stderr=subprocess.DEVNULL)
    if not made:
        print("no localedef: both runs use a locale without a language", file=sys.stderr)
    pair = (
        {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "0", "COLUMNS": "60", "OMP_NUM_THREADS": "1"},
        {
            "LC_ALL": "de_DE.UTF-8" if made else "C.UTF-8",
            "LOCPATH": str(locales),
            "LANGUAGE": "de",
            "TZ": "America/St_Johns",
            "PYTHONHASHSEED": "12345",
            "COLUMNS": "231",
            "OMP_NUM_THREADS": "2",
            "USER": "someone",
        },
    )
    found = []
    for place, (root, given) in enumerate(zip(roots, pair, strict=True)):
        home, temporary = scratch / f"home{place}", scratch / f"t{place}" / ("x" * 40 * place)
        home.mkdir()
        temporary.mkdir(parents=True)
        places = {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        found.append(
            Surroundings(root, (scratch, other)[place], home, given | places, (0o022, 0o077)[place], place + 1, place == 0)
        )
    return found[0], found[1]


def clear(*pair: Surroundings) -> None:
    """Remove two checkouts, and what is around them."""
    for one in pair:
        shutil.rmtree(one.scratch, ignore_errors=True)


def files(root: Path) -> Iterator[str]:
    """Return the names of all that the commands made."""
    for folder in (MADE, "figures"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_file() and not skipped(name):
                yield name


def compare(one: Path, two: Path) -> tuple[int, int, list[str]]:
    """Return how many files are the same as they are, how many but for what may differ, and what is not."""
    same, allowed, faults = 0, 0, []
    names = [set(files(root)) for root in (one, two)]
    faults += [f"{name}: made by one only" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        contents = [(root / name).read_bytes() for root in (one, two)]
        if contents[0] == contents[1]:
            same += 1
            continue
        may = rule(name)
        if may is None:
            faults.append(f"{name}: differs at byte {_first(*contents)}")
            continue
        cleaned = [may.clean(content, str(root)) for content, root in zip(contents, (one, two), strict=True)]
        if cleaned[0] == cleaned[1]:
            allowed += 1
        else:
            near = _first(*cleaned)
            told = " | ".join(repr(one[max(0, near - 80) : near + 80].decode("utf-8", "replace")) for one in cleaned)
            faults.append(f"{name}: differs in more than {may.reason!r}: {told}")
    return same, allowed, faults


def _first(one: bytes, two: bytes) -> int:
    """Return the first byte at which two contents differ."""
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))


def main(argv: Sequence[str] | None = None) -> int:
    """Run both, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="PATTERN", help="only these commands, such as generate-* (repeatable)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep both checkouts here (default: a folder that is removed)")
    parser.add_argument("--compare", nargs=2, type=Path, metavar="ROOT", help="only compare two checkouts that were kept")
    parser.add_argument("--list", action="store_true", help="print the commands and what may differ, and stop")
    options = parser.parse_args(argv)
    if options.list:
        print("\n".join(f"{name}: review {words}" for name, words in steps(1).items()))
        print("\n".join([f"{one.pattern}: {one.reason}" for one in RULES] + [f"{name}: {why}" for name, why in SKIPPED.items()]))
        return 0
    if options.compare:
        return _told(*compare(*options.compare), [])
    scratch = (options.out or Path(tempfile.mkdtemp(prefix="repeat-"))).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    pair = surroundings(scratch)
    print(*(one.root for one in pair), sep="\n", file=sys.stderr)
    failed = []
    for group in groups(options.only or ["*"]):
        with ThreadPoolExecutor(2) as pool:
            statuses = list(pool.map(lambda one, group=group: one.run({name: steps(one.jobs)[name] for name in group}), pair))
        for name in group:
            ended = [status[name] for status in statuses]
            print(f"{name}: {ended}", file=sys.stderr, flush=True)
            failed += [f"{name}: exit statuses {ended}; see {pair[0].home}, {pair[1].home}"] if any(ended) else []
    status = _told(*compare(pair[0].root, pair[1].root), failed)
    if not options.out:
        clear(*pair)
    return status


def _told(same: int, allowed: int, faults: list[str], failed: list[str]) -> int:
    print("\n".join([*failed, *faults]))
    print(f"{same} files are the same, {allowed} but for what may differ, {len(faults)} are not; {len(failed)} commands failed")
    return int(bool(faults or failed))


if __name__ == "__main__":
    sys.exit(main())
