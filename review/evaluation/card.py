"""The report card: every family with its grades, values and limits, as HTML for people and JSON and CSV for machines.

There is no overall grade. A family that was not measured stands in the card all the same, as not assessable and with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review import __version__, strict_json
from review.errors import InputError
from review.evaluation.baseline import FEWEST, SMALL
from review.evaluation.metrics import FAMILIES, GRADES, NOT_ASSESSABLE, PASS, Grade, Metric, Section, Settings, Value
from review.files import read_text, sheet, to_json, write_text

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

FORMAT = "synthetic-data-review/card/1"
SCHEMA = Path(__file__).parent / "card.schema.json"
FILES = ("card.html", "card.json", "metrics.csv")
GRADE_COLUMNS = ("family", "aspect", "grade", "reason", "decided_by")


@dataclass(frozen=True)
class Card:
    """What is known of one synthetic data set beside real data.

    Attributes
    ----------
    title : str
    data : mapping
        Kind, sizes, columns, label, hashes of files and of the compared values, accepted and asked-for records.
    settings : mapping
    sections : mapping of str to Section
        By family, all of :data:`review.evaluation.metrics.FAMILIES`.
    metrics : mapping of str to Metric
        Those that have a value.
    notes : tuple of str
        What a reader has to know first.
    reported : tuple of mappings
        Families that the coded studies of the review used, as :func:`review.evaluation.reported.compute_reported` returns them.
    cautions : tuple of str
        What has to stand beside ``reported``.
    """

    title: str
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    sections: Mapping[str, Section]
    metrics: Mapping[str, Metric]
    notes: tuple[str, ...] = ()
    reported: tuple[Mapping[str, Any], ...] = ()
    cautions: tuple[str, ...] = field(default_factory=tuple)

    @property
    def values(self) -> tuple[Value, ...]:
        """Every value, family by family."""
        return tuple(value for section in self.sections.values() for value in section.values)

    @property
    def grades(self) -> tuple[Grade, ...]:
        """Every grade, family by family."""
        return tuple(grade for section in self.sections.values() for grade in section.grades)

    def grade(self, family: str, aspect: str) -> str:
        """Return the grade of one aspect.

        Raises
        ------
        KeyError
            If the card has no such aspect.
        """
        return {(grade.family, grade.aspect): grade.grade for grade in self.grades}[family, aspect]

    def table(self) -> pd.DataFrame:
        """Return the grades: ``family, aspect, grade, reason, decided_by``."""
        import pandas as pd

        rows = [(one.family, one.aspect, one.grade, one.reason, "; ".join(one.decided_by)) for one in self.grades]
        return pd.DataFrame(rows, columns=list(GRADE_COLUMNS))

    def measured(self) -> pd.DataFrame:
        """Return every value with family, aspect and title of its metric, one row a value."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        rows = []
        for value in self.values:
            metric = self.metrics[value.metric]
            facts = {"family": metric.family, "aspect": metric.aspect, "title": metric.title, "direction": metric.direction}
            rows.append({**facts, **asdict(value)})
        return rows

    def plain(self) -> dict[str, Any]:
        """Return the card as JSON has it; the schema is :data:`SCHEMA`."""
        return {
            "format": FORMAT,
            "package": __version__,
            "title": self.title,
            "data": dict(self.data),
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "meaning_of_grades": dict(GRADES),
            "families": [
                {
                    "family": family,
                    "title": FAMILIES[family],
                    "grades": [{**asdict(grade), "decided_by": list(grade.decided_by)} for grade in section.grades],
                    "values": [asdict(value) for value in section.values],
                    "notes": list(section.notes),
                    "tables": {name: [dict(row) for row in rows] for name, rows in section.tables.items()},
                }
                for family, section in self.sections.items()
            ],
            "metrics": [metric.plain() for metric in self.metrics.values()],
            "reported": {"families": [dict(row) for row in self.reported], "cautions": list(self.cautions)},
        }

    def csv(self) -> str:
        """Return every value as CSV, in which no spreadsheet takes text for a formula."""
        rows = self._rows()
        header = list(rows[0]) if rows else ["family", "aspect", "title", "direction", *Value.__dataclass_fields__]
        return sheet(header, (row.values() for row in rows))

    def html(self) -> str:
        """Return the card as one HTML file that loads nothing and runs no script."""
        from review.evaluation.page import render

        return render(self)

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write ``card.html``, ``card.json`` and ``metrics.csv``; return their paths."""
        texts = (self.html(), to_json(self.plain()), self.csv())
        paths = tuple(folder / name for name in FILES)
        for path, text in zip(paths, texts, strict=True):
            write_text(path, text)
        return paths


def build(
    pair: Pair,
    settings: Settings,
    sections: Mapping[str, Iterable[Section]],
    metrics: Mapping[str, Metric],
    missing: Mapping[str, str],
    title: str = "",
) -> Card:
    """Put a card together.

    Parameters
    ----------
    pair : Pair
    settings : Settings
    sections : mapping of str to sections
        What was measured, by family.
    metrics : mapping of str to Metric
        Every metric that there is; those without a value are left out.
    missing : mapping of str to str
        Family -> why it was not measured.
    title : str
    """
    from review.evaluation.inputs import fingerprint

    merged = {family: _merge(family, list(sections.get(family, ())), missing.get(family, "")) for family in FAMILIES}
    sizes = {role: len(frame) for role, frame in pair.parts().items()}
    if min(sizes["real"], sizes["synthetic"]) < FEWEST:
        merged = {family: _doubted(section) for family, section in merged.items()}
    used = {value.metric for section in merged.values() for value in section.values}
    lost = sorted(used - set(metrics))
    if lost:
        raise ValueError(f"values of metrics that nobody describes: {', '.join(lost)}")
    data = {
        "kind": pair.kind,
        "sizes": sizes,
        "columns": [asdict(column) for column in pair.columns],
        "text": pair.text,
        "label": pair.label,
        "sha256": dict(pair.hashes),
        "fingerprint": fingerprint(pair),
        "accepted": None if pair.accepted is None else list(pair.accepted),
    }
    return Card(
        title=title or f"Report card of {sizes['synthetic']} synthetic beside {sizes['real']} real items",
        data=data,
        settings=asdict(settings),
        sections=merged,
        metrics={name: metric for name, metric in metrics.items() if name in used},
        notes=(*_size_notes(sizes, pair.accepted), *pair.notes),
    )


def _size_notes(sizes: Mapping[str, int], accepted: tuple[int, int] | None) -> list[str]:
    notes = [
        f"small sample: {count} {role} items (fewer than {SMALL}); only large differences can be seen"
        for role, count in sizes.items()
        if count < SMALL
    ]
    if accepted is not None:
        rest = "only these are graded" if sizes["synthetic"] <= accepted[0] else "rejected ones are graded, too"
        notes.append(f"{accepted[0]} of {accepted[1]} records that the generator was asked for were accepted; {rest}")
    if "holdout" not in sizes:
        notes.append("no hold-out: without real items that the generator has not seen, attacks on privacy have no control group")
    return notes


def _doubted(section: Section) -> Section:
    """Return a section of too few items: what fails stays, what passes says nothing."""
    words = f"fewer than {FEWEST} items: nothing bad was seen in them, which says next to nothing"
    grades = [replace(one, grade=NOT_ASSESSABLE, reason=words) if one.grade == PASS else one for one in section.grades]
    return replace(section, grades=tuple(grades))


def _merge(family: str, parts: Sequence[Section], reason: str) -> Section:
    """Return the sections of a family as one; a family without grades is not assessable."""
    grades = tuple(grade for part in parts for grade in part.grades)
    if not grades:
        grades = (Grade(family, FAMILIES[family].lower(), NOT_ASSESSABLE, reason or "nothing of it was measured"),)
    names = [grade.aspect for grade in grades]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"{family}: two grades of {', '.join(doubled)}")
    tables: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for part in parts:
        for name, rows in part.tables.items():
            if name in tables:
                raise ValueError(f"{family}: two tables named {name}")
            tables[name] = rows
    values = tuple(value for part in parts for value in part.values)
    return Section(values, grades, tuple(note for part in parts for note in part.notes), tables)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a card."""
    found: dict[str, Any] = json.loads(read_text(SCHEMA))
    return found


def read(path: Path) -> dict[str, Any]:
    """Read the JSON of a card and hold it to its schema.

    Raises
    ------
    InputError
        If it is not JSON, or no card of this version.
    """
    import jsonschema

    found: dict[str, Any] = strict_json.load(path, "write the card again")
    try:
        jsonschema.validate(found, schema())
    except jsonschema.ValidationError as error:
        place = "/".join(str(part) for part in error.absolute_path) or "the whole"
        message = f"no card of the format {FORMAT}: {error.message[:160]}"
        raise InputError.one(path, message, "write the card again with this version", place) from None
    return found
