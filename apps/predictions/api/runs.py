"""Runs of the engine in the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.models import PredictionRun
from apps.predictions.services.runs import close_lost_runs
from apps.predictions.services.starting import VIEW_PERMISSION, start_run, stop_run
from apps.predictions.tasks import send_run
from apps.tenants.api import ApiModelSerializer, StrictSerializer, refuse_parameters
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.querysets import WorkQuerySet
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class RunPermission(BasePermission):
    """The person's role allows to see runs; whether to start or stop one is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


class RunSerializer(ApiModelSerializer[PredictionRun]):
    """A training, scoring or forecast, how far it is, and what came of it."""

    prediction = serializers.CharField(read_only=True, help_text="Empty for a forecast.")

    class Meta:
        model = PredictionRun
        fields = (
            "id", "kind", "prediction", "requested_by", "status", "is_cancel_requested",
            "steps_done", "steps_total", "queued_at", "started_at", "finished_at", "message",
        )  # fmt: skip
        read_only_fields = fields


class RunRequestSerializer(StrictSerializer):
    """Which run is wanted."""

    kind = serializers.ChoiceField(RunKind.choices)
    prediction = serializers.ChoiceField(
        Prediction.choices, required=False, help_text="Left out for a forecast."
    )


class RunFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of runs can be filtered by."""

    kind = django_filters.MultipleChoiceFilter(choices=RunKind.choices)
    prediction = django_filters.MultipleChoiceFilter(choices=Prediction.choices)
    status = django_filters.MultipleChoiceFilter(choices=WorkStatus.choices)


class PredictionRunViewSet(
    Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[PredictionRun]
):
    """Trainings, scorings and forecasts."""

    write_scope = Scope.SCANS_START
    permission_classes = (IsAuthenticated, RunPermission)
    serializer_class = RunSerializer
    filterset_class = RunFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"

    def get_queryset(self) -> WorkQuerySet:
        """All of them; those that no worker has any more are closed first."""
        if getattr(self, "swagger_fake_view", False):
            return PredictionRun.objects.none()
        close_lost_runs(timezone.now())
        return PredictionRun.objects.all()

    @extend_schema(request=RunRequestSerializer, responses={202: RunSerializer})
    def create(self, request: Request) -> Response:
        """Ask for a run; while one of the same kind waits or works, it is refused."""
        refuse_parameters(request)
        wanted = RunRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        named = wanted.validated_data.get("prediction")
        with transaction.atomic():
            run = start_run(
                RunKind(wanted.validated_data["kind"]),
                Prediction(named) if named else None,
                person_of(request),
            )
            send_run(run)
        return Response(
            self.get_serializer(run).data,
            status=202,
            headers={"Location": self.reverse_action("detail", args=[run.pk])},
        )

    @extend_schema(request=None, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop a run that waits or works."""
        refuse_parameters(request)
        run = self.get_object()
        stop_run(run, person_of(request))
        run.refresh_from_db()
        return Response(self.get_serializer(run).data)
