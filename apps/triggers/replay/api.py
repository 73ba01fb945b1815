"""Replays in the API: asking a trigger about the days behind us, and reading the answer."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.tenants.api import (
    ApiModelSerializer,
    StrictSerializer,
    UtcDateTimeField,
    refuse_parameters,
)
from apps.tenants.work.runs import request_cancel
from apps.triggers.models import ReplayRun
from apps.triggers.querysets import ReplayRunQuerySet
from apps.triggers.replay.presentation import visible_sample
from apps.triggers.replay.runs import close_lost_replays
from apps.triggers.replay.schemas import ReplayResult
from apps.triggers.replay.services import (
    DEFAULT_DAYS,
    MOST_DAYS,
    VIEW_PERMISSION,
    request_replay,
)
from apps.triggers.replay.tasks import send_replay
from apps.triggers.rules import registry
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class WeekSerializer(serializers.Serializer[Any]):
    """How often the trigger would have fired in one week."""

    begins_on = serializers.DateField(help_text="Its Monday.")
    fired = serializers.IntegerField()


class FiringsSerializer(serializers.Serializer[Any]):
    """What the trigger would have done with some parameters."""

    parameters = serializers.DictField(child=serializers.IntegerField())
    fired = serializers.IntegerField(help_text="How often it became true.")
    records = serializers.IntegerField(help_text="For how many records.")
    true_at_start = serializers.IntegerField(help_text="Already true when the time began.")
    true_at_end = serializers.IntegerField()
    weeks = WeekSerializer(many=True)
    became = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="The records that fired by what they are today: won, lost, open and so on."
        " Empty for kinds of record without an outcome.",
    )


class SampleRecordSerializer(serializers.Serializer[Any]):
    """One of the records for which it would have fired."""

    record_id = serializers.IntegerField()
    fired = serializers.IntegerField()
    last_fired_at = UtcDateTimeField()
    became = serializers.CharField()


class CaveatSerializer(serializers.Serializer[Any]):
    """Something that the numbers do not know."""

    code = serializers.CharField()
    text = serializers.CharField()


class ReplayResultSerializer(serializers.Serializer[Any]):
    """The answer."""

    since = UtcDateTimeField()
    until = UtcDateTimeField()
    asked = FiringsSerializer()
    present = FiringsSerializer(
        allow_null=True, help_text="With the parameters in force; null when they are the same."
    )
    sample = SampleRecordSerializer(many=True, help_text="Those that would have fired last.")
    caveats = CaveatSerializer(many=True)


class ReplayRunSerializer(ApiModelSerializer[ReplayRun]):
    """A replay, how far it is, and its answer."""

    parameters = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    present_parameters = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    failure = serializers.CharField(source="message", read_only=True)
    result = serializers.SerializerMethodField(help_text="Null until it is done.")

    class Meta:
        model = ReplayRun
        fields = (
            "id", "trigger", "parameters", "present_parameters", "days", "counts_all",
            "requested_by", "status", "is_cancel_requested", "steps_done", "steps_total",
            "queued_at", "started_at", "finished_at", "failure", "result",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(ReplayResultSerializer(allow_null=True))
    def get_result(self, run: ReplayRun) -> Any:
        """The answer, with those of the sample that the person may see."""
        if run.result is None:
            return None
        result = ReplayResult.model_validate(run.result)
        kind = registry.get(run.trigger).record_kind
        viewer = person_of(self.context["request"])
        seen = tuple(row for row, _ in visible_sample(kind, result.sample, viewer))
        return ReplayResultSerializer(result.model_copy(update={"sample": seen})).data


class ReplayQuestionSerializer(StrictSerializer):
    """The question; parameters that are left out take their defaults."""

    parameters = serializers.DictField(
        child=serializers.JSONField(), required=False, help_text="Whole numbers by name."
    )
    days = serializers.IntegerField(default=DEFAULT_DAYS, help_text=f"1 to {MOST_DAYS}.")


class ReplayPermission(BasePermission):
    """The person's role allows to see replays; whether to ask for one is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


_KEY = OpenApiParameter("key", str, OpenApiParameter.PATH, description="The trigger's key.")


@extend_schema(parameters=[_KEY])
class ReplayViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[ReplayRun]):
    """Replays of one trigger."""

    write_scope = Scope.SCANS_START
    permission_classes = (IsAuthenticated, ReplayPermission)
    serializer_class = ReplayRunSerializer
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"

    def get_queryset(self) -> ReplayRunQuerySet:
        """Those of the trigger whose numbers the person may see."""
        if getattr(self, "swagger_fake_view", False):
            return ReplayRun.objects.none()
        trigger = registry.get(self.kwargs["key"])
        close_lost_replays(timezone.now())
        return ReplayRun.objects.visible_to(person_of(self.request)).filter(trigger=trigger.key)

    @extend_schema(request=ReplayQuestionSerializer, responses={202: ReplayRunSerializer})
    def create(self, request: Request, key: str) -> Response:
        """Ask the trigger; the same question that is under way is joined, another one waits its turn."""
        refuse_parameters(request)
        question = ReplayQuestionSerializer(data=request.data)
        question.is_valid(raise_exception=True)
        with transaction.atomic():
            run = request_replay(
                user=person_of(request),
                key=key,
                parameters=question.validated_data.get("parameters", {}),
                days=question.validated_data["days"],
                now=timezone.now(),
            )
            send_replay(run)
        return Response(
            self.get_serializer(run).data,
            status=202,
            headers={"Location": self.reverse_action("detail", args=[key, run.pk])},
        )

    @extend_schema(request=None, responses=ReplayRunSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, key: str, pk: str) -> Response:
        """Stop a replay that waits or runs."""
        refuse_parameters(request)
        run = self.get_object()
        request_cancel(run)
        run.refresh_from_db()
        return Response(self.get_serializer(run).data)
