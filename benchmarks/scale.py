"""How time and memory grow with the number of studies, from 59 to 100,000.

    python benchmarks/scale.py                                   # every size, every step: about 25 minutes of one core
    python benchmarks/scale.py --sizes 59 590 5900               # about a minute
    python benchmarks/scale.py --load --sizes 100000 --runs 3    # only whether the goal of loading is met: about two minutes

Corpora are made by ``benchmarks/scale_corpus.py`` and kept in ``--folder``. Each size is measured in processes of its own, by the
time of the processor, so that other work on the machine disturbs little. The yardstick is what bibtexparser takes to parse the
same bibliography; the goal is to load a corpus of 100,000 studies, with all its tables and checks, in at most 1.25 times that.
The exponent of a step is the slope between its last two sizes on logarithmic axes: 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import scale_corpus

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from processor_time import TooLongError, at_most

GOAL = 1.25
SIZES = (59, 590, 5900, 59000, 100000)
BUDGET = 120.0
"""Seconds of the processor after which a step is given up."""

Step = Callable[[], Any]


def parsing(folder: Path) -> dict[str, Step]:
    """Return the yardstick."""
    from bibtexparser.entrypoint import parse_string

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
    path = folder / "bibliography.bib"
    return {"bibtexparser": lambda: parse_string(path.read_text("utf-8"))}


def loading(folder: Path) -> dict[str, Step]:
    """Return what it takes to load a corpus and to count all of it; a small one is loaded first: imports do not count."""
    from review import corpus, statistics

    corpus.load()
    held: list[Any] = []

    def load() -> None:
        held.append(corpus.load(folder))

    def counts() -> None:
        for name in held[0].codebook.dimensions:
            statistics.compute_shares(held[0], name, "all")

    def studies() -> None:
        held[0].studies()

    return {"load": load, "studies": studies, "statistics": counts}


def reading(folder: Path) -> dict[str, Step]:
    """Return the bibliography alone."""
    from review import bibliography, corpus

    corpus.load()
    return {"bibliography": lambda: bibliography.read(folder / "bibliography.bib")}


def working(folder: Path) -> dict[str, Step]:
    """Return everything that is done with a loaded corpus, and the checks that the command line makes."""
    from review import agreement, corpus, joint, map_table, prisma, publication_tables, statistics
    from review.coding import task
    from review.coding.desk import Desk
    from review.explore import Filters, Labels, view

    loaded = corpus.load(folder)
    loaded.studies()
    names = list(loaded.codebook.dimensions)
    where = "year >= 2023 and modality == 'text' and not evaluation_human"
    asked = Filters("all", 2022, labels={"modality": Labels(("text",))})
    steps: dict[str, Step] = {
        "filter": lambda: loaded.studies("all", where),
        "cross tables": lambda: [statistics.compute_cross(loaded, "year", name, "all") for name in names[:3]],
        "trend": lambda: statistics.compute_trend(loaded, "modality", "all"),
        "overlaps": lambda: statistics.compute_overlaps(loaded, "evaluation", "all"),
        "agreement": lambda: agreement.compute_agreement(loaded, resamples=200),
        "flow": lambda: prisma.compute_flow(loaded),
        "joint table": lambda: joint.compute_joint(loaded, "modality", "method", "evaluation", "all"),
        "map table": lambda: map_table.compute_map(loaded, "modality", "method", "evaluation", "all"),
        "tables": lambda: [publication_tables.characteristics(loaded, "all"), publication_tables.versions(loaded)],
        "table of studies": lambda: publication_tables.studies(loaded, "all"),
        "explorer": lambda: view(loaded, asked, "evaluation"),
        "explorer again": lambda: view(loaded, asked, "method"),
        "coding desk": lambda: Desk(task.plan(loaded, n=10, selection="all")).view(),
        "import": lambda: matching(loaded),
    }
    return steps | drawing(loaded) | site(loaded)


def choosing(folder: Path) -> dict[str, Step]:
    """Return what integer programmes are solved for."""
    from review import corpus, selection, sensitivity

    loaded = corpus.load(folder)
    loaded.studies()
    return {
        "ranges": lambda: sensitivity.compute_bounds(loaded, ["modality", "year"]),
        "selection": lambda: selection.calibrate(loaded, "v2"),
    }


def matching(loaded: Any) -> None:
    """Match 1,000 records: half known, half new."""
    from review.importing import matching as by
    from review.importing.bibtex import parse

    records, _ = parse(records_of(loaded), "records.bib")
    found = by.count(by.match(records, loaded))
    print(found, file=sys.stderr)


def records_of(loaded: Any) -> str:
    """Return 1,000 records as BibTeX."""
    from review import bibliography

    some = loaded.references[:: max(1, len(loaded.references) // 500)][:500]
    titles = [reference.fields["title"] for reference in some]
    new = [
        bibliography.Reference(
            f"new{place}", "article", {"title": f"{title[::-1]} {place}", "author": "New, Anna", "year": "2025"}, 0
        )
        for place, title in enumerate(titles)
    ]
    return bibliography.write([*some, *new])


def drawing(loaded: Any) -> dict[str, Step]:
    """Return one figure of each kind, as JSON, of all studies."""
    from review import agreement as agree
    from review import diagrams, figures, gap_figures, joint, joint_figures, map_figures, map_table, prisma, statistics

    dimensions = ("modality", "method", "evaluation")

    def shown(draw: Callable[..., Any], table: Callable[[], Any], *more: Any) -> Step:
        return lambda: draw(table(), *(one() for one in more)).to_json()

    def cells() -> Any:
        return joint.compute_cells(loaded, "modality", "method", "all")

    def codes() -> Any:
        return joint.codes(loaded, "evaluation")

    return {
        "figure: shares": shown(figures.plot_shares, lambda: statistics.compute_shares(loaded, "modality", "all")),
        "figure: reproduction": shown(figures.plot_reproduction, lambda: statistics.reproduce(loaded, "all")),
        "figure: agreement": shown(figures.plot_agreement, lambda: agree.compute_agreement(loaded, resamples=20)),
        "figure: reasons": shown(figures.plot_screening_reasons, lambda: prisma.compute_reasons(loaded)),
        "figure: cross": shown(diagrams.plot_cross, lambda: statistics.compute_cross(loaded, "modality", "method", "all")),
        "figure: trend": shown(diagrams.plot_trend, lambda: statistics.compute_trend(loaded, "modality", "all")),
        "figure: overlaps": shown(diagrams.plot_overlaps, lambda: statistics.compute_overlaps(loaded, "evaluation", "all")),
        "figure: flow": shown(diagrams.plot_flow, lambda: prisma.compute_flow(loaded)),
        "figure: joint": shown(joint_figures.plot_joint, lambda: joint.compute_joint(loaded, *dimensions, "all"), cells, codes),
        "figure: gaps": shown(gap_figures.plot_gaps, lambda: joint.compute_gaps(loaded, *dimensions, "all")),
        "figure: map": shown(map_figures.plot_map, lambda: map_table.compute_map(loaded, *dimensions, "all"), cells, codes),
    }


def site(loaded: Any) -> dict[str, Step]:
    """Return what of a site grows with the studies: their pages' contents, and the index of its search."""
    from review.site import pages, search, studies
    from review.site.places import Places

    def gather() -> None:
        found = studies.gather(loaded, Places.of(loaded))
        search.script([search.Entry(study.row["key"], study.row["title"], "study", pages._words(study)) for study in found])

    return {"site: studies": gather}


PARTS = {"parse": parsing, "bibliography": reading, "load": loading, "work": working, "choice": choosing}


def child(part: str, folder: Path, budget: float) -> None:
    """Measure the steps of one part, and print a line of JSON for each."""
    for name, step in PARTS[part](folder).items():
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + 2 * budget), resource.RLIM_INFINITY))
        wall, processor, note = time.perf_counter(), time.process_time(), ""
        try:
            with at_most(budget):
                step()
        except TooLongError:
            note = "given up"
        except Exception as error:
            note = f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else type(error).__name__
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        spent = {"processor": time.process_time() - processor, "wall": time.perf_counter() - wall}
        print(json.dumps({"step": name, **spent, "peak": peak, "note": note}), flush=True)


def validated(folder: Path) -> dict[str, Any]:
    """Measure ``review validate`` as a whole process."""
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [Path(sys.executable).with_name("review"), "validate", "--corpus", folder]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    note = "" if result.returncode == 0 else result.stderr.strip()[:200]
    return {"step": "review validate", "processor": spent, "wall": time.perf_counter() - wall, "peak": 0, "note": note}


def measured(part: str, folder: Path, budget: float) -> Iterator[dict[str, Any]]:
    """Run one part in a process of its own."""
    command = [sys.executable, __file__, "--child", part, "--folder", str(folder), "--budget", str(budget)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    yield from map(json.loads, result.stdout.splitlines())
    if result.returncode != 0:
        note = f"ended with {result.returncode}: a step of it took too long or failed"
        yield {"step": f"rest of {part}", "processor": 0.0, "wall": 0.0, "peak": 0, "note": note}


def best(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the shortest of several runs of one step."""
    return min(rows, key=lambda row: row["processor"])


def measure(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measure one size; the yardstick and the loading take turns."""
    found: dict[str, list[dict[str, Any]]] = {}
    for run in range(options.runs):
        parts = ["parse", "bibliography", "load"] + (["work", "choice"] if run == 0 and not options.load else [])
        for row in (row for part in parts for row in measured(part, folder, options.budget)):
            found.setdefault(row["step"], []).append(row)
    if not options.load:
        found["review validate"] = [validated(folder)]
    return {step: best(rows) for step, rows in found.items()}


def report(results: dict[int, dict[str, dict[str, Any]]]) -> Iterator[str]:
    """Return the table in Markdown: seconds of the processor, the exponent, and the peak of memory at the largest size."""
    sizes = sorted(results)
    yield f"| step | {' | '.join(f'{size:,}' for size in sizes)} | exponent | peak, MB |"
    yield "| --- |" + " ---: |" * (len(sizes) + 2)
    for step in dict.fromkeys(step for size in sizes for step in results[size]):
        rows = {size: results[size][step] for size in sizes if step in results[size]}
        shown = [f"{rows[size]['processor']:.2f}{'*' if rows[size]['note'] else ''}" if size in rows else "" for size in sizes]
        good = [size for size in rows if not rows[size]["note"]][-2:]
        slope = ""
        if len(good) == 2:
            first, last = good
            growth = max(rows[last]["processor"], 1e-3) / max(rows[first]["processor"], 1e-3)
            slope = f"{math.log(growth) / math.log(last / first):.2f}"
        peak = max(row["peak"] for row in rows.values()) / 1e6
        yield f"| {step} | {' | '.join(shown)} | {slope} | {peak:,.0f} |"
    notes = {f"{step}, {size:,}: {row['note']}" for size in sizes for step, row in results[size].items() if row["note"]}
    yield from (f"\\* {note}" for note in sorted(notes))


def main() -> int:
    """Measure, print, and return 1 if the goal is missed at the largest size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--folder", type=Path, default=Path("/tmp/review-scale"))  # noqa: S108
    parser.add_argument("--runs", type=int, default=3, help="of parsing and loading; the shortest counts")
    parser.add_argument("--load", action="store_true", help="measure parsing and loading only")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of the processor a step may take")
    parser.add_argument("--child", choices=PARTS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.folder, options.budget)
        return 0
    results = {}
    for size in options.sizes:
        folder = options.folder / f"c{size}"
        if not (folder / "flow.csv").exists():
            scale_corpus.write(size, folder)
        results[size] = measure(folder, options)
        print("\n".join(report(results)), end="\n\n", flush=True)
    largest = results[max(results)]
    ratio = largest["load"]["processor"] / largest["bibtexparser"]["processor"]
    own = largest["bibliography"]["processor"] / largest["bibtexparser"]["processor"]
    verdict = "met" if ratio <= GOAL else "missed"
    print(f"{max(results):,} studies; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print(f"bibliography alone: {own:.2f} of bibtexparser; whole corpus: {ratio:.2f} (goal {GOAL}: {verdict})")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
