"""The tools in the API: what may be proposed, with what arguments."""

from __future__ import annotations

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.crm.enums import RecordKind
from apps.execution.descriptions import describe
from apps.execution.enums import Risk
from apps.execution.tools import registry
from apps.tenants.api import refuse_parameters
from apps.users.api import Endpoint
from apps.users.services import person_of


class ToolSerializer(serializers.Serializer[Any]):
    """A tool: what it writes, what it costs to be wrong, and how it is undone."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    subject_kinds = serializers.ListField(
        child=serializers.ChoiceField(RecordKind.choices), help_text="What it may be about."
    )
    is_creation = serializers.BooleanField(
        help_text="Whether it makes a record; else it changes the one that it is about."
    )
    permissions = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="By kind of record that it is about: what the approver's role must include.",
    )
    risk = serializers.ChoiceField(Risk.choices)
    touched_fields = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="By kind of record that it changes or makes: the fields that it may write.",
    )
    guard_fields = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="By kind of record: what must not have changed since the change was shown.",
    )
    consequences = serializers.CharField(help_text="What else happens.")
    is_partial = serializers.BooleanField(
        help_text="Whether a person may accept some of the fields and leave out others."
    )
    together = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Fields that are accepted or left out as one.",
    )
    is_reversible = serializers.BooleanField()
    undo = serializers.CharField(help_text="What an undo does, or why there is none.")
    schema = serializers.DictField(
        child=serializers.JSONField(), help_text="The JSON schema of its arguments."
    )


class ToolPageSerializer(serializers.Serializer[Any]):
    """All tools, in the shape of every list."""

    next = serializers.CharField(allow_null=True, help_text="Null: there is but one page.")
    results = ToolSerializer(many=True)


class ToolPermission(BasePermission):
    """Who may look at suggestions may know what could be suggested."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm("suggestions.view_suggestion")


class ToolViewSet(Endpoint, ViewSet):
    """The tools of the product; the same in every company, and read only."""

    permission_classes = (IsAuthenticated, ToolPermission)
    lookup_field = "key"
    lookup_value_regex = "[a-z0-9_]{1,60}"

    @extend_schema(responses=forced_singular_serializer(ToolPageSerializer))  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        """Every tool by key; all on one page."""
        refuse_parameters(request)
        tools = ToolSerializer([describe(tool) for tool in registry.all()], many=True)
        return Response({"next": None, "results": tools.data})

    @extend_schema(responses=ToolSerializer)
    def retrieve(self, request: Request, key: str) -> Response:
        """One tool."""
        refuse_parameters(request)
        if key not in registry:
            raise NotFound("There is no such tool.")
        return Response(ToolSerializer(describe(registry.get(key))).data)
