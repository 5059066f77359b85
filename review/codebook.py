"""Dimensions and their closed vocabularies, read from ``codebook.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from review.errors import InputError, Problem, UnknownNameError
from review.files import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT = "not "
"""Prefix of a label in ``coding.csv`` that says: reported as not done."""

_LINES = ("title", "definition", "include", "exclude")


@dataclass(frozen=True)
class Category:
    """One code of a dimension, with the lines that a coder needs."""

    code: str
    title: str
    definition: str
    include: str
    exclude: str


@dataclass(frozen=True)
class Dimension:
    """One question that is asked of every study.

    Attributes
    ----------
    name, title, definition : str
        Name in files, name for people, and what is asked.
    kind : {"single", "multiple"}
        Whether a study has exactly one code or any number of them.
    categories : mapping of str to Category
        The closed vocabulary, in the order of the codebook.
    absence : {"unknown", "unlisted"}
        What a missing label of a multi-label dimension means: nothing, or (in a study with at least one
        label) that the label does not apply.
    """

    name: str
    title: str
    kind: Literal["single", "multiple"]
    definition: str
    categories: Mapping[str, Category]
    absence: Literal["unknown", "unlisted"] = "unknown"

    @property
    def exclusive(self) -> bool:
        """Whether the categories exclude one another."""
        return self.kind == "single"

    def allows(self, value: str) -> bool:
        """Tell whether ``value`` may stand in ``coding.csv`` for this dimension."""
        if value in self.categories or value == "":
            return True
        return not self.exclusive and value.startswith(NOT) and value[len(NOT) :] in self.categories


@dataclass(frozen=True)
class Codebook:
    """The review that is coded, and its dimensions in order."""

    review: Mapping[str, str]
    dimensions: Mapping[str, Dimension]

    def __getitem__(self, name: str) -> Dimension:
        if name not in self.dimensions:
            raise UnknownNameError("dimension", name, list(self.dimensions))
        return self.dimensions[name]


def load(path: Path) -> Codebook:
    """Read and check a codebook.

    Raises
    ------
    InputError
        If the file is not YAML, or a dimension or category lacks a part; all problems at once.
    """
    import yaml

    text = read_text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = None if mark is None else mark.line + 1
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise InputError([Problem(str(path), line, None, problem, "correct the YAML")]) from None
    except (RecursionError, ValueError) as error:
        raise InputError([Problem(str(path), None, None, str(error), "correct the YAML")]) from None
    checker = _Checker(str(path), root)
    book = checker.codebook(data)
    if checker.problems:
        raise InputError(checker.problems)
    return book


class _Checker:
    """Builds the codebook and gathers what is wrong with it."""

    def __init__(self, file: str, root: Any) -> None:
        self.file = file
        self.root = root
        self.problems: list[Problem] = []

    def line(self, *path: str) -> int | None:
        """Return the line of a key by its path, or of the last parent that exists."""
        node, line = self.root, None
        for name in path:
            pairs = [] if node is None or node.id != "mapping" else node.value
            found = [(key, value) for key, value in pairs if key.value == name]
            if not found:
                break
            line, node = found[-1][0].start_mark.line + 1, found[-1][1]
        return line

    def complain(self, path: tuple[str, ...], message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, self.line(*path), ".".join(path) or None, message, remedy))

    def mapping(self, value: Any, path: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict) or not value:
            self.complain(path, "a mapping with at least one entry is expected", "see data/codebook.yaml")
            return {}
        self.duplicates(path)
        for key in value:
            if not isinstance(key, str):
                self.complain(path, f"the key {key!r} is not text", "put it in quotes")
        return {key: item for key, item in value.items() if isinstance(key, str)}

    def duplicates(self, path: tuple[str, ...]) -> None:
        node = self.root
        for name in path:
            node = next(value for key, value in node.value if key.value == name)
        names = [key.value for key, _ in node.value]
        for name in sorted({str(name) for name in names if names.count(name) > 1}):
            self.complain((*path, name), "the key stands twice", "keep one of the two")

    def text(self, data: dict[str, Any], name: str, path: tuple[str, ...]) -> str:
        value = data.get(name)
        if not isinstance(value, str) or not value.strip():
            self.complain((*path, name), f"{name!r} is missing, empty or not text", "write one line of text")
            return ""
        return value.strip()

    def codebook(self, data: Any) -> Codebook:
        top = self.mapping(data, ())
        review = self.mapping(top.get("review"), ("review",)) if "review" in top else {}
        for name in ("title", "citation"):
            self.text(review, name, ("review",))
        raw = self.mapping(top.get("dimensions"), ("dimensions",)) if "dimensions" in top else {}
        if "dimensions" not in top:
            self.complain((), "there is no 'dimensions'", "add at least one dimension")
        dimensions = {name: self.dimension(name, value) for name, value in raw.items()}
        facts = {name: str(value) for name, value in review.items()}
        return Codebook(MappingProxyType(facts), MappingProxyType(dimensions))

    def dimension(self, name: str, value: Any) -> Dimension:
        path = ("dimensions", name)
        data = self.mapping(value, path)
        kind = data.get("kind")
        if kind not in ("single", "multiple"):
            self.complain((*path, "kind"), f"kind is {kind!r}", "write 'single' or 'multiple'")
            kind = "single"
        categories = {}
        raw = self.mapping(data["categories"], (*path, "categories")) if "categories" in data else {}
        if "categories" not in data:
            self.complain(path, "there are no categories", "add the closed vocabulary")
        for code, lines in raw.items():
            place = (*path, "categories", code)
            if code != code.strip() or code == "" or code.startswith(NOT):
                self.complain(place, f"the code {code!r} is not usable", f"no outer blanks, no leading {NOT!r}")
            parts = self.mapping(lines, place)
            texts = [self.text(parts, part, place) for part in _LINES] if parts else ["", "", "", ""]
            categories[code] = Category(code, *texts)
        title = self.text(data, "title", path)
        definition = self.text(data, "definition", path)
        absence = data.get("absence", "unknown")
        if absence not in ("unknown", "unlisted"):
            self.complain((*path, "absence"), f"absence is {absence!r}", "write 'unknown' or 'unlisted'")
        return Dimension(name, title, kind, definition, MappingProxyType(categories), absence)
