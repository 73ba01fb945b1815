"""deal_regressed: an open deal whose last change of stage was a step back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import DealOutcome, TaskStatus
from apps.crm.models import ChangeLog, Opportunity, Stage
from apps.crm.tests.factories import OpportunityFactory, TaskFactory
from apps.tenants.models import Tenant
from apps.triggers.moments import ScanMoment
from apps.triggers.rules import registry
from apps.triggers.tests.asking import BERLIN, NOW, crossing, facts_of, matching

KEY = "deal_regressed"
MOMENT = timedelta(microseconds=1)


def moved(*stages: str, **fields: object) -> Opportunity:
    """A deal that was moved from stage to stage, just now."""
    deal: Opportunity = OpportunityFactory(stage=Stage.objects.get(key=stages[0]), **fields)
    for key in stages[1:]:
        Opportunity.objects.filter(pk=deal.pk).update(stage=Stage.objects.get(key=key))
    return deal


def last_move(deal: Opportunity) -> ChangeLog:
    history = ChangeLog.objects.of_record("opportunity", deal.pk)
    found: ChangeLog = history.filter(changes__has_key="stage_id").order_by("-id")[0]
    return found


def found() -> list[int]:
    """At the moment of the latest change: the log is dated by the clock of the database."""
    return matching(KEY, now=ChangeLog.objects.latest("changed_at").changed_at)


@pytest.mark.parametrize(
    ("stages", "fires"),
    [
        (["proposal", "engaging"], True),
        (["negotiation", "prospecting"], True),
        (["engaging", "proposal"], False),
        (["engaging"], False),
        (["proposal", "engaging", "proposal"], False),
        (["engaging", "proposal", "engaging"], True),
        (["lost", "engaging"], False),
        (["won", "negotiation"], False),
        (["proposal", "lost"], False),
        (["proposal", "engaging", "lost"], False),
        (["proposal", "engaging", "lost", "engaging"], False),
    ],
)
def test_the_last_step_counts(acme: Tenant, stages: list[str], fires: bool) -> None:
    deal = moved(*stages, owner=None, amount=None)
    assert found() == ([deal.pk] if fires else [])


@pytest.mark.parametrize("days", [21, 3])
def test_it_is_news_for_three_weeks(acme: Tenant, days: int) -> None:
    deal = moved("proposal", "engaging")
    ends = last_move(deal).changed_at + timedelta(days=days)
    parameters = {"window_days": days}
    assert matching(KEY, parameters, now=ends - MOMENT) == [deal.pk]
    assert matching(KEY, parameters, now=ends) == []
    assert crossing(KEY, ends - MOMENT, ends, parameters) == {deal.pk}


def test_a_step_dated_ahead_does_not_count_before_its_time(acme: Tenant) -> None:
    deal = moved("proposal", "engaging", "proposal")
    forward = last_move(deal).changed_at
    assert matching(KEY, now=forward - MOMENT) == []
    deal = moved("proposal", "negotiation", "proposal")
    back = last_move(deal).changed_at
    assert matching(KEY, now=back - MOMENT) == []
    assert matching(KEY, now=back) == [deal.pk]
    assert crossing(KEY, back - MOMENT, back) == {deal.pk}


@pytest.mark.parametrize(
    ("status", "fires"),
    [(TaskStatus.OPEN, False), (TaskStatus.DONE, True), (TaskStatus.CANCELLED, True)],
)
def test_an_open_task_is_a_plan(acme: Tenant, status: TaskStatus, fires: bool) -> None:
    deal = moved("proposal", "engaging")
    TaskFactory(opportunity=deal, status=status)
    assert found() == ([deal.pk] if fires else [])


def test_other_changes_do_not_hide_the_step(acme: Tenant) -> None:
    deal = moved("proposal", "engaging")
    Opportunity.objects.filter(pk=deal.pk).update(name="Another name")
    moved("engaging", "proposal")
    assert found() == [deal.pk]


def test_the_order_of_the_stages_is_that_of_today_and_calls_for_a_full_look(acme: Tenant) -> None:
    deal = moved("proposal", "engaging")
    trigger, moment = registry.get(KEY), ScanMoment(now=NOW, zone=BERLIN)
    before = trigger.epoch(moment, trigger.parse({}))
    Stage.objects.filter(key="engaging").update(position=90)
    assert found() == []
    assert trigger.epoch(moment, trigger.parse({})) != before
    Stage.objects.filter(key="engaging").update(position=2)
    assert found() == [deal.pk]
    assert trigger.epoch(moment, trigger.parse({})) == before
    Stage.objects.filter(key="proposal").update(outcome=DealOutcome.LOST)
    assert found() == []
    assert trigger.epoch(moment, trigger.parse({})) != before


def test_facts(acme: Tenant) -> None:
    deal = moved("negotiation", "engaging")
    stages = dict(Stage.objects.values_list("key", "pk"))
    at = last_move(deal).changed_at
    facts = facts_of(KEY, deal.pk, now=at)
    assert datetime.fromisoformat(facts.pop("moved_at")) == at
    assert facts == {
        "former_stage_id": stages["negotiation"],
        "stage_id": stages["engaging"],
        "revision": 2,
    }
