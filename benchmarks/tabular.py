"""The specialised tabular model beside a Gaussian copula: time to fit, time to draw, and fidelity, in one run.

Run ``python benchmarks/tabular.py [--seeds 1 2 3] [--rows 200] [--out DIR]``. The copula is a usual baseline of synthetic tables:
each column by its own empirical distribution, the columns joined by the correlations of their normal scores. Times are of one
machine; read the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from review import generators
from review.files import to_json, write_text
from review.generators import tables
from review.generators.tabular_fidelity import fidelity


class Copula:
    """Empirical margins and a Gaussian copula; classes are drawn as numbers of the order in which they sort."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.columns = list(frame.columns)
        self.sorted = {name: np.sort(frame[name].to_numpy()) for name in self.columns}
        draws = np.random.default_rng(0)
        codes = frame.apply(lambda column: pd.Series(pd.factorize(column, sort=True)[0]))
        ranks = (codes + draws.random(codes.shape) * 0.5).rank()  # equal values in random order
        self.correlations = np.corrcoef(stats.norm.ppf(ranks.to_numpy() / (len(frame) + 1)), rowvar=False)

    def sample(self, number: int, seed: int) -> pd.DataFrame:
        """Draw rows."""
        normal = np.random.default_rng(seed).multivariate_normal(np.zeros(len(self.columns)), self.correlations, number)
        shares = stats.norm.cdf(normal)
        return pd.DataFrame(
            {
                name: self.sorted[name][
                    np.minimum((shares[:, place] * len(self.sorted[name])).astype(int), len(self.sorted[name]) - 1)
                ]
                for place, name in enumerate(self.columns)
            }
        )


def distances(table: tables.Table, synthetic: pd.DataFrame, seed: int) -> tuple[float, float]:
    """Return the mean distance of the columns and of the correlations."""
    train, held = table.split(seed)
    rows = {row["measure"]: row["synthetic"] for row in fidelity(table, train, held, synthetic, seed)}
    return float(rows["mean of the columns"]), float(rows["correlations"])


def main() -> None:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments.add_argument("--rows", type=int, default=200)
    arguments.add_argument("--out", type=Path, default=Path("runs/benchmarks"))
    options = arguments.parse_args()
    table = tables.load("breast-cancer", "chosen")
    found: dict[str, list[tuple[float, float, float, float]]] = {"specialised model": [], "Gaussian copula": []}
    for seed in options.seeds:
        train, _ = table.split(seed)
        marks: dict[str, float] = {}

        def note(stage: str, done: int, total: int, marks: dict[str, float] = marks) -> None:
            """Remember when the last step of each stage ended."""
            if done == total:
                marks[stage] = time.perf_counter()

        start = time.perf_counter()
        made = generators.generate("tabular", "specialized", options.rows, seed, progress=note)
        synthetic = table.frame_of([record.content for record in made.accepted])
        times = (marks["fit"] - start, (marks["sample"] - marks["fit"]) / 2)  # each row is drawn twice: with and without the mask
        found["specialised model"].append((*times, *distances(table, synthetic, seed)))
        start = time.perf_counter()
        copula = Copula(train)
        fitted = time.perf_counter()
        drawn = copula.sample(options.rows, seed)
        done = time.perf_counter()
        found["Gaussian copula"].append((fitted - start, done - fitted, *distances(table, drawn, seed)))
        print(f"seed {seed} done", file=sys.stderr)
    names = ("fit_seconds", "sample_seconds", "columns", "correlations")
    rows = [
        {
            "generator": name,
            **{key: round(statistics.median(part), 5) for key, part in zip(names, zip(*values, strict=True), strict=True)},
        }
        for name, values in found.items()
    ]
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    ratios = {key: round(rows[0][key] / rows[1][key], 3) for key in names}
    print("ratio, model to copula: " + "  ".join(f"{key} {value}" for key, value in ratios.items()))
    write_text(
        options.out / "tabular.json", to_json({"rows": rows, "ratios": ratios, "seeds": options.seeds, "drawn": options.rows})
    )


if __name__ == "__main__":
    main()
