"""The review's search as data: concepts with their terms, written in the syntax of each source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from review.codebook import duplicates, plain, read_nodes
from review.errors import InputError, OptionError, Problem

SOURCES = ("pubmed", "arxiv", "openalex")
DEFAULT = Path(__file__).with_name("query.yaml")
_TERM = re.compile(r"[^\W_](?:[\w -]*[^\W_])?\*?")
_OPERATORS = re.compile(r"\b(?:AND|OR|NOT|ANDNOT)\b")
_PARTS = ("title", "note", "since", "concepts", "own")
MOST_TERMS = 100
"""Of one concept."""


@dataclass(frozen=True)
class Concept:
    """Terms of which a record has to match one.

    Attributes
    ----------
    name : str
    terms : tuple of str
        Words or phrases; an asterisk at the end stands for any ending.
    sources : tuple of str
        Where it is asked for.
    """

    name: str
    terms: tuple[str, ...]
    sources: tuple[str, ...] = SOURCES


@dataclass(frozen=True)
class Query:
    """What is asked for, whatever the source.

    Attributes
    ----------
    title, note : str
        What it looks for, and whose search it is.
    since : str
        First day as YYYY-MM-DD, unless another one is named; "" for none.
    concepts : tuple of Concept
        A record has to match each of them.
    own : mapping of str to str
        By source: a string that is sent as it is.
    """

    title: str
    note: str
    since: str
    concepts: tuple[Concept, ...]
    own: Mapping[str, str]

    def text(self, source: str) -> str:
        """Return the search in the syntax of one source, without dates.

        Raises
        ------
        OptionError
            If no concept is meant for that source.
        """
        if source in self.own:
            return self.own[source]
        concepts = [concept for concept in self.concepts if source in concept.sources]
        if not concepts:
            raise OptionError(f"the query has no concept for {source} -> add one, or leave {source} out of --source")
        return " AND ".join(f"({' OR '.join(_written(concept.terms, source))})" for concept in concepts)


def _written(terms: tuple[str, ...], source: str) -> list[str]:
    """Return terms as one source wants them."""
    if source == "pubmed":
        return [f'"{term}"[tiab]' for term in terms]
    if source == "arxiv":
        endings = [(term[:-1], f"{term[:-1]}s") if term.endswith("*") else (term,) for term in terms]
        return [f'{field}:"{one}"' for forms in endings for one in forms for field in ("ti", "abs")]
    bare = [term.removesuffix("*") for term in terms]
    return [f'"{term}"' if re.search(r"[ -]", term) else term for term in bare]


def load(path: Path | str = DEFAULT) -> Query:
    """Read and check a query.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    file = str(path)
    nodes = read_nodes(Path(path))
    data = plain(Path(path), nodes)
    problems = duplicates(Path(path), nodes)
    found = _query(data, file, problems)
    if problems:
        raise InputError(problems)
    return found


def _query(data: Any, file: str, problems: list[Problem]) -> Query:
    def problem(key: str, message: str, remedy: str) -> None:
        problems.append(Problem(file, None, key, message, remedy))

    if not isinstance(data, dict):
        problem("concepts", "the file is no mapping", "write it like review/living/query.yaml")
        return Query("", "", "", (), {})
    for name in data:
        if name not in _PARTS:
            problem(str(name), "there is no such part", f"use: {', '.join(_PARTS)}")
    for name in ("title", "note"):
        if not isinstance(data.get(name) or "", str):
            problem(name, "it is not text", "write one line of text, a number in quotes")
    own = data.get("own") or {}
    good = isinstance(own, dict) and all(isinstance(value, str) and value.strip() for value in own.values())
    if not good or not set(own) <= set(SOURCES):
        problem("own", "it is no text by source", f"write a text for some of: {', '.join(SOURCES)}")
        own = {}
    parts = data.get("concepts") or {}
    if not isinstance(parts, dict) or (not parts and not own):
        problem("concepts", "there is no concept", "write at least one, with its terms")
        parts = {}
    for name in parts:
        if not isinstance(name, str):
            problem(f"concepts.{name}", "the name is not text", "put it in quotes")
    concepts = tuple(_concept(str(name), part, problem) for name, part in parts.items())
    since = str(data.get("since") or "")
    if since and not is_day(since):
        problem("since", f"{since!r} is no day", "write YYYY-MM-DD")
    own = {str(name): " ".join(value.split()) for name, value in own.items()}
    return Query(str(data.get("title") or ""), str(data.get("note") or ""), since, concepts, own)


def _concept(name: str, part: Any, problem: Any) -> Concept:
    key = f"concepts.{name}"
    if not isinstance(part, dict) or not isinstance(part.get("terms"), list) or not part["terms"]:
        problem(key, "it has no list of terms", "write terms: and one term a line with a hyphen before it")
        return Concept(name, ())
    for other in (name for name in part if name not in ("terms", "sources")):
        problem(f"{key}.{other}", "there is no such part", "use: terms, sources")
    terms = tuple(" ".join(str(term).split()) for term in part["terms"])
    if len(terms) > MOST_TERMS:
        problem(key, f"it has {len(terms)} terms, {MOST_TERMS} are the most", "make it shorter")
    odd = [str(term) for term in part["terms"] if not isinstance(term, str)]
    for term in odd:
        problem(key, f"{term[:60]!r} is not text", "put it in quotes")
    for term in terms:
        if term not in odd and (not _TERM.fullmatch(term) or _OPERATORS.search(term)):
            remedy = "use letters, digits, blanks and hyphens; an asterisk at the end; for more write the whole string under own"
            problem(key, f"{term[:60]!r} is not a term", remedy)
    sources = part.get("sources", list(SOURCES))
    if not isinstance(sources, list) or not sources or not set(map(str, sources)) <= set(SOURCES):
        problem(f"{key}.sources", "it names no known source", f"use some of: {', '.join(SOURCES)}")
        sources = []
    return Concept(name, terms, tuple(map(str, sources)))


def is_day(text: str) -> bool:
    """Tell whether a text is a day as YYYY-MM-DD, from 1900 on."""
    try:
        return date.fromisoformat(text).isoformat() == text and text >= "1900"
    except ValueError:
        return False
