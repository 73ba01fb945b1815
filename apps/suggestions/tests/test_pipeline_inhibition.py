"""While a stronger finding stands at a record, weaker ones make no suggestion; afterwards they do again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.db.models.functions import JSONObject

from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.brain.enums import Goal
from apps.conftest import ApiClient, Cast
from apps.crm.enums import RecordKind
from apps.crm.models import Lead, Opportunity
from apps.crm.tests.factories import OpportunityFactory
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.pipeline.run import bring_up_to_date
from apps.suggestions.services import snooze
from apps.suggestions.tests.cases import LONG_AGO, NOW, quiet_lead, scan
from apps.triggers.edges import Edge
from apps.triggers.enums import Severity
from apps.triggers.models import Signal, Silence, TriggerSetting, TriggerState
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules import registry
from apps.triggers.watches import Own
from apps.users.models import User

BECKONS, RETURNS = "beckons", "returns"


class LeadBeckons(Trigger[Parameters]):
    """A lead whose notes say that it beckons."""

    key = "lead_beckons"
    label = "Lead beckons"
    record_kind = RecordKind.LEAD
    goal = Goal.ACT_ON_INTEREST
    discovers = None
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (Own(),)
    inhibits = ("lead_inactive",)
    parameters_type = Parameters
    words = BECKONS

    def matching(self, moment: ScanMoment, parameters: Parameters) -> QuerySet[Any]:
        leads = Lead.objects.filter(notes=self.words)
        return leads.annotate(facts=JSONObject(revision="revision"))

    def edges(self, moment: ScanMoment, parameters: Parameters) -> tuple[Edge, ...]:
        return ()


class LeadReturns(LeadBeckons):
    """The same with other words, for the goal of the trigger that it inhibits."""

    key = "lead_returns"
    label = "Lead returns"
    goal = Goal.REVIVE_LEAD
    words = RETURNS


@pytest.fixture(autouse=True)
def _two_triggers_more() -> Iterator[None]:
    added = (LeadBeckons(), LeadReturns())
    for trigger in added:
        registry.register(trigger)
    yield
    for trigger in added:
        del registry._triggers[trigger.key]


def made() -> dict[str, str]:
    """Goal and state of every suggestion."""
    return dict(Suggestion.objects.order_by("id").values_list("goal", "state"))


def beckon(**leads: Any) -> None:
    Lead.objects.filter(**leads).update(notes=BECKONS)


def come_back() -> None:
    Lead.objects.update(notes=RETURNS)


def test_the_weaker_one_makes_no_suggestion(cast: Cast) -> None:
    quiet_lead(cast.rep, notes=BECKONS)
    assert scan().suggestions_created == 1
    assert made() == {"act_on_interest": State.PENDING}
    assert Signal.objects.firing().count() == 2


def test_that_of_another_record_is_left_alone(cast: Cast) -> None:
    quiet_lead(cast.rep, notes=BECKONS)
    other = quiet_lead(cast.rep)
    scan()
    weaker = Suggestion.objects.get(goal=Goal.REVIVE_LEAD)
    assert (weaker.record_id, weaker.state) == (other.pk, State.PENDING)


@pytest.mark.parametrize("is_snoozed", [False, True])
def test_an_open_one_is_superseded_and_says_by_what(cast: Cast, is_snoozed: bool) -> None:
    quiet_lead(cast.rep)
    scan()
    weaker = Suggestion.objects.get()
    if is_snoozed:
        snooze(suggestion_id=weaker.pk, user=cast.rep, until=NOW + timedelta(days=5), now=NOW)
    beckon()
    ledger = scan(timedelta(minutes=1))
    assert (ledger.suggestions_created, ledger.suggestions_withdrawn) == (1, 1)
    weaker.refresh_from_db()
    assert (weaker.state, weaker.closed_because) == (
        State.SUPERSEDED, "“Lead beckons” stands above it.",
    )  # fmt: skip
    events = AuditEntry.objects.of_suggestion(weaker.pk).values_list("event", flat=True)
    assert list(events)[-1] == "suggestion.superseded"
    assert scan(timedelta(minutes=2)).suggestions_withdrawn == 0


def test_when_the_stronger_one_clears_the_weaker_one_is_suggested(cast: Cast) -> None:
    quiet_lead(cast.rep, notes=BECKONS)
    scan()
    Lead.objects.update(notes="")
    ledger = scan(timedelta(minutes=1))
    assert (ledger.suggestions_created, ledger.suggestions_withdrawn) == (1, 1)
    assert made() == {"act_on_interest": State.WITHDRAWN, "revive_lead": State.PENDING}


def test_one_that_was_superseded_comes_again(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    beckon()
    scan(timedelta(minutes=1))
    Lead.objects.update(notes="")
    assert scan(timedelta(minutes=2)).suggestions_created == 1
    states = Suggestion.objects.filter(goal=Goal.REVIVE_LEAD).order_by("id")
    assert list(states.values_list("state", flat=True)) == [State.SUPERSEDED, State.PENDING]


def test_an_approved_or_decided_one_is_left_as_it_is(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    Suggestion.objects.update(state=State.APPROVED, reviewed_by=cast.rep, reviewed_at=NOW)
    beckon()
    scan(timedelta(minutes=1))
    assert made()["revive_lead"] == State.APPROVED


def test_what_rests_on_a_signal_of_its_own_too_is_kept(cast: Cast) -> None:
    lead = quiet_lead(cast.rep)
    Signal.objects.create(
        trigger="another", goal=Goal.REVIVE_LEAD, record_kind="lead", record_id=lead.pk, severity=1
    )
    # One that has looked lately is there, in another version of the product.
    TriggerState.objects.create(trigger="another", cursor=1, looked_at=NOW, looked_fully_at=NOW)
    scan()
    beckon()
    scan(timedelta(minutes=1))
    assert made() == {"revive_lead": State.PENDING, "act_on_interest": State.PENDING}


def test_for_one_goal_the_stronger_finding_takes_over_the_suggestion(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    come_back()
    ledger = scan(timedelta(minutes=1))
    assert (ledger.suggestions_refreshed, ledger.suggestions_withdrawn) == (1, 0)
    suggestion = Suggestion.objects.get()
    assert suggestion.reason.startswith("Lead returns. ")
    assert "No contact" not in suggestion.reason


def test_what_is_brought_up_to_date_tells_what_counts(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    come_back()
    suggestion = Suggestion.objects.get()
    actor = Actor.for_person(cast.rep)
    assert bring_up_to_date(suggestion, actor=actor, now=NOW + timedelta(minutes=1))
    suggestion.refresh_from_db()
    assert suggestion.reason.startswith("Lead returns. Try")


def test_a_trigger_that_is_off_fires_for_nobody(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    TriggerSetting.objects.create(trigger="lead_returns", is_enabled=False)
    come_back()
    actor = Actor.for_person(cast.rep)
    suggestion = Suggestion.objects.get()
    assert bring_up_to_date(suggestion, actor=actor, now=NOW + timedelta(minutes=1))
    assert Signal.objects.get().trigger == "lead_inactive"
    TriggerSetting.objects.create(trigger="lead_inactive", is_enabled=False)
    assert not bring_up_to_date(suggestion, actor=actor, now=NOW + timedelta(minutes=2))


def test_one_that_is_about_to_be_superseded_can_still_be_brought_up_to_date(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    weaker = Suggestion.objects.get()
    beckon()
    Signal.objects.create(
        trigger="lead_beckons", goal=Goal.ACT_ON_INTEREST, record_kind="lead",
        record_id=weaker.record_id, severity=3,
    )  # fmt: skip
    actor = Actor.for_person(cast.rep)
    assert bring_up_to_date(weaker, actor=actor, now=NOW + timedelta(minutes=1))


def test_a_silenced_stronger_one_still_stands_above(cast: Cast) -> None:
    quiet_lead(cast.rep, notes=BECKONS)
    Silence.objects.create(trigger="lead_beckons", until=NOW + timedelta(days=1))
    assert scan().suggestions_created == 0


def test_a_silence_of_the_weaker_one_outlasts_the_stronger(cast: Cast) -> None:
    lead = quiet_lead(cast.rep, notes=BECKONS)
    Silence.objects.create(
        record_kind="lead", record_id=lead.pk, goal="revive_lead", until=NOW + timedelta(days=1)
    )
    scan()
    Lead.objects.update(notes="")
    assert scan(timedelta(minutes=1)).suggestions_created == 0


def test_signals_say_what_stands_above_them(
    cast: Cast, api_for: Callable[[User], ApiClient]
) -> None:
    quiet_lead(cast.rep, notes=BECKONS)
    quiet_lead(cast.rep)
    scan()
    api = api_for(cast.rep)

    def listed() -> list[tuple[str, str | None]]:
        rows = api.get("/api/v1/signals/").json()["results"]
        return sorted(((row["trigger"], row["inhibited_by"]) for row in rows), key=str)

    assert listed() == [
        ("lead_beckons", None), ("lead_inactive", "lead_beckons"), ("lead_inactive", None),
    ]  # fmt: skip
    counting = Signal.objects.firing().uninhibited(registry.inhibitions())
    assert sorted(counting.values_list("trigger", flat=True)) == ["lead_beckons", "lead_inactive"]
    Signal.objects.filter(trigger="lead_beckons").update(cleared_at=NOW)
    assert {above for _, above in listed()} == {None}


def test_a_cleared_signal_has_nothing_above_it(cast: Cast) -> None:
    quiet_lead(cast.rep, notes=BECKONS)
    scan()
    Signal.objects.filter(trigger="lead_inactive").update(cleared_at=LONG_AGO)
    rows: Any = Signal.objects.with_inhibitor(registry.inhibitions())
    assert [row.inhibited_by for row in rows] == [None, None]


def test_without_any_inhibition_every_signal_counts(cast: Cast) -> None:
    quiet_lead(cast.rep)
    scan()
    assert Signal.objects.uninhibited({}).count() == 1
    rows: Any = Signal.objects.with_inhibitor({})
    assert [row.inhibited_by for row in rows] == [None]


def test_a_deal_past_its_day_that_stands_still_has_one_suggestion(cast: Cast) -> None:
    """The day is to be settled; who has settled it is asked to follow up if the deal still stands."""
    deal = OpportunityFactory(owner=cast.rep, expected_close_on=NOW.date() - timedelta(days=20))
    Opportunity.objects.filter(pk=deal.pk).update(stage_entered_at=NOW - timedelta(days=200))
    scan()
    firing = Signal.objects.firing().values_list("trigger", flat=True)
    assert sorted(firing) == ["deal_close_date_past", "deal_stalled"]
    assert made() == {"settle_close_date": State.PENDING}
    deal.refresh_from_db()
    deal.expected_close_on = NOW.date() + timedelta(days=60)
    deal.save()
    scan(timedelta(minutes=1))
    assert made() == {"settle_close_date": State.WITHDRAWN, "move_deal": State.PENDING}
