"""Training: what proves itself serves and scores; what does not says so and shows nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conftest import Cast
from apps.crm.models import Opportunity
from apps.predictions.documents import ModelDocument
from apps.predictions.enums import ModelState, Prediction, Rung
from apps.predictions.exceptions import NothingServesError
from apps.predictions.models import Score, TrainedModel
from apps.predictions.schemas import ModelCard
from apps.predictions.services.scoring import score_all, score_records
from apps.predictions.services.succession import withdraw
from apps.predictions.services.training import is_due, train
from apps.predictions.tests.services.closed_deals import NOW, add_closed_deals, add_open_deals
from apps.tenants.work.runs import tell_nobody

pytestmark = pytest.mark.django_db

DEALS = Prediction.DEAL_CLOSE


def train_deals(days_later: int = 0) -> TrainedModel:
    train(DEALS, now=NOW + timedelta(days=days_later), tell=tell_nobody)
    model = TrainedModel.objects.newest(DEALS)
    assert model is not None
    return model


def scores() -> dict[int, float]:
    return dict(Score.objects.latest_of(DEALS).values_list("record_id", "score_0_1"))


def test_what_proves_itself_serves(cast: Cast) -> None:
    add_closed_deals(120)
    model = train_deals()
    card = ModelCard.model_validate(model.card)
    assert (model.state, model.version, model.outcomes) == (ModelState.SERVING, "deal_close-1", 120)
    assert model.served_from == NOW
    assert model.base_rate_0_1 == pytest.approx(0.5)
    assert card.measures is not None
    assert card.measures.log_loss < card.measures.base_log_loss
    assert [row.is_champion for row in card.standings].count(True) == 1
    assert card.columns["custom_size"] == "Size of the customer"
    assert (card.with_history_0_1, card.examples) == (0.0, 120)
    assert card.days_to_win[0] == card.days_to_win[-1] == 20
    document = ModelDocument.from_bytes(bytes(model.document), model.digest)
    assert document.rung is Rung(model.rung)


def test_scores_come_from_the_model_that_serves(cast: Cast) -> None:
    add_closed_deals(120)
    large, small = add_open_deals()
    train_deals()
    told = score_all(DEALS, now=NOW, tell=tell_nobody)
    assert told == "2 records scored; 2 scores are new or have moved."
    found = scores()
    assert found[large.pk] > 0.65
    assert found[small.pk] < 0.35
    assert set(Score.objects.values_list("model_version", flat=True)) == {"deal_close-1"}
    assert score_all(DEALS, now=NOW, tell=tell_nobody).endswith("; 0 scores are new or have moved.")


def test_a_changed_record_is_scored_alone(cast: Cast) -> None:
    add_closed_deals(120)
    large, small = add_open_deals()
    train_deals()
    score_all(DEALS, now=NOW, tell=tell_nobody)
    type(small).objects.filter(pk=small.pk).update(attributes={"size": "large"})
    # As of that morning it was still small; by now it is not.
    assert score_records(DEALS, [small.pk], now=NOW) == 0
    assert score_records(DEALS, [small.pk], now=timezone.now()) == 1
    found = scores()
    assert found[small.pk] == pytest.approx(found[large.pk])


def test_where_nothing_tells_anything_no_score_is_shown(cast: Cast) -> None:
    add_closed_deals(120, is_telling=False)
    add_open_deals()
    model = train_deals()
    assert (model.state, model.served_from) == (ModelState.UNPROVEN, None)
    assert model.state_reason == "Nothing predicts better than the base rate, so no score is shown."
    assert "nothing predicts better than the average of" in str(model.card["verdict"])
    with pytest.raises(NothingServesError):
        score_all(DEALS, now=NOW, tell=tell_nobody)


def test_without_outcomes_there_is_no_model(cast: Cast) -> None:
    add_open_deals()
    told = train(DEALS, now=NOW, tell=tell_nobody)
    assert told == "There is no outcome to learn from yet."
    assert not TrainedModel.objects.exists()


def test_a_newer_model_takes_the_place_of_the_older(cast: Cast) -> None:
    add_closed_deals(120)
    first = train_deals()
    second = train_deals(days_later=1)
    first.refresh_from_db()
    assert (first.state, first.state_reason) == (ModelState.FORMER, "Model 2 took its place.")
    assert first.served_until == NOW + timedelta(days=1)
    assert (second.number, second.state) == (2, ModelState.SERVING)


def test_a_chosen_model_stays_and_the_newer_one_waits(cast: Cast) -> None:
    add_closed_deals(120)
    chosen = train_deals()
    TrainedModel.objects.filter(pk=chosen.pk).update(is_pinned=True, pinned_by=cast.manager)
    second, third = train_deals(days_later=1), train_deals(days_later=2)
    states = dict(TrainedModel.objects.values_list("number", "state"))
    assert states == {1: ModelState.SERVING, 2: ModelState.FORMER, 3: ModelState.WAITING}
    assert (second.state, third.state) == (ModelState.WAITING, ModelState.WAITING)


def test_a_training_that_proves_nothing_ends_the_service_and_the_scores(cast: Cast) -> None:
    add_closed_deals(120)
    add_open_deals()
    first = train_deals()
    score_all(DEALS, now=NOW, tell=tell_nobody)
    Opportunity.objects.filter(source="file").delete()
    add_closed_deals(120, is_telling=False)
    second = train_deals(days_later=1)
    first.refresh_from_db()
    assert (first.state, second.state) == (ModelState.FORMER, ModelState.UNPROVEN)
    assert scores() == {}


def test_a_model_that_is_withdrawn_takes_its_scores_with_it(cast: Cast) -> None:
    add_closed_deals(120)
    add_open_deals()
    model = train_deals()
    score_all(DEALS, now=NOW, tell=tell_nobody)
    withdraw(model, "It has drifted.", now=NOW)
    model.refresh_from_db()
    assert (model.state, model.state_reason) == (ModelState.WITHDRAWN, "It has drifted.")
    assert scores() == {}


def test_training_is_due_once_and_then_after_a_change_or_a_week(cast: Cast) -> None:
    assert is_due(DEALS, NOW)
    add_closed_deals(120)
    # After all that the log holds by now.
    trained_at = timezone.now() + timedelta(hours=1)
    train(DEALS, now=trained_at, tell=tell_nobody)
    assert not is_due(DEALS, trained_at + timedelta(days=6))
    assert is_due(DEALS, trained_at + timedelta(days=7, seconds=1))
    TrainedModel.objects.update(trained_at=timezone.now() - timedelta(hours=1))
    assert is_due(DEALS, timezone.now())


def test_a_model_that_this_version_cannot_read_is_made_anew(cast: Cast) -> None:
    add_closed_deals(120)
    trained_at = timezone.now() + timedelta(hours=1)
    train(DEALS, now=trained_at, tell=tell_nobody)
    TrainedModel.objects.update(document=b"of another version")
    assert is_due(DEALS, trained_at + timedelta(days=1))
