"""The intrinsic family for tables: columns, pairs of columns, whole rows, and rules that hold in the real rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from review.evaluation import baseline, constraints, tabular_dependence, tabular_detection, tabular_marginals, tabular_rules
from review.evaluation.constraints import Rule
from review.evaluation.metrics import Section, Settings, grade
from review.evaluation.tabular_arrays import layout, matrix, pool, sampled

if TYPE_CHECKING:
    from review.evaluation.inputs import Pair

METRICS = (
    *tabular_marginals.METRICS,
    *tabular_dependence.METRICS,
    *tabular_detection.METRICS,
    *tabular_rules.METRICS,
    *constraints.METRICS,
)


def measure(pair: Pair, settings: Settings, rules: Sequence[Rule] = ()) -> Section:
    """Measure the numbers and classes of a pair.

    Parameters
    ----------
    pair : Pair
    settings : Settings
    rules : sequence of Rule
        Given by the user: :func:`review.evaluation.constraints.load`.

    Returns
    -------
    Section
        Four aspects: marginals, dependence, detection and constraints. Tables: ``marginals`` (over all rows), ``dependence``
        (pairs that differ most) and ``constraints`` (rules of the real rows that are broken most).

    Raises
    ------
    InputError
        If a rule names a column that is not there.
    """
    constraints.check(rules, pair.columns)
    columns = layout(pair)
    if not columns.names:
        aspects = (tabular_marginals.ASPECT, tabular_dependence.ASPECT, tabular_detection.ASPECT, tabular_rules.ASPECT)
        return Section(grades=tuple(grade("intrinsic", aspect, (), "no column of numbers or classes") for aspect in aspects))
    whole = matrix(pair.real, columns), matrix(pair.synthetic, columns)
    real, synthetic = (pool(rows, settings, stream) for stream, rows in enumerate(whole))
    full = sampled(len(whole[0]), len(whole[1]), settings)
    note = full.partition(";")[0]
    everywhere = tabular_marginals.over_all(*whole, columns)
    values, graded = tabular_marginals.measure(real, synthetic, columns, settings, full, everywhere)
    related, related_grade, pairs = tabular_dependence.measure(real, synthetic, columns, settings, note)
    told, told_grade = tabular_detection.measure(real, synthetic, columns, settings)
    kept = [*tabular_rules.found(real, synthetic, columns, settings, note), *constraints.given(pair, rules)]
    few = f"fewer than {baseline.FEWEST} rows in a part"
    tables = {
        "marginals": tuple(everywhere.values()),
        "dependence": pairs,
        "constraints": tabular_rules.listed(*whole, columns),
    }
    return Section(
        values=(*values, *related, *told, *kept),
        grades=(graded, related_grade, told_grade, grade("intrinsic", tabular_rules.ASPECT, kept, few)),
        notes=(full,) if full else (),
        tables={name: rows for name, rows in tables.items() if rows},
    )
