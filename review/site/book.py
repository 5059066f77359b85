"""Executed notebooks and guides as pages: blocks, headings, and what belongs to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from review.errors import InputError
from review.files import read_text
from review.site.cells import Block, Reader
from review.site.markdown import Heading, Headings, framed, plain, render
from review.site.measures import dimensions_of, named
from review.site.places import GUIDES, NOTEBOOKS, Places, name_files
from review.site.search import Entry, sections
from review.site.source import Executed, Run

if TYPE_CHECKING:
    from review.corpus import Corpus

OFFERED = (".csv", ".docx", ".jsonl", ".md", ".tex")
"""Files of a run, beside those of figures, that a site offers: nothing that a browser runs."""


@dataclass(frozen=True)
class Chapter:
    """An executed notebook as a page.

    Attributes
    ----------
    notebook : Executed
    page, title, status : str
        Address from the top folder; first heading; what became of the run.
    blocks : tuple of Block
    headings : tuple of Heading
        Of level 2: the outline.
    dimensions : tuple of str
        What its tables are about.
    files : tuple of str
        What it wrote beside figures, relative to the run.
    """

    notebook: Executed
    page: str
    title: str
    status: str
    blocks: tuple[Block, ...]
    headings: tuple[Heading, ...]
    dimensions: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The first paragraph in words."""
        found = (re.search(r"<p>(.*?)</p>", block.html, re.DOTALL) for block in self.blocks if block.kind == "html")
        return next((plain(match[1]) for match in found if match), "")

    @property
    def figures(self) -> list[Block]:
        """The figures that it shows."""
        return [block for block in self.blocks if block.kind == "figure"]

    def entries(self) -> Iterator[Entry]:
        """Return what a search can find in it: sections with the captions of their figures."""
        parts = []
        for block in self.blocks:
            if block.kind == "html":
                parts.append(block.html)
            elif block.picture:
                parts.append(f" {block.picture.alt} {block.picture.caption} ".replace("<", "&lt;"))
        ids = {heading.id: heading.text for heading in self.headings}
        yield from sections(self.page, self.title, "notebook", "".join(parts), ids)


@dataclass(frozen=True)
class Guide:
    """A page of Markdown: address, title, safe HTML, outline."""

    page: str
    title: str
    html: str
    headings: tuple[Heading, ...]

    def entries(self) -> Iterator[Entry]:
        """Return what a search can find in it."""
        yield from sections(self.page, self.title, "guide", self.html, {heading.id: heading.text for heading in self.headings})


@dataclass(frozen=True)
class Shelf:
    """The notebooks and guides of a site."""

    run: Run
    corpus: Corpus
    places: Places
    guides_folder: Path | None
    pages: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = name_files(notebook.name for notebook in self.run.notebooks)
        for name, file in names.items():
            self.pages[name] = f"{NOTEBOOKS}/{file}.html"
            self.places.sources[f"notebooks/{name}.ipynb"] = self.pages[name]
        titles = {source: "the-corpus" if source.startswith("data/") else path.stem for source, path in self._markdown.items()}
        stems = name_files(titles.values())
        for source, path in self._markdown.items():
            self.places.sources[source] = f"{GUIDES}/{stems[titles[source]]}.html"
            self.pages[str(path)] = self.places.sources[source]

    @cached_property
    def _markdown(self) -> dict[str, Path]:
        """Markdown files by their path in the project."""
        found = {}
        if self.guides_folder is not None:
            found = {f"docs/{path.name}": path for path in sorted(self.guides_folder.glob("*.md"))}
        about = self.corpus.directory / "README.md"
        return found | ({"data/README.md": about} if about.is_file() else {})

    @cached_property
    def chapters(self) -> tuple[Chapter, ...]:
        """The notebooks in order."""
        return tuple(self._chapter(notebook) for notebook in self.run.notebooks)

    def _chapter(self, notebook: Executed) -> Chapter:
        headings = Headings()
        page = self.pages[notebook.name]
        blocks = tuple(Reader(self.run, notebook, self.corpus, self.places, page, headings).blocks())
        about: set[str] = set()
        for block in blocks:
            if block.kind == "table":
                about |= set(named(self.run.table(block.name) or [], self.corpus))
            elif block.picture:
                about |= set(dimensions_of(self.run, block.picture, self.corpus))
        return Chapter(
            notebook,
            page,
            headings.title or notebook.name,
            self.run.statuses.get(f"{notebook.name}.ipynb", ""),
            blocks,
            tuple(heading for heading in headings.found if heading.level == 2),
            tuple(name for name in self.corpus.codebook.dimensions if name in about),
            tuple(name for name in notebook.promised if Path(name).suffix in OFFERED and (self.run.folder / name).is_file()),
        )

    @cached_property
    def guides(self) -> tuple[Guide, ...]:
        """The guides in order."""
        found = []
        for source, path in self._markdown.items():
            headings = Headings()
            page = self.pages[str(path)]
            html = render(read_text(path), self.places.resolve(page, source), headings)
            outline = tuple(heading for heading in headings.found if heading.level == 2)
            found.append(Guide(page, headings.title or path.stem, html, outline))
        return tuple(found)


def wrapped(path: Path, places: Places, page: str, svgs: Mapping[str, str]) -> tuple[str, str]:
    """Return title and body of a finished page of a run (the report, a report card), safe for a page of the site.

    Parameters
    ----------
    path : Path
        The HTML file.
    page : str
        The page that is to show it.
    svgs : mapping of str to str
        Files of the site by name of the figure: the pictures in the page are replaced by them.

    Raises
    ------
    InputError
        If the file has no part ``main``.
    """
    from review.site.clean import clean
    from review.site.tables import linked

    match = re.search(r"<main>(.*)</main>", read_text(path), re.DOTALL)
    if match is None:
        raise InputError.one(path, "there is no <main> in it", "run: review reproduce --force")
    title, body = re.search(r"<h1>(.*?)</h1>", match[1], re.DOTALL), re.sub(r"<h1>.*?</h1>", "", match[1], flags=re.DOTALL)

    def smaller(figure: re.Match[str]) -> str:
        return f'{figure[1]}"{figure[2]}.svg"' if figure[2] in svgs else figure[0]

    body = re.sub(r'(<figure id="figure-([\w-]+)">\s*<img src=)"data:[^"]*"', smaller, body)
    known = Places(places.studies, places.dimensions, places.codes, {f"{name}.svg": target for name, target in svgs.items()})
    safe = clean(body, known.resolve(page, path.name), places=True)
    return plain(title[1]) if title else path.stem, linked(framed(safe), places, page)
