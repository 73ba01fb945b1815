"""The feed of suggestions in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.audit.models import AuditEntry
from apps.crm.api.changes import FeedQuerySerializer, feed_answer
from apps.suggestions.api import SuggestionPermission
from apps.suggestions.feed import read_events
from apps.tenants.api import PAGE_SIZE, ApiModelSerializer
from apps.users.api import Endpoint
from apps.users.services import person_of


class SuggestionEventSerializer(ApiModelSerializer[AuditEntry]):
    """One thing that happened to a suggestion; how it stands now is read from the suggestion."""

    event = serializers.CharField(
        read_only=True, help_text="As in the audit log, such as `suggestion.approved`."
    )

    class Meta:
        model = AuditEntry
        fields = (
            "id", "event", "suggestion_id", "execution_id", "record_kind", "record_id",
            "occurred_at", "actor_id", "actor_name", "origin", "request_id",
        )  # fmt: skip
        read_only_fields = fields


class SuggestionEventPageSerializer(serializers.Serializer[Any]):
    """Some events, in the order of their transactions."""

    next = serializers.URLField(help_text="What comes after; to be kept and asked again later.")
    has_more = serializers.BooleanField(help_text="Whether something comes after by now.")
    results = SuggestionEventSerializer(many=True)


class SuggestionEventViewSet(Endpoint, ViewSet):
    """What happens to suggestions."""

    permission_classes = (IsAuthenticated, SuggestionPermission)

    @extend_schema(
        parameters=[FeedQuerySerializer],
        responses=forced_singular_serializer(SuggestionEventPageSerializer),  # type: ignore[no-untyped-call]
    )
    def list(self, request: Request) -> Response:
        """What happened to suggestions that you see: each event once, in order, none left out."""
        query = FeedQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        limit = query.validated_data[PAGE_SIZE]
        page = read_events(person_of(request), query.place(), limit=limit)
        return feed_answer(
            request,
            goes_on_at=page.next_place,
            has_more=page.has_more,
            results=SuggestionEventSerializer(page.events, many=True).data,
        )
