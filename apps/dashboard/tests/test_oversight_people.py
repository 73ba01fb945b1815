"""How each person decides: counts, times, streaks, and what became of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conftest import Cast
from apps.dashboard.oversight.people import LEAST_STREAK, STREAK_GAP_S, Deciding, read_deciding
from apps.dashboard.tests.decisions import BEGIN, at, decided, decided_in_bulk, shown
from apps.suggestions.enums import State, Verdict
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

APPROVE, REJECT = Verdict.APPROVE, Verdict.REJECT


def deciding(person: User | None) -> Deciding:
    rows = read_deciding(BEGIN - timedelta(days=1), timezone.now() + timedelta(minutes=1))
    return next(row for row in rows if row.person_id == (person.pk if person else None))


def approve_at(person: User, moments: Sequence[float]) -> None:
    for moment in moments:
        decided(person, APPROVE, moment)


def test_decisions_are_counted_by_person_and_for_all(cast: Cast) -> None:
    decided(cast.rep, APPROVE, 0)
    decided(cast.rep, APPROVE, 100, proposed_arguments={}, edited_by=cast.rep, edited_at=at(90))
    decided(cast.rep, REJECT, 200)
    decided(cast.rep, Verdict.SNOOZE, 300)
    decided(cast.rep, Verdict.REBASE, 400)
    decided(cast.teammate, REJECT, 500)
    rep, everyone = deciding(cast.rep), deciding(None)
    assert (rep.approved, rep.edited, rep.rejected, rep.snoozed, rep.decided) == (2, 1, 1, 1, 3)
    assert (rep.accepted_0_1, rep.edited_0_1) == (2 / 3, 0.5)
    assert (everyone.approved, everyone.rejected, everyone.decided) == (2, 2, 4)


def test_nobody_decided_anything(cast: Cast) -> None:
    assert deciding(None) == Deciding(None, 0, 0, 0, 0, 0, None, None, 0, 0, 0, 0, 0)
    assert deciding(None).accepted_0_1 is None


def test_decisions_before_the_period_do_not_count(cast: Cast) -> None:
    decided(cast.rep, APPROVE, 0)
    decided(cast.rep, APPROVE, 100)
    rows = read_deciding(at(50), timezone.now())
    assert [(row.person_id, row.approved) for row in rows if row.person_id] == [(cast.rep.pk, 1)]


def test_the_time_to_a_decision_is_a_median_without_bulk(cast: Cast) -> None:
    decided(cast.rep, APPROVE, 0, waited_s=100)
    decided(cast.rep, REJECT, 1000, waited_s=300)
    decided(cast.rep, APPROVE, 2000, waited_s=5000)
    decided(cast.rep, Verdict.SNOOZE, 3000, waited_s=9000)
    decided_in_bulk(cast.rep, 4, 4000)
    rep = deciding(cast.rep)
    assert (rep.waited_s, rep.approved, rep.bulk) == (300.0, 6, 4)


def test_what_was_brought_back_counts_from_then(cast: Cast) -> None:
    reopened = decided(cast.rep, REJECT, 0)
    Suggestion.objects.filter(pk=reopened.pk).update(queued_at=at(3000))
    decided(cast.rep, APPROVE, 3060, suggestion=reopened)
    assert deciding(cast.rep).waited_s == 60


def test_reading_begins_when_the_person_was_shown_it(cast: Cast) -> None:
    suggestion = SuggestionFactory(state=State.WITHDRAWN)
    shown(cast.teammate, suggestion)
    moment = shown(cast.rep, suggestion) + timedelta(seconds=40)
    Decision.objects.create(
        suggestion=suggestion, verdict=APPROVE, decided_by=cast.rep, decided_at=moment,
        goal=suggestion.goal, tool=suggestion.tool,
    )  # fmt: skip
    decided(cast.teammate, REJECT, 0)
    rep, teammate = deciding(cast.rep), deciding(cast.teammate)
    assert rep.read_s is not None
    # The log is dated by the clock of the database, when the test's transaction began.
    assert 40 <= rep.read_s < 100
    assert (rep.unopened, teammate.read_s, teammate.unopened) == (0, None, 1)


@pytest.mark.parametrize(
    ("moments", "longest", "hurried"),
    [
        ([0], 1, 0),
        ([0, STREAK_GAP_S, 2 * STREAK_GAP_S], 3, 0),
        ([n * STREAK_GAP_S for n in range(LEAST_STREAK)], LEAST_STREAK, LEAST_STREAK),
        ([n * (STREAK_GAP_S + 0.001) for n in range(9)], 1, 0),
        ([*range(6), *range(100, 107), 200], 7, 13),
    ],
)
def test_a_streak_is_approvals_within_seconds(
    cast: Cast, moments: list[float], longest: int, hurried: int
) -> None:
    approve_at(cast.rep, moments)
    rep = deciding(cast.rep)
    assert (rep.longest_streak, rep.hurried, rep.is_hurried) == (longest, hurried, hurried > 0)


@pytest.mark.parametrize("between", [REJECT, Verdict.SNOOZE, Verdict.EDIT])
def test_anything_between_two_approvals_ends_a_streak(cast: Cast, between: Verdict) -> None:
    approve_at(cast.rep, [0, 1, 2])
    decided(cast.rep, between, 3)
    approve_at(cast.rep, [4, 5])
    assert deciding(cast.rep).longest_streak == 3


def test_what_others_decide_meanwhile_ends_no_streak(cast: Cast) -> None:
    approve_at(cast.rep, [0, 2, 4])
    approve_at(cast.teammate, [1])
    decided(cast.teammate, REJECT, 3)
    assert (deciding(cast.rep).longest_streak, deciding(None).longest_streak) == (3, 3)


def test_bulk_approvals_are_no_streak(cast: Cast) -> None:
    decided_in_bulk(cast.rep, 8, 0)
    rep = deciding(cast.rep)
    assert (rep.bulk, rep.longest_streak, rep.hurried, rep.unopened) == (8, 0, 0, 0)


def test_what_was_taken_back_and_what_others_overturned(cast: Cast) -> None:
    own = decided(cast.rep, APPROVE, 0)
    others = decided(cast.rep, APPROVE, 100)
    refused = decided(cast.rep, REJECT, 200)
    decided(cast.rep, REJECT, 300)
    decided(cast.rep, Verdict.UNDO, 400, suggestion=own)
    decided(cast.manager, Verdict.UNDO, 500, suggestion=others)
    decided(cast.manager, Verdict.REOPEN, 600, suggestion=refused)
    rep = deciding(cast.rep)
    assert (rep.taken_back, rep.overturned, rep.approved, rep.rejected) == (1, 2, 2, 2)
    assert Suggestion.objects.count() == 4
