"""What was discovered, in the API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.viewsets import ViewSet

from apps.crm.enums import RecordKind
from apps.crm.forms.filters import ME, NOBODY
from apps.suggestions.discoveries.asked import Asked, Order
from apps.suggestions.discoveries.looking import seen_until
from apps.suggestions.discoveries.reading import DiscoveredRecords, summarise
from apps.tenants.api import PAGE_SIZE, StrictSerializer, UtcDateTimeField
from apps.tenants.pagination import FURTHEST_ROW
from apps.triggers.api import SignalPermission
from apps.triggers.enums import Discovery, Severity
from apps.users.api import Endpoint
from apps.users.models import User
from apps.users.services import person_of

_MOST_RECORDS = 200
_PAGE = "page"
_LARGEST_ID = 2**63 - 1
_ORDERS = {order.value or "strongest": order for order in Order}


class DiscoveryQuerySerializer(StrictSerializer):
    """Whose records, and which of them."""

    unknown_member = "There is no such parameter."

    discovery = serializers.ChoiceField(Discovery.choices, required=False)
    owner = serializers.RegexField(
        rf"^({ME}|{NOBODY}|[0-9]{{1,18}})$",
        required=False,
        help_text="`me`, `nobody`, or the id of a person.",
    )
    team = serializers.IntegerField(required=False, min_value=1, max_value=_LARGEST_ID)
    search = serializers.CharField(
        required=False, max_length=200, help_text="Every word occurs in a name or address."
    )
    only_new = serializers.BooleanField(
        default=False, help_text="Found since your last look at the page."
    )
    order = serializers.ChoiceField([*_ORDERS], default="strongest")
    page = serializers.IntegerField(default=1, min_value=1, max_value=FURTHEST_ROW)
    page_size = serializers.IntegerField(default=50, min_value=1, max_value=_MOST_RECORDS)

    def asked(self, person: User) -> Asked:
        """What is asked for."""
        wanted, now = self.validated_data, timezone.now()
        return Asked(
            person=person,
            now=now,
            seen_until=seen_until(person, now),
            text=wanted.get("search", ""),
            owner=wanted.get("owner", ""),
            team=str(wanted.get("team", "")),
            discovery=Discovery(wanted["discovery"]) if "discovery" in wanted else None,
            only_new=wanted["only_new"],
            order=_ORDERS[wanted["order"]],
        )


class ValueAtStakeSerializer(serializers.Serializer[Any]):
    """Money of one currency."""

    currency = serializers.CharField()
    amount = serializers.DecimalField(max_digits=20, decimal_places=2)


class FoundSerializer(serializers.Serializer[Any]):
    """How many records have something of a kind."""

    discovery = serializers.ChoiceField(
        Discovery.choices, allow_null=True, help_text="Null: of any kind."
    )
    records = serializers.IntegerField()
    new = serializers.IntegerField(help_text="Found since your last look at the page.")
    found_this_week = serializers.IntegerField(
        source="late", help_text="Within seven days; what has cleared since included."
    )
    found_the_week_before = serializers.IntegerField(source="early")
    worth = ValueAtStakeSerializer(
        many=True, help_text="What is at stake, each deal once; the largest sum first."
    )


class FindingSerializer(serializers.Serializer[Any]):
    """One thing that was found about a record."""

    signal = serializers.IntegerField(source="signal.pk")
    trigger = serializers.CharField(source="signal.trigger")
    discovery = serializers.ChoiceField(Discovery.choices)
    severity = serializers.ChoiceField(Severity.choices, source="signal.severity")
    label = serializers.CharField(help_text="What it is, in words.")  # type: ignore[assignment]
    words = serializers.CharField(help_text="What was seen, in words; may be empty.")
    found_at = UtcDateTimeField(source="signal.fired_at")
    is_new = serializers.BooleanField()
    suggestion = serializers.IntegerField(
        source="standing.suggestion.pk",
        default=None,
        allow_null=True,
        help_text="The open suggestion, as far as you may see it.",
    )
    note = serializers.CharField(
        source="standing.note",
        help_text="Why there is no suggestion, or why it does not wait in the queue; empty where it does.",
    )


class DiscoveredRecordSerializer(serializers.Serializer[Any]):
    """A record with all that was found about it, the strongest first."""

    record_kind = serializers.ChoiceField(RecordKind.choices, source="record.kind")
    record_id = serializers.IntegerField(source="record.pk")
    name = serializers.CharField(source="record")
    owner = serializers.IntegerField(source="record.owner_id", allow_null=True)
    worth = ValueAtStakeSerializer(
        allow_null=True, help_text="In the currency that weighs most; null where nothing is known."
    )
    found_at = UtcDateTimeField(help_text="When the first of it was found.")
    is_new = serializers.BooleanField()
    findings = FindingSerializer(many=True)


class DiscoverySummarySerializer(serializers.Serializer[Any]):
    """The six kinds and all together, of the people and words asked for."""

    all = FoundSerializer()
    kinds = FoundSerializer(many=True)
    has_trend = serializers.BooleanField(
        help_text="False until the company has been looked at for longer than a week."
    )


class DiscoveryPageSerializer(serializers.Serializer[Any]):
    """A page of records, and the summary."""

    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
    count = serializers.IntegerField(help_text="Records that fit what is asked.")
    summary = DiscoverySummarySerializer()
    results = DiscoveredRecordSerializer(many=True)


class DiscoveryViewSet(Endpoint, ViewSet):
    """What was discovered."""

    permission_classes = (IsAuthenticated, SignalPermission)

    @extend_schema(
        parameters=[DiscoveryQuerySerializer],
        responses=forced_singular_serializer(DiscoveryPageSerializer),  # type: ignore[no-untyped-call]
    )
    def list(self, request: Request) -> Response:
        """Records that you see with what was found about them, one for each, and the numbers by kind."""
        query = DiscoveryQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.asked(person_of(request))
        page, size = query.validated_data[_PAGE], query.validated_data[PAGE_SIZE]
        first, last = (page - 1) * size, page * size
        summary = summarise(asked)
        following = None
        if last < min(summary.fitting, FURTHEST_ROW):
            following = replace_query_param(request.build_absolute_uri(), _PAGE, page + 1)
        answer = DiscoveryPageSerializer(
            {
                "next": following,
                "count": summary.fitting,
                "summary": summary,
                "results": DiscoveredRecords(asked)[first:last],
            }
        )
        return Response(answer.data)
