"""The main job: run every notebook, gather tables and figures, write the report."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from review import corpus as corpora
from review import paths, report
from review.batch import campaign, crate, declarations, keys
from review.batch.campaign import UNCHANGED, Done, Options, Run
from review.batch.declarations import demonstrates
from review.batch.manifest import FINISHED, Event, Manifest
from review.batch.runner import OK, Outcome
from review.browser import find_browser
from review.errors import RunError, UnknownNameError, printable
from review.files import check_name, to_json, write_bytes, write_text
from review.notebook import FIGURES, TABLES

REPORT = "report.html"
SUMMARY = "summary.json"
WHOLE = "report"
"""Name of the report among the runs of the manifest."""
FULL, QUICK, NONE = DEMONSTRATIONS = ("full", "quick", "none")
SMALL = "at small sizes, which show that it runs and nothing more"


@dataclass(frozen=True)
class Result:
    """What a reproduction left behind.

    Attributes
    ----------
    folder : Path
        ``runs/<id>`` with executed notebooks, tables, figures and the report.
    outcomes : tuple of Outcome
        One a notebook.
    changed : tuple of str
        Names of the committed figures that were rewritten.
    undrawn : tuple of str
        Figures of which there is no static picture.
    caution : str
        What must be said of the selection.
    """

    folder: Path
    outcomes: tuple[Outcome, ...]
    changed: tuple[str, ...]
    undrawn: tuple[str, ...]
    caution: str = ""

    @property
    def good(self) -> bool:
        """Whether every notebook ran and kept its promises."""
        return all(outcome.status == OK for outcome in self.outcomes)


def reproduce(
    corpus_dir: str = "",
    selection: str = corpora.DEFAULT,
    version: str = corpora.DEFAULT,
    where: str = "",
    seed: int = 20260219,
    jobs: int = 2,
    notebooks: Sequence[Path] | None = None,
    demonstrations: str = FULL,
    folder: Path | None = None,
    force: bool = False,
    progress: TextIO | None = None,
) -> Result:
    """Execute the notebooks on a corpus and write the report.

    A notebook that ran before in the same folder is left as it is if nothing that it depends on changed, and all that it left
    is still there, unchanged.

    The committed figures in ``figures/`` are replaced only by a run on the project's own corpus with
    default parameters, and only where a figure changed.

    Parameters
    ----------
    corpus_dir, selection, version, where, seed
        Given to every notebook that declares them.
    jobs : int
        Processes at a time.
    notebooks : sequence of Path, optional
        Notebooks to run; all of ``notebooks/`` by default.
    demonstrations : {"full", "quick", "none"}
        What is done with the notebooks that run a generator, which need the extra ``generate``: run at their
        default sizes, run at the small sizes that they name themselves, or leave out.
    folder : Path, optional
        The output folder; ``runs/<selection>-<version>-<corpus hash>`` by default.
    force : bool
        Whether also what did not change is run.
    progress : text stream, optional
        Where the progress bar goes.

    Raises
    ------
    InputError
        If the corpus or a notebook is broken.
    Interrupted
        If the user stopped it; the next call goes on.
    RunError
        If there is no notebook to run, or another process works in the folder.
    UnknownNameError
        If `demonstrations`, the selection or the version has no such value.
    """
    from tqdm import tqdm

    if demonstrations not in DEMONSTRATIONS:
        raise UnknownNameError("way to run the demonstrations", demonstrations, DEMONSTRATIONS)
    corpus = corpora.load(corpus_dir)
    name, edition = corpus.resolve(selection), corpus.version(version)
    corpus.studies(name, where)
    sources = sorted(paths.NOTEBOOKS.glob("*.ipynb")) if notebooks is None else list(notebooks)
    if demonstrations == NONE:
        sources = [source for source in sources if not demonstrates(source)]
    if not sources:
        raise RunError(f"there is no notebook in {paths.NOTEBOOKS} -> restore the folder")
    small = demonstrations == QUICK
    default = not where and corpus.directory == paths.DATA and (selection, version) == (corpora.DEFAULT,) * 2
    parts = [name, edition or "unpublished", corpus.hash[:12], *["filtered"] * bool(where), *["quick"] * small]
    target = folder or paths.RUNS / paths.plain_name("-".join(parts))
    target = paths.real(target)
    values = {
        "corpus_dir": str(paths.real(Path(corpus_dir))) if corpus_dir else "",
        "selection": selection,
        "where": where,
        "review_version": version,
        "seed": seed,
    }
    for path in (target, paths.real(corpus.directory)):
        check_name(path)
    sizes = {source: declarations.quick(source) for source in sources}  # of demonstrations; empty for the others
    given = {source: values | size if small else values for source, size in sizes.items()}
    order = sorted(sources, key=lambda source: not sizes[source])  # the longest first
    with (
        Manifest(target) as book,
        tqdm(total=len(sources), desc="notebooks", file=progress or sys.stderr, disable=progress is None) as bar,
    ):

        def show(done: Done) -> None:
            bar.set_postfix_str(printable(f"{done.run.notebook.name}: {done.status}"))
            bar.update()

        planned = _plan({source: given[source] for source in order}, target, book.last, force)
        found = campaign.perform(book, planned, Options(jobs), show)
        outcomes = [_outcome(found[source.stem], SMALL if small and sizes[source] else "") for source in sources]
        drawn = sorted((target / FIGURES).glob("*.json"))
        pictures = [path.with_suffix(".svg") for path in drawn]
        asked = {"selection": name, "version": edition, "where": where, "seed": seed, "demonstrations": demonstrations}
        # no times: the same for the same run
        runs = [{"notebook": item.notebook, "status": item.status, "missing": list(item.missing)} for item in outcomes]
        summary = {"corpus": corpus.hash, **asked, "runs": runs}
        if not _told(book, summary, target) or any(one.status != UNCHANGED for one in found.values()):
            report.write_html(target / REPORT, corpus, name, edition, where, pictures, outcomes)
            write_text(target / SUMMARY, to_json(summary))
            files = {file: keys.of_file(target / file) for file in (REPORT, SUMMARY)}
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            book.add(Event(FINISHED, WHOLE, REPORT, summary, outputs=files, status=OK, began=now))
        crate.refresh(target)
    changed = publish(target / FIGURES, paths.FIGURES) if default and all(item.status == OK for item in outcomes) else ()
    undrawn = tuple(path.stem for path in pictures if not path.exists())
    return Result(target, tuple(outcomes), changed, undrawn, report.caution(corpus, selection))


def _told(book: Manifest, summary: Mapping[str, object], target: Path) -> bool:
    """Tell whether the report of these very runs is there, as it was written."""
    event = book.last.get(WHOLE)
    files = {} if event is None else event.outputs
    same = event is not None and event.parameters == summary
    return same and all((target / name).is_file() and keys.of_file(target / name) == held for name, held in files.items())


def _plan(given: Mapping[Path, Mapping[str, object]], target: Path, last: Mapping[str, Event], force: bool) -> tuple[Run, ...]:
    """Say of every notebook whether it has to run: also if one runs whose files it reads."""
    drawable = find_browser() is not None
    runs = [_run(source, target, values, last, force, drawable) for source, values in given.items()]
    while True:
        again = {run.notebook.name for run in runs if run.reasons}
        waits = [run for run in runs if not run.reasons and again & set(run.after)]
        if not waits:
            return tuple(runs)
        runs = [replace(run, reasons=("a notebook whose files it reads runs",)) if run in waits else run for run in runs]


def _run(source: Path, target: Path, values: Mapping[str, object], last: Mapping[str, Event], force: bool, drawable: bool) -> Run:
    known = declarations.declared(source)
    promises = declarations.promised(source) if campaign.OUTPUT in known else None
    given = {name: value for name, value in values.items() if name in known}
    key = keys.compute(keys.source(source), given)
    run = Run(source.stem, source, given, target, target / source.name, key, (), promises, declarations.awaited(source), True)
    reasons = campaign.stale(last.get(run.name), key, target, force=force)
    if not reasons and drawable:
        figures = [name for name in promises or () if Path(name).parent.name == FIGURES and name.endswith(".json")]
        bare = [name for name in figures if not (target / name).with_suffix(".svg").exists()]
        reasons = tuple(f"{name} has no picture yet" for name in bare)
    return replace(run, reasons=reasons)


def _outcome(done: Done, remark: str) -> Outcome:
    """Return what became of a notebook, now or when it last ran."""
    status = OK if done.status == UNCHANGED else done.status
    return Outcome(done.run.notebook.name, status, done.seconds, done.error, done.missing, remark)


def publish(source: Path, target: Path) -> tuple[str, ...]:
    """Copy the figures whose hash differs from the committed one; return their names.

    Interactive pages (``html/``) are always copied: they are not committed.
    """
    changed = []
    for mark in sorted(source.glob("*.sha256")):
        kept = target / mark.name
        files = sorted(path for path in source.glob(f"{mark.stem}.*") if path.is_file())
        same = kept.exists() and kept.read_bytes() == mark.read_bytes()
        if not same or any(not (target / path.name).exists() for path in files):
            named = {path.name for path in files} - {mark.name}
            for path in (path for path in target.glob(f"{mark.stem}.*") if path.is_file() and not same):
                if path.name not in named:
                    path.unlink()  # the old mark, and pictures of the old figure: they must not stand beside the new one
            for path in (path for path in files if path != mark):
                write_bytes(target / path.name, path.read_bytes())
            write_bytes(kept, mark.read_bytes())
            changed.append(mark.stem)
    for page in sorted((source / "html").glob("*")):
        write_bytes(target / "html" / page.name, page.read_bytes())
    return tuple(changed)


def summary_lines(result: Result) -> list[str]:
    """Return the closing words of a run: failures first, then what is where."""
    order = sorted(result.outcomes, key=lambda item: (item.status == OK, item.notebook))
    lines = []
    for item in order:
        detail = item.error or ", ".join(item.missing) or item.remark
        told = f"{item.status:>16}  {item.notebook}  {item.seconds:.1f} s{': ' + detail if detail else ''}"
        lines.append(printable(told))
    good = sum(item.status == OK for item in result.outcomes)
    lines.append(f"{good} of {len(result.outcomes)} notebooks ran and kept their promises")
    lines.append(f"tables: {result.folder / TABLES}")
    lines.append(f"report: {result.folder / REPORT}")
    if result.changed:
        lines.append(f"figures rewritten in {paths.FIGURES}: {', '.join(result.changed)}")
    if result.undrawn:
        lines.append(
            f"no static pictures of: {', '.join(result.undrawn)} (no browser could be used; "
            "HTML and JSON figures were written; install Chromium, then run again)"
        )
    return lines
