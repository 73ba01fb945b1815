"""The model cards: how each prediction stands, and the account of each of its models."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.audit.exporting import send_table
from apps.predictions.charts import lay_out_calibration, lay_out_lift
from apps.predictions.enums import Prediction
from apps.predictions.features.engagement import HALF_LIFE_DAYS, TREND_DAYS
from apps.predictions.models import PredictionRun, TrainedModel
from apps.predictions.querysets import TrainedModelQuerySet
from apps.predictions.schemas import Drift, ModelCard
from apps.predictions.service_states import PredictionService, read_service, read_services
from apps.predictions.services.standing import CHANGE_PERMISSION, MAY_BE_CHOSEN, roll_back, unpin
from apps.predictions.services.starting import ADD_PERMISSION
from apps.predictions.services.starting import VIEW_PERMISSION as VIEW_RUNS
from apps.predictions.tasks import send_scoring
from apps.predictions.views.access import prediction_named, viewer_of
from apps.tenants.pagination import CappedPaginator
from apps.users.models import User

MODELS_PER_PAGE = 20
RUNS_SHOWN = 5
HEADER = (
    "Prediction", "State", "Why", "Model", "Rung", "Outcomes", "Base rate", "Log loss",
    "Log loss of the base rate", "AUC", "Trained",
)  # fmt: skip
MODELS_HEADER = (
    "Model", "State", "Rung", "Outcomes", "Base rate", "Log loss", "Log loss of the base rate", "AUC",
    "Trained", "Served from", "Served until",
)  # fmt: skip


@require_safe
def list_models(request: HttpRequest) -> HttpResponse:
    """Each prediction: what it asks, whether it is in service and why, and what it rests on."""
    viewer_of(request)
    services = read_services(request.tenant)  # type: ignore[attr-defined]
    context = {"nav_section": "predictions", "tab": "models", "services": services}
    return render(request, "predictions/model_list.html", context)


@require_safe
def export_services(request: HttpRequest) -> HttpResponseBase:
    """The predictions as they are on screen, as a CSV file."""
    user = viewer_of(request)
    rows = []
    for service in read_services(request.tenant):  # type: ignore[attr-defined]
        model, measures = service.model, service.card.measures if service.card else None
        rows.append(
            (
                service.wording.title,
                service.state.label,
                service.reason,
                model and model.number,
                model and model.get_rung_display(),
                model and model.outcomes,
                model and model.base_rate_0_1,
                measures and measures.log_loss,
                measures and measures.base_log_loss,
                measures and measures.auc,
                model and model.trained_at,
            )
        )
    return send_table(request, user, what="predictions", header=HEADER, rows=rows)


@require_safe
def show_prediction(request: HttpRequest, prediction: str) -> HttpResponse:
    """One prediction: the model in service, or the newest where none is."""
    user = viewer_of(request)
    service = read_service(request.tenant, prediction_named(prediction))  # type: ignore[attr-defined]
    return _show(request, user, service, service.model)


@require_safe
def show_model(request: HttpRequest, prediction: str, number: int) -> HttpResponse:
    """One model of a prediction, whatever became of it."""
    user, asked = viewer_of(request), prediction_named(prediction)
    models = TrainedModel.objects.without_document().select_related("pinned_by")
    model = get_object_or_404(models, prediction=asked, number=number)
    return _show(request, user, read_service(request.tenant, asked), model)  # type: ignore[attr-defined]


@require_safe
def export_models(request: HttpRequest, prediction: str) -> HttpResponseBase:
    """All models of a prediction, the newest first, as a CSV file."""
    user, asked = viewer_of(request), prediction_named(prediction)
    rows = (
        (
            model.number,
            model.get_state_display(),
            model.get_rung_display(),
            model.outcomes,
            model.base_rate_0_1,
            measures and measures.log_loss,
            measures and measures.base_log_loss,
            measures and measures.auc,
            model.trained_at,
            model.served_from,
            model.served_until,
        )
        for model in _models_of(asked).iterator(chunk_size=100)
        for measures in [ModelCard.model_validate(model.card).measures]
    )
    return send_table(request, user, what=f"models-{asked}", header=MODELS_HEADER, rows=rows)


@require_POST
def put_into_service(request: HttpRequest, prediction: str, number: int) -> HttpResponse:
    """Put a former model into service again."""
    user, asked = viewer_of(request), prediction_named(prediction)
    roll_back(prediction=asked, number=number, user=user, now=timezone.now())
    send_scoring(asked, user)
    messages.success(request, f"Model {number} is in service. It scores every record now.")
    return redirect("predictions:prediction_detail", asked)


@require_POST
def let_go(request: HttpRequest, prediction: str) -> HttpResponse:
    """Let go of the model that a person chose."""
    user, asked = viewer_of(request), prediction_named(prediction)
    serving = unpin(prediction=asked, user=user, now=timezone.now())
    send_scoring(asked, user)
    messages.success(
        request, f"Let go. Model {serving.number} is in service until a better one comes."
    )
    return redirect("predictions:prediction_detail", asked)


def _models_of(prediction: Prediction) -> TrainedModelQuerySet:
    models = TrainedModel.objects.without_document()
    return models.filter(prediction=prediction).order_by("-number")


def _show(
    request: HttpRequest, user: User, service: PredictionService, model: TrainedModel | None
) -> HttpResponse:
    card = ModelCard.model_validate(model.card) if model else None
    drift = Drift.model_validate(model.drift) if model and model.drift else None
    may_see_runs = user.has_perm(VIEW_RUNS)
    runs = PredictionRun.objects.filter(prediction=service.wording.prediction)
    models = _models_of(service.wording.prediction)
    context = {
        "nav_section": "predictions",
        "tab": "models",
        "service": service,
        "model": model,
        "card": card,
        "drift": drift,
        "calibration": lay_out_calibration(card.calibration) if card else None,
        "lift": lay_out_lift(card.lift, model.base_rate_0_1) if card and model else None,
        "page": CappedPaginator(models, MODELS_PER_PAGE, request.GET.get("page")).asked_page(),
        "runs": list(runs.select_related("requested_by")[:RUNS_SHOWN]) if may_see_runs else [],
        "may_choose": user.has_perm(CHANGE_PERMISSION),
        "can_be_chosen": model is not None and model.state in MAY_BE_CHOSEN,
        "may_run": user.has_perm(ADD_PERMISSION),
        "half_life_days": HALF_LIFE_DAYS,
        "trend_days": TREND_DAYS,
    }
    return render(request, "predictions/model_detail.html", context)
