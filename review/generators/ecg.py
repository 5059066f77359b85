"""Simulated single-lead ECG segments of four rhythms: no patient, no recording, only a model of a heartbeat.

The beats are those of ECGSYN (McSharry, Clifford, Tarassenko and Smith 2003) as ``neurokit2`` runs it: each wave is a
Gaussian at an angle of a cycle. The angles are chosen here so that PR, QRS and QT have the lengths that were drawn, and the
beats are placed at drawn times, so that both are known exactly. ``irregular`` is a cartoon: no P waves and independent
distances; it has no fibrillatory waves and is no validated model of atrial fibrillation.
"""

from __future__ import annotations

import math
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from review.errors import ModelError, UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 125
"""Samples a second of every segment."""
SECONDS = 10
UNIT = "microvolt"
RHYTHMS: Mapping[str, str] = types.MappingProxyType(
    {
        "normal": "normal sinus rhythm",
        "bradycardia": "sinus bradycardia",
        "tachycardia": "sinus tachycardia",
        "irregular": "irregular rhythm without P waves",
    }
)
"""Code of a rhythm -> words. The list is closed."""
HEART_RATES: Mapping[str, tuple[float, float]] = types.MappingProxyType(
    {"normal": (63, 96), "bradycardia": (44, 57), "tachycardia": (104, 122), "irregular": (66, 94)}
)
"""Beats a minute that are drawn; away from 60 and 100, where a rhythm would change its name by chance."""
EDGE = 2.0
"""Where a Gaussian wave begins and ends by this project's convention: so many standard deviations from its peak."""

_FINE = 250  # samples a second of the simulation itself
_BEATS = 6  # seconds of the run of the model: as many beats
_BEFORE, _AFTER = 0.42, 0.50  # seconds of a beat around its R wave
_STRENGTHS = (1000.0, 700.0, 1500.0, 400.0, 2200.0)  # of the model's R wave: its own wandering line is small beside it
_JUMP = 0.03  # how far the line may jump within a beat, as a share of its height
_R_HEIGHT = 1000.0  # microvolts of the R wave above the line, the scale of every segment
_BREATH = 0.25  # breaths a second, which move the line and the sinus rate
_SPREAD = (0.16, 0.24)  # standard deviation of the RR intervals of ``irregular``, as a share of their mean
_SHORTEST = 0.46  # seconds between two beats at least
_HEIGHTS = {"P": 0.15, "Q": -0.10, "R": 1.0, "S": -0.18, "T": 0.30}  # as shares of the R wave
_P_WIDTH, _T_WIDTH = 20.0, 35.0  # standard deviations in ms


@dataclass(frozen=True)
class Drawn:
    """What the simulation was asked for: the truth that a measurement is compared with.

    Attributes
    ----------
    heart_rate : float
        Beats a minute around which the distances of beats are drawn; what came of it is :attr:`Segment.heart_rate`.
    pr : float or None
        Milliseconds from the beginning of the P wave to that of the QRS complex; None without P wave.
    qrs, qt : float
        Milliseconds. Beginnings and ends of waves are those of :data:`EDGE`.
    noise : float
        Amplitude of the added Laplace noise at each of its frequencies, as a share of the signal's standard deviation.
    """

    heart_rate: float
    pr: float | None
    qrs: float
    qt: float
    noise: float


@dataclass(frozen=True)
class Segment:
    """A simulated segment.

    Attributes
    ----------
    rhythm : str
        The rhythm asked for, one of :data:`RHYTHMS`.
    seed : int
    signal : tuple of int
        Microvolts, :data:`RATE` a second for :data:`SECONDS` seconds.
    drawn : Drawn
    beats : tuple of float
        Seconds of the R waves, as placed.
    """

    rhythm: str
    seed: int
    signal: tuple[int, ...]
    drawn: Drawn
    beats: tuple[float, ...]

    @property
    def heart_rate(self) -> float:
        """Beats a minute of the placed beats."""
        return 60 * (len(self.beats) - 1) / (self.beats[-1] - self.beats[0])


@contextmanager
def known_warnings() -> Iterator[None]:
    """Pass over three warnings of neurokit2 0.2.12 with new pandas and scipy, each by its text; any other one is seen.

    ``scipy.misc`` is imported there and not used. ``select_dtypes`` is called in a way that pandas will change for tables
    with text, of which there are none. An in-place replacement has no effect: it concerns the padding of the first and last
    beat, whose intervals are never used here.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "scipy.misc is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "For backward compatibility, 'str' dtypes are included", DeprecationWarning)
        warnings.filterwarnings("ignore", "A value is being set on a copy of a DataFrame or Series", Warning)
        yield


def neurokit() -> Any:
    """Import neurokit2."""
    with known_warnings():
        import neurokit2

    return neurokit2


def simulate(rhythm: str, seed: int) -> Segment:
    """Simulate one segment.

    Parameters
    ----------
    rhythm : str
        One of :data:`RHYTHMS`.
    seed : int
        Decides everything: rate, intervals, noise, and where the segment begins.

    Raises
    ------
    UnknownNameError
        If there is no such rhythm.
    """
    if rhythm not in RHYTHMS:
        raise UnknownNameError("rhythm", rhythm, tuple(RHYTHMS))
    draw = np.random.default_rng(seed)
    heart_rate = draw.uniform(*HEART_RATES[rhythm])
    cycle = 60 / heart_rate
    drawn = Drawn(
        heart_rate=heart_rate,
        pr=None if rhythm == "irregular" else draw.uniform(120, min(205, 320 * cycle)),
        qrs=draw.uniform(80, 112),
        qt=draw.uniform(375, 430) * cycle ** (1 / 3),  # QT shortens with the cube root of RR (Fridericia 1920)
        noise=draw.uniform(0.01, 0.08),
    )
    beats = _times(drawn, rhythm, draw)
    clean = _place(_beat(drawn), beats)
    clean += draw.uniform(0.0, 0.08) * _R_HEIGHT * np.sin(2 * np.pi * (_BREATH * np.arange(len(clean)) / _FINE + draw.random()))
    with known_warnings():
        noisy = neurokit().signal_distort(
            clean,
            sampling_rate=_FINE,
            noise_amplitude=drawn.noise,
            noise_frequency=[5, 10, 50],
            noise_shape="laplace",
            random_state=int(draw.integers(2**31)),
            silent=True,
        )
    coarse = np.asarray(noisy).reshape(-1, _FINE // RATE).mean(axis=1)
    return Segment(rhythm, seed, tuple(int(value) for value in np.rint(coarse)), drawn, tuple(beats))


def segments(number: int, seed: int, rhythms: Sequence[str] = tuple(RHYTHMS)) -> tuple[Segment, ...]:
    """Simulate ``number`` segments, the rhythms in turn; each has a seed of its own from ``seed`` and its place."""
    from review.generators.dataset import item_seed

    return tuple(simulate(rhythms[index % len(rhythms)], item_seed(seed, index)) for index in range(number))


def describe() -> dict[str, Any]:
    """Return what decides a segment besides its rhythm and seed, for a configuration."""
    from importlib.metadata import version

    return {
        "library": f"neurokit2 {version('neurokit2')}",
        "sampling_rate": RATE,
        "seconds": SECONDS,
        "heart_rates": {name: list(limits) for name, limits in HEART_RATES.items()},
        "edge": EDGE,
    }


def _waves(drawn: Drawn) -> dict[str, tuple[float, float, float]]:
    """Return peak (seconds from the R wave), standard deviation (seconds) and height of each wave, P to T."""
    narrow = drawn.qrs / 10
    begin = -drawn.qrs / 2
    places = {
        "P": (begin - (drawn.pr or 160.0) + EDGE * _P_WIDTH, _P_WIDTH),
        "Q": (begin + EDGE * narrow, narrow),
        "R": (0.0, narrow),
        "S": (-begin - EDGE * narrow, narrow),
        "T": (begin + drawn.qt - EDGE * _T_WIDTH, _T_WIDTH),
    }
    heights = _HEIGHTS | ({"P": 0.0} if drawn.pr is None else {})
    return {name: (place / 1000, width / 1000, heights[name]) for name, (place, width) in places.items()}


def _beat(drawn: Drawn) -> NDArray[np.float64]:
    """Return one beat of the model in microvolts, from :data:`_BEFORE` to :data:`_AFTER` seconds around its R wave.

    The model runs at 60 beats a minute, where its angles need no correction for the rate. Its solver takes steps that are
    now and then too long for a narrow wave, and then the line jumps: the beat is taken whose line is the most level, at its
    ends and beside the QRS complex. If none is level the model runs again in other units, which changes the steps only.

    Raises
    ------
    ModelError
        If every beat of every run has such a jump.
    """
    waves = list(_waves(drawn).values())
    before, after = round(_BEFORE * _FINE), round(_AFTER * _FINE)
    for strength in _STRENGTHS:
        with known_warnings():
            run = neurokit().ecg_simulate(
                duration=_BEATS,
                sampling_rate=_FINE,
                noise=0,
                heart_rate=60,
                heart_rate_std=0,
                random_state=0,  # decides nothing without noise and spread
                ti=[360 * place for place, _, _ in waves],
                ai=[strength * height * (waves[2][1] / width) ** 2 for _, width, height in waves],
                bi=[2 * math.pi * width for _, width, _ in waves],
            )
        cuts = []
        for second in range(1, _BEATS - 1):
            near = slice(second * _FINE - before, second * _FINE + before)
            centre = near.start + int(np.argmax(run[near]))
            cuts.append(np.asarray(run[centre - before : centre + after], dtype=np.float64))
        quiet = round(drawn.qrs / 2000 * _FINE) + 2  # samples from the R wave to the line on either side
        jumps = [max(abs(cut[-1] - cut[0]), abs(cut[before + quiet] - cut[before - quiet])) / np.ptp(cut) for cut in cuts]
        beat = cuts[int(np.argmin(jumps))]
        if min(jumps) <= _JUMP:
            flat = beat - np.linspace(beat[0], beat[-1], len(beat))
            return np.asarray(flat * (_R_HEIGHT / flat[before]))
    raise ModelError(f"no simulated beat of {drawn} comes back to its line -> choose another seed")


def _times(drawn: Drawn, rhythm: str, draw: np.random.Generator) -> list[float]:
    """Return the seconds of the R waves, each on a sample of the fine grid.

    Sinus: a cycle that breathing and independent normal noise change by some percent. Irregular: independent normal
    distances of a wide spread, none below a shortest one.
    """
    cycle = 60 / drawn.heart_rate
    swing, spread = (0.0, draw.uniform(*_SPREAD)) if rhythm == "irregular" else draw.uniform(0, 0.02, 2)
    phase = draw.uniform(0, 2 * math.pi)
    times = [draw.uniform(0, cycle)]
    while times[-1] < SECONDS:
        factor = 1 + swing * math.sin(2 * math.pi * _BREATH * times[-1] + phase) + spread * draw.normal()
        times.append(times[-1] + max(_SHORTEST, cycle * factor))
    return [round(time * _FINE) / _FINE for time in times if round(time * _FINE) < SECONDS * _FINE]


def _place(beat: NDArray[np.float64], times: Sequence[float]) -> NDArray[np.float64]:
    """Return a line of :data:`SECONDS` with beats added at some times; what would hang over its ends is cut."""
    margin = len(beat)
    line = np.zeros(SECONDS * _FINE + 2 * margin)
    for time in times:
        first = margin + round(time * _FINE) - round(_BEFORE * _FINE)
        line[first : first + len(beat)] += beat
    return line[margin : margin + SECONDS * _FINE]
