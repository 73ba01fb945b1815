"""Whether each prediction is in service, and in words why or why not."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from apps.predictions.enums import ModelState, Prediction, Rung, RunKind, ServiceState
from apps.predictions.models import PredictionRun, TrainedModel
from apps.predictions.querysets import TrainedModelQuerySet
from apps.predictions.schemas import ModelCard
from apps.predictions.wording import WORDINGS, Wording
from apps.tenants.enums import Module
from apps.tenants.models import Tenant
from apps.tenants.services import is_module_on
from apps.tenants.templatetags.aisha_ui import percent
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.querysets import WorkQuerySet


@dataclass(frozen=True, slots=True)
class PredictionService:
    """How a prediction stands.

    ``model`` is the one in service, or the newest where none is; ``newest`` was trained last. ``under_way``
    is the run that waits or works, ``failed_training`` the last training where it did not come to its end.
    """

    wording: Wording
    state: ServiceState
    reason: str
    model: TrainedModel | None = None
    newest: TrainedModel | None = None
    under_way: PredictionRun | None = None
    failed_training: PredictionRun | None = None

    @property
    def card(self) -> ModelCard | None:
        """The account of the model."""
        return ModelCard.model_validate(self.model.card) if self.model else None


def read_services(tenant: Tenant) -> tuple[PredictionService, ...]:
    """How all predictions about records stand, in their order."""
    return _read(tenant, list(Prediction))


def read_service(tenant: Tenant, prediction: Prediction) -> PredictionService:
    """How one prediction stands."""
    (service,) = _read(tenant, [prediction])
    return service


def _read(tenant: Tenant, predictions: list[Prediction]) -> tuple[PredictionService, ...]:
    is_on = is_module_on(tenant, Module.PREDICTIONS)
    serving: dict[str, TrainedModel] = {}
    newest: dict[str, TrainedModel] = {}
    for model in _models(predictions):
        newest[model.prediction] = model
        if model.state == ModelState.SERVING:
            serving[model.prediction] = model
    under_way: dict[str, PredictionRun] = {}
    trainings: dict[str, PredictionRun] = {}
    for run in _runs(predictions):
        if run.is_unfinished:
            under_way[run.prediction] = run
        if run.kind == RunKind.TRAINING:
            trainings[run.prediction] = run
    return tuple(
        _judge(
            WORDINGS[prediction],
            is_on=is_on,
            serving=serving.get(prediction),
            newest=newest.get(prediction),
            under_way=under_way.get(prediction),
            last_training=trainings.get(prediction),
        )
        for prediction in predictions
    )


def _judge(
    wording: Wording,
    *,
    is_on: bool,
    serving: TrainedModel | None,
    newest: TrainedModel | None,
    under_way: PredictionRun | None,
    last_training: PredictionRun | None,
) -> PredictionService:
    state, reason = _state(wording, is_on, serving, newest, last_training)
    has_failed = last_training is not None and last_training.status in {
        WorkStatus.FAILED,
        WorkStatus.LOST,
    }
    return PredictionService(
        wording,
        state,
        reason,
        model=serving or newest,
        newest=newest,
        under_way=under_way,
        failed_training=last_training if has_failed else None,
    )


def _state(
    wording: Wording,
    is_on: bool,
    serving: TrainedModel | None,
    newest: TrainedModel | None,
    last_training: PredictionRun | None,
) -> tuple[ServiceState, str]:
    if not is_on:
        return ServiceState.OFF, "Predictions are switched off for your company."
    if not wording.is_chance:
        return ServiceState.FORMULA, "A formula: it needs no outcomes to learn from."
    if serving is not None and serving.is_pinned:
        return ServiceState.PINNED, _why_pinned(serving, newest)
    if serving is not None:
        return ServiceState.SERVING, ModelCard.model_validate(serving.card).verdict
    if newest is None:
        return ServiceState.UNTRAINED, _why_untrained(wording, last_training)
    if newest.state == ModelState.WITHDRAWN:
        reason = newest.state_reason or "It did worse than the base rate on newer outcomes."
        return ServiceState.WITHDRAWN, f"No score is shown. {reason}"
    return ServiceState.UNPROVEN, _why_unproven(wording, newest)


def _why_pinned(serving: TrainedModel, newest: TrainedModel | None) -> str:
    who = str(serving.pinned_by) if serving.pinned_by else "Somebody who has left"
    chosen = f"{who} has chosen model {serving.number}; it stays until they or a colleague let go."
    if newest is not None and newest.number > serving.number:
        chosen += f" Model {newest.number} is newer."
    return chosen


def _why_untrained(wording: Wording, last_training: PredictionRun | None) -> str:
    nouns = wording.layout.nouns
    if last_training is not None and last_training.status == WorkStatus.SUCCEEDED:
        return f"No score is shown. {last_training.message}"
    return f"No score is shown yet: the nightly training has not looked at your {nouns}."


def _why_unproven(wording: Wording, newest: TrainedModel) -> str:
    card = ModelCard.model_validate(newest.card)
    if newest.rung != Rung.BASE_RATE or card.measures is None:
        # It was better than the base rate and yet not good enough, or could not be judged at all.
        return f"No score is shown. {card.verdict}"
    nouns = wording.layout.nouns
    return (
        f"Nothing beats the base rate: no score is shown. Of {newest.outcomes:,} {nouns} "
        f"{percent(newest.base_rate_0_1)} {wording.came}, and nothing that is known of one beforehand tells "
        "more than that."
    )


def _models(predictions: list[Prediction]) -> TrainedModelQuerySet:
    """Those in service and those trained last, by number."""
    models = TrainedModel.objects.without_document().filter(prediction__in=predictions)
    newer = TrainedModel.objects.filter(
        prediction=OuterRef("prediction"), number__gt=OuterRef("number")
    )
    wanted = models.filter(Q(state=ModelState.SERVING) | ~Exists(newer))
    return wanted.select_related("pinned_by").order_by("number")


def _runs(predictions: list[Prediction]) -> WorkQuerySet:
    """Those that wait or work, and the last trainings, in the order in which they were asked for."""
    runs = PredictionRun.objects.filter(prediction__in=predictions)
    trainings = runs.filter(kind=RunKind.TRAINING).order_by("prediction", "-id")
    wanted = Q(status__in=WorkStatus.unfinished_values()) | Q(
        pk__in=trainings.distinct("prediction").values("pk")
    )
    return runs.filter(wanted).select_related("requested_by").order_by("id")
