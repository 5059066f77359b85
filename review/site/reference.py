"""The reference of the package, read from its sources: modules, functions, classes, and what their docstrings say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from review import paths
from review.site.clean import Resolve
from review.site.markdown import Headings, plain, render
from review.site.search import Entry

if TYPE_CHECKING:
    from griffe import Docstring

REFERENCE = "reference"
PACKAGE = "review"
_ROLE = re.compile(r":(?:func|class|meth|mod|data|attr|exc):`~?([^`]+)`")
_LITERAL = re.compile(r"``([^`]+)``")
_LINK = re.compile(r"`([\w.]+)`")
_TITLES = {
    "parameters": "Parameters",
    "other parameters": "Other parameters",
    "attributes": "Attributes",
    "returns": "Returns",
    "yields": "Yields",
    "raises": "Raises",
    "warns": "Warns",
    "examples": "Examples",
}


@dataclass(frozen=True)
class Row:
    """One parameter, attribute, result or error: its name, its type, and what is said of it as HTML."""

    name: str
    type: str
    html: str


@dataclass(frozen=True)
class Part:
    """One part of a docstring: its title ("" for the text), HTML, rows, or lines of code."""

    title: str
    html: str = ""
    rows: tuple[Row, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Thing:
    """A function, class, method, property or value.

    Attributes
    ----------
    name, place : str
        Name from the module on, for example ``Corpus.studies``; ``id`` on the page.
    kind : str
    signature : str
        As it would be called or, for a value, with its type and a short value.
    parts : tuple of Part
    members : tuple of Thing
        Of a class.
    """

    name: str
    place: str
    kind: str
    signature: str
    parts: tuple[Part, ...]
    members: tuple[Thing, ...] = ()


@dataclass(frozen=True)
class Module:
    """One module as a page."""

    name: str
    page: str
    summary: str
    parts: tuple[Part, ...]
    things: tuple[Thing, ...]

    def entry(self) -> Entry:
        """Return what a search can find in it."""
        every = [member for thing in self.things for member in (thing, *thing.members)]
        words = [self.summary, *(f"{thing.name}: {_first(thing.parts)}" for thing in every)]
        return Entry(self.page, self.name, "reference", ". ".join(words))


def _first(parts: tuple[Part, ...]) -> str:
    return plain(parts[0].html) if parts and parts[0].html else ""


def page_of(module: str) -> str:
    """Return the page of a module."""
    return f"{REFERENCE}/{module}.html"


@cache
def modules() -> tuple[Module, ...]:
    """Read every public module of the package, without importing it.

    Returns
    -------
    tuple of Module
        In the order of their names; without those that have neither a docstring nor public members.
    """
    import griffe

    root = griffe.load(PACKAGE, docstring_parser="numpy", search_paths=[str(paths.ROOT)], allow_inspection=False)
    found = {module.path: module for module in _walk(root)}
    targets = {path: page_of(path) for path in found}
    for path, module in found.items():
        for name, member in _members(module):
            places = [f"{path}.{name}", *(f"{path}.{name}.{inner}" for inner, _ in (_members(member) if member.is_class else []))]
            targets |= {place: f"{page_of(path)}#{place}" for place in places}
    targets |= _short(targets)
    return tuple(_Reader(targets, path).module(found[path]) for path in sorted(found))


def _short(targets: Mapping[str, str]) -> dict[str, str]:
    """Return the targets by the short names that docstrings use, ``Corpus.studies`` or ``Corpus``, where only one has it."""
    found: dict[str, list[str]] = {}
    for full, target in targets.items():
        parts = full.split(".")
        for at in range(1, len(parts)):
            if parts[at][:1].isupper() and not parts[at].isupper():
                found.setdefault(".".join(parts[at:]), []).append(target)
    return {name: places[0] for name, places in found.items() if len(places) == 1}


def _walk(module: Any) -> Iterator[Any]:
    """Return a module and those in it, but for private ones."""
    yield module
    for name, inner in sorted(module.modules.items()):
        if not name.startswith("_") and not inner.is_alias:
            yield from _walk(inner)


def _members(owner: Any) -> list[tuple[str, Any]]:
    """Return what is public and defined here, in the order of the source; values only with a docstring."""
    own = [(name, member) for name, member in owner.members.items() if not member.is_alias and not member.is_module]
    public = [(name, member) for name, member in own if not name.startswith("_")]
    kept = [(name, member) for name, member in public if not member.is_attribute or member.docstring]
    return sorted(kept, key=lambda pair: pair[1].lineno or 0)


class _Reader:
    """Turns what stands in one module into what a page shows; names in backticks become links where the site has them."""

    def __init__(self, targets: Mapping[str, str], path: str) -> None:
        self.targets = targets
        self.path = path
        self.page = page_of(path)

    def module(self, module: Any) -> Module:
        parts = self.parts(module.docstring, "")
        things = tuple(self.thing(name, member) for name, member in _members(module))
        return Module(module.path, self.page, _first(parts).partition("\n")[0], parts, things)

    def thing(self, name: str, member: Any, owner: str = "") -> Thing:
        full = f"{owner}.{name}" if owner else name
        inner = _members(member) if member.is_class else []
        own = tuple(self.thing(each, one, full) for each, one in inner)
        kind = "class" if member.is_class else "property" if "property" in member.labels else "value"
        if member.is_function:
            kind = "method" if owner else "function"
        return Thing(
            full, f"{self.path}.{full}", kind, _signature(full, member), self.parts(member.docstring, owner or name), own
        )

    def parts(self, docstring: Docstring | None, owner: str) -> tuple[Part, ...]:
        """Return the parts of a docstring."""
        found: list[Part] = []
        for section in docstring.parsed if docstring else ():
            kind = section.kind.value
            if kind == "text":
                found.append(Part("", html=self.html(section.value, owner)))
            elif kind == "examples":
                found.append(Part("Examples", code="\n".join(text for _, text in section.value)))
            elif kind == "admonition":
                found.append(Part(str(section.title or "Notes"), html=self.html(section.value.description, owner)))
            else:
                rows = tuple(self.row(item, kind, owner) for item in section.value)
                found.append(Part(_TITLES.get(kind, kind.capitalize()), rows=rows))
        return tuple(found)

    def row(self, item: Any, kind: str, owner: str) -> Row:
        name = "" if kind == "raises" else str(getattr(item, "name", "") or "")
        return Row(name, str(item.annotation or ""), self.html(item.description or "", owner))

    def html(self, text: str, owner: str) -> str:
        """Return text of a docstring as HTML."""
        marked = _LITERAL.sub(r"`\1`", _ROLE.sub(r"`\1`", text))
        linked = _LINK.sub(lambda match: self.link(match[1], owner), marked)
        return render(linked, self.resolve, Headings())

    def link(self, name: str, owner: str) -> str:
        """Return a name in backticks, as a link if the reference has it."""
        tried = (name, f"{self.path}.{owner}.{name}", f"{self.path}.{name}", f"{PACKAGE}.{name}")
        target = next((self.targets[full] for full in tried if full in self.targets), None)
        return f"[`{name}`]({target})" if target else f"`{name}`"

    @property
    def resolve(self) -> Resolve:
        """What rewrites the addresses that :meth:`link` wrote: pages of the reference are neighbours."""
        return lambda address: address.removeprefix(f"{REFERENCE}/") if address.startswith(f"{REFERENCE}/") else None


def _signature(name: str, member: Any) -> str:
    """Return how a thing is written in code."""
    if member.is_function:
        return str(member.signature(name=name))
    if member.is_class:
        bases = ", ".join(str(base) for base in member.bases)
        return f"class {name}({bases})" if bases else f"class {name}"
    value = str(member.value) if member.value is not None else ""
    annotation = f": {member.annotation}" if member.annotation else ""
    return f"{name}{annotation}" + (f" = {value}" if value and len(value) <= 80 and "property" not in member.labels else "")
