"""Tables of exact ranges: categories, cells of cross tables, scenarios, and random reconstructions beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from review import bounds as exact
from review import scenarios
from review.errors import InfeasibleError, ReviewError

if TYPE_CHECKING:
    import pandas as pd

    from review.bounds import Condition, Model
    from review.corpus import Corpus
    from review.scenarios import Scenario


def compute_bounds(
    corpus: Corpus, dimensions: Iterable[str] | None = None, scenario: str = "default", given: Model | None = None
) -> pd.DataFrame:
    """Return the exact range of every category's count over all reconstructions.

    Parameters
    ----------
    corpus : Corpus
    dimensions : iterable of str, optional
        Dimensions of the codebook, or ``year``; all by default.
    scenario : str
        As in :func:`review.scenarios.parse`.
    given : Model, optional
        The model of that scenario, to solve no range twice.

    Returns
    -------
    DataFrame
        ``dimension, category, min, max, chosen`` (count in the committed selection of that version; missing if there is none),
        ``total, scenario, fixed`` (whether a published count fixes it).

    Raises
    ------
    InfeasibleError
        If no reconstruction exists under the scenario, with the clash.
    """
    import pandas as pd

    reading = scenarios.parse(corpus, scenario)
    model = given or exact.model(corpus, reading)
    names = list(dimensions) if dimensions is not None else [*corpus.codebook.dimensions, "year"]
    counts = _chosen_counts(corpus, reading)
    total = model.targets[0].count
    fixed = {(target.dimension, target.category) for target in model.targets}
    rows = []
    for name in names:
        codes = categories(corpus, model, name)
        for code in codes:
            bound = model.bound([(name, code)])
            rows.append([name, code, bound.low, bound.high, counts.get((name, code)), total, reading.name, (name, code) in fixed])
    columns = ["dimension", "category", "min", "max", "chosen", "total", "scenario", "fixed"]
    return pd.DataFrame(rows, columns=columns).astype({"chosen": "Int64"})


def with_ranges(table: pd.DataFrame, corpus: Corpus, selection: str = "default", where: str = "") -> tuple[pd.DataFrame, str]:
    """Add the exact range of each count over all reconstructions to a table of counts.

    Parameters
    ----------
    table : DataFrame
        With the columns ``dimension, category``.
    selection, where : str
        As in :meth:`Corpus.studies`. Only counts of a whole calibrated selection have ranges.

    Returns
    -------
    table : DataFrame
        With ``range_low, range_high``: the smallest and greatest count over all reconstructions that meet the counts of the
        selection's version; missing for filtered studies, for a selection that is not calibrated, and where no reconstruction
        exists.
    clash : str
        Why no reconstruction exists; "" otherwise.
    """
    import pandas as pd

    ends: dict[tuple[str, str], tuple[int, int]] = {}
    clash = ""
    if corpus.basis(selection) == "calibrated" and not where.strip() and len(table):
        try:
            found = compute_bounds(corpus, list(dict.fromkeys(table["dimension"])), corpus.resolve(selection))
            rows = found[["dimension", "category", "min", "max"]].itertuples(index=False)
            ends = {(dimension, category): (low, high) for dimension, category, low, high in rows}
        except InfeasibleError as error:
            clash = str(error)
    both = [ends.get(place, (None, None)) for place in zip(table["dimension"], table["category"], strict=True)]
    low, high = (pd.array([end[side] for end in both], dtype="Int64") for side in (0, 1))
    return table.assign(range_low=low, range_high=high), clash


def categories(corpus: Corpus, model: Model, name: str) -> list[str]:
    """Return the codes of a dimension, or the years of the candidates for ``year``."""
    if name == "year":
        return [code for dimension, code in model.states if dimension == "year"]
    return list(corpus.codebook[name].categories)


def committed(corpus: Corpus, version: str) -> str:
    """Return the selection that stands for a version: of the same name, else a listed default; "" if there is none."""
    default = corpus.resolve("default")
    return version if version in corpus.selections else (default if corpus.basis(default) == "listed" else "")


def open_conditions(corpus: Corpus, version: str = "default", years: int = 2) -> list[Condition]:
    """Return what stays open in the published dimensions: categories without a printed count, and the fullest years."""
    rows = corpus.implied[corpus.implied["version"] == corpus.version(version)]
    printed = set(zip(rows["dimension"], rows["category"], strict=True))
    names = list(dict.fromkeys(rows["dimension"]))
    found = [(str(name), code) for name in names for code in corpus.codebook[str(name)].categories if (name, code) not in printed]
    counts = Counter(int(year) for year in corpus.studies("pool")["year"].dropna())
    order = sorted(counts, key=lambda year: (-counts[year], year))[:years]
    return [*found, *(("year", str(year)) for year in order)]


def _chosen_counts(corpus: Corpus, reading: Scenario) -> dict[Condition, int]:
    """Return the counts of the committed selection of a version, for categories and years."""
    from review.statistics import indicator

    name = committed(corpus, reading.version)
    if not name:
        return {}
    frame = corpus.studies(name)
    found: dict[Condition, int] = {}
    for name, dimension in corpus.codebook.dimensions.items():
        for code in dimension.categories:
            found[name, code] = int(indicator(frame, corpus, name, code).fillna(False).sum())
    years = frame["year"].dropna().astype(int).value_counts().to_dict()
    candidates = scenarios.candidates(corpus, reading)["year"].dropna().astype(int)
    return found | {("year", str(year)): int(years.get(year, 0)) for year in set(candidates)}


def compute_cell_bounds(corpus: Corpus, rows: str, columns: str, scenario: str = "default") -> pd.DataFrame:
    """Return the exact range of every cell of a cross table, and of its share of the row.

    Returns
    -------
    DataFrame
        ``rows, row, columns, column, min, max, share_min, share_max`` (share of the row's studies, exact over the
        reconstructions in which the row is not empty; missing where it always is), ``scenario``.
    """
    import pandas as pd

    reading = scenarios.parse(corpus, scenario)
    model = exact.model(corpus, reading)
    found = []
    for row in categories(corpus, model, rows):
        for column in categories(corpus, model, columns):
            both: list[Condition] = [(rows, row), (columns, column)]
            bound, ratio = model.bound(both), model.ratio(both, both[:1])
            low, high = (None, None) if ratio is None else (ratio.low[0] / ratio.low[1], ratio.high[0] / ratio.high[1])
            found.append([rows, row, columns, column, bound.low, bound.high, low, high, reading.name])
    names = ["rows", "row", "columns", "column", "min", "max", "share_min", "share_max", "scenario"]
    return pd.DataFrame(found, columns=names).astype({"share_min": "Float64", "share_max": "Float64"})


def compute_scenarios(corpus: Corpus, conditions: Iterable[Condition]) -> pd.DataFrame:
    """Solve every standard scenario for a few counts; those without a reconstruction say what clashes.

    Returns
    -------
    DataFrame
        ``scenario, assumes, candidates, feasible, dimension, category, min, max, clash``; one row a feasible scenario and
        count, one row an infeasible scenario.
    """
    import pandas as pd

    wanted = list(conditions)
    rows: list[list[object]] = []
    for reading in scenarios.standard(corpus):
        head = [reading.name, scenarios.describe(reading), len(scenarios.candidates(corpus, reading))]
        try:
            model = exact.model(corpus, reading)
            ranges = [(condition, model.bound([condition])) for condition in wanted]
        except ReviewError as error:
            rows.append([*head, False, "", "", None, None, str(error)])
            continue
        rows += [[*head, True, *condition, bound.low, bound.high, ""] for condition, bound in ranges]
    columns = ["scenario", "assumes", "candidates", "feasible", "dimension", "category", "min", "max", "clash"]
    return pd.DataFrame(rows, columns=columns).astype({"min": "Int64", "max": "Int64"})


def draw(model: Model, number: int, seed: int = 0) -> list[tuple[str, ...]]:
    """Return random reconstructions: each maximises random weights of the studies.

    The draws are **not uniform** over all reconstructions (corners in the direction of the weights are favoured), so
    frequencies among them are no probabilities. They show how far reconstructions can differ.

    Raises
    ------
    InfeasibleError
        If there is no reconstruction.
    """
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        weights = generator.standard_normal(len(model.keys))
        point = model.solve(dict(enumerate(weights.tolist())), greatest=True)
        if point is None:
            raise InfeasibleError(f"no reconstruction exists: {exact.misses(model)}")
        found.append(model.chosen(point))
    return found


def compute_draws(
    corpus: Corpus, rows: str, columns: str, scenario: str = "default", number: int = 200, seed: int = 0
) -> pd.DataFrame:
    """Count the cells of a cross table in random reconstructions.

    Returns
    -------
    DataFrame
        ``draw, row, column, count``; see :func:`draw` for what it is not.
    """
    import pandas as pd

    model = exact.model(corpus, scenarios.parse(corpus, scenario))
    place = {key: index for index, key in enumerate(model.keys)}
    first = {code: np.array([state is True for state in model.states[rows, code]]) for code in categories(corpus, model, rows)}
    second = {
        code: np.array([state is True for state in model.states[columns, code]]) for code in categories(corpus, model, columns)
    }
    found = []
    for index, keys in enumerate(draw(model, number, seed)):
        taken = [place[key] for key in keys]
        found += [
            [index, row, column, int((a[taken] & b[taken]).sum())] for row, a in first.items() for column, b in second.items()
        ]
    return pd.DataFrame(found, columns=["draw", "row", "column", "count"])
