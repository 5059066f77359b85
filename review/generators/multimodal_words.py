"""One vocabulary for a report and a signal: the words of templates, the codes of beats, and which token may follow which."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from review.generators.ecg import RHYTHMS, SECONDS
from review.generators.ecg_measure import Findings
from review.generators.ecg_reports import Template
from review.generators.multimodal_codec import BINS, SHORTEST, STARTS, Code, seconds

START, SIGNAL, END = "<start>", "<signal>", "<end>"
ROUND_RATE, ROUND_MS = 2, 10
"""To what reports round here, so that a number occurs often enough to be learnt: well within the tolerances."""
_PIECES = re.compile(r" ?[A-Za-z']+| ?\d+| ?[^\w\s]|\s")


def rounded(findings: Findings) -> Findings:
    """Return findings with the rate in steps of 2 beats a minute and intervals in steps of 10 ms."""

    def near(span: int | None) -> int | None:
        return None if span is None else ROUND_MS * round(span / ROUND_MS)

    rate = None if findings.heart_rate is None else float(ROUND_RATE * round(findings.heart_rate / ROUND_RATE))
    spans = [near(span) for span in (findings.pr, findings.qrs, findings.qt)]
    return dataclasses.replace(findings, heart_rate=rate, pr=spans[0], qrs=spans[1], qt=spans[2])


def split(report: str) -> list[str]:
    """Return the pieces of a report; joined they are the report again."""
    return _PIECES.findall(report)


@dataclass(frozen=True)
class Parsed:
    """What could be read of a sequence.

    Attributes
    ----------
    report : str
    code : Code or None
        None if the signal part is not well-formed.
    fault : str
        What is wrong, "" if nothing is.
    """

    report: str
    code: Code | None
    fault: str = ""


class Vocabulary:
    """Tokens of marks, rhythms, words and signal codes, in this order.

    Parameters
    ----------
    reports : sequence of str
        Their pieces are the words.
    sizes : sequence of int
        Codes of P, QRS and T.

    Attributes
    ----------
    longest, room : int
        Pieces of the longest report, which no constrained one exceeds; tokens that any well-formed sequence has at most.
    """

    def __init__(self, reports: Sequence[str], sizes: Sequence[int]) -> None:
        self.words = sorted({piece for report in reports for piece in split(report)})
        names = [START, SIGNAL, END, *(f"<{rhythm}>" for rhythm in RHYTHMS)]
        self.first_word = len(names)
        names += self.words
        self.parts = []
        for part, size in zip(("P", "QRS", "T", "start", "RR"), (*sizes, STARTS, BINS), strict=True):
            self.parts.append(range(len(names), len(names) + size))
            names += [f"<{part} {number}>" for number in range(size)]
        self.names = names
        self.numbers = {name: number for number, name in enumerate(names)}
        self.word_tokens = range(self.first_word, self.first_word + len(self.words))
        self.longest = max(len(split(report)) for report in reports)
        self.room = 2 + self.longest + 1 + len(self.parts) - 1 + math.ceil(SECONDS / SHORTEST) + 1

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.names)

    def prefix(self, rhythm: str) -> list[int]:
        """Return what a sequence begins with: it is given, not drawn."""
        return [self.numbers[START], self.numbers[f"<{rhythm}>"]]

    def encode(self, rhythm: str, report: str, code: Code) -> list[int]:
        """Return the tokens of a pair.

        Raises
        ------
        KeyError
            If the report has a word that the vocabulary lacks.
        """
        words = [self.numbers[piece] for piece in split(report)]
        values = (*code.shape, code.start)
        signal = [part[value] for part, value in zip(self.parts[:4], values, strict=True)]
        distances = [self.parts[4][number] for number in code.distances]
        return [*self.prefix(rhythm), *words, self.numbers[SIGNAL], *signal, *distances, self.numbers[END]]

    def allowed(self, _: int, tokens: list[int]) -> Sequence[int]:
        """Return the tokens that may come next, for well-formed sequences whose beats fill the segment and end in it."""
        signal, end = self.numbers[SIGNAL], self.numbers[END]
        if signal not in tokens and len(tokens) - 2 >= self.longest:
            return [signal]
        if signal not in tokens:
            return [*self.word_tokens, signal] if len(tokens) > 2 else self.word_tokens
        drawn = tokens[tokens.index(signal) + 1 :]
        if len(drawn) < 4:
            return self.parts[len(drawn)]
        code = self._code(drawn)
        left = SECONDS - code.times()[-1]
        following = [token for number, token in enumerate(self.parts[4]) if seconds(number) < left]
        return [*following, end] if code.fills else following

    def parse(self, tokens: Sequence[int]) -> Parsed:
        """Return report and code of a sequence, or what is wrong with it."""
        signal, end = self.numbers[SIGNAL], self.numbers[END]
        body = list(tokens[2:])
        words = body[: body.index(signal)] if signal in body else body
        report = "".join(self.names[token] for token in words if token in self.word_tokens)
        odd = [self.names[token] for token in words if token not in self.word_tokens]
        if odd:
            return Parsed(report, None, f"{odd[0]} in the report")
        if signal not in body:
            return Parsed(report, None, "no signal")
        if body[-1] != end:
            return Parsed(report, None, "no end")
        drawn = body[len(words) + 1 : -1]
        kinds = [*self.parts[:4], *[self.parts[4]] * max(0, len(drawn) - 4)]
        wrong = [self.names[token] for token, kind in zip(drawn, kinds, strict=False) if token not in kind]
        if wrong or len(drawn) < 4:
            return Parsed(report, None, f"{wrong[0]} out of place" if wrong else "a part of the signal is missing")
        code = self._code(drawn)
        if not code.fills:
            return Parsed(report, None, f"the last beat lies at {code.times()[-1]:.1f} of {SECONDS} s")
        return Parsed(report, code)

    def _code(self, drawn: Sequence[int]) -> Code:
        values = [token - part.start for token, part in zip(drawn[:4], self.parts[:4], strict=True)]
        return Code((values[0], values[1], values[2]), values[3], tuple(token - self.parts[4].start for token in drawn[4:]))


def reports(findings: Findings, templates: Sequence[Template], number: int, seed: int) -> list[str]:
    """Return up to ``number`` reports from different templates that fit, filled with rounded findings."""
    import numpy as np

    near = rounded(findings)
    fitting = [template for template in templates if template.fits(near)]
    order = np.random.default_rng(seed).permutation(len(fitting))[:number].tolist()
    return [fitting[place].fill(near) for place in order]
