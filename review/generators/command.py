"""``review generate``: one cell's demonstration from the command line."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from review import generators, paths
from review.errors import OptionError, is_text
from review.files import check_file
from review.generators import dataset
from review.printing import say

if TYPE_CHECKING:
    import pandas as pd

NO_CACHE = "none"


def run(options: argparse.Namespace) -> pd.DataFrame | None:
    """Generate and write records; return what became of them.

    Parameters
    ----------
    options : Namespace
        As :mod:`review.cli` reads them.

    Returns
    -------
    DataFrame or None
        ``outcome, count, total, share, low, high, meaning``; or ``option, default`` where only these are asked for.

    Raises
    ------
    ReviewError
        As :func:`review.generators.generate` does, or if an option is not written as ``NAME=VALUE``.
    InputError, OSError
        Before anything is generated, if the files could not be written.
    """
    import pandas as pd

    cell = (options.modality, options.method)
    known = generators.options_of(*cell)
    if options.list_options:
        return pd.DataFrame([(name, str(value)) for name, value in known.items()], columns=["option", "default"])
    given = dict(_pair(text) for text in options.option)
    if options.model is not None:
        given["model"] = options.model
    if "cache" in known and "cache" not in given:
        given["cache"] = "" if options.cache == NO_CACHE else options.cache or str(paths.CACHE)
    target = options.out or paths.RUNS / "generated" / f"{'-'.join(cell)}.jsonl"
    check_file(target)
    check_file(dataset.beside(target))
    made = generators.generate(*cell, options.number, options.seed, progress=Progress(), **given)
    records, beside = made.write(target)
    say(f"{len(made.accepted)} of {len(made.records)} records accepted; model: {made.model['model']}")
    say(f"records: {records}", f"provenance: {beside}")
    return made.outcomes()[["outcome", "count", "total", "share", "low", "high", "meaning"]]


class Progress:
    """Prints a stage to stderr when it starts, at each tenth of it and when it ends."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of what is done."""
        now = (stage, 10 * done // max(total, 1))
        if now != self._last:
            self._last = now
            print(f"{stage}: {done}/{total}", file=sys.stderr, flush=True)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name or not is_text(text):
        raise OptionError(f"{text!r} is no option -> write NAME=VALUE")
    return name, value
