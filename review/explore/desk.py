"""What stands behind the page of the explorer: it is told what a reader asks, and answers with numbers and studies."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from review import paths, report, statistics, theme
from review.corpus import ALL
from review.errors import ReviewError
from review.explore.filters import Filters, from_page, to_page
from review.explore.tables import is_web
from review.explore.views import View, count_boxes, evidence, members, view
from review.files import records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from review.corpus import Corpus

NOTEBOOK = "notebooks/13-explore.ipynb"
LONGEST = 300
"""Characters of an error that are shown."""

_NO_COLUMN = re.compile(r"no column named '(.*)' -> choose one of: (.*)", re.DOTALL)

BASES = {
    "calibrated": "calibrated",
    "sample": "a sample",
    "listed": "as listed",
}


@dataclass(frozen=True)
class Desk:
    """Answers one page.

    Attributes
    ----------
    corpus : Corpus
    filters : Filters
        What is asked at first.
    dimension, version : str
        As in :func:`review.explore.view`.
    """

    corpus: Corpus
    filters: Filters
    dimension: str
    version: str

    def about(self) -> dict[str, Any]:
        """Return what does not change: selections, years, codes, and who the studies are."""
        corpus = self.corpus
        years = corpus.studies(ALL)["year"]
        known = years.dropna()
        return {
            "title": corpus.codebook.review["title"],
            "selections": [
                {"name": name, "studies": len(keys), "basis": BASES[corpus.basis(name)]}
                for name, keys in corpus.selections.items()
            ],
            "years": list(range(int(known.min()), int(known.max()) + 1)) if len(known) else [],
            "undated": int(years.isna().sum()),
            "dimensions": [self._dimension(name) for name in corpus.codebook.dimensions],
            "studies": {row["key"]: _study(row) for row in records(report.compute_studies(corpus, ALL, dimensions=[]))},
            "statuses": {
                status: {"mark": theme.STATUS_MARKS[status][0], "meaning": meaning}
                for status, meaning in statistics.STATUSES.items()
            },
            "coders": report.coders(corpus),
            "names": [str(name) for name in corpus.studies(ALL).columns],
            "default": corpus.resolve("default"),
        }

    def _dimension(self, name: str) -> dict[str, Any]:
        dimension = self.corpus.codebook[name]
        codes = [{"code": code, "title": one.title, "definition": one.definition} for code, one in dimension.categories.items()]
        parts = {"name": name, "title": dimension.title, "definition": dimension.definition, "codes": codes}
        return {**parts, "exclusive": dimension.exclusive}

    def asked(self) -> dict[str, Any]:
        """Return what the page asks at first."""
        first = replace(self.filters, selection=self.corpus.resolve(self.filters.selection))
        name = self.dimension or next(iter(self.corpus.codebook.dimensions))
        return {**to_page(first, name), "number": 0, "client": ""}

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the page shows for what it asks, or ``error``: what is wrong, and what to do."""
        sent = {"number": asked.get("number"), "client": asked.get("client")}
        try:
            filters, dimension = from_page(asked)
            found = view(self.corpus, filters, dimension, self.version)
            boxes = count_boxes(self.corpus, filters)
        except ReviewError as error:
            return {**sent, "error": _shorten(str(error))}
        return {
            **sent,
            "error": "",
            "dimension": found.dimension,
            "total": found.total,
            "headline": found.headline,
            "caution": found.caution,
            "where": found.where,
            "command": self.command(found),
            "shares": [self._share(row) for row in records(found.shares)],
            "boxes": boxes,
            "rows": list(self._rows(found)),
        }

    def _share(self, row: Mapping[str, Any]) -> dict[str, Any]:
        title = self.corpus.codebook[row["dimension"]].categories[row["category"]].title
        shown = ("category", "count", "total", "unknown", "share", "low", "high", "status")
        return {"title": title, **{name: row[name] for name in shown}}

    def _rows(self, found: View) -> Iterator[dict[str, Any]]:
        """Return what each study is counted as, and on what that rests."""
        rests = evidence(self.corpus)[found.dimension]
        for key, codes in members(found):
            consensus, wording, source = rests.get(key, ("", "", ""))
            page = source if is_web(source) else ""
            yield {"key": key, "codes": codes, "consensus": consensus, "evidence": wording, "source": page}

    def command(self, found: View) -> str:
        """Return the command that repeats a view."""
        words = [".venv/bin/papermill", NOTEBOOK, f"runs/{NOTEBOOK.rpartition('/')[2]}", "-p", "selection", found.selection]
        words += ["-p", "where", found.where] if found.where else []
        words += ["-p", "dimension", found.dimension]
        if self.version != "default" and found.version != self.corpus.version("default"):
            words += ["-p", "review_version", found.version]
        if self.corpus.directory != paths.DATA:
            words += ["-p", "corpus_dir", str(self.corpus.directory)]
        return shlex.join(words)


def _study(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return who a study is; an address that is not of the web is left out."""
    shown = {name: row[name] for name in ("citation", "title", "venue", "year")}
    return {**shown, "link": row["link"] if is_web(row["link"]) else ""}


def _shorten(message: str) -> str:
    """Return an error for a narrow place: of all names of the corpus only those that are like the wrong one."""
    found = _NO_COLUMN.fullmatch(message)
    if found:
        near = get_close_matches(found[1], found[2].split(", "), 3)
        remedy = f"did you mean {' or '.join(near)}?" if near else "choose one of the names below"
        return f"no column named {found[1]!r} -> {remedy}"
    return message if len(message) <= LONGEST else f"{message[:LONGEST].rsplit(' ', 1)[0]} \u2026"
