"""Simulated segments keep what was drawn, measurements find it within stated errors, and what is not there stays unknown."""

import dataclasses
import subprocess
import sys
import warnings

import numpy as np
import pytest

from review.errors import ModelError, UnknownNameError
from review.generators import ecg, ecg_measure
from review.generators.ecg_measure import Findings, Tolerances
from review.statistics import wilson


@pytest.fixture(scope="module")
def made():
    return ecg.segments(40, 1)


@pytest.fixture(scope="module")
def found(made):
    return [ecg_measure.measure(segment.signal) for segment in made]


def test_segments_are_ten_seconds_of_whole_microvolts(made):
    for segment in made:
        assert len(segment.signal) == ecg.RATE * ecg.SECONDS == 1250
        assert all(isinstance(value, int) for value in segment.signal)
        assert 700 < max(segment.signal) < 1500


def test_rhythms_take_turns_and_rates_lie_where_they_should(made):
    assert [segment.rhythm for segment in made[:4]] == list(ecg.RHYTHMS)
    for segment in made:
        low, high = ecg.HEART_RATES[segment.rhythm]
        assert low <= segment.drawn.heart_rate <= high
        assert (segment.drawn.pr is None) == (segment.rhythm == "irregular")


def test_the_same_seed_gives_the_same_segment_and_another_seed_another():
    assert ecg.simulate("normal", 3) == ecg.simulate("normal", 3)
    assert ecg.simulate("normal", 3).signal != ecg.simulate("normal", 4).signal
    np.random.seed(1)  # noqa: NPY002 - a global state must not matter
    assert ecg.segments(3, 9)[2] == ecg.segments(5, 9)[2]


def test_r_waves_stand_where_beats_were_placed(made):
    for segment in made:
        line = np.asarray(segment.signal)
        inner = [beat for beat in segment.beats if 0.1 < beat < ecg.SECONDS - 0.1]
        for beat in inner:
            place = round(beat * ecg.RATE)
            near = line[place - 12 : place + 13]
            assert abs(int(near.argmax()) - 12) <= 1


def test_the_beat_of_the_model_has_the_drawn_borders():
    drawn = ecg.Drawn(60.0, 160.0, 100.0, 400.0, 0.0)
    waves = ecg._waves(drawn)
    begin = waves["Q"][0] - ecg.EDGE * waves["Q"][1]
    assert begin == pytest.approx(-0.050)
    assert begin - (waves["P"][0] - ecg.EDGE * waves["P"][1]) == pytest.approx(0.160)
    assert waves["S"][0] + ecg.EDGE * waves["S"][1] - begin == pytest.approx(0.100)
    assert waves["T"][0] + ecg.EDGE * waves["T"][1] - begin == pytest.approx(0.400)
    beat, before = ecg._beat(drawn), round(0.42 * 250)
    assert int(beat.argmax()) == before
    assert beat[before] == pytest.approx(1000)
    assert abs(beat[0]) + abs(beat[-1]) < 1e-6
    peak = int(beat[: before - 40].argmax())
    assert (peak - before) / 250 == pytest.approx(waves["P"][0], abs=0.008)
    without = ecg._beat(dataclasses.replace(drawn, pr=None))
    assert np.abs(without[: before - 20]).max() < 40 < beat[: before - 20].max()


def test_irregular_distances_vary_more_than_sinus(made):
    def variation(segment):
        return np.diff(segment.beats).std() / np.diff(segment.beats).mean()

    irregular = [variation(segment) for segment in made if segment.rhythm == "irregular"]
    sinus = [variation(segment) for segment in made if segment.rhythm != "irregular"]
    assert min(irregular) > max(sinus)


def test_a_beat_that_never_comes_back_to_its_line_is_an_error(monkeypatch):
    monkeypatch.setattr(ecg, "_JUMP", -1.0)
    with pytest.raises(ModelError, match="choose another seed"):
        ecg.simulate("normal", 1)


def test_an_unknown_rhythm_is_refused():
    with pytest.raises(UnknownNameError, match="no rhythm named 'flutter'"):
        ecg.simulate("flutter", 1)


def test_measurements_are_close_to_the_truth(made, found):
    for segment, item in zip(made, found, strict=True):
        assert item.heart_rate == pytest.approx(segment.heart_rate, rel=0.05)
        assert item.rhythm == segment.rhythm
        if segment.drawn.pr is None:
            assert item.pr is None
        elif item.pr is not None:
            assert item.pr == pytest.approx(segment.drawn.pr, abs=20)
        if item.qt is not None:
            assert item.qt == pytest.approx(segment.drawn.qt, abs=30)
        if item.qrs is not None:
            assert item.qrs == pytest.approx(segment.drawn.qrs, abs=30)


def test_a_measurement_follows_the_times_of_the_beats_and_nothing_else(made):
    beat = ecg._beat(ecg.Drawn(60.0, 150.0, 90.0, 380.0, 0.0))
    for distance in (1.2, 0.8):
        line = ecg._place(beat, np.arange(0.3, 10, distance).tolist()).reshape(-1, 2).mean(axis=1)
        item = ecg_measure.measure([round(value) for value in line])
        assert item.heart_rate == pytest.approx(60 / distance, rel=0.01)
        assert item.variation < 0.02
        assert item.pr == pytest.approx(150, abs=16)
    plain = ecg_measure.measure(made[0].signal)
    moved = ecg_measure.measure([2 * value + 500 for value in made[0].signal])
    assert moved.values() == plain.values()


@pytest.mark.parametrize(
    ("signal", "beats"),
    [([0] * 1250, 0), ([5] * 60, 0), (list(range(1250)), 0), ([0] * 600 + [1000] + [0] * 649, 1)],
    ids=["flat", "short", "ramp", "one spike"],
)
def test_nothing_is_measured_where_there_is_no_rhythm(signal, beats):
    item = ecg_measure.measure(signal)
    assert len(item.beats) == beats
    assert set(item.values().values()) == {None}


def test_noise_is_not_an_error():
    noise = np.random.default_rng(0).normal(0, 300, 1250).astype(int).tolist()
    item = ecg_measure.measure(noise)
    assert item.pr is None or 0 < item.pr < 400


def test_spikes_without_waves_have_a_rate_and_no_pr():
    line = np.zeros(1250)
    line[60::125] = 1000
    item = ecg_measure.measure(line.astype(int).tolist())
    assert item.heart_rate == pytest.approx(60, abs=0.5)
    assert item.pr is None


@pytest.mark.parametrize(
    ("rate", "variation", "rhythm"),
    [
        (59.9, 0.0, "bradycardia"),
        (60, 0.0, "normal"),
        (100, 0.0799, "normal"),
        (100.1, 0, "tachycardia"),
        (50, 0.08, "irregular"),
    ],
)
def test_the_rule_of_rhythm(rate, variation, rhythm):
    assert ecg_measure.classify(rate, variation) == rhythm


def test_an_interval_is_unknown_if_half_of_the_beats_show_none():
    nan = float("nan")
    assert ecg_measure._median(np.array([nan, nan, 20.0, 20.0])) is None
    assert ecg_measure._median(np.array([nan, 20.0, 20.0, 21.0])) == 160
    assert ecg_measure._median(np.array([])) is None
    marks = {name: np.array([nan]) for name in ("P_Onsets", "P_Peaks", "R_Onsets")}
    assert ecg_measure._height(np.zeros(5), marks) == 0


def test_marks_that_are_missing_for_a_beat_make_the_intervals_unknown(monkeypatch, made):
    kit = ecg.neurokit()
    real = kit.ecg_delineate

    def shorter(*args, **options):
        table, waves = real(*args, **options)
        return table, waves | {"ECG_P_Onsets": waves["ECG_P_Onsets"][1:]}

    monkeypatch.setattr(kit, "ecg_delineate", shorter)
    item = ecg_measure.measure(made[0].signal)
    assert (item.pr, item.qrs, item.qt) == (None, None, None)
    assert item.rhythm == "normal"


def test_accuracy_counts_by_hand():
    drawn = ecg.Drawn(60.0, 160.0, 100.0, 400.0, 0.0)
    first = ecg.Segment("normal", 0, (0,), drawn, (1.0, 2.0, 3.0))
    second = ecg.Segment("irregular", 0, (0,), dataclasses.replace(drawn, pr=None), (1.0, 2.0))
    seen = Findings((1.04, 2.0, 9.0), 63.5, 0.0, "normal", 150, None, 421)
    odd = Findings((1.06,), None, None, "normal", 140, 130, None)
    rows = {(row["rhythm"], row["quantity"]): row for row in ecg_measure.accuracy([first, second], [seen, odd], Tolerances())}
    assert list(dict.fromkeys(name for name, _ in rows)) == ["all", "normal", "irregular"]
    beats = rows["all", "beats"]
    assert (beats["true"], beats["measured"], beats["invented"]) == (5, 2, 2)
    rate = rows["all", "heart_rate"]
    assert (rate["true"], rate["measured"], rate["outside"], rate["bias"]) == (2, 1, 1, 3.5)
    assert (rate["unknown"], rate["low"], rate["high"]) == (0.5, *wilson(1, 2))
    rhythm = rows["all", "rhythm"]
    assert (rhythm["measured"], rhythm["outside"], rhythm["error"]) == (2, 1, None)
    pr = rows["all", "pr"]
    assert (pr["true"], pr["measured"], pr["outside"], pr["bias"], pr["error"], pr["invented"]) == (1, 1, 0, -10, 10, 1)
    assert (rows["irregular", "pr"]["true"], rows["irregular", "pr"]["unknown"]) == (0, None)
    assert (rows["all", "qrs"]["measured"], rows["all", "qrs"]["outside"], rows["all", "qrs"]["largest"]) == (1, 1, 30)
    assert (rows["all", "qt"]["outside"], rows["all", "qt"]["largest"]) == (1, 21)


def test_accuracy_of_real_segments_says_what_was_invented(made, found):
    rows = ecg_measure.accuracy(made, found)
    assert len(rows) == 5 * 6
    assert sum(row["invented"] for row in rows if row["quantity"] == "pr") == 0
    missed = next(row for row in rows if row["rhythm"] == "all" and row["quantity"] == "beats")
    assert missed["measured"] / missed["true"] > 0.9


def test_other_warnings_are_not_hidden():
    with ecg.known_warnings(), pytest.warns(UserWarning, match="something new"):
        warnings.warn("something new", UserWarning, stacklevel=1)


def test_the_package_does_not_import_the_library_until_a_segment_is_simulated():
    code = "import sys, review.generators.ecg_measure, review.generators.ecg_reports; assert 'neurokit2' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
