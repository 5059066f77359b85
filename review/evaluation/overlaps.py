"""Which words of synthetic texts stand in a real text in the same order, and how long such runs are.

All runs are found, by a suffix array of the words of all texts. Capitals and punctuation do not count. Real texts share runs of
words among themselves: the control is what texts that were held out share with the real ones, or each real text with the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review.evaluation.identifiers import cover
from review.evaluation.metrics import SHOWN, Metric, Section, Settings, Value, grade
from review.evaluation.privacy_distance import FAMILY, middle
from review.evaluation.privacy_rates import ANY, RATE, Count, contrast

SHORT, LONG = 8, 50
"""Words of a run that is counted, and of one that counts as learnt by heart."""

WORDS = {"real": 1_500_000, "synthetic": 500_000, "holdout": 500_000}
"""Words of each data set that are searched; texts beyond are drawn by the seed."""

EXAMPLES, CHARACTERS = 3, 200
LEE = "Lee et al. 2022, arXiv:2107.06499"
CARLINI = "Carlini et al. 2023, arXiv:2202.07646"
BLIND = "It cannot see a paraphrase or a fact that was kept in other words; finding nothing is no proof of privacy."

METRICS = (
    Metric(
        "text_copies",
        "Texts that are a whole real text",
        FAMILY,
        "verbatim",
        0.0,
        1.0,
        "lower",
        f"defined here; copying by language models as in {LEE}",
        f"Share of the synthetic texts of {SHORT} words or more that equal a real text word by word.",
        f"One changed word hides a copy from it (see the runs). {BLIND}",
    ),
    Metric(
        "run_50",
        f"Texts with a run of {LONG} words of a real text",
        FAMILY,
        "verbatim",
        0.0,
        1.0,
        "lower",
        f"defined here: runs of {LONG} words or more; that language models copy long runs: {LEE} and {CARLINI}",
        f"Share of the synthetic texts that hold {LONG} words or more in a row from one real text.",
        f"Short texts cannot have such a run; forms and standard phrases can. {BLIND}",
    ),
    Metric(
        "run_8",
        f"Texts with a run of {SHORT} words of a real text",
        FAMILY,
        "verbatim",
        0.0,
        1.0,
        "lower",
        f"defined here: runs of {SHORT} words or more, beside those that real texts share",
        f"Share of the synthetic texts that hold {SHORT} words or more in a row from one real text.",
        f"Longer texts have more runs; it does not know a standard phrase from a personal one. {BLIND}",
    ),
    Metric(
        "copied_words",
        "Words in copied runs",
        FAMILY,
        "verbatim",
        0.0,
        1.0,
        "lower",
        f"defined here: words in runs of {SHORT} or more that stand in a real text",
        "How much of the synthetic texts was seen before, word by word.",
        f"Shown, not graded: few texts that are copied whole can be most of it. {BLIND}",
    ),
    Metric(
        "longest_run",
        "Longest run of words of a real text",
        FAMILY,
        "verbatim",
        0.0,
        float("inf"),
        "lower",
        "defined here: longest run of words, median over the texts",
        "How long the longest run of a typical synthetic text is.",
        f"Shown, not graded: the median does not tell about single texts. {BLIND}",
        "words",
    ),
)

WORD = re.compile(r"\w+")
Lengths = NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """What each of some texts shares with real ones: words, longest run and where it begins, words in runs that count."""

    words: Lengths
    longest: Lengths
    begins: Lengths
    copied: Lengths

    @property
    def share(self) -> float:
        """Return the share of the words that are in runs that count."""
        return float(self.copied.sum() / max(self.words.sum(), 1))


def split(text: str) -> list[str]:
    """Return the words of a text, without capitals."""
    return [word.casefold() for word in WORD.findall(text)]


def shared(real: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> tuple[Runs, Runs]:
    """Return the runs that each real text shares with another real one, and those that other texts share with real ones.

    Parameters
    ----------
    real, others : sequence of sequence of str
        Words of each text.
    """
    texts = [*real, *others]
    lengths = np.array([len(words) for words in texts], dtype=np.int64)
    codes: dict[str, int] = {}
    flat = [codes.setdefault(word, len(codes)) for words in texts for word in words]
    starts = np.concatenate([[0], np.cumsum(lengths + 1)])
    line = np.empty(int(starts[-1]), dtype=np.int64)
    ends = starts[1:] - 1
    inside = np.ones(len(line), dtype=bool)
    inside[ends] = False
    line[inside] = flat
    line[ends] = len(codes) + np.arange(len(texts))  # an end of its own for each text: no run goes beyond
    owner = np.repeat(np.arange(len(texts)), lengths + 1)
    found = _longest(line, owner, len(real), int(lengths.max(initial=0)) + 1)
    covered = np.zeros(len(line) + 1, dtype=np.int64)
    counts = np.flatnonzero(found >= SHORT)
    np.add.at(covered, counts, 1)
    np.add.at(covered, counts + found[counts], -1)
    copied = np.add.reduceat((np.cumsum(covered)[:-1] > 0).astype(np.int64), starts[:-1])
    longest = np.maximum.reduceat(found, starts[:-1])
    first = np.full(len(texts), len(line))
    best = np.flatnonzero(found == longest[owner])
    np.minimum.at(first, owner[best], best)
    begins = first - starts[:-1]
    parts = (slice(0, len(real)), slice(len(real), None))
    one, other = (Runs(lengths[part], longest[part], begins[part], copied[part]) for part in parts)
    return one, other


def _longest(line: Lengths, owner: Lengths, real: int, most: int) -> Lengths:
    """Return for each place how many words from there on stand in a real text, another one than its own.

    The places are sorted by what follows (doubling the length that is looked at); the longest run is shared with the next place
    before or after that belongs to another real text.
    """
    ranks = [np.unique(line, return_inverse=True)[1].astype(np.int64)]
    reach = 1
    while reach < most:
        after = np.full(len(line), -1, dtype=np.int64)
        after[:-reach] = ranks[-1][reach:]
        ranks.append(np.unique(ranks[-1] * (len(line) + 1) + after + 1, return_inverse=True)[1].astype(np.int64))
        reach *= 2
    order = np.argsort(ranks[-1], kind="stable")
    holders = order[owner[order] < real]
    texts = owner[holders]
    changed = np.flatnonzero(np.diff(texts)) + 1
    firsts, lasts = np.concatenate([[0], changed]), np.concatenate([changed, [len(texts)]])
    group = np.repeat(np.arange(len(firsts)), lasts - firsts)
    seen = np.cumsum(owner[order] < real)
    before, behind = np.empty(len(line), dtype=np.int64), np.empty(len(line), dtype=np.int64)
    before[order], behind[order] = seen - 1, seen
    before[holders], behind[holders] = firsts[group] - 1, lasts[group]
    best = np.zeros(len(line), dtype=np.int64)
    for place in (before, behind):
        known = np.flatnonzero((place >= 0) & (place < len(holders)))
        best[known] = np.maximum(best[known], _common(ranks, known, holders[place[known]]))
    return best


def _common(ranks: list[Lengths], one: Lengths, other: Lengths) -> Lengths:
    """Return how many words two places have in common from there on, for each pair."""
    total = np.zeros(len(one), dtype=np.int64)
    last = len(ranks[0]) - 1
    for power in range(len(ranks) - 1, -1, -1):
        left, right = one + total, other + total
        same = (left <= last) & (right <= last)
        same &= ranks[power][np.minimum(left, last)] == ranks[power][np.minimum(right, last)]
        total += same * (1 << power)
    return total


def copies(texts: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Count]:
    """Count the texts that equal a real one word by word, in all of them; real ones, another real one."""
    joined = {role: [" ".join(words) for words in held if len(words) >= SHORT] for role, held in texts.items()}
    real = Counter(joined["real"])
    known = {role: sum(text in real for text in held) for role, held in joined.items() if role != "real"}
    known["real"] = sum(count for count in real.values() if count > 1)
    return {role: Count(known[role], len(held)) for role, held in joined.items()}


def measure(parts: Mapping[str, Sequence[str]], settings: Settings) -> Section:
    """Grade how far synthetic texts repeat real ones.

    Any copy of a whole text, and any run of 50 words, fails if texts that are no copies have none; otherwise their rate decides,
    as for runs of 8 words.

    Parameters
    ----------
    parts : mapping of str to sequence of str
        Texts of ``real``, ``synthetic`` and possibly ``holdout``.
    settings : Settings
    """
    texts = {role: [split(text) for text in held] for role, held in parts.items()}
    whole = copies(texts)
    if not whole["synthetic"].total or not whole["real"].total:
        return Section((), (grade(FAMILY, "verbatim", (), f"no text of {SHORT} words or more"),))
    places = {role: _chosen(held, WORDS[role], settings.seed) for role, held in texts.items()}
    chosen = {role: [texts[role][place] for place in held] for role, held in places.items()}
    own, others = shared(chosen["real"], [*chosen["synthetic"], *chosen.get("holdout", [])])
    size = len(chosen["synthetic"])
    synthetic, held = _part(others, slice(0, size)), _part(others, slice(size, None))
    control = held if len(held.words) else own
    against = "texts that were held out" if len(held.words) else "each real text against the other real ones"
    repeated = whole["real"].count and not whole.get("holdout", Count(0, 0)).count
    control_copies = whole["real"] if repeated or "holdout" not in whole else whole["holdout"]
    values = [contrast(("text_copies", ""), whole["synthetic"], control_copies, against, rule=ANY, real=whole["real"].total)]
    for name, words, rule in (("run_50", LONG, ANY), ("run_8", SHORT, RATE)):
        found, other = (Count(int((runs.longest >= words).sum()), len(runs.words)) for runs in (synthetic, control))
        able = bool((synthetic.words >= words).any())
        note = "" if able else f"no synthetic text has {words} words"
        chosen_rule = rule if able else ""
        row = contrast((name, ""), found, other, against, rule=chosen_rule, graded=3, real=len(own.words), note=note)
        values.append(row)
    values += _shown(synthetic, control, against, settings.seed)
    notes = [
        f"Runs of words: {len(chosen[role])} of {len(texts[role])} {role} texts."
        for role in texts
        if len(chosen[role]) < len(texts[role])
    ]
    examples = _examples([parts["synthetic"][place] for place in places["synthetic"]], synthetic)
    return Section(tuple(values), (grade(FAMILY, "verbatim", values),), tuple(notes), {"longest runs": examples})


def _chosen(texts: Sequence[Sequence[str]], most: int, seed: int) -> list[int]:
    order = np.random.default_rng([seed, 7]).permutation(len(texts))
    total = np.cumsum([len(texts[place]) for place in order])
    return sorted(int(place) for place in order[: max(int(np.searchsorted(total, most, side="right")), 1)])


def _part(runs: Runs, part: slice) -> Runs:
    return Runs(runs.words[part], runs.longest[part], runs.begins[part], runs.copied[part])


def _shown(synthetic: Runs, control: Runs, against: str, seed: int) -> list[Value]:
    draw = np.random.default_rng([seed, 8])
    rows: dict[str, list[tuple[float, float, float]]] = {"copied_words": [], "longest_run": []}
    for runs in (synthetic, control):
        chosen = [draw.integers(0, len(runs.words), len(runs.words)) for _ in range(500)]
        words = np.array([runs.copied[at].sum() / max(runs.words[at].sum(), 1) for at in chosen])
        longest = np.array([np.median(runs.longest[at]) for at in chosen])
        rows["copied_words"].append((runs.share, *middle(words)))
        rows["longest_run"].append((float(np.median(runs.longest)), *middle(longest)))
    note = f"longest of all: {int(synthetic.longest.max())} words, {int(control.longest.max())} in the control"
    interval = "middle 95 % of 500 resamples of the texts"
    size = len(synthetic.words)
    found = []
    for name, (own, other) in rows.items():
        words_note = note if name == "longest_run" else ""
        found.append(Value(name, "", *own, *other, None, SHOWN, 0, size, interval, against, words_note))
    return found


def _examples(texts: Sequence[str], runs: Runs) -> tuple[dict[str, Any], ...]:
    """Return the longest runs; figures and identifiers in them are covered."""
    rows: list[dict[str, Any]] = []
    for place in np.argsort(-runs.longest, kind="stable"):
        length, begin = int(runs.longest[place]), int(runs.begins[place])
        if length < SHORT or len(rows) == EXAMPLES:
            break
        words = list(WORD.finditer(texts[place]))[begin : begin + length]
        text = cover(texts[place])[words[0].start() : words[-1].end()]
        if text[:CHARACTERS] not in [row["run"] for row in rows]:
            rows.append({"words": length, "run": text[:CHARACTERS]})
    return tuple(rows)
