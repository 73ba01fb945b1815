"""Which suggestions come first, how sure they are said to be, and how many a day brings."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from apps.audit.enums import Origin
from apps.conftest import Cast
from apps.crm.tests.factories import OpportunityFactory, TaskFactory
from apps.suggestions.acceptance import Acceptance, AcceptanceTable
from apps.suggestions.enums import Segment, State, Verdict
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.delivery import fill_queues
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.presentation import explain_rank
from apps.suggestions.rules import rank, segment_of, shrunken
from apps.suggestions.services import approve
from apps.suggestions.tests.cases import LONG_AGO, NOW, quiet_lead, scan
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.tenants.templatetags.aisha_ui import money, percent
from apps.users.models import User


@pytest.mark.parametrize(
    ("accepted", "decided", "toward", "expected"),
    [
        (0, 0, 0.7, 0.7),
        (1, 1, 0.5, 6 / 11),
        (20, 20, 0.5, 25 / 30),
        (0, 20, 0.5, 5 / 30),
        (10, 20, 0.8, 18 / 30),
        (900, 1000, 0.5, 905 / 1010),
    ],
)
def test_a_rate_is_drawn_towards_the_wider_one(
    accepted: int, decided: int, toward: float, expected: float
) -> None:
    found = shrunken(accepted=accepted, decided=decided, toward=toward)
    assert found == pytest.approx(expected)


def test_a_confidence_is_never_certain() -> None:
    for accepted in (0, 10**6):
        assert 0 < shrunken(accepted=accepted, decided=10**6, toward=0.5) < 1


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        (None, "unknown"), (Decimal(0), "small"), (Decimal("999.99"), "small"),
        (Decimal(1_000), "middle"), (Decimal(9_999), "middle"), (Decimal(10_000), "large"),
        (Decimal(100_000), "huge"), (Decimal(10**9), "huge"),
    ],
)  # fmt: skip
def test_the_segment_of_a_value(value: Decimal | None, segment: str) -> None:
    assert segment_of(value) == segment


def test_rank_grows_with_value_urgency_and_acceptance() -> None:
    base = rank(value_at_stake=Decimal(1000), urgency=2, acceptance=0.5)
    assert base == pytest.approx((1 + 3.000434) * 2 * 0.5, abs=1e-5)
    assert rank(value_at_stake=Decimal(1001), urgency=2, acceptance=0.5) > base
    assert rank(value_at_stake=Decimal(1000), urgency=3, acceptance=0.5) > base
    assert rank(value_at_stake=Decimal(1000), urgency=2, acceptance=0.51) > base
    assert rank(value_at_stake=Decimal(1000), urgency=2, acceptance=0.5) == base
    assert rank(value_at_stake=None, urgency=1, acceptance=0.5) == 0.5
    assert rank(value_at_stake=Decimal(-5), urgency=1, acceptance=0.5) == 0.5


def test_ten_times_the_value_does_not_push_everything_else_out() -> None:
    large = rank(value_at_stake=Decimal(10**6), urgency=1, acceptance=0.5)
    urgent = rank(value_at_stake=Decimal(10**3), urgency=3, acceptance=0.5)
    assert urgent > large


def decided(
    by: User,
    count: int,
    verdict: Verdict,
    *,
    trigger: str = "lead_inactive",
    segment: Segment = Segment.UNKNOWN,
) -> None:
    suggestion = SuggestionFactory(assignee=by, state=State.WITHDRAWN)
    Decision.objects.bulk_create(
        Decision(
            suggestion=suggestion,
            verdict=verdict,
            decided_by=by,
            goal="revive_lead",
            trigger=trigger,
            tool="create_followup",
            segment=segment,
        )
        for _ in range(count)
    )


def test_acceptance_is_that_of_the_narrowest_kind_with_enough_decisions(cast: Cast) -> None:
    decided(cast.rep, 18, Verdict.APPROVE, segment=Segment.SMALL)
    decided(cast.rep, 2, Verdict.REJECT, segment=Segment.SMALL)
    decided(cast.rep, 4, Verdict.REJECT, segment=Segment.HUGE)
    decided(cast.rep, 20, Verdict.REJECT, trigger="lead_new")
    decided(cast.rep, 50, Verdict.SNOOZE)
    table = AcceptanceTable.read()

    tenant = (18 + 10 * 0.5) / 54
    trigger = (18 + 10 * tenant) / 34
    tool = (18 + 10 * trigger) / 34
    small = table.of("lead_inactive", "create_followup", Segment.SMALL)
    assert small.rate == small.estimate == pytest.approx((18 + 10 * tool) / 30)
    assert small.decided == 20

    # Four decisions are not shown, and are not ignored: what is shown is the kind without its segment.
    huge = table.of("lead_inactive", "create_followup", Segment.HUGE)
    assert huge.rate == pytest.approx(tool)
    assert huge.decided == 24
    assert huge.estimate == pytest.approx((0 + 10 * tool) / 14)

    # Of a tool that this trigger has not brought yet, the trigger's own rate is what is known.
    other_tool = table.of("lead_inactive", "update_lead", Segment.SMALL)
    assert other_tool.rate == pytest.approx(trigger)
    assert other_tool.decided == 24

    unknown = table.of("task_overdue", "update_task", Segment.SMALL)
    assert (unknown.rate, unknown.decided) == (None, 0)
    assert unknown.estimate == pytest.approx(tenant)


@pytest.mark.parametrize(("count", "is_shown"), [(19, False), (20, True)])
def test_below_the_minimum_nothing_is_shown(cast: Cast, count: int, is_shown: bool) -> None:
    decided(cast.rep, count, Verdict.APPROVE)
    found = AcceptanceTable.read().of("lead_inactive", "create_followup", Segment.UNKNOWN)
    assert (found.rate is not None, found.decided) == (is_shown, count)


def test_a_tenant_without_decisions_expects_every_second_one_to_be_accepted(cast: Cast) -> None:
    found = AcceptanceTable.read().of("lead_inactive", "create_followup", Segment.UNKNOWN)
    assert found == Acceptance(0.5, None, 0)


def test_a_new_suggestion_carries_its_kind_and_its_measured_confidence(cast: Cast) -> None:
    decided(cast.rep, 30, Verdict.APPROVE, segment=Segment.MIDDLE)
    quiet_lead(cast.rep, estimated_value="1200.00")
    scan()
    suggestion = Suggestion.objects.get(state=State.PENDING)
    assert (suggestion.trigger, suggestion.segment) == ("lead_inactive", "middle")
    tenant = 35 / 40
    trigger = (30 + 10 * tenant) / 40
    tool = (30 + 10 * trigger) / 40
    assert suggestion.confidence == pytest.approx((30 + 10 * tool) / 40)
    assert suggestion.confidence_n == 30
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    decision = suggestion.decisions.get()
    assert (decision.trigger, decision.segment) == ("lead_inactive", "middle")


def test_the_place_in_the_queue_is_explained(cast: Cast) -> None:
    quiet_lead(cast.rep, estimated_value="1200.00", currency="EUR")
    scan()
    suggestion = Suggestion.objects.get()
    assert explain_rank(suggestion) == (
        f"Ranked by {money(Decimal(1200), 'EUR')} at stake, urgency: this week,"
        f" expected acceptance: {percent(0.5)}"
    )
    suggestion.value_at_stake = None
    suggestion.rank = rank(value_at_stake=None, urgency=suggestion.urgency, acceptance=0.72)
    assert "an unknown value at stake" in explain_rank(suggestion)
    assert f"expected acceptance: {percent(0.72)}" in explain_rank(suggestion)


def test_fault_16_urgent_comes_first_by_number_and_not_by_letter(cast: Cast) -> None:
    for urgency in (1, 3, 2):
        SuggestionFactory(
            assignee=cast.rep,
            urgency=urgency,
            rank=rank(value_at_stake=Decimal(1000), urgency=urgency, acceptance=0.5),
        )
    listed = Suggestion.objects.in_queue().values_list("urgency", flat=True)
    assert list(listed) == [3, 2, 1]


def test_value_at_stake_is_the_records(cast: Cast) -> None:
    quiet_lead(cast.rep, estimated_value="1200.00", currency="EUR")
    deal = OpportunityFactory(
        owner=cast.rep, amount="4821.00", currency="", stage_entered_at=LONG_AGO - timedelta(60)
    )
    TaskFactory(owner=cast.rep, opportunity=deal, due_on=LONG_AGO.date())
    OpportunityFactory(owner=cast.rep, amount="4821.00", stage_entered_at=LONG_AGO - timedelta(60))
    scan()
    found = {row.goal: (row.value_at_stake, row.currency) for row in Suggestion.objects.all()}
    assert found == {
        "revive_lead": (Decimal("1200.00"), "EUR"),
        "clear_task": (Decimal("4821.00"), "USD"),
        "move_deal": (Decimal("4821.00"), "USD"),
    }


def waiting(person: User | None) -> list[str]:
    return list(
        Suggestion.objects.in_queue().filter(assignee=person).values_list("title", flat=True)
    )


def held(person: User | None, count: int, *, goal: str = "revive_lead", first: int = 0) -> None:
    for number in range(first, first + count):
        SuggestionFactory(
            assignee=person,
            goal=goal,
            origin=Origin.PERSON,
            held_back="daily_cap",
            queued_at=None,
            title=f"{goal} {number:02}",
            rank=100 - number,
        )


def fill(cap: int, now: datetime = NOW) -> int:
    return fill_queues(
        cap_per_day=cap, day_begins=now.replace(hour=0, minute=0, second=0, microsecond=0), now=now
    )


def test_a_day_brings_so_many_and_the_best_of_them(cast: Cast) -> None:
    held(cast.rep, 5)
    assert fill(3) == 2
    assert waiting(cast.rep) == ["revive_lead 00", "revive_lead 01", "revive_lead 02"]
    assert set(Suggestion.objects.in_queue().values_list("queued_at", flat=True)) == {NOW}
    behind = Suggestion.objects.held_back()
    assert set(behind.values_list("held_back", flat=True)) == {"daily_cap"}


def test_filling_twice_changes_nothing(cast: Cast) -> None:
    held(cast.rep, 5)
    fill(3)
    assert fill(3) == 2
    assert len(waiting(cast.rep)) == 3


def test_a_decision_makes_room_only_on_the_next_day(cast: Cast) -> None:
    held(cast.rep, 5)
    fill(3)
    Suggestion.objects.filter(title="revive_lead 00").update(state=State.WITHDRAWN)
    assert fill(3) == 2
    assert fill(3, NOW + timedelta(days=1)) == 1
    assert waiting(cast.rep) == ["revive_lead 01", "revive_lead 02", "revive_lead 03"]


def test_who_decides_nothing_gets_no_more(cast: Cast) -> None:
    held(cast.rep, 5)
    for day in range(4):
        fill(3, NOW + timedelta(days=day))
    assert len(waiting(cast.rep)) == 3


def test_each_person_has_their_own_number_and_so_has_nobody(cast: Cast) -> None:
    held(cast.rep, 3)
    held(cast.teammate, 3)
    held(None, 3)
    assert fill(2) == 3
    assert [len(waiting(who)) for who in (cast.rep, cast.teammate, None)] == [2, 2, 2]


def test_a_day_holds_some_of_everything(cast: Cast) -> None:
    held(cast.rep, 5)
    held(cast.rep, 2, goal="clear_task", first=50)
    held(cast.rep, 2, goal="move_deal", first=60)
    fill(4)
    assert sorted(waiting(cast.rep)) == [
        "clear_task 50", "move_deal 60", "revive_lead 00", "revive_lead 01",
    ]  # fmt: skip


def test_the_tenants_own_number_is_in_force(cast: Cast) -> None:
    Tenant.objects.filter(schema_name="acme").update(suggestions_per_day=2)
    for _ in range(4):
        quiet_lead(cast.rep)
    ledger = scan()
    assert (ledger.suggestions_created, ledger.held_back) == (4, 2)
    assert len(waiting(cast.rep)) == 2
    keep_true(NOW + timedelta(days=1))
    assert len(waiting(cast.rep)) == 2
    approve(suggestion_id=Suggestion.objects.in_queue()[0].pk, user=cast.rep, now=NOW)
    keep_true(NOW + timedelta(days=1))
    assert len(waiting(cast.rep)) == 2


def test_the_day_begins_at_midnight_in_the_tenants_zone(cast: Cast) -> None:
    # Berlin is an hour ahead of UTC in winter: 22:59 UTC is still the same day there.
    evening = datetime(2026, 11, 20, 22, 0, tzinfo=NOW.tzinfo)
    Tenant.objects.filter(schema_name="acme").update(suggestions_per_day=1)
    held(cast.rep, 3)
    keep_true(evening)
    Suggestion.objects.in_queue().update(state=State.WITHDRAWN)
    keep_true(datetime(2026, 11, 20, 22, 59, tzinfo=NOW.tzinfo))
    assert waiting(cast.rep) == []
    keep_true(datetime(2026, 11, 20, 23, 0, tzinfo=NOW.tzinfo))
    assert len(waiting(cast.rep)) == 1
