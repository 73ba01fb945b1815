"""What the language model costs, in the API."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.suggestions.costs import VIEW_PERMISSION, read_costs
from apps.tenants.api import refuse_parameters
from apps.tenants.services import current_tenant
from apps.users.api import Endpoint
from apps.users.services import person_of

_MONTH = "month"


class DollarsField(serializers.DecimalField):
    """US dollars, to the millionth."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=16, decimal_places=6, **options)


class LimitsSerializer(serializers.Serializer[Any]):
    """What a month may cost."""

    soft_usd = serializers.DecimalField(max_digits=10, decimal_places=2)
    hard_usd = serializers.DecimalField(max_digits=10, decimal_places=2)
    soft_tokens = serializers.IntegerField()
    hard_tokens = serializers.IntegerField()


class StandingSerializer(serializers.Serializer[Any]):
    """The present month against its limits."""

    month = serializers.DateField()
    tokens_spent = serializers.IntegerField()
    tokens_reserved = serializers.IntegerField(help_text="Set aside for calls under way.")
    usd_spent = DollarsField()
    usd_reserved = DollarsField()
    share_0_1 = serializers.FloatField(help_text="Of the hard limit that is nearer.")
    limits = LimitsSerializer()


class MonthCostSerializer(serializers.Serializer[Any]):
    """What a month has cost."""

    begins_on = serializers.DateField()
    tokens = serializers.IntegerField()
    usd = DollarsField()
    tokens_reserved = serializers.IntegerField()
    usd_reserved = DollarsField()


class WrittenSerializer(serializers.Serializer[Any]):
    """Calls and what they wrote."""

    name = serializers.CharField(help_text="The model, or the goal in words.")
    calls = serializers.IntegerField()
    tokens = serializers.IntegerField()
    usd = DollarsField()
    suggestions = serializers.IntegerField()
    approved = serializers.IntegerField()
    usd_per_suggestion = DollarsField(allow_null=True)
    usd_per_approved = DollarsField(allow_null=True)


class TroubleSerializer(serializers.Serializer[Any]):
    """Calls whose answer did not become a suggestion, by kind and code."""

    kind = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()
    count = serializers.IntegerField()
    usd = DollarsField()


class CostsSerializer(serializers.Serializer[Any]):
    """The present month against its limits, the months before, and one month in detail."""

    month = serializers.DateField(help_text="The month of `models`, `goals` and `troubles`.")
    now = StandingSerializer()
    months = MonthCostSerializer(many=True)
    models = WrittenSerializer(many=True)
    goals = WrittenSerializer(many=True)
    troubles = TroubleSerializer(many=True)
    total = WrittenSerializer()
    without_suggestion_usd = DollarsField()


class CostPermission(BasePermission):
    """The person's role allows to see what the Brain costs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


class CostViewSet(Endpoint, ViewSet):
    """What the language model costs."""

    permission_classes = (IsAuthenticated, CostPermission)

    @extend_schema(
        responses=CostsSerializer,
        parameters=[
            OpenApiParameter(
                _MONTH, str, description="As in 2026-11; the present one when left out."
            )
        ],
    )
    def retrieve(self, request: Request) -> Response:
        """What the language model costs: by month, and one month by model, goal and what went wrong."""
        costs = read_costs(current_tenant(), _asked(request), timezone.now())
        return Response(CostsSerializer(costs).data)


def _asked(request: Request) -> date | None:
    text = request.query_params.get(_MONTH)
    if text is None or set(request.query_params) != {_MONTH}:
        refuse_parameters(request)
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise ValidationError({_MONTH: ["A month such as 2026-11."]}) from error
