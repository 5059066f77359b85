"""An evidence map as a table: one row a study, with its codes and the wording that they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from review import codebook
from review.corpus import link
from review.files import records
from review.joint import SEPARATOR, strata
from review.statistics import indicator

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus

NOT_READ = ("consensus", "llm")
"""Coders whose rows hold no wording that a code rests on."""


def compute_map(
    corpus: Corpus, rows: str, columns: str, labels: str, selection: str = "default", where: str = ""
) -> pd.DataFrame:
    """List every study with its place on an evidence map and what its codes rest on.

    Parameters
    ----------
    rows, columns, labels : str
        Dimensions: of the rows and columns of the map, and of the marks of its symbols.
    selection, where : str
        As in :meth:`Corpus.studies`.

    Returns
    -------
    DataFrame
        One row a study, by year (the unknown last) and key: ``key, citation, title, year, first_public, venue, link, rows,
        row, columns, column, dimension, labels`` (``"; "`` between them; empty: none is known), ``not_applying`` (labels that
        are known not to apply), ``unknown`` (labels of which it is not known), and ``row_evidence, column_evidence,
        labels_evidence``: the wording of one coder, as :func:`wording` chooses it.
    """
    frame = corpus.studies(selection, where)
    order = frame.sort_values(["year", "key"], kind="stable", na_position="last").reset_index(drop=True)
    table = order[["key", "citation", "title", "year", "first_public", "venue"]].copy()
    table["link"] = [link(row) for row in records(order)]
    for name, dimension in (("row", rows), ("column", columns)):
        table[f"{name}s"] = dimension
        table[name] = strata(order, dimension)
    table["dimension"], table["labels"] = labels, strata(order, labels)
    flags = {code: indicator(order, corpus, labels, code) for code in corpus.codebook[labels].categories}
    known = {code: flag.fillna(True).tolist() for code, flag in flags.items()}
    missing = {code: flag.isna().tolist() for code, flag in flags.items()}
    places = range(len(order))
    table["not_applying"] = [SEPARATOR.join(code for code in flags if not known[code][place]) for place in places]
    table["unknown"] = [SEPARATOR.join(code for code in flags if missing[code][place]) for place in places]
    for name, dimension in (("row", rows), ("column", columns), ("labels", labels)):
        said = wording(corpus, dimension)
        table[f"{name}_evidence"] = [said.get(str(key), "") for key in order["key"]]
    return table


def wording(corpus: Corpus, dimension: str) -> Mapping[str, str]:
    """Return what the codes of one dimension rest on, by key: ``coder: wording (how much was read)``.

    The coder is the verifier if it gave one of the codes that count, else the first one by name who did; a coder without
    wording is passed over. Wordings of several labels stand one after the other. A study without a code that counts has none.
    """
    coding = corpus.coding
    coding = coding[(coding["dimension"] == dimension) & (coding["value"] != "")]
    counted: dict[str, set[str]] = {}
    said: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for row in records(coding[["key", "coder", "value", "evidence", "scope"]]):
        text = " ".join(row["evidence"].split())
        if row["coder"] == "consensus":
            counted.setdefault(row["key"], set()).add(row["value"])
        elif row["coder"] not in NOT_READ and text:
            said.setdefault(row["key"], {}).setdefault(row["coder"], []).append((row["value"], f"{text}\t{row['scope']}"))
    found = {}
    for key, values in counted.items():
        if all(value.startswith(codebook.NOT) for value in values):
            continue
        for coder in sorted(said.get(key, {}), key=_rank):
            texts = dict.fromkeys(text for value, text in said[key][coder] if value in values)
            if texts:
                found[key] = f"{coder}: {_joined(list(texts))}"
                break
    return found


def _joined(texts: Sequence[str]) -> str:
    """Join wordings, each followed by how much was read, which is said once where it is the same for all."""
    pairs = [text.split("\t") for text in texts]
    scopes = {scope for _, scope in pairs}
    if len(scopes) == 1:
        (scope,) = scopes
        return SEPARATOR.join(text for text, _ in pairs) + (f" ({scope})" if scope else "")
    return SEPARATOR.join(f"{text} ({scope})" if scope else text for text, scope in pairs)


def _rank(coder: str) -> tuple[int, str]:
    """Return the place of a coder: the verifier first, the others by name."""
    return (0 if coder == "verifier" else 1, coder)
