"""Executions in the API: what was written on a person's yes, or why it was not."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.crm.enums import RecordKind
from apps.execution.enums import ExecutionStatus
from apps.execution.models import Execution
from apps.execution.written import written_by
from apps.tenants.api import ApiModelSerializer, MomentFilter, refuse_parameters
from apps.users.api import Endpoint
from apps.users.services import person_of


class ExecutionSerializer(ApiModelSerializer[Execution]):
    """One attempt to apply an approved change, or to undo one."""

    left_alone = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Of an undo: the fields that people had changed since, and the records, as `activity:12`,"
        " that they had moved.",
    )

    class Meta:
        model = Execution
        fields: tuple[str, ...] = (
            "id", "tool", "record_kind", "record_id", "status", "error_code", "error_message",
            "approved_by", "approved_at", "started_at", "finished_at", "undoes", "left_alone",
        )  # fmt: skip
        read_only_fields = fields


class WrittenFieldSerializer(serializers.Serializer[Any]):
    """One field that was written, in words."""

    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.CharField(source="before_text")
    after = serializers.CharField(source="after_text")


class ExecutionDetailSerializer(ExecutionSerializer):
    """An attempt with what it wrote."""

    written = serializers.SerializerMethodField()

    class Meta(ExecutionSerializer.Meta):
        fields = (*ExecutionSerializer.Meta.fields, "written")
        read_only_fields = fields

    @extend_schema_field(WrittenFieldSerializer(many=True))
    def get_written(self, execution: Execution) -> Any:
        """Field by field."""
        viewer = person_of(self.context["request"])
        return WrittenFieldSerializer(written_by(execution, viewer), many=True).data


class ExecutionFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list can be filtered by."""

    tool = django_filters.CharFilter()
    status = django_filters.MultipleChoiceFilter(choices=ExecutionStatus.choices)
    record_kind = django_filters.ChoiceFilter(choices=RecordKind.choices)
    record_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    approved_by = django_filters.NumberFilter(
        field_name="approved_by_id", min_value=1, decimal_places=0, help_text="A person's id."
    )
    is_undo = django_filters.BooleanFilter(
        field_name="undoes",
        lookup_expr="isnull",
        exclude=True,
        help_text="Whether it undid another.",
    )
    finished_from = MomentFilter(field_name="finished_at", lookup_expr="gte")
    finished_before = MomentFilter(field_name="finished_at", lookup_expr="lt")


class ExecutionPermission(BasePermission):
    """The person's role includes to see executions, and everybody's records with them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for both."""
        user = person_of(request)
        return user.has_perm("execution.view_execution") and user.sees_all


class ExecutionViewSet(Endpoint, ListModelMixin, GenericViewSet[Execution]):
    """Attempts to apply approved changes, and undos."""

    permission_classes = (IsAuthenticated, ExecutionPermission)
    serializer_class = ExecutionSerializer
    filterset_class = ExecutionFilterSet
    queryset = Execution.objects.all()
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id", "finished_at")
    default_ordering = "-id"

    @extend_schema(responses=ExecutionDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One attempt, and what it wrote."""
        refuse_parameters(request)
        context = self.get_serializer_context()
        return Response(ExecutionDetailSerializer(self.get_object(), context=context).data)
