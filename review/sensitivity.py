"""What the ranges depend on: random reconstructions, recodings, moves between versions, and what to read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from review import bounds as exact
from review import scenarios
from review.errors import InfeasibleError, ReviewError
from review.files import records

if TYPE_CHECKING:
    import pandas as pd

    from review.bounds import Condition, Model
    from review.corpus import Corpus
    from review.scenarios import Scenario

POINTS = {"high": 0, "medium": 1, "low": 2, "": 1}
"""Points of doubt for a code of that confidence."""


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
        codes = _categories(corpus, model, name)
        for code in codes:
            bound = model.bound([(name, code)])
            rows.append([name, code, bound.low, bound.high, counts.get((name, code)), total, reading.name, (name, code) in fixed])
    columns = ["dimension", "category", "min", "max", "chosen", "total", "scenario", "fixed"]
    return pd.DataFrame(rows, columns=columns).astype({"chosen": "Int64"})


def _categories(corpus: Corpus, model: Model, name: str) -> list[str]:
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
    for row in _categories(corpus, model, rows):
        for column in _categories(corpus, model, columns):
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
    first = {code: np.array([state is True for state in model.states[rows, code]]) for code in _categories(corpus, model, rows)}
    second = {
        code: np.array([state is True for state in model.states[columns, code]]) for code in _categories(corpus, model, columns)
    }
    found = []
    for index, keys in enumerate(draw(model, number, seed)):
        taken = [place[key] for key in keys]
        found += [
            [index, row, column, int((a[taken] & b[taken]).sum())] for row, a in first.items() for column, b in second.items()
        ]
    return pd.DataFrame(found, columns=["draw", "row", "column", "count"])


def compute_doubt(corpus: Corpus) -> pd.DataFrame:
    """Score how open to another reading each code of a published dimension is.

    A coder who gave another code than the consensus adds 3 points (also a coder who left open what the consensus knows), a
    coder of medium confidence 1, of low confidence 2.

    Returns
    -------
    DataFrame
        ``key, dimension, category`` (a consensus code), ``doubt`` (points), ``other`` (codes that other coders gave, joined
        by ``"; "``; ``unknown`` where a coder gave none).
    """
    import pandas as pd

    coding = corpus.coding
    coding = coding[coding["dimension"].isin(set(corpus.published["dimension"]))]
    consensus = coding[(coding["coder"] == "consensus") & (coding["value"] != "") & ~coding["value"].str.startswith("not ")]
    coders = coding[coding["coder"] != "consensus"]
    groups: dict[object, pd.DataFrame] = dict(list(coders.groupby(["key", "dimension"])))
    rows = []
    for key, dimension, value in zip(consensus["key"], consensus["dimension"], consensus["value"], strict=True):
        group = groups.get((key, dimension), coders.head(0))
        exclusive = corpus.codebook[str(dimension)].exclusive
        points, others = 0, []
        for coder in sorted(set(group["coder"])):
            mine = group[group["coder"] == coder]
            same = mine[mine["value"] == value]
            if same.empty:
                points += 3
                others += [str(code) or "unknown" for code in mine["value"]] if exclusive else ["unknown"]
            else:
                points += POINTS[str(same["confidence"].iloc[0])]
        rows.append([key, dimension, value, points, "; ".join(dict.fromkeys(others))])
    return pd.DataFrame(rows, columns=["key", "dimension", "category", "doubt", "other"])


def compute_recodings(corpus: Corpus, version: str = "default") -> pd.DataFrame:
    """Tell how many recodings move a published share of the committed selection to the next count, and which come first.

    One study more or less with a code always moves its share to the next count; with exclusive codes a second share moves
    with it. What differs is how many studies are open to such a recoding.

    Returns
    -------
    DataFrame
        ``dimension, category, direction`` (+1 or -1), ``count, share, next_share`` (percent), ``recodings`` (studies that
        must be recoded), ``shares_moved``, ``open`` (studies of the selection for which some coder or an unknown value
        allows it), ``keys`` (those, most doubtful first).
    """
    import pandas as pd

    name = corpus.version(version)
    frame = corpus.studies(committed(corpus, name) or "all").set_index("key", drop=False)
    doubt = compute_doubt(corpus)
    doubt = doubt[doubt["key"].isin(frame.index)]
    counts = corpus.implied[corpus.implied["version"] == name].dropna(subset="count")
    rows = []
    for dimension, code, count, total in zip(
        counts["dimension"], counts["category"], counts["count"], counts["total"], strict=True
    ):
        exclusive = corpus.codebook[str(dimension)].exclusive
        mine = doubt[(doubt["dimension"] == dimension) & (doubt["category"] == code)]
        away = mine[mine["other"] != ""].sort_values(["doubt", "key"], ascending=[False, True])
        if exclusive:
            towards = doubt[
                (doubt["dimension"] == dimension) & doubt["other"].str.split("; ").map(lambda codes, code=code: code in codes)
            ]
            plus = list(towards.sort_values(["doubt", "key"], ascending=[False, True])["key"])
        else:
            from review.corpus import flag

            plus = list(frame.index[frame[flag(str(dimension), str(code))].isna()])
        for direction, keys in ((1, plus), (-1, list(away["key"]))):
            share, following = 100 * int(count) / int(total), 100 * (int(count) + direction) / int(total)
            moved = 2 if exclusive else 1
            rows.append(
                [
                    dimension,
                    code,
                    direction,
                    int(count),
                    round(share, 2),
                    round(following, 2),
                    1,
                    moved,
                    len(keys),
                    "; ".join(keys),
                ]
            )
    columns = ["dimension", "category", "direction", "count", "share", "next_share", "recodings", "shares_moved", "open", "keys"]
    return pd.DataFrame(rows, columns=columns)


def compute_moves(corpus: Corpus, before: str, after: str) -> pd.DataFrame:
    """List the candidate studies for each net move between two versions of the review.

    Where a category lost studies, its studies among all those of the bibliography are candidates, most doubtful first.
    Whether any of them is in the review is unknown: the list is where to look, not what happened.

    Returns
    -------
    DataFrame
        ``dimension, category, moved`` (net), ``gained`` (categories of that dimension that gained, exclusive dimensions only),
        ``key, citation, status, doubt, other``.
    """
    import pandas as pd

    from review.published import compare_versions

    changes = compare_versions(corpus.published, corpus.codebook, before, after)
    studies = corpus.studies("all").set_index("key")
    doubt = compute_doubt(corpus)
    parts = []
    for dimension, code, moved in zip(changes["dimension"], changes["category"], changes["moved"], strict=True):
        if pd.isna(moved) or moved >= 0:
            continue
        gains = changes[(changes["dimension"] == dimension) & (changes["moved"].fillna(0) > 0)]
        gained = "; ".join(gains["category"]) if corpus.codebook[str(dimension)].exclusive else ""
        mine = doubt[(doubt["dimension"] == dimension) & (doubt["category"] == code)].copy()
        mine["moved"], mine["gained"] = int(moved), gained
        mine["citation"] = list(studies.loc[mine["key"], "citation"])
        mine["status"] = list(studies.loc[mine["key"], "status"])
        parts.append(mine.sort_values(["doubt", "key"], ascending=[False, True]))
    columns = ["dimension", "category", "moved", "gained", "key", "citation", "status", "doubt", "other"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def compute_reading_list(corpus: Corpus, number: int = 20, scenario: str = "default") -> pd.DataFrame:
    """Rank the studies whose full text would settle most.

    A study is *pivotal* for a range if only one of the two reconstructions that attain its ends contains it. Studies are
    ranked by how many ranges of the published dimensions, years and joint cells of the published dimensions they are pivotal
    for, plus their points of doubt (:func:`compute_doubt`) and one point for each label that is unknown for them. The extreme
    reconstructions are not unique, so the order is a guide to reading, no measurement.

    Returns
    -------
    DataFrame
        ``rank, key, citation, score, pivotal, doubt, unknown, link``.
    """
    import pandas as pd

    from review.corpus import link

    model = exact.model(corpus, scenarios.parse(corpus, scenario))
    dimensions = list(dict.fromkeys(corpus.published["dimension"]))
    conditions = [[(name, code)] for name in [*dimensions, "year"] for code in _categories(corpus, model, name)]
    for index, first in enumerate(dimensions):
        for second in dimensions[index + 1 :]:
            conditions += [
                [(first, a), (second, b)] for a in _categories(corpus, model, first) for b in _categories(corpus, model, second)
            ]
    pivotal = dict.fromkeys(model.keys, 0)
    for condition in conditions:
        bound = model.bound(condition)
        if bound.low != bound.high:
            for key in set(bound.at_low) ^ set(bound.at_high):
                pivotal[key] += 1
    doubt = compute_doubt(corpus).groupby("key")["doubt"].sum().to_dict()
    labels = [(name, code) for name in dimensions for code in corpus.codebook[name].categories]
    studies = {str(row["key"]): row for row in records(corpus.studies("all"))}
    rows = []
    for index, key in enumerate(model.keys):
        unknown = sum(model.states[condition][index] is None for condition in labels)
        points = int(doubt.get(key, 0))
        score = pivotal[key] + points + unknown
        rows.append([key, studies[key]["citation"], score, pivotal[key], points, unknown, link(studies[key])])
    table = pd.DataFrame(rows, columns=["key", "citation", "score", "pivotal", "doubt", "unknown", "link"])
    table = table.sort_values(["score", "key"], ascending=[False, True]).head(number).reset_index(drop=True)
    table.insert(0, "rank", range(1, len(table) + 1))
    return table
