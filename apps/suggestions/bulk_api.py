"""Bulk approvals in the API: one yes to many suggestions of one low-risk tool, and what became of each."""

from __future__ import annotations

from collections import Counter

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Origin
from apps.suggestions import services
from apps.suggestions.api import SuggestionPermission
from apps.suggestions.enums import Outcome
from apps.suggestions.models import BulkApproval, BulkItem
from apps.suggestions.querysets import BulkApprovalQuerySet
from apps.suggestions.services.bulk import Chosen
from apps.suggestions.tasks import send_bulk
from apps.tenants.api import (
    ApiModelSerializer,
    StrictSerializer,
    UtcDateTimeField,
    refuse_parameters,
)
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of


class BulkItemSerializer(ApiModelSerializer[BulkItem]):
    """What became of one suggestion."""

    class Meta:
        model = BulkItem
        fields = ("suggestion", "seen_at", "outcome", "code", "message", "done_at")
        read_only_fields = fields


class BulkApprovalSerializer(ApiModelSerializer[BulkApproval]):
    """A bulk approval, how far it is, and what became of each suggestion."""

    waiting = serializers.SerializerMethodField()
    applied = serializers.SerializerMethodField()
    failed = serializers.SerializerMethodField()
    items = BulkItemSerializer(many=True, read_only=True)

    class Meta:
        model = BulkApproval
        fields = (
            "id", "tool", "requested_by", "requested_at", "finished_at", "origin", "waiting",
            "applied", "failed", "items",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField())
    def get_waiting(self, bulk: BulkApproval) -> int:
        """How many wait."""
        return _counts(bulk)[Outcome.WAITING]

    @extend_schema_field(serializers.IntegerField())
    def get_applied(self, bulk: BulkApproval) -> int:
        """How many were applied."""
        return _counts(bulk)[Outcome.APPLIED]

    @extend_schema_field(serializers.IntegerField())
    def get_failed(self, bulk: BulkApproval) -> int:
        """How many were not applied."""
        return _counts(bulk)[Outcome.FAILED]


class ChosenSerializer(StrictSerializer):
    """A suggestion, and what was looked at."""

    suggestion = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    seen_at = UtcDateTimeField(help_text="The `refreshed_at` that you read.")


class BulkRequestSerializer(StrictSerializer):
    """The suggestions, 1 to 1,000 of one tool of low risk."""

    items = ChosenSerializer(many=True)


class BulkApprovalViewSet(Endpoint, GenericViewSet[BulkApproval]):
    """Approving many suggestions at once."""

    write_scope = Scope.SUGGESTIONS_DECIDE
    permission_classes = (IsAuthenticated, SuggestionPermission)
    serializer_class = BulkApprovalSerializer
    lookup_value_regex = "[0-9]{1,18}"
    filterset_class = None

    def get_queryset(self) -> BulkApprovalQuerySet:
        """The person's own; a manager's: all."""
        if getattr(self, "swagger_fake_view", False):
            return BulkApproval.objects.none()
        return BulkApproval.objects.visible_to(person_of(self.request)).prefetch_related("items")

    @extend_schema(request=BulkRequestSerializer, responses={202: BulkApprovalSerializer})
    def create(self, request: Request) -> Response:
        """Approve them, in your name: all are taken or none, and each is applied by itself."""
        services.require_decider(person_of(request), Origin.API)
        bulk = services.request_bulk(
            user=person_of(request),
            items=self._read(),
            now=timezone.now(),
            origin=Origin.API,
        )
        return self._send(bulk)

    def retrieve(self, request: Request, pk: str) -> Response:
        """How far it is, and what became of each."""
        refuse_parameters(request)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=BulkRequestSerializer, responses={202: BulkApprovalSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Try some of those that failed again, as you have read them since."""
        user = person_of(request)
        services.require_decider(user, Origin.API)
        bulk = services.find_bulk(user, int(pk), Origin.API)
        again = services.retry_bulk(
            user=user,
            bulk_id=bulk.pk,
            items=self._read(),
            now=timezone.now(),
            origin=Origin.API,
        )
        return self._send(again)

    def _read(self) -> list[Chosen]:
        refuse_parameters(self.request)
        serializer = BulkRequestSerializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return [(row["suggestion"], row["seen_at"]) for row in serializer.validated_data["items"]]

    def _send(self, bulk: BulkApproval) -> Response:
        send_bulk(bulk)
        return Response(
            self.get_serializer(bulk).data,
            status=202,
            headers={"Location": self.reverse_action("detail", args=[bulk.pk])},
        )


def _counts(bulk: BulkApproval) -> Counter[str]:
    """The items by outcome, from those that were read with it."""
    return Counter(item.outcome for item in bulk.items.all())
