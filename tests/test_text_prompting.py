"""Every answer of a language model becomes a text or a rejection with its reason; what a prompt tells is what was asked for."""

import json

import pytest
from text_models import Scripted

from review import generators, llm
from review.errors import OptionError
from review.generators import seeds, text_answers, text_checks, text_measures, text_prompting, text_prompts
from review.generators.seeds import Fact
from review.generators.text_prompts import TECHNIQUES

GOOD = "The patient complains of pain in the chest since two days. No fever. The plan is an X of the heart and a visit next week."


def label_of(request):
    return next(label for label in seeds.LABELS if f'("{label}")' in request.messages[-1].content)


def answer(text=GOOD, **more):
    return lambda request: json.dumps({"label": label_of(request), **more, "text": text})


def numbered(request):
    """A good answer that differs from request to request, with every key that the schema asks for."""
    keys = {"label": label_of(request), "reasoning": "Pain and plan belong together.", "text": f"{GOOD} Bed {request.seed}."}
    wanted = request.schema["properties"] if request.schema else ("label", "text")
    return json.dumps({key: keys[key] for key in wanted})


@pytest.fixture
def run(monkeypatch):
    def run(answers, n=None, features=("schema",), seed=3, **options):
        model = Scripted(answers, features)
        monkeypatch.setattr(llm, "load", lambda name, cache: model)
        return generators.generate("text", "prompting", n or len(answers), seed, **{"compare": 0, **options}), model

    return run


def test_answers_are_judged_one_by_one(run):
    answers = [
        answer(),
        answer(),
        ('{"label": "cardi', "length"),
        "",
        "Sure! Here is a note.",
        answer(extra="x"),
        lambda request: json.dumps({"label": "nothing", "text": GOOD}),
        answer("Too short."),
        answer("no pain " * 20 + "."),
        answer(GOOD + " Dr. Smith agrees."),
        answer(GOOD + " Name: [patient name]."),
        answer(GOOD[:-1]),
        lambda request: answer(request.messages[-1].content + " " + GOOD)(request),
        '{"label": "cardiology", "label": "cardiology", "text": "x"}',
        "[1]",
    ]
    made, model = run(answers, technique="zero-shot")
    reasons = [record.reason for record in made.records]
    assert reasons[:6] == ["", "duplicate", "cut-off", "empty", "no-json", "schema"]
    assert reasons[6] in ("wrong-label", "schema")
    assert reasons[7:] == ["too-short", "repeats", "named-person", "placeholder", "unfinished", "copied", "no-json", "no-json"]
    assert [record.raw for record in made.records][3:5] == ["", "Sure! Here is a note."]
    assert model.closed == 1
    assert len(made.accepted) == 1
    assert [request.seed for request in model.asked] == [record.seed for record in made.records]


def test_another_label_of_the_vocabulary_is_a_wrong_label(run):
    made, _ = run([json.dumps({"label": "dermatology", "text": GOOD})], technique="zero-shot")
    assert made.records[0].reason in ("wrong-label", "schema")


def test_techniques_and_labels_come_in_turn_and_prompts_tell_what_is_asked(run):
    made, model = run([numbered], n=10)
    assert [record.parameters["technique"] for record in made.records] == [*TECHNIQUES, *TECHNIQUES]
    assert [record.parameters["label"] for record in made.records] == [*seeds.LABELS, *seeds.LABELS[:2]]
    for record, request in zip(made.records, model.asked, strict=True):
        told, asked = "\n".join(message.content for message in request.messages), record.parameters
        assert asked["label"] in told
        assert request.schema is not None
        if asked["technique"] == "persona":
            assert str(asked["age"]) in told
            assert all(finding in told for finding in (*asked["present"], *asked["absent"]))
        if asked["technique"] == "few-shot":
            known = {item.id: item.text for item in seeds.load("note")}
            assert len(asked["shown"]) == 2
            assert all(json.dumps(known[name], ensure_ascii=False)[1:-1] in told for name in asked["shown"])
        if asked["technique"] == "retrieval":
            facts = {fact.id: fact.text for fact in seeds.knowledge()}
            assert all(facts[name] in told for name in asked["facts"])
        if asked["technique"] == "chain-of-thought":
            assert list(request.schema["properties"]).index("reasoning") < list(request.schema["properties"]).index("text")
    assert len(made.accepted) == 10


def test_dialogues_are_turns_that_become_lines(run):
    turns = [{"doctor": "What brings you here today?", "patient": "Pain in my left knee for a week."}] * 2
    turns[1] = {"doctor": "Did you fall or twist it somehow?", "patient": "No, it just began. I will rest it."}
    made, _ = run(
        [lambda request: json.dumps({"label": label_of(request), "turns": turns})], n=1, kind="dialogue", technique="zero-shot"
    )
    record = made.records[0]
    assert record.reason == ""
    assert record.content["text"].splitlines()[:2] == [
        "Doctor: What brings you here today?",
        "Patient: Pain in my left knee for a week.",
    ]


def test_the_same_prompts_are_asked_again_without_a_schema(run):
    answers = [numbered, numbered, "Here it is: " + '{"label": "x"}', lambda request: "Note: " + numbered(request)]
    made, model = run(answers, n=2, compare=2, technique="zero-shot")
    assert [request.schema is None for request in model.asked] == [False, False, True, True]
    assert [request.messages for request in model.asked[:2]] == [request.messages for request in model.asked[2:]]
    rows = {row["series"]: (row["count"], row["total"]) for row in made.measures["validity"] if row["name"] == "all"}
    assert rows == {"constrained": (2, 2), "free": (0, 2), "free, object cut out": (1, 2)}
    assert len(made.records) == 2


def test_measures_count_accepted_texts_only(run):
    made, _ = run([numbered, ""], n=10)
    labels = {row["name"]: row["total"] for row in made.measures["labels"]}
    assert labels["all"] == len(made.accepted) == 5
    assert labels["seed texts held out"] == len(seeds.split(seeds.load("note"), 3)[1])
    assert all(0 <= row["count"] <= row["total"] for row in made.measures["conditions"])
    assert {row["technique"] for row in made.measures["tokens"]} == set(TECHNIQUES)


def test_paths_and_cache_stay_out_of_the_configuration(run, tmp_path):
    made, _ = run([numbered], n=1, cache=str(tmp_path / "answers"), model="some/model.gguf")
    text = json.dumps([made.configuration, dict(made.model)])
    assert str(tmp_path) not in text
    assert "gguf" not in text
    assert made.configuration["constrained"] is True


@pytest.mark.parametrize(
    "options", [{"kind": "poem"}, {"technique": "magic"}, {"shots": 0}, {"shots": 6}, {"compare": -1}, {"temperature": 2.1}]
)
def test_options_that_cannot_be_used_are_refused(options):
    with pytest.raises(OptionError, match="->"):
        generators.generate("text", "prompting", 1, **options)


@pytest.mark.slow
def test_the_embedded_model_answers_within_the_schema_and_the_same_twice(tmp_path):
    made = [generators.generate("text", "prompting", 2, 7, technique="zero-shot", compare=1) for _ in range(2)]
    first, second = (data.write(tmp_path / f"{place}.jsonl")[0].read_bytes() for place, data in enumerate(made))
    assert first == second
    validity = {row["series"]: row["share"] for row in made[0].measures["validity"] if row["name"] == "all"}
    cut = sum(record.reason == "cut-off" for record in made[0].records)
    assert validity["constrained"] == 1 - cut / 2
    assert made[0].model["licence"] == "Apache-2.0"


@pytest.mark.parametrize(
    ("text", "valid", "holds"),
    [
        ('{"a": "x"}', True, True),
        (' {"a": "x"} ', True, True),
        ('{"a": "x"} more', False, True),
        ('text {"b": 1} {"a": "y"}', False, True),
        ('{"a": 1}', False, False),
        ('{"a": "x", "a": "x"}', False, False),
        ("[]", False, False),
        ("[" * 100_000, False, False),
        ('{"a": "\\ud800"}', False, True),
    ],
)
def test_what_counts_as_one_object_of_a_schema(text, valid, holds):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
    assert text_answers.valid(text, schema) is valid
    assert text_answers.holds_valid(text, schema) is holds


@pytest.mark.parametrize(
    ("text", "words", "mentioned", "negated"),
    [
        ("No fever today.", "fever", True, True),
        ("Fever, no chills.", "fever", True, False),
        ("He denies chest  pain.", "Chest pain", True, True),
        ("Feverish.", "fever", False, False),
        ("No cough. Fever since Monday.", "fever", True, False),
        ("She does not have a fever.", "fever", True, True),
    ],
)
def test_findings_are_words_in_order_and_negations_stand_before_them(text, words, mentioned, negated):
    assert text_measures.mentioned(text, words) is mentioned
    assert text_measures.negated(text, words) is negated


@pytest.mark.parametrize(
    ("text", "age", "found"),
    [
        ("A 54-year-old man", 54, True),
        ("BP 154/54", 54, False),
        ("5.54 mmol", 54, False),
        ("aged 54.", 54, True),
        ("543", 54, False),
    ],
)
def test_an_age_is_a_number_of_its_own(text, age, found):
    assert text_measures.states_age(text, age) is found


def test_a_sex_is_stated_when_no_word_of_the_other_is_there():
    assert text_measures.states_sex("A 40-year-old woman; she is well.", "woman")
    assert not text_measures.states_sex("A woman brought by him.", "woman")
    assert not text_measures.states_sex("The patient is well.", "man")
    assert text_measures.states_sex("62M with cough", "man")


def test_facts_are_found_by_their_words():
    facts = [
        Fact("f1", "cardiology", "valves", "A murmur is the sign of valve disease.", "https://x", "CC-BY-4.0", "2026-11-25"),
        Fact("f2", "dermatology", "eczema", "Itch and dry skin.", "https://x", "CC-BY-4.0", "2026-11-25"),
    ]
    retriever = text_measures.Retriever(facts)
    assert [fact.id for fact in retriever.nearest("murmur", 1)] == ["f1"]
    assert [fact.id for fact in retriever.nearest("itch", 2)] == ["f2", "f1"]
    assert [fact.id for fact in retriever.nearest("zzz", 2)] == ["f1", "f2"]


def test_seed_texts_have_no_fault_of_their_own():
    for item in seeds.load("note"):
        reason, detail = text_checks.fault(item.text, {})
        assert reason in ("", text_checks.UNFINISHED, text_checks.PERSON), (item.id, reason, detail)


def test_templates_have_a_digest_that_is_in_the_configuration(run):
    made, _ = run([numbered], n=1)
    assert made.configuration["prompts_sha256"] == text_prompts.templates()
    assert made.configuration["prompts"] == text_prompts.VERSION
    assert text_prompting.REASONS.keys() >= text_checks.REASONS.keys()
