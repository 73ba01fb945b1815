"""Scans and signals in the API."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.tenants.api import ApiModelSerializer
from apps.triggers import services
from apps.triggers.enums import ScanKind, ScanStatus, Severity
from apps.triggers.models import Scan, ScanTrigger, Signal
from apps.triggers.querysets import SignalQuerySet
from apps.triggers.tasks import run_requested_scan
from apps.users.services import person_of


class ScanTriggerSerializer(ApiModelSerializer[ScanTrigger]):
    """What one trigger found in a scan."""

    class Meta:
        model = ScanTrigger
        fields = ("trigger", "matched", "fired", "refreshed", "cleared", "duration_s", "error")
        read_only_fields = fields


class ScanSerializer(ApiModelSerializer[Scan]):
    """A scan, its progress and what it found."""

    results = ScanTriggerSerializer(many=True, read_only=True)

    class Meta:
        model = Scan
        fields = (
            "id", "kind", "status", "requested_by", "triggers", "stage", "steps_done",
            "steps_total", "queued_at", "started_at", "finished_at", "suggestions_created",
            "suggestions_refreshed", "suggestions_withdrawn", "held_back", "error", "results",
        )  # fmt: skip
        read_only_fields = fields


class ScanFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of scans can be filtered by."""

    kind = django_filters.MultipleChoiceFilter(choices=ScanKind.choices)
    status = django_filters.MultipleChoiceFilter(choices=ScanStatus.choices)


class ScanPermission(BasePermission):
    """The person's role allows to see scans; whether to start one is asked by the service."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm("triggers.view_scan")


class ScanViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Scan]):
    """The ledger of scans."""

    permission_classes = (IsAuthenticated, ScanPermission)
    serializer_class = ScanSerializer
    filterset_class = ScanFilterSet
    queryset = Scan.objects.prefetch_related("results")
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("id",)
    default_ordering = "-id"

    @extend_schema(request=None, responses={202: ScanSerializer})
    def create(self, request: Request) -> Response:
        """Queue a scan of all triggers; one that waits or runs already is joined."""
        with transaction.atomic():
            scan = services.request_scan(user=person_of(request), now=timezone.now())
            transaction.on_commit(lambda: run_requested_scan.delay(scan_id=scan.pk))
        return Response(
            self.get_serializer(scan).data,
            status=202,
            headers={"Location": self.reverse_action("detail", args=[scan.pk])},
        )


class SignalSerializer(ApiModelSerializer[Signal]):
    """A trigger firing for a record."""

    is_firing = serializers.BooleanField(read_only=True)

    class Meta:
        model = Signal
        fields = (
            "id", "trigger", "goal", "record_kind", "record_id", "severity", "facts", "is_firing",
            "fired_at", "refreshed_at", "cleared_at",
        )  # fmt: skip
        read_only_fields = fields


class SignalFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of signals can be filtered by."""

    trigger = django_filters.CharFilter()
    goal = django_filters.MultipleChoiceFilter(choices=Goal.choices)
    severity = django_filters.MultipleChoiceFilter(choices=Severity.choices)
    record_kind = django_filters.ChoiceFilter(choices=RecordKind.choices)
    record_id = django_filters.NumberFilter(min_value=1, decimal_places=0)
    is_firing = django_filters.BooleanFilter(field_name="cleared_at", lookup_expr="isnull")


class SignalPermission(BasePermission):
    """The person's role allows to see signals."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm("triggers.view_signal")


class SignalViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Signal]):
    """Signals of the records that the person may see."""

    permission_classes = (IsAuthenticated, SignalPermission)
    serializer_class = SignalSerializer
    filterset_class = SignalFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("fired_at", "id")
    default_ordering = "-fired_at"

    def get_queryset(self) -> SignalQuerySet:
        """Those, firing and cleared."""
        if getattr(self, "swagger_fake_view", False):
            return Signal.objects.none()
        return Signal.objects.visible_to(person_of(self.request))
