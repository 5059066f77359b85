"""Kill whatever takes part in a batch, at random moments, and count what is lost, done twice or broken afterwards.

    python tests/faults/kills.py --kills 200 --seed 1

Batches of 20 runs are started with ``review batch``; after a random time one of its processes is killed (the runner, a worker, a
kernel, or the process that kernels are forked from), and again while it goes on, until it ends by itself. Then everything that
the batch left is held against what it should have left. Ends with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

RUNS = 20
VICTIMS = ("runner", "worker", "kernel", "zygote")
SIZE = 200_000
"""Numbers in the large file of a run: one that is half-written shows."""

CELLS = (
    "output_dir: str = ''\nnumber: int = 0",
    "import os, pathlib, time\ntime.sleep(0.05)",
    "pathlib.Path(output_dir, 'number.txt').write_text(str(number))",
    f"pathlib.Path(output_dir, 'large.txt').write_text('\\n'.join(str(number * n) for n in range({SIZE})))",
    "time.sleep(0.05)\nwith open(os.environ['REVIEW_FAULTS_LOG'], 'a') as file:\n    file.write(f'{number}\\n')",
)


def notebook(path: Path) -> Path:
    """Write the notebook that is run."""
    import nbformat

    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}})
    book.metadata["review"] = {"artefacts": ["number.txt", "large.txt"]}
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    book.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(book, path)
    return path


def processes() -> dict[int, tuple[int, list[str]]]:
    """Return the parent and the command of every process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if words != [""]:
                found[int(entry.name)] = (parent, words)
    return found


def below(root: int) -> Iterator[tuple[int, str]]:
    """Return the processes that a runner has started, and their part; a forked kernel looks like what it was forked from."""
    every = processes()
    parts = {root: "runner"}
    for _ in range(4):
        for pid, (parent, words) in every.items():
            if pid in parts or parent not in parts:
                continue
            text = " ".join(words)
            if "warm_server" in text:
                parts[pid] = "zygote" if parts[parent] == "runner" else "kernel"
            elif "spawn_main" in text:
                parts[pid] = "worker"
            elif "ipykernel" in text:
                parts[pid] = "kernel"
    yield from parts.items()


def marked(mark: str) -> list[int]:
    """Return the processes whose environment holds a word: all that belong to a batch, whoever their parent is."""
    found = []
    for pid in processes():
        try:
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


class Campaign:
    """Counts kills and what was wrong after them."""

    def __init__(self, seed: int, only: str | None) -> None:
        self.random = random.Random(seed)
        self.choices = (only,) if only else VICTIMS
        self.kills: collections.Counter[str] = collections.Counter()
        self.wrong: collections.Counter[str] = collections.Counter()
        self.grids = self.starts = self.said = 0

    def grid(self, folder: Path, most: int) -> None:
        """Do one grid with at most so many kills, and check what it left."""
        self.grids += 1
        source, log, out = notebook(folder / "book.ipynb"), folder / "log.txt", folder / "out"
        log.touch()
        sets = {"product": {"number": list(range(1, RUNS + 1))}}
        (folder / "grid.json").write_text(json.dumps(sets))
        command = [sys.executable, "-m", "review.cli", "batch", str(source), "-f", str(folder / "grid.json"), "--out", str(out)]
        resume = [sys.executable, "-m", "review.cli", "batch", "--resume", "--out", str(out)]
        mark = f"REVIEW_FAULTS={folder}"
        left, code = most, -1
        while code != 0:
            words = resume if (out / "batch.json").exists() else command
            killed, code = self._start(words, mark, left)
            left -= killed
            if code and not killed:
                self.wrong["ended badly without a kill"] += 1
                break
            self.said += bool(code > 0)
        for problem in [*problems(out, log), *leftovers(mark, folder / "tmp")]:
            print(f"grid {self.grids}: {problem}", flush=True)
            self.wrong[problem.split(":")[0]] += 1

    def _start(self, words: list[str], mark: str, most: int) -> tuple[int, int]:
        """Run a batch to its end or its death; return how many kills it took, and its exit code."""
        self.starts += 1
        name, value = mark.split("=")
        place = Path(words[words.index("--out") + 1]).parent / "tmp"
        place.mkdir(exist_ok=True)
        log = place.with_name("log.txt")  # in the environment: a file that a parameter names would count as an input
        environment = {**os.environ, name: value, "REVIEW_FAULTS_LOG": str(log), "TMPDIR": str(place)}
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True, env=environment)
            killed, next_kill = 0, time.monotonic() + self.random.uniform(0.2, 5)
            while process.poll() is None:
                time.sleep(0.01)
                if killed < most and time.monotonic() > next_kill:
                    killed += self._kill(process.pid)
                    next_kill = time.monotonic() + self.random.uniform(0.05, 1.2)
            errors.seek(0)
            text = errors.read().decode(errors="replace")
        if "Traceback" in text:
            print(text[max(0, text.index("Traceback") - 500) :][:5000], flush=True)
            self.wrong["traceback"] += 1
        return killed, process.returncode

    def _kill(self, root: int) -> bool:
        alive = list(below(root))
        choices = sorted({part for _, part in alive} & set(self.choices))
        if not choices:
            return False
        wanted = self.random.choice(choices)
        found = sorted(pid for pid, part in alive if part == wanted)
        try:
            os.kill(self.random.choice(found), signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.kills[wanted] += 1
        return True


def problems(out: Path, log: Path) -> Iterator[str]:
    """Say what is wrong with what a batch of :data:`RUNS` runs left; the first words say what kind it is."""
    import nbformat

    events = []
    for line in (out / "manifest.jsonl").read_bytes().splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue  # cut off by a kill
    good = [event for event in events if event["event"] == "finished" and event["status"] == "ok"]
    last = {event["run"]: event for event in events}
    counts = collections.Counter(event["parameters"]["number"] for event in good)
    yield from (f"lost: number {number} has no good run" for number in range(1, RUNS + 1) if not counts[number])
    yield from (f"duplicated: number {number} was finished {n} times" for number, n in counts.items() if n > 1)
    tries = collections.Counter(event["parameters"]["number"] for event in events if event["event"] == "started")
    logged = collections.Counter(int(line) for line in log.read_text().split())
    for number in range(1, RUNS + 1):
        if not 1 <= logged[number] <= tries[number]:
            yield f"duplicated: number {number} came to its end {logged[number]} times in {tries[number]} tries"
    for run, event in last.items():
        place, number = out / run, event["parameters"]["number"]
        if (event["event"], event["status"]) != ("finished", "ok"):
            yield f"lost: the last event of {run} is {event['event']} {event['status']}"
            continue
        files = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
        if files != {"notebook.ipynb", "number.txt", "large.txt"} or files != set(event["outputs"]):
            yield f"corrupt: {run} left {sorted(files)}"
            continue
        for name, expected in event["outputs"].items():
            if hashlib.sha256((place / name).read_bytes()).hexdigest() != expected:
                yield f"corrupt: {run}/{name} is not what the manifest says"
        large = "\n".join(str(number * n) for n in range(SIZE))
        if (place / "number.txt").read_text() != str(number) or (place / "large.txt").read_text() != large:
            yield f"corrupt: a file of {run} is half-written"
        book = nbformat.read(place / "notebook.ipynb", as_version=4)
        nbformat.validate(book)
        if any(cell.execution_count is None for cell in book.cells):
            yield f"corrupt: a cell of {run} was not run"
    strange = {path.name for path in out.iterdir()} - set(last)
    strange -= {"manifest.jsonl", "batch.json", ".lock", "ro-crate-metadata.json"}
    if strange:
        yield f"left over: {sorted(strange)}"


def leftovers(mark: str, temporary: Path) -> Iterator[str]:
    """Say which processes and folders a batch left behind; they get some seconds to end."""
    limit = time.monotonic() + 10
    while (alive := marked(mark)) and time.monotonic() < limit:
        time.sleep(0.1)
    for pid in alive:
        yield f"process left over: {pid}"
    if temporary.exists() and any(temporary.rglob("*.ipynb")):
        yield "left over: a notebook in the folder for temporary files"


def main() -> int:
    """Run the campaign and print the counts."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--most", type=int, default=20, help="kills in one grid (default: 20)")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", choices=VICTIMS)
    options = arguments.parse_args()
    campaign, began = Campaign(options.seed, options.only), time.monotonic()
    while sum(campaign.kills.values()) < options.kills:
        folder = Path(tempfile.mkdtemp(prefix="faults-"))
        campaign.grid(folder, min(options.most, options.kills - sum(campaign.kills.values())))
        shutil.rmtree(folder)
        kills = ", ".join(f"{name} {campaign.kills[name]}" for name in VICTIMS)
        print(f"grid {campaign.grids}: kills so far: {kills}; wrong: {dict(campaign.wrong)}", flush=True)
    print(f"\n{sum(campaign.kills.values())} kills ({', '.join(f'{campaign.kills[name]} {name}' for name in VICTIMS)})")
    print(f"{campaign.grids} grids of {RUNS} runs, {campaign.starts} starts, {campaign.said} of which ended with failures said")
    for kind in ("lost", "duplicated", "corrupt", "process left over", "left over", "traceback", "ended badly without a kill"):
        print(f"{kind}: {campaign.wrong[kind]}")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if campaign.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
