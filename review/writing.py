"""Change a corpus as a whole: checked before anything is written, then written all or not at all.

The new files are first written to a folder inside the corpus (``.change``) with a list of their hashes; once the list is there
the change is decided, and whatever happens then is finished by :func:`recover`. Before that nothing of the corpus was touched.
"""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from review import bibliography, contracts, corpus, paths, strict_json
from review.errors import InputError
from review.files import digest, mode_of, rows_to_csv, to_json, write_bytes, write_text
from review.splice import spliced
from review.system import held, scratch_folder

if TYPE_CHECKING:
    import pandas as pd

    from review.bibliography import Reference
    from review.corpus import Corpus

JOURNAL = paths.DECIDED.parent.name
Rows: TypeAlias = "pd.DataFrame | Iterable[Sequence[object]]"


@dataclass(frozen=True)
class Change:
    """What would be different in a corpus.

    Attributes
    ----------
    folder : Path
        Of the corpus.
    files : mapping of str to (str, str)
        Text before and after by name of the file, only of files that differ; "" before: there is no such file yet.
    """

    folder: Path
    files: Mapping[str, tuple[str, str]]

    def __bool__(self) -> bool:
        """Tell whether anything would change."""
        return bool(self.files)

    def diff(self) -> str:
        """Return the change as a unified diff."""
        parts: list[str] = []
        for name, (before, after) in self.files.items():
            lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
            parts += difflib.unified_diff(*lines, f"a/{name}", f"b/{name}")
        return "".join(parts)

    def check(self) -> Corpus:
        """Load the corpus as it would be, from a temporary copy; nothing of it is written.

        Raises
        ------
        InputError
            With every problem of the new corpus, named by the files of the corpus.
        """
        with scratch_folder() as scratch:
            for name in corpus.FILES:
                if name in self.files:
                    write_text(scratch / name, self.files[name][1])
                elif (self.folder / name).is_file():
                    write_bytes(scratch / name, (self.folder / name).read_bytes())
            try:
                return corpus.load(scratch)
            except InputError as error:
                named = [(problem, Path(problem.file).name) for problem in error.problems]
                raise InputError([replace(problem, file=str(self.folder / name)) for problem, name in named]) from None

    def apply(self) -> Corpus:
        """Write the change, and return the corpus as it is then.

        Raises
        ------
        InputError
            If the new corpus would not be good, or files changed since they were read: nothing was written.
        ReviewError
            If another process is changing this corpus: nothing was written.
        """
        self.check()
        with held(self.folder, "changing"):
            _finish(self.folder)
            for name, (before, _) in self.files.items():
                if _text(self.folder / name) != before:
                    raise InputError.one(self.folder / name, "the file was changed meanwhile", "run the command again")
            _write(self.folder, {name: after.encode("utf-8") for name, (_, after) in self.files.items()})
        return corpus.load(self.folder)


def change(
    source: Corpus | Path | str,
    *,
    references: Iterable[Reference] | None = None,
    coding: Rows | None = None,
    screening: Rows | None = None,
    selection: Rows | None = None,
    flow: Rows | None = None,
) -> Change:
    """Return what would be different if some files of a corpus held something else; nothing is written.

    Parameters
    ----------
    source : Corpus, Path or str
        The corpus or its folder.
    references : iterable of Reference, optional
        The whole new bibliography. Entries that are as they were keep their text, order and comments.
    coding, screening, selection, flow : DataFrame or rows, optional
        The whole new table: a frame with the columns of its contract, or rows in their order. One without rows can only stand
        for a table that the corpus does not have.

    Raises
    ------
    InputError
        If a frame lacks columns of the contract, or a table of the corpus would have no rows.
    """
    folder = source.directory if isinstance(source, corpus.Corpus) else Path(source)
    after: dict[str, str] = {}
    if references is not None:
        path = folder / paths.BIBLIOGRAPHY
        wanted = list(references)
        after[paths.BIBLIOGRAPHY] = spliced(path, _text(path), wanted) if path.is_file() else bibliography.write(wanted)
    tables = {paths.CODING: coding, paths.SCREENING: screening, paths.SELECTION: selection, paths.FLOW: flow}
    for name, table in tables.items():
        if table is not None:
            after[name] = _csv(folder / name, table)
    found = {name: (_text(folder / name), text) for name, text in after.items()}
    return Change(folder, {name: pair for name, pair in found.items() if pair[0] != pair[1]})


def _csv(path: Path, table: Rows) -> str:
    """Return a table as text; "" if it has no rows."""
    import pandas as pd

    columns = list(contracts.contract(path.name))
    if isinstance(table, pd.DataFrame):
        lost = [column for column in columns if column not in table.columns]
        if lost:
            raise InputError.one(path, f"the new table lacks the column {lost[0]!r}", f"give: {', '.join(columns)}")
        rows: list[Sequence[object]] = list(table[columns].itertuples(index=False, name=None))
    else:
        rows = [tuple(row) for row in table]
    if not rows and path.is_file():
        raise InputError.one(path, "the new table has no rows", "keep at least one, or remove the file by hand")
    return rows_to_csv(columns, rows) if rows else ""


def recover(folder: Path | str) -> bool:
    """Finish a change whose process ended before it was whole, or clear away one that was not decided.

    Returns
    -------
    bool
        Whether files of the corpus were written.

    Raises
    ------
    ReviewError
        If another process is changing this corpus.
    """
    place = Path(folder)
    if not (place / JOURNAL).exists():
        return False
    with held(place, "changing"):
        return _finish(place)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    journal = folder / JOURNAL
    journal.mkdir(mode=0o700, exist_ok=True)  # files that are closed to others get their modes when they take their places
    for name, data in files.items():
        write_bytes(journal / name, data, durable=True)
    decided = to_json({name: digest(data) for name, data in files.items()}).encode("utf-8")
    write_bytes(folder / paths.DECIDED, decided, durable=True)
    _finish(folder)


def _finish(folder: Path) -> bool:
    """Move what a decided change holds to its place; the list goes last."""
    journal = folder / JOURNAL
    decided = folder / paths.DECIDED
    if not decided.is_file():
        shutil.rmtree(journal, ignore_errors=True)
        return False
    for name, wanted in _decided(decided).items():
        new = journal / name
        if new.is_file():
            if digest(new.read_bytes()) != wanted:
                raise InputError.one(new, "the file of an unfinished change is damaged", f"look at it, then remove {journal}")
            if (mode := mode_of(folder / name)) is not None:
                os.chmod(new, mode)
            os.replace(new, folder / name)
        elif not (folder / name).is_file() or digest((folder / name).read_bytes()) != wanted:
            raise InputError.one(
                folder / name, "the file is not what an unfinished change left", f"look at it, then remove {journal}"
            )
    decided.unlink()
    shutil.rmtree(journal, ignore_errors=True)
    return True


def _decided(path: Path) -> dict[str, str]:
    """Return the files of a decided change with the SHA-256 of each."""
    remedy = f"look at the files in {path.parent}, move those that are wanted to their places, then remove it"
    held = strict_json.load(path, remedy, controls=False)
    if not isinstance(held, dict) or not set(held) <= set(corpus.FILES) or not all(isinstance(one, str) for one in held.values()):
        raise InputError.one(path, "it is no list of files of a corpus", remedy)
    return held


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8") if path.is_file() else ""
