"""Codes that a language model proposes from titles, or from abstracts where there are any: coder ``llm``, never the consensus.

What coders wrote as evidence is not shown to the model: they wrote it knowing the code, so agreement would be built in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from review import agreement, writing
from review.errors import ModelError, UnknownNameError
from review.living import prompts
from review.living.prompts import Budget, Proposal
from review.living.texts import NONE, Texts
from review.llm.request import Completion, Request
from review.splice import Row, codes_with

if TYPE_CHECKING:
    import pandas as pd

    from review.codebook import Dimension
    from review.corpus import Corpus
    from review.llm.request import Model
    from review.writing import Change

CODER = "llm"
OTHERS = ("consensus", "verifier", "a", "b")
WARNING = (
    "Codes of coder llm are proposals of a language model, never part of the consensus. Where the other coders were language "
    "models too, as a, b and the verifier of the project's own corpus, agreement can come from what such models share."
)
EMBEDDED = "The embedded model (135 million parameters) is weak: look at how it compares with one code for all studies."


@dataclass(frozen=True)
class Coded:
    """What a model proposed.

    Attributes
    ----------
    change : Change
        Of ``coding.csv``.
    rows : tuple of (str, str, str, str, str)
        Key, dimension, value, quote, reason; one a proposal.
    skipped : int
        Studies and dimensions that coder llm has coded before.
    """

    change: Change
    rows: tuple[tuple[str, str, str, str, str], ...]
    skipped: int

    def table(self) -> pd.DataFrame:
        """Return one row a proposal: ``key, dimension, value, quote, reason`` (why it is unknown)."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=["key", "dimension", "value", "quote", "reason"])


def chosen(corpus: Corpus, keys: Sequence[str] = (), selection: str = "all", *, uncoded: bool = False) -> list[str]:
    """Return the studies to code, in the order of the bibliography.

    Parameters
    ----------
    keys : sequence of str
        Some of the bibliography; by default all of the selection.
    uncoded : bool
        Only those without a consensus code.

    Raises
    ------
    UnknownNameError
        If a key or the selection does not exist.
    """
    known = [reference.key for reference in corpus.references]
    for key in keys:
        if key not in known:
            raise UnknownNameError("study", key, known[:10])
    wanted = set(keys or corpus.selections[corpus.resolve(selection)])
    coding = corpus.coding
    done = set(coding.loc[(coding["coder"] == "consensus") & (coding["value"] != ""), "key"]) if uncoded else set()
    return [key for key in known if key in wanted - done]


def dimensions(corpus: Corpus, names: Sequence[str] = ()) -> list[str]:
    """Return the dimensions to code: those named, or those for which shares are published, or all.

    Raises
    ------
    UnknownNameError
        If the codebook does not have one.
    """
    published = list(dict.fromkeys(corpus.published["dimension"]))
    return [corpus.codebook[name].name for name in names] or published or list(corpus.codebook.dimensions)


def propose(
    corpus: Corpus,
    model: Model,
    keys: Sequence[str],
    names: Sequence[str],
    *,
    texts: Texts = NONE,
    again: bool = False,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Coded:
    """Ask a model about some studies and dimensions; nothing is written.

    Parameters
    ----------
    corpus : Corpus
    model : Model
    keys, names : sequence of str
        Studies and dimensions, as :func:`chosen` and :func:`dimensions` return them.
    texts : Texts
        Abstracts; without one only the title is shown.
    again : bool
        Whether to ask anew where coder llm has a code, which is then replaced.
    seed : int
        Of the model.
    say : callable
        Gets one line a study.

    Raises
    ------
    ModelError
        If the model gives no usable answer.
    """
    budget = prompts.SMALL if model.identity.get("backend") == "local" else Budget()
    titles = {reference.key: reference.fields["title"] for reference in corpus.references}
    coding = corpus.coding
    mine = coding[coding["coder"] == CODER]
    before = set(zip(mine["key"], mine["dimension"], strict=True))
    asked: dict[tuple[str, str], list[Proposal]] = {}
    skipped = 0
    for number, key in enumerate(keys, 1):
        for name in names:
            if (key, name) in before and not again:
                skipped += 1
                continue
            dimension, abstract = corpus.codebook[name], texts.abstract(key)
            request = prompts.request(dimension, titles[key], abstract, budget, seed)
            asked[key, name] = _answered(_complete(model, request, key, name), dimension, titles[key], abstract, budget)
        say(f"{number} of {len(keys)}: {key}")
    rows = [(key, name, one.value, one.quote, one.reason) for (key, name), found in asked.items() for one in found]
    return Coded(
        writing.change(corpus, coding=codes_with(corpus, _rows(corpus, asked, model, texts, budget))), tuple(rows), skipped
    )


def _complete(model: Model, request: Request, key: str, name: str) -> Completion:
    try:
        return model.complete(request)
    except ModelError as error:
        raise ModelError(f"{key}, {name}: {error}") from None


def _answered(answer: Completion, dimension: Dimension, title: str, abstract: str, budget: Budget) -> list[Proposal]:
    if answer.finish == "length":
        return [Proposal("", reason="the answer was cut off")]
    return prompts.read(answer.text, dimension, title, abstract, budget)


def _rows(
    corpus: Corpus, asked: Mapping[tuple[str, str], Sequence[Proposal]], model: Model, texts: Texts, budget: Budget
) -> list[Row]:
    """Return proposals as rows of ``coding.csv``."""
    identity = model.identity
    name = " ".join(part for part in (identity.get("model", ""), identity.get("sha256", "")[:12]) if part)
    rows: list[Row] = []
    for (key, dimension), found in asked.items():
        marks = f"{name}, prompt {prompts.fingerprint(corpus.codebook[dimension], budget)}"
        scope, source = ("abstract", texts.name) if texts.abstract(key) else ("", "title alone")
        said = [(one.value, f'"{one.quote}"' if one.value else f"unknown: {one.reason}") for one in found]
        rows += [(key, dimension, CODER, value, "", f"{words} ({marks})", source, scope) for value, words in said]
    return rows


def compute_agreement(corpus: Corpus, *, seed: int = 0, resamples: int = 2000) -> pd.DataFrame:
    """Compare coder llm with every other coder, in the dimensions with one code a study.

    Parameters
    ----------
    seed, resamples : int
        Of the bootstrap, as in :func:`review.agreement.compute_agreement`.

    Returns
    -------
    DataFrame
        ``dimension, coder`` (the other one), ``units`` (studies that both coded), ``agreed, percent, percent_low, percent_high,
        kappa, kappa_low, kappa_high, unknown`` (studies that coder llm left unknown) and ``constant``: the agreement that the
        other coder's most frequent code would reach if it were given to every study. No rows without codes of coder llm.
    """
    import pandas as pd

    columns = ["dimension", "coder", "units", "agreed", "percent", "percent_low", "percent_high"]
    columns += ["kappa", "kappa_low", "kappa_high", "unknown", "constant"]
    coding = corpus.coding
    present = set(coding["coder"])
    if CODER not in present:
        return pd.DataFrame(columns=columns)
    rows = []
    mine = coding[coding["coder"] == CODER]
    for other in [name for name in OTHERS if name in present]:
        table = agreement.compute_agreement(corpus, (CODER, other), seed=seed, resamples=resamples)
        for row in table[table["label"] == ""].to_dict("records"):
            keys = set(mine.loc[mine["dimension"] == row["dimension"], "key"])
            theirs = coding[(coding["coder"] == other) & (coding["dimension"] == row["dimension"]) & coding["key"].isin(keys)]
            most = max(Counter(theirs["value"]).values(), default=0)
            constant = most / row["units"] if row["units"] else float("nan")
            rows.append([row["dimension"], other, *(row[name] for name in columns[2:10]), row["unknown_1"], constant])
    return pd.DataFrame(rows, columns=columns)


def sentence(row: Mapping[Any, Any]) -> str:
    """Return a row of :func:`compute_agreement` in words."""
    low, high = row["percent_low"], row["percent_high"]
    interval = "no interval" if low != low else f"95 % interval {low:.2f} to {high:.2f}"  # noqa: PLR0124 (NaN)
    left = f", left unknown by llm: {row['unknown']}" if row["unknown"] else ""
    return (
        f"{row['dimension']}: llm and {row['coder']} agree on {row['agreed']} of {row['units']} studies ({row['percent']:.2f}, "
        f"{interval}; kappa {row['kappa']:.2f}{left}); one code for all would reach {row['constant']:.2f}"
    )


def uncertain(rows: Sequence[tuple[str, str, str, str, str]]) -> dict[str, int]:
    """Return how often each reason left a code unknown, the most frequent first."""
    counts = Counter(reason for *_, reason in rows if reason)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
