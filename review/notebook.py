"""What every notebook starts with: a corpus, a selection, and places for tables and figures."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import corpus as corpora
from review import paths, report
from review.explore.tables import Page
from review.files import write_table

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from review.corpus import Corpus
    from review.evaluation.card import Card
    from review.evaluation.cells import Graded
    from review.generators.dataset import Dataset

SHORT_CAUTIONS = {
    "calibrated": "Calibrated reconstruction: counts of published categories hold by construction.",
    "sample": "Purposive sample: its shares estimate nothing.",
    "listed": "Studies as listed, not chosen to meet the published counts.",
}
FILTERED = "Filtered studies: the review prints no such counts, and none holds by construction."
TABLES = "tables"
FIGURES = "figures"
CARDS = "cards"
GENERATED = "generated"
"""Records that a demonstration made and figures of them: never among the figures of the review."""

WATERMARK = ("numpy", "pandas", "papermill", "plotly", "scipy", "statsmodels")
LIBRARIES = ("peft", "scikit-learn", "tokenizers", "torch", "transformers", "xllamacpp")
"""Added to the watermark once a demonstration has run."""


@dataclass(frozen=True)
class Session:
    """The parameters of one notebook run, resolved and checked.

    Attributes
    ----------
    corpus : Corpus
    selection, version : str
        Names that exist in the corpus.
    where : str
        Filter of the studies.
    seed : int
        Of everything random.
    output : Path
        Holds ``tables/`` and ``figures/``.
    """

    corpus: Corpus
    selection: str
    where: str
    version: str
    seed: int
    output: Path

    @property
    def choice(self) -> dict[str, str]:
        """Selection and filter as keyword arguments of the ``compute_*`` functions."""
        return {"selection": self.selection, "where": self.where}

    @property
    def studies(self) -> pd.DataFrame:
        """The studies of this run, one row each."""
        return self.corpus.studies(self.selection, self.where)

    @property
    def caution(self) -> Any:
        """The sentence that has to stand beside every number, as Markdown."""
        from IPython.display import Markdown

        scope = f", filter `{self.where}`" if self.where else ""
        head = f"**Selection `{self.selection}`{scope}: {len(self.studies)} studies.** "
        return Markdown(f"> {head}{report.caution(self.corpus, self.selection)}\n>\n> {report.coders(self.corpus)}")

    @property
    def published_dimensions(self) -> list[str]:
        """The dimensions for which the chosen version of the review prints shares."""
        published = self.corpus.published
        return list(dict.fromkeys(published.loc[published["version"] == self.version, "dimension"]))

    @property
    def titles(self) -> dict[str, str]:
        """Titles of dimensions and codes by their names; of two dimensions with the same code the first names it."""
        dimensions = self.corpus.codebook.dimensions
        found = {name: dimension.title for name, dimension in dimensions.items()}
        for dimension in dimensions.values():
            for code, category in dimension.categories.items():
                found.setdefault(code, category.title)
        return found

    def dimension(self, name: str, kind: str = "single", place: int = 0) -> str:
        """Return a dimension of the codebook: the one named, or for an empty name one by its kind and place.

        Parameters
        ----------
        name : str
            A dimension, or "".
        kind : {"single", "multiple"}
            Which kind to count; if the codebook has none of it, all dimensions are counted.
        place : int
            Place among those from 0; the last one if there are fewer. -1 is the last one.

        Raises
        ------
        UnknownNameError
            If a dimension is named that the codebook does not have.
        """
        if name:
            return self.corpus.codebook[name].name
        every = self.corpus.codebook.dimensions
        fitting = [key for key, dimension in every.items() if dimension.kind == kind] or list(every)
        return fitting[min(place, len(fitting) - 1)]

    def open_dimensions(self, number: int, among: Sequence[str]) -> list[str]:
        """Return the first ``number`` multi-label dimensions among some, then single-label ones; too few are repeated."""
        every = self.corpus.codebook.dimensions
        order = sorted(among, key=lambda name: every[name].exclusive)
        return (order * number)[:number]

    def coder(self, name: str, place: int) -> str:
        """Return a coder: the one named, or for an empty name by place; "" if there is none at that place."""
        every = self.corpus.coders
        return name or (every[place] if place < len(every) else "")

    def verifier(self) -> str:
        """Return the name of the verifier, or "" if the corpus has none."""
        return "verifier" if (self.corpus.coding["coder"] == "verifier").any() else ""

    def editions(self, before: str = "", after: str = "") -> tuple[str, str]:
        """Return two versions of the review: those named, or the first two of ``published.csv`` (one of them twice)."""
        every = list(dict.fromkeys(self.corpus.published["version"])) or [""]
        return self.corpus.version(before or every[0]), self.corpus.version(after or every[min(1, len(every) - 1)])

    def table(self, frame: pd.DataFrame, name: str) -> pd.DataFrame:
        """Write a table as CSV and JSON, and return it for display."""
        write_table(frame, self.output / TABLES / name)
        return frame

    def shown(self, frame: pd.DataFrame, name: str, *, digits: int | None = None) -> Page:
        """Return a table for display without its index; unlike one of pandas it does not tell where in memory it is.

        Parameters
        ----------
        frame : DataFrame
        name : str
            After which the parts of the table are named: no other table of the notebook may have it. pandas would draw one.
        digits : int, optional
            Decimals of a table of numbers, in which what is missing is empty; without it the cells are words, and to the left.
        """
        styled = frame.style.set_uuid(name).hide(axis="index")
        if digits is None:
            styled = styled.set_table_styles([{"selector": "td", "props": "text-align: left"}])
            return Page(styled.to_html(), frame.to_string(index=False))
        numbers = frame.to_string(index=False, na_rep="", float_format=f"%.{digits}f")
        return Page(styled.format(precision=digits, na_rep="").to_html(), numbers)

    def figure(self, figure: go.Figure, name: str, alt: str, caption: str) -> go.Figure:
        """Write a figure in all formats with alt text and caption, and return it for display.

        The caption gets a sentence on how far its numbers are findings, and the corpus' hash.
        """
        import plotly.io

        from review import export, gallery

        plotly.io.renderers.default = "plotly_mimetype"
        note = FILTERED if self.where.strip() else SHORT_CAUTIONS[self.corpus.basis(self.selection)]
        full = f"{caption} {note} Corpus {self.corpus.hash[:12]}."
        notebook, folder = gallery.notebook_of(f"{FIGURES}/{name}.json"), self.output / FIGURES
        export.export(figure, name, folder, alt, full, cache=paths.FIGURES, notebook=notebook, corpus=self.corpus.hash)
        return figure

    @property
    def cache(self) -> str:
        """Folder of the language model's answers: a run on the same model with the same parameters is answered from there."""
        return str(paths.CACHE)

    def cell(self, modality: str, method: str) -> pd.DataFrame:
        """List the coded studies of one cell of the review, for which a demonstration stands.

        Returns
        -------
        DataFrame
            As :func:`review.report.compute_cell` returns it.
        """
        return report.compute_cell(self.corpus, modality, method, **self.choice)

    def cell_note(self, modality: str, method: str) -> Any:
        """Return in words how many coded studies a cell has, and how far that number is a finding."""
        from IPython.display import Markdown

        return Markdown(f"> {report.describe_cell(self.corpus, modality, method, **self.choice)}")

    def dataset(self, made: Dataset, name: str) -> pd.DataFrame:
        """Write generated records with their provenance, and return what became of them for display."""
        made.write(self.output / GENERATED / f"{name}.jsonl")
        return made.outcomes()

    def demonstration(self, figure: go.Figure, name: str, alt: str, caption: str, made: Dataset) -> go.Figure:
        """Write a figure about generated records, and return it for display.

        The caption says which model made them, and that they tell nothing about the coded studies.
        """
        mark = f" ({made.model['sha256'][:12]})" if made.model.get("sha256") else ""
        items = f"{len(made.records)} items, {made.model['model']}{mark}, seed {made.seed}"
        note = f"Demonstration {made.cell}, {items}; it tells nothing about the coded studies."
        return self._aside(figure, name, alt, f"{caption} {note}", GENERATED)

    def card(self, made: Card, name: str) -> pd.DataFrame:
        """Write a report card as HTML, JSON and CSV, and return its grades for display.

        What the coded studies reported is laid beside it.
        """
        from review import evaluation

        card = evaluation.reported_by(made, self.corpus, self.selection, self.where)
        card.write(self.output / CARDS / name)
        return card.table()

    def cards(self, graded: Sequence[Graded]) -> pd.DataFrame:
        """Write the cards of several cells; return which files they are in, relative to the output folder."""
        import pandas as pd

        rows = []
        for one in graded:
            name = f"{one.modality}-{one.method}"
            if one.card is not None:
                self.card(one.card, name)
            rows.append((one.name, f"{CARDS}/{name}/card.html" if one.card is not None else "", one.remark))
        return pd.DataFrame(rows, columns=["cell", "card", "remark"])

    def generated(self, folder: str = "") -> Path:
        """Return the folder of the records that demonstrations wrote: the one named, or that of this run."""
        return Path(folder) if folder else self.output / GENERATED

    def card_figure(self, figure: go.Figure, name: str, alt: str, caption: str) -> go.Figure:
        """Write a figure about report cards, and return it for display; its caption says what it is not about."""
        note = "Report cards of data sets; they tell nothing about the quality of the coded studies."
        return self._aside(figure, name, alt, f"{caption} {note}", CARDS)

    def _aside(self, figure: go.Figure, name: str, alt: str, caption: str, folder: str) -> go.Figure:
        """Write a figure that is none of the review."""
        import plotly.io

        from review import export, gallery

        plotly.io.renderers.default = "plotly_mimetype"
        notebook = gallery.notebook_of(f"{folder}/{name}.json")
        export.export(figure, name, self.output / folder, alt, caption, notebook=notebook)
        return figure

    def versions(self) -> pd.DataFrame:
        """Return what made these numbers: corpus hash, Python and packages."""
        import sys

        import pandas as pd

        rows = [("corpus", self.corpus.hash[:12]), ("python", platform.python_version())]
        rows += [(name, installed(name)) for name in WATERMARK]
        if "review.generators" in sys.modules:
            rows += [(name, found) for name in LIBRARIES if (found := _version(name))]
        return pd.DataFrame(rows, columns=["what", "version"])


def _version(name: str) -> str:
    """Return the version of a package, "" if it is not installed."""
    try:
        return installed(name)
    except PackageNotFoundError:
        return ""


def start(
    corpus_dir: str = "",
    selection: str = corpora.DEFAULT,
    where: str = "",
    review_version: str = corpora.DEFAULT,
    seed: int = 0,
    output_dir: str = "",
) -> Session:
    """Load the corpus and check the parameters of a notebook.

    Parameters
    ----------
    corpus_dir : str
        Folder of a corpus; empty: the project's own ``data/``.
    selection, where, review_version : str
        As in :meth:`Corpus.studies` and :meth:`Corpus.version`.
    seed : int
        Of everything random.
    output_dir : str
        Where tables and figures go; empty: ``runs/interactive``.

    Raises
    ------
    ReviewError
        If the corpus is broken, a name does not exist, the filter cannot be read or the seed is negative.
    """
    from review.errors import ReviewError

    if seed < 0:
        raise ReviewError(f"the seed is {seed} -> choose 0 or a positive whole number")
    corpus = corpora.load(corpus_dir)
    output = Path(output_dir) if output_dir else paths.RUNS / "interactive"
    session = Session(corpus, corpus.resolve(selection), where, corpus.version(review_version), seed, output)
    corpus.studies(session.selection, where)
    return session
