"""Pairs of signal and report: the parts are held against each other and chance stands beside; same seed, same bytes."""

import dataclasses
import json

import pytest
from text_models import Scripted, write_tiny

from review import generators, llm
from review.errors import OptionError
from review.generators import ecg_reports, multimodal_codec, multimodal_pairs, multimodal_specialized, multimodal_words
from review.generators.ecg_reports import Tolerances

SMALL = {"segments": 48, "steps": 12, "width": 16, "layers": 1}


def silent(*_):
    """Show nothing."""


@pytest.fixture(scope="module")
def pairs():
    return multimodal_pairs.pairs(40, 3, silent)


@pytest.fixture(scope="module")
def templates():
    return ecg_reports.load()


@pytest.fixture
def run(monkeypatch):
    def run(answers, n, seed=3, **options):
        model = Scripted(answers)
        monkeypatch.setattr(llm, "load", lambda name, cache: model)
        return generators.generate(
            "multimodal", "prompting", n, seed, **{"compare": False, "technique": "zero-shot", **options}
        ), model

    return run


def report(text):
    return json.dumps({"report": text})


def test_real_pairs_agree_and_exchanged_pairs_agree_by_chance_only(pairs, templates):
    """Templates filled from the segment itself agree nearly always; beside another segment the whole report hardly ever."""
    rows = {(row["series"], row["name"]): row for row in multimodal_pairs.baseline(pairs, templates, 3, Tolerances())}
    series = list(dict.fromkeys(name for name, _ in rows))
    own, other = (next(name for name in series if word in name) for word in ("own", "other"))
    assert rows[own, "whole report"]["share"] > 0.95
    assert rows[own, "heart_rate"]["share"] == 1
    assert rows[other, "whole report"]["share"] < 0.2
    assert rows[other, "heart_rate"]["share"] < 0.5 < rows[own, "heart_rate"]["share"]


def test_a_report_is_held_to_its_signal(run):
    findings = multimodal_pairs.pairs(1, 3, silent)[0].findings
    rate = round(findings.heart_rate)
    good, wrong = f"Heart rate {rate} beats/min.", f"Heart rate {2 * rate} beats/min."
    for answer, reason in (
        (report(good), ""),
        (report(wrong), "contradicts"),
        ("Heart rate normal.", multimodal_specialized.REASONS and None),
        ('{"report": "', None),
    ):
        made, _ = run([answer if reason is not None else (answer, "length" if answer.startswith("{") else "stop")], 1)
        record = made.records[0]
        assert (record.reason == "") is (reason == "")
        if reason:
            assert record.reason == reason
            assert str(2 * rate) in record.detail
        assert record.raw == answer
        assert record.content["unit"] == "microvolt"
        assert len(record.content["signal"]) == 10 * record.content["sampling_rate"]


def test_the_prompt_tells_the_findings_and_few_shot_shows_other_segments(run):
    made, model = run([report("Sinus rhythm.")], 4, technique="few-shot", compare=True)
    assert [request.schema is None for request in model.asked] == [False, True] * 4
    for record, request in zip(made.records, model.asked[::2], strict=True):
        assert [message.role for message in request.messages] == ["system", *["user", "assistant"] * 2, "user"]
        rate = record.content["heart_rate"]
        assert str(round(rate)) in request.messages[-1].content
        assert "Sinus rhythm." not in request.messages[2].content or rate
    checks = {(row["series"], row["name"]) for row in made.measures["checks"]}
    assert ("few-shot, schema", "valid JSON") in checks
    assert ("few-shot, no schema", "valid JSON") in checks


def test_agreement_is_counted_by_technique(run):
    made, _ = run([report("Rate 300 beats/min."), report("")], 8, technique="both")
    series = {row["series"] for row in made.measures["agreement"]}
    assert {"zero-shot", "few-shot"} <= series
    rates = [
        row for row in made.measures["agreement"] if row["name"] == "heart_rate" and row["series"] in ("zero-shot", "few-shot")
    ]
    assert all(row["count"] == 0 for row in rates)
    assert sum(row["total"] for row in rates) == 4


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("prompting", {"technique": "magic"}),
        ("prompting", {"shots": 0}),
        ("prompting", {"temperature": -1.0}),
        ("prompting", {"heart_rate_tolerance": -0.1}),
        ("fine-tuning", {"steps": 0}),
        ("fine-tuning", {"segments": 0}),
        ("specialized", {"steps": 0}),
        ("specialized", {"width": 10}),
    ],
)
def test_options_that_cannot_be_used_are_refused(method, options):
    with pytest.raises(OptionError, match="->"):
        generators.generate("multimodal", method, 1, **options)


def test_tuning_writes_with_and_without_the_adapter(tmp_path):
    tiny = str(write_tiny(tmp_path / "tiny.gguf"))
    options = {"model": tiny, "segments": 8, "steps": 2, "max_tokens": 16}
    made = [generators.generate("multimodal", "fine-tuning", 2, 3, **options) for _ in range(2)]
    files = [data.write(tmp_path / f"{place}.jsonl") for place, data in enumerate(made)]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    assert {row["series"] for row in made[0].measures["checks"]} == {"base", "tuned"}
    assert len(made[0].measures["side_by_side"]) == 2
    assert len(made[0].measures["loss"]) == 2
    assert str(tmp_path) not in files[0][1].read_text("utf-8")
    train, held = made[0].configuration["templates"], made[0].configuration["held_out"]
    assert not set(train) & set(held)


@pytest.fixture(scope="module")
def joint():
    return generators.generate("multimodal", "specialized", 8, 5, **SMALL)


def test_one_sequence_gives_signal_and_report(joint, tmp_path):
    assert len(joint.records) == 8
    assert {record.parameters["rhythm"] for record in joint.records} == {"normal", "bradycardia", "tachycardia", "irregular"}
    again = generators.generate("multimodal", "specialized", 8, 5, **SMALL)
    first, second = (data.write(tmp_path / f"{name}.jsonl") for name, data in (("a", joint), ("b", again)))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    whole = [record for record in joint.records if record.content.get("signal")]
    assert all(isinstance(value, int) for record in whole for value in record.content["signal"][:5])


def test_constrained_sequences_are_well_formed(joint):
    checks = {(row["series"], row["name"]): row for row in joint.measures["checks"]}
    assert checks["constrained", "well-formed"]["share"] == 1
    assert checks["unconstrained", "well-formed"]["total"] == 8
    assert {row["series"] for row in joint.measures["training"]} == {"pairs to learn from", "pairs held out"}


def test_a_segment_survives_its_codes(pairs):
    """Written in codes and decoded again, a segment keeps rate and rhythm, and its beats lie where they lay."""
    codec = multimodal_codec.learn(pairs, 1)
    rows, after = multimodal_codec.errors(codec, pairs, Tolerances())
    table = {row["quantity"]: row for row in rows}
    assert table["heart_rate"]["outside"] == 0
    assert table["heart_rate"]["error"] < 1
    assert table["distance of beats"]["error"] < 20
    same = [one.findings.rhythm == two.rhythm for one, two in zip(pairs, after, strict=False)]
    assert sum(same) >= 0.9 * len(same)


def test_too_few_segments_to_learn_shapes_from_are_refused(pairs):
    with pytest.raises(OptionError, match="->"):
        multimodal_codec.learn(pairs[:2], 1)


def test_a_report_is_its_pieces(pairs, templates):
    for pair in pairs[:12]:
        for text in multimodal_words.reports(multimodal_words.rounded(pair.findings), templates, 2, 1):
            assert "".join(multimodal_words.split(text)) == text


def test_rounding_stays_within_the_tolerances(pairs):
    limits = Tolerances()
    for pair in pairs:
        near = multimodal_words.rounded(pair.findings)
        if pair.findings.heart_rate is not None:
            assert abs(near.heart_rate - pair.findings.heart_rate) <= limits.heart_rate * pair.findings.heart_rate
        for name in ("pr", "qrs", "qt"):
            if getattr(pair.findings, name) is not None:
                assert abs(getattr(near, name) - getattr(pair.findings, name)) <= limits.interval
    assert multimodal_words.rounded(dataclasses.replace(pairs[0].findings, heart_rate=None)).heart_rate is None


def test_skeletons_are_reports_without_their_numbers(templates):
    assert multimodal_pairs.skeleton("Rate 70/min.") == multimodal_pairs.skeleton("Rate 95/min.")
    assert multimodal_pairs.skeleton("Rate 70/min.") != multimodal_pairs.skeleton("Pulse 70/min.")
    assert len(multimodal_pairs.skeletons(templates)) >= len(templates)
