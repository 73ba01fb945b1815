"""deal_stalled: an open deal long in its stage, quiet, with nothing planned."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, DealOutcome, TaskStatus
from apps.crm.models import Opportunity
from apps.crm.tests.factories import (
    ActivityFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, facts_of, matching

KEY = "deal_stalled"
SECOND = timedelta(seconds=1)


def stalled(**fields: object) -> Opportunity:
    deal: Opportunity = OpportunityFactory(**{"stage_entered_at": ago(days=90), **fields})
    return deal


@pytest.mark.parametrize(
    ("entered", "fires"), [(ago(days=45), True), (ago(days=45) + SECOND, False)]
)
def test_the_time_in_the_stage_counts(acme: Tenant, entered: datetime, fires: bool) -> None:
    deal = stalled(stage_entered_at=entered)
    assert matching(KEY) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(("heard", "fires"), [(ago(days=14), True), (ago(days=14) + SECOND, False)])
def test_and_so_does_the_quiet(acme: Tenant, heard: datetime, fires: bool) -> None:
    deal = stalled()
    ActivityFactory(opportunity=deal, occurred_at=heard)
    assert matching(KEY) == ([deal.pk] if fires else [])


@pytest.mark.parametrize(("key", "outcome"), [("won", DealOutcome.WON), ("lost", DealOutcome.LOST)])
def test_a_closed_deal_never_stalls(acme: Tenant, key: str, outcome: DealOutcome) -> None:
    deal = stalled(stage=StageFactory(key=key))
    deal.refresh_from_db()
    assert (deal.outcome, matching(KEY)) == (outcome, [])


@pytest.mark.parametrize(
    ("status", "fires"),
    [(TaskStatus.OPEN, False), (TaskStatus.DONE, True), (TaskStatus.CANCELLED, True)],
)
def test_an_open_task_is_a_plan(acme: Tenant, status: TaskStatus, fires: bool) -> None:
    deal = stalled()
    TaskFactory(opportunity=deal, status=status)
    assert matching(KEY) == ([deal.pk] if fires else [])


def test_a_new_stage_begins_anew(acme: Tenant) -> None:
    deal = stalled()
    assert matching(KEY) == [deal.pk]
    Opportunity.objects.filter(pk=deal.pk).update(stage=StageFactory(key="proposal"))
    assert matching(KEY) == []


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"in_stage_days": 20, "quiet_days": 10}, True),
        ({"in_stage_days": 21, "quiet_days": 10}, False),
        ({"in_stage_days": 20, "quiet_days": 11}, False),
    ],
)
def test_parameters_move_both_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    deal = stalled(stage_entered_at=ago(days=20))
    ActivityFactory(opportunity=deal, occurred_at=ago(days=10))
    assert matching(KEY, parameters) == ([deal.pk] if fires else [])


def test_fault_13_an_edit_of_a_deal_does_not_count_and_a_logged_call_does(acme: Tenant) -> None:
    deal = stalled()
    Opportunity.objects.all().update(next_step="Send the offer")
    deal.refresh_from_db()
    assert (deal.revision, matching(KEY)) == (2, [deal.pk])
    ActivityFactory(opportunity=deal, occurred_at=ago(days=1), activity_kind=ActivityKind.CALL)
    assert matching(KEY) == []


def test_fault_15_the_outcome_it_looks_for_is_one_that_the_database_writes(acme: Tenant) -> None:
    deals = [stalled(stage=StageFactory(key=key)) for key in ("engaging", "won", "lost")]
    stored = set(
        Opportunity.objects.filter(pk__in=[deal.pk for deal in deals]).values_list(
            "outcome", flat=True
        )
    )
    assert stored == {"open", "won", "lost"}
    assert matching(KEY) == [deals[0].pk]


def test_facts(acme: Tenant) -> None:
    deal = stalled()
    ActivityFactory(opportunity=deal, occurred_at=ago(days=20))
    assert facts_of(KEY, deal.pk) == {
        "stage_entered_at": ago(days=90).isoformat(),
        "last_activity_at": ago(days=20).isoformat(),
        "own_limit_days": None,
        "revision": 1,
    }
    assert NOW.isoformat() not in str(facts_of(KEY, deal.pk))
