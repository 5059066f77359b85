"""``review batch``: one notebook, many parameter sets, from the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    command.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="any notebook with a cell tagged parameters")
    pair = ("NAME", "VALUE")
    command.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=pair, help="the same in every run")
    command.add_argument("-f", "--grid", type=Path, metavar="FILE", help="parameter sets: YAML, JSON or CSV")
    command.add_argument("--jobs", type=int, default=2, metavar="N", help="notebooks at a time (default: 2)")
    command.add_argument("--out", type=Path, metavar="DIR", help="where to (default: runs/batch/<notebook>)")
    command.add_argument(
        "--input", type=Path, action="append", default=[], metavar="PATH", help="a file or folder that runs read"
    )
    command.add_argument("--force", action="store_true", help="run again what did not change")
    command.add_argument("--cold", action="store_true", help="start every kernel from nothing")
    command.add_argument("--status", action="store_true", help="say what would run, and why; run nothing")
    command.add_argument("--cell-timeout", type=float, default=900.0, metavar="S", help="seconds for one cell (default: 900)")
    command.add_argument("--collect", metavar="TABLE", help="gather a CSV file of every run, for example tables/02-shares.csv")


def run(options: argparse.Namespace) -> tuple[pd.DataFrame, bool]:
    """Run, skip, and gather; return what became of every run, and whether all are good.

    Parameters
    ----------
    options : Namespace
        As :func:`add_arguments` declares them.

    Raises
    ------
    ReviewError
        If a parameter, the grid, the notebook or the folder cannot be used: before anything runs.
    """
    from tqdm import tqdm

    from review import paths
    from review.batch import campaign, grid, manifest
    from review.batch.campaign import UNCHANGED, Done
    from review.errors import OptionError
    from review.files import rows_to_csv, write_text

    if options.jobs < 1:
        raise OptionError(f"--jobs is {options.jobs} -> give 1 or more")
    if not options.cell_timeout > 0:
        raise OptionError(f"--cell-timeout is {options.cell_timeout} -> give a number of seconds above 0")
    known = grid.declared(options.notebook)
    fixed = grid.of_pairs(options.parameter, known)
    sets = grid.read(options.grid, known, fixed) if options.grid else (fixed,)
    folder = (options.out or paths.RUNS / "batch" / options.notebook.stem).resolve()
    if options.status:
        last = {event.run: event for event in manifest.read(folder / manifest.NAME)}
        planned = campaign.plan(options.notebook, sets, folder, last, inputs=options.input, force=options.force)
        return campaign.table([Done(one, "to run" if one.reasons else UNCHANGED) for one in planned]), True
    with tqdm(total=len(sets), desc="runs", file=sys.stderr) as bar:

        def show(done: Done) -> None:
            bar.set_postfix_str(f"{done.run.name}: {done.status}")
            bar.update()

        done = campaign.run(
            options.notebook,
            sets,
            folder,
            jobs=options.jobs,
            inputs=options.input,
            force=options.force,
            cell_timeout=options.cell_timeout,
            cold=options.cold,
            report=show,
        )
    skipped = sum(one.status == UNCHANGED for one in done)
    good = sum(one.good for one in done)
    print(
        f"{good} of {len(done)} runs are good, {skipped} of them unchanged; manifest: {folder / manifest.NAME}", file=sys.stderr
    )
    if options.collect:
        held = campaign.collect(done, options.collect)
        target = folder / f"collected-{Path(options.collect).name}"
        write_text(target, rows_to_csv(held.columns, held.astype(object).where(held.notna(), None).itertuples(index=False)))
        print(f"collected: {target}", file=sys.stderr)
    return campaign.table(done), good == len(done)
