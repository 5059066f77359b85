"""BibTeX and tables in one folder -> a checked, immutable :class:`Corpus`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from review import bibliography, checks, codebook, contracts, paths
from review.errors import InputError, Problem, UnknownNameError
from review.files import digest_files
from review.system import unswept

if TYPE_CHECKING:
    import pandas as pd

    from review.codebook import Codebook, Dimension

T = TypeVar("T")
POOL = "pool"
ALL = "all"
DEFAULT = "default"
TABLES = (paths.CODING, paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW)
FILES = (paths.BIBLIOGRAPHY, paths.CODEBOOK, *TABLES)
"""What a corpus is read from."""


@dataclass(frozen=True)
class Corpus:
    """The studies of one review with their codes, checked as a whole.

    Every table is returned as a copy, so nothing that a caller does changes the corpus.

    Attributes
    ----------
    directory : Path
        Where it was read from.
    codebook : Codebook
        Dimensions and vocabularies.
    hash : str
        SHA-256 of the names and bytes of the files that were read; equal hash, equal corpus (``==`` compares it alone).
    references : tuple of Reference
        The bibliography, in the order of the file.
    """

    directory: Path = field(compare=False)
    codebook: Codebook = field(compare=False)
    hash: str
    references: tuple[bibliography.Reference, ...] = field(compare=False)
    _tables: Mapping[str, pd.DataFrame] = field(compare=False, repr=False)

    def _table(self, name: str) -> pd.DataFrame:
        return self._tables[name].drop(columns=contracts.LINE)

    @property
    def coding(self) -> pd.DataFrame:
        """``coding.csv``: one row a study, dimension, coder and code."""
        return self._table(paths.CODING)

    @property
    def coders(self) -> tuple[str, ...]:
        """Who coded studies for themselves: coders ``a`` and ``b`` first, then others by name."""
        found = set(self._tables[paths.CODING]["coder"]) - set(contracts.NOT_THEIR_OWN)
        known = [name for name in contracts.CODERS if name in found]
        return (*known, *sorted(found - set(known)))

    @property
    def screening(self) -> pd.DataFrame:
        """``screening.csv``: one row a record; no rows if the corpus has none."""
        return self._table(paths.SCREENING)

    @property
    def selection_table(self) -> pd.DataFrame:
        """``selection.csv``: one row a study of a selection, with how the selection came about."""
        return self._table(paths.SELECTION)

    @property
    def published(self) -> pd.DataFrame:
        """``published.csv`` with ``share`` (percent) and ``total`` as text, as printed."""
        return self._table(paths.PUBLISHED)

    @property
    def flow(self) -> pd.DataFrame:
        """``flow.csv``: queries, records found and duplicates removed."""
        return self._table(paths.FLOW)

    @cached_property
    def _implied(self) -> pd.DataFrame:
        from review.published import implied_counts

        return implied_counts(self.published, self.codebook)

    @property
    def implied(self) -> pd.DataFrame:
        """The counts behind the published shares, as from :func:`review.published.implied_counts`."""
        return self._implied.copy()

    @cached_property
    def selections(self) -> Mapping[str, tuple[str, ...]]:
        """Keys of each selection by name; ``pool`` and ``all`` are always there.

        ``pool`` holds the studies whose identity, eligibility and main codes were verified (all
        studies where the corpus has no screening table), ``all`` every study of the bibliography.
        """
        keys = [reference.key for reference in self.references]
        screening = self._tables[paths.SCREENING]
        verified = set(screening.loc[screening["decision"] == "verified", "key"])
        found = {ALL: tuple(keys), POOL: tuple(key for key in keys if key in verified or screening.empty)}
        table = self._tables[paths.SELECTION]
        chosen: dict[str, set[str]] = {}
        for name, key in zip(table["selection"], table["key"], strict=True):
            chosen.setdefault(name, set()).add(key)
        found |= {name: tuple(key for key in keys if key in those) for name, those in chosen.items()}
        return MappingProxyType(found)

    def basis(self, selection: str) -> str:
        """Return how a selection came about: ``calibrated``, ``listed`` or ``sample``."""
        name = self.resolve(selection)
        table = self._tables[paths.SELECTION]
        rows = table.loc[table["selection"] == name, "basis"]
        return "sample" if rows.empty else str(rows.iloc[0])

    def resolve(self, selection: str) -> str:
        """Return the name of a selection; ``default`` is the codebook's, or else ``all``.

        Raises
        ------
        UnknownNameError
            If the corpus has no such selection.
        """
        name = self.codebook.review.get("selection", ALL) if selection == DEFAULT else selection
        if name not in self.selections:
            raise UnknownNameError("selection", name, [DEFAULT, *self.selections])
        return name

    def version(self, version: str) -> str:
        """Return the name of a published version; ``default`` is the codebook's, or else the first.

        Raises
        ------
        UnknownNameError
            If nothing is published under that name. A corpus without ``published.csv`` has the one version "".
        """
        known = list(dict.fromkeys(self._tables[paths.PUBLISHED]["version"]))
        if version == DEFAULT:
            version = self.codebook.review.get("version", known[0]) if known else ""
        if version not in (known or [""]):
            raise UnknownNameError("version", version, [DEFAULT, *known])
        return version

    @cached_property
    def _studies(self) -> pd.DataFrame:
        import pandas as pd

        screening = self._tables[paths.SCREENING]
        decisions = dict(zip(screening["key"], screening["decision"], strict=True))
        frame = pd.DataFrame([_identity(reference) for reference in self.references])
        frame["year"] = frame["year"].astype("Int64")
        frame["status"] = [decisions.get(key, "verified") for key in frame["key"]]
        coding = self._tables[paths.CODING]
        consensus = coding.loc[coding["coder"] == "consensus", ["key", "dimension", "value"]]
        keys = pd.Index(frame["key"])
        columns: dict[str, Any] = {}
        for dimension in self.codebook.dimensions.values():
            columns |= _code_columns(dimension, consensus[consensus["dimension"] == dimension.name], keys)
        return pd.concat([frame, pd.DataFrame(columns)], axis=1)

    def studies(self, selection: str = ALL, where: str = "") -> pd.DataFrame:
        """Return one row a study: identity, status and consensus codes.

        Parameters
        ----------
        selection : str
            A name of :attr:`selections`, or ``default``.
        where : str
            A filter as in :func:`review.filters.matches`, over the columns of this very table.

        Returns
        -------
        DataFrame
            ``key, title, authors, year, first_public, venue, kind, doi, arxiv, pmid, pmcid, citation,
            status``; for each dimension a text column (labels joined by ``"; "``, missing where unknown); for
            each label of a multi-label dimension ``dimension_label`` (true, false or missing: unknown).
            Whatever is no letter, digit or underscore becomes an underscore in column names.
        """
        from review.filters import matches

        keys = set(self.selections[self.resolve(selection)])
        frame = self._studies[self._studies["key"].isin(keys)]
        return frame[matches(frame, where)].reset_index(drop=True)


flag = codebook.flag


def _identity(reference: bibliography.Reference) -> dict[str, Any]:
    fields = reference.fields
    year = fields.get("year", "")
    return {
        "key": reference.key,
        "title": fields["title"],
        "authors": fields.get("author", ""),
        "year": int(year) if year else None,
        "first_public": fields.get("firstpublic", ""),
        "venue": fields.get("journal") or fields.get("booktitle") or fields.get("howpublished", ""),
        "kind": reference.kind,
        "doi": fields.get("doi", ""),
        "arxiv": fields.get("eprint", "") if fields.get("archiveprefix", "").lower() == "arxiv" else "",
        "pmid": fields.get("pmid", ""),
        "pmcid": fields.get("pmcid", ""),
        "citation": f"{_short(fields.get('author', ''))} {year or 'n.d.'}",
    }


ADDRESSES = (
    ("doi", "DOI", "https://doi.org/"),
    ("arxiv", "arXiv", "https://arxiv.org/abs/"),
    ("pmid", "PubMed", "https://pubmed.ncbi.nlm.nih.gov/"),
    ("pmcid", "PubMed Central", "https://pmc.ncbi.nlm.nih.gov/articles/"),
)
"""Identifiers of a study, the preferred first: column, name of the register, and what comes before it in an address."""


def link(row: Mapping[str, Any]) -> str:
    """Return the canonical address of a study: DOI, arXiv, PubMed, PubMed Central, or none."""
    return next((f"{prefix}{row[name]}" for name, _, prefix in ADDRESSES if row.get(name)), "")


def _short(authors: str) -> str:
    """Return "A", "A and B" or "A et al."; "Anonymous" where no author is known."""
    families = [author.split(",")[0].strip() for author in authors.split(" and ") if author.strip()]
    if len(families) > 2 or "others" in families:
        return f"{families[0]} et al."
    return " and ".join(families) or "Anonymous"


def _code_columns(dimension: Dimension, rows: pd.DataFrame, keys: pd.Index) -> dict[str, Any]:
    """Return the columns of one dimension, one value a key."""
    import numpy as np
    import pandas as pd

    codes = {code: place for place, code in enumerate(dimension.categories)}
    applies, denied = np.zeros((2, len(keys), len(codes)), dtype=bool)
    study = keys.get_indexer(pd.Index(rows["key"]))
    value, values = pd.factorize(rows["value"])
    for number, text in enumerate(values):
        stated = applies if text in codes else denied
        place = codes.get(text if text in codes else text.removeprefix(codebook.NOT))
        if place is not None:
            stated[study[(value == number) & (study >= 0)], place] = True
    _, first, pattern = np.unique(np.packbits(applies, axis=1), axis=0, return_index=True, return_inverse=True)
    joined = ["; ".join(compress(codes, applies[place])) or None for place in first]
    columns: dict[str, Any] = {dimension.name: pd.array(joined, dtype="string").take(pattern)}
    if not dimension.exclusive:
        listed = applies.any(axis=1) & (dimension.absence == "unlisted")
        for code, place in codes.items():
            known = applies[:, place] | denied[:, place] | listed
            columns[flag(dimension.name, code)] = pd.arrays.BooleanArray(applies[:, place], ~known)
    return columns


def load(directory: Path | str | None = None) -> Corpus:
    """Read and check a corpus folder.

    ``bibliography.bib``, ``coding.csv`` and ``codebook.yaml`` are needed; ``screening.csv``, ``selection.csv``,
    ``published.csv`` and ``flow.csv`` are read where they exist.

    Parameters
    ----------
    directory : Path or str, optional
        The folder; the project's own ``data/`` by default.

    Raises
    ------
    InputError
        With all problems of all files, not only the first.
    """
    with unswept():
        return _load(paths.DATA if directory is None or str(directory) == "" else Path(directory))


def _load(folder: Path) -> Corpus:
    problems: list[Problem] = []
    if not folder.is_dir():
        raise InputError([Problem(str(folder), None, None, "there is no such folder", "name a corpus folder")])
    if (folder / paths.DECIDED).exists():
        message = "a change of this corpus is being written, or was cut off"
        raise InputError.one(folder, message, f"run: review validate --corpus {folder} (it finishes the change)")

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except InputError as error:
            problems.extend(error.problems)
            return None

    book = attempt(lambda: codebook.load(folder / paths.CODEBOOK))
    references = attempt(lambda: bibliography.read(folder / paths.BIBLIOGRAPHY))
    tables: dict[str, pd.DataFrame] = {}
    for name in TABLES:
        path = folder / name
        if name != paths.CODING and not os.path.lexists(path):  # a link to nothing is a fault, not a table that is left out
            tables[name] = _empty(name)
            continue
        table = attempt(lambda path=path: contracts.read_table(path))  # type: ignore[misc]
        if table is not None:
            tables[name] = table
    problems.extend(checks.cross_check(folder, book, references, tables))
    if problems or book is None or references is None:
        raise InputError(problems)
    files = sorted(folder / name for name in (paths.BIBLIOGRAPHY, paths.CODEBOOK, *tables))
    hashed = digest_files(path for path in files if path.exists())
    return Corpus(folder, book, hashed, tuple(references), MappingProxyType(tables))


def _empty(name: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=[*contracts.contract(name), contracts.LINE], dtype=str)
