"""The files that are written in YAML: codebook, query and checklist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fuzzing.harness import Outcome, Target, WrongError, kept, refused, same, written_out
from fuzzing.seeds import TINY, YAML_LINES, YAML_WORDS, examples
from review import checklist, checklist_items, codebook, paths
from review.errors import OptionError, ReviewError
from review.living import query

DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def leaves(node: Any) -> Iterator[str]:
    """Return every scalar of a document, keys too."""
    if node.id == "scalar":
        yield " ".join(node.value.split())
    elif node.id == "sequence":
        for item in node.value:
            yield from leaves(item)
    else:
        for key, value in node.value:
            yield from leaves(key)
            yield from leaves(value)


def all_there(text: str, held: set[str], structure: tuple[str, ...]) -> None:
    """Raise if a scalar of the file is neither a word of the format nor held by what was read."""
    written_out(held)
    lost = {value for value in leaves(codebook.composed("", text)) if value not in structure and value not in held}
    if lost:
        raise WrongError(f"read and dropped: {sorted(lost)!r}")


def words_of(value: Any) -> set[str]:
    """Return every text in plain values, with one blank for any."""
    return {" ".join(str(one).split()) for one in _values(value)}


def codebook_seeds() -> list[bytes]:
    parts = "{title: C, definition: d, include: i, exclude: e}"
    small = (
        f"review: {{title: T, citation: C, note: 3, when: 2024-01-01}}\ndimensions:\n  d:\n    title: D\n    kind: single\n"
        f"    definition: x\n    categories:\n      c: {parts}\n      'e f': {parts}\n"
    )
    other = (
        'review:\n  title: >-\n    a\n    b\n  citation: "x\\n\\u00e9"\n'
        f"dimensions: {{m: {{title: M, kind: multiple, absence: unlisted, definition: x, categories: {{c-1: {parts}}}}}}}\n"
    )
    whole = (TINY / paths.CODEBOOK).read_text("utf-8")
    return [small.encode(), other.encode(), whole[: whole.index("  outcome:")].encode(), *examples(paths.CODEBOOK)[1::6]]


def attack_codebook(data: bytes, folder: Path) -> Outcome:
    path = folder / paths.CODEBOOK
    path.write_bytes(data)
    try:
        book = codebook.load(path)
    except ReviewError as error:
        return refused(error, paths.CODEBOOK)
    plain = _plain_codebook(book)
    structure = ("review", "dimensions", "title", "kind", "absence", "definition", "categories", "include", "exclude")
    facts = codebook.plain(path, codebook.read_nodes(path))["review"]
    (review,) = (value for key, value in codebook.composed("", data.decode()).value if key.value == "review")
    numbers = {value.value for key, value in review.value if not isinstance(facts[key.value], str)}
    all_there(data.decode(), words_of(plain) | numbers, structure)
    path.write_text(yaml.dump(plain, Dumper=DUMPER, allow_unicode=True, sort_keys=False), "utf-8")
    same(_plain_codebook(codebook.load(path)), plain, "written and read again")
    return kept(f"{len(book.dimensions)} dimensions")


def _plain_codebook(book: codebook.Codebook) -> dict[str, Any]:
    dimensions = {}
    for name, dimension in book.dimensions.items():
        categories = {
            code: {part: getattr(category, part) for part in ("title", "definition", "include", "exclude")}
            for code, category in dimension.categories.items()
        }
        parts = {part: getattr(dimension, part) for part in ("title", "kind", "absence", "definition")}
        dimensions[name] = {**parts, "categories": categories}
    return {"review": dict(book.review), "dimensions": dimensions}


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _values(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _values(item)
    else:
        yield value


def query_seeds() -> list[bytes]:
    small = (
        "title: T\nnote: N\nsince: 2020-01-01\nconcepts:\n  a:\n    terms:\n      - one two*\n      - GPT-4\n"
        "  b:\n    terms: [x]\n    sources: [arxiv, openalex]\n"
    )
    return [small.encode(), (small + "own:\n  pubmed: '(a[tiab] OR b) AND c'\n").encode(), b"own: {arxiv: 'all:x'}\n"]


def attack_query(data: bytes, folder: Path) -> Outcome:
    path = folder / "query.yaml"
    path.write_bytes(data)
    try:
        found = query.load(path)
    except ReviewError as error:
        return refused(error, path.name)
    concepts = {one.name: {"terms": list(one.terms), "sources": list(one.sources)} for one in found.concepts}
    plain = {"title": found.title, "note": found.note, "since": found.since, "concepts": concepts, "own": dict(found.own)}
    empty = ("", "~", "null", "Null", "NULL")
    all_there(data.decode(), words_of(plain), ("title", "note", "since", "concepts", "own", "terms", "sources", *empty))
    path.write_text(yaml.dump(plain, Dumper=DUMPER, allow_unicode=True, sort_keys=False), "utf-8")
    same(query.load(path), found, "written and read again")
    for source in query.SOURCES:
        try:
            text = found.text(source)
        except OptionError as error:
            refused(error)
        else:
            if not text.strip() or "\n" in text:
                raise WrongError(f"the search for {source} is {text!r}")
    return kept(f"{len(found.concepts)} concepts")


def checklist_seeds() -> list[bytes]:
    names = "prisma_scr: {name: A, citation: B}\n  prisma_2020: {name: C, citation: D}"
    head = f"guidelines:\n  {names}\nscope: S\nnumbering: N\nitems:\n"
    first = (
        '  - {prisma_scr: "1", item: I, prisma_2020: ["1", "2a"], item_2020: J, section: Title, asks: Q, status: partly, how: H, '
        "where: [README.md, 'README.md#Licence', review.corpus.load]}\n"
    )
    second = (
        '  - prisma_2020: ["3"]\n    item_2020: K\n    section: Other\n    asks: Q | q\n    optional: true\n'
        "    status: not answered\n    where: []\n    how: H\n"
    )
    return [(head + first).encode(), (head + second).encode(), (head + first + second).encode()]


def attack_checklist(data: bytes, folder: Path) -> Outcome:
    path = folder / "checklist.yaml"
    path.write_bytes(data)
    try:
        found = checklist_items.load(path)
    except ReviewError as error:
        return refused(error, path.name)
    held = words_of([[list(vars(item).values()) for item in found.items], found.scope, found.numbering, found.guidelines])
    words = ("guidelines", "scope", "numbering", "items", "name", "citation", *checklist_items.COLUMNS)
    yes_or_no = [form(word) for word in ("true", "yes", "on", "false", "no", "off") for form in (str, str.title, str.upper)]
    all_there(data.decode(), held, (*words, *yes_or_no))
    checklist.to_markdown(found)
    same(len(checklist.compute_checklist(found)), len(found.items), "rows of the table")
    checklist_items.unresolved(found, folder)
    return kept(f"{len(found.items)} items")


WORDS = (*YAML_WORDS, *YAML_LINES)
TARGETS = (
    Target("codebook", codebook_seeds, attack_codebook, WORDS),
    Target("query", query_seeds, attack_query, WORDS),
    Target("checklist", checklist_seeds, attack_checklist, WORDS),
)
