"""Perplexity of texts: that of the package's own measure, dealt by hand."""

import math
import sys

import numpy as np
import pandas as pd
import pytest
from text_models import write_tiny

from review.errors import MissingExtraError, ModelError
from review.evaluation import baseline, perplexity, text
from review.evaluation.inputs import Column, Pair
from review.evaluation.metrics import FAIL, NOT_ASSESSABLE, PASS, Settings
from review.generators import tuning


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf"))


def given(section):
    return section.values


def pair(real, synthetic):
    frames = [pd.DataFrame({"text": pd.Series(texts, dtype="str")}) for texts in (real, synthetic)]
    return Pair("text", *frames, None, (Column("text", "text"),), "text")


def test_the_log_perplexity_of_a_text_is_that_of_the_package(tiny):
    logs, model = perplexity.log_perplexities(["the heart", "a the a"], tiny)
    base = tuning.load_base(tuning.find(tiny))
    assert [tuning.perplexity(base, [said])[0] for said in ("the heart", "a the a")] == pytest.approx(np.exp(logs))
    assert model.startswith("tiny")


def test_the_medians_are_compared_in_each_deal():
    draw = np.random.default_rng(0)
    real, synthetic = draw.normal(3, 0.2, 30), draw.normal(3, 0.2, 30)
    settings = Settings(deals=20)
    gap, shown = perplexity.compare(real, synthetic, settings)
    middles = [(np.median(real[one]), np.median(synthetic[other])) for one, _, other in baseline.deals(30, 30, settings)]
    assert gap.value == pytest.approx(np.median([abs(one - other) for one, other in middles]), abs=1e-6)
    assert shown.value == pytest.approx(np.median([math.exp(other) for _, other in middles]), abs=1e-5)
    assert gap.verdict == PASS
    for shift in (-1, 1):  # smoother or rougher than real texts: both are faults
        assert perplexity.compare(real, real + shift, settings)[0].verdict == FAIL


def test_the_whole_measure_and_its_place_in_the_card(tiny):
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(["heart", "lung", "pain", "no", "left"], 4)) for _ in range(70)]
    settings = Settings(deals=20, model=tiny)
    section = perplexity.measure(pair(texts[:35], [*texts[35:], "", " "]), settings)
    assert [item.real for item in given(section)] == [15, 15]
    assert section.grades[0].aspect == "perplexity"
    assert "tiny" in section.notes[0]
    card = text.measure(pair(texts[:35], [*texts[35:], "", " "]), settings)
    assert given(card)[-2:] == given(section)
    assert card.grades[-1] == section.grades[0]


def test_too_few_texts_and_missing_parts(tiny, monkeypatch):
    few = perplexity.measure(pair(["a"] * 15, ["b"] * 30), Settings(deals=20, model=tiny))
    assert few.grades[0].grade == NOT_ASSESSABLE
    texts = ["a the"] * 30
    with pytest.raises(ModelError, match="cannot be tuned"):
        perplexity.measure(pair(texts, texts), Settings(model="http://nowhere"))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match="setup-generate"):
        perplexity.measure(pair(texts, texts), Settings(model=tiny))


def test_only_the_head_of_a_long_text_is_read():
    assert perplexity._head(" ".join(["a"] * 300)).count("a") == perplexity.LONG
    assert perplexity._head("one\ntwo") == "one\ntwo"
