"""Build a whole site in memory, then put it where it belongs: all of it or nothing."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import paths, strict_json
from review.drafts import SUFFIX
from review.errors import InputError, ReviewError, RunError, naming
from review.files import check_folder, mode_of, to_json
from review.site.pages import Site
from review.site.pictures import KINDS
from review.system import exchange, held

if TYPE_CHECKING:
    from review.corpus import Corpus

MANIFEST = "site.json"
OLD = "old"
FORMAT = "synthetic-data-review/site/1"
LIMIT = 15_000_000
"""Bytes of a site, unless told otherwise."""

LEAVES = ("png", "pdf", "json")
"""Kinds of files that go first when a site is too large: the vector drawing stays."""


@dataclass(frozen=True)
class Built:
    """A site that was written: its folder and what its manifest says."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return int(self.manifest["bytes"])


def build(
    corpus: Corpus,
    run: Path,
    folder: Path,
    *,
    guides: Path | None = None,
    kinds: Iterable[str] = KINDS,
    limit: int = LIMIT,
    force: bool = False,
) -> Built:
    """Write a site from executed notebooks. The same run and corpus give the same bytes.

    Parameters
    ----------
    corpus : Corpus
        The studies.
    run : Path
        Folder of executed notebooks, as ``review reproduce`` leaves it.
    folder : Path
        Where the site goes; a site that is there is replaced as a whole.
    guides : Path, optional
        Folder of Markdown files that become pages.
    kinds : iterable of str
        Files to offer beside figures, of :data:`review.site.pictures.KINDS`; the SVG is always there.
    limit : int
        Bytes; files of a larger site are left out, those of one kind of :data:`LEAVES` after the other. 0: no limit.
    force : bool
        Whether a folder that holds something else may be replaced.

    Raises
    ------
    InputError
        If a file of the run is broken.
    RunError
        If the run is no run of this corpus, or the folder holds something else.
    """
    check_target(folder, [run, corpus.directory, Path.cwd()], force=force)
    offered, left_out = list(kinds), list[str]()
    while True:
        site = Site.read(corpus, run, guides, tuple(offered))
        files = dict(site.files())
        total = sum(len(content) for content in files.values())
        gone = surplus(total - limit, site.downloads.values(), offered) if limit else []
        if not gone:
            break
        offered = [kind for kind in offered if kind not in gone]
        left_out += gone
    manifest = {
        "format": FORMAT,
        "corpus": corpus.hash,
        "selection": site.run.selection,
        "version": site.run.version,
        "where": site.run.where,
        "counts": site.counts(),
        "left_out": left_out,
        "bytes": total,
        "files": {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)},
    }
    files[MANIFEST] = to_json(manifest).encode()
    replace(folder, files)
    return Built(folder, manifest)


def surplus(excess: int, downloads: Iterable[Mapping[str, bytes]], offered: Sequence[str]) -> list[str]:
    """Return the kinds of files to leave out of a site: as many of :data:`LEAVES`, in their order, as make up for an excess.

    What pages lose with a kind, its links, is not counted.
    """
    found = list(downloads)
    gone: list[str] = []
    for kind in LEAVES:
        if excess <= 0:
            break
        if kind in offered:
            gone.append(kind)
            excess -= sum(len(files.get(kind, b"")) for files in found)
    return gone


def check_target(folder: Path, needed: Iterable[Path] = (), *, force: bool = False) -> None:
    """Refuse to replace what is no site.

    Parameters
    ----------
    folder : Path
        Where a site is to go.
    needed : iterable of Path
        What must not be in that folder: it would be lost, even with `force`.
    force : bool
        Whether a folder with other things in it may be replaced.

    Raises
    ------
    RunError
        If there is a file of that name, a folder with other things in it and not `force`, or one that holds what is needed.
    OSError
        If the folder, or the one that it is in, could not be made or written to.
    """
    for path in needed:
        if paths.real(path).is_relative_to(paths.real(folder)):
            raise RunError(f"{folder} would be replaced, and {path} is in it -> name another folder with --out")
    if folder.is_file():
        raise RunError(f"{folder} is a file -> name a folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not _is_site(folder) and not force:
        raise RunError(f"{folder} holds something that is no site -> name another folder with --out, or replace it with --force")
    check_folder(folder)
    check_folder(paths.real(folder).parent, folder)


def _is_site(folder: Path) -> bool:
    """Tell whether a folder holds a site of this package, and not just a file named like the list of its files."""
    try:
        held = strict_json.load(folder / MANIFEST, "")
    except InputError:
        return False
    return isinstance(held, dict) and held.get("format") == FORMAT


def replace(folder: Path, files: dict[str, bytes], rename: Callable[[Path, Path], None] = os.replace) -> None:
    """Write files beside a folder, then let them take its place; if that fails, what was there stays."""
    folder = paths.real(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _workplace(folder) as made:
        new = made / "new"
        for name, content in files.items():
            path = new / name
            with naming(folder / name):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        if (mode := mode_of(folder)) is not None:
            new.chmod(mode)
            if exchange(new, folder):
                return
        _move(new, folder, made / OLD, rename)


def _move(new: Path, folder: Path, old: Path, rename: Callable[[Path, Path], None]) -> None:
    """Put a folder in the place of another in two steps, where that cannot be done in one."""
    if folder.exists():
        rename(folder, old)
    try:
        rename(new, folder)
    except BaseException:
        if old.exists():
            os.replace(old, folder)
        raise


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """Make a folder beside another one to build in, and remove it afterwards.

    Those of processes that were killed are removed, and a site that one was about to replace gets its place back.
    """
    for left in sorted(folder.parent.glob(f".{glob.escape(folder.name)}.*{SUFFIX}")):
        with suppress(ReviewError, FileNotFoundError), held(left, "building"):
            if (left / OLD).exists() and not folder.exists():
                os.replace(left / OLD, folder)
            shutil.rmtree(left)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=SUFFIX))
    try:
        with held(made, "building"):
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
