"""lead_score_drop: an open lead whose chance of conversion has fallen far within a short time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from apps.crm.enums import LeadStatus
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.predictions.enums import Prediction
from apps.predictions.models import Score
from apps.predictions.services.writing import retire_scores
from apps.predictions.tests.factories import ScoreFactory
from apps.tenants.models import Tenant
from apps.triggers.rules import registry
from apps.triggers.tests.asking import NOW, ago, crossing, facts_of, matching
from apps.triggers.watches import Changes

KEY = "lead_score_drop"
SECOND = timedelta(seconds=1)


Scored = tuple[datetime, float]


def scored(*scores: Scored, **fields: object) -> Lead:
    """A lead with these scores, the last one in force."""
    lead: Lead = LeadFactory(**fields)
    add_scores(lead.pk, *scores)
    return lead


def add_scores(record_id: int, *scores: Scored, **fields: object) -> None:
    for number, (at, score) in enumerate(scores, start=1):
        ScoreFactory(
            record_id=record_id,
            score_0_1=score,
            scored_at=at,
            is_latest=number == len(scores),
            **fields,
        )


@pytest.mark.parametrize(
    ("before", "after", "fires"),
    [
        (0.6, 0.4, True),
        (0.6, 0.41, False),
        (0.3, 0.1, True),
        (0.8, 0.6, True),
        (0.7, 0.5, True),
        (1.0, 0.0, True),
        (0.4, 0.6, False),
        (0.5, 0.5, False),
    ],
)
def test_it_fires_from_twenty_points_on(
    acme: Tenant, before: float, after: float, fires: bool
) -> None:
    lead = scored((ago(days=7), before), (ago(days=1), after))
    assert matching(KEY) == ([lead.pk] if fires else [])


@pytest.mark.parametrize(("at", "fires"), [(ago(days=14) + SECOND, True), (ago(days=14), False)])
def test_the_higher_score_must_be_recent(acme: Tenant, at: datetime, fires: bool) -> None:
    lead = scored((at, 0.9), (ago(days=1), 0.2))
    assert matching(KEY) == ([lead.pk] if fires else [])


def test_the_highest_of_the_window_counts_and_the_latest(acme: Tenant) -> None:
    lead = scored((ago(days=9), 0.5), (ago(days=8), 0.72), (ago(days=3), 0.6), (ago(days=1), 0.52))
    assert matching(KEY) == [lead.pk]
    recovered = scored((ago(days=8), 0.72), (ago(days=3), 0.3), (ago(days=1), 0.6))
    assert recovered.pk not in matching(KEY)


@pytest.mark.parametrize(
    ("parameters", "fires"),
    [
        ({"drop_points": 30}, True),
        ({"drop_points": 31}, False),
        ({"drop_points": 30, "window_days": 7}, False),
        ({"drop_points": 30, "window_days": 8}, True),
    ],
)
def test_parameters_move_both_boundaries(
    acme: Tenant, parameters: dict[str, int], fires: bool
) -> None:
    lead = scored((ago(days=7), 0.8), (ago(days=1), 0.5))
    assert matching(KEY, parameters) == ([lead.pk] if fires else [])


@pytest.mark.parametrize("status", LeadStatus)
def test_only_open_leads(acme: Tenant, status: LeadStatus) -> None:
    lead = scored((ago(days=7), 0.9), (ago(days=1), 0.2), status=status)
    is_open = status in LeadStatus.open_values()
    assert matching(KEY) == ([lead.pk] if is_open else [])


def test_who_must_not_be_contacted_is_left_alone(acme: Tenant) -> None:
    scored((ago(days=7), 0.9), (ago(days=1), 0.2), do_not_contact=True)
    assert matching(KEY) == []


def test_a_missing_score_never_fires_and_never_fails(acme: Tenant) -> None:
    LeadFactory()
    scored((ago(days=1), 0.1))
    assert matching(KEY) == []


def test_a_score_of_something_else_says_nothing(acme: Tenant) -> None:
    lead = scored((ago(days=1), 0.2))
    add_scores(lead.pk, (ago(days=3), 0.9), prediction=Prediction.DEAL_CLOSE)
    assert matching(KEY) == []


def by_models(*scores: tuple[int, str, float]) -> Lead:
    """A lead with scores so many days ago of these models, the last one in force."""
    lead: Lead = LeadFactory()
    for number, (days, version, score) in enumerate(scores, start=1):
        ScoreFactory(
            record_id=lead.pk,
            model_version=f"lead_conversion-{version}",
            score_0_1=score,
            scored_at=ago(days=days),
            is_latest=number == len(scores),
        )
    return lead


def test_a_mere_change_of_model_never_fires(acme: Tenant) -> None:
    by_models((7, "1", 0.9), (1, "2", 0.2))
    by_models((7, "1", 0.9), (1, "12", 0.2))
    # There and back again: each model says what it said.
    by_models((9, "1", 0.2), (7, "2", 0.9), (1, "1", 0.2))
    by_models((9, "2", 0.9), (7, "1", 0.2), (3, "2", 0.9), (1, "1", 0.2))
    assert matching(KEY) == []


def test_a_fall_as_one_model_sees_it_counts_whatever_others_said(acme: Tenant) -> None:
    fallen = by_models((9, "1", 0.95), (7, "2", 0.6), (1, "2", 0.4))
    rolled_back = by_models((9, "1", 0.8), (7, "2", 0.9), (1, "1", 0.5))
    assert matching(KEY) == [fallen.pk, rolled_back.pk]
    told = [facts_of(KEY, lead.pk)["former_score_0_1"] for lead in (fallen, rolled_back)]
    assert told == [0.6, 0.8]


def test_a_withdrawn_score_has_not_fallen(acme: Tenant) -> None:
    lead = scored((ago(days=7), 0.9), (ago(days=1), 0.2))
    assert matching(KEY) == [lead.pk]
    retire_scores(Prediction.LEAD_CONVERSION, now=NOW)
    assert matching(KEY) == []


def test_a_new_score_clears_it_and_so_does_time(acme: Tenant) -> None:
    lead = scored((ago(days=7), 0.9), (ago(days=1), 0.2))
    assert matching(KEY) == [lead.pk]
    later = NOW + timedelta(days=7)
    assert crossing(KEY, NOW, later) == {lead.pk}
    assert matching(KEY, now=later) == []
    Score.objects.filter(record_id=lead.pk).update(is_latest=False)
    ScoreFactory(record_id=lead.pk, score_0_1=0.71, scored_at=NOW)
    assert matching(KEY) == []


def test_a_new_score_leads_to_its_lead(acme: Tenant) -> None:
    trigger = registry.get(KEY)
    changes = Changes(
        scored={Prediction.LEAD_CONVERSION: frozenset({7}), Prediction.DEAL_CLOSE: frozenset({8})}
    )
    found = [watch.touched(changes, trigger.record_kind) for watch in trigger.watches]
    assert set().union(*found) == {7}


def test_facts_tell_both_scores_to_the_percent(acme: Tenant) -> None:
    lead = scored((ago(days=7), 0.87654), (ago(days=1), 0.2149))
    assert facts_of(KEY, lead.pk) == {
        "former_score_0_1": 0.88,
        "score_0_1": 0.21,
        "revision": 1,
    }
