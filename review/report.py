"""The reproduction report: one HTML file that links every number to studies, codes and evidence."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import __version__, published, sensitivity, statistics
from review.corpus import link
from review.files import records, write_text

if TYPE_CHECKING:
    import pandas as pd

    from review.batch.runner import Outcome
    from review.corpus import Corpus

CAUTIONS = {
    "calibrated": (
        "The authors' list of studies is not available. The selection shown here is a calibrated reconstruction: verified "
        "studies chosen so that every published count holds. Agreement with the published shares is therefore by "
        "construction and is no independent confirmation of the review. What was not constrained (years, techniques, "
        "generators, joint tables, domains) describes this one selection among many that would fit as well."
    ),
    "sample": (
        "These studies are a purposive sample: they were collected with targets for each topic. Their shares estimate nothing."
    ),
    "listed": "The studies were listed, not chosen to meet the published counts: every status is independent.",
}
UNKNOWN = (
    "Unknown means that what was read does not tell; it does not mean no, so shares of labels that are often left open are "
    "lower bounds."
)


def caution(corpus: Corpus, selection: str = "default") -> str:
    """Return the sentence that has to stand beside every number of a selection."""
    return CAUTIONS[corpus.basis(selection)]


def coders(corpus: Corpus) -> str:
    """Return who coded the studies (``review.coders`` of the codebook), and what unknown means."""
    who = corpus.codebook.review.get("coders", "Who coded the studies, and from what, is not told in the codebook.")
    return f"{who} {UNKNOWN}"


def compute_studies(
    corpus: Corpus, selection: str = "default", where: str = "", dimensions: Sequence[str] | None = None
) -> pd.DataFrame:
    """List the studies of a selection with address and codes, one row a study.

    Parameters
    ----------
    corpus, selection, where
        As in :meth:`Corpus.studies`.
    dimensions : sequence of str, optional
        Dimensions to show; by default those that have published values.

    Returns
    -------
    DataFrame
        ``key, citation, title, venue, year, link, status`` and one text column a dimension.
    """
    frame = corpus.studies(selection, where)
    frame["link"] = [link(row) for row in records(frame)]
    printed = list(dict.fromkeys(corpus.published["dimension"])) or list(corpus.codebook.dimensions)
    shown = printed if dimensions is None else dict.fromkeys(dimensions)
    return frame[["key", "citation", "title", "venue", "year", "link", "status", *shown]]


def compute_cell(corpus: Corpus, modality: str, method: str, selection: str = "default", where: str = "") -> pd.DataFrame:
    """List the coded studies of one cell: those that make data of one modality by one method.

    Parameters
    ----------
    corpus, selection, where
        As in :meth:`Corpus.studies`.
    modality, method : str
        Codes of these dimensions. A corpus without the two dimensions has no such studies.

    Returns
    -------
    DataFrame
        ``key, citation, title, venue, year, link`` and, where the codebook has them, ``technique``, ``generator`` and
        ``evaluation``; sorted by year and key.
    """
    known = corpus.codebook.dimensions
    shown = [name for name in ("technique", "generator", "evaluation") if name in known]
    pair = {"modality", "method"}
    frame = compute_studies(corpus, selection, where, [*sorted(pair & set(known)), *shown])
    found = pair <= set(known)
    rows = frame[(frame["modality"] == modality) & (frame["method"] == method)] if found else frame.head(0)
    columns = ["key", "citation", "title", "venue", "year", "link", *shown]
    return rows.sort_values(["year", "key"], kind="stable")[columns].reset_index(drop=True)


def describe_cell(corpus: Corpus, modality: str, method: str, selection: str = "default", where: str = "") -> str:
    """Say how many coded studies one cell has, and within which bounds that number may be another.

    Joint counts of modality and method are not published, so no status but a range can stand beside them.
    """
    if not {"modality", "method"} <= set(corpus.codebook.dimensions):
        return "This corpus does not code modality and method: no study of it stands behind this demonstration."
    count = len(compute_cell(corpus, modality, method, selection, where))
    name = corpus.resolve(selection)
    found = f"{count or 'no'} {'study' if count == 1 else 'studies'} in the cell {modality} x {method}"
    text = f"The selection `{name}`{' (filtered)' if where else ''} has {found}. The review prints no joint counts"
    if corpus.basis(selection) == "calibrated" and not where.strip():
        table = sensitivity.compute_cell_bounds(corpus, "modality", "method", name)
        row = table[(table["row"] == modality) & (table["column"] == method)].iloc[0]
        span = f"always {row['min']}" if row["min"] == row["max"] else f"between {row['min']} and {row['max']}"
        text += f"; over all reconstructions that meet its printed shares this one is {span}"
    return text + "."


def compute_reproduction(corpus: Corpus, selection: str = "default", where: str = "", version: str = "default") -> pd.DataFrame:
    """Set every published value against the corpus and against all reconstructions.

    Returns
    -------
    DataFrame
        The columns of :func:`review.statistics.reproduce`, and those of :func:`review.sensitivity.with_ranges`.
    """
    return sensitivity.with_ranges(statistics.reproduce(corpus, selection, where, version), corpus, selection, where)[0]


def compute_evidence(corpus: Corpus, keys: Sequence[str]) -> pd.DataFrame:
    """Return every code of the given studies in the published dimensions, by all coders, with its evidence."""
    coding = corpus.coding
    dimensions = set(corpus.published["dimension"]) or set(corpus.codebook.dimensions)
    return coding[coding["key"].isin(set(keys)) & coding["dimension"].isin(dimensions)].reset_index(drop=True)


def write_html(
    path: Path,
    corpus: Corpus,
    selection: str = "default",
    version: str = "default",
    where: str = "",
    figures: Sequence[Path] = (),
    outcomes: Sequence[Outcome] = (),
) -> None:
    """Write the report as a single file without scripts and without links to anything but the sources.

    Parameters
    ----------
    path : Path
        The HTML file.
    corpus, selection, version, where
        As in :func:`review.statistics.reproduce`.
    figures : sequence of Path
        SVG files; caption and alt text are read from the ``.txt`` beside each. Those without an SVG are named as not drawn.
    outcomes : sequence of Outcome
        What became of each notebook.
    """
    from jinja2 import Environment, PackageLoader

    loader = PackageLoader("review", "templates")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    name, edition = corpus.resolve(selection), corpus.version(version)
    studies = compute_studies(corpus, selection, where)
    evidence = compute_evidence(corpus, list(studies["key"]))
    table = compute_reproduction(corpus, selection, where, version)
    counted = {
        (row["dimension"], row["category"]): _keys(corpus, row["dimension"], row["category"], selection, where)
        for row in records(table)
    }
    changes: list[dict[str, Any]] = []
    editions = list(dict.fromkeys(corpus.published["version"]))[:2]
    if len(editions) == 2:
        changes = records(published.compare_versions(corpus.published, corpus.codebook, *editions))
    text = environment.get_template("report.html.j2").render(
        review=corpus.codebook.review,
        hash=corpus.hash,
        package_version=__version__,
        selection=name,
        version=edition,
        where=where,
        basis=corpus.basis(selection),
        caution=caution(corpus, selection),
        coders=coders(corpus),
        statuses={key: value for key, value in statistics.STATUSES.items() if key in set(table["status"])},
        table=records(table),
        counted=counted,
        counts=records(corpus.implied[corpus.implied["version"] == edition]) if edition else [],
        changes=changes,
        editions=editions,
        figures=[_figure(figure) for figure in figures],
        outcomes=outcomes,
        studies=records(studies),
        evidence={key: records(rows) for key, rows in evidence.groupby("key")},
        dimensions=list(studies.columns[7:]),
        titles={dimension: corpus.codebook[dimension].title for dimension in corpus.codebook.dimensions},
    )
    write_text(path, text)


def _keys(corpus: Corpus, dimension: str, category: str, selection: str, where: str) -> list[str]:
    frame = corpus.studies(selection, where)
    mask = statistics.indicator(frame, corpus, dimension, category).fillna(False).astype(bool)
    return [str(key) for key in frame.loc[mask, "key"]]


def _figure(path: Path) -> dict[str, str]:
    """Return name, data address, alt text and caption of one figure."""
    note = path.with_suffix(".txt")
    alt, _, caption = note.read_text("utf-8").partition("\n\n") if note.exists() else ("", "", "")
    data = ""
    if path.exists():
        data = "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
    return {"name": path.stem, "data": data, "alt": alt.strip(), "caption": caption.strip()}


def compute_differences(corpus: Corpus, before: str, after: str) -> pd.DataFrame:
    """List the studies that are in one of two selections only; none where one of the two is no selection.

    Returns
    -------
    DataFrame
        ``only_in`` (name of the selection), then the columns of :func:`compute_studies`.
    """
    import pandas as pd

    parts = [compute_studies(corpus, "all").head(0).assign(only_in="")]
    for name, other in ((before, after), (after, before)):
        if {name, other} <= set(corpus.selections):
            frame = compute_studies(corpus, name)
            parts.append(frame[~frame["key"].isin(set(corpus.selections[other]))].assign(only_in=name))
    table = pd.concat(parts, ignore_index=True)
    return table[["only_in", *(column for column in table.columns if column != "only_in")]]
