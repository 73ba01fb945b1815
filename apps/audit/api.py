"""The audit log in the API: read only, like everywhere; the same entries as on the page."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Event, Origin
from apps.audit.heads import Head, head_of
from apps.audit.models import AuditEntry
from apps.audit.querysets import AuditEntryQuerySet, sees_whole_log
from apps.tenants.api import (
    ApiModelSerializer,
    MomentFilter,
    UtcDateTimeField,
    refuse_parameters,
)
from apps.tenants.connections import tenant_connection
from apps.users.api import Endpoint
from apps.users.services import person_of


class AuditEntrySerializer(ApiModelSerializer[AuditEntry]):
    """One thing that happened."""

    wording = serializers.CharField(source="get_event_display", read_only=True)

    class Meta:
        model = AuditEntry
        fields = (
            "id", "occurred_at", "event", "wording", "actor_id", "actor_name", "origin",
            "request_id", "record_kind", "record_id", "suggestion_id", "execution_id", "details",
        )  # fmt: skip
        read_only_fields = fields


class HeadSerializer(serializers.Serializer[Head]):
    """The head of the chain."""

    tenant = serializers.CharField()
    number = serializers.IntegerField(help_text="How many seals the chain has.")
    hash = serializers.CharField(
        help_text="SHA-256 of the last seal, and through it of all before."
    )
    sealed_at = UtcDateTimeField()


class AuditFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the log can be filtered by."""

    event = django_filters.MultipleChoiceFilter(choices=Event.choices)
    origin = django_filters.MultipleChoiceFilter(choices=Origin.choices)
    actor_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    record_kind = django_filters.CharFilter()
    record_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    suggestion_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    execution_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    request_id = django_filters.CharFilter()
    occurred_from = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = MomentFilter(field_name="occurred_at", lookup_expr="lt")


class AuditEntryViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[AuditEntry]):
    """The audit log, newest first. Who may not see all of it sees what they did themselves."""

    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilterSet
    queryset = AuditEntry.objects.all()
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"

    @extend_schema(responses=HeadSerializer)
    @action(detail=False, filterset_class=None, pagination_class=None)
    def head(self, request: Request) -> Response:
        """The last seal of the chain, to be kept elsewhere; 404 before the first.

        `manage.py verify_audit --head` holds the log to it.
        """
        refuse_parameters(request)
        if not sees_whole_log(person_of(request)):
            raise PermissionDenied("The head of the log is for managers and administrators.")
        found = head_of(tenant_connection().schema_name)
        if found is None:
            raise NotFound("Nothing is sealed yet.")
        return Response(HeadSerializer(found).data)

    def get_queryset(self) -> AuditEntryQuerySet:
        """The entries that the person may read."""
        if getattr(self, "swagger_fake_view", False):
            return AuditEntry.objects.none()
        return AuditEntry.objects.visible_to(person_of(self.request))
