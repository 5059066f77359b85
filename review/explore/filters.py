"""What a reader chooses, as one ``where`` expression: the same text filters a notebook, a command or a batch."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from review.codebook import Dimension, flag
from review.corpus import DEFAULT
from review.errors import OptionError, UnknownNameError

if TYPE_CHECKING:
    from review.corpus import Corpus


@dataclass(frozen=True)
class Labels:
    """What is asked of one dimension; nothing chosen asks nothing.

    Attributes
    ----------
    codes : tuple of str
        Codes of the dimension of which a study has any.
    every : bool
        Whether it must have all of them (several labels only).
    unknown : bool
        Whether studies without a known code are taken as well; with no code chosen, they alone.
    """

    codes: tuple[str, ...] = ()
    every: bool = False
    unknown: bool = False


@dataclass(frozen=True)
class Filters:
    """What is asked of the studies of a selection; all of it together.

    Attributes
    ----------
    selection : str
        A selection of the corpus, or ``default``.
    first, last : int, optional
        Years from which and up to which studies are taken, both included.
    undated : bool
        Whether studies without a year are taken although a year is asked for.
    labels : mapping of str to Labels
        What is asked of each dimension, by its name.
    text : str
        Any further filter, as in :func:`review.filters.matches`.
    """

    selection: str = DEFAULT
    first: int | None = None
    last: int | None = None
    undated: bool = False
    labels: Mapping[str, Labels] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""

    def where(self, corpus: Corpus) -> str:
        """Return the filter as one expression, "" if nothing is asked.

        Raises
        ------
        ReviewError
            If a dimension or code is not in the codebook, all of several codes are asked of a dimension that has one a
            study, or the text is no filter by itself.
        """
        parts = [*self._years(), *self._labels(corpus)]
        text = _alone(corpus, self.text)
        if text and parts:
            text = f"({text})"
        return " and ".join([*parts, text] if text else parts)

    def without(self, dimension: str) -> Filters:
        """Return the same filters with nothing asked of one dimension."""
        return replace(self, labels={name: asked for name, asked in self.labels.items() if name != dimension})

    def _years(self) -> Iterable[str]:
        bounds = [f"year >= {self.first}"] if self.first is not None else []
        bounds += [f"year <= {self.last}"] if self.last is not None else []
        if not bounds:
            return
        both = " and ".join(bounds)
        yield f"({both} or year is unknown)" if self.undated else both

    def _labels(self, corpus: Corpus) -> Iterable[str]:
        for name in self.labels:
            corpus.codebook[name]  # refuses a name that is no dimension
        for name, dimension in corpus.codebook.dimensions.items():
            asked = self.labels.get(name, Labels())
            for code in asked.codes:
                if code not in dimension.categories:
                    raise UnknownNameError(f"code of {name!r}", code, list(dimension.categories))
            terms = _terms(dimension, asked)
            if asked.unknown:
                terms.append(f"{name} is unknown")
            if terms:
                yield terms[0] if len(terms) == 1 else f"({' or '.join(terms)})"


def _terms(dimension: Dimension, asked: Labels) -> list[str]:
    """Return expressions of which one must hold: the codes of a dimension that are asked for."""
    codes = list(dict.fromkeys(asked.codes))
    if not codes:
        return []
    if dimension.exclusive:
        if asked.every and len(codes) > 1:
            raise OptionError(f"a study has one code of {dimension.name!r} -> ask for any of: {', '.join(codes)}")
        quoted = [json.dumps(code, ensure_ascii=False) for code in codes]
        return [f"{dimension.name} == {quoted[0]}" if len(quoted) == 1 else f"{dimension.name} in [{', '.join(quoted)}]"]
    flags = [flag(dimension.name, code) for code in codes]
    return [" and ".join(flags)] if asked.every else flags


def _alone(corpus: Corpus, text: str) -> str:
    """Return a filter that was typed, checked by itself, so that brackets can be put around it."""
    from review.filters import matches

    text = text.strip()
    if not text:
        return ""
    matches(corpus.studies().head(0), text)
    has_comment_or_break = any(sign in text for sign in "#\r\n\f")
    return ast.unparse(ast.parse(text, mode="eval")) if has_comment_or_break else text


def from_page(data: Any) -> tuple[Filters, str]:
    """Return the filters and the dimension that a page sends.

    Raises
    ------
    OptionError
        If the message has another form.
    """
    try:
        labels = {
            str(name): Labels(tuple(map(str, asked["codes"])), bool(asked["every"]), bool(asked["unknown"]))
            for name, asked in data["labels"].items()
        }
        first, last = (None if data[name] is None else int(data[name]) for name in ("first", "last"))
        filters = Filters(str(data["selection"]), first, last, bool(data["undated"]), labels, str(data["text"]))
        return filters, str(data["dimension"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OptionError(f"the page sent no filters ({type(error).__name__}: {error}) -> run the cell again") from None


def to_page(filters: Filters, dimension: str) -> dict[str, Any]:
    """Return filters as :func:`from_page` reads them."""
    labels = {
        name: {"codes": list(asked.codes), "every": asked.every, "unknown": asked.unknown}
        for name, asked in filters.labels.items()
    }
    plain = {"selection": filters.selection, "first": filters.first, "last": filters.last, "undated": filters.undated}
    return {**plain, "labels": labels, "text": filters.text, "dimension": dimension}
