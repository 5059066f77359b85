"""Attribute inference: can an attacker who knows some columns of a person guess another from the synthetic records.

The guess is the value of the nearest synthetic record. It is often right for people whom the generator has not seen, since
synthetic data tell about a population: the risk is what succeeds beyond that (Giomi et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from review.evaluation import baseline
from review.evaluation.metrics import LOWER, SHOWN, Metric, Section, Settings, Value, grade, verdict
from review.evaluation.privacy_attacks import NO_HOLDOUT, NO_PROOF
from review.evaluation.privacy_distance import FAMILY
from review.evaluation.privacy_space import RECORDS, Floats, Indices, TableView, sample
from review.statistics import LEVEL, wilson

if TYPE_CHECKING:
    import pandas as pd

    from review.evaluation.inputs import Pair

ATTACKED = 1_000
"""Records of each side whose secret is guessed."""

SECRETS = 12
"""Columns that are taken for secret; of more, so many are drawn."""

TOLERANCE = 0.05
"""Relative error up to which a guessed number counts as right."""

CELLS = 1 << 17
"""Distances that are computed at a time, for every column."""

GIOMI = "Giomi, Boenisch, Wehmeyer and Tasnadi 2023, arXiv:2211.10459"
ALL, HALF = "all other columns known", "half of the other columns known"

METRICS = (
    Metric(
        "air",
        "Attribute inference risk",
        FAMILY,
        "inference",
        -np.inf,
        1.0,
        LOWER,
        GIOMI,
        "How much more often a secret is guessed for real people than for others, as part of what could be gained.",
        f"It cannot see what synthetic data rightly tell about everyone, nor secrets that few people have. {NO_PROOF}",
    ),
    Metric(
        "air_guess",
        "Secrets guessed right",
        FAMILY,
        "inference",
        0.0,
        1.0,
        LOWER,
        GIOMI,
        "How often the secret of a real person is guessed from the nearest synthetic record, beside a guess by chance.",
        f"High for all useful synthetic data, hence not graded: it does not tell what was learnt about single people. {NO_PROOF}",
    ),
)

Attack = tuple[int, bool]
"""Column of the secret, and whether all the others are known."""


@dataclass(frozen=True)
class Result:
    """Right guesses of one attack: against real people, against those held out, and by chance; of how many."""

    real: int
    holdout: int
    chance: int
    total: int


def rate(right: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Return centre and half width of the Wilson interval, as the paper takes rates."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = (right + z**2 / 2) / (total + z**2)
    return centre, z / (total + z**2) * float(np.sqrt(right * (total - right) / total + z**2 / 4))


def risk(attack: tuple[float, float], control: tuple[float, float]) -> tuple[float, float]:
    """Return the risk beyond the control, and its error by propagation; both rates with their half widths."""
    left = 1 - control[0]
    error = np.hypot(attack[1] / left, control[1] * (1 - attack[0]) / left**2)
    return (attack[0] - control[0]) / left, float(error)


def correct(guesses: Floats, secrets: Floats, *, number: bool) -> NDArray[np.bool_]:
    """Return which guesses count: the same class, a number within 5 % of the guess, or both missing."""
    both = np.isnan(guesses) & np.isnan(secrets)
    if not number:
        return np.asarray((guesses == secrets) | both)
    with np.errstate(over="ignore"):
        return np.asarray((np.abs(guesses - secrets) <= TOLERANCE * (np.abs(guesses) + 1e-12)) | both)


def known(attack: Attack, columns: int, seed: int) -> Indices:
    """Return the columns that the attacker knows; a half of them is drawn, always the same one for a secret."""
    others = np.delete(np.arange(columns), attack[0])
    if attack[1]:
        return others
    return np.sort(np.random.default_rng([seed, 5, attack[0]]).permutation(others)[: (len(others) + 1) // 2])


def guess(view: TableView, role: str, places: Indices, records: Indices, attacks: dict[Attack, Indices]) -> dict[Attack, Indices]:
    """Return for each attack the place of the synthetic record that is nearest to each target, in the known columns.

    Sums leave the secret out from the start: a total less its part would let rounding tell about it.
    """
    held = view.take("synthetic", records)
    step = max(CELLS // len(records), 1)
    found: dict[Attack, list[Indices]] = {attack: [] for attack in attacks}
    for start in range(0, len(places), step):
        asked = view.take(role, places[start : start + step])
        parts = [view.part(at, asked[at][:, None], held[at][None, :]) for at in range(len(view.columns))]
        before, after = _sums(parts), _sums(parts[::-1])[::-1]
        for attack, columns in attacks.items():
            secret = attack[0]
            gaps = before[secret] + after[secret] if attack[1] else _sums([*(parts[at] for at in columns), parts[0]])[-1]
            found[attack].append(records[gaps.argmin(axis=1)])
    return {attack: np.concatenate(held) for attack, held in found.items()}


def _sums(parts: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Return the sum of the parts before each one."""
    total = [np.zeros_like(parts[0])]
    for part in parts[:-1]:
        total.append(total[-1] + part)
    return total


def attack(pair: Pair, view: TableView, settings: Settings) -> dict[Attack, Result]:
    """Guess secrets of real and of held out people, equally many of both; nothing if there are too few."""
    assert pair.holdout is not None
    seed = settings.seed
    total = min(view.size("real"), view.size("holdout"), ATTACKED)
    records = sample(view, "synthetic", RECORDS, seed)
    if min(total, len(records)) < baseline.FEWEST or len(view.columns) < 2:
        return {}
    draw = np.random.default_rng([seed, 6])
    secrets = np.sort(draw.permutation(len(view.columns))[:SECRETS])
    attacks = {
        (int(secret), whole): known((int(secret), whole), len(view.columns), seed)
        for whole in (True, False)
        for secret in secrets
    }
    if len(view.columns) == 2:
        attacks = {key: columns for key, columns in attacks.items() if key[1]}
    frames = {"real": pair.real, "holdout": pair.holdout}
    targets = {role: sample(view, role, total, seed) for role in frames}
    guesses = {role: guess(view, role, targets[role], records, attacks) for role in frames}
    found = {}
    for key in attacks:
        name, number = view.columns[key[0]], key[0] < view.numbers
        learnt = _values(pair.synthetic, name, number=number)
        secret = {role: _values(frame, name, number=number)[targets[role]] for role, frame in frames.items()}
        counts = {role: int(correct(learnt[guesses[role][key]], secret[role], number=number).sum()) for role in frames}
        chance = learnt[draw.integers(0, len(learnt), total)]
        found[key] = Result(counts["real"], counts["holdout"], int(correct(chance, secret["real"], number=number).sum()), total)
    return found


def _values(frame: pd.DataFrame, name: str, *, number: bool) -> Floats:
    if number:
        return frame[name].to_numpy(float)
    codes = frame[name].cat.codes.to_numpy(float)
    return np.where(codes < 0, np.nan, codes)


def values(view: TableView, found: dict[Attack, Result]) -> tuple[Value, ...]:
    """Return the risk of each secret with its verdict, and how often it was guessed.

    A risk counts where it is beyond what chance gives to one rate of success for both (one-sided, 5 % divided by the number of
    attacks: Bonferroni), and is certain where its whole interval is.
    """
    rows = []
    for (secret, whole), result in found.items():
        name = f"{view.columns[secret]}, {ALL if whole else HALF}"
        number, error = risk(rate(result.real, result.total), rate(result.holdout, result.total))
        edge = _edge(result, len(found))
        judged = verdict(number, number - error, number + error, edge, LOWER)
        note = f"small sample: fewer than {baseline.SMALL} people" if result.total < baseline.SMALL else ""
        against = f"the same attack on held out items: right in {result.holdout} of {result.total}"
        marks = (number, number - error, number + error, 0.0, None, None, edge)
        words = "Wilson 95 %, errors propagated"
        rows.append(Value("air", name, *marks, judged, result.total, view.size("synthetic"), words, against, note))
        shares = (*_share(result.real, result.total), *_share(result.chance, result.total))
        against = "guesses drawn from the synthetic column"
        rows.append(
            Value("air_guess", name, *shares, None, SHOWN, result.total, view.size("synthetic"), "Wilson 95 %", against, note)
        )
    return tuple(rows)


def _edge(result: Result, attacks: int) -> float:
    """Return the risk that one common rate of success reaches by chance in 5 % of all attacks together."""
    z = NormalDist().inv_cdf(1 - 0.05 / attacks)
    common = rate(result.real + result.holdout, 2 * result.total)[0]
    return z * float(np.sqrt(2 * common / result.total / (1 - common)))


def _share(count: int, total: int) -> tuple[float, float, float]:
    return count / total, *wilson(count, total)


def measure(pair: Pair, view: TableView | None, settings: Settings) -> Section:
    """Grade attribute inference."""
    if pair.holdout is None:
        return Section((), (grade(FAMILY, "inference", (), NO_HOLDOUT),))
    found = {} if view is None else attack(pair, view, settings)
    rows = () if view is None else values(view, found)
    empty = f"needs two columns of numbers or classes, and {baseline.FEWEST} items of each data set"
    notes = []
    if found and view is not None:
        if len(view.columns) > SECRETS:
            notes.append(f"Secrets: {SECRETS} of {len(view.columns)} columns, drawn by the seed.")
        if view.size("synthetic") > RECORDS:
            notes.append(
                f"Secrets are guessed from {RECORDS} sampled synthetic records; a copy among the others is not seen here."
            )
    return Section(rows, (grade(FAMILY, "inference", rows, empty),), tuple(notes))
