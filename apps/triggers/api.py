"""Triggers with their settings, and signals, in the API."""

from __future__ import annotations

from datetime import date
from typing import Any

import django_filters
from django.db import transaction
from django.utils import timezone
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from apps.audit.enums import Origin
from apps.brain.enums import Goal
from apps.crm.api.preconditions import read_precondition
from apps.crm.enums import RecordKind
from apps.crm.exceptions import RecordConflictError
from apps.tenants.api import (
    ApiModelSerializer,
    StrictSerializer,
    UtcDateTimeField,
    refuse_parameters,
)
from apps.triggers.enums import VIEW_SIGNALS, Discovery, Severity
from apps.triggers.exceptions import SettingChangedError
from apps.triggers.models import Signal
from apps.triggers.own_figures import OwnFigures, read_own_figures
from apps.triggers.querysets import SignalQuerySet
from apps.triggers.rules import registry
from apps.triggers.settings import (
    VIEW_PERMISSION,
    Setting,
    change_setting,
    read_setting,
    read_settings,
)
from apps.triggers.tasks import send_scan
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class SignalSerializer(ApiModelSerializer[Signal]):
    """A trigger firing for a record."""

    is_firing = serializers.BooleanField(read_only=True)
    inhibited_by = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="The trigger that stands above it at this record; null when it counts by itself.",
    )
    parameters = serializers.DictField(
        child=serializers.JSONField(),
        read_only=True,
        help_text="What the trigger went by: now, or when the signal was cleared.",
    )

    class Meta:
        model = Signal
        fields = (
            "id", "trigger", "goal", "record_kind", "record_id", "severity", "facts", "parameters",
            "is_firing", "inhibited_by", "fired_at", "refreshed_at", "cleared_at",
        )  # fmt: skip
        read_only_fields = fields


class SignalFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of signals can be filtered by."""

    trigger = django_filters.CharFilter()
    goal = django_filters.MultipleChoiceFilter(choices=Goal.choices)
    severity = django_filters.MultipleChoiceFilter(choices=Severity.choices)
    record_kind = django_filters.ChoiceFilter(choices=RecordKind.choices)
    record_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    is_firing = django_filters.BooleanFilter(field_name="cleared_at", lookup_expr="isnull")


class SignalPermission(BasePermission):
    """The person's role allows to see signals."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_SIGNALS)


class SignalViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[Signal]):
    """Signals of the records that the person may see."""

    permission_classes = (IsAuthenticated, SignalPermission)
    serializer_class = SignalSerializer
    filterset_class = SignalFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("fired_at", "id")
    default_ordering = "-fired_at"

    def get_queryset(self) -> SignalQuerySet:
        """Those, firing and cleared."""
        if getattr(self, "swagger_fake_view", False):
            return Signal.objects.none()
        visible = Signal.objects.visible_to(person_of(self.request))
        return visible.with_inhibitor(registry.inhibitions())


class ParameterSerializer(serializers.Serializer[Any]):
    """A parameter as the trigger declares it."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    unit = serializers.CharField(help_text="Empty for a plain number.")
    lowest = serializers.IntegerField()
    highest = serializers.IntegerField()
    default = serializers.IntegerField()
    help = serializers.CharField()


class DistributionSerializer(serializers.Serializer[Any]):
    """One group of the tenant's own records, and the threshold that follows for it."""

    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True, help_text="Null: too few to tell.")
    p80 = serializers.FloatField(allow_null=True, help_text="Null: too few to tell.")
    threshold = serializers.FloatField()
    unit = serializers.CharField()


class TriggerSerializer(StrictSerializer):
    """A trigger, its setting in force, and within which bounds it may be set."""

    key = serializers.CharField(source="trigger.key", read_only=True)
    label = serializers.CharField(source="trigger.label", read_only=True)  # type: ignore[assignment]
    summary = serializers.CharField(source="trigger.summary", read_only=True)
    record_kind = serializers.ChoiceField(
        RecordKind.choices, source="trigger.record_kind", read_only=True
    )
    goal = serializers.ChoiceField(Goal.choices, source="trigger.goal", read_only=True)
    discovers = serializers.ChoiceField(
        Discovery.choices,
        source="trigger.discovers",
        read_only=True,
        allow_null=True,
        help_text="The kind of discovery that its signals count as; null where they belong to none.",
    )
    severity = serializers.ChoiceField(Severity.choices, source="trigger.severity", read_only=True)
    tools = serializers.ListField(
        child=serializers.CharField(), source="trigger.tools", read_only=True
    )
    is_enabled = serializers.BooleanField(source="choice.is_enabled")
    parameters = serializers.DictField(
        child=serializers.JSONField(),
        source="choice.parameters",
        help_text="Whole numbers by name. Those left out of a PUT take their defaults.",
    )
    declared = ParameterSerializer(
        many=True, source="trigger.declared", read_only=True, help_text="The parameters there are."
    )
    revision = serializers.IntegerField(
        read_only=True, help_text="Counts the changes; the ETag of an answer."
    )
    changed_by = serializers.IntegerField(source="changed_by_id", read_only=True, allow_null=True)
    changed_at = UtcDateTimeField(read_only=True, allow_null=True)
    firing = serializers.SerializerMethodField(help_text="How many of its signals fire now.")

    def get_firing(self, setting: Setting) -> int:
        """How many of its signals fire now."""
        firing: dict[str, int] = self.context["firing"]
        return firing.get(setting.trigger.key, 0)


class TriggerDetailSerializer(TriggerSerializer):
    """A trigger with the tenant's own figures that it goes by."""

    distribution = serializers.SerializerMethodField(
        help_text="How the tenant's own records are spread; empty where the trigger measures nothing."
    )
    measured_on = serializers.SerializerMethodField(help_text="The day of these figures.")

    @extend_schema_field(DistributionSerializer(many=True))
    def get_distribution(self, setting: Setting) -> Any:
        """How the tenant's own records are spread."""
        figures: OwnFigures | None = self.context["figures"]
        return DistributionSerializer(figures.rows if figures else (), many=True).data

    def get_measured_on(self, setting: Setting) -> date | None:
        """The day of these figures."""
        figures: OwnFigures | None = self.context["figures"]
        return figures.measured_on if figures else None


class TriggerPageSerializer(serializers.Serializer[Any]):
    """All triggers, in the shape of every list."""

    next = serializers.CharField(allow_null=True, help_text="Null: there is but one page.")
    results = TriggerSerializer(many=True)


class TriggerPermission(BasePermission):
    """The person's role allows to look at triggers; whether to set one is asked by the use case."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


_IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that was read: a setting that has changed since is left alone (412).",
)
_ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="The revision."
)


class TriggerViewSet(Endpoint, ViewSet):
    """Triggers and their settings."""

    write_scope = Scope.SETTINGS_WRITE
    permission_classes = (IsAuthenticated, TriggerPermission)
    lookup_field = "key"
    lookup_value_regex = "[a-z0-9_]{1,60}"

    @extend_schema(responses=forced_singular_serializer(TriggerPageSerializer))  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        """Every trigger with its setting, by key; all on one page."""
        refuse_parameters(request)
        context = {"firing": Signal.objects.firing().counts_by_trigger()}
        settings = TriggerSerializer(read_settings(), many=True, context=context)
        return Response({"next": None, "results": settings.data})

    @extend_schema(responses=TriggerDetailSerializer, parameters=[_ETAG])
    def retrieve(self, request: Request, key: str) -> Response:
        """One trigger. Its ETag is for ``If-Match``."""
        refuse_parameters(request)
        return self._answer(read_setting(key))

    @extend_schema(
        request=TriggerDetailSerializer,
        responses=TriggerDetailSerializer,
        parameters=[_IF_MATCH, _ETAG],
    )
    def update(self, request: Request, key: str) -> Response:
        """Set the trigger; parameters that are left out take their defaults."""
        return self._change(request, key, partial=False)

    @extend_schema(
        request=TriggerDetailSerializer,
        responses=TriggerDetailSerializer,
        parameters=[_IF_MATCH, _ETAG],
    )
    def partial_update(self, request: Request, key: str) -> Response:
        """Change what is named and leave the rest."""
        return self._change(request, key, partial=True)

    def _change(self, request: Request, key: str, *, partial: bool) -> Response:
        refuse_parameters(request)
        setting = read_setting(key)
        serializer = TriggerDetailSerializer(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data.get("choice", {})
        with transaction.atomic():
            change = change_setting(
                user=person_of(request),
                key=key,
                now=timezone.now(),
                is_enabled=wanted.get("is_enabled"),
                parameters=wanted.get("parameters"),
                keeps_others=partial,
                revision_read=_revision_read(request, setting),
                origin=Origin.API,
            )
            if change.scan is not None:
                send_scan(change.scan)
        return self._answer(change.setting)

    def _answer(self, setting: Setting) -> Response:
        context = {
            "firing": Signal.objects.firing().counts_by_trigger(),
            "figures": read_own_figures(setting),
        }
        answer = TriggerDetailSerializer(setting, context=context)
        return Response(answer.data, headers={"ETag": f'"{setting.revision}"'})


def _revision_read(request: Request, setting: Setting) -> int | None:
    """The revision that ``If-Match`` names, None without one; a trigger always exists, as ``*`` asks."""
    try:
        return read_precondition(request).revision
    except RecordConflictError as error:
        raise SettingChangedError(setting.revision) from error
