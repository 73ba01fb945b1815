"""The Brain in the API: its settings and its log of calls."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from apps.audit.enums import Origin
from apps.brain.enums import CallOutcome, FallBack, Provider
from apps.brain.exceptions import SettingsChangedError
from apps.brain.models import BrainCall, BrainSettings
from apps.brain.settings import (
    LONGEST_ADDRESS,
    LONGEST_KEY,
    NAMES,
    VIEW_PERMISSION,
    change_settings,
    read_settings,
)
from apps.crm.api.preconditions import read_precondition
from apps.crm.exceptions import RecordConflictError
from apps.tenants.api import ApiModelSerializer, MomentFilter, StrictSerializer, refuse_parameters
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of

_IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that was read: settings that have changed since are left alone (412).",
)
_ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="The revision."
)


class BrainSettingsSerializer(StrictSerializer, ApiModelSerializer[BrainSettings]):
    """How the Brain is set. The key is written and never read."""

    base_url = serializers.CharField(
        max_length=LONGEST_ADDRESS,
        allow_blank=True,
        required=False,
        help_text="Empty for the operator's. Another address asks for the key anew.",
    )
    has_key = serializers.SerializerMethodField(help_text="Whether a key of your own is stored.")
    new_key = serializers.CharField(
        write_only=True,
        required=False,
        max_length=LONGEST_KEY,
        help_text="Takes the place of the stored key.",
    )
    removes_key = serializers.BooleanField(
        write_only=True, required=False, help_text="True removes the stored key."
    )

    class Meta:
        model = BrainSettings
        fields = (*NAMES, "has_key", "key_ends_in", "new_key", "removes_key", "revision")
        read_only_fields = ("key_ends_in", "revision")

    def get_has_key(self, row: BrainSettings) -> bool:
        """Whether a key of one's own is stored."""
        return bool(row.sealed_key)


class BrainSettingsPermission(BasePermission):
    """The person's role allows to see the settings; whether to change them is asked by the use case."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


class BrainSettingsViewSet(Endpoint, ViewSet):
    """The Brain's settings, of which there is one set."""

    write_scope = Scope.SETTINGS_WRITE
    permission_classes = (IsAuthenticated, BrainSettingsPermission)

    @extend_schema(responses=BrainSettingsSerializer, parameters=[_ETAG])
    def retrieve(self, request: Request) -> Response:
        """How the Brain is set. Its ETag is for ``If-Match``."""
        refuse_parameters(request)
        return _answer(read_settings())

    @extend_schema(
        request=BrainSettingsSerializer,
        responses=BrainSettingsSerializer,
        parameters=[_IF_MATCH, _ETAG],
    )
    def partial_update(self, request: Request) -> Response:
        """Change what is named and leave the rest; for administrators."""
        refuse_parameters(request)
        serializer = BrainSettingsSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        values = dict(serializer.validated_data)
        change = change_settings(
            user=person_of(request),
            new_key=values.pop("new_key", ""),
            removes_key=values.pop("removes_key", False),
            values=values,
            revision_read=_revision_read(request),
            origin=Origin.API,
        )
        return _answer(change.settings)


class BrainCallSerializer(ApiModelSerializer[BrainCall]):
    """One call; never prompt or answer."""

    fell_back_because = serializers.ChoiceField(
        choices=[("", "No"), *FallBack.choices], read_only=True, help_text="Empty when it did not."
    )

    class Meta:
        model = BrainCall
        fields = (
            "id", "called_at", "provider", "model", "mode", "prompt_version", "prompt_hash",
            "tasks_count", "proposals_count", "tokens_in", "tokens_cached", "tokens_out", "cost_usd",
            "latency_ms", "retries", "outcome", "error_code", "fell_back_because", "dropped_code",
        )  # fmt: skip
        read_only_fields = fields


class BrainCallFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of calls can be filtered by."""

    provider = django_filters.MultipleChoiceFilter(choices=Provider.choices)
    outcome = django_filters.MultipleChoiceFilter(choices=CallOutcome.choices)
    fell_back_because = django_filters.MultipleChoiceFilter(choices=FallBack.choices)
    called_from = MomentFilter(field_name="called_at", lookup_expr="gte")
    called_before = MomentFilter(field_name="called_at", lookup_expr="lt")


class BrainCallPermission(BasePermission):
    """The person's role allows to look at the calls."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm("brain.view_braincall")


class BrainCallViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[BrainCall]):
    """The log of calls: who answered, what it cost, what came of it."""

    permission_classes = (IsAuthenticated, BrainCallPermission)
    serializer_class = BrainCallSerializer
    filterset_class = BrainCallFilterSet
    queryset = BrainCall.objects.all()
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id", "called_at")
    default_ordering = "-id"


def _answer(row: BrainSettings) -> Response:
    return Response(BrainSettingsSerializer(row).data, headers={"ETag": f'"{row.revision}"'})


def _revision_read(request: Request) -> int | None:
    """The revision that ``If-Match`` names, None without one; settings always exist, as ``*`` asks."""
    try:
        return read_precondition(request).revision
    except RecordConflictError as error:
        raise SettingsChangedError(read_settings().revision) from error
