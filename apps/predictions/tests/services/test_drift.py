"""Drift: scores that were given are held against what came, and a model that harms leaves the service."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from apps.conftest import Cast
from apps.crm.models import Opportunity
from apps.predictions.enums import ModelState, Prediction
from apps.predictions.models import Score, TrainedModel
from apps.predictions.rules import LEAST_MATURED
from apps.predictions.schemas import Drift
from apps.predictions.services.drift import watch_drift
from apps.predictions.services.training import train
from apps.predictions.tests.factories import ScoreFactory
from apps.predictions.tests.services.closed_deals import NOW, add_closed_deals, add_open_deals
from apps.tenants.work.runs import tell_nobody

pytestmark = pytest.mark.django_db

DEALS = Prediction.DEAL_CLOSE


def watched() -> tuple[str, Drift, TrainedModel]:
    told = watch_drift(DEALS, now=NOW, tell=tell_nobody)
    model = TrainedModel.objects.get()
    return told, Drift.model_validate(model.drift), model


def give_scores(count: int, *, right: float, wrong: float) -> None:
    """Scores that the newest closed deals had when they were opened: ``right`` to those that were won."""
    deals = Opportunity.objects.exclude(outcome="open").order_by("-pk")[:count]
    for deal in deals:
        ScoreFactory(
            prediction=DEALS,
            record_kind="opportunity",
            record_id=deal.pk,
            score_0_1=right if deal.outcome == "won" else wrong,
            scored_at=NOW - timedelta(days=400),
            is_latest=False,
        )


def trained() -> None:
    add_closed_deals(120)
    train(DEALS, now=NOW, tell=tell_nobody)


def test_before_outcomes_have_come_it_says_so(cast: Cast) -> None:
    trained()
    told, drift, model = watched()
    assert told == drift.verdict == "0 scores have an outcome by now, too few to judge."
    assert (drift.matured, drift.log_loss, model.state) == (0, None, ModelState.SERVING)


def test_scores_that_were_right_keep_the_model_in_service(cast: Cast) -> None:
    trained()
    give_scores(LEAST_MATURED, right=0.8, wrong=0.2)
    told, drift, model = watched()
    assert told == "On 50 outcomes that have come since, it is better than the average."
    assert drift.log_loss == pytest.approx(-math.log(0.8))
    assert drift.base_log_loss == pytest.approx(-math.log(0.5))
    assert (drift.base_rate_0_1, model.state) == (0.5, ModelState.SERVING)


def test_a_model_that_does_worse_than_the_average_takes_itself_out_of_service(cast: Cast) -> None:
    trained()
    give_scores(LEAST_MATURED, right=0.2, wrong=0.8)
    ScoreFactory(prediction=DEALS, record_kind="opportunity", record_id=1)
    told, drift, model = watched()
    assert told.startswith("On 50 outcomes that have come since, its scores were worse")
    assert (model.state, model.state_reason) == (ModelState.WITHDRAWN, drift.verdict)
    assert not Score.objects.latest_of(DEALS).exists()


def test_too_few_outcomes_condemn_nobody(cast: Cast) -> None:
    trained()
    give_scores(LEAST_MATURED - 1, right=0.2, wrong=0.8)
    told, drift, model = watched()
    assert told == "49 scores have an outcome by now, too few to judge."
    assert (drift.matured, model.state) == (49, ModelState.SERVING)


def test_a_score_that_was_withdrawn_before_the_moment_does_not_count(cast: Cast) -> None:
    trained()
    give_scores(LEAST_MATURED, right=0.2, wrong=0.8)
    Score.objects.update(withdrawn_at=NOW - timedelta(days=399))
    assert watched()[1].matured == 0


def test_what_was_foretold_long_ago_counts_no_more(cast: Cast) -> None:
    trained()
    give_scores(120, right=0.8, wrong=0.2)
    # Deals take twenty days, so that the window is the shortest: 30 days, and half a year beyond it.
    lately = Opportunity.objects.filter(opened_on__gt=(NOW - timedelta(days=210)).date())
    assert watched()[1].matured == lately.count() == 89


def test_columns_that_have_moved_are_named(cast: Cast) -> None:
    trained()
    _, small = add_open_deals()
    small.delete()
    _, drift, _ = watched()
    shift = next(row for row in drift.shifts if row.name == "custom_size")
    assert shift.label == "Size of the customer"
    assert shift.psi > 0.25


def test_without_a_model_in_service_there_is_nothing_to_watch(cast: Cast) -> None:
    assert watch_drift(DEALS, now=NOW, tell=tell_nobody) == ""
