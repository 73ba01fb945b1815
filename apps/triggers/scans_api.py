"""The ledger of scans, and asking for one, in the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.crm.enums import RecordKind
from apps.tenants.api import (
    ApiModelSerializer,
    StrictSerializer,
)
from apps.tenants.services import current_tenant
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.estimates import ScanPlan, plan_scan
from apps.triggers.exceptions import EmptyScopeError
from apps.triggers.ledger import cancel_scan, request_scan
from apps.triggers.models import Scan, ScanTrigger
from apps.triggers.scopes import MOST_RECORDS, SCANNED, ScanScope, scope_of_records
from apps.triggers.tasks import send_scan
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.models import User
from apps.users.services import person_of


class ScanTriggerSerializer(ApiModelSerializer[ScanTrigger]):
    """What one trigger found in a scan."""

    class Meta:
        model = ScanTrigger
        fields = ("trigger", "matched", "fired", "refreshed", "cleared", "duration_s", "error")
        read_only_fields = fields


class ScanSerializer(ApiModelSerializer[Scan]):
    """A scan, its progress and what it found."""

    scope_kind = serializers.SerializerMethodField(
        help_text="Of which records it is; null where it is of everything."
    )
    scope_count = serializers.SerializerMethodField(
        help_text="How many records it is of; null where it is of everything."
    )
    results = ScanTriggerSerializer(many=True, read_only=True)

    class Meta:
        model = Scan
        fields = (
            "id", "kind", "status", "requested_by", "scope_kind", "scope_count", "triggers",
            "stage", "steps_done", "steps_total", "queued_at", "started_at", "finished_at",
            "suggestions_created", "suggestions_refreshed", "suggestions_withdrawn", "held_back",
            "signals_waiting", "error", "results",
        )  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(RecordKind.choices, allow_null=True))
    def get_scope_kind(self, scan: Scan) -> str | None:
        """Of which records it is."""
        return scan.scope_kind or None

    def get_scope_count(self, scan: Scan) -> int | None:
        """How many records it is of."""
        return len(scan.scope_ids) if scan.scope_kind else None


class ScanRequestSerializer(StrictSerializer):
    """What to scan: records of a kind, with what hangs on them; without any, everything."""

    record_kind = serializers.ChoiceField(
        [(kind.value, kind.label) for kind in SCANNED], required=False
    )
    record_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        allow_empty=False,
        max_length=MOST_RECORDS,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The two go together."""
        if ("record_kind" in attrs) != ("record_ids" in attrs):
            raise serializers.ValidationError("record_kind and record_ids go together.")
        return attrs

    def scope(self, user: User) -> ScanScope | None:
        """Those of them that the person may see; None for everything.

        Raises:
            ValidationError: they may see none.
        """
        wanted = self.validated_data
        if not wanted:
            return None
        try:
            return scope_of_records(user, RecordKind(wanted["record_kind"]), wanted["record_ids"])
        except EmptyScopeError as error:
            raise serializers.ValidationError({"record_ids": [error.message]}) from error


class ScanEstimateSerializer(serializers.Serializer[Any]):
    """What a scan would bring and cost; null while there is nothing to tell it from."""

    suggestions = serializers.IntegerField(allow_null=True)
    usd = serializers.DecimalField(max_digits=16, decimal_places=6, allow_null=True)
    usd_left = serializers.DecimalField(
        max_digits=16, decimal_places=6, help_text="Of the month's hard limit."
    )


class QueuedScanSerializer(ScanSerializer):
    """A scan that was asked for, and what it may cost."""

    estimate = serializers.SerializerMethodField(
        help_text="Null while the built-in rules write, which cost nothing."
    )
    records = serializers.SerializerMethodField(help_text="How many records it looks at.")
    seconds = serializers.SerializerMethodField(
        help_text="About how long it takes; null before the first scan."
    )

    class Meta:
        model = Scan
        fields = (*ScanSerializer.Meta.fields, "records", "seconds", "estimate")
        read_only_fields = fields

    @extend_schema_field(ScanEstimateSerializer(allow_null=True))
    def get_estimate(self, scan: Scan) -> Any:
        """What the scan may cost."""
        cost = self._plan.cost
        return ScanEstimateSerializer(cost).data if cost else None

    def get_records(self, scan: Scan) -> int:
        """How many records it looks at."""
        return self._plan.records

    def get_seconds(self, scan: Scan) -> float | None:
        """About how long it takes."""
        return self._plan.seconds

    @property
    def _plan(self) -> ScanPlan:
        plan: ScanPlan = self.context["plan"]
        return plan


class ScanFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of scans can be filtered by."""

    kind = django_filters.MultipleChoiceFilter(choices=ScanKind.choices)
    status = django_filters.MultipleChoiceFilter(choices=ScanStatus.choices)


class ScanPermission(BasePermission):
    """The person's role allows to see scans; whether to start one is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm("triggers.view_scan")


class ScanViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[Scan]):
    """The ledger of scans."""

    write_scope = Scope.SCANS_START
    permission_classes = (IsAuthenticated, ScanPermission)
    serializer_class = ScanSerializer
    filterset_class = ScanFilterSet
    queryset = Scan.objects.prefetch_related("results")
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"

    @extend_schema(request=ScanRequestSerializer, responses={202: QueuedScanSerializer})
    def create(self, request: Request) -> Response:
        """Queue a scan of everything or of some records; one that waits and does the same is joined."""
        user, now = person_of(request), timezone.now()
        wanted = ScanRequestSerializer(data=request.data or {})
        wanted.is_valid(raise_exception=True)
        with transaction.atomic():
            scope = wanted.scope(user)
            scan = request_scan(user=user, now=now, scope=scope)
            send_scan(scan)
        plan = plan_scan(current_tenant(), now, scope)
        return Response(
            QueuedScanSerializer(scan, context={"plan": plan}).data,
            status=202,
            headers={"Location": self.reverse_action("detail", args=[scan.pk])},
        )

    @extend_schema(request=None, responses=ScanSerializer)
    @action(methods=["post"], detail=True)
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop a manual scan that waits or runs, after the trigger at hand; what it has found stays."""
        scan = self.get_object()
        cancel_scan(scan, user=person_of(request), now=timezone.now())
        return Response(ScanSerializer(self.get_object()).data)
