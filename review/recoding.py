"""What the published shares hang on: doubtful codes, recodings, moves between versions, and what to read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from review import bounds as exact
from review import scenarios
from review.corpus import flag, link
from review.files import records
from review.sensitivity import categories, committed

if TYPE_CHECKING:
    import pandas as pd

    from review.corpus import Corpus

POINTS = {"high": 0, "medium": 1, "low": 2, "": 1}
"""Points of doubt for a code of that confidence."""


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

    model = exact.model(corpus, scenarios.parse(corpus, scenario))
    dimensions = list(dict.fromkeys(corpus.published["dimension"]))
    conditions = [[(name, code)] for name in [*dimensions, "year"] for code in categories(corpus, model, name)]
    for index, first in enumerate(dimensions):
        for second in dimensions[index + 1 :]:
            conditions += [
                [(first, a), (second, b)] for a in categories(corpus, model, first) for b in categories(corpus, model, second)
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
