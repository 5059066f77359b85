"""The commands of the campaign in :mod:`commands`: what each needs, how it is called, and what it may leave behind."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import views
from views import Grown, View

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))  # for the servers and runs that other tests use

TINY = TESTS / "examples" / "valid" / "tiny"
BOOK = TESTS / "examples" / "notebooks" / "keeps-its-promise.ipynb"
DAYS = ("--since", "2026-01-02", "--until", "2026-03-04")
STUDIES = """@article{mine, title = {Test Record One}, author = {Doe, Jane}, year = {2021}, doi = {10.1000/new.1}}
@article{more, title = {Another Thing Altogether}, author = {Roe, R}, year = {2022}, doi = {10.1000/new.2}}
@misc{known, title = {Mood in a Survey}, author = {Chen, Cai}, year = 2020, eprint = {2001.00001}}
"""
OUT, CORPUS, CACHE = "out", "corpus", "cache"
RESULTS = (OUT, CORPUS, CACHE)
"""Folders of a box in which results are looked for; ``in``, ``home`` and ``tmp`` are beside them."""

Work = Callable[[Path, str], int]


@dataclass(frozen=True)
class Case:
    """One command.

    Attributes
    ----------
    name : str
    work : callable
        Does it in a box (a folder), the result depending on a word, ``old`` or ``new``; returns the exit status.
    prepare : callable
        Puts into the box what is needed.
    forked : bool
        Whether it can be run in a fork of a process that has imported everything; others start from nothing.
    older : bool
        Whether it can be run with the word ``old`` before, so that results of an earlier run are there.
    parts : bool
        Whether it starts processes of its own.
    volatile : mapping of str to View
        Names of files that hold times, with what of them has to be the same.
    journals : tuple of str
        Ends of names of files to which lines are added: of the last one a fault may leave a part.
    growing : mapping of str to Grown
        Names of files that hold what there is so far, and whether that is so: whole, but not the last word after a fault.
    settles : tuple of str
        Names of files which a second run without a fault writes otherwise than the first.
    own : tuple of str
        Names of files that a notebook writes, in its own way: half of one may be there until it is run again.
    marks : str
        End of names of files that stand for those beside them, and are gone while these are replaced.
    """

    name: str
    work: Work
    prepare: Callable[[Path], object] = lambda _: None
    forked: bool = True
    older: bool = True
    parts: bool = False
    volatile: Mapping[str, View] = field(default_factory=dict)
    journals: tuple[str, ...] = ()
    growing: Mapping[str, Grown] = field(default_factory=dict)
    settles: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    marks: str = ""


def review(*words: object) -> int:
    """Run a command of the project, as its program does."""
    from review import cli

    sys.argv = ["review", *map(str, words)]
    return cli.main()


def told(work: Work) -> Work:
    """Return work that is not a command with its errors told as commands tell them."""
    from review import errors

    def done(box: Path, word: str) -> int:
        try:
            return work(box, word)
        except (errors.ReviewError, OSError) as error:
            said = errors.with_remedy(error) if isinstance(error, OSError) else error
            print(f"review: {said}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 1

    return done


def tiny(box: Path) -> Path:
    """Copy the tiny corpus into a box."""
    return Path(shutil.copytree(TINY, box / CORPUS, dirs_exist_ok=True))


def seed(word: str) -> int:
    return {"old": 1, "new": 2}[word]


def specialized(box: Path, word: str) -> int:
    small = [part for text in ("steps=4", "width=16", "layers=1") for part in ("--option", text)]
    cell = ("--modality", "tabular", "--method", "specialized")
    return review("generate", *cell, "-n", 5, "--seed", seed(word), "--out", box / OUT / "rows.jsonl", *small)


def prompting(box: Path, word: str) -> int:
    cell = ("--modality", "text", "--method", "prompting", "--model", "endpoint", "--option", "compare=0")
    where = ("--out", box / OUT / "notes.jsonl", "--cache", box / CACHE)
    return review("generate", *cell, "-n", 4, "--seed", seed(word), *where)


def pair(box: Path) -> None:
    """Write a real and a synthetic table."""
    for name, count in (("real", 60), ("synthetic", 40)):
        with (box / "in" / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["value", "level", "label"])
            writer.writerows([place * 37 % 101, "abcd"[place % 4], "xy"[place // 2 % 2]] for place in range(count))


def evaluate(box: Path, word: str) -> int:
    data = ("--real", box / "in" / "real.csv", "--synthetic", box / "in" / "synthetic.csv", "--label", "label")
    return review("evaluate", *data, "--out", box / OUT / "card", "--deals", 20, "--repeats", 5, "--seed", seed(word))


def rate(box: Path, _: str) -> int:
    from review.evaluation import rating
    from review.evaluation.rating_file import RatingFile
    from review.evaluation.rubric import DEFAULT

    texts = {"real": ["One real text.", "Two real texts."], "synthetic": ["One made text.", "Two made texts."]}
    task = rating.plan(texts, n=4, seed=1)
    task.write(box / OUT)
    answers = {question.name: 1 for question in DEFAULT.questions}
    with RatingFile(box / OUT, task, "anna") as file:
        for position in range(task.total):
            if position not in file.latest:
                file.add(position, answers, 1.5)
    return 0


def code(box: Path, _: str) -> int:
    """Two people code two studies, a third settles what they disagree about, and the codes are written to the corpus."""
    from review import corpus, writing
    from review.coding import adjudication, codes, pairs
    from review.coding import task as tasks
    from review.coding.answers import Answer
    from review.errors import ReviewError

    writing.recover(box / CORPUS)  # as the error says that one gets without it
    loaded, folder = corpus.load(box / CORPUS), box / OUT / "task"
    keys = ("evans2021home", "fox2022clinic")
    task = tasks.load(folder, loaded) if (folder / tasks.FILE).exists() else tasks.plan(loaded, keys=keys, seed=1)
    task.write(folder)
    for coder, design in (("anna", "cohort"), ("ben", "trial")):
        file = codes.CodesFile(folder, task, coder)
        for key in keys:
            for name, label in (("design", design), ("outcome", "pain"), ("setting", "hospital")):
                if file.codes.answer(key, name).missing():
                    file.answer(key, name, Answer({label: "yes"}))
            file.finish(key)
        file.journal.close()
    both = pairs.choose(codes.load_all(folder, task), task)
    if both is None:
        raise ReviewError(f"{folder}: no two people have coded the same studies -> look for their files")
    decided = adjudication.Decided(folder, both, "cleo")
    for one in both.left(decided.decisions):
        decided.decide(one, "second", one.second, "the methods section says so")
    decided.journal.close()
    return review("code", "--corpus", box / CORPUS, "--work", folder, "--apply")


def with_list(box: Path) -> None:
    tiny(box)
    (box / "in" / "list.bib").write_text(STUDIES)


def import_list(box: Path, _: str) -> int:
    return review("import", box / "in" / "list.bib", "--as", "included", "--corpus", box / CORPUS, "--apply")


def import_candidates(box: Path, _: str) -> int:
    return review("import", box / "in" / "list.bib", "--corpus", box / CORPUS, "--apply")


def update(box: Path, _: str) -> int:
    """Fetch the recorded pages without pauses between them."""
    import time

    from living_server import SIZE

    from review.living import arxiv, openalex, pubmed
    from review.living.courier import Clock

    for module in (pubmed, arxiv, openalex):
        module.PORTION = SIZE
    Clock.__init__ = lambda self: self.__dict__.update(now=time.monotonic, sleep=lambda _: None)  # type: ignore[method-assign]
    return review("update", "--corpus", box / CORPUS, "--out", box / OUT / "update", *DAYS, "--apply")


def precode(box: Path, _: str) -> int:
    asked = ("--keys", "adams2018pain,brown2019sleep", "--dimension", "design", "--model", "endpoint", "--resamples", 10)
    return review("precode", "--corpus", box / CORPUS, *asked, "--cache", box / CACHE, "--apply")


def calibrated(box: Path) -> None:
    """Copy the project's corpus without its selection, so that there is something to solve."""
    from review import corpus, paths

    (box / CORPUS).mkdir()
    for name in corpus.FILES:
        if name != paths.SELECTION:
            shutil.copy(paths.DATA / name, box / CORPUS)


def select(box: Path, _: str) -> int:
    return review("select", "--write", "--corpus", box / CORPUS)


def exchange(box: Path, _: str) -> int:
    return review("asreview", "export", "--corpus", box / CORPUS, "--out", box / OUT / "records.csv")


def drawings(box: Path) -> None:
    """Copy two figures."""
    (box / "in" / "figures").mkdir()
    for name in ("00-overview", "02-shares"):
        for kind in ("json", "txt"):
            shutil.copy(TESTS.parent / "figures" / f"{name}.{kind}", box / "in" / "figures")


def figures(box: Path, word: str, folder: str = "figures") -> int:
    width = {"old": "double", "new": "single"}[word]
    where = ("--from", box / "in" / "figures", "--out", box / OUT / folder)
    return review("figures", "--format", "svg,pdf", "--width", width, *where)


def publication(box: Path, word: str) -> int:
    only = {"old": "00-overview", "new": "02-shares"}[word]
    where = ("--from", box / "in" / "figures", "--out", box / OUT / "paper")
    return review("figures", "--publication", "--only", only, *where)


def tables(box: Path, word: str, folder: str = "tables") -> int:
    where = ("--corpus", box / CORPUS, "--out", box / OUT / folder)
    return review("tables", "--resamples", 10, "--seed", seed(word), "--selection", {"old": "all", "new": "first"}[word], *where)


def checklist(_: Path, __: str) -> int:
    return review("checklist", "--format", "json")


def executed(box: Path) -> None:
    import site_runs

    site_runs.tiny_run(box / "in" / "run", tiny(box))


def site(box: Path, word: str, run: Path | None = None) -> int:
    kinds = {"old": "none", "new": "json"}[word]
    where = ("--corpus", box / CORPUS, "--from", run or box / "in" / "run", "--out", box / OUT / "site")
    return review("site", "--downloads", kinds, *where)


def books(box: Path) -> None:
    tiny(box)
    shutil.copy(BOOK, box / "in" / "one.ipynb")
    shutil.copy(BOOK, box / "in" / "two.ipynb")


def reproduce(box: Path, word: str) -> int:
    from review import reproduce as whole

    where = {"corpus_dir": str(box / CORPUS), "notebooks": [box / "in" / "one.ipynb", box / "in" / "two.ipynb"]}
    result = whole.reproduce(**where, selection={"old": "all", "new": "first"}[word], folder=box / OUT / "run")
    print("\n".join(whole.summary_lines(result)), file=sys.stderr)
    return 0 if result.good else 1


def grid(box: Path) -> None:
    """Write a notebook that leaves a table, and parameters of three runs."""
    book = json.loads(BOOK.read_text("utf-8"))
    book["cells"][1]["source"] = [
        "from pathlib import Path\n",
        "\n",
        'Path(output_dir, "number.csv").write_text(f"value\\n{number}\\n")',
    ]
    book["metadata"]["review"]["artefacts"] = ["number.csv"]
    (box / "in" / "book.ipynb").write_text(json.dumps(book))
    for word, numbers in (("old", [1, 2]), ("new", [2, 3, 4])):
        (box / "in" / f"{word}.json").write_text(json.dumps({"product": {"number": numbers}}))


def batch(box: Path, word: str) -> int:
    words = (box / "in" / "book.ipynb", "-f", box / "in" / f"{word}.json", "--out", box / OUT / "batch")
    return review("batch", *words, "--collect", "number.csv")


BOOKS = ("notebook.ipynb", "one.ipynb", "two.ipynb")
TIMES = {views.MANIFEST: views.runs, views.CRATE: views.crate, **dict.fromkeys(BOOKS, views.notebook)}
BESIDE = ("notices.json", "records.csv", "records.json", "summary.csv", "summary.json")
"""Of an update: tables of what is new beside the corpus as it is, so not a second time."""

UPDATING: dict[str, Any] = {
    "volatile": {views.JOURNAL: views.pages},
    "journals": (views.JOURNAL,),
    "growing": {"request.json": views.members},
    "settles": BESIDE,
}
RUNNING: dict[str, Any] = {"forked": False, "parts": True, "volatile": TIMES, "journals": (views.MANIFEST,)}
REPORTS = {"report.html": views.page, "summary.json": views.keys}
"""Of a reproduction: they also tell of notebooks that failed."""

DRAWN = {"manifest.json": views.drawings, "figures.csv": views.rows, "index.html": views.page}
"""Of figures for a paper: without room for the browser they tell why one was not drawn, and the old sheet is gone."""

LINES = (".jsonl",)

CASES = {
    case.name: case
    for case in (
        Case("generate-specialized", specialized),
        Case("generate-prompting", prompting),
        Case("evaluate", evaluate, pair),
        Case("rating", told(rate), older=False, journals=LINES),
        Case("coding", told(code), tiny, older=False, journals=LINES),
        Case("import-list", import_list, with_list, older=False),
        Case("import-candidates", import_candidates, with_list, older=False),
        Case("update", update, tiny, older=False, **UPDATING),
        Case("precode", precode, tiny, older=False),
        Case("select", select, calibrated, older=False),
        Case("asreview", exchange, tiny, older=False),
        Case("tables", tables, tiny),
        Case("checklist", checklist, older=False),
        Case("site", site, executed),
        Case("figures", figures, drawings, forked=False, parts=True, marks=".sha256"),
        Case("publication", publication, drawings, growing=DRAWN, marks="sheet.pdf", forked=False, parts=True),
        Case("batch", batch, grid, growing={"collected-number.csv": views.rows}, own=("number.csv",), **RUNNING),
        Case("reproduce", told(reproduce), books, own=("number.txt",), growing=REPORTS, **RUNNING),
    )
}

PAIRS = {
    "import and coding": (
        Case("import", import_candidates, with_list, older=False),
        Case("coding", told(code), with_list, older=False, journals=LINES),
    ),
    "tables and figures": (
        Case("tables", lambda box, word: tables(box, word, "both"), lambda box: (tiny(box), drawings(box))),
        Case("figures-beside", lambda box, word: figures(box, word, "both"), forked=False, parts=True),
    ),
    "reproduce and site": (
        Case("reproduce", told(reproduce), books, **RUNNING),
        Case("site", lambda box, word: site(box, word, box / OUT / "run")),
    ),
}
"""Two commands that work on one corpus or in one folder: the first of each pair prepares for both."""

if __name__ == "__main__":  # one command in a process of its own
    every = [*CASES.values(), *(case for both in PAIRS.values() for case in both if not case.forked)]
    chosen = next(case for case in every if case.name == sys.argv[1])
    sys.exit(chosen.work(Path(sys.argv[2]), sys.argv[3]))
