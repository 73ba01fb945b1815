"""The statistics of learning: exact values of the pure functions."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.suggestions.enums import RejectReason
from apps.suggestions.learning import rules
from apps.suggestions.learning.enums import QuietBecause
from apps.suggestions.learning.quieting import QuietKind, find_quiet
from apps.suggestions.learning.rules import leaning_to, shrunken, trials_on, upper_bound
from apps.suggestions.learning.tallies import Tally


@pytest.mark.parametrize(
    ("accepted", "decided", "toward", "expected"),
    [
        (0, 0, 0.7, 0.7),
        (1, 1, 0.5, 3.5 / 6),
        (20, 20, 0.5, 22.5 / 25),
        (0, 20, 0.5, 2.5 / 25),
        (10, 20, 0.8, 14 / 25),
        (900, 1000, 0.5, 902.5 / 1005),
        (0.25, 0.5, 0.1, 0.75 / 5.5),
    ],
)
def test_a_rate_is_drawn_towards_the_wider_one(
    accepted: float, decided: float, toward: float, expected: float
) -> None:
    assert shrunken(accepted=accepted, decided=decided, toward=toward) == pytest.approx(expected)


def test_a_confidence_is_never_certain() -> None:
    for accepted in (0, 10**6):
        assert 0 < shrunken(accepted=accepted, decided=10**6, toward=0.5) < 1


@pytest.mark.parametrize(
    ("rate", "own", "others", "expected"),
    [
        (0.3, 0.5, 0.5, 0.3),
        (0.5, 0.8, 0.5, 0.8),
        # Odds of 1:1 against 1:4, on odds of 1:4.
        (0.2, 0.5, 0.2, 0.5),
        (0.2, 0.2, 0.5, 1 / 17),
        # 0 and 1 stand for 1 % and 99 %.
        (0.5, 1.0, 0.5, 0.99),
        (0.5, 0.0, 0.5, 0.01),
    ],
)
def test_a_leaning_is_a_difference_in_log_odds(
    rate: float, own: float, others: float, expected: float
) -> None:
    assert leaning_to(rate, own=own, others=others) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("wanted", "judged", "expected"),
    [
        (0, 0, 1.0),
        (0, 1, 0.7301),
        # Without a wanted one it is z² / (n + z²).
        (0, 10, 2.70570 / 12.70570),
        (0, 12, 2.70570 / 14.70570),
        (5, 10, 0.7307),
        (10, 10, 1.0),
    ],
)
def test_the_upper_bound_is_wilsons(wanted: float, judged: float, expected: float) -> None:
    assert upper_bound(wanted=wanted, judged=judged) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("wanted", "judged", "expected"),
    [(0, 10, False), (0, 11, True), (1, 18, False), (1, 20, True), (0, 0, False)],
)
def test_little_data_does_not_quiet(wanted: float, judged: float, expected: bool) -> None:
    assert (upper_bound(wanted=wanted, judged=judged) < rules.QUIET_BELOW) is expected


@pytest.mark.parametrize("per_day", [1, 3, 20, 40, 55])
def test_one_place_in_twenty_is_kept_for_trials(per_day: int) -> None:
    first = date(2026, 11, 26)
    days = [trials_on(first + timedelta(day), per_day=per_day) for day in range(20)]
    assert sum(days) == per_day
    assert set(days) <= {per_day // 20, per_day // 20 + 1}
    assert trials_on(first, per_day=40) == 2


def test_every_reason_has_a_weight() -> None:
    assert set(rules.REASON_WEIGHTS) == set(RejectReason)


def tally(
    person_id: int,
    wanted: float,
    judged: float,
    *,
    trigger: str = "lead_inactive",
    tool: str = "create_followup",
    segment: str = "small",
) -> Tally:
    return Tally(
        person_id=person_id,
        trigger=trigger,
        tool=tool,
        segment=segment,
        accepted=wanted,
        decided=judged,
        wanted=wanted,
        judged=judged,
        count=round(judged),
        approved=round(wanted),
        edited=0,
    )


def quiet_for(tallies: list[Tally], people: list[int | None]) -> dict[int | None, QuietBecause]:
    return {kind.person_id: kind.because for kind in find_quiet(tallies, people).quiet}


def test_ones_own_rejections_quiet_a_kind_for_oneself_alone() -> None:
    found = find_quiet([tally(1, 0, 29)], [None, 1, 2])
    assert found.quiet == (
        QuietKind(
            1,
            "lead_inactive",
            "small",
            QuietBecause.OWN,
            upper_bound(wanted=0, judged=29),
            count=29,
            approved=0,
        ),
    )
    assert quiet_for([tally(1, 0, 10)], [None, 1, 2]) == {}


# What tells the people of these tests from one who wants nothing at all.
def wanting(*people: int) -> list[Tally]:
    return [tally(number, 29, 29, trigger="deal_stalled") for number in people]


def test_two_who_agree_quiet_nothing_for_others_and_three_do() -> None:
    two = [tally(1, 0, 29), tally(2, 0, 29), *wanting(1, 2, 3)]
    assert quiet_for(two, [None, 1, 2, 3, 4]) == {1: QuietBecause.OWN, 2: QuietBecause.OWN}
    three = [*two, tally(3, 0, 29)]
    assert quiet_for(three, [None, 1, 2, 3, 4]) == {
        None: QuietBecause.ALL,
        1: QuietBecause.OWN,
        2: QuietBecause.OWN,
        3: QuietBecause.OWN,
        4: QuietBecause.ALL,
    }


def test_those_who_want_nothing_at_all_silence_nobody_else() -> None:
    everything = ("lead_inactive", "deal_stalled", "lead_new")
    rejecters = [
        tally(person, 0, 29, trigger=trigger) for person in range(1, 9) for trigger in everything
    ]
    others = [tally(20, 0, 29), tally(21, 0, 29), *wanting(20, 21)]
    found = find_quiet([*rejecters, *others], [None, 20, 21, 30]).quiet
    assert found == find_quiet(others, [None, 20, 21, 30]).quiet
    assert {kind.person_id for kind in found} == {20, 21}


def test_who_wants_a_kind_keeps_it_whatever_the_others_say() -> None:
    others = [tally(number, 0, 29) for number in range(1, 30)] + wanting(*range(1, 30))
    found = quiet_for([*others, tally(99, 3, 3)], [None, 99])
    assert found == {None: QuietBecause.ALL}


def test_what_others_want_does_not_keep_a_kind_that_one_never_takes() -> None:
    fans = [tally(number, 29, 29) for number in range(2, 9)]
    assert quiet_for([tally(1, 0, 29), *fans], [None, 1, 2, 77]) == {1: QuietBecause.OWN}


def test_tools_of_a_trigger_count_together_and_segments_do_not() -> None:
    tools = [tally(1, 0, 6), tally(1, 0, 6, tool="update_lead")]
    assert quiet_for(tools, [1]) == {1: QuietBecause.OWN}
    segments = [tally(1, 0, 6), tally(1, 0, 6, segment="large")]
    assert quiet_for(segments, [1]) == {}


def test_a_kind_is_proven_for_who_has_decided_five_times() -> None:
    found = find_quiet([tally(1, 2, 4), tally(2, 3, 5)], [None, 1, 2])
    assert found.proven == {(2, "lead_inactive", "small")}
