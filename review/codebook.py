"""Dimensions and their closed vocabularies, read from ``codebook.yaml``."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from review.errors import InputError, Problem, UnknownNameError
from review.files import HIDING, NO_TEXT, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT = "not "
"""Prefix of a label in ``coding.csv`` that says: reported as not done."""

IDENTITY = (
    "key",
    "title",
    "authors",
    "year",
    "first_public",
    "venue",
    "kind",
    "doi",
    "arxiv",
    "pmid",
    "pmcid",
    "citation",
    "status",
)
"""Columns of a study that no dimension may take the name of."""

DEEPEST = 12
"""Levels of nesting that a codebook may have."""

_LINES = ("title", "definition", "include", "exclude")
_PARTS = ("title", "kind", "absence", "definition", "categories")


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


def flag(dimension: str, code: str) -> str:
    """Return the column of one label of a multi-label dimension."""
    return re.sub(r"\W", "_", f"{dimension}_{code}")


def load(path: Path) -> Codebook:
    """Read and check a codebook.

    Tags, anchors, aliases and merge keys are refused: a codebook is plain text in plain mappings.

    Raises
    ------
    InputError
        If the file is not YAML, or a dimension or category lacks a part; all problems at once.
    """
    root = read_nodes(path)
    data = plain(path, root)
    checker = _Checker(str(path), root)
    book = checker.codebook(data)
    if checker.problems:
        raise InputError(checker.problems)
    return book


def read_nodes(path: Path) -> Any:
    """Return the nodes of a file of plain YAML; None if it holds nothing.

    Raises
    ------
    InputError
        If it is not YAML, or has tags, anchors or merge keys, with the line.
    """
    import yaml

    text = read_text(path)
    try:
        return composed(str(path), text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        position = getattr(error, "position", None)
        line = mark.line + 1 if mark else None if position is None else text.count("\n", 0, position) + 1
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise InputError([Problem(str(path), line, None, problem, "correct the YAML")]) from None


def plain(path: Path, root: Any) -> Any:
    """Return nodes of plain YAML as plain values.

    Raises
    ------
    InputError
        If a value cannot be, such as a day that does not exist.
    """
    import yaml

    try:
        return None if root is None else yaml.SafeLoader("").construct_document(root)
    except (yaml.YAMLError, ValueError) as error:
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        mark = getattr(error, "problem_mark", None)
        raise InputError([Problem(str(path), mark.line + 1 if mark else None, None, problem, "correct the YAML")]) from None


def composed(file: str, text: str) -> Any:
    """Return the nodes of plain YAML, read in C where that is installed; an error is that of the reader in Python.

    Raises
    ------
    InputError
        If it has tags, anchors or merge keys, or is nested too deeply.
    yaml.YAMLError
        If it is not YAML.
    """
    import yaml

    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        refuse_clever(file, text, fast)
        return yaml.compose(text, Loader=fast)
    except yaml.YAMLError:
        refuse_clever(file, text)
        return yaml.compose(text, Loader=yaml.SafeLoader)


def duplicates(path: Path, root: Any) -> list[Problem]:
    """Return a problem for every key that stands twice in one mapping of plain YAML: the first of the two would be lost."""
    problems: list[Problem] = []
    nodes = [] if root is None else [root]
    while nodes:
        node = nodes.pop()
        pairs = node.value if node.id == "mapping" else []
        seen: set[str] = set()
        for key, _ in pairs:
            name = str(key.value)
            if key.id == "scalar" and name in seen:
                problems.append(Problem(str(path), key.start_mark.line + 1, name, "the key stands twice", "keep one of the two"))
            seen.add(name)
        nodes += [value for _, value in pairs] if pairs else [] if node.id == "scalar" else node.value
    return sorted(problems)


def refuse_clever(file: str, text: str, loader: Any = None) -> None:
    """Refuse what makes a small file large, deep or more than data, before anything is built from it."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader or yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        message, tag = "", getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            message = "anchors and aliases are not allowed"
        elif tag is not None:
            message = f"the tag {tag!r} is not allowed"
        elif isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style:
            message = "the merge key << is not allowed"
        elif isinstance(event, yaml.ScalarEvent) and (NO_TEXT.search(event.value) or HIDING.search(event.value)):
            message = "a value holds a control character, half of a character or a sign that reorders the text"
        elif depth > DEEPEST:
            message = f"more than {DEEPEST} levels of nesting"
        if message:
            remedy = "write the value out, as plain text in plain mappings"
            line = event.start_mark.line + 1 if event.start_mark else None
            raise InputError([Problem(file, line, None, message, remedy)])


class _Checker:
    """Builds the codebook and gathers what is wrong with it."""

    def __init__(self, file: str, root: Any) -> None:
        self.file = file
        self.root = root
        self.problems: list[Problem] = []
        self._pairs: dict[int, dict[str, tuple[Any, Any]]] = {}

    def line(self, *path: str) -> int | None:
        """Return the line of a key by its path, or of the last parent that exists."""
        node, line = self.root, None
        for name in path:
            found = self.pairs(node).get(name)
            if not found:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        return line

    def pairs(self, node: Any) -> dict[str, tuple[Any, Any]]:
        """Return the nodes of a mapping, keys and values, by what the keys say; none if it is no mapping."""
        if id(node) not in self._pairs:
            pairs = [] if node is None or node.id != "mapping" else node.value
            self._pairs[id(node)] = {key.value: (key, value) for key, value in pairs if key.id == "scalar"}
        return self._pairs[id(node)]

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
            node = self.pairs(node)[name][1]
        names = [str(key.value) for key, _ in node.value]
        for name in sorted(name for name, times in Counter(names).items() if times > 1):
            self.complain((*path, name), "the key stands twice", "keep one of the two")

    def surplus(self, data: dict[str, Any], known: tuple[str, ...], path: tuple[str, ...]) -> None:
        for name in data:
            if name not in known:
                self.complain((*path, name), f"{name!r} is not known here", f"use: {', '.join(known)}")

    def columns(self, dimensions: dict[str, Dimension]) -> None:
        """Complain about names that would give two columns of the table of studies one name."""
        taken = dict.fromkeys(IDENTITY, "a column of every study")
        for name, dimension in dimensions.items():
            places: dict[tuple[str, ...], str] = {("dimensions", name): name}
            if not dimension.exclusive:
                places |= {("dimensions", name, "categories", code): flag(name, code) for code in dimension.categories}
            for path, column in places.items():
                if column in taken:
                    self.complain(path, f"the column {column!r} is already {taken[column]}", "choose another name")
                taken[column] = ".".join(path)

    def text(self, data: dict[str, Any], name: str, path: tuple[str, ...]) -> str:
        value = data.get(name)
        if not isinstance(value, str) or not value.strip():
            self.complain((*path, name), f"{name!r} is missing, empty or not text", "write one line of text")
            return ""
        return value.strip()

    def codebook(self, data: Any) -> Codebook:
        top = self.mapping(data, ())
        self.surplus(top, ("review", "dimensions"), ())
        review = self.mapping(top.get("review"), ("review",)) if "review" in top else {}
        for name in ("title", "citation"):
            self.text(review, name, ("review",))
        raw = self.mapping(top.get("dimensions"), ("dimensions",)) if "dimensions" in top else {}
        if "dimensions" not in top:
            self.complain((), "there is no 'dimensions'", "add at least one dimension")
        dimensions = {name: self.dimension(name, value) for name, value in raw.items()}
        for name, value in review.items():
            if isinstance(value, dict | list | bool | None):
                self.complain(("review", name), f"{name!r} is not one line of text", "write one line of text")
        facts = {name: str(value).strip() for name, value in review.items()}
        self.columns(dimensions)
        return Codebook(MappingProxyType(facts), MappingProxyType(dimensions))

    def dimension(self, name: str, value: Any) -> Dimension:
        path = ("dimensions", name)
        if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
            self.complain(path, f"the dimension name {name!r} is not usable", "use letters, digits and _, a letter first")
        data = self.mapping(value, path)
        self.surplus(data, _PARTS, path)
        given = data.get("kind")
        if given not in ("single", "multiple"):
            self.complain((*path, "kind"), f"kind is {given!r}", "write 'single' or 'multiple'")
        kind: Literal["single", "multiple"] = "multiple" if given == "multiple" else "single"
        categories = {}
        raw = self.mapping(data["categories"], (*path, "categories")) if "categories" in data else {}
        if "categories" not in data:
            self.complain(path, "there are no categories", "add the closed vocabulary")
        for code, lines in raw.items():
            place = (*path, "categories", code)
            if code != code.strip() or code == "" or code.startswith(NOT) or ";" in code:
                self.complain(place, f"the code {code!r} is not usable", f"no outer blanks, no leading {NOT!r}, no ';'")
            parts = self.mapping(lines, place)
            self.surplus(parts, _LINES, place)
            texts = [self.text(parts, part, place) for part in _LINES] if parts else ["", "", "", ""]
            categories[code] = Category(code, *texts)
        title = self.text(data, "title", path)
        definition = self.text(data, "definition", path)
        absence = data.get("absence", "unknown")
        if absence not in ("unknown", "unlisted"):
            self.complain((*path, "absence"), f"absence is {absence!r}", "write 'unknown' or 'unlisted'")
        return Dimension(name, title, kind, definition, MappingProxyType(categories), absence)
