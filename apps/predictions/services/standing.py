"""Which model is in service by a person's choice: putting a former one back, and letting go of it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.predictions.enums import ModelState, Prediction
from apps.predictions.exceptions import (
    ModelNotFoundError,
    ModelPermissionError,
    ModelStateError,
)
from apps.predictions.models import TrainedModel
from apps.users.models import User

CHANGE_PERMISSION = "predictions.change_trainedmodel"
# One that was never better than the base rate, or is no longer, may not be shown by anybody's choice.
MAY_BE_CHOSEN = frozenset({ModelState.FORMER, ModelState.WAITING})


def roll_back(*, prediction: Prediction, number: int, user: User, now: datetime) -> TrainedModel:
    """Put a former model into service and keep it there until somebody lets go of it.

    The model that it takes the place of waits, and serves again then.

    Raises:
        ModelPermissionError: the person's role does not include it.
        ModelNotFoundError: there is no such model.
        ModelStateError: it is in service already, or must not be.
    """
    _require_permission(user)
    with transaction.atomic():
        models = lock_models(prediction)
        chosen = next((model for model in models if model.number == number), None)
        if chosen is None:
            raise ModelNotFoundError(number)
        if chosen.state not in MAY_BE_CHOSEN:
            raise ModelStateError(_why_not(chosen))
        replaced = serving_of(models)
        if replaced is not None:
            take_out(replaced, ModelState.FORMER if replaced.is_pinned else ModelState.WAITING, now)
        _put_in(chosen, f"{user} chose it.", now)
        chosen.is_pinned, chosen.pinned_by = True, user
        chosen.save(update_fields=["is_pinned", "pinned_by"])
        _record(Event.MODEL_CHOSEN, user, chosen, replaced)
    return chosen


def unpin(*, prediction: Prediction, user: User, now: datetime) -> TrainedModel:
    """Let go of the model that a person chose, and return the one that serves then.

    That is the newest one that waits; without one the chosen model serves on until a better one comes.

    Raises:
        ModelPermissionError: the person's role does not include it.
        ModelStateError: none was chosen.
    """
    _require_permission(user)
    with transaction.atomic():
        models = lock_models(prediction)
        chosen = serving_of(models)
        if chosen is None or not chosen.is_pinned:
            raise ModelStateError("No model of this prediction was chosen by a person.")
        waiting = [model for model in models if model.state == ModelState.WAITING]
        chosen.is_pinned, chosen.pinned_by = False, None
        chosen.save(update_fields=["is_pinned", "pinned_by"])
        serving = max(waiting, key=lambda model: model.number, default=chosen)
        if serving is not chosen:
            take_out(chosen, ModelState.FORMER, now)
            _put_in(serving, f"{user} let go of model {chosen.number}.", now)
        _record(Event.MODEL_LET_GO, user, serving, chosen)
    return serving


def _require_permission(user: User) -> None:
    if not user.has_perm(CHANGE_PERMISSION):
        raise ModelPermissionError()


def lock_models(prediction: Prediction) -> list[TrainedModel]:
    """Every model of a prediction, locked until the transaction ends: one at a time decides what serves."""
    models = TrainedModel.objects.without_document().filter(prediction=prediction)
    return list(models.order_by("pk").select_for_update())


def serving_of(models: list[TrainedModel]) -> TrainedModel | None:
    """The one that is in service."""
    return next((model for model in models if model.state == ModelState.SERVING), None)


def take_out(model: TrainedModel, state: ModelState, now: datetime, reason: str = "") -> None:
    """End the service of a model."""
    model.state, model.state_reason = state, reason
    model.is_pinned, model.pinned_by = False, None
    model.served_until = now
    model.save(update_fields=["state", "state_reason", "is_pinned", "pinned_by", "served_until"])


def _put_in(model: TrainedModel, reason: str, now: datetime) -> None:
    model.state, model.state_reason = ModelState.SERVING, reason
    model.served_from, model.served_until = now, None
    model.save(update_fields=["state", "state_reason", "served_from", "served_until"])


def _why_not(model: TrainedModel) -> str:
    if model.state == ModelState.SERVING:
        return f"Model {model.number} is in service already."
    return (
        f"Model {model.number} is not better than the base rate, "
        "so its scores would be worse than none. Nothing was changed."
    )


def _record(event: Event, user: User, model: TrainedModel, other: TrainedModel | None) -> None:
    details: dict[str, Detail] = {
        "prediction": model.prediction,
        "number": model.number,
        "instead_of": other.number if other is not None and other is not model else None,
    }
    record_event(Actor.for_person(user), Entry(event, details=details))
