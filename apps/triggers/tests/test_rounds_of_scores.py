"""Rounds after scores: new ones, withdrawn ones, and those of a night in which very many are written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.crm.enums import Direction, RecordKind
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
)
from apps.predictions.enums import Prediction
from apps.predictions.services.writing import Scored, retire_scores, write_scores
from apps.tenants.models import Tenant
from apps.triggers import changes
from apps.triggers.enums import ScanKind
from apps.triggers.models import Scan, Signal, TriggerState
from apps.triggers.rules import registry
from apps.triggers.services import look_around, scan_now

NOW = timezone.now()
# Which triggers fire because of a score of which records.
RESTING_ON_SCORES = {
    "lead_hot": (Prediction.LEAD_CONVERSION, RecordKind.LEAD),
    "deal_hot": (Prediction.DEAL_CLOSE, RecordKind.OPPORTUNITY),
    "account_at_risk": (Prediction.RENEWAL_RISK, RecordKind.ACCOUNT),
}


def around(days: float = 0) -> Scan | None:
    return look_around(ScanKind.INCREMENTAL, now=NOW + timedelta(days=days))


def counts(scan: Scan | None, *keys: str) -> dict[str, tuple[int, int, int]]:
    """What the looks of these triggers fired, refreshed and cleared; of all when none is named."""
    assert scan is not None
    return {
        row.trigger: (row.fired, row.refreshed, row.cleared)
        for row in scan.results.all()
        if not keys or row.trigger in keys
    }


def write(
    prediction: Prediction, kind: RecordKind, *scores: tuple[int, float], days: float = 0
) -> None:
    write_scores(
        prediction,
        kind,
        Scored([pk for pk, _ in scores], [score for _, score in scores]),
        version=f"{prediction}-1",
        now=NOW + timedelta(days=days),
    )


def firing() -> set[tuple[str, int]]:
    return set(Signal.objects.firing().values_list("trigger", "record_id"))


def waiting_lead() -> int:
    """A lead who had the last word, and did not ask to buy."""
    lead = LeadFactory(created_at=NOW - timedelta(days=1), status="working")
    ActivityFactory(lead=lead, direction=Direction.INBOUND, occurred_at=NOW - timedelta(hours=2))
    return int(lead.pk)


@pytest.fixture
def scored(committed_tenant: Tenant) -> dict[str, int]:
    """A lead, a deal and an account whose scores alone make their triggers fire: the record by trigger."""
    account = AccountFactory()
    ContractFactory(account=account, renews_on=NOW.date() + timedelta(days=80))
    records = {
        "lead_hot": waiting_lead(),
        "deal_hot": OpportunityFactory(
            stage_entered_at=NOW, expected_close_on=NOW.date() + timedelta(days=90)
        ).pk,
        "account_at_risk": account.pk,
    }
    scan_now(kind=ScanKind.FULL, now=NOW)
    assert firing() == set()
    for key, (prediction, kind) in RESTING_ON_SCORES.items():
        write(prediction, kind, (records[key], 0.9))
    return records


def test_a_new_score_fires_and_a_withdrawn_one_clears(scored: dict[str, int]) -> None:
    fired = counts(around())
    assert {key for key, count in fired.items() if count == (1, 0, 0)} == set(RESTING_ON_SCORES)
    assert firing() == set(scored.items())
    for key, (prediction, _) in RESTING_ON_SCORES.items():
        retire_scores(prediction, now=NOW)
        assert counts(around(), key) == {key: (0, 0, 1)}
    assert firing() == set()
    assert around() is None


def test_a_record_that_is_no_longer_scored_is_cleared(scored: dict[str, int]) -> None:
    around()
    prediction, kind = RESTING_ON_SCORES["lead_hot"]
    write(prediction, kind)
    assert counts(around(), "lead_hot") == {"lead_hot": (0, 0, 1)}


def test_a_fall_that_was_withdrawn_is_cleared(committed_tenant: Tenant) -> None:
    lead = LeadFactory(status="working")
    scan_now(kind=ScanKind.FULL, now=NOW)
    for days, score in ((-5, 0.6), (-1, 0.2)):
        write(Prediction.LEAD_CONVERSION, RecordKind.LEAD, (lead.pk, score), days=days)
    assert counts(around(), "lead_score_drop") == {"lead_score_drop": (1, 0, 0)}
    retire_scores(Prediction.LEAD_CONVERSION, now=NOW)
    assert counts(around(), "lead_score_drop") == {"lead_score_drop": (0, 0, 1)}


def test_two_nights_of_very_many_scores_and_their_withdrawal(committed_tenant: Tenant) -> None:
    """After each everything is looked at, once; then rounds are as short as before."""
    lead = waiting_lead()
    scan_now(kind=ScanKind.FULL, now=NOW)
    others = range(lead + 1, lead + 1 + changes.MOST_CHANGES)
    for night, score, other, expected in (
        (1, 0.9, 0.3, (1, 0, 0)),
        (2, 0.8, 0.5, (0, 1, 0)),
    ):
        write(
            Prediction.LEAD_CONVERSION,
            RecordKind.LEAD,
            (lead, score),
            *((pk, other) for pk in others),
            days=night,
        )
        found = counts(around(night))
        assert set(found) == {trigger.key for trigger in registry.all()}
        assert found["lead_hot"] == expected
        fully = TriggerState.objects.values_list("looked_fully_at", flat=True)
        assert set(fully) == {NOW + timedelta(days=night)}
        assert around(night + 0.001) is None
    retire_scores(Prediction.LEAD_CONVERSION, now=NOW)
    found = counts(around(2.002))
    assert set(found) == {trigger.key for trigger in registry.all()}
    assert found["lead_hot"] == (0, 0, 1)
    assert around(2.003) is None
