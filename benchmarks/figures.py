"""How long it takes to write all figures for a paper: both widths, all formats, from nothing and unchanged.

    python benchmarks/figures.py                     # the committed figures, three times
    python benchmarks/figures.py --from DIR --runs 1

The goal is 60 seconds on two cores. Each run is a process of its own; files go to a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL = 60.0


def seconds(source: Path, folder: Path) -> float:
    """Return how long one run takes."""
    began = time.perf_counter()
    command = [Path(sys.executable).with_name("review"), "figures", "--publication", "--from", source, "--out", folder]
    subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> int:
    """Measure, print, and return 1 if the goal is missed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--from", dest="source", type=Path, default=ROOT / "figures")
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    fresh, again = [], []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            fresh.append(seconds(options.source, Path(folder)))
            again.append(seconds(options.source, Path(folder)))
            sizes = [path.stat().st_size for path in Path(folder).iterdir()]
    number = len(list(options.source.glob("*.json")))
    print(
        f"{number} figures, {len(sizes)} files, {sum(sizes) / 1e6:.0f} MB; "
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    for name, times in (("from nothing", fresh), ("unchanged", again)):
        print(f"{name}: median {statistics.median(times):.1f} s of {', '.join(f'{one:.1f}' for one in times)}")
    good = statistics.median(fresh) <= GOAL
    print(f"goal of {GOAL:.0f} s: {'met' if good else 'missed'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
