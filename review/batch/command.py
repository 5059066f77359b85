"""``review batch`` and ``review status``: many runs of a notebook from the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.printing import print_table, say

if TYPE_CHECKING:
    import pandas as pd

    from review.batch.asked import Asked


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options of ``review batch``."""
    command.add_argument(
        "notebook", type=Path, nargs="?", metavar="NOTEBOOK", help="any notebook with a cell tagged parameters; not with --resume"
    )
    pair = ("NAME", "VALUE")
    command.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=pair, help="the same in every run")
    command.add_argument("-f", "--grid", type=Path, metavar="FILE", help="parameter sets: YAML, JSON or CSV")
    command.add_argument("--jobs", type=int, default=2, metavar="N", help="notebooks at a time (default: 2)")
    command.add_argument("--out", type=Path, metavar="DIR", help="where to (default: runs/batch/<notebook>)")
    command.add_argument(
        "--input", type=Path, action="append", default=[], metavar="PATH", help="a file or folder that runs read"
    )
    command.add_argument("--force", action="store_true", help="run again what did not change")
    command.add_argument("--resume", action="store_true", help="go on with the last batch in --out, as it was asked for")
    command.add_argument("--cold", action="store_true", help="start every kernel from nothing")
    command.add_argument("--status", action="store_true", help="say what would run, and why; run nothing")
    command.add_argument("--cell-timeout", type=float, default=900.0, metavar="S", help="seconds for one cell (default: 900)")
    command.add_argument("--run-timeout", type=float, metavar="S", help="seconds for one run (default: no limit)")
    command.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster, for example tcp://127.0.0.1:8786")
    command.add_argument("--shared", action="store_true", help="workers of the cluster see --out under the same path")
    command.add_argument("--collect", metavar="TABLE", help="gather a table of every run, for example tables/02-shares.csv")
    command.add_argument("--parquet", action="store_true", help="write what --collect gathers as Parquet instead of CSV")


def add_status_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options of ``review status``."""
    command.add_argument("folders", type=Path, nargs="*", metavar="DIR", help="folders of batches (default: all in runs/batch)")
    command.add_argument("--all", action="store_true", help="also the runs of which nothing changed")


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
    Interrupted
        If the user stopped it.
    """
    from review.batch import campaign, collect
    from review.batch.campaign import UNCHANGED
    from review.batch.pool import Interrupted
    from review.batch.progress import Progress

    folder, asked = _asked(options)
    if options.status:
        return _planned(folder, asked, force=options.force), True
    try:
        with Progress(len(asked.sets)) as progress:
            done = campaign.run(
                asked.notebook,
                asked.sets,
                folder,
                inputs=asked.inputs,
                force=options.force,
                options=campaign.Options(
                    options.jobs, asked.cell_timeout, asked.run_timeout, options.cold, _dispatch(options, asked)
                ),
                report=progress,
                before=lambda: asked.write(folder),
            )
    except Interrupted as stop:
        raise Interrupted(f"{stop}; go on with: review batch --resume --out {folder}") from None
    skipped = sum(one.status == UNCHANGED for one in done)
    good = sum(one.good for one in done)
    say(f"{good} of {len(done)} runs are good, {skipped} of them unchanged; {_records(folder)}")
    if options.collect:
        target = folder / f"collected-{Path(options.collect).stem}{'.parquet' if options.parquet else '.csv'}"
        collect.write(collect.gather(done, options.collect), target)
        say(f"collected: {target}")
    return campaign.table(done), good == len(done)


def status(options: argparse.Namespace) -> pd.DataFrame:
    """Say of every run in the folders what would run again, and why; columns as those of a batch, after the folder.

    Raises
    ------
    ReviewError
        If a folder holds no batch, or its notebook can no longer be read.
    """
    import pandas as pd

    from review import paths
    from review.batch import asked
    from review.errors import OptionError

    folders = options.folders or sorted(path.parent for path in (paths.RUNS / "batch").glob(f"*/{asked.NAME}"))
    if not folders:
        raise OptionError(f"there is no batch in {paths.RUNS / 'batch'} -> name a folder")
    tables = []
    for folder in folders:
        table = _planned(paths.real(folder), asked.read(folder))
        table.insert(0, "batch", folder.name)
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True)
    stale = whole["status"] == "to run"
    say(f"{int(stale.sum())} of {len(whole)} runs would run")
    return whole if options.all else whole[stale].reset_index(drop=True)


def main(options: argparse.Namespace) -> int:
    """Run a batch and print what became of its runs; 1 if one of them failed."""
    table, good = run(options)
    print_table(table, options.format)
    return 0 if good else 1


def main_status(options: argparse.Namespace) -> int:
    """Print which runs are stale."""
    print_table(status(options), options.format)
    return 0


def _asked(options: argparse.Namespace) -> tuple[Path, Asked]:
    """Return the folder and what is to be done in it.

    Raises
    ------
    ReviewError
        If the options do not fit together, or something named in them cannot be used.
    """
    from review import paths
    from review.batch import asked, grid
    from review.errors import OptionError
    from review.files import check_name

    if options.jobs < 1:
        raise OptionError(f"--jobs is {options.jobs} -> give 1 or more")
    for name, value in (("--cell-timeout", options.cell_timeout), ("--run-timeout", options.run_timeout)):
        if value is not None and not value > 0:
            raise OptionError(f"{name} is {value} -> give a number of seconds above 0")
    if options.notebook is None and not (options.resume and options.out):
        raise OptionError("no notebook is named -> name one, or go on with an earlier batch: --resume --out DIR")
    folder: Path = paths.real(options.out or paths.RUNS / "batch" / options.notebook.stem)
    check_name(folder)
    if options.resume:
        if options.parameter or options.grid or options.input:
            raise OptionError("--resume takes parameters from the earlier batch -> leave out -p, -f and --input")
        return folder, asked.read(folder)
    known = grid.declared(options.notebook)
    fixed = grid.of_pairs(options.parameter, known)
    sets = grid.read(options.grid, known, fixed) if options.grid else (fixed,)
    inputs = tuple(options.input)
    return folder, asked.Asked(options.notebook, tuple(sets), inputs, options.cell_timeout, options.run_timeout)


def _planned(folder: Path, asked: Asked, force: bool = False) -> pd.DataFrame:
    from review.batch import campaign, manifest
    from review.batch.campaign import UNCHANGED, Done

    last = {event.run: event for event in manifest.read(folder / manifest.NAME)}
    planned = campaign.plan(asked.notebook, asked.sets, folder, last, inputs=asked.inputs, force=force)
    return campaign.table([Done(one, "to run" if one.reasons else UNCHANGED) for one in planned])


def _dispatch(options: argparse.Namespace, asked: Asked) -> Any:
    """Return what runs the jobs on a cluster; None where they run here."""
    if not options.scheduler:
        return None

    from review.batch import cluster

    def run_each(jobs: Any, started: Any, ended: Any) -> None:
        cluster.run_each(jobs, options.scheduler, started, ended, inputs=asked.inputs, shared=options.shared, announce=say)

    return run_each


def _records(folder: Path) -> str:
    """Write the manifest as RO-Crate if that tells of another one, and say where both are."""
    from review.batch import crate, manifest

    crate.refresh(folder)
    return f"manifest: {folder / manifest.NAME}, RO-Crate: {folder / crate.NAME}"
