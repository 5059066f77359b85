"""Read an answer of the cell text/prompting: one JSON object that meets a schema, or what keeps it from being one."""

from __future__ import annotations

import itertools
import json
import re
import types
from collections import Counter
from collections.abc import Mapping
from typing import Any

from review.generators import text_checks
from review.generators.text_prompts import spoken

NO_JSON, SCHEMA = "no-json", "schema"
REASONS: Mapping[str, str] = types.MappingProxyType(
    {
        text_checks.EMPTY: text_checks.REASONS[text_checks.EMPTY],
        text_checks.CUT: "the answer was cut off before it was complete",
        NO_JSON: "the answer is not one JSON object and nothing else",
        SCHEMA: "the JSON object has other keys, kinds of values or lengths than the schema",
    }
)
DETAIL = 120
"""Characters of a detail."""


def shortened(detail: str) -> str:
    """Return a detail on one line, cut where it is too long."""
    line = " ".join(detail.split())
    return line if len(line) <= DETAIL else line[: DETAIL - 1] + "…"


def read(answer: str, finish: str, schema: Mapping[str, Any]) -> tuple[dict[str, Any], str, str]:
    """Return the content of an answer, why it cannot be used ("" if it can), and what exactly is wrong.

    Parameters
    ----------
    answer, finish : str
        Of a :class:`review.llm.Completion`.
    schema : mapping

    Returns
    -------
    dict
        ``label``, ``text`` and where it is asked for ``reasoning``; what could be read of an answer that breaks the
        schema, possibly nothing.
    """
    if not answer.strip():
        return {}, text_checks.EMPTY, f"finish: {finish}"
    found, wrong = _object(answer.strip())
    if wrong:
        cut = finish == "length"
        return {}, text_checks.CUT if cut else NO_JSON, "" if cut else shortened(wrong)
    wrong = _breach(found, schema)
    if wrong:
        return {name: value for name, value in found.items() if isinstance(value, str)}, SCHEMA, shortened(wrong)
    content = {name: value for name, value in found.items() if name != "turns"}
    if "turns" in found:
        content["text"] = spoken(found["turns"])
    return content, "", ""


def valid(answer: str, schema: Mapping[str, Any]) -> bool:
    """Tell whether an answer is one JSON object that meets the schema, and nothing else."""
    found, wrong = _object(answer.strip())
    return not wrong and not _breach(found, schema)


MOST_BEGINNINGS = 200
"""Braces in one answer from which an object is looked for: each search may read all that follows."""


def holds_valid(answer: str, schema: Mapping[str, Any]) -> bool:
    """Tell whether an object that meets the schema stands anywhere in an answer, whatever is around it."""
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    for begin in itertools.islice(re.finditer(r"\{", answer), MOST_BEGINNINGS):
        try:
            found, _ = decoder.raw_decode(answer, begin.start())
        except (ValueError, RecursionError):  # no object begins here: it is looked for further on
            continue
        if not _breach(found, schema):
            return True
    return False


def _object(answer: str) -> tuple[dict[str, Any], str]:
    """Return the JSON object that an answer is, or what is wrong with it."""
    try:
        found = json.loads(answer, object_pairs_hook=_once)
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return {}, "an escape stands for half a character"
    except (ValueError, RecursionError) as error:
        return {}, str(error)
    return (found, "") if isinstance(found, dict) else ({}, f"JSON, but of the type {type(found).__name__}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = sorted(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
    if twice:
        raise ValueError(f"a key stands twice: {', '.join(twice)}")
    return dict(pairs)


def _breach(found: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return how an object breaks the schema, "" if it does not."""
    import jsonschema

    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(found), key=lambda error: (str(error.json_path), error.message)
    )
    return f"{errors[0].json_path}: {errors[0].message}" if errors else ""
