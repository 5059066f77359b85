"""XML from outside: read without entities, external parts or anything else that makes a small file large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from review.living.asking import Malformed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DEEPEST = 100
"""Levels of nesting; what the sources send has fewer than 15."""


def parse(data: bytes) -> Element:
    """Return the root of a document.

    Raises
    ------
    Malformed
        If it is not XML, defines entities or is nested too deeply.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

    try:
        root: Element = fromstring(data)
    except DefusedXmlException as error:
        raise Malformed(f"the XML is refused: {type(error).__name__}") from None
    except (ParseError, ValueError, LookupError) as error:
        raise Malformed(f"it is not XML: {error}") from None
    level, depth = [root], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise Malformed(f"the XML has more than {DEEPEST} levels")
        level = [child for element in level for child in element]
    return root


def text(element: Element | None) -> str:
    """Return all text inside an element on one line, that of its children too; "" for None."""
    return "" if element is None else " ".join("".join(element.itertext()).split())
