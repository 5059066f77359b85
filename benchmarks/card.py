"""How long a report card of a table takes, and how much memory, as the table grows.

    python benchmarks/card.py            # 1,000 to 100,000 rows of 20 columns
    python benchmarks/card.py 1000000    # and another size

Each size is measured in a process of its own: reading two CSV files and a hold-out of a fifth, measuring, writing the card.
Beyond the rows that are compared at a time, only reading and the search for copies should grow.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (1_000, 10_000, 100_000)
COLUMNS = 10


def table(rows: int, seed: int) -> object:
    """Return numbers and classes, each number depending on the one before it."""
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(seed)
    numbers = np.cumsum(draw.normal(size=(COLUMNS, rows)), axis=0).round(3)
    held = {f"n{place}": numbers[place] for place in range(COLUMNS)}
    held |= {f"c{place}": draw.choice(list("abcde"), size=rows) for place in range(COLUMNS)}
    return pd.DataFrame(held)


def measure(rows: int) -> dict[str, float]:
    """Return seconds and memory (MB) of one card, in this process."""
    from review import evaluation
    from review.evaluation import inputs

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed, (role, size) in enumerate((("real", rows), ("synthetic", rows), ("holdout", max(rows // 5, 20)))):
            table(size, seed).to_csv(folder / f"{role}.csv", index=False)  # type: ignore[attr-defined]
        start = time.perf_counter()
        pair = inputs.load(*(folder / f"{role}.csv" for role in ("real", "synthetic", "holdout")), inputs.Choices(label="c0"))
        read = time.perf_counter() - start
        evaluation.evaluate(pair).write(folder / "card")
        whole = time.perf_counter() - start
    return {"rows": rows, "read": read, "seconds": whole, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main(more: list[str]) -> None:
    """Measure every size and print the ratios to the smallest."""
    found = []
    for rows in (*SIZES, *map(int, more)):
        command = [sys.executable, __file__, "--one", str(rows)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    print(f"{'rows':>10} {'reading s':>10} {'whole s':>10} {'ratio':>7} {'memory MB':>10}")
    for one in found:
        ratio = one["seconds"] / found[0]["seconds"]
        print(f"{one['rows']:>10,.0f} {one['read']:>10.2f} {one['seconds']:>10.1f} {ratio:>7.2f} {one['memory']:>10.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        main(sys.argv[1:])
