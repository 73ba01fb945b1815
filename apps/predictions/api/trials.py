"""Trials on files in the API: reading and stopping them. A file is uploaded on the page."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.predictions.api.cards import CalibrationBinSerializer
from apps.predictions.enums import Rung
from apps.predictions.models import Trial
from apps.predictions.schemas import TrialResult
from apps.predictions.services.runs import close_lost_runs
from apps.predictions.services.trials import VIEW_PERMISSION, stop_trial
from apps.tenants.api import ApiModelSerializer, refuse_parameters
from apps.tenants.work.querysets import WorkQuerySet
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class TrialPermission(BasePermission):
    """The person's role allows to see trials; whether to stop one is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


class TrialQuestionSerializer(serializers.Serializer[Any]):
    """What was asked of the table."""

    label = serializers.CharField()  # type: ignore[assignment]
    positive = serializers.CharField()
    time = serializers.CharField(allow_null=True)
    drop = serializers.ListField(child=serializers.CharField())


class TrialResultSerializer(serializers.Serializer[Any]):
    """The answer: measures on rows that were not learned from."""

    rows = serializers.IntegerField()
    base_rate = serializers.FloatField()
    rung = serializers.ChoiceField(Rung.choices)
    auc = serializers.FloatField()
    average_precision = serializers.FloatField()
    brier = serializers.FloatField()
    log_loss = serializers.FloatField()
    base_log_loss = serializers.FloatField()
    calibration_error = serializers.FloatField()
    seconds = serializers.FloatField()
    refused = serializers.DictField(child=serializers.CharField(), help_text="Why, by column.")
    calibration = CalibrationBinSerializer(many=True)


class TrialSerializer(ApiModelSerializer[Trial]):
    """A trial, how far it is, and its answer."""

    question = TrialQuestionSerializer(read_only=True)
    result = serializers.SerializerMethodField(help_text="Null until it is done.")

    class Meta:
        model = Trial
        fields = (
            "id", "file_name", "question", "requested_by", "status", "is_cancel_requested",
            "steps_done", "steps_total", "queued_at", "started_at", "finished_at", "message", "result",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(TrialResultSerializer(allow_null=True))
    def get_result(self, trial: Trial) -> Any:
        """The answer."""
        if trial.result is None:
            return None
        return TrialResultSerializer(TrialResult.model_validate(trial.result)).data


class TrialViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[Trial]):
    """Trials on files: one's own; everybody's for who sees everybody's records."""

    write_scope = Scope.SCANS_START
    permission_classes = (IsAuthenticated, TrialPermission)
    serializer_class = TrialSerializer
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"

    def get_queryset(self) -> WorkQuerySet:
        """Those that the person may see."""
        if getattr(self, "swagger_fake_view", False):
            return Trial.objects.none()
        close_lost_runs(timezone.now())
        return Trial.objects.asked_by(person_of(self.request))

    @extend_schema(request=None, responses=TrialSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop a trial that waits or works."""
        refuse_parameters(request)
        trial = self.get_object()
        stop_trial(trial, person_of(request))
        trial.refresh_from_db()
        return Response(self.get_serializer(trial).data)
