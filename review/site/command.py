"""The command ``review site``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from review import paths
from review.errors import OptionError, RunError
from review.printing import print_path, say

if TYPE_CHECKING:
    from review.corpus import Corpus

KINDS = ("pdf", "png", "json")
GUIDES = paths.ROOT / "docs"
"""Markdown files that become pages."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument(
        "--from",
        dest="run_folder",
        type=Path,
        metavar="RUN_DIR",
        help="folder of executed notebooks (default: the run of review reproduce; it is made if need be, without demonstrations)",
    )
    command.add_argument("--out", type=Path, metavar="DIR", help="where to, in place of an older site (default: runs/site)")
    command.add_argument(
        "--downloads", default=",".join(KINDS), metavar="F,F", help="files beside each SVG: pdf, png, json; none (default: all)"
    )
    command.add_argument(
        "--limit",
        type=_megabytes,
        default=15,
        metavar="MB",
        help="size of the site; PNG, then PDF are left out (default: 15; 0: none)",
    )
    command.add_argument("--force", action="store_true", help="replace a folder that holds something else")


def _megabytes(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("not 0 or more")
    return number


def run(options: argparse.Namespace) -> int:
    """Build the site; say where it is."""
    from review import corpus
    from review.site import build

    loaded = corpus.load(options.corpus)
    folder = options.out or paths.RUNS / "site"
    kinds = downloads(options.downloads)
    build.check_target(folder, force=options.force)
    source = options.run_folder or executed(loaded, options.corpus)
    built = build.build(
        loaded,
        source,
        folder,
        guides=GUIDES,
        kinds=kinds,
        limit=options.limit * 1_000_000,
        force=options.force,
    )
    counts = ", ".join(f"{name} {number}" for name, number in built.manifest["counts"].items())
    say(f"made from {source}: {counts}; {built.bytes / 1e6:.1f} MB")
    if built.manifest["left_out"]:
        say(f"left out to stay below {options.limit} MB: {', '.join(built.manifest['left_out'])}")
    if 0 < options.limit * 1_000_000 < built.bytes:
        say(f"it is still larger than {options.limit} MB")
    print_path(folder / "index.html")
    return 0


def downloads(text: str) -> tuple[str, ...]:
    """Return the kinds of files that are named in an option.

    Raises
    ------
    OptionError
        If there is no such kind.
    """
    names = [] if text == "none" else [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise OptionError(f"no kind of file named {unknown[0]!r} -> choose of: {', '.join(KINDS)}, or none")
    return tuple(names)


def executed(corpus: Corpus, corpus_dir: str) -> Path:
    """Return the run of ``review reproduce`` on a corpus with default parameters; run it if there is none.

    Raises
    ------
    RunError
        If a notebook failed.
    """
    from review import reproduce
    from review.site.source import latest

    folder = latest(corpus)
    if (folder / reproduce.SUMMARY).is_file():
        say(f"taking the run in {folder}; review reproduce brings it up to date")
        return folder
    result = reproduce.reproduce(corpus_dir=corpus_dir, demonstrations=reproduce.NONE, folder=folder, progress=sys.stderr)
    say(*reproduce.summary_lines(result))
    if not result.good:
        raise RunError("not every notebook ran -> see above; name a folder with --from to make a site of what there is")
    return result.folder
