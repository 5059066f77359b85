"""The command line: thin, with heavy imports only where a command needs them."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from review import __version__, streams
from review.commands import DELEGATED, Parser
from review.errors import InputError, ReviewError, printable, with_remedy
from review.printing import print_table, say

GOOD, BAD, USAGE = 0, 1, 2


def parser(asked: Collection[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Parameters
    ----------
    asked : collection of str, optional
        Words of a command line: of the commands in :data:`DELEGATED` only those named in it get their options, which takes
        loading their modules. By default all do.
    """
    common = Parser(add_help=False)
    common.add_argument("--corpus", default="", metavar="DIR", help="folder of a corpus (default: the project's data/)")
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    choice = Parser(add_help=False)
    choice.add_argument("--selection", metavar="NAME", help="v2, v1, pool, all or another selection of the corpus")
    choice.add_argument("--where", default="", metavar="FILTER", help='for example: year >= 2023 and modality == "text"')
    version = Parser(add_help=False)
    version.add_argument("--review-version", metavar="V", help="version of the published values: v1, v2 or news")
    output = Parser(add_help=False)
    output.add_argument("--format", choices=("table", "json", "csv"), default="table", help="how to print")

    text = "Reproduce, question and extend a scoping review from its coded corpus."
    main_parser = Parser(prog="review", description=text)
    main_parser.add_argument("--version", action="version", version=f"review {__version__}")
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str, *parents: Parser) -> Parser:
        command = commands.add_parser(name, help=text, description=text, parents=[common, *parents])
        command.set_defaults(run=run)
        return command

    add("validate", _validate, "check a corpus; print every problem with file, line, key and remedy")
    command = add("statistics", _statistics, "count every category with intervals and status", choice, version, output)
    command.add_argument("--dimension", action="append", metavar="D", help="only this dimension (may be repeated)")
    command = add("select", _select, "choose the studies that meet every published count", version)
    command.add_argument("--write", action="store_true", help="write selection.csv of the corpus, for every version")
    command = add("agreement", _agreement, "agreement of two coders with bootstrap intervals", choice, output)
    command.add_argument("--coders", nargs=2, default=("a", "b"), metavar=("FIRST", "SECOND"))
    command.add_argument("--seed", type=_natural, default=0)
    command.add_argument("--resamples", type=_natural, default=2000)
    command.add_argument("--unknown", choices=("category", "missing"), default="category", help="how unknown codes count")
    command = add("bounds", _bounds, "exact range of every count over all reconstructions", output)
    command.add_argument("--dimension", action="append", metavar="D", help="only this dimension, or year (may be repeated)")
    command.add_argument("--scenario", default="default", metavar="S", help="for example v2, v1+free, v2+unverified+unidentified")
    command = add("reading-list", _reading_list, "the studies whose full text would settle most", output)
    command.add_argument("-n", "--number", type=_positive, default=20, metavar="N")
    command.add_argument("--scenario", default="default", metavar="S", help="as for bounds")
    add("prisma", _prisma, "the screening flow from identification to inclusion", choice, output)
    _figures_arguments(add("figures", _figures, "draw the figures again in other formats or at another width"))
    _generate_arguments(add("generate", _generate, "generate records with the demonstration of one cell of the review", output))
    shared = {"choice": choice, "output": output}
    for name, given in DELEGATED.items():
        command = add(name, _delegate, given.text, *(shared[parent] for parent in given.parents))
        if asked is None or name in asked:
            getattr(importlib.import_module(given.module), given.arguments)(command)
    _reproduce_arguments(
        add("reproduce", _reproduce, "run every notebook; write tables, figures and the report", choice, version)
    )
    command = add("lab", _lab, "open JupyterLab on notebook 00")
    command.add_argument("rest", nargs=argparse.REMAINDER, help="options for JupyterLab, after --")
    return main_parser


def _figures_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", default="svg,pdf,png", metavar="F,F", help="svg, pdf and png, with commas between")
    command.add_argument("--width", choices=("single", "double"), default="double", help="84 or 174 mm")
    command.add_argument("--publication", action="store_true", help="both widths, all formats of journals, words, contact sheet")
    command.add_argument("--only", action="append", default=[], metavar="NAME", help="only this figure (may be repeated)")
    command.add_argument("--from", dest="source", type=Path, metavar="DIR", help="folder of figures (default: the project's)")
    command.add_argument("--out", type=Path, metavar="DIR", help="where to (default: runs/figures or runs/publication)")


def _generate_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--modality", required=True, metavar="M", help="text, tabular or multimodal")
    command.add_argument("--method", required=True, metavar="X", help="prompting, fine-tuning or specialized")
    command.add_argument("-n", "--number", type=_positive, metavar="N", help="records to ask for (default: the cell's own size)")
    command.add_argument("--seed", type=_natural, default=0)
    command.add_argument("--out", type=Path, metavar="FILE", help="JSON lines (default: runs/generated/)")
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of the cell (may be repeated)")
    command.add_argument("--list-options", action="store_true", help="print the options of the cell, and stop")
    command.add_argument("--model", metavar="NAME", help="embedded (default), endpoint, or the path of a .gguf file")
    command.add_argument("--cache", metavar="DIR", help="answers of the language model (default: runs/cache; none: keep none)")


def _reproduce_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--jobs", type=_positive, default=2, metavar="N", help="notebooks at a time (default: 2)")
    command.add_argument("--seed", type=_natural, default=20260219)
    demonstrations = "the notebooks that run generators: at their sizes, at small sizes, or not (default: full)"
    command.add_argument("--demonstrations", choices=("full", "quick", "none"), default="full", help=demonstrations)
    command.add_argument("--out", type=Path, metavar="DIR", help="where to (default: runs/<selection>-<version>-<hash>)")
    command.add_argument("--force", action="store_true", help="also run what did not change")


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("not 0 or more")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("not 1 or more")
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return 0 (good), 1 (bad input or failed run) or 2 (wrong usage)."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if argv is None:
        streams.prepare()
    try:
        options = parser(arguments).parse_args(arguments)
    except SystemExit as stop:
        status = int(stop.code or 0) if isinstance(stop.code, int | None) else USAGE
        return status if _printed() else BAD
    try:
        _recover(options)
        run: Callable[[argparse.Namespace], int] = options.run
        status = run(options)
        sys.stdout.flush()
        return status
    except (ReviewError, OSError, MemoryError) as error:
        if options.debug:
            raise
        _printed()
        said = str(error) if isinstance(error, ReviewError) else with_remedy(error)
        say(*f"review {options.command}: {said}".split("\n"))
        return BAD
    except KeyboardInterrupt as stop:
        say(f"review {options.command}: interrupted{f': {stop}' if str(stop) else ''}")
        return BAD


def _recover(options: argparse.Namespace) -> None:
    """Finish or undo a change of the corpus that was cut off, if this command is going to change or check it."""
    if not (options.command == "validate" or getattr(options, "apply", False) or getattr(options, "write", False)):
        return
    from review import paths, writing

    folder = Path(options.corpus or paths.DATA)
    if writing.recover(folder):
        say(f"{folder}: finished a change that was cut off")


def _printed() -> bool:
    """Print what was not printed yet; give it up if that cannot be, which the interpreter would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, sys.stdout.fileno())
        os.close(handle)
        return False
    return True


def _validate(options: argparse.Namespace) -> int:
    from review import corpus

    loaded = corpus.load(options.corpus)
    sizes = ", ".join(f"{name} {len(keys)}" for name, keys in loaded.selections.items())
    told = f"{loaded.directory}: good; studies by selection: {sizes}; {len(loaded.coding)} codes; hash {loaded.hash[:12]}"
    print(printable(told))
    return GOOD


def _statistics(options: argparse.Namespace) -> int:
    import pandas as pd

    from review import corpus, report, statistics

    loaded = corpus.load(options.corpus)
    version = loaded.version(options.review_version or corpus.DEFAULT)
    selection = options.selection or (version if options.review_version in loaded.selections else corpus.DEFAULT)
    names = options.dimension or list(loaded.codebook.dimensions)
    tables = [statistics.compute_shares(loaded, name, selection, options.where, version) for name in names]
    columns = ["dimension", "category", "count", "total", "share", "low", "high", "unknown", "status"]
    say(f"selection {loaded.resolve(selection)}: {report.caution(loaded, selection)}")
    print_table(pd.concat(tables, ignore_index=True)[columns], options.format)
    return GOOD


def _select(options: argparse.Namespace) -> int:
    from review import corpus, paths, selection
    from review.files import check_file, write_text

    loaded = corpus.load(options.corpus)
    calibrated = [name for name in loaded.selections if loaded.basis(name) == "calibrated"]
    if options.write:
        listed = [name for name in loaded.selections if loaded.basis(name) == "listed"]
        if listed:
            message = f"it holds the listed selection {listed[0]!r}"
            raise InputError.one(loaded.directory / paths.SELECTION, message, "keep it, or remove it by hand")
        check_file(loaded.directory / paths.SELECTION)
        names = calibrated or list(dict.fromkeys(loaded.published["version"]))
        chosen = {name: selection.calibrate(loaded, name) for name in names}
        write_text(loaded.directory / paths.SELECTION, selection.to_csv(chosen))
        say(f"{loaded.directory / paths.SELECTION}: {', '.join(names)}")
        return GOOD
    version = loaded.version(options.review_version or corpus.DEFAULT)
    print("\n".join(selection.calibrate(loaded, version)))
    return GOOD


def _agreement(options: argparse.Namespace) -> int:
    from review import agreement, corpus, report

    loaded = corpus.load(options.corpus)
    table = agreement.compute_agreement(
        loaded,
        coders=tuple(options.coders),
        selection=options.selection or corpus.ALL,
        where=options.where,
        seed=options.seed,
        resamples=options.resamples,
        unknown=options.unknown,
    )
    say(report.coders(loaded))
    print_table(table, options.format)
    return GOOD


def _bounds(options: argparse.Namespace) -> int:
    from review import corpus, scenarios, sensitivity

    loaded = corpus.load(options.corpus)
    table = sensitivity.compute_bounds(loaded, options.dimension, options.scenario)
    say(f"over all reconstructions: {scenarios.describe(scenarios.parse(loaded, options.scenario))}")
    print_table(table[["dimension", "category", "min", "max", "chosen", "scenario"]], options.format)
    return GOOD


def _reading_list(options: argparse.Namespace) -> int:
    from review import corpus, recoding

    loaded = corpus.load(options.corpus)
    print_table(recoding.compute_reading_list(loaded, options.number, options.scenario), options.format)
    return GOOD


def _prisma(options: argparse.Namespace) -> int:
    from review import corpus, prisma

    loaded = corpus.load(options.corpus)
    table = prisma.compute_flow(loaded, options.selection or corpus.DEFAULT)
    table["label"] = table["label"].str.replace("\n", "; ")
    print_table(table, options.format)
    return GOOD


def _figures(options: argparse.Namespace) -> int:
    from review import gallery, paths

    source = options.source or paths.FIGURES
    if options.publication:
        from review import publication

        made = publication.write(source, options.out or paths.RUNS / "publication", options.only)
        publication.lines(made, say)
        return GOOD
    formats = tuple(name.strip() for name in options.format.split(",") if name.strip())
    folder = options.out or paths.RUNS / "figures"
    for line in gallery.redraw(source, folder, formats, options.width, options.only):
        say(line)
    return GOOD


def _generate(options: argparse.Namespace) -> int:
    from review.generators import command

    table = command.run(options)
    if table is not None:
        print_table(table, options.format)
    return GOOD


def _reproduce(options: argparse.Namespace) -> int:
    from review import corpus, reproduce

    result = reproduce.reproduce(
        corpus_dir=options.corpus,
        selection=options.selection or corpus.DEFAULT,
        version=options.review_version or corpus.DEFAULT,
        where=options.where,
        seed=options.seed,
        jobs=options.jobs,
        demonstrations=options.demonstrations,
        folder=options.out,
        force=options.force,
        progress=sys.stderr,
    )
    say(*reproduce.summary_lines(result))
    say(result.caution)
    return GOOD if result.good else BAD


def _delegate(options: argparse.Namespace) -> int:
    given = DELEGATED[options.command]
    return int(getattr(importlib.import_module(given.module), given.run)(options))


def _lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on the first notebook, with all folders of the project beside it.

    The settings in ``jupyter/`` only change defaults: no question about news, no search for newer versions.
    """
    import subprocess

    from review import paths

    if options.corpus:
        raise ReviewError(f"lab opens the notebooks as they are -> write into their parameters: corpus_dir = {options.corpus!r}")
    rest = [item for item in options.rest if item != "--"]
    start = (paths.NOTEBOOKS / "00-start.ipynb").relative_to(paths.ROOT).as_posix()
    places = [f"--ServerApp.root_dir={paths.ROOT}", f"--LabApp.default_url=/lab/tree/{start}"]
    command = [sys.executable, "-m", "jupyterlab", *places, *rest]
    settings = [str(Path(__file__).parent / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, settings))}
    status = subprocess.call(command, cwd=paths.ROOT, env=environment)  # noqa: S603 (the user's own options)
    return GOOD if status == 0 else BAD


if __name__ == "__main__":
    sys.exit(main())
