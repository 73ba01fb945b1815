"""Routes of the predictions: model cards, scores, runs and trials."""

from __future__ import annotations

from django.urls import URLPattern, path

from apps.crm.enums import RecordKind
from apps.predictions.targets import views as targets
from apps.predictions.views import models, records, runs, scores, trials
from apps.predictions.wording import WORDINGS, Wording

app_name = "predictions"


def score_route(wording: Wording) -> URLPattern:
    """The page of a record's score."""
    kind: RecordKind = wording.record_kind
    return path(
        f"{wording.layout.path}/<int:pk>/score/",
        records.show_score,
        {"kind": kind},
        name=f"{kind.value}_score",
    )


urlpatterns = [
    path("predictions/targets/", targets.list_targets, name="target_list"),
    path("predictions/targets/export.csv", targets.export_targets, name="target_export"),
    path("predictions/targets/new/", targets.add_target, name="target_add"),
    path("predictions/targets/<int:pk>/edit/", targets.edit_target, name="target_edit"),
    path("predictions/targets/<int:pk>/remove/", targets.remove_target, name="target_remove"),
    path("predictions/", models.list_models, name="model_list"),
    path("predictions/export.csv", models.export_services, name="model_export"),
    path("predictions/scores/", scores.list_scores, name="score_list"),
    path("predictions/scores/export.csv", scores.export_scores, name="score_export"),
    path("predictions/runs/", runs.list_runs, name="run_list"),
    path("predictions/runs/export.csv", runs.export_runs, name="run_export"),
    path("predictions/runs/start/", runs.start, name="run_start"),
    path("predictions/runs/<int:pk>/", runs.show_run, name="run_detail"),
    path("predictions/runs/<int:pk>/cancel/", runs.cancel, name="run_cancel"),
    path("predictions/trials/", trials.list_trials, name="trial_list"),
    path("predictions/trials/ask/", trials.ask, name="trial_ask"),
    path("predictions/trials/<int:pk>/", trials.show_trial, name="trial_detail"),
    path("predictions/trials/<int:pk>/cancel/", trials.cancel, name="trial_cancel"),
    path("predictions/trials/<int:pk>/delete/", trials.delete, name="trial_delete"),
    path("predictions/<slug:prediction>/", models.show_prediction, name="prediction_detail"),
    path(
        "predictions/<slug:prediction>/models.csv", models.export_models, name="prediction_export"
    ),
    path(
        "predictions/<slug:prediction>/models/<int:number>/", models.show_model, name="model_detail"
    ),
    path(
        "predictions/<slug:prediction>/models/<int:number>/choose/",
        models.put_into_service,
        name="model_choose",
    ),
    path("predictions/<slug:prediction>/let-go/", models.let_go, name="prediction_let_go"),
    *(score_route(wording) for wording in WORDINGS.values()),
]
