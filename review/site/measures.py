"""What the page of one dimension says: counts with intervals and status, definitions, and the studies behind each count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review import statistics
from review.files import records
from review.site.places import Places
from review.site.source import Picture, Run

if TYPE_CHECKING:
    from review.codebook import Category, Dimension
    from review.corpus import Corpus


@dataclass(frozen=True)
class Counted:
    """One code with its count: what was published, and the studies that have it or of which it is not known.

    Attributes
    ----------
    category : Category
    place : str
        Where it stands in the site.
    row : mapping
        A row of :func:`review.statistics.compute_shares`.
    published : mapping or None
        The row of :func:`review.statistics.reproduce`, if the review prints a share.
    studies, unknown : tuple of (str, str, str)
        Page, citation and title.
    """

    category: Category
    place: str
    row: Mapping[str, Any]
    published: Mapping[str, Any] | None
    studies: tuple[tuple[str, str, str], ...]
    unknown: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Measure:
    """One dimension with its counts, and the figures that show it: notebook page with anchor, and caption."""

    dimension: Dimension
    place: str
    counted: tuple[Counted, ...]
    figures: tuple[tuple[str, str], ...]


def gather(corpus: Corpus, run: Run, places: Places, shown: Mapping[str, str]) -> list[Measure]:
    """Return every dimension of the codebook, counted on the studies of a run.

    Parameters
    ----------
    shown : mapping of str to str
        Where each figure stands in the site, by its place in the run.
    """
    import pandas as pd

    frame = corpus.studies(run.selection, run.where)
    identity = [(places.studies[row["key"]], row["citation"], row["title"]) for row in records(frame)]
    printed = {
        (row["dimension"], row["category"]): row
        for row in records(statistics.reproduce(corpus, run.selection, run.where, run.version))
    }
    found = []
    for name, dimension in corpus.codebook.dimensions.items():
        counted = []
        for row in records(statistics.compute_shares(corpus, name, run.selection, run.where, run.version)):
            code = row["category"]
            states = statistics.indicator(frame, corpus, name, code).astype("object")
            have = tuple(who for who, state in zip(identity, states, strict=True) if not pd.isna(state) and state)
            unsure = tuple(who for who, state in zip(identity, states, strict=True) if pd.isna(state))
            category = dimension.categories[code]
            counted.append(Counted(category, places.codes[name, code], row, printed.get((name, code)), have, unsure))
        pictures = tuple(
            (address, picture.caption or picture.name)
            for place, address in shown.items()
            if name in dimensions_of(run, picture := run.pictures[place], corpus)
        )
        found.append(Measure(dimension, places.dimensions[name], tuple(counted), pictures))
    return found


def dimensions_of(run: Run, picture: Picture, corpus: Corpus) -> list[str]:
    """Return the dimensions that a figure is about, as far as the table that was drawn tells."""
    rows = run.table(run.data_of(picture)) or []
    return named(rows, corpus)


def named(rows: list[dict[str, Any]], corpus: Corpus) -> list[str]:
    """Return the dimensions that a table names, in the order of the codebook.

    They stand in cells, as columns, or in the columns of a cross table: those are the codes of a dimension, of several alike
    the first.
    """
    columns = set(rows[0]) if rows else set()
    found = {str(row.get(column)) for row in rows for column in ("dimension", "rows", "columns")}
    if columns and "key" not in columns:
        found |= columns
        dimensions = corpus.codebook.dimensions.values()
        crossed = [one.name for one in dimensions if len(columns & set(one.categories)) == min(2, len(one.categories))]
        found |= set(crossed[:1])
    return [name for name in corpus.codebook.dimensions if name in found]
