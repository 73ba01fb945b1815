"""The digest in the API: what the person's mail would say today."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.suggestions.api import SuggestionPermission
from apps.suggestions.digest.composing import compose
from apps.suggestions.digest.links import origin_of
from apps.tenants.api import refuse_parameters
from apps.tenants.services import current_tenant
from apps.users.api import Endpoint
from apps.users.services import person_of


class DigestRowSerializer(serializers.Serializer[Any]):
    """One line."""

    text = serializers.CharField()
    note = serializers.CharField()
    group = serializers.CharField(help_text="What it stands under; empty where there is nothing.")
    url = serializers.URLField(help_text="A page to open; a look at it decides nothing.")


class DigestPartSerializer(serializers.Serializer[Any]):
    """A section that has something to tell."""

    key = serializers.CharField()
    title = serializers.CharField()
    rows = DigestRowSerializer(many=True)
    more = serializers.CharField(help_text="How much is not shown, in words; empty: all is.")
    url = serializers.URLField(help_text="The page that shows all.")


class DigestSerializer(serializers.Serializer[Any]):
    """What the mail says; without parts none is sent."""

    day = serializers.CharField()
    subject = serializers.CharField()
    parts = DigestPartSerializer(many=True)


class DigestViewSet(Endpoint, ViewSet):
    """The person's own digest of today, of which there is one."""

    permission_classes = (IsAuthenticated, SuggestionPermission)

    @extend_schema(responses=DigestSerializer)
    def retrieve(self, request: Request) -> Response:
        """What your digest would say now, in your time zone. Reading it sends nothing."""
        refuse_parameters(request)
        tenant = current_tenant()
        digest, origin = compose(person_of(request), tenant, timezone.now()), origin_of(tenant)
        parts = [
            {
                "key": part.key,
                "title": part.title,
                "rows": [
                    {
                        "text": row.text,
                        "note": row.note,
                        "group": group.title,
                        "url": origin + row.path,
                    }
                    for group in part.groups
                    for row in group.rows
                ],
                "more": part.more,
                "url": origin + part.path,
            }
            for part in digest.parts
        ]
        told = {"day": digest.day, "subject": digest.subject, "parts": parts}
        return Response(DigestSerializer(told).data)
