"""A tuned model of texts: what is measured against the model as it was, by hand and on a tiny model with random weights."""

import math

import numpy as np
import pytest
from text_models import write_tiny

from review import generators
from review.errors import ModelError, OptionError
from review.generators import seeds, text_checks, text_tuning
from review.generators.seeds import Seed
from review.generators.text_sampling import Sampled

SMALL = {"steps": 2, "longest": 30, "max_tokens": 24, "compare": 2, "rank": 2}
LONG = "The patient came with pain in the chest that began two days ago and has not gone since."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(write_tiny(tmp_path_factory.mktemp("model") / "tiny.gguf"))


@pytest.fixture(scope="module")
def made(tiny):
    return generators.generate("text", "fine-tuning", 4, 5, model=tiny, **SMALL)


def test_every_item_is_kept_with_prompt_and_seed(made):
    assert [record.parameters["label"] for record in made.records] == list(seeds.LABELS[:4])
    for record in made.records:
        assert record.parameters["label"] in record.prompt
        assert record.parameters["register"] in record.prompt
        assert record.content["text"] == record.raw.strip()
    assert "gguf" not in str(made.configuration)
    assert made.model["sha256"]


def test_the_same_seed_gives_the_same_bytes(tiny, made, tmp_path):
    again = generators.generate("text", "fine-tuning", 4, 5, model=tiny, **SMALL)
    first, second = (data.write(tmp_path / f"{name}.jsonl") for name, data in (("a", made), ("b", again)))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_measures_are_there_for_both_models(made):
    perplexity = made.measure("perplexity")
    assert perplexity["model"].tolist() == ["without tuning", "tuned", "tuned / without tuning"]
    values = perplexity["perplexity"].tolist()
    assert values[2] == pytest.approx(values[1] / values[0], rel=1e-3)
    assert (perplexity["low"] <= perplexity["perplexity"]).all()
    assert (perplexity["perplexity"] <= perplexity["high"]).all()
    assert {row["series"] for row in made.measures["faults"]} == {"tuned model", "model without tuning"}
    assert {row["total"] for row in made.measures["faults"]} == {2}
    assert [row["step"] for row in made.measures["training"]] == [2]
    assert len(made.measure("copying")) == 4


def test_texts_that_are_too_long_are_left_out(made, tiny):
    _, held = seeds.split(seeds.load("note"), 5)
    assert made.configuration["held_out"] == sum(len(item.text.split()) <= 30 for item in held)
    monkey = pytest.MonkeyPatch()
    monkey.setattr(text_tuning, "_fits", lambda *_: False)
    with pytest.raises(OptionError, match="allow longer ones"):
        generators.generate("text", "fine-tuning", 1, 5, model=tiny, **SMALL)
    monkey.undo()


def test_without_a_comparison_nothing_is_compared(tiny):
    made = generators.generate("text", "fine-tuning", 1, 5, model=tiny, **{**SMALL, "compare": 0, "label": "dermatology"})
    assert made.records[0].parameters["label"] == "dermatology"
    assert made.measures["faults"] == ()
    assert {row["model"] for row in made.measures["copying"]} == {"tuned model"}


def test_perplexities_are_those_worked_out_by_hand():
    """Two texts of 2 and 4 tokens: exp(6 / 6) before, exp(3 / 6) after; with one text, no text can be drawn but it."""
    rows = text_tuning.perplexities([(2.0, 2), (4.0, 4)], [(1.0, 2), (2.0, 4)], 1)
    assert [row["perplexity"] for row in rows] == [round(math.exp(value), 4) for value in (1, 0.5, -0.5)]
    assert [row["tokens"] for row in rows] == [6, 6, 6]
    one = text_tuning.perplexities([(3.0, 2)], [(1.0, 2)], 1)
    assert all(row["low"] == row["perplexity"] == row["high"] for row in one)


def test_the_interval_holds_the_true_ratio_about_as_often_as_it_says():
    """Texts whose losses fall by 0.3 a token on average: 95 % intervals of 40 texts each."""
    draw = np.random.default_rng(4)
    inside = 0
    for trial in range(60):
        tokens = draw.integers(20, 60, size=40)
        before = tokens * draw.normal(3, 0.3, size=40)
        after = before - tokens * draw.normal(0.3, 0.2, size=40)
        pairs = [[(float(loss), int(count)) for loss, count in zip(part, tokens, strict=True)] for part in (before, after)]
        row = text_tuning.perplexities(*pairs, trial)[2]
        inside += row["low"] <= math.exp(-0.3) <= row["high"]
    assert 51 <= inside <= 60


def test_texts_are_judged_in_order():
    texts = [Sampled(LONG, True), Sampled(LONG, True), Sampled(LONG, False), Sampled("", False), Sampled("Short.", True)]
    found = [reason for reason, _ in text_tuning.judge(texts, {})]
    assert found == ["", "duplicate", "cut-off", "empty", "too-short"]
    assert text_tuning.judge(texts[:1], {"note-1": LONG}) == [("copied", "note-1")]


def test_faults_are_counted_for_both_models():
    rows = text_tuning.faults([("", ""), ("cut-off", "")], [("cut-off", ""), ("cut-off", "")])
    assert {(row["name"], row["series"]): row["count"] for row in rows} == {
        ("accepted", "tuned model"): 1,
        ("accepted", "model without tuning"): 0,
        ("cut-off", "tuned model"): 1,
        ("cut-off", "model without tuning"): 2,
    }


@pytest.mark.parametrize(
    ("text", "sources", "run"),
    [
        ("a b c d", ["x b c y"], 2),
        ("a b c d", ["a b c d"], 4),
        ("a b c d", ["z"], 0),
        ("ab c", ["b c"], 1),
        ("One  two THREE", ["zero one two three four", "one"], 3),
        ("", ["a"], 0),
        ("a", [], 0),
    ],
)
def test_the_longest_run_of_words(text, sources, run):
    assert text_tuning.longest_run(text, sources) == run


def test_copying_is_compared_with_as_many_texts_held_out():
    train = [Seed(f"n{i}", "note", "cardiology", "cardiology", "soap", text) for i, text in enumerate(["a b c", "d e", "f g"])]
    held = [Seed("h", "note", "cardiology", "cardiology", "soap", "b c x")]
    rows = text_tuning.copying({"m": [Sampled("a b c", True), Sampled("d e", True)]}, train, held)
    assert [(row["compared_with"], row["mean_run"], row["longest_run"]) for row in rows] == [
        ("texts to learn from", 1.5, 3),
        ("texts held out", 1.0, 2),
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "report"},
        {"label": "surgery"},
        {"steps": 0},
        {"rank": 0},
        {"rate": 0.0},
        {"rate": 2.0},
        {"longest": 10},
        {"max_tokens": 8},
        {"compare": -1},
        {"temperature": -1.0},
        {"temperature": math.nan},
    ],
)
def test_options_that_cannot_be_used_are_refused(options):
    with pytest.raises(OptionError, match="->"):
        generators.generate("text", "fine-tuning", 1, **options)


def test_an_endpoint_cannot_be_tuned():
    with pytest.raises(ModelError, match="cannot be tuned"):
        generators.generate("text", "fine-tuning", 1, model="endpoint")
    assert text_tuning.REASONS is text_checks.REASONS
