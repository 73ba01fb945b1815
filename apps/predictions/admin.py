"""Admin pages of predictions: what there is, to look at; targets may be set."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.predictions.models import Forecast, PredictionRun, SalesTarget, Score, TrainedModel
from apps.tenants.admin import NOT_SET, ReadOnlyAdmin, link_to_record
from apps.tenants.templatetags.aisha_ui import money, percent


class ScoreAdmin(ReadOnlyAdmin):
    """Scores with their history."""

    list_display = ("scored_at", "prediction", "record", "score", "is_latest", "model_version")
    list_filter = ("prediction", "is_latest", ("scored_at", admin.DateFieldListFilter))
    search_fields = ("=record_id", "model_version")
    search_help_text = "A record's id, or the version of a model"
    show_full_result_count = False

    @admin.display(description="Record")
    def record(self, score: Score) -> SafeString | str:
        """The way to the record."""
        return link_to_record(score.record_kind, score.record_id)

    @admin.display(description="Score", ordering="score_0_1")
    def score(self, score: Score) -> str:
        """The score as a share."""
        return percent(score.score_0_1)


class TrainedModelAdmin(ReadOnlyAdmin):
    """Trained models; what scores is never shown, its card stands on its own page."""

    list_display = (
        "__str__", "state", "is_pinned", "rung", "outcomes", "base_rate", "trained_at", "served_from",
        "served_until",
    )  # fmt: skip
    list_filter = ("prediction", "state", "rung", ("trained_at", admin.DateFieldListFilter))
    list_select_related = ("pinned_by",)
    fields: ClassVar[tuple[str, ...]] = (
        "prediction", "number", "state", "state_reason", "is_pinned", "pinned_by", "rung", "outcomes",
        "base_rate", "trained_at", "served_from", "served_until", "digest",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without what scores, which is large."""
        return super().get_queryset(request).defer("document", "card", "drift")

    @admin.display(description="Base rate", ordering="base_rate_0_1")
    def base_rate(self, model: TrainedModel) -> str:
        """How often it came true."""
        return percent(model.base_rate_0_1)


class PredictionRunAdmin(ReadOnlyAdmin):
    """Trainings, scorings and forecasts."""

    list_display = (
        "queued_at",
        "kind",
        "prediction_label",
        "status",
        "finished_at",
        "requested_by",
    )
    list_filter = ("kind", "prediction", "status", ("queued_at", admin.DateFieldListFilter))
    list_select_related = ("requested_by",)
    search_fields = ("=id", "message", "requested_by__username", "requested_by__last_name")
    search_help_text = "A run's number, a word of what came of it, or who asked for it"

    @admin.display(description="Prediction", ordering="prediction")
    def prediction_label(self, run: PredictionRun) -> str:
        """Of what, if of one prediction."""
        return run.get_prediction_display() or NOT_SET


class TrialAdmin(ReadOnlyAdmin):
    """Tables on which people tried the estimators; what they hold is theirs."""

    needs_sight_of_all = True
    list_display = ("file_name", "status", "requested_by", "queued_at", "finished_at")
    list_filter = ("status", ("queued_at", admin.DateFieldListFilter))
    list_select_related = ("requested_by",)
    fields: ClassVar[tuple[str, ...]] = (
        "file_name", "status", "requested_by", "queued_at", "started_at", "finished_at", "message",
    )  # fmt: skip


class ForecastAdmin(ReadOnlyAdmin):
    """Forecasts as they were published."""

    list_display = ("made_on", "window", "of", "low", "middle", "high", "won")
    list_filter = ("window", ("made_on", admin.DateFieldListFilter))
    list_select_related = ("team", "owner")
    fields: ClassVar[tuple[str, ...]] = (
        "made_on", "made_at", "window", "starts_on", "ends_on", "of", "low", "middle", "high", "won",
    )  # fmt: skip

    @admin.display(description="Of")
    def of(self, forecast: Forecast) -> str:
        """Whose it is."""
        return str(forecast.team or forecast.owner or "The company")

    @admin.display(description="P10", ordering="p10")
    def low(self, forecast: Forecast) -> str:
        """Nine times of ten it is more."""
        return money(forecast.p10, forecast.currency)

    @admin.display(description="P50", ordering="p50")
    def middle(self, forecast: Forecast) -> str:
        """As likely more as less."""
        return money(forecast.p50, forecast.currency)

    @admin.display(description="P90", ordering="p90")
    def high(self, forecast: Forecast) -> str:
        """Nine times of ten it is less."""
        return money(forecast.p90, forecast.currency)

    @admin.display(description="Won so far", ordering="won_so_far")
    def won(self, forecast: Forecast) -> str:
        """What was won when it was made."""
        return money(forecast.won_so_far, forecast.currency)


class SalesTargetAdmin(ReadOnlyAdmin):
    """What the company, a team or a person means to win; set on the page of targets, on record."""

    list_display = ("starts_on", "months", "of", "target")
    list_filter = ("months", "currency", "team")
    list_select_related = ("team", "owner")
    fields = ("team", "owner", "starts_on", "months", "amount", "currency")

    @admin.display(description="Of")
    def of(self, target: SalesTarget) -> str:
        """Whose it is."""
        return str(target.team or target.owner or "The company")

    @admin.display(description="Target", ordering="amount")
    def target(self, target: SalesTarget) -> str:
        """The amount."""
        return money(target.amount, target.currency)
