"""Sentences and rows are the same thing; what a tuned model writes is read back, and every failure has its reason."""

import numpy as np
import pytest
from peft.tuners.tuners_utils import BaseTunerLayer
from text_models import write_tiny

from review import generators
from review.errors import ModelError, OptionError
from review.generators import tables, tabular_text, tabular_tuning, tuning
from review.generators.text_sampling import START, Sampled

TABLE = tables.load("breast-cancer", "few")
SEED = 6
TRAIN, HELD = TABLE.split(SEED)
ROW = {"diagnosis": "benign", "mean radius": 12.3, "mean texture": 18.0, "mean area": 466, "mean concavity": 0.05}
TEXT = "diagnosis is benign, mean radius is 12.3, mean texture is 18.0, mean area is 466, mean concavity is 0.050"
REST = TEXT.removeprefix("diagnosis is benign,")


def test_a_row_is_written_in_any_order_with_all_decimals():
    assert tabular_text.write(TABLE, ROW, range(5)) == TEXT
    assert tabular_text.write(TABLE, ROW, [4, 0]) == "mean concavity is 0.050, diagnosis is benign"


@pytest.mark.parametrize("name", tables.NAMES)
@pytest.mark.parametrize("columns", tables.CHOICES)
def test_every_real_row_is_read_back_from_any_order(name, columns):
    table = tables.load(name, columns)
    rows = table.rows(table.frame.head(40))
    draw = np.random.default_rng(0)
    for row, text in zip(rows, tabular_text.texts(table, rows, draw), strict=True):
        assert tabular_text.read(table, text) == ("", "", row)


def test_orders_are_random_and_the_same_for_the_same_seed():
    rows = [ROW] * 200
    made = tabular_text.texts(TABLE, rows, np.random.default_rng(1))
    assert made == tabular_text.texts(TABLE, rows, np.random.default_rng(1))
    firsts = [text.split(" is ")[0] for text in made]
    counts = [firsts.count(column.name) for column in TABLE.columns]
    assert sum(counts) == 200
    assert min(counts) > 20


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("", "unreadable", "an empty part"),
        ("hello", "unreadable", "hello"),
        (TEXT + ", and", "unreadable", "and"),
        (TEXT + ",", "unreadable", "an empty part"),
        (TEXT.replace("mean radius is", "radius is"), "unknown-column", "radius"),
        (TEXT + ", mean area is 3", "column-twice", "mean area"),
        (TEXT.replace("is 466", "is large"), "not-a-value", "mean area: large"),
        (TEXT.replace("is 466", "is 1e3"), "not-a-value", "mean area: 1e3"),
        (TEXT.replace("is 466", "is "), "unreadable", "mean area is"),
        (TEXT.replace("466", "9" * 400), "not-a-value", "mean area: " + "9" * 400),
        (TEXT.replace("is 466", "is nan"), "not-a-value", "mean area: nan"),
        (TEXT.replace("is 466", "is 4\u0666"), "not-a-value", "mean area: 4\u0666"),
        (TEXT.replace("is 12.3", "is 1.2.3"), "not-a-value", "mean radius: 1.2.3"),
        (TEXT.replace("benign", "good"), "not-a-value", "diagnosis: good"),
        (TEXT.replace(", mean area is 466", ""), "column-missing", "mean area"),
        ("diagnosis is benign", "column-missing", "mean radius, mean texture, mean area, mean concavity"),
    ],
)
def test_what_cannot_be_read_says_why(text, reason, detail):
    assert tabular_text.read(TABLE, text)[:2] == (reason, detail)
    assert reason in tabular_text.REASONS


def test_small_freedoms_are_read():
    assert tabular_text.read(TABLE, f" {TEXT}. ") == ("", "", ROW)
    assert tabular_text.read(TABLE, TEXT.replace("12.3", "-12"))[2]["mean radius"] == -12.0
    assert tabular_text.read(TABLE, TEXT.replace("466", "465.6"))[2]["mean area"] == 466


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return str(write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf"))


QUICK = {"steps": 2, "max_tokens": 12, "scored": 2}


def test_a_run_on_a_tiny_model_counts_every_text_and_leaves_no_path(file):
    made = generators.generate("tabular", "fine-tuning", 5, SEED, model=file, **QUICK)
    assert len(made.records) == 5
    assert {record.reason for record in made.records} <= set(tabular_tuning.REASONS) - {""}
    assert made.configuration["steps"] == 2
    assert "model" not in made.configuration
    assert file not in str(made.configuration) + str(made.model)
    assert made.configuration["learnt"] == len(TRAIN)
    assert made.configuration["held_out"] == len(HELD)
    assert [row["model"] for row in made.measures["perplexity"]] == ["base", "tuned"]
    assert {row["texts"] for row in made.measures["perplexity"]} == {2}
    assert made.measure("training")["step"].tolist() == [0, 1]
    validity = made.measure("validity")
    assert validity[["series", "total"]].values.tolist() == [["tuned", 5], ["base", 2]]
    again = generators.generate("tabular", "fine-tuning", 5, SEED, model=file, **QUICK)
    assert list(again.rows()) == list(made.rows())
    assert again.measures == made.measures


@pytest.fixture
def scripted(monkeypatch, file):
    """Run the cell with texts in the place of those that the model draws; return the dataset and what the model was asked."""

    def run(answers, **options):
        asked = []

        def sample(base, prompts, **settings):
            layers = [layer for layer in base.model.modules() if isinstance(layer, BaseTunerLayer)]
            asked.append((list(prompts), settings, {layer.disable_adapters for layer in layers}))
            return [Sampled(*answer) for answer in answers[: len(prompts)]]

        monkeypatch.setattr(tuning, "sample", sample)
        chosen = {"model": file, **QUICK, **options}
        return generators.generate("tabular", "fine-tuning", len(answers), SEED, **chosen), asked

    return run


def test_texts_are_judged_with_the_class_that_they_start_with(scripted):
    real = next(row for row in TABLE.rows(TRAIN) if row["diagnosis"] == "benign")
    copy = tabular_text.write(TABLE, real, range(5)).removeprefix("diagnosis is benign,")
    answers = [
        (REST, True),
        (REST, False),
        (REST, True),
        (copy, True),
        (REST.replace("466", "9999"), True),
        (REST + ", diagnosis is benign", True),
        (" mean size is 3", True),
        (REST.replace("466", "467"), True),
    ]
    made, asked = scripted(answers, condition="benign")
    reasons = [record.reason for record in made.records]
    assert reasons == ["", "cut-off", "duplicate", "copy-train", "out-of-range", "column-twice", "unknown-column", ""]
    assert made.records[0].content == ROW
    assert made.records[1].detail == "12 tokens"
    assert made.records[0].prompt == "diagnosis is benign,"
    assert made.records[0].raw == REST
    assert [prompts for prompts, *_ in asked] == [[START + "diagnosis is benign,"] * 8, [START + "diagnosis is benign,"] * 2]
    assert [off for *_, off in asked] == [{False}, {True}]  # the second time without what was learnt
    tuned, base = made.measure("validity").to_dict("records")
    assert (tuned["count"], tuned["total"]) == (5, 8)
    assert (base["count"], base["total"]) == (1, 2)


def test_classes_are_drawn_as_often_as_they_come(scripted):
    _, asked = scripted([("", True)] * 150)
    starts = asked[0][0]
    share = sum(start.endswith("malignant,") for start in starts) / len(starts)
    assert abs(share - (TRAIN["diagnosis"] == "malignant").mean()) < 0.12


def test_the_tokens_of_a_text_grow_with_the_columns(scripted):
    made, asked = scripted([("", True)], max_tokens=0, columns="chosen")
    assert asked[0][1]["max_tokens"] == made.configuration["max_tokens"] == 13 * 8


def test_enough_rows_are_compared_with_real_ones_of_the_same_class(scripted):
    answers = [(REST.replace("466", str(460 + place)), True) for place in range(6)]
    made, _ = scripted(answers, condition="benign", scored=1)
    assert len(made.accepted) == 6
    fidelity = made.measure("fidelity").set_index("measure")
    assert fidelity.loc["diagnosis", ["synthetic", "high"]].tolist() == [0, 0]
    assert made.measure("copying")["count"].tolist() == [6, (HELD["diagnosis"] == "benign").sum()]
    assert made.configuration["held_out"] == len(HELD)
    assert made.configuration["learnt"] == len(TRAIN)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"table": "iris"}, "the option table is 'iris' -> choose one of"),
        ({"columns": "none"}, "the option columns is 'none' -> choose one of"),
        ({"steps": 0}, "the option steps is 0 -> choose 1 or more"),
        ({"scored": 0}, "the option scored is 0"),
        ({"max_tokens": -1}, "the option max_tokens is -1"),
        ({"rate": 0.0}, "rate above 0"),
        ({"top_p": 0.0}, "top_p above 0"),
        ({"condition": "odd"}, "diagnosis is never 'odd' -> choose of: malignant, benign"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(OptionError, match=words):
        generators.generate("tabular", "fine-tuning", 1, **options)


def test_an_endpoint_cannot_be_tuned():
    with pytest.raises(ModelError, match="cannot be tuned"):
        generators.generate("tabular", "fine-tuning", 1, model="endpoint")
