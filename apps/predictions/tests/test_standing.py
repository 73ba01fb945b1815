"""Putting a former model into service, and letting go of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.conftest import Cast
from apps.predictions.enums import ModelState, Prediction
from apps.predictions.exceptions import (
    ModelNotFoundError,
    ModelPermissionError,
    ModelStateError,
)
from apps.predictions.models import TrainedModel
from apps.predictions.services.standing import roll_back, unpin
from apps.predictions.tests.model_cards import make_model
from apps.users.models import User

LEADS = Prediction.LEAD_CONVERSION
NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def choose(model: TrainedModel, user: User) -> TrainedModel:
    return roll_back(prediction=LEADS, number=model.number, user=user, now=NOW)


def states() -> list[tuple[str, bool]]:
    models = TrainedModel.objects.filter(prediction=LEADS).order_by("number")
    return list(models.values_list("state", "is_pinned"))


def test_a_former_model_serves_again_and_the_present_one_waits(cast: Cast) -> None:
    former, present = make_model(state=ModelState.FORMER), make_model()
    elsewhere = make_model(Prediction.DEAL_CLOSE)
    chosen = choose(former, cast.manager)
    assert states() == [("serving", True), ("waiting", False)]
    assert (chosen.pinned_by, chosen.served_from, chosen.served_until) == (cast.manager, NOW, None)
    present.refresh_from_db()
    assert present.served_until == NOW
    elsewhere.refresh_from_db()
    assert elsewhere.state == ModelState.SERVING
    entry = AuditEntry.objects.filter(event=Event.MODEL_CHOSEN).get()
    assert entry.actor_id == cast.manager.pk
    assert entry.details == {
        "prediction": "lead_conversion",
        "number": former.number,
        "instead_of": present.number,
    }


def test_letting_go_brings_the_waiting_model_back(cast: Cast) -> None:
    former, present = make_model(state=ModelState.FORMER), make_model()
    choose(former, cast.manager)
    serving = unpin(prediction=LEADS, user=cast.admin, now=NOW)
    assert serving == present
    assert states() == [("former", False), ("serving", False)]
    entry = AuditEntry.objects.filter(event=Event.MODEL_LET_GO).get()
    assert entry.details == {
        "prediction": "lead_conversion",
        "number": present.number,
        "instead_of": former.number,
    }


def test_another_choice_lets_the_waiting_model_wait_on(cast: Cast) -> None:
    first, second = make_model(state=ModelState.FORMER), make_model(state=ModelState.FORMER)
    make_model()
    choose(first, cast.manager)
    choose(second, cast.manager)
    assert states() == [("former", False), ("serving", True), ("waiting", False)]


def test_without_a_waiting_model_the_chosen_one_serves_on(cast: Cast) -> None:
    former = make_model(state=ModelState.FORMER)
    choose(former, cast.manager)
    assert unpin(prediction=LEADS, user=cast.manager, now=NOW) == former
    assert states() == [("serving", False)]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ModelState.SERVING, "is in service already"),
        (ModelState.UNPROVEN, "is not better than the base rate"),
        (ModelState.WITHDRAWN, "is not better than the base rate"),
    ],
)
def test_what_serves_or_is_no_good_cannot_be_chosen(
    cast: Cast, state: ModelState, words: str
) -> None:
    model = make_model(state=state)
    with pytest.raises(ModelStateError, match=words):
        choose(model, cast.manager)
    assert states() == [(state.value, False)]


def test_a_rep_chooses_nothing(cast: Cast) -> None:
    model = make_model(state=ModelState.FORMER)
    with pytest.raises(ModelPermissionError):
        choose(model, cast.rep)
    with pytest.raises(ModelPermissionError):
        unpin(prediction=LEADS, user=cast.rep, now=NOW)
    assert states() == [("former", False)]


def test_what_is_not_there_is_said(cast: Cast) -> None:
    other = make_model(Prediction.DEAL_CLOSE, ModelState.FORMER)
    with pytest.raises(ModelNotFoundError):
        choose(other, cast.manager)
    make_model()
    with pytest.raises(ModelStateError, match="No model of this prediction was chosen"):
        unpin(prediction=LEADS, user=cast.manager, now=NOW)
