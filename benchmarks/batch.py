"""How much faster ``review batch`` is than other ways to run one notebook many times, measured side by side in one run.

    python benchmarks/batch.py                       # 100 parameter sets of the modality notebook
    python benchmarks/batch.py --runs 10 --slow 2    # fewer
    python benchmarks/batch.py --linear              # also: 100 to 1,000 runs of a light notebook, time and memory
    python benchmarks/batch.py --dask                # also: 2 and 4 workers of a Dask cluster on loopback

Compared are (a) a shell loop of ``papermill``, (b) ``papermill.execute_notebook`` in two processes, (c) a loop of
``jupyter nbconvert --execute``, (d) ``review batch --jobs 2`` and (e) the same again, unchanged. (a) and (c) do fewer runs
(``--slow``); their time is told per run. Memory is the most that all processes of a way had together, looked at often.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "02-modality.ipynb"
BIN = Path(sys.executable).parent
GOALS = {"(a)/(d)": (">=", 12.0), "(b)/(d)": (">=", 3.0), "(d)/(own time of the cells / 2)": ("<=", 1.5), "(e) in s": ("<=", 2.0)}

POOL = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

def one(seed):
    import papermill
    folder = f"{sys.argv[3]}/{seed}"
    given = {"seed": seed, "output_dir": folder}
    papermill.execute_notebook(sys.argv[1], f"{folder}.ipynb", given, progress_bar=False, log_output=False)

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(one, range(int(sys.argv[2]))))
"""


class Memory(threading.Thread):
    """Notes the most memory that a process and all below it have together (proportional shares of what they share)."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.most, self.done = root, 0, threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self.done.wait(1.0):  # each look takes the system some milliseconds of a core
            self.most = max(self.most, sum(map(used, tree(self.root))))


def tree(root: int) -> set[int]:
    """Return a process and all below it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def used(pid: int) -> int:
    """Return the proportional share of the memory of a process, in bytes."""
    with contextlib.suppress(OSError):
        match = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(match[1]) * 1024 if match else 0
    return 0


def timed(*commands: list[str | Path], quiet: bool = True) -> tuple[list[float], int]:
    """Run commands one after the other; return the seconds of each and the most memory."""
    seconds, most = [], 0
    for command in commands:
        began = time.perf_counter()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen([str(word) for word in command], cwd=ROOT, stdout=said, stderr=said)
            memory = Memory(process.pid)
            memory.start()
            code = process.wait()
            seconds.append(time.perf_counter() - began)
            memory.done.set()
            memory.join()
            if code or not quiet:
                said.seek(0)
                sys.stderr.write(said.read().decode(errors="replace")[-3000:])
        if code:
            sys.exit(f"{command[0]} ended with {code}")
        most = max(most, memory.most)
    return seconds, most


def executed(folder: Path) -> dict[int, tuple[Path, Any]]:
    """Return the folder and the executed notebook of each run of a batch, by its seed."""
    last = {}
    for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "finished":
            last[event["run"]] = event["parameters"]["seed"]
    return {seed: (folder / run, json.loads((folder / run / "notebook.ipynb").read_text("utf-8"))) for run, seed in last.items()}


def own_time(book: Any) -> float:
    """Return the seconds that the cells of an executed notebook took."""
    return sum(cell["metadata"]["papermill"]["duration"] or 0.0 for cell in book["cells"] if cell["cell_type"] == "code")


def shown(book: Any, folder: str) -> list[str]:
    """Return source and outputs of each cell, without the folder of the run."""
    cells = [cell for cell in book["cells"] if "injected-parameters" not in cell["metadata"].get("tags", [])]
    return [json.dumps([cell["source"], cell.get("outputs")]).replace(folder, "FOLDER") for cell in cells]


def differences(batch: Path, pool: Path) -> tuple[int, int]:
    """Compare what two ways have left, cell by cell; return how many cells, and how many of them differ."""
    cells = wrong = 0
    for seed, (folder, book) in executed(batch).items():
        other = json.loads((pool / f"{seed}.ipynb").read_text("utf-8"))
        one, two = shown(book, str(folder)), shown(other, str(pool / str(seed)))
        cells += max(len(one), len(two))
        wrong += abs(len(one) - len(two)) + sum(first != second for first, second in zip(one, two, strict=False))
    return cells, wrong


def compare(place: Path, runs: int, slow: int) -> dict[str, Any]:
    """Measure all ways; return what was found."""
    import nbformat

    grid = place / "grid.json"
    grid.write_text(json.dumps({"product": {"seed": list(range(runs))}}))
    batch = [BIN / "review", "batch", NOTEBOOK, "-f", grid, "--jobs", "2", "--out", place / "d"]
    (place / "pool.py").write_text(POOL)
    (place / "b").mkdir()
    loops: list[list[str | Path]] = []
    converted: list[list[str | Path]] = []
    for seed in range(slow):
        folder = place / "a" / str(seed)
        folder.mkdir(parents=True)
        given = ["-p", "seed", str(seed), "-p", "output_dir", str(folder)]
        loops.append([BIN / "papermill", NOTEBOOK, folder / "out.ipynb", *given, "--no-progress-bar", "--no-log-output"])
        book = nbformat.read(NOTEBOOK, as_version=4)
        book.cells.insert(2, nbformat.v4.new_code_cell(f"seed = {seed}\noutput_dir = {str(place / 'c' / str(seed))!r}"))
        source = place / f"c{seed}.ipynb"
        nbformat.write(book, source)
        options = ["--to", "notebook", "--execute", "--output-dir", place / "c", source]
        converted.append([BIN / "jupyter", "nbconvert", *options])
    found: dict[str, Any] = {}
    ways: dict[str, list[list[str | Path]]] = {
        "(d) review batch": [batch],
        "(e) review batch again": [batch] * 3,
        "(b) papermill in 2 processes": [[sys.executable, place / "pool.py", NOTEBOOK, str(runs), place / "b"]],
        "(a) loop of papermill": loops,
        "(c) loop of nbconvert": converted,
    }
    for name, commands in ways.items():
        seconds, memory = timed(*commands)
        each = slow if name[1] in "ac" else runs
        whole = statistics.median(seconds) if name[1] == "e" else sum(seconds)
        found[name] = {"runs": each, "seconds": round(whole, 2), "per run": round(whole / each, 3), "memory MB": memory >> 20}
        if name[1] in "ac":
            found[name]["median of a run"] = round(statistics.median(seconds), 2)
        print(name, found[name], flush=True)
    per = {name[1]: row["per run"] for name, row in found.items()}
    own = sum(own_time(book) for _, book in executed(place / "d").values())
    cells, wrong = differences(place / "d", place / "b")
    ratios = {
        "(a)/(d)": per["a"] / per["d"],
        "(b)/(d)": per["b"] / per["d"],
        "(c)/(d)": per["c"] / per["d"],
        "(d)/(own time of the cells / 2)": per["d"] * runs / (own / 2),
        "(e) in s": found["(e) review batch again"]["seconds"],
    }
    print(f"own time of the cells in (d): {own:.1f} s; cells compared with (b): {cells}, of which differ: {wrong}")
    for name, value in ratios.items():
        sign, goal = GOALS.get(name, ("", 0.0))
        met = "" if not sign else "met" if (value >= goal if sign == ">=" else value <= goal) else "NOT MET"
        print(f"{name}: {value:.2f}{f' (goal {sign} {goal:g}: {met})' if sign else ''}")
    return {"ways": found, "ratios": ratios, "own time of cells": own, "cells compared": cells, "cells that differ": wrong}


def light(place: Path) -> Path:
    """Write a notebook that does next to nothing."""
    import nbformat

    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "x", "language": "python"}})
    book.cells = [nbformat.v4.new_code_cell("number: int = 0"), nbformat.v4.new_code_cell("number ** 2")]
    book.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(book, place / "light.ipynb")
    return place / "light.ipynb"


def linear(place: Path) -> list[dict[str, float]]:
    """Measure 100, 300 and 1,000 runs of a light notebook."""
    source, rows = light(place), []
    for runs in (100, 300, 1000):
        grid = place / f"linear{runs}.json"
        grid.write_text(json.dumps({"product": {"number": list(range(runs))}}))
        command = [BIN / "review", "batch", source, "-f", grid, "--jobs", "2", "--out", place / f"linear{runs}"]
        (seconds,), memory = timed(command)
        (again,), _ = timed(command)
        rows.append({"runs": runs, "seconds": seconds, "per run": seconds / runs, "again": again, "memory MB": memory >> 20})
        print("growth", {name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    return rows


@contextlib.contextmanager
def cluster(workers: int, place: Path) -> Iterator[str]:
    """Start a scheduler and workers on loopback; give the address."""
    about = place / f"scheduler{workers}.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask: list[str | Path] = [BIN / "dask"]
    start = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", ":0", "--scheduler-file", about]
    processes = [subprocess.Popen(start, cwd=place, **quiet)]
    try:
        while not about.exists():
            time.sleep(0.1)
        address = str(json.loads(about.read_text())["address"])
        work = [*dask, "worker", address, "--nworkers", str(workers), "--nthreads", "1", "--no-dashboard"]
        processes.append(subprocess.Popen(work, cwd=place, **quiet))
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(workers, timeout=60)
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def dask(place: Path, runs: int = 40) -> list[dict[str, float]]:
    """Measure a light notebook on 2 and 4 workers beside two processes of this machine."""
    source, grid, rows = light(place), place / "dask.json", []
    grid.write_text(json.dumps({"product": {"number": list(range(runs))}}))
    command = [BIN / "review", "batch", source, "-f", grid, "--jobs", "2"]
    (local,), _ = timed([*command, "--out", place / "local"])
    print("two local processes", {"runs": runs, "seconds": round(local, 2)}, flush=True)
    for workers in (2, 4):
        with cluster(workers, place) as address:
            (seconds,), _ = timed([*command, "--scheduler", address, "--out", place / f"dask{workers}"])
        rows.append({"workers": workers, "runs": runs, "seconds": seconds, "more per run": (seconds - local) / runs})
        print("cluster", {name: round(value, 3) for name, value in rows[-1].items()}, flush=True)
    return rows


def main() -> None:
    """Measure what was asked for."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--runs", type=int, default=100)
    arguments.add_argument("--slow", type=int, default=10, help="runs of the ways that take long (default: 10)")
    arguments.add_argument("--linear", action="store_true")
    arguments.add_argument("--dask", action="store_true")
    arguments.add_argument("--out", type=Path, help="also write the numbers to this JSON file")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-batch-") as folder:
        place = Path(folder)
        os.environ.pop("REVIEW_BROWSER", None)
        found: dict[str, Any] = compare(place, options.runs, options.slow)
        if options.linear:
            found["growth"] = linear(place)
        if options.dask:
            found["cluster"] = dask(place)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
