"""What earlier cut-offs teach: the method, the level, the width."""

from __future__ import annotations

from datetime import date

import pytest

from apps.predictions.forecasting.results import Interval, Method
from apps.predictions.forecasting.tuning import Trial, Tuning, learn, tuned
from apps.predictions.forecasting.windows import Window, months_before

TODAY = date(2026, 1, 1)
EVERY = tuple(Method)


def trials(came: list[float], ours: list[float], naive: list[float]) -> list[Trial]:
    """Cut-offs a month apart; each interval reaches a tenth to both sides."""
    return [
        Trial(
            cutoff=months_before(TODAY, months),
            window=Window(months_before(TODAY, months), months_before(TODAY, months - 1)),
            won_so_far=0.0,
            came=happened,
            said={
                Method.SIMULATION: Interval(0.9 * said, said, 1.1 * said),
                Method.LAST_QUARTER: Interval(0.9 * plain, plain, 1.1 * plain),
            },
        )
        for months, (happened, said, plain) in enumerate(
            zip(came, ours, naive, strict=True), start=1
        )
    ]


CAME = [100.0, 120.0, 90.0, 110.0, 80.0, 100.0]


def test_without_cutoffs_ours_is_shown_a_little_wider() -> None:
    learned = learn([], EVERY)
    assert learned.method is Method.SIMULATION
    assert learned.because == "0 earlier cut-offs are too few to compare methods; 6 are needed."
    assert learned.tune(Interval(90, 100, 120)) == Interval(88, 100, 124)


def test_a_naive_method_that_was_clearly_nearer_is_shown_and_said() -> None:
    alternating = [70.0, 150.0, 60.0, 140.0, 50.0, 130.0]
    learned = learn(trials(CAME, ours=alternating, naive=CAME), EVERY)
    assert learned.method is Method.LAST_QUARTER
    assert learned.because == (
        "At 6 earlier cut-offs it was 100% nearer to what was won than the simulation."
    )
    assert learned.level == 1.0


def test_a_naive_method_that_was_a_little_nearer_is_not_shown() -> None:
    ours = [came + 20 for came in CAME[:3]] + [came - 20 for came in CAME[3:]]
    naive = [came + 18 for came in CAME[:3]] + [came - 18 for came in CAME[3:]]
    learned = learn(trials(CAME, ours, naive), EVERY)
    assert learned.method is Method.SIMULATION
    assert learned.because == (
        "At 6 earlier cut-offs no naive method was clearly nearer to what was won."
    )


def test_five_cutoffs_are_too_few_for_a_naive_method_to_win() -> None:
    learned = learn(trials(CAME[:5], ours=[300.0] * 5, naive=CAME[:5]), EVERY)
    assert learned.method is Method.SIMULATION


def test_a_naive_method_that_can_say_nothing_now_is_not_shown() -> None:
    off = trials(CAME, ours=[70.0, 150.0, 60.0, 140.0, 50.0, 130.0], naive=CAME)
    assert learn(off, {Method.SIMULATION}).method is Method.SIMULATION


def test_what_was_always_too_high_is_told_lower() -> None:
    always = tuned(trials(CAME, [1.25 * came for came in CAME], CAME), Method.SIMULATION)
    at_times = tuned(
        trials(CAME, [1.6 * came for came in CAME[:3]] + [0.9 * came for came in CAME[3:]], CAME),
        Method.SIMULATION,
    )
    assert always.level == pytest.approx(0.84, abs=0.01)
    assert always.level < at_times.level < 1


def test_an_interval_that_held_is_narrowed_and_one_that_did_not_is_widened() -> None:
    held = tuned(trials([100.0] * 12, [100.0] * 12, [100.0] * 12), Method.SIMULATION)
    missed = tuned(trials([70.0, 130.0] * 6, [100.0] * 12, [100.0] * 12), Method.SIMULATION)
    # Six cut-offs' worth of 1.2 among eighteen; a dozen that were three standard deviations off.
    assert held.width == pytest.approx(1.2 * (6 / 18) ** 0.5)
    assert missed.width == pytest.approx(((6 * 1.2**2 + 12 * 3**2) / 18) ** 0.5)


def test_one_giant_outcome_makes_no_giant_width_or_level() -> None:
    learned = tuned(trials([1e9, *CAME[1:]], [100.0] * 6, [100.0] * 6), Method.SIMULATION)
    assert learned.width < 3
    assert learned.level <= 2


def test_nothing_below_nothing_is_won() -> None:
    wide = Tuning(Method.SIMULATION, "", level=2.0, width=3.0)
    assert wide.tune(Interval(50, 100, 110)) == Interval(0.0, 200, 260)
