"""The seed texts: short notes, dialogues and reports written for this project, and the facts for prompts with retrieval.

No text here is about a patient. What the texts are for, and what they are not for, stands in ``data/seeds/README.md``.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import paths
from review.errors import InputError, OptionError, Problem, UnknownNameError
from review.files import digest
from review.generators.dataset import normal
from review.generators.seed_lines import Report, rows

if TYPE_CHECKING:
    import pandas as pd

DIRECTORY = paths.DATA / "seeds"
FILES: Mapping[str, str] = {"note": "notes.jsonl", "dialogue": "dialogues.jsonl", "report": "reports.jsonl"}
"""Kind of text -> file."""
KNOWLEDGE = "knowledge.jsonl"
KINDS = tuple(FILES)
LABELS = (
    "cardiology",
    "respiratory",
    "endocrinology",
    "gastroenterology",
    "neurology",
    "psychiatry",
    "dermatology",
    "infectious",
)
SPEAKERS = ("Doctor: ", "Patient: ")
"""How a line of a dialogue begins."""
GROUPS = ("kind", "label", "register")
"""What a summary can count by."""


@dataclass(frozen=True)
class Seed:
    """One text.

    Attributes
    ----------
    id : str
        Unique over all kinds.
    kind : {"note", "dialogue", "report"}
    specialty, label : str
        One of :data:`LABELS`; the two are the same.
    register : str
        Form of the text, for example ``telegraphic`` or ``referral``; the method of examination for a report.
    text : str
        A dialogue has one turn a line, each beginning with one of :data:`SPEAKERS`.
    present, absent : tuple of str
        Findings and conditions that the text states, and those that it negates, in words of the text. What the text
        leaves open is in neither.
    """

    id: str
    kind: str
    specialty: str
    label: str
    register: str
    text: str
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One fact in our own words, and the public page that shows it.

    Attributes
    ----------
    id, label, topic, text : str
    source : str
        Address of the page.
    licence : str
        Licence of our words, not of the page.
    read : str
        When the page was read, as an ISO date.
    """

    id: str
    label: str
    topic: str
    text: str
    source: str
    licence: str
    read: str


def load(kind: str = "", directory: Path | None = None) -> tuple[Seed, ...]:
    """Read seed texts.

    Parameters
    ----------
    kind : {"", "note", "dialogue", "report"}
        "" reads the files of all kinds, of which another folder may lack some.
    directory : Path, optional
        Another folder with files of the same format; that of the project if not given.

    Returns
    -------
    tuple of Seed
        In the order of the files.

    Raises
    ------
    UnknownNameError
        If there is no such kind.
    InputError
        If a file is missing or a line cannot be used, with every problem's file, line, key and remedy.
    """
    if kind and kind not in FILES:
        raise UnknownNameError("kind of seed text", kind, KINDS)
    folder = DIRECTORY if directory is None else directory
    wanted = [kind] if kind else [name for name in KINDS if os.path.lexists(folder / FILES[name])]
    if not wanted:
        raise InputError.one(folder, "the folder holds no seed texts", f"add one of: {', '.join(FILES.values())}")
    problems: list[Problem] = []
    items: list[Seed] = []
    ids: dict[str, str] = {}
    texts: dict[str, str] = {}
    for name in wanted:
        for report, row in rows(folder / FILES[name], Seed, problems, ids):
            if _seed_is_sound(row, name, report, texts):
                values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
                items.append(Seed(**values))
    if problems:
        raise InputError(sorted(problems))
    return tuple(items)


def knowledge(directory: Path | None = None) -> tuple[Fact, ...]:
    """Read the facts for prompts with retrieval.

    Parameters
    ----------
    directory : Path, optional
        Another folder with a file ``knowledge.jsonl``.

    Raises
    ------
    InputError
        If the file is missing or a line of it cannot be used.
    """
    problems: list[Problem] = []
    items: list[Fact] = []
    for report, row in rows((DIRECTORY if directory is None else directory) / KNOWLEDGE, Fact, problems, {}):
        sound = _known(row, "label", LABELS, report)
        if not row["source"].startswith("https://"):
            sound = report("source", f"{row['source']!r} is no address of a page", "begin it with https://")
        try:
            dt.date.fromisoformat(row["read"])
        except ValueError:
            sound = report("read", f"{row['read']!r} is no date", "write it as YYYY-MM-DD")
        if sound:
            items.append(Fact(**row))
    if problems:
        raise InputError(sorted(problems))
    return tuple(items)


def split(items: Iterable[Seed], seed: int, share: float = 0.2) -> tuple[tuple[Seed, ...], tuple[Seed, ...]]:
    """Divide texts into one part to learn from and one held out, stratified by label within each kind.

    The division depends on the seed and on the identifiers only, not on the order of the texts.

    Parameters
    ----------
    items : iterable of Seed
    seed : int
    share : float
        Share held out of each group of one kind and label, rounded; at least one text of a group stays on either side,
        but a group of one text is never held out.

    Returns
    -------
    train, held_out : tuple of Seed
        Each sorted by identifier.

    Raises
    ------
    OptionError
        If the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise OptionError(f"the share to hold out is {share} -> choose a number between 0 and 1")
    groups: dict[tuple[str, str], list[Seed]] = {}
    for item in items:
        groups.setdefault((item.kind, item.label), []).append(item)
    train: list[Seed] = []
    held: list[Seed] = []
    for group in groups.values():
        drawn = sorted(group, key=lambda item: (digest(f"{seed}/{item.id}".encode()), item.id))
        count = min(max(1, round(share * len(group))), len(group) - 1)
        held += drawn[:count]
        train += drawn[count:]
    return tuple(sorted(train, key=lambda item: item.id)), tuple(sorted(held, key=lambda item: item.id))


def summary(items: Iterable[Seed], by: Sequence[str] = ("kind", "label")) -> pd.DataFrame:
    """Count texts and their words.

    Parameters
    ----------
    items : iterable of Seed
    by : sequence of {"kind", "label", "register"}

    Returns
    -------
    DataFrame
        The columns of ``by``, then ``count``, ``words`` (median), ``shortest`` and ``longest``; kinds and labels in
        their fixed order, registers by name. A word is what stands between white space.

    Raises
    ------
    UnknownNameError
        If ``by`` names something else.
    """
    import statistics

    import pandas as pd

    for name in by:
        if name not in GROUPS:
            raise UnknownNameError("group of seed texts", name, GROUPS)
    groups: dict[tuple[str, ...], list[int]] = {}
    for item in items:
        groups.setdefault(tuple(getattr(item, name) for name in by), []).append(len(item.text.split()))
    fixed = {name: place for place, name in enumerate((*KINDS, *LABELS))}
    order = sorted(groups, key=lambda group: [(fixed.get(name, len(fixed)), name) for name in group])
    counted = [
        (*group, len(groups[group]), float(statistics.median(groups[group])), min(groups[group]), max(groups[group]))
        for group in order
    ]
    return pd.DataFrame(counted, columns=[*by, "count", "words", "shortest", "longest"])


def _known(row: Mapping[str, Any], key: str, known: Sequence[str], report: Report) -> bool:
    return row[key] in known or report(key, f"{row[key]!r} is unknown", f"choose one of: {', '.join(known)}")


def _seed_is_sound(row: Mapping[str, Any], kind: str, report: Report, texts: dict[str, str]) -> bool:
    """Tell whether the values of a seed text agree with each other, its file and the texts before it."""
    sound = _known(row, "kind", KINDS, report) and _known(row, "label", LABELS, report)
    if sound and row["kind"] != kind:
        sound = report("kind", f"a {row['kind']} in the file of kind {kind}", f"move it to {FILES[row['kind']]}")
    if row["specialty"] != row["label"]:
        sound = report("specialty", f"{row['specialty']!r} is not the label {row['label']!r}", "write the same in both")
    text = normal(row["text"])
    if text in texts:
        sound = report("text", f"the same text as {texts[text]}", "remove one of the two")
    texts.setdefault(text, row["id"])
    for key in ("present", "absent"):
        for entry in row[key]:
            if normal(entry) not in text:
                sound = report(key, f"{entry!r} does not occur in the text", "write it in words of the text")
    for entry in sorted({normal(entry) for entry in row["present"]} & {normal(entry) for entry in row["absent"]}):
        sound = report("absent", f"{entry!r} is listed as present, too", "list it once")
    if kind == "dialogue":
        for turn in row["text"].split("\n"):
            speaker = next((name for name in SPEAKERS if turn.startswith(name) and turn[len(name) :].strip()), "")
            if not speaker:
                sound = report("text", f"the line {turn[:30]!r} names no speaker", f"begin it with {' or '.join(SPEAKERS)}")
    return sound
