"""Throw damaged input at one reader for long: python tests/fuzzing TARGET -n 100000 --seed 1 --out /tmp/findings.

Prints one line of JSON at the end; every sort of finding is stored as its input and its traceback. Ends with 1 if there was one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])


MEMORY = Path("/dev/shm")
"""Where files are not written to a disk, which takes longer than to read them."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/fuzzing", description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="+", help="name of a reader; all: each of them; list: print their names")
    parser.add_argument("-n", "--number", type=int, default=100_000, help="inputs (default: 100000)")
    parser.add_argument("--minutes", type=float, help="of the processor, if that is sooner")
    parser.add_argument("--seed", type=int, default=1, help="of chance (default: 1)")
    parser.add_argument("--limit", type=float, default=5.0, help="seconds that one input may take (default: 5)")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "findings", help="where findings are stored")
    parser.add_argument("--engine", choices=("own", "atheris"), default="own", help="atheris: changes guided by its coverage")
    options = parser.parse_args()
    if options.engine == "atheris":
        from fuzzing import guided

        return guided.run(options)
    from fuzzing import targets

    known = targets()
    if options.target == ["list"]:
        print("\n".join(known))
        return 0
    names = list(known) if options.target == ["all"] else options.target
    bad = 0
    for name in names:
        if name not in known:
            parser.error(f"there is no target {name!r}: use some of {', '.join(known)}")
    for name in names:
        bad |= one(known[name], options)
    return bad


def one(target, options: argparse.Namespace) -> int:
    from fuzzing.harness import Run

    with tempfile.TemporaryDirectory(prefix="fuzzing-", dir=MEMORY if MEMORY.is_dir() else None) as scratch:
        run = Run(target, Path(scratch), limit=options.limit)
        run.go(options.number, options.seed, None if options.minutes is None else 60 * options.minutes)
    run.store(options.out)
    print(json.dumps(run.summary() | {"seed": options.seed}), flush=True)
    for sort, count in run.sorts.most_common():
        print(f"  {count} x {sort}", file=sys.stderr, flush=True)
    return int(bool(run.findings))


if __name__ == "__main__":
    sys.exit(main())
