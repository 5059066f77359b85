"""Draw a report card as one HTML page: no script, nothing loaded, every data value escaped."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from review.evaluation.metrics import DIRECTIONS, FAIL, FAMILIES, GRADES, NOT_ASSESSABLE, PASS, UNCLEAR, Metric, Value

if TYPE_CHECKING:
    from review.evaluation.card import Card

SYMBOLS = {PASS: "\u25cf", UNCLEAR: "\u25d0", FAIL: "\u2715", NOT_ASSESSABLE: "\u2013"}
"""A sign beside each grade, so that no colour has to be told from another."""

WIDTH, HEIGHT, ROOM = 180.0, 22.0, 6.0
HUGE = 1e9
"""Numbers from which no digit is written out."""

SHOWN_VALUES = 60
"""Values of one aspect that the page shows; all are in the CSV file."""


def render(card: Card) -> str:
    """Return the page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("review"), autoescape=select_autoescape(default=True), undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["short"] = short
    families = [_family(card, family) for family in card.sections]
    template = environment.get_template("card.html.j2")
    page = template.render(
        card=card, families=families, symbols=SYMBOLS, grades=GRADES, directions=DIRECTIONS, titles=FAMILIES, metrics=card.metrics
    )
    return "\n".join(line.rstrip() for line in page.splitlines()) + "\n"


def _family(card: Card, family: str) -> dict[str, Any]:
    section = card.sections[family]
    aspects: dict[str, list[dict[str, Any]]] = {grade.aspect: [] for grade in section.grades}
    for value in section.values:
        metric = card.metrics[value.metric]
        aspects.setdefault(metric.aspect, []).append({"value": value, "metric": metric, "strip": strip(value, metric)})
    grades = {grade.aspect: grade for grade in section.grades}
    order = list(GRADES)
    parts = []
    for name, rows in aspects.items():
        ordered = sorted(rows, key=lambda row: -order.index(row["value"].verdict) if row["value"].verdict else 1)
        parts.append(
            {"name": name, "grade": grades.get(name), "rows": ordered[:SHOWN_VALUES], "hidden": len(rows) - SHOWN_VALUES}
        )
    return {"code": family, "title": FAMILIES[family], "section": section, "aspects": parts}


def short(number: float | None) -> str:
    """Return a number with three significant digits, or a dash; a very large one with its power of ten."""
    if number is None:
        return "\u2013"
    if number == 0:
        return "0"
    if abs(number) >= HUGE:
        return f"{number:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:.{min(digits, 6)}f}"


def strip(value: Value, metric: Metric) -> dict[str, Any] | None:
    """Return where value, interval, baseline and edge lie on a line of :data:`WIDTH` units; None without a value."""
    names = ("value", "low", "high", "baseline", "baseline_low", "baseline_high", "edge")
    numbers: dict[str, float] = {name: number for name in names if (number := getattr(value, name)) is not None}
    if "value" not in numbers:
        return None
    low, high = float(min(0.0, *numbers.values())), float(max(numbers.values()))
    if math.isfinite(metric.high) and 2 * high > metric.high:
        high = max(high, metric.high)  # the whole range, where it leaves room enough for the values
    span: float = (high / 2 - low / 2) or 1.0  # halves, as the difference of huge numbers is none

    def place(number: float) -> float:
        return round(ROOM + (WIDTH - 2 * ROOM) * ((number / 2 - low / 2) / span), 1)

    found: dict[str, Any] = {name: place(number) for name, number in numbers.items()}
    if "baseline_low" in found and "baseline_high" in found:
        found["band"] = max(round(found["baseline_high"] - found["baseline_low"], 1), 1.0)
    found["words"] = f"value {short(value.value)}" + (
        f", interval {short(value.low)} to {short(value.high)}" if value.low is not None and value.high is not None else ""
    )
    if value.baseline is not None:
        found["words"] += f"; baseline {short(value.baseline)}"
        if value.baseline_low is not None and value.baseline_high is not None:
            found["words"] += f", {short(value.baseline_low)} to {short(value.baseline_high)}"
    return found
