"""The night of a tenant, runs carried out, and what changed scored within a minute."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.conftest import Cast
from apps.crm.models import Contact
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory
from apps.predictions.enums import Prediction, RunKind
from apps.predictions.models import PredictionRun, Score, ScoringCursor
from apps.predictions.services.runs import request_run
from apps.predictions.services.work import (
    carry_out_run,
    request_night,
    score_changed,
    scored_predictions,
)
from apps.predictions.tasks import begin_night_of_current_tenant
from apps.predictions.tests.factories import ScoreFactory
from apps.predictions.tests.model_cards import make_scoring_model
from apps.predictions.tests.services.closed_deals import (
    add_closed_deals,
    add_open_deals,
)
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.work.enums import WorkStatus

pytestmark = pytest.mark.django_db

TRAINING, SCORING, FORECAST = RunKind.TRAINING, RunKind.SCORING, RunKind.FORECAST


def asked(runs: list[PredictionRun]) -> list[tuple[str, str]]:
    return [(run.kind, run.prediction) for run in runs]


def test_the_first_night_trains_all_and_scores_what_needs_no_model(cast: Cast) -> None:
    assert asked(request_night(timezone.now())) == [
        (TRAINING, Prediction.LEAD_CONVERSION),
        (TRAINING, Prediction.DEAL_CLOSE),
        (TRAINING, Prediction.RENEWAL_RISK),
        (SCORING, Prediction.CONTACT_ENGAGEMENT),
        (FORECAST, ""),
    ]


def test_what_is_under_way_is_not_asked_for_again(cast: Cast) -> None:
    first = request_night(timezone.now())
    assert len(first) == 5
    assert request_night(timezone.now()) == []


def test_a_training_is_followed_by_its_scores(cast: Cast) -> None:
    add_closed_deals(120)
    large, small = add_open_deals()
    run = request_run(TRAINING, Prediction.DEAL_CLOSE)
    carry_out_run(run, now=timezone.now())
    run.refresh_from_db()
    assert run.status == WorkStatus.SUCCEEDED
    assert run.message.startswith("It predicts better than the base rate")
    assert run.message.endswith("2 records scored; 2 scores are new or have moved.")
    assert scored_predictions() == [Prediction.DEAL_CLOSE, Prediction.CONTACT_ENGAGEMENT]
    assert Score.objects.filter(record_id__in=[large.pk, small.pk], is_latest=True).count() == 2


def test_scoring_without_a_model_says_why_not(cast: Cast) -> None:
    run = request_run(SCORING, Prediction.DEAL_CLOSE)
    carry_out_run(run, now=timezone.now())
    run.refresh_from_db()
    assert (run.status, run.message) == (
        WorkStatus.FAILED,
        "No model is in service: nothing beats the base rate so far.",
    )


def touch_contact() -> Contact:
    """A contact who is written to and answers, whose change is still to be read."""
    contact = ContactFactory()
    assert score_changed(timezone.now()) == 0
    ScoringCursor.objects.update(transaction_id=0)
    for direction in ("inbound", "outbound"):
        ActivityFactory(
            contact=contact,
            direction=direction,
            activity_kind="email",
            occurred_at=timezone.now(),
        )
    return contact


def test_a_change_has_its_score_at_the_next_look(cast: Cast) -> None:
    contact = touch_contact()
    assert score_changed(timezone.now()) == 1
    score = Score.objects.get(prediction=Prediction.CONTACT_ENGAGEMENT)
    assert (score.record_id, score.model_version) == (contact.pk, "contact_engagement-1")
    assert 0 < score.score_0_1 < 1
    assert score_changed(timezone.now()) == 0


def test_a_model_that_cannot_be_read_keeps_no_other_prediction_waiting(cast: Cast) -> None:
    make_scoring_model(digest="0" * 64)
    LeadFactory()
    touch_contact()
    assert score_changed(timezone.now()) == 1
    assert [row.prediction for row in Score.objects.all()] == [Prediction.CONTACT_ENGAGEMENT]


def test_scores_go_in_the_night_after_predictions_were_switched_off(
    acme: Tenant, cast: Cast
) -> None:
    ScoreFactory(record_id=LeadFactory().pk)
    gate = ModuleGate.objects.filter(tenant=acme, module=Module.PREDICTIONS)
    begin_night_of_current_tenant()
    assert Score.objects.filter(is_latest=True).count() == 1
    gate.update(is_on=False)
    begin_night_of_current_tenant()
    (score,) = Score.objects.all()
    assert (score.is_latest, score.withdrawn_at is None) == (False, False)
