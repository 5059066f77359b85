"""The nine generators of this project as data sets to grade: their records beside the real items that they learnt from.

"Real" is said of seed texts that a language model wrote for this project and of simulated ECG segments as well: there it means
no more than: what the generator had to imitate. Only the two tables hold measurements of people.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import strict_json
from review.errors import InputError
from review.evaluation import readers
from review.evaluation.inputs import Choices, Pair, match
from review.evaluation.readers import FEWEST_ROWS, Source

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus
    from review.evaluation.card import Card
    from review.evaluation.metrics import Settings
    from review.generators import Progress

SEGMENTS = 60
"""Simulated ECG segments in the real part, and again in the hold-out."""

_LATER = 2_000_000  # place of the seed of the hold-out's segments, far from those of items and of lessons
PROVENANCE = ".provenance.json"
PARTS = ("modality", "method", "seed", "configuration", "model", "accepted", "asked")
REMEDY = "generate the records again"
TEXTS = "seed texts, written for this project by a language model, not reviewed by clinicians"
SIMULATED = "simulated ECG segments with reports from templates"
_PARTS = ("heart_rate", "rhythm", "pr", "qrs", "qt", "report", "signal")


@dataclass(frozen=True)
class Reference:
    """What the records of a cell are held against.

    Attributes
    ----------
    real : DataFrame
    holdout : DataFrame or None
        None where the generator may have been shown any of the real items.
    choices : Choices
    source : str
        What "real" means here.
    """

    real: pd.DataFrame
    holdout: pd.DataFrame | None
    choices: Choices
    source: str


def reference(modality: str, method: str, configuration: Mapping[str, Any], seed: int) -> Reference:
    """Return the real items that a generator learnt from, and those that it did not see.

    Parameters
    ----------
    modality, method : str
        The cell.
    configuration : mapping
        As the records' ``.provenance.json`` has it.
    seed : int
        Of the generator: it decides what was held out.
    """
    if modality == "tabular":
        return _tabular(configuration, seed)
    if modality == "text":
        return _text(method, configuration, seed)
    real, holdout = (_segments(kind, seed) for kind in ("lessons", "later"))
    return Reference(real, holdout, Choices("paired", columns=_PARTS, text="report", label="rhythm"), SIMULATED)


def _tabular(configuration: Mapping[str, Any], seed: int) -> Reference:
    from review.generators import tables

    table = tables.load(str(configuration["table"]), str(configuration.get("columns", "chosen")))
    train, held = table.split(seed)
    names = tuple(column.name for column in table.columns)
    classes = tuple(column.name for column in table.columns if column.kind == "class")
    choices = Choices("tabular", columns=names, label=table.target, classes=classes)
    return Reference(train, held, choices, f"{table.title}: {table.source}")


def _text(method: str, configuration: Mapping[str, Any], seed: int) -> Reference:
    import pandas as pd

    from review.generators import seeds

    kind = str(configuration["kind"])
    known = seeds.load(kind)
    train, held = (
        (known, None) if method == "prompting" else seeds.split(known if method == "fine-tuning" else seeds.load(), seed)
    )

    def table(items: Any) -> pd.DataFrame:
        return pd.DataFrame([{"text": item.text, "label": item.label} for item in items if item.kind == kind])

    choices = Choices("text", columns=("text", "label"), text="text", label="label")
    return Reference(table(train), None if held is None else table(held), choices, TEXTS)


@functools.lru_cache(maxsize=4)
def _segments(kind: str, seed: int) -> pd.DataFrame:
    """Return simulated segments with reports from templates; they take a sixth of a second each."""
    import pandas as pd

    from review.generators import ecg_reports, multimodal_pairs
    from review.generators.dataset import item_seed

    def silent(stage: str, done: int, total: int) -> None:
        """Show nothing."""

    make = {"lessons": multimodal_pairs.others, "later": multimodal_pairs.pairs}[kind]
    made = make(SEGMENTS, seed if kind == "lessons" else item_seed(seed, _LATER), silent)
    templates = ecg_reports.load()
    rows = []
    for place, pair in enumerate(pair for pair in made if pair.findings.rhythm is not None):
        report = ecg_reports.choose(templates, pair.findings, item_seed(seed, place)).fill(pair.findings)
        rows.append({**pair.findings.values(), "report": report, "signal": list(pair.segment.signal)})
    return pd.DataFrame(rows)[list(_PARTS)]


def provenance(records: Path) -> dict[str, Any]:
    """Return what made some records: the file ``<name>.provenance.json`` beside them.

    Raises
    ------
    InputError
        If it is missing or not of a generator of this package.
    """
    path = records.with_name(records.stem + PROVENANCE)
    found = strict_json.load(path, REMEDY)
    if not isinstance(found, dict):
        raise InputError.one(path, "it is not a mapping", REMEDY)
    missing = [name for name in PARTS if name not in found]
    if missing:
        raise InputError.one(path, f"{missing[0]} is missing", REMEDY, missing[0])
    if wrong := next((name for name, sound in _parts(found).items() if not sound), ""):
        raise InputError.one(path, f"{wrong} is {str(found[wrong])[:60]!r}", REMEDY, wrong)
    return found


def _parts(found: Mapping[str, Any]) -> dict[str, bool]:
    """Return whether each part of a provenance can be what a generator of this package wrote."""
    from review.generators import METHODS, MODALITIES, seeds, tables

    given = found["configuration"]
    chosen = given if isinstance(given, dict) else {}
    known = {
        "tabular": chosen.get("table") in tables.NAMES and chosen.get("columns", "chosen") in tables.CHOICES,
        "text": chosen.get("kind") in seeds.KINDS,
    }
    return {
        "modality": found["modality"] in MODALITIES,
        "method": found["method"] in METHODS,
        **{name: type(found[name]) is int and found[name] >= 0 for name in ("seed", "accepted", "asked")},
        "configuration": isinstance(given, dict) and bool(known.get(str(found["modality"]), True)),
        "model": isinstance(found["model"], dict),
    }


def pair_of(records: Path, *, rejected: bool = False) -> tuple[Pair | None, dict[str, Any]]:
    """Return the records of a cell beside their reference, or None where too few can be graded; and their provenance.

    Parameters
    ----------
    records : Path
        As :meth:`review.generators.Dataset.write` writes them.
    rejected : bool
        Whether rejected records are taken, too, as far as something could be read of them.

    Raises
    ------
    InputError
        If the files cannot be used.
    """
    facts = provenance(records)
    source = readers.read(records, rejected=rejected, fewest=0)
    known = reference(facts["modality"], facts["method"], facts["configuration"], int(facts["seed"]))
    columns = [name for name in known.choices.columns if name in source.frame]
    whole = source.frame[columns].dropna(how="all") if columns else source.frame.iloc[:0]
    usable = [name for name in columns if whole[name].notna().any()]
    if len(whole) < FEWEST_ROWS or known.choices.text not in ("", *usable) or not usable:
        return None, facts
    empty = tuple(name for name in known.choices.columns if name not in usable)
    frames = {"real": known.real, "synthetic": whole[usable].reset_index(drop=True), "holdout": known.holdout}
    sources = {role: Source(role, frame[usable]) for role, frame in frames.items() if frame is not None}
    choices = Choices(
        known.choices.kind,
        tuple(usable),
        text=known.choices.text,
        label=known.choices.label if known.choices.label in usable else "",
        classes=tuple(name for name in known.choices.classes if name in usable),
    )
    pair = match(sources, choices)
    notes = [f"real items here: {known.source}"]
    notes += [f"left out: {name} is missing in every synthetic item" for name in empty]
    return dataclasses.replace(pair, accepted=source.accepted, notes=(*notes, *pair.notes)), facts


def numbered() -> dict[str, tuple[str, str]]:
    """Return the cells by the number of the notebook that demonstrates each: its files begin with it."""
    from review.generators import METHODS, MODALITIES

    return {
        f"{10 * row + column}": (modality, method)
        for row, modality in enumerate(MODALITIES, 2)
        for column, method in enumerate(METHODS, 1)
    }


@dataclass(frozen=True)
class Graded:
    """The card of one cell, or why there is none.

    Attributes
    ----------
    modality, method : str
    accepted, asked : int
    card : Card or None
    remark : str
        Where the records are from; why there is no card.
    """

    modality: str
    method: str
    accepted: int
    asked: int
    card: Card | None
    remark: str

    @property
    def name(self) -> str:
        """Modality and method in words."""
        return f"{self.modality}, {self.method}"


def collect(folder: Path, seed: int, *, cache: str = "", progress: Progress | None = None) -> dict[str, tuple[Path, str]]:
    """Return the records of all nine cells; those that nobody generated yet are generated at small sizes.

    Parameters
    ----------
    folder : Path
        Where the notebooks of the cells wrote theirs (``<number>-records.jsonl``); new ones go to ``small/`` in it.
    seed : int
    cache : str
        Folder of the language model's answers.

    Returns
    -------
    dict
        Number of the notebook -> path, and where the records are from in words.
    """
    from review import generators, paths
    from review.batch import declarations

    found: dict[str, tuple[Path, str]] = {}
    for number, cell in numbered().items():
        path = folder / f"{number}-records.jsonl"
        if path.exists():
            found[number] = (path, "records of the notebook of this cell")
            continue
        source = next(iter(sorted(paths.NOTEBOOKS.glob(f"{number}-*.ipynb"))))
        options = declarations.quick(source)
        size = options.pop("n")
        if "cache" in generators.options_of(*cell):
            options["cache"] = cache
        path, _ = generators.generate(*cell, size, seed, progress=progress, **options).write(folder / "small" / path.name)
        found[number] = (path, f"generated here at a small size ({size}), which shows that it runs and nothing more")
    return found


def grade_all(
    records: Mapping[str, tuple[Path, str]], settings: Settings, *, rejected: bool = False, progress: Progress | None = None
) -> tuple[Graded, ...]:
    """Make a card for each cell.

    Parameters
    ----------
    records : mapping
        As :func:`collect` returns it.
    settings : Settings
    rejected : bool
        Whether rejected records are graded, too.
    """
    from review import evaluation

    graded = []
    for place, (path, origin) in enumerate(records.values()):
        if progress:
            progress("cards", place, len(records))
        pair, facts = pair_of(path, rejected=rejected)
        counts = (int(facts["accepted"]), int(facts["asked"]))
        cell = (str(facts["modality"]), str(facts["method"]))
        if pair is None:
            words = f"no card: fewer than {FEWEST_ROWS} usable records; {origin}"
            graded.append(Graded(*cell, *counts, None, words))
            continue
        title = f"Report card: {cell[0]}, {cell[1]} ({facts['model'].get('model', '')}, seed {facts['seed']})"
        graded.append(Graded(*cell, *counts, evaluation.evaluate(pair, settings, title=title), origin))
    return tuple(graded)


def overview(graded: Sequence[Graded]) -> pd.DataFrame:
    """Return how many records each cell has, and the counts of its grades.

    Returns
    -------
    DataFrame
        ``cell, accepted, asked, share, low, high`` (Wilson), one column a grade, ``remark``.
    """
    import pandas as pd

    from review.evaluation.metrics import GRADES
    from review.statistics import wilson

    rows = []
    for one in graded:
        held = [] if one.card is None else [grade.grade for grade in one.card.grades]
        low, high = wilson(one.accepted, one.asked)
        share = one.accepted / one.asked if one.asked else None
        rows.append([one.name, one.accepted, one.asked, share, low, high, *(held.count(name) for name in GRADES), one.remark])
    return pd.DataFrame(rows, columns=["cell", "accepted", "asked", "share", "low", "high", *GRADES, "remark"])


def grades(graded: Sequence[Graded]) -> pd.DataFrame:
    """Return the grades of all cells, one row an aspect of a cell: ``series, family, aspect, grade, reason``."""
    import pandas as pd

    rows = [
        (one.name, grade.family, grade.aspect, grade.grade, grade.reason)
        for one in graded
        if one.card is not None
        for grade in one.card.grades
    ]
    return pd.DataFrame(rows, columns=["series", "family", "aspect", "grade", "reason"])


def views(graded: Sequence[Graded], corpus: Corpus, selection: str = "default", where: str = "") -> pd.DataFrame:
    """Lay the families that the coded studies of each cell used over its card.

    Returns
    -------
    DataFrame
        ``cell, studies`` (of that cell), then ``labels, count, shown, failing, failing_shown, failing_hidden`` as
        :func:`review.evaluation.reported.compute_views` returns them; one row where a cell has no coded study or no card.
    """
    import pandas as pd

    from review.evaluation import reported

    shown = ["labels", "count", "shown", "failing", "failing_shown", "failing_hidden"]
    tables = []
    for one in graded:
        own = f'modality == "{one.modality}" and method == "{one.method}"'
        both = f"({where}) and {own}" if where.strip() else own
        held = () if one.card is None else one.card.grades
        known = {"modality", "method"} <= set(corpus.codebook.dimensions)
        table = reported.compute_views(corpus, held, selection, both) if known else pd.DataFrame(columns=list(reported.VIEWS))
        studies = int(table["count"].sum())
        if not len(table):
            table = pd.DataFrame([{"labels": "no coded study", "count": 0}], columns=list(reported.VIEWS))
        tables.append(table[shown].assign(cell=one.name, studies=studies)[["cell", "studies", *shown]])
    return pd.concat([table.astype(dict.fromkeys(shown[1:], "Int64")) for table in tables], ignore_index=True)
