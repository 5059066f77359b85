"""How the exact ranges grow with the pool, and whether any of many draws lies outside a range.

Run ``python benchmarks/bounds.py [--draws 10000] [--factors 1 10 100] [--out DIR]``. Times are of one run on one machine;
read the ratios. A larger pool is the real one repeated, so that shares of codes stay as they are; the published counts are
not multiplied.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

import numpy as np

from review import bounds, corpus, paths, scenarios, sensitivity
from review.bounds import Model
from review.files import to_json, write_text


def repeated(given: Model, factor: int) -> Model:
    """Return the model of a pool that holds every study ``factor`` times."""
    keys = tuple(f"{key}-{copy}" for copy in range(factor) for key in given.keys)
    states = {name: list(column) * factor for name, column in given.states.items()}
    return Model(keys, states, given.targets, given.free, given.exclusive)


def growth(given: Model, factors: list[int]) -> list[dict[str, float]]:
    """Time all ranges of all categories for pools of growing size."""
    rows = []
    for factor in factors:
        model = repeated(given, factor)
        start = time.perf_counter()
        for name in model.states:
            model.bound([name])
        seconds = time.perf_counter() - start
        rows.append({"factor": factor, "studies": len(model.keys), "ranges": len(model.states), "seconds": round(seconds, 2)})
        print(f"{len(model.keys):>7} studies: {len(model.states)} ranges in {seconds:.1f} s", file=sys.stderr)
    return rows


def outside(given: Model, number: int, seed: int) -> dict[str, int]:
    """Count the draws that lie outside any range: must be none."""
    names = list(given.states)
    found = [given.bound([name]) for name in names]
    low, high = np.array([bound.low for bound in found]), np.array([bound.high for bound in found])
    matrix = np.array([[state is True for state in given.states[name]] for name in names])
    place = {key: index for index, key in enumerate(given.keys)}
    bad, different = 0, set()
    for keys in sensitivity.draw(given, number, seed):
        counts = matrix[:, [place[key] for key in keys]].sum(axis=1)
        bad += bool(((counts < low) | (counts > high)).any())
        different.add(keys)
    return {"draws": number, "different": len(different), "outside": bad}


def picture(rows: list[dict[str, float]], folder: Path) -> None:
    """Draw seconds against studies on logarithmic axes."""
    import plotly.graph_objects as go

    from review import export, theme

    theme.register()
    xs, ys = [row["studies"] for row in rows], [row["seconds"] for row in rows]
    slope = np.polyfit(np.log(xs), np.log(ys), 1)[0] if len(rows) > 1 else float("nan")
    figure = theme.canvas("single", 260)
    figure.add_trace(go.Scatter(x=xs, y=ys, mode="lines+markers", marker=theme.mark("circle", theme.BLUE)))
    figure.update_layout(margin={"l": 60, "r": 15, "t": 10, "b": 45})
    figure.update_xaxes(type="log", dtick=1, title="Studies in the pool")
    figure.update_yaxes(type="log", dtick=1, title="Seconds for all ranges")
    alt = "Seconds for all ranges by studies: " + ", ".join(f"{x}: {y}" for x, y in zip(xs, ys, strict=True))
    export.export(figure, "bounds-growth", folder, alt, f"Growth exponent {slope:.2f}.", width="single")


def main() -> int:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, default=10_000)
    options.add_argument("--factors", type=int, nargs="+", default=[1, 10, 100])
    options.add_argument("--seed", type=int, default=20260219)
    options.add_argument("--out", type=Path, default=paths.RUNS / "benchmarks")
    chosen = options.parse_args()
    loaded = corpus.load()
    scenario = scenarios.parse(loaded, "v2")
    given = bounds.model(loaded, scenario)
    rows = growth(given, chosen.factors)
    draws = outside(bounds.model(loaded, scenario), chosen.draws, chosen.seed)
    print(draws, file=sys.stderr)
    write_text(chosen.out / "bounds.json", to_json({"scenario": dataclasses.asdict(scenario), "growth": rows, "draws": draws}))
    picture(rows, chosen.out)
    return 1 if draws["outside"] else 0


if __name__ == "__main__":
    sys.exit(main())
