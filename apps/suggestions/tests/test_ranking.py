"""Which suggestions come first, how sure they are said to be, and how many a day brings."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from apps.audit.enums import Origin
from apps.conftest import Cast
from apps.crm.tests.factories import OpportunityFactory, TaskFactory
from apps.suggestions.enums import Segment, State, Verdict
from apps.suggestions.learning.acceptance import AcceptanceTable
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.delivery import fill_queues
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.presentation import explain_rank
from apps.suggestions.rules import rank, segment_of
from apps.suggestions.services import approve
from apps.suggestions.tests.cases import LONG_AGO, NOW, decided, quiet_lead, scan
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.tenants.templatetags.aisha_ui import money, percent
from apps.users.models import User


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


def test_a_new_suggestion_carries_its_kind_and_its_measured_confidence(cast: Cast) -> None:
    decided(cast.rep, 30, Verdict.APPROVE, segment=Segment.MIDDLE)
    quiet_lead(cast.rep, estimated_value="1200.00")
    scan()
    suggestion = Suggestion.objects.get(state=State.PENDING)
    assert (suggestion.trigger, suggestion.segment) == ("lead_inactive", "middle")
    measured = AcceptanceTable.read(NOW).of(
        "lead_inactive", "create_followup", "middle", cast.rep.pk
    )
    assert measured.rate is not None
    assert suggestion.confidence == pytest.approx(measured.rate)
    assert suggestion.confidence_n == 30
    assert suggestion.rank == pytest.approx(
        rank(value_at_stake=Decimal(1200), urgency=2, acceptance=measured.rate)
    )
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    decision = suggestion.decisions.get()
    assert (decision.trigger, decision.segment) == ("lead_inactive", "middle")
    assert (decision.is_edited, decision.confidence) == (False, suggestion.confidence)


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
