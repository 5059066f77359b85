"""A whole corpus: any of its files damaged, and what is asked of it if it is accepted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from fuzzing.harness import Outcome, Target, kept, refused, same
from fuzzing.seeds import INVALID, MARK, TINY, whole_words
from review import corpus, prisma, writing
from review.errors import ReviewError

NAMES = corpus.FILES


def joined(folder: Path, other: tuple[str, Path] | None = None) -> bytes:
    """Return the files of a corpus as one input, one of them from elsewhere if wished."""
    parts = []
    for name in NAMES:
        path = other[1] if other and other[0] == name else folder / name
        if path.is_file():
            parts.append(f"{MARK}{name}\n".encode() + path.read_bytes())
    return b"".join(parts)


def parted(data: bytes) -> dict[str, bytes]:
    """Return the files that an input holds."""
    found: dict[str, bytes] = {}
    for part in data.split(MARK.encode())[1:]:
        name, _, content = part.partition(b"\n")
        if name.decode("utf-8", "replace") in NAMES:
            found[name.decode()] = content
    return found


def whole_seeds() -> list[bytes]:
    return [joined(TINY), *(joined(TINY, (path.name, path)) for name in NAMES for path in sorted(INVALID.glob(f"*/{name}"))[::9])]


def attack_whole(data: bytes, folder: Path) -> Outcome:
    place = folder / "corpus"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name, content in parted(data).items():
        (place / name).write_bytes(content)
    try:
        loaded = corpus.load(place)
    except ReviewError as error:
        return refused(error, *NAMES)
    same(corpus.load(place).hash, loaded.hash, "hash of the same files")
    used(loaded)
    _written(loaded, place)
    return kept(f"{len(loaded.references)} studies, {len(loaded.coding)} codes")


def used(loaded: corpus.Corpus) -> None:
    """Ask for what notebooks show first; a corpus that was accepted has to answer, or say why it cannot."""
    from review import report, statistics, summaries

    def attempt(ask: Callable[[], object]) -> None:
        try:
            ask()
        except ReviewError as error:
            refused(error)

    studies = loaded.studies("all")
    same(studies["key"].tolist(), [item.key for item in loaded.references], "studies of the table")
    for name in list(loaded.selections)[:5]:
        same(len(loaded.studies(name)), len(loaded.selections[name]), f"studies of {name}")
        loaded.basis(name)
        table = prisma.compute_flow(loaded, name)
        attempt(partial(prisma.reconcile, table))
        report.caution(loaded, name)
    attempt(partial(loaded.version, "default"))
    attempt(partial(statistics.reproduce, loaded))
    attempt(partial(summaries.compute_coverage, loaded, "all"))
    for name in loaded.codebook.dimensions:
        attempt(partial(statistics.compute_shares, loaded, name, "all"))
    report.coders(loaded)


def _written(loaded: corpus.Corpus, place: Path) -> None:
    """Write all of it through a change: nothing may be different when it is read again."""
    tables = {"coding": loaded.coding, "screening": loaded.screening, "selection": loaded.selection_table, "flow": loaded.flow}
    given = {name: table for name, table in tables.items() if not table.empty}
    again = writing.change(loaded, references=loaded.references, **given).apply()
    same(
        [(item.key, dict(item.fields)) for item in again.references],
        [(item.key, dict(item.fields)) for item in loaded.references],
        "references",
    )
    for name, table in tables.items():
        now = {"coding": again.coding, "screening": again.screening, "selection": again.selection_table, "flow": again.flow}[name]
        same(now.to_numpy().tolist(), table.to_numpy().tolist(), f"{name} written and read again")


TARGETS = (Target("corpus", whole_seeds, attack_whole, whole_words()),)
