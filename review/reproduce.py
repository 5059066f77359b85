"""The main job: run every notebook, gather tables and figures, write the report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from review import corpus as corpora
from review import paths, report
from review.batch import runner
from review.batch.runner import OK, Job, Outcome, awaited, declared, demonstrates, promised
from review.errors import RunError, UnknownNameError
from review.files import to_json, write_bytes, write_text
from review.notebook import FIGURES, TABLES

REPORT = "report.html"
SUMMARY = "summary.json"
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
    """

    folder: Path
    outcomes: tuple[Outcome, ...]
    changed: tuple[str, ...]
    undrawn: tuple[str, ...]

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
    progress: TextIO | None = None,
) -> Result:
    """Execute the notebooks on a corpus and write the report.

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
    progress : text stream, optional
        Where the progress bar goes.

    Raises
    ------
    InputError
        If the corpus or a notebook is broken.
    RunError
        If there is no notebook to run.
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
    target = folder or paths.RUNS / "-".join(
        [name, edition or "unpublished", corpus.hash[:12], *["filtered"] * bool(where), *["quick"] * small]
    )
    target = target.resolve()
    values = {
        "corpus_dir": str(Path(corpus_dir).resolve()) if corpus_dir else "",
        "selection": selection,
        "where": where,
        "review_version": version,
        "seed": seed,
        "output_dir": str(target),
    }
    sizes = [runner.quick(source) for source in sources]  # of demonstrations; empty for the others
    tasks = [_job(source, target, values | size if small else values) for source, size in zip(sources, sizes, strict=True)]
    with tqdm(total=len(tasks), desc="notebooks", file=progress or sys.stderr, disable=progress is None) as bar:

        def show(outcome: Outcome) -> None:
            bar.set_postfix_str(f"{outcome.notebook}: {outcome.status}")
            bar.update()

        order = sorted(range(len(tasks)), key=lambda place: not sizes[place])  # the longest first
        found = dict(zip(order, runner.run([tasks[place] for place in order], jobs, show), strict=True))
    outcomes = [found[place] for place in range(len(tasks))]
    if small:
        outcomes = [replace(one, remark=SMALL) if size else one for one, size in zip(outcomes, sizes, strict=True)]
    drawn = sorted((target / FIGURES).glob("*.json"))
    changed = publish(target / FIGURES, paths.FIGURES) if default and all(item.status == OK for item in outcomes) else ()
    pictures = [path.with_suffix(".svg") for path in drawn]
    report.write_html(target / REPORT, corpus, name, edition, where, pictures, outcomes)
    asked = {"selection": name, "version": edition, "where": where, "seed": seed, "demonstrations": demonstrations}
    # no times: the same for the same run
    runs = [{"notebook": item.notebook, "status": item.status, "missing": list(item.missing)} for item in outcomes]
    write_text(target / SUMMARY, to_json({"corpus": corpus.hash, **asked, "runs": runs}))
    undrawn = tuple(path.stem for path in pictures if not path.exists())
    return Result(target, tuple(outcomes), changed, undrawn)


def _job(source: Path, target: Path, values: dict[str, object]) -> Job:
    known = declared(source)
    given = {key: value for key, value in values.items() if key in known}
    return Job(source, target / source.name, given, tuple(target / name for name in promised(source)), awaited(source))


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
            for path in (path for path in target.glob(f"{mark.stem}.*") if path.is_file() and not same):
                path.unlink()  # a picture of the old figure must not stand beside the new one
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
        lines.append(f"{item.status:>16}  {item.notebook}  {item.seconds:.1f} s{': ' + detail if detail else ''}")
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
