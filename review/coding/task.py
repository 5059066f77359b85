"""A coding task: some studies, the questions of the codebook, and for each coder an order of its own.

A task holds what a coder may see: identity, links and a text. It holds no code of anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import corpus as corpora
from review import strict_json
from review.coding import names
from review.errors import InputError, OptionError, UnknownNameError
from review.files import digest, read_text, to_json, write_text

if TYPE_CHECKING:
    from review.codebook import Dimension
    from review.corpus import Corpus

FORMAT = "synthetic-data-review/coding-task/1"
FILE = "task.json"
UNCODED, AGAIN, NAMED = "not coded yet", "coded again", "named"
"""Why the studies of a task are in it."""


@dataclass(frozen=True)
class Study:
    """What a coder is shown about one study.

    Attributes
    ----------
    key, title, authors, year, venue : str
    links : tuple of (str, str, str)
        Name of the register, identifier, address.
    text : str
        For example the abstract; "" if none was given.
    """

    key: str
    title: str
    authors: str
    year: str
    venue: str
    links: tuple[tuple[str, str, str], ...]
    text: str = ""


@dataclass(frozen=True)
class Task:
    """What is coded.

    Attributes
    ----------
    purpose : str
        Why these studies: :data:`UNCODED`, :data:`AGAIN` or :data:`NAMED`.
    studies : tuple of Study
        Sorted by key.
    dimensions : mapping of str to Dimension
        The questions, in the order of the codebook.
    seed : int
        Of the choice of studies and of the orders of the coders.
    """

    purpose: str
    studies: tuple[Study, ...]
    dimensions: Mapping[str, Dimension]
    seed: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything in the task."""
        return digest(to_json(self.plain()).encode())

    @cached_property
    def by_key(self) -> Mapping[str, Study]:
        """The studies by citation key."""
        return {study.key: study for study in self.studies}

    def plain(self) -> dict[str, Any]:
        """Return the task as JSON has it."""
        studies = [asdict(study) | {"links": [list(link) for link in study.links]} for study in self.studies]
        head = {"format": FORMAT, "purpose": self.purpose, "seed": self.seed}
        return {**head, "dimensions": questions(self.dimensions), "studies": studies}

    def order(self, coder: str) -> tuple[Study, ...]:
        """Return the studies in the random order of one coder: the same whenever it is asked for; "" is a look."""
        import numpy as np

        name = names.check(coder) if coder else ""
        draw = np.random.default_rng(list(bytes.fromhex(digest(self.digest.encode(), name.encode()))))
        return tuple(self.studies[int(place)] for place in draw.permutation(len(self.studies)))

    def write(self, folder: Path) -> None:
        """Write ``task.json``; nothing if it is there already.

        Raises
        ------
        InputError
            If the folder holds another task: the answers in it would belong to neither.
        """
        path = folder / FILE
        if not path.exists():
            write_text(path, to_json(self.plain()))
        elif read_text(path) != to_json(self.plain()):
            raise InputError.one(path, "the folder holds another task", "choose an empty folder, or load the task that is there")


def questions(dimensions: Mapping[str, Dimension]) -> list[dict[str, Any]]:
    """Return dimensions with their categories as JSON has them."""
    return [
        {
            "name": dimension.name,
            "title": dimension.title,
            "kind": dimension.kind,
            "absence": dimension.absence,
            "definition": dimension.definition,
            "categories": [asdict(category) for category in dimension.categories.values()],
        }
        for dimension in dimensions.values()
    ]


def uncoded(corpus: Corpus, coder: str = "consensus") -> dict[str, tuple[str, ...]]:
    """Return the studies that a coder has not coded in every dimension, with the dimensions that are left, by key."""
    rows = corpus.coding[corpus.coding["coder"] == coder]
    coded = set(zip(rows["key"], rows["dimension"], strict=True))
    every = corpus.codebook.dimensions
    left = {one.key: tuple(name for name in every if (one.key, name) not in coded) for one in corpus.references}
    return {key: dimensions for key, dimensions in left.items() if dimensions}


def plan(
    corpus: Corpus,
    *,
    n: int = 10,
    seed: int = 0,
    selection: str = corpora.DEFAULT,
    where: str = "",
    keys: Sequence[str] = (),
    texts: Mapping[str, str] | None = None,
) -> Task:
    """Choose studies to code.

    Studies named are taken. Else those come first that lack codes that count (whatever the selection): those without any, then
    those without some. If there are none, a random sample of the selection is coded again, which tests the codes that are there.

    Parameters
    ----------
    n : int
        Studies at most.
    seed : int
        The same corpus, numbers and seed give the same task.
    selection, where : str
        As in :meth:`Corpus.studies`.
    keys : sequence of str
        Citation keys.
    texts : mapping of str to str, optional
        Text of a study by key.

    Raises
    ------
    OptionError
        If there is nothing to choose, or a number cannot be.
    UnknownNameError
        If a key is not in the bibliography.
    """
    if n < 1:
        raise OptionError(f"n is {n} -> choose 1 or more studies")
    if seed < 0:
        raise OptionError(f"the seed is {seed} -> choose 0 or a positive whole number")
    every = corpus.studies(corpora.ALL).set_index("key", drop=False)
    for key in keys:
        if key not in every.index:
            raise UnknownNameError("study", key, list(every.index))
    purpose, chosen = (NAMED, list(dict.fromkeys(keys))) if keys else _choose(corpus, n, seed, selection, where)
    if not chosen:
        raise OptionError("no study is left by the selection and the filter -> choose others")
    columns = ["key", "title", "authors", "year", "venue", *(field for field, _, _ in corpora.ADDRESSES)]
    rows = every.loc[sorted(chosen), columns].to_dict("records")
    studies = tuple(_study(row, (texts or {}).get(str(row["key"]), "")) for row in rows)
    return Task(purpose, studies, corpus.codebook.dimensions, seed)


def _choose(corpus: Corpus, n: int, seed: int, selection: str, where: str) -> tuple[str, list[str]]:
    """Return studies by drawing lots, which stay the same for a study whichever others there are."""

    def lots(keys: Sequence[str]) -> list[str]:
        return sorted(keys, key=lambda key: digest(str(seed).encode(), key.encode()))

    left, dimensions = uncoded(corpus), len(corpus.codebook.dimensions)
    among = [key for key in corpus.studies(corpora.ALL, where)["key"] if key in left]
    whole = [key for key in among if len(left[key]) == dimensions]
    part = [key for key in among if len(left[key]) < dimensions]
    if among:
        return UNCODED, [*lots(whole), *lots(part)][:n]
    return AGAIN, lots(list(corpus.studies(selection, where)["key"]))[:n]


def _study(row: Mapping[Any, Any], text: str) -> Study:
    links = tuple((name, str(row[field]), f"{prefix}{row[field]}") for field, name, prefix in corpora.ADDRESSES if row[field])
    year = str(row["year"])
    return Study(row["key"], row["title"], row["authors"], year if year.isdecimal() else "", row["venue"], links, text)


def load(folder: Path, corpus: Corpus) -> Task:
    """Read the task of a folder.

    Raises
    ------
    InputError
        If it is broken, of another codebook, or has studies that the corpus does not have.
    """
    path = folder / FILE
    data = strict_json.load(path, "restore the file")
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError.one(path, f"this is not a file of the format {FORMAT}", "name the folder of a coding task")
    if data.get("dimensions") != questions(corpus.codebook.dimensions):
        message = "the task was made with another codebook"
        raise InputError.one(path, message, "restore that codebook, or begin a new task in another folder")
    try:
        studies = [
            Study(**row | {"links": tuple((one, two, three) for one, two, three in row["links"])}) for row in data["studies"]
        ]
        task = Task(data["purpose"], tuple(studies), corpus.codebook.dimensions, int(data["seed"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError.one(path, f"the task cannot be read ({error!r})", "restore the file") from None
    known = {reference.key for reference in corpus.references}
    for study in studies:
        if study.key not in known:
            raise InputError.one(path, "the study is not in the corpus", "name the corpus that is coded", study.key)
    return task
