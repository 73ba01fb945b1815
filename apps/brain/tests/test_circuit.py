"""The circuit breaker's decisions: when a provider is left alone, for how long, and how it comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.brain.circuit import FAILURES_TO_OPEN, FIRST_REST, LONGEST_REST, TRIAL_LASTS, Circuit

NOW = datetime(2026, 3, 6, 9, tzinfo=UTC)
OPENED = Circuit().after_failures(FAILURES_TO_OPEN, NOW)


def test_a_few_failures_leave_it_closed() -> None:
    circuit = Circuit().after_failures(FAILURES_TO_OPEN - 1, NOW)
    assert circuit == Circuit(FAILURES_TO_OPEN - 1)
    assert (circuit.is_open(NOW), circuit.awaits_trial) == (False, False)


def test_failures_of_several_batches_add_up() -> None:
    circuit = Circuit().after_failures(2, NOW).after_failures(FAILURES_TO_OPEN - 2, NOW)
    assert circuit == OPENED
    assert OPENED.rests_until == NOW + FIRST_REST


def test_what_was_under_way_when_it_opened_makes_the_rest_no_longer() -> None:
    assert Circuit().after_failures(40, NOW) == OPENED


def test_after_the_rest_one_trial_is_due() -> None:
    after = NOW + FIRST_REST
    assert OPENED.is_open(after - timedelta(microseconds=1))
    assert (OPENED.is_open(after), OPENED.awaits_trial) == (False, True)
    trying = OPENED.trying(after)
    assert trying.is_open(after + TRIAL_LASTS - timedelta(microseconds=1))
    assert not trying.is_open(after + TRIAL_LASTS)


@pytest.mark.parametrize(
    ("trials", "rest"),
    [
        (1, 2 * FIRST_REST),
        (2, 4 * FIRST_REST),
        (4, 16 * FIRST_REST),
        (5, LONGEST_REST),
        (5_000, LONGEST_REST),
    ],
)
def test_each_failed_trial_doubles_the_rest_up_to_the_longest(trials: int, rest: timedelta) -> None:
    circuit = OPENED
    for _ in range(trials):
        circuit = circuit.after_failures(1, NOW)
    assert circuit.rests_until == NOW + rest
