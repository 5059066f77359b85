"""Run commands one after another in this process, as a person would: ``python many_commands.py STEPS.json``."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from pathlib import Path

SMALL = 2
"""Records on a page of the services that stand in."""


def prepared() -> None:
    """Ask for small pages, without pauses, and let all libraries log all they can."""
    from review.living import openalex, pubmed
    from review.living.courier import Clock

    for module in (pubmed, openalex):
        module.PORTION = SMALL  # type: ignore[attr-defined]
    Clock.__init__ = lambda self: self.__dict__.update(now=time.monotonic, sleep=lambda _: None)  # type: ignore[method-assign]
    logging.basicConfig(level=logging.DEBUG, filename="everything.log")


def main(steps: Path) -> None:
    """Run every step; say how it ended."""
    from review import cli

    prepared()
    for name, environment, arguments in json.loads(steps.read_text("utf-8")):
        os.environ.update(environment)
        try:
            status = str(cli.main(arguments))
        except Exception:  # what --debug lets through
            status = "raised"
            traceback.print_exc()
        print(f"step {name}: {status}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
