"""The audit log in the API: read only, like everywhere."""

from __future__ import annotations

from typing import Any

import django_filters
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.tenants.api import ApiModelSerializer, MomentFilter
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


class AuditPermission(BasePermission):
    """The person's role allows to read the log."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm("audit.view_auditentry")


class AuditEntryViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[AuditEntry]):
    """The audit log, newest first."""

    permission_classes = (IsAuthenticated, AuditPermission)
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilterSet
    queryset = AuditEntry.objects.all()
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"
