"""Turn a JSON schema into a grammar for llama.cpp that keeps to all of it, or find out that this cannot be done.

llama.cpp's own translation leaves parts of a schema out without an error (``minimum`` of a ``number``, ``uniqueItems``, some
patterns) and lets white space run on. The builds of ``xllamacpp`` contain LLGuidance, which knows these parts; it in turn answers
*unconstrained* if it cannot keep to a schema. Therefore every grammar is tried once with a beginning that no model would
write by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

FENCE = "```json\n"
"""Written before the object and taken away again: models are used to it, and write better text inside (measured)."""
HEAD = "%llguidance {}\n"
PROBE = "\u00a7\u00b6"
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_DATA = ("enum", "const", "default", "examples", "allOf")


def available(translate: Callable[[dict[str, Any]], str]) -> bool:
    """Tell whether a build has LLGuidance, from how it translates a schema itself."""
    return translate({"type": "integer"}).startswith("%llguidance")


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no properties beside the named ones, unless it says ``additionalProperties``."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for name, part in schema.items():
        if name in _MAPS and isinstance(part, Mapping):
            found[name] = {key: closed(value) for key, value in part.items()}
        else:
            found[name] = part if name in _DATA else closed(part)
    if "properties" in found and "patternProperties" not in found:
        found.setdefault("additionalProperties", False)
    return found


def grammar(schema: Mapping[str, Any], *, start: str = FENCE) -> str:
    """Return the grammar of ``start`` and then the schema on one line, as :func:`json.dumps` would lay it out."""
    body = json.dumps({**closed(schema), "x-guidance": _LAYOUT}, ensure_ascii=False)
    return f"{HEAD}start: {json.dumps(start)} answer\nanswer: %json {body}\n"


def strip(text: str) -> str:
    """Return an answer without the fence; nothing is left of one that was cut off inside it."""
    return "" if FENCE.startswith(text) else text.removeprefix(FENCE)
