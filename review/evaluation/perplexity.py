"""How surprising texts are to the local language model, beside real texts: smoother text is not better, and noise is neither."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from review.errors import MissingExtraError
from review.evaluation import baseline
from review.evaluation.metrics import BASELINE, LOWER, Metric, Section, Settings, Value, grade
from review.evaluation.text_words import to_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from review.evaluation.inputs import Pair

ASPECT = "perplexity"
MOST, LONG = 30, 200
"""Texts of each side; words of a text of which no more are read."""

_SOURCE = "Jelinek et al. 1977, doi 10.1121/1.2016299"
_BLIND = "The model was not made for clinical language, and fluent text can be wrong; a model also finds its own texts easy."
METRICS: tuple[Metric, ...] = (
    Metric("perplexity_gap", "Perplexity: difference of the medians", "intrinsic", ASPECT, 0, float("inf"), LOWER,
           f"{_SOURCE}; graded: absolute difference of the median log perplexities of texts",
           "Whether the language is as hard to predict as that of real texts.", _BLIND, "nats a token"),
    Metric("perplexity", "Perplexity", "intrinsic", ASPECT, 1, float("inf"), BASELINE, f"{_SOURCE}; median over the texts",
           "How hard each token of a text is to predict for the model.", _BLIND),
)  # fmt: skip


def measure(pair: Pair, settings: Settings) -> Section:
    """Compare the perplexity of synthetic and real texts under the local model that the settings name.

    Raises
    ------
    MissingExtraError
        If the libraries of the model are not installed.
    ModelError
        If the model is missing or cannot be read.
    """
    draw = np.random.default_rng(settings.seed)
    sides = []
    for frame in (pair.real, pair.synthetic):
        said = [str(text) for text in frame[pair.text] if str(text).strip()]
        sides.append([said[place] for place in np.sort(draw.permutation(len(said))[:MOST])])
    if not baseline.sizes(len(sides[0]), len(sides[1]), settings.most).enough:
        return Section(grades=(grade("intrinsic", ASPECT, (), "too few texts that are not empty"),))
    logs, identity = log_perplexities([_head(text) for side in sides for text in side], settings.model)
    values = compare(logs[: len(sides[0])], logs[len(sides[0]) :], settings)
    notes = (f"perplexity is that of {identity}, of the first {LONG} words of at most {MOST} texts of each side",)
    return Section(values, (grade("intrinsic", ASPECT, values),), notes)


def log_perplexities(texts: list[str], name: str) -> tuple[NDArray[np.float64], str]:
    """Return the negative log-likelihood a token of each text without a prompt, its end included, and the model's name."""
    try:
        from review.generators import tuning

        base = tuning.load_base(tuning.find(name))
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name)) from None
    scored = tuning.likelihoods(base, [("", text) for text in texts])
    model = f"{base.identity['model']} (SHA-256 {base.identity['sha256'][:12]}...)"
    return np.array([loss / tokens for loss, tokens in scored]), model


def compare(real: NDArray[np.float64], synthetic: NDArray[np.float64], settings: Settings) -> tuple[Value, ...]:
    """Compare the log perplexities of single texts, dealt as often as the settings say."""

    def compared(held: Any, part: Any) -> dict[str, float]:
        middle = float(np.median(part))
        return {"perplexity_gap": abs(middle - float(np.median(held))), "perplexity": math.exp(middle)}

    directions = {"perplexity_gap": LOWER}
    return to_values(baseline.compare(compared, real, synthetic, settings, directions), directions)


def _head(text: str) -> str:
    parts = text.split(" ")
    return " ".join(parts[:LONG])
