"""What a notebook and the command line do with a coding task: begin it, tell how far it is, compare two coders."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import paths
from review.coding import adjudication, codes, names, outcome, pairs, texts
from review.coding import task as tasks
from review.coding.codes import Codes
from review.coding.outcome import Outcome
from review.coding.task import Task
from review.errors import OptionError, ReviewError

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus
    from review.notebook import Session

HOME = paths.RUNS / "coding"
"""Where tasks are, each in a folder named by its digest."""


@dataclass(frozen=True)
class Work:
    """A coding task in its folder.

    Attributes
    ----------
    corpus : Corpus
    task : Task
    folder : Path
        Holds ``task.json``, ``codes-NAME.jsonl`` and ``adjudication-NAME+NAME.jsonl``; it need not be there for a look.
    coder : str
        Who codes here; "" is a look.
    seed : int
        Of the bootstrap.
    """

    corpus: Corpus
    task: Task
    folder: Path
    coder: str = ""
    seed: int = 0

    def codes(self) -> dict[str, Codes]:
        """Return the answers of everybody who has begun, by name; not for the eyes of a coder who has not finished."""
        return codes.load_all(self.folder, self.task)

    @property
    def options(self) -> str:
        """The options of ``review code`` that name this task."""
        own = paths.real(self.corpus.directory) == paths.real(paths.DATA)
        return f"{'' if own else f'--corpus {_shown(self.corpus.directory)} '}--work {_shown(self.folder)}"

    def show(self) -> Any:
        """Return the widget in which the coder answers."""
        from review.coding import widget

        return widget.show(self.task, self.coder, self.folder)

    def studies(self) -> pd.DataFrame:
        """List the studies of the task: ``key, year, title, link, text`` (whether there is one), ``why``."""
        import pandas as pd

        rows = [
            (
                study.key,
                study.year,
                study.title,
                next((link for _, _, link in study.links), ""),
                bool(study.text),
                self.task.purpose,
            )
            for study in self.task.studies
        ]
        return pd.DataFrame(rows, columns=["key", "year", "title", "link", "text", "why"])

    def progress(self) -> pd.DataFrame:
        """Tell how far everybody is, without any code: ``coder, finished, of, questions_open, closed``."""
        import pandas as pd

        rows = []
        for name, held in self.codes().items():
            left = sum(len(held.open_dimensions(study.key)) for study in self.task.studies)
            rows.append((name, len(held.finished_studies), len(self.task.studies), left, held.closed))
        return pd.DataFrame(rows, columns=["coder", "finished", "of", "questions_open", "closed"])

    def unfinished(self, *people: str) -> str:
        """Return the first of some people who has begun and not finished, and so may see no results; "" if there is none."""
        for name in people:
            held = codes.load(self.folder, self.task, name) if name else None
            if held is not None and (held.answers or name == self.coder) and not held.complete:
                return name
        return ""

    def outcome(self, first: str = "", second: str = "") -> Outcome | None:
        """Return what two coders made of the task; None if fewer than two have finished a study.

        Raises
        ------
        OptionError
            As :func:`review.coding.pairs.choose`.
        """
        pair = pairs.choose(self.codes(), self.task, first, second)
        if pair is None:
            return None
        return Outcome(self.corpus, pair, adjudication.load(self.folder, self.task, pair.coders))


def begin(session: Session, coder: str = "", *, n: int = 10, keys: str = "", texts_file: str = "", coding_dir: str = "") -> Work:
    """Take up a coding task, or begin one.

    Parameters
    ----------
    session : Session
        Of the notebook: its corpus, selection, filter and seed choose the studies.
    coder : str
        Name of the person who codes; "" is a look: no file is written.
    n : int
        Studies at most.
    keys : str
        Citation keys with commas between them; "" takes those that are not coded yet, or else a random sample.
    texts_file : str
        As :func:`review.coding.texts.read` takes it; "" is none.
    coding_dir : str
        Folder of the task; a task that is there is taken up as it is. "" is one in ``runs/coding``, or in ``coding`` of the
        output folder if one was named.

    Raises
    ------
    OptionError
        If the name or a number cannot be used.
    InputError
        If a file is broken.
    """
    corpus = session.corpus
    folder = Path(coding_dir) if coding_dir else None
    if folder is not None and (folder / tasks.FILE).exists():
        task = tasks.load(folder, corpus)
    else:
        known = [reference.key for reference in corpus.references]
        held = texts.read(Path(texts_file), known) if texts_file else {}
        named = [key.strip() for key in keys.split(",") if key.strip()]
        task = tasks.plan(
            corpus, n=n, seed=session.seed, selection=session.selection, where=session.where, keys=named, texts=held
        )
        home = HOME if session.output == paths.RUNS / "interactive" else session.output / "coding"
        folder = folder or home / task.digest[:8]
    if coder:
        if not codes.file_of(folder, coder).exists():
            names.check_new(coder, corpus, task.by_key)
        task.write(folder)
    return Work(corpus, task, folder, coder, session.seed)


def find(corpus: Corpus, folder: Path | None = None) -> Work:
    """Return the task of a folder; without one the only task in ``runs/coding`` that fits the corpus.

    Raises
    ------
    OptionError
        If there is none, or more than one.
    InputError
        If it is broken or of another corpus.
    """
    if folder is not None:
        return Work(corpus, tasks.load(folder, corpus), folder)
    fitting: dict[Path, Task] = {}
    for path in sorted(HOME.glob(f"*/{tasks.FILE}")):
        try:
            fitting[path.parent] = tasks.load(path.parent, corpus)
        except ReviewError:  # a task of another corpus
            continue
    if len(fitting) != 1:
        found = ", ".join(map(str, fitting)) or f"none in {HOME}"
        raise OptionError(f"{len(fitting)} coding tasks fit this corpus ({found}) -> name one: --work DIR")
    return Work(corpus, *next((task, path) for path, task in fitting.items()))


def _shown(folder: Path) -> str:
    """Return a folder as one types it: inside the project relative to it."""
    path = paths.real(folder)
    return shlex.quote(str(path.relative_to(paths.ROOT) if path.is_relative_to(paths.ROOT) else folder))


def questions(dimensions: Mapping[str, Any]) -> pd.DataFrame:
    """List the codebook as coders see it: ``dimension, kind, code, title, definition, include, exclude``."""
    import pandas as pd

    rows = [
        (dimension.name, dimension.kind, code.code, code.title, code.definition, code.include, code.exclude)
        for dimension in dimensions.values()
        for code in dimension.categories.values()
    ]
    return pd.DataFrame(rows, columns=["dimension", "kind", "code", "title", "definition", "include", "exclude"])


def few(studies: int) -> str:
    """Return the sentence that has to stand beside shares of few studies."""
    many = f"{studies} studies" if studies != 1 else "1 study"
    if studies >= outcome.FEW:
        return f"Over {many}."
    return f"**Over {many} only: read the counts; shares and coefficients are a hint, and intervals wide or missing.**"
