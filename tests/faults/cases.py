"""The commands of the campaign in :mod:`commands`: what each needs, how it is called, and what it may leave behind."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
    volatile : tuple of str
        Names of files that hold times.
    growing : tuple of str
        Names of files that hold what there is so far: whole, but not the last word after a fault.
    """

    name: str
    work: Work
    prepare: Callable[[Path], object] = lambda _: None
    forked: bool = True
    older: bool = True
    parts: bool = False
    volatile: tuple[str, ...] = ()
    growing: tuple[str, ...] = ()


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
    from review import corpus
    from review.coding import adjudication, codes, pairs
    from review.coding import task as tasks
    from review.coding.answers import Answer

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
    assert both is not None
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


def figures(box: Path, word: str) -> int:
    width = {"old": "double", "new": "single"}[word]
    where = ("--from", box / "in" / "figures", "--out", box / OUT / "figures")
    return review("figures", "--format", "svg,pdf", "--width", width, *where)


def publication(box: Path, word: str) -> int:
    only = {"old": "00-overview", "new": "02-shares"}[word]
    where = ("--from", box / "in" / "figures", "--out", box / OUT / "paper")
    return review("figures", "--publication", "--only", only, *where)


def tables(box: Path, word: str) -> int:
    where = ("--corpus", box / CORPUS, "--out", box / OUT / "tables")
    return review("tables", "--resamples", 10, "--seed", seed(word), "--selection", {"old": "all", "new": "first"}[word], *where)


def checklist(_: Path, __: str) -> int:
    return review("checklist", "--format", "json")


def executed(box: Path) -> None:
    import site_runs

    site_runs.tiny_run(box / "in" / "run", tiny(box))


def site(box: Path, word: str) -> int:
    kinds = {"old": "none", "new": "json"}[word]
    where = ("--corpus", box / CORPUS, "--from", box / "in" / "run", "--out", box / OUT / "site")
    return review("site", "--downloads", kinds, *where)


def books(box: Path) -> None:
    tiny(box)
    shutil.copy(BOOK, box / "in" / "one.ipynb")
    shutil.copy(BOOK, box / "in" / "two.ipynb")


def reproduce(box: Path, word: str) -> int:
    from review import reproduce as whole

    where = {"corpus_dir": str(box / CORPUS), "notebooks": [box / "in" / "one.ipynb", box / "in" / "two.ipynb"]}
    return 0 if whole.reproduce(**where, selection={"old": "all", "new": "first"}[word], folder=box / OUT / "run").good else 1


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


TIMES = ("journal.jsonl", "manifest.jsonl", "ro-crate-metadata.json", "notebook.ipynb", "one.ipynb", "two.ipynb", ".lock")
BESIDE = ("request.json", "notices.json", "records.csv", "records.json", "summary.csv", "summary.json")
"""Of an update: what was asked for, which grows, and tables of what is new beside the corpus as it is, so not a second time."""

CASES = {
    case.name: case
    for case in (
        Case("generate-specialized", specialized),
        Case("generate-prompting", prompting),
        Case("evaluate", evaluate, pair),
        Case("rating", told(rate), older=False),
        Case("coding", told(code), tiny, older=False),
        Case("import-list", import_list, with_list, older=False),
        Case("import-candidates", import_candidates, with_list, older=False),
        Case("update", update, tiny, older=False, volatile=(*TIMES, *BESIDE)),
        Case("precode", precode, tiny, older=False),
        Case("select", select, calibrated, older=False),
        Case("asreview", exchange, tiny, older=False),
        Case("tables", tables, tiny),
        Case("checklist", checklist, older=False),
        Case("site", site, executed),
        Case("figures", figures, drawings, forked=False, parts=True),
        Case("publication", publication, drawings, forked=False, parts=True),
        Case("batch", batch, grid, forked=False, parts=True, volatile=TIMES, growing=("collected-number.csv",)),
        Case("reproduce", told(reproduce), books, forked=False, parts=True, volatile=(*TIMES, "report.html")),
    )
}

if __name__ == "__main__":  # one command in a process of its own
    sys.exit(CASES[sys.argv[1]].work(Path(sys.argv[2]), sys.argv[3]))
