"""Decisions as counts, the acceptance that they give, and who weighs how much in it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.conftest import Cast
from apps.suggestions.enums import RejectReason, Segment, Verdict
from apps.suggestions.learning.acceptance import Acceptance, AcceptanceTable
from apps.suggestions.learning.learned import read_learned
from apps.suggestions.learning.models import LearningReset
from apps.suggestions.learning.rules import leaning_to
from apps.suggestions.learning.tallies import read_tallies
from apps.suggestions.models import Decision
from apps.suggestions.tests.cases import NOW, decided
from apps.users.tests.factories import UserFactory

KIND = ("lead_inactive", "create_followup", Segment.UNKNOWN)


def faded(count: int, half_life: float) -> float:
    """The weight of so many decisions, the k-th last faded by k half-lives."""
    return sum(2 ** (-later / half_life) for later in range(count))


def test_a_tally_says_what_one_person_decided_on_one_kind(cast: Cast) -> None:
    decided(cast.rep, 3, Verdict.REJECT, reason=RejectReason.NOT_NEEDED)
    decided(cast.rep, 2, Verdict.APPROVE, is_edited=True)
    decided(cast.rep, 4, Verdict.SNOOZE)
    decided(cast.teammate, 1, Verdict.APPROVE, segment=Segment.HUGE)
    first, second = read_tallies(NOW)
    assert (first.person_id, first.trigger, first.tool, first.segment) == (cast.rep.pk, *KIND)
    assert (first.count, first.approved, first.edited) == (5, 2, 2)
    assert first.accepted == pytest.approx(faded(2, 10))
    assert first.decided == pytest.approx(faded(5, 10))
    assert first.wanted == pytest.approx(faded(2, 20))
    assert first.judged == pytest.approx(faded(5, 20))
    assert (second.person_id, second.segment, second.accepted) == (cast.teammate.pk, "huge", 1.0)


@pytest.mark.parametrize(
    ("reason", "weight"),
    [
        (RejectReason.NOT_NEEDED, 1),
        (RejectReason.WRONG_RECORD, 0.5),
        (RejectReason.WRONG_CHANGE, 0.5),
        (RejectReason.ALREADY_DONE, 0.25),
        (RejectReason.BAD_TIMING, 0.25),
    ],
)
def test_a_reason_weighs_in_quieting_and_not_in_the_confidence(
    cast: Cast, reason: RejectReason, weight: float
) -> None:
    decided(cast.rep, 1, Verdict.REJECT, reason=reason)
    (found,) = read_tallies(NOW)
    assert (found.decided, found.judged) == (1.0, weight)


def test_a_decision_weighs_half_after_thirty_days_and_nothing_after_half_a_year(cast: Cast) -> None:
    decided(cast.rep, 1, Verdict.APPROVE, at=NOW - timedelta(days=30))
    decided(cast.teammate, 1, Verdict.APPROVE, at=NOW - timedelta(days=180))
    decided(cast.manager, 1, Verdict.APPROVE, at=NOW + timedelta(seconds=1))
    (found,) = read_tallies(NOW)
    assert found.person_id == cast.rep.pk
    assert found.accepted == pytest.approx(0.5)


def test_the_last_word_about_a_suggestion_counts(cast: Cast) -> None:
    (undone,) = decided(cast.rep, 1, Verdict.APPROVE)
    (reopened,) = decided(cast.rep, 1, Verdict.REJECT, segment=Segment.SMALL)
    for suggestion, verdict, who in (
        (undone, Verdict.UNDO, cast.manager),
        (reopened, Verdict.REOPEN, cast.rep),
    ):
        Decision.objects.create(
            suggestion=suggestion,
            verdict=verdict,
            decided_by=who,
            decided_at=NOW,
            goal=suggestion.goal,
            trigger=suggestion.trigger,
            tool=suggestion.tool,
            segment=suggestion.segment,
        )
    (found,) = read_tallies(NOW)
    assert (found.person_id, found.accepted, found.decided, found.judged) == (
        cast.manager.pk, 0, 1, 1,
    )  # fmt: skip


def test_a_rate_is_made_of_what_each_wider_kind_says_besides(cast: Cast) -> None:
    decided(cast.rep, 2, Verdict.APPROVE, segment=Segment.SMALL)
    decided(cast.rep, 1, Verdict.REJECT, segment=Segment.HUGE, trigger="lead_new")
    decided(cast.rep, 1, Verdict.REJECT, segment=Segment.HUGE, tool="update_lead")
    table = AcceptanceTable.read(NOW)
    everything = (0 + 5 * 0.5) / (1 + 5)
    trigger = (0 + 5 * everything) / (1 + 5)
    tool = trigger
    approved = faded(2, 10)
    found = table.of("lead_inactive", "create_followup", "small")
    assert found.estimate == pytest.approx((approved + 5 * tool) / (approved + 5))
    assert (found.rate, found.decided) == (None, 2)
    # For the person their own decisions are the whole of the kind: nothing counts twice.
    own = table.of("lead_inactive", "create_followup", "small", cast.rep.pk)
    assert own.estimate == pytest.approx(found.estimate)


def test_for_others_a_kind_is_what_it_is_for_everybody(cast: Cast) -> None:
    decided(cast.rep, 20, Verdict.APPROVE)
    table = AcceptanceTable.read(NOW)
    everybodys = table.of(*KIND).estimate
    assert everybodys == pytest.approx((faded(20, 10) + 5 * 0.5) / (faded(20, 10) + 5))
    assert table.of(*KIND, cast.teammate.pk).estimate == pytest.approx(everybodys)
    assert table.of(*KIND, cast.rep.pk).estimate == pytest.approx(everybodys)


def test_what_a_person_makes_of_other_segments_shifts_what_is_expected_of_them(cast: Cast) -> None:
    decided(cast.rep, 1, Verdict.REJECT, segment=Segment.SMALL)
    decided(cast.teammate, 1, Verdict.APPROVE, segment=Segment.HUGE)
    table = AcceptanceTable.read(NOW)
    tool = (0 + 5 * 0.5) / (1 + 5)
    around = (1 + 5 * tool) / (1 + 5)
    others = (1 + 5 * around) / (1 + 5)
    own = (0 + 5 * others) / (1 + 5)
    assert table.of("lead_inactive", "create_followup", "huge", cast.rep.pk).estimate == (
        pytest.approx(leaning_to(around, own=own, others=others))
    )


@pytest.mark.parametrize(("count", "is_shown"), [(19, False), (20, True)])
def test_below_the_minimum_nothing_is_shown(cast: Cast, count: int, is_shown: bool) -> None:
    decided(cast.rep, count, Verdict.APPROVE)
    found = AcceptanceTable.read(NOW).of(*KIND)
    assert (found.rate is not None, found.decided) == (is_shown, count)


def test_the_number_shown_is_that_of_the_narrowest_kind_with_enough(cast: Cast) -> None:
    decided(cast.rep, 20, Verdict.APPROVE)
    decided(cast.teammate, 4, Verdict.APPROVE)
    decided(cast.teammate, 3, Verdict.APPROVE, segment=Segment.HUGE)
    decided(cast.teammate, 2, Verdict.APPROVE, tool="update_lead")
    table = AcceptanceTable.read(NOW)
    assert table.of(*KIND, cast.rep.pk).decided == 20
    assert table.of(*KIND, cast.teammate.pk).decided == 24
    assert table.of("lead_inactive", "create_followup", "huge").decided == 27
    assert table.of("lead_inactive", "update_lead", "small").decided == 29
    assert table.of("task_overdue", "update_task", "small").decided == 0


def test_a_tenant_without_decisions_expects_every_second_one_to_be_accepted(cast: Cast) -> None:
    found = AcceptanceTable.read(NOW).of(*KIND, cast.rep.pk)
    assert found == Acceptance(0.5, None, 0)


def test_one_who_rejects_everything_weighs_as_one_and_silences_nobody_else(cast: Cast) -> None:
    many = [UserFactory() for _ in range(4)]
    for person in many:
        decided(person, 12, Verdict.APPROVE)
    before = AcceptanceTable.read(NOW).of(*KIND, many[0].pk).estimate
    decided(cast.rep, 500, Verdict.REJECT, reason=RejectReason.NOT_NEEDED)
    learned = read_learned(NOW)
    after = learned.acceptance.of(*KIND, many[0].pk).estimate
    assert before == pytest.approx(0.969, abs=0.001)
    assert after == pytest.approx(0.857, abs=0.001)
    assert learned.acceptance.of(*KIND, cast.rep.pk).estimate < 0.25
    assert {kind.person_id for kind in learned.quieting.quiet} == {cast.rep.pk}


RESETS = [
    ({"scope": "tenant"}, []),
    ({"scope": "trigger", "key": "lead_inactive"}, [("task_overdue", "update_task")]),
    (
        {"scope": "tool", "key": "update_task"},
        [("lead_inactive", "create_followup"), ("lead_inactive", "create_followup")],
    ),
]


@pytest.mark.parametrize(("scope", "left"), RESETS)
def test_what_was_decided_before_a_reset_does_not_count(
    cast: Cast, scope: dict[str, str], left: list[tuple[str, str]]
) -> None:
    decided(cast.rep, 2, Verdict.REJECT)
    decided(cast.teammate, 2, Verdict.REJECT)
    decided(cast.rep, 2, Verdict.REJECT, trigger="task_overdue", tool="update_task")
    LearningReset.objects.create(**scope, reset_at=NOW, reset_by=cast.manager)
    later = NOW + timedelta(hours=1)
    assert [(row.trigger, row.tool) for row in read_tallies(later)] == left
    decided(cast.rep, 1, Verdict.APPROVE, at=later)
    assert sum(row.approved for row in read_tallies(later)) == 1


def test_a_person_can_be_learned_anew_alone(cast: Cast) -> None:
    for person in (cast.rep, cast.teammate):
        decided(person, 2, Verdict.REJECT)
    LearningReset.objects.create(
        scope="person", person=cast.rep, reset_at=NOW, reset_by=cast.manager
    )
    assert [row.person_id for row in read_tallies(NOW)] == [cast.teammate.pk]


@pytest.mark.parametrize("count", [1, 3])
def test_reading_takes_two_queries_however_much_was_decided(cast: Cast, count: int) -> None:
    for number in range(count):
        for person in (cast.rep, cast.teammate, UserFactory()):
            decided(person, 2, Verdict.APPROVE, trigger=f"trigger_{number}")
    with CaptureQueriesContext(connection) as queries:
        read_learned(NOW)
    assert len(queries) == 2
