"""Which model of a prediction serves after a training, and taking one out of service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from apps.predictions.enums import ModelState, Prediction, Rung
from apps.predictions.models import TrainedModel
from apps.predictions.schemas import ModelCard
from apps.predictions.services.standing import lock_models, serving_of, take_out
from apps.predictions.services.writing import retire_scores

REASONS = {
    ModelState.SERVING: "It predicts better than the base rate on outcomes that it had not seen.",
    ModelState.WAITING: "It is proven, and waits: a manager has chosen another model.",
    ModelState.UNPROVEN: "Nothing predicts better than the base rate, so no score is shown.",
}


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A model that was just learned. ``is_proven``: it predicts better than the base rate."""

    prediction: Prediction
    rung: Rung
    is_proven: bool
    outcomes: int
    base_rate_0_1: float
    card: ModelCard
    document: bytes
    digest: str


def take_in(newcomer: Newcomer, *, now: datetime) -> TrainedModel:
    """Keep a model, and let it serve in place of the former one if it is proven and none is pinned.

    One that is not proven ends the service of the former: by the newest outcomes nobody knows more than the
    base rate.
    """
    with transaction.atomic():
        models = lock_models(newcomer.prediction)
        serving = serving_of(models)
        is_pinned = serving is not None and serving.is_pinned
        state = _state_of(newcomer, is_pinned=is_pinned)
        model = TrainedModel(
            prediction=newcomer.prediction,
            number=max((row.number for row in models), default=0) + 1,
            state=state,
            state_reason=REASONS[state],
            rung=newcomer.rung,
            outcomes=newcomer.outcomes,
            base_rate_0_1=newcomer.base_rate_0_1,
            trained_at=now,
            served_from=now if state is ModelState.SERVING else None,
            card=newcomer.card.model_dump(mode="json"),
            document=newcomer.document,
            digest=newcomer.digest,
        )
        for waiting in models:
            if waiting.state == ModelState.WAITING:
                take_out(waiting, ModelState.FORMER, now, f"Model {model.number} is newer.")
        if serving is not None and not is_pinned:
            take_out(serving, ModelState.FORMER, now, f"Model {model.number} took its place.")
            if state is not ModelState.SERVING:
                retire_scores(newcomer.prediction, now=now)
        model.save()
    return model


def withdraw(model: TrainedModel, reason: str, *, now: datetime) -> None:
    """Take a model out of service: its scores are no longer shown."""
    prediction = Prediction(model.prediction)
    with transaction.atomic():
        serving = serving_of(lock_models(prediction))
        if serving is not None and serving.pk == model.pk:
            take_out(serving, ModelState.WITHDRAWN, now, reason)
            retire_scores(prediction, now=now)


def _state_of(newcomer: Newcomer, *, is_pinned: bool) -> ModelState:
    if not newcomer.is_proven:
        return ModelState.UNPROVEN
    return ModelState.WAITING if is_pinned else ModelState.SERVING
