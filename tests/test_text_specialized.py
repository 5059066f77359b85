"""A small model of the seed texts: tokenizer, baselines and judgements against hand-worked values, the same bytes each time."""

import math

import numpy as np
import pytest

from review import generators
from review.errors import OptionError
from review.generators import seeds, text_checks, text_labels, text_specialized
from review.generators.seeds import Seed
from review.generators.text_ngrams import Ngrams
from review.generators.text_specialized import Tokens

SMALL = {"steps": 3, "vocabulary": 320, "width": 8, "layers": 1}


@pytest.fixture(scope="module")
def made():
    return generators.generate("text", "specialized", 10, 5, **SMALL)


@pytest.fixture(scope="module")
def tokens():
    return Tokens([item.text for item in seeds.load("note")], 400)


def seed_of(text, label="cardiology", kind="note"):
    return Seed("x", kind, label, label, "soap", text)


def test_every_item_is_kept_with_label_seed_and_judgement(made):
    assert [record.index for record in made.records] == list(range(10))
    assert [record.parameters["label"] for record in made.records] == [*seeds.LABELS, *seeds.LABELS[:2]]
    assert all(record.content["label"] == record.parameters["label"] for record in made.records)
    assert len({record.seed for record in made.records}) == 10
    assert made.model["sha256"] != ""
    assert made.configuration["learnt"] + len(seeds.split(seeds.load(), 5)[1]) == len(seeds.load())


def test_the_same_seed_gives_the_same_bytes(made, tmp_path):
    again = generators.generate("text", "specialized", 10, 5, **SMALL)
    first, second = (data.write(tmp_path / f"{name}.jsonl") for name, data in (("a", made), ("b", again)))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    other = generators.generate("text", "specialized", 2, 6, **SMALL)
    assert other.records[0].content != made.records[0].content


def test_an_item_does_not_depend_on_how_many_are_asked_for(made):
    few = generators.generate("text", "specialized", 2, 5, **SMALL)
    assert few.records == made.records[:2]


def test_one_label_and_another_kind_can_be_asked_for():
    made = generators.generate("text", "specialized", 2, 1, kind="dialogue", label="dermatology", **SMALL)
    assert {(record.parameters["kind"], record.parameters["label"]) for record in made.records} == {("dialogue", "dermatology")}


def test_more_training_predicts_held_out_texts_better(made):
    longer = generators.generate("text", "specialized", 1, 5, **{**SMALL, "steps": 40})
    losses = [row["loss"] for row in longer.measures["training"] if row["series"] == "texts held out"]
    assert losses[-1] < losses[0]
    bits = [
        data.measure("prediction").set_index("model")["bits_per_character"]["network, right label"] for data in (made, longer)
    ]
    assert bits[1] < bits[0]
    assert [row["step"] for row in longer.measures["training"]] == [25, 25, 40, 40]


def test_bits_are_those_of_all_held_out_texts_and_baselines_get_better_with_context(made):
    table = made.measure("prediction").set_index("model")
    held = [item for item in seeds.split(seeds.load(), 5)[1] if item.kind == "note"]
    assert set(table["texts"] + table["left_out"]) == {len(held)}
    assert table.loc["bytes (unigrams)", "bits_per_character"] > table.loc["bytes (trigrams)", "bits_per_character"]


def test_without_a_held_out_text_that_fits_nothing_is_predicted(monkeypatch):
    monkeypatch.setattr(text_specialized, "CONTEXT", 12)
    made = generators.generate("text", "specialized", 1, 5, **SMALL)
    assert made.measures["prediction"] == ()
    assert made.configuration["cut"] == made.configuration["learnt"]


def test_any_text_is_encoded_and_comes_back(tokens):
    for text in ("No chest pain. BP 120/80.", "naïve ± 37 °C ✓ 日本", "<end> <note cardiology>", "a\nb\t c"):
        assert tokens.decode(tokens.encode(text)) == text
        assert min(tokens.encode(text)) > len(seeds.KINDS) * len(seeds.LABELS)
    assert tokens.size == 400


def test_a_sequence_is_start_text_and_end(tokens):
    found = tokens.sequence(seed_of("No pain."))
    assert found == [tokens.start("note", "cardiology"), *tokens.encode("No pain."), tokens.end]
    assert tokens.sequence(seed_of("No pain."), "dermatology")[0] == tokens.start("note", "dermatology")
    starts = {tokens.start(kind, label) for kind in seeds.KINDS for label in seeds.LABELS}
    assert starts == set(range(1, 1 + len(seeds.KINDS) * len(seeds.LABELS)))
    assert not starts & set(tokens.usable)
    assert tokens.end in tokens.usable


LONG = "The patient came with pain in the chest that began two days ago and has not gone since."


@pytest.mark.parametrize(
    ("text", "ended", "reason"),
    [
        (LONG, True, ""),
        (LONG, False, text_checks.CUT),
        ("", True, text_checks.EMPTY),
        ("", False, text_checks.EMPTY),
        (LONG + " \N{REPLACEMENT CHARACTER}.", True, text_specialized.BYTES),
        ("Too short.", True, text_checks.SHORT),
        ("no pain no pain no pain no pain no pain no pain no pain.", True, text_checks.REPEATS),
    ],
)
def test_what_can_be_wrong_with_a_text(text, ended, reason):
    assert text_specialized.judge(text, {}, set(), ended=ended)[0] == reason


def test_copies_and_duplicates_are_rejected():
    assert text_specialized.judge(LONG, {"note-1": "x " + LONG}, set(), ended=True) == (text_checks.COPIED, "note-1")
    assert text_specialized.judge(LONG, {}, {LONG.lower()}, ended=True)[0] == text_checks.DUPLICATE


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "poem"},
        {"label": "surgery"},
        {"steps": 0},
        {"vocabulary": 299},
        {"width": 10},
        {"layers": 0},
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"temperature": math.inf},
    ],
)
def test_options_that_cannot_be_used_are_refused(options):
    with pytest.raises(OptionError, match="->"):
        generators.generate("text", "specialized", 1, **options)


def test_ngrams_are_those_worked_out_by_hand():
    """Text "ab": bytes a, b and the end. Unigrams: 3 bytes of 3 kinds, so (1 + 3/256) / 6 each, 3/256/6 for others."""
    unigrams = Ngrams(["ab"], 1)
    seen, unseen = (1 + 3 / 256) / 6, 3 / 256 / 6
    assert unigrams.probability(b"", ord("a")) == pytest.approx(seen)
    assert unigrams.probability(b"zz", ord("c")) == pytest.approx(unseen)
    assert unigrams.bits("ac") == pytest.approx(-2 * math.log2(seen) - math.log2(unseen))
    bigrams = Ngrams(["ab"], 2)
    assert bigrams.probability(b"a", ord("b")) == pytest.approx((1 + seen) / 2)
    assert bigrams.probability(b"q", ord("b")) == pytest.approx(seen)  # a context that was never seen tells nothing
    assert bigrams.bits("ab") == pytest.approx(-math.log2(seen) - 2 * math.log2((1 + seen) / 2))
    with pytest.raises(ValueError, match="1 byte"):
        Ngrams(["a"], 0)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("context", [b"", b"t", b"th", b"the pat", b"\xff\xfe"])
def test_ngrams_sum_to_one(order, context):
    model = Ngrams([item.text for item in seeds.load("report")], order)
    assert sum(model.probability(context, byte) for byte in range(256)) == pytest.approx(1)


def test_labels_are_found_in_texts_with_words_of_their_own():
    words = {"cardiology": "murmur valve systolic", "dermatology": "rash itch plaque", "neurology": "seizure tremor gait"}
    draw = np.random.default_rng(1)
    train = [seed_of(" ".join(draw.permutation(text.split())), label) for label, text in words.items() for _ in range(3)]
    held = [seed_of("valve murmur", "cardiology"), seed_of("itch", "dermatology")]
    rows = text_labels.adherence(train, held, [("neurology", "tremor"), ("neurology", "rash plaque")])
    assert [(row["series"], row["count"], row["total"]) for row in rows] == [
        ("held-out seed texts", 2, 2),
        ("generated texts", 1, 2),
    ]
    assert [row["series"] for row in text_labels.adherence(train, held, [])] == ["held-out seed texts"]
    assert text_labels.Labels(train).predict([]) == []
