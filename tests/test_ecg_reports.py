"""Claims are read from reports as people write them, and each is judged against what was measured."""

import dataclasses
import json

import pytest

from review.errors import InputError, OptionError
from review.generators import ecg, ecg_claims, ecg_reports
from review.generators.ecg_claims import EVERY, SINUS, UNMEASURABLE
from review.generators.ecg_measure import CLAIMS, Findings, Tolerances
from review.generators.ecg_reports import AGREES, CONTRADICTS, NOT_PARSEABLE, NOT_STATED, Template, Verdict
from review.statistics import wilson

NORMAL = Findings((), 72.3, 0.01, "normal", 160, 94, 398)
SLOW = Findings((), 51.2, 0.01, "bradycardia", 176, 94, 420)
FAST = Findings((), 110.0, 0.01, "tachycardia", 140, 92, 320)
UNEVEN = Findings((), 81.0, 0.2, "irregular", None, 92, 360)
BY_RHYTHM = {item.rhythm: item for item in (NORMAL, SLOW, FAST, UNEVEN)}

AGREE, CONTRA, SILENT, UNCLEAR = AGREES, CONTRADICTS, NOT_STATED, NOT_PARSEABLE
CASES = [  # report, findings, verdicts of heart rate, rhythm, PR, QRS, QT
    ("Normal sinus rhythm, 72/min. PR 160 ms, QRS 94 ms, QT 398 ms.", NORMAL, (AGREE, AGREE, AGREE, AGREE, AGREE)),
    ("NSR at 80 bpm, PR 200 ms.", NORMAL, (CONTRA, AGREE, CONTRA, SILENT, SILENT)),
    ("Heart rate 75 beats per minute.", NORMAL, (AGREE, SILENT, SILENT, SILENT, SILENT)),  # 3.7 % off
    ("Heart rate 76 beats per minute.", NORMAL, (CONTRA, SILENT, SILENT, SILENT, SILENT)),  # 5.1 % off
    ("PR 180 ms; QRS 115 ms.", NORMAL, (SILENT, SILENT, AGREE, CONTRA, SILENT)),  # 20 and 21 ms off
    ("The rate is 65-70 per minute.", NORMAL, (AGREE, SILENT, SILENT, SILENT, SILENT)),
    ("The rate is between 80 and 90 per minute.", NORMAL, (CONTRA, SILENT, SILENT, SILENT, SILENT)),
    ("Rate below 60/min.", SLOW, (AGREE, SILENT, SILENT, SILENT, SILENT)),
    ("Rate above 60/min.", SLOW, (CONTRA, SILENT, SILENT, SILENT, SILENT)),
    ("Rate not above 100 bpm, QRS not less than 90 ms.", NORMAL, (AGREE, SILENT, SILENT, AGREE, SILENT)),
    ("No more than 60 bpm.", NORMAL, (CONTRA, SILENT, SILENT, SILENT, SILENT)),
    ("The rate is not 72 bpm, PR is not 160 ms.", NORMAL, (UNCLEAR, SILENT, UNCLEAR, SILENT, SILENT)),  # any other is left
    ("PR/QRS not 160/94 ms.", NORMAL, (SILENT, SILENT, UNCLEAR, UNCLEAR, SILENT)),
    ("Not 110 bpm but 72 bpm.", NORMAL, (AGREE, SILENT, SILENT, SILENT, SILENT)),
    ("No tachycardia.", NORMAL, (SILENT, AGREE, SILENT, SILENT, SILENT)),
    ("No tachycardia.", FAST, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Neither bradycardia nor tachycardia.", SLOW, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Neither bradycardia nor tachycardia.", UNEVEN, (SILENT, AGREE, SILENT, SILENT, SILENT)),
    ("No tachycardia, bradycardia or irregularity.", UNEVEN, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Tachycardia is absent.", FAST, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Tachycardia and irregularity are absent.", UNEVEN, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Tachycardia: no. Regular: yes.", NORMAL, (SILENT, AGREE, SILENT, SILENT, SILENT)),
    ("The rhythm is not irregular.", UNEVEN, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Irregular rhythm and P waves are absent.", UNEVEN, (SILENT, AGREE, AGREE, SILENT, SILENT)),
    ("Irregular rhythm without P waves.", NORMAL, (SILENT, CONTRA, CONTRA, SILENT, SILENT)),
    ("No P waves, rhythm irregular.", UNEVEN, (SILENT, AGREE, AGREE, SILENT, SILENT)),
    ("PR interval cannot be measured.", UNEVEN, (SILENT, SILENT, AGREE, SILENT, SILENT)),
    ("PR interval cannot be measured.", NORMAL, (SILENT, SILENT, CONTRA, SILENT, SILENT)),
    ("PR and QT not measurable, QRS 92 ms.", UNEVEN, (SILENT, SILENT, AGREE, AGREE, CONTRA)),
    ("There is no measurable PR interval.", UNEVEN, (SILENT, SILENT, AGREE, SILENT, SILENT)),
    ("PR 150 ms.", UNEVEN, (SILENT, SILENT, CONTRA, SILENT, SILENT)),  # invented
    ("PR 0.16 s, QRS 0.09 seconds, QT 0.4.", NORMAL, (SILENT, SILENT, AGREE, AGREE, AGREE)),
    ("PR 160 s.", NORMAL, (SILENT, SILENT, CONTRA, SILENT, SILENT)),
    ("PR/QRS/QT 160/94/398 ms.", NORMAL, (SILENT, SILENT, AGREE, AGREE, AGREE)),
    ("PR, QRS and QT are 160, 94 and 300 ms.", NORMAL, (SILENT, SILENT, AGREE, AGREE, CONTRA)),
    ("PR, QRS and QT are 0.16, 0.09 and 0.40 s.", NORMAL, (SILENT, SILENT, AGREE, AGREE, AGREE)),
    ("A 160 ms PR interval, 94 ms QRS and 398 ms QT.", NORMAL, (SILENT, SILENT, AGREE, AGREE, AGREE)),
    ("PR 160 ms QRS 94 ms QT 398 ms", NORMAL, (SILENT, SILENT, AGREE, AGREE, AGREE)),
    ("PR 160 QRS 94 QT 398", NORMAL, (SILENT, SILENT, AGREE, AGREE, AGREE)),
    ("QT/QTc 398/430 ms", NORMAL, (SILENT, SILENT, SILENT, SILENT, AGREE)),
    ("QTc 500 ms", NORMAL, (SILENT, SILENT, SILENT, SILENT, SILENT)),
    ("Rate 72/min at first, later 90 bpm.", NORMAL, (CONTRA, SILENT, SILENT, SILENT, SILENT)),
    ("12 beats in 10 seconds, so the rate is 72.", NORMAL, (AGREE, SILENT, SILENT, SILENT, SILENT)),
    ("Rate over 10 seconds: 72.", NORMAL, (AGREE, SILENT, SILENT, SILENT, SILENT)),
    ("The heart beats slowly, 51 times a minute.", SLOW, (AGREE, AGREE, SILENT, SILENT, SILENT)),
    ("About 72 heart beats per minute, neither slow nor fast.", NORMAL, (AGREE, AGREE, SILENT, SILENT, SILENT)),
    ("Nothing fast or slow.", FAST, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("The PR interval is normal.", NORMAL, (SILENT, SILENT, UNCLEAR, SILENT, SILENT)),
    ("Heart rate: see above. QT: see below.", NORMAL, (UNCLEAR, SILENT, SILENT, SILENT, UNCLEAR)),
    ("A QRS complex follows each P wave.", NORMAL, (SILENT, SILENT, SILENT, SILENT, SILENT)),
    ("Normal heart rate.", NORMAL, (AGREE, SILENT, SILENT, SILENT, SILENT)),
    ("Normal heart rate.", SLOW, (CONTRA, SILENT, SILENT, SILENT, SILENT)),
    ("No normal heart rate.", SLOW, (UNCLEAR, SILENT, SILENT, SILENT, SILENT)),
    (
        "Heart rate 72 bpm (normal 60-100). The normal range of PR is 120 to 200 ms.",
        NORMAL,
        (AGREE, SILENT, SILENT, SILENT, SILENT),
    ),
    ("Possible tachycardia.", FAST, (SILENT, UNCLEAR, SILENT, SILENT, SILENT)),
    ("Either bradycardia or tachycardia.", FAST, (SILENT, UNCLEAR, SILENT, SILENT, SILENT)),
    ("Bradycardia or sinus tachycardia.", FAST, (SILENT, UNCLEAR, SILENT, SILENT, SILENT)),
    ("Possible tachycardia. Sinus bradycardia.", SLOW, (SILENT, AGREE, SILENT, SILENT, SILENT)),
    ("Regular tachycardia, then irregular.", FAST, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Sinus rhythm.", FAST, (SILENT, AGREE, SILENT, SILENT, SILENT)),
    ("Sinus rhythm.", UNEVEN, (SILENT, CONTRA, SILENT, SILENT, SILENT)),
    ("Sinus arrhythmia.", UNEVEN, (SILENT, AGREE, SILENT, SILENT, SILENT)),
    ("The rate is not fast, but regular.", NORMAL, (UNCLEAR, AGREE, SILENT, SILENT, SILENT)),
    ("No abnormalities, sinus rhythm.", NORMAL, (SILENT, AGREE, SILENT, SILENT, SILENT)),
    ("ECG. The patient feels well.", NORMAL, (SILENT, SILENT, SILENT, SILENT, SILENT)),
    ("", NORMAL, (SILENT, SILENT, SILENT, SILENT, SILENT)),
    ("PR/QRS/QT 160/160 ms.", NORMAL, (SILENT, SILENT, UNCLEAR, UNCLEAR, UNCLEAR)),  # which two?
    ("PR is short and QRS 94 ms.", NORMAL, (SILENT, SILENT, UNCLEAR, AGREE, SILENT)),
    ("No measurable rate.", NORMAL, (CONTRA, SILENT, SILENT, SILENT, SILENT)),
    ("No rate given.", NORMAL, (UNCLEAR, SILENT, SILENT, SILENT, SILENT)),
    ("PR 150\N{EN DASH}170 ms", NORMAL, (SILENT, SILENT, AGREE, SILENT, SILENT)),
    ("P waves precede each QRS. PR: P waves are conducted.", NORMAL, (SILENT, SILENT, UNCLEAR, UNCLEAR, SILENT)),
    ("72/min PR 160 ms", NORMAL, (AGREE, SILENT, AGREE, SILENT, SILENT)),
    ("PR interval with a rate of 72/min", NORMAL, (AGREE, SILENT, UNCLEAR, SILENT, SILENT)),
    ("PR not far from 72/min.", NORMAL, (AGREE, SILENT, UNCLEAR, SILENT, SILENT)),
]


@pytest.mark.parametrize(
    ("report", "findings", "expected"), CASES, ids=[f"{place}-{case[0][:40]}" for place, case in enumerate(CASES)]
)
def test_verdicts_worked_out_by_hand(report, findings, expected):
    verdicts = ecg_reports.agreement(report, findings)
    assert tuple(verdicts) == tuple(CLAIMS)
    assert tuple(item.verdict for item in verdicts.values()) == expected


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ("ST elevation in lead V2.", ("st elevation", "lead v2")),
        ("12-lead ECG: no ST depression, left axis.", ("12-lead", "st depression", "axis")),
        ("Atrial fibrillation in a 54 year-old male with chest pain", ("atrial fibrillation", "year-old", "male", "chest pain")),
        ("Corrected QT 410 ms; right bundle branch block", ("corrected qt", "bundle branch", "block")),
        ("Single lead, PR 160 ms, the beats are regular.", ()),
        ("Ventricular rate 72.", ()),
    ],
)
def test_words_on_what_one_lead_cannot_show(report, words):
    assert ecg_reports.unsupported(report) == words


def test_statements_keep_their_size():
    claims = ecg_claims.parse("Regular, not fast. Rate 70-80/min, PR 0.16 s, QT below 0.4 s, QRS undetermined")
    assert claims.numbers == {
        "heart_rate": [(70, 80)],
        "pr": [(160, 160)],
        "qt": [(0, 400)],
        "qrs": [UNMEASURABLE],
    }
    assert claims.rhythms == [SINUS, EVERY - {"tachycardia"}]


def test_tolerances_can_be_changed():
    strict = Tolerances(heart_rate=0.0, interval=0.0)
    assert ecg_reports.agreement("PR 161 ms", NORMAL, strict)["pr"].verdict == CONTRADICTS
    assert ecg_reports.agreement("PR 160 ms", NORMAL, strict)["pr"].verdict == AGREES


def test_a_contradiction_names_both_sides():
    verdicts = ecg_reports.agreement("Sinus tachycardia, PR 220 ms, QT not measurable", UNEVEN)
    text = ecg_reports.contradictions(verdicts)
    assert "rhythm: stated tachycardia, measured irregular" in text
    assert "pr: stated 220, measured not measurable" in text
    assert "qt: stated not measurable, measured 360 ms" in text
    assert ecg_reports.contradictions(ecg_reports.agreement("", UNEVEN)) == ""
    apart = ecg_reports.contradictions(ecg_reports.agreement("PR 200-220 ms, rate above 100/min", NORMAL))
    assert apart == "heart_rate: stated 100 or more, measured 72.3 beats/min; pr: stated 200-220, measured 160 ms"


TEMPLATES = ecg_reports.load()


def test_there_are_enough_templates_and_none_twice():
    assert len(TEMPLATES) >= 32
    assert len({item.text for item in TEMPLATES}) == len(TEMPLATES)
    assert len({item.register for item in TEMPLATES}) >= 8
    for rhythm in ecg.RHYTHMS:
        assert sum(item.rhythm == rhythm for item in TEMPLATES) >= 6


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda item: item.id)
def test_every_template_says_what_it_is_filled_with_and_nothing_else(template):
    fitting = [findings for findings in BY_RHYTHM.values() if template.fits(findings)]
    assert fitting
    for findings in fitting:
        report = template.fill(findings)
        verdicts = ecg_reports.agreement(report, findings)
        assert {item.verdict for item in verdicts.values()} <= {AGREES, NOT_STATED}
        assert {name for name, item in verdicts.items() if item.verdict == AGREES} >= template.slots | {"rhythm"}
        assert ecg_reports.unsupported(report) == ()
        assert "{" not in report
        for name in template.slots - {"rhythm"}:
            value = getattr(findings, name)
            other = dataclasses.replace(findings, **{name: value * 1.3 if name == "heart_rate" else value + 40})
            assert ecg_reports.agreement(report, other)[name].verdict == CONTRADICTS
        other = dataclasses.replace(findings, rhythm="normal" if findings.rhythm == "irregular" else "irregular")
        assert ecg_reports.agreement(report, other)["rhythm"].verdict == CONTRADICTS


def test_a_template_needs_its_findings():
    template = Template("x", "plain", "any", "QT {qt} ms")
    assert not template.fits(dataclasses.replace(NORMAL, qt=None))
    with pytest.raises(OptionError, match="needs qt"):
        template.fill(dataclasses.replace(NORMAL, qt=None))
    assert Template("x", "plain", "any", "{rhythm}.").fill(UNEVEN) == "Irregular rhythm without P waves."
    assert Template("x", "plain", "any", "flat").fill(Findings(())) == "Flat"


def test_a_choice_depends_on_the_seed_and_fits():
    ids = {ecg_reports.choose(TEMPLATES, SLOW, seed).id for seed in range(60)}
    assert len(ids) > 8
    assert ecg_reports.choose(TEMPLATES, SLOW, 4) == ecg_reports.choose(TEMPLATES, SLOW, 4)
    with pytest.raises(OptionError, match="no template fits"):
        ecg_reports.choose(TEMPLATES, Findings(()), 1)


def test_a_split_keeps_each_rhythm_on_both_sides():
    train, held = ecg_reports.split(TEMPLATES, 3)
    assert sorted([*train, *held], key=lambda item: item.id) == list(TEMPLATES)
    for rhythm in ("any", *ecg.RHYTHMS):
        assert {rhythm} <= {item.rhythm for item in train} & {item.rhythm for item in held}
    assert ecg_reports.split(TEMPLATES[::-1], 3) == (train, held)
    assert ecg_reports.split(TEMPLATES, 4) != (train, held)


def test_broken_templates_are_named_with_their_lines(tmp_path):
    path = tmp_path / "x.jsonl"
    good = {"id": "a", "register": "plain", "rhythm": "any", "text": "x"}
    lines = [good, good, {**good, "id": "b", "rhythm": "flutter"}, {**good, "id": "c", "text": "{axis}"}, {"id": "d"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{no json\n")
    with pytest.raises(InputError) as caught:
        ecg_reports.load(path)
    assert [problem.line for problem in caught.value.problems] == [2, 3, 4, 5, 6]
    with pytest.raises(InputError, match="missing"):
        ecg_reports.load(tmp_path / "none.jsonl")


def test_rates_count_claims_and_reports_by_hand():
    said = Verdict(AGREES, "1", "1")
    wrong = Verdict(CONTRADICTS, "1", "2")
    silent, unclear = Verdict(NOT_STATED), Verdict(NOT_PARSEABLE)
    whole = dict.fromkeys(CLAIMS, silent)
    checked = [whole | {"pr": said, "qt": unclear}, whole | {"pr": wrong, "qrs": said}, whole, whole | {"qt": unclear}]
    rows = {row["name"]: row for row in ecg_reports.rates("made", checked)}
    assert list(rows) == [*CLAIMS, ecg_reports.WHOLE]
    pr, qt, whole_report = rows["pr"], rows["qt"], rows[ecg_reports.WHOLE]
    assert (pr["count"], pr["total"], pr["share"], pr["not_stated"], pr["reports"]) == (1, 2, 0.5, 2, 4)
    assert (pr["low"], pr["high"]) == wilson(1, 2)
    assert (qt["not_parseable"], qt["total"], qt["share"], qt["low"]) == (2, 0, None, None)
    assert [whole_report[name] for name in ("count", "total", "not_stated", "not_parseable")] == [1, 2, 1, 1]
    assert {row["series"] for row in rows.values()} == {"made"}


@pytest.mark.parametrize("number", [2, 3, 10, 41])
def test_a_shuffle_leaves_nothing_in_its_place(number):
    for seed in range(5):
        order = ecg_reports.shuffled(number, seed)
        assert sorted(order) == list(range(number))
        assert all(place != other for place, other in enumerate(order))
    with pytest.raises(OptionError, match="two or more"):
        ecg_reports.shuffled(1, 0)


def test_real_pairs_agree_and_shuffled_ones_rarely_do():
    """Four kinds of findings in turn, each with its own report; then each report with another segment."""
    many = [
        dataclasses.replace(item, heart_rate=item.heart_rate + place, qt=item.qt - 9 * place)
        for place in range(5)
        for item in BY_RHYTHM.values()
    ]
    reports = [ecg_reports.choose(TEMPLATES, item, seed).fill(item) for seed, item in enumerate(many)]
    order = ecg_reports.shuffled(len(many), 1)
    real = ecg_reports.rates("real", [ecg_reports.agreement(*pair) for pair in zip(reports, many, strict=True)])
    chance = ecg_reports.rates(
        "shuffled", [ecg_reports.agreement(text, many[place]) for text, place in zip(reports, order, strict=True)]
    )
    assert real[-1]["share"] == 1
    assert chance[0]["share"] < 0.4
    assert chance[-1]["share"] < 0.4


@pytest.mark.parametrize(
    ("text", "rhythm"),
    [
        ("No sinus tachycardia.", {"normal", "bradycardia", "irregular"}),
        ("Rhythm is not sinus tachycardia.", {"normal", "bradycardia", "irregular"}),
        ("There is no sinus bradycardia or sinus tachycardia.", {"normal", "irregular"}),
        ("Sinus tachycardia.", {"tachycardia"}),
    ],
)
def test_a_sinus_rhythm_is_named_and_denied_as_one(text, rhythm):
    claimed = ecg_claims.parse(text).rhythms
    assert frozenset.intersection(*claimed) == rhythm


def test_a_comma_of_thousands_is_part_of_its_number():
    assert ecg_claims.parse("The rate is 1,072 bpm.").numbers == {"heart_rate": [(1072.0, 1072.0)]}
