"""Inputs that atheris makes: changes by libFuzzer and by this package, guided by what the project's code reached.

Atheris is no requirement of the project: it is installed with ``pip install atheris``, and used with ``--engine atheris``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from pathlib import Path

from fuzzing.limits import limited
from fuzzing.mutate import mutate


def run(options: argparse.Namespace) -> int:
    """Run one target; the process ends in here, as libFuzzer does not return."""
    try:
        import atheris
    except ModuleNotFoundError:
        sys.exit("atheris is not installed -> pip install atheris, or leave out --engine")
    with atheris.instrument_imports(include=["review"], enable_loader_override=False):
        from fuzzing import targets

        known = targets()
    from fuzzing.harness import Run

    (name,) = options.target
    target = known[name]
    folder = Path(tempfile.mkdtemp(prefix="fuzzing-"))
    tried = Run(target, folder / "work", limit=options.limit)
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, data in enumerate(target.seeds()):
        (seeds / str(number)).write_bytes(data)

    def change(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            return bytes(atheris.Mutate(data, most))
        return mutate(data, rng, (), target.dictionary)[:most]

    def one(data: bytes) -> None:
        tried.one(data)
        if tried.inputs >= options.number:
            tried.store(options.out)
            print(json.dumps(tried.summary() | {"seed": options.seed, "engine": "atheris"}), flush=True)
            os._exit(int(bool(tried.findings)))

    with limited(folder / "work"):
        flags = ["-max_len=20000", f"-seed={options.seed}", "-timeout=0", "-rss_limit_mb=0", "-verbosity=0"]
        atheris.Setup(["fuzzing", *flags, str(seeds)], one, custom_mutator=change)
        atheris.Fuzz()
    return 0
