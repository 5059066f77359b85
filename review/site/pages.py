"""All files of a site: pages from templates, files for download, scripts and styles."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import __version__, paths, report, statistics
from review.files import records
from review.notebook import CARDS, FIGURES, SHORT_CAUTIONS, TABLES
from review.reproduce import REPORT
from review.site import measures, pictures, reference, source, studies
from review.site.book import Chapter, Shelf, wrapped
from review.site.clean import data, web
from review.site.places import FILES, GUIDES, INDEX, NOTEBOOKS, STATISTICS, STUDIES, Places
from review.site.search import Entry, script
from review.site.tables import grid

if TYPE_CHECKING:
    from jinja2 import Environment

    from review.corpus import Corpus

STATIC = Path(__file__).parent / "static"
OVERVIEW = {
    "dimension": "dimension",
    "category": "category",
    "published": "published, %",
    "percent": "recomputed, %",
    "low": "from",
    "high": "to",
    "count": "studies",
    "total": "of",
    "unknown": "unknown",
    "status": "status",
}
"""Columns of the table on the first page, and what they are called there."""

PARTS = (
    ("Home", INDEX),
    ("Notebooks", f"{NOTEBOOKS}/{INDEX}"),
    ("Statistics", f"{STATISTICS}/{INDEX}"),
    ("Studies", f"{STUDIES}/{INDEX}"),
    ("Report", "report.html"),
    ("Guides", f"{GUIDES}/{INDEX}"),
    ("Reference", f"{reference.REFERENCE}/{INDEX}"),
    ("About", "about.html"),
)


@dataclass
class Site:
    """A site before it is written."""

    corpus: Corpus
    run: source.Run
    shelf: Shelf
    kinds: tuple[str, ...]
    entries: list[Entry] = field(default_factory=list)
    pages: int = 0

    @classmethod
    def read(cls, corpus: Corpus, folder: Path, guides: Path | None, kinds: tuple[str, ...] = pictures.KINDS) -> Site:
        """Read a run; see :func:`review.site.build.build`."""
        run = source.read(folder, corpus)
        return cls(corpus, run, Shelf(run, corpus, Places.of(corpus), guides), kinds)

    @property
    def places(self) -> Places:
        """Where everything is."""
        return self.shelf.places

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup

        loader = PackageLoader("review.site", "templates")
        environment = Environment(
            loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, auto_reload=False
        )
        environment.filters |= {"safely": Markup, "data": lambda value: Markup(data(value)), "web": web, "count": len}  # noqa: S704
        return environment

    def page(self, template: str, address: str, title: str, part: str, **content: Any) -> tuple[str, bytes]:
        """Return one page: its address and its bytes."""
        self.pages += 1
        parts = [(name, target) for name, target in PARTS if target in self._parts]
        text = self._templates.get_template(f"{template}.html.j2").render(
            review=self.corpus.codebook.review,
            title=title,
            part=part,
            parts=parts,
            to=self.places.seen_from(address),
            short=SHORT_CAUTIONS[self.corpus.basis(self.run.selection)],
            caution=report.caution(self.corpus, self.run.selection),
            coders=report.coders(self.corpus),
            corpus=self.corpus,
            run=self.run,
            places=self.places,
            package_version=__version__,
            **content,
        )
        return address, text.encode()

    @cached_property
    def _parts(self) -> set[str]:
        """Parts of the site that exist."""
        missing = {
            "report.html": not (self.run.folder / REPORT).is_file(),
            f"{GUIDES}/{INDEX}": not self.shelf.guides,
        }
        return {target for _, target in PARTS if not missing.get(target)}

    @cached_property
    def shown(self) -> dict[str, str]:
        """Where each figure of the run stands, by its place in the run."""
        found: dict[str, str] = {}
        for chapter in self.shelf.chapters:
            for block in chapter.figures:
                if block.picture:
                    found.setdefault(block.picture.place, f"{chapter.page}#{block.anchor}")
        return found

    @cached_property
    def downloads(self) -> dict[str, dict[str, bytes]]:
        """Files of the figures that are shown, by place and kind."""
        kinds = tuple(dict.fromkeys(("svg", *self.kinds)))
        return {place: pictures.files(self.run.folder, self.run.pictures[place], kinds) for place in self.shown}

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Return every file of the site: address and bytes."""
        yield from self._static()
        for place, found in self.downloads.items():
            for kind, content in found.items():
                self.places.sources[f"{place}.{kind}"] = f"{FILES}/{place}.{kind}"
                yield f"{FILES}/{place}.{kind}", content
        for name in self._tables():
            yield f"{FILES}/{name}", (self.run.folder / name).read_bytes()
        yield from self._home()
        yield from self._notebooks()
        yield from self._statistics()
        yield from self._studies()
        yield from self._finished()
        yield from self._guides()
        yield from self._reference()
        yield from self._about()
        yield self.page("search", "search.html", "Search", "")
        yield "static/index.js", script(self.entries).encode()

    def _static(self) -> Iterator[tuple[str, bytes]]:
        for path in sorted(STATIC.iterdir()):
            if path.is_file():
                yield f"static/{path.name}", path.read_bytes()
        if any(chapter.figures for chapter in self.shelf.chapters):
            yield "static/plotly.packed.js", packed_plotly()

    def _tables(self) -> list[str]:
        """Return the files, relative to the run, that pages offer beside those of figures."""
        names = {name for chapter in self.shelf.chapters for name in chapter.files}
        for chapter in self.shelf.chapters:
            drawn = {self.run.data_of(block.picture) for block in chapter.figures if block.picture}
            for name in {block.name for block in chapter.blocks if block.kind == "table"} | drawn - {""}:
                names.add(f"{TABLES}/{name}.csv")
        return sorted(name for name in names if (self.run.folder / name).is_file())

    def figure(self, place: str, page: str) -> dict[str, Any]:
        """Return what a template needs to show a figure of the run on a page."""
        picture, found = self.run.pictures[place], self.downloads.get(place, {})
        width, height = pictures.size(found["svg"]) if "svg" in found else (0, 0)
        to = self.places.seen_from(page)
        links = [(pictures.WORDS[kind], to(f"{FILES}/{place}.{kind}")) for kind in found]
        table = self.run.data_of(picture)
        if table and (self.run.folder / TABLES / f"{table}.csv").is_file():
            links.append(("data as CSV", to(f"{FILES}/{TABLES}/{table}.csv")))
        about = measures.dimensions_of(self.run, picture, self.corpus)
        return {
            "picture": picture,
            "svg": to(f"{FILES}/{place}.svg") if "svg" in found else "",
            "width": width,
            "height": height,
            "links": links,
            "about": [(self.corpus.codebook[name].title, to(self.places.dimensions[name])) for name in about],
            "drawn": pictures.drawable(picture.figure),
        }

    def _home(self) -> Iterator[tuple[str, bytes]]:
        preferred = f"{FIGURES}/00-overview"
        first = preferred if preferred in self.shown else next(iter(self.shown), "")
        rows = records(statistics.reproduce(self.corpus, self.run.selection, self.run.where, self.run.version))
        table = [{called: row[name] for name, called in OVERVIEW.items()} for row in rows]
        yield self.page(
            "home",
            INDEX,
            self.corpus.codebook.review["title"],
            INDEX,
            figure=self.figure(first, INDEX) if first else None,
            where_shown=self.shown.get(first, ""),
            grid=grid(table, self.corpus, self.places, INDEX),
            chapters=self.shelf.chapters,
            statuses={name: words for name, words in statistics.STATUSES.items() if any(row["status"] == name for row in rows)},
            number=len(self.corpus.studies(self.run.selection, self.run.where)),
            records=len(self.corpus.screening),
        )

    def _notebooks(self) -> Iterator[tuple[str, bytes]]:
        part = f"{NOTEBOOKS}/{INDEX}"
        yield self.page("notebooks", part, "Notebooks", part, chapters=self.shelf.chapters)
        chapters = self.shelf.chapters
        for number, chapter in enumerate(chapters):
            before = chapters[number - 1] if number else None
            after = chapters[number + 1] if number + 1 < len(chapters) else None
            self.entries += chapter.entries()
            yield self.page(
                "notebook",
                chapter.page,
                chapter.title,
                part,
                chapter=chapter,
                before=before,
                after=after,
                figure=lambda block, page=chapter.page: self._block(block, page),
                csv=self._csv,
            )

    def _block(self, block: Any, page: str) -> dict[str, Any]:
        """Return what a template needs to show the figure of a block, whether the run wrote it or not."""
        if block.picture:
            return self.figure(block.picture.place, page)
        bare = source.Picture(block.name, block.figure, "", "")
        drawn = pictures.drawable(block.figure)
        return {"picture": bare, "svg": "", "width": 0, "height": 0, "links": [], "about": [], "drawn": drawn}

    def _csv(self, name: str) -> str:
        """Return the address of the file of a table, "" if there is none."""
        return f"{FILES}/{TABLES}/{name}.csv" if (self.run.folder / TABLES / f"{name}.csv").is_file() else ""

    def _statistics(self) -> Iterator[tuple[str, bytes]]:
        part = f"{STATISTICS}/{INDEX}"
        found = measures.gather(self.corpus, self.run, self.places, self.shown)
        yield self.page("statistics", part, "Statistics", part, measures=found)
        for measure in found:
            for one in measure.counted:
                title = f"{measure.dimension.title}: {one.category.title}"
                words = (one.category.code, one.category.definition, one.category.include, one.category.exclude)
                self.entries.append(Entry(one.place, title, "statistic", " ".join(words)))
            yield self.page("measure", measure.place, measure.dimension.title, part, measure=measure)

    def _studies(self) -> Iterator[tuple[str, bytes]]:
        part = f"{STUDIES}/{INDEX}"
        found = studies.gather(self.corpus, self.places)
        printed = list(dict.fromkeys(self.corpus.published["dimension"])) or list(self.corpus.codebook.dimensions)[:3]
        columns = [self.corpus.codebook[name] for name in printed]
        yield self.page("studies", part, "Studies", part, studies=found, columns=columns)
        for number, study in enumerate(found):
            before = found[number - 1] if number else None
            after = found[number + 1] if number + 1 < len(found) else None
            page, row = self.places.studies[study.row["key"]], study.row
            self.entries.append(Entry(page, f"{row['citation']}. {row['title']}", "study", _words(study)))
            yield self.page("study", page, row["title"], part, study=study, before=before, after=after)

    def _finished(self) -> Iterator[tuple[str, bytes]]:
        """Return the report and the report cards of the run, as pages of the site."""
        svgs = {
            self.run.pictures[place].name: f"{FILES}/{place}.svg"
            for place, found in self.downloads.items()
            if "svg" in found and place.startswith(f"{FIGURES}/")
        }
        finished = {"report.html": self.run.folder / REPORT} if "report.html" in self._parts else {}
        for path in sorted((self.run.folder / CARDS).glob("*/card.html")):
            finished[f"{CARDS}/{path.parent.name}.html"] = path
        for address, path in finished.items():
            title, body = wrapped(path, self.places, address, svgs)
            name = title if address == "report.html" else f"{title} ({path.parent.name})"
            self.entries.append(Entry(address, name, "report", ""))
            yield self.page("finished", address, name, address, body=body)

    def _guides(self) -> Iterator[tuple[str, bytes]]:
        if not self.shelf.guides:
            return
        part = f"{GUIDES}/{INDEX}"
        yield self.page("guides", part, "Guides", part, guides=self.shelf.guides)
        for guide in self.shelf.guides:
            self.entries += guide.entries()
            yield self.page("guide", guide.page, guide.title, part, guide=guide)

    def _reference(self) -> Iterator[tuple[str, bytes]]:
        part = f"{reference.REFERENCE}/{INDEX}"
        found = reference.modules()
        yield self.page("reference", part, "Reference", part, modules=found)
        for module in found:
            self.entries.append(module.entry())
            yield self.page("module", module.page, module.name, part, module=module)

    def _about(self) -> Iterator[tuple[str, bytes]]:
        import yaml

        citation = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text("utf-8"))
        named = ("LICENSE", "LICENSE-DATA") if self.corpus.directory == paths.DATA else ("LICENSE",)
        licences = [(name, (paths.ROOT / name).read_text("utf-8")) for name in named]
        yield self.page("about", "about.html", "About", "about.html", citation=citation, licences=licences)

    def counts(self) -> dict[str, int]:
        """Return what the site consists of; complete once :meth:`files` is through."""
        chapters: Sequence[Chapter] = self.shelf.chapters
        return {
            "pages": self.pages,
            "notebooks": len(chapters),
            "figures": sum(len(chapter.figures) for chapter in chapters),
            "tables": sum(block.kind == "table" for chapter in chapters for block in chapter.blocks),
            "dimensions": len(self.corpus.codebook.dimensions),
            "studies": len(self.corpus.references),
            "guides": len(self.shelf.guides),
            "modules": len(reference.modules()),
            "searched": len(self.entries),
        }


@cache
def packed_plotly() -> bytes:
    """Return plotly.js, compressed and as text, in a script that ``figures.js`` unpacks: two fifths of its size."""
    from plotly.offline import get_plotlyjs

    packed = base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0))
    return b'window.plotlyPacked = "' + packed + b'";\n'


def _words(study: studies.Study) -> str:
    """Return what a search compares of a study."""
    row: Mapping[str, Any] = study.row
    parts = [str(row[name] or "") for name in ("key", "authors", "venue", "year", "doi", "arxiv", "pmid", "status")]
    for coded in study.coded:
        said = "; ".join(value for value, _ in coded.consensus) or studies.UNKNOWN
        parts.append(f"{coded.title}: {said}")
    seen = dict.fromkeys(code.evidence for coded in study.coded for code in coded.codes if code.coder != studies.CONSENSUS)
    return ". ".join([*(part for part in parts if part), *seen])
