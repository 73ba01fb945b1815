"""Published forecasts in the API."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.predictions.contributions import Contributions, read_contributions
from apps.predictions.enums import ForecastWindow
from apps.predictions.fans import Fan, read_fan
from apps.predictions.forecasts import (
    VIEW_PERMISSION,
    PublishedForecast,
    figures_of,
    read_methods,
)
from apps.predictions.models import Forecast
from apps.predictions.querysets import ForecastQuerySet
from apps.predictions.schemas import MethodRecord
from apps.predictions.targets.reading import read_targets
from apps.predictions.waterfall import Cause, Waterfall, read_waterfall
from apps.tenants.api import ApiModelSerializer, refuse_parameters
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.users.api import Endpoint
from apps.users.services import person_of

_SCOPES = {
    "company": Q(team=None, owner=None),
    "team": Q(team__isnull=False),
    "person": Q(owner__isnull=False),
}
_MONEY: dict[str, Any] = {"max_digits": 20, "decimal_places": 2}


class ForecastPermission(BasePermission):
    """The person's role allows to see forecasts."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(VIEW_PERMISSION)


class ForecastSerializer(ApiModelSerializer[Forecast]):
    """Won revenue of some days as foretold on a day: the company's, where neither team nor owner is named."""

    class Meta:
        model = Forecast
        fields = (
            "id", "window", "team", "owner", "starts_on", "ends_on", "currency", "made_on", "made_at",
            "p10", "p50", "p90", "won_so_far",
        )  # fmt: skip
        read_only_fields = fields


class DealShareSerializer(serializers.Serializer[Any]):
    """What an open deal brought when the forecast was made."""

    deal = serializers.IntegerField(source="deal_id")
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    probability_0_1 = serializers.FloatField(help_text="That it is won within these days.")
    amount = serializers.FloatField()
    expected = serializers.FloatField()


class MethodRecordSerializer(serializers.Serializer[Any]):
    """How a method did on earlier days; null where there is nothing to divide by."""

    method = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    is_ours = serializers.BooleanField(help_text="False: a simple method to hold ours against.")
    is_chosen = serializers.BooleanField(help_text="The one that is shown.")
    mape = serializers.FloatField(allow_null=True, help_text="Of P50, as a share of what was won.")
    pinball = serializers.FloatField(allow_null=True, help_text="In the forecast's currency.")
    coverage_0_1 = serializers.FloatField(
        allow_null=True, help_text="How often what came lay between P10 and P90."
    )


class FanPointSerializer(serializers.Serializer[Any]):
    """Won by the end of a day: the three are one where it is known."""

    day = serializers.DateField()
    p10 = serializers.FloatField()
    p50 = serializers.FloatField()
    p90 = serializers.FloatField()


class ForecastStepSerializer(serializers.Serializer[Any]):
    """How far one cause moved P50."""

    cause = serializers.ChoiceField(Cause.choices)
    amount = serializers.DecimalField(**_MONEY)
    deals = serializers.IntegerField(allow_null=True, help_text="Null: it is not about deals.")


class ForecastChangeSerializer(serializers.Serializer[Any]):
    """What moved P50 since about a week before; the steps add up to `change`."""

    since = serializers.DateField(source="before.made_on")
    before = serializers.DecimalField(source="before.p50", **_MONEY)
    change = serializers.DecimalField(**_MONEY)
    steps = ForecastStepSerializer(many=True)


class ForecastDetailSerializer(serializers.Serializer[Any]):
    """A forecast with what stands behind it, as far as you may see it."""

    forecast = ForecastSerializer(source="published.row")
    target = serializers.DecimalField(
        allow_null=True,
        help_text="The present one of these days; null where none is set.",
        **_MONEY,
    )
    method = serializers.CharField(source="published.figures.method_label")
    chosen_because = serializers.CharField(source="published.figures.chosen_because")
    cutoffs = serializers.IntegerField(
        source="published.figures.cutoffs", help_text="Earlier days that the methods were tried on."
    )
    open_deals = serializers.FloatField(
        source="published.figures.open_deals", help_text="Expected of open deals."
    )
    new_business = serializers.FloatField(
        source="published.figures.new_business", help_text="Expected of what is no deal yet."
    )
    remarks = serializers.ListField(
        source="published.figures.remarks",
        child=serializers.CharField(),
        help_text="What was left out or mended.",
    )
    methods = MethodRecordSerializer(many=True)
    fan = FanPointSerializer(many=True, source="fan.points")
    deals = DealShareSerializer(
        many=True, source="contributions.shares", help_text="The largest first."
    )
    hidden_deals = serializers.IntegerField(
        source="contributions.hidden_count", help_text="Deals that you may not see."
    )
    hidden_expected = serializers.FloatField(
        source="contributions.hidden_expected", help_text="What is expected of them together."
    )
    moved = ForecastChangeSerializer(allow_null=True, help_text="Null: not foretold a week before.")


@dataclass(frozen=True, slots=True)
class _Detail:
    """What ``ForecastDetailSerializer`` tells."""

    published: PublishedForecast
    target: Decimal | None
    methods: tuple[MethodRecord, ...]
    fan: Fan
    contributions: Contributions
    moved: Waterfall | None


class ForecastFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of forecasts can be filtered by."""

    window = django_filters.MultipleChoiceFilter(choices=ForecastWindow.choices)
    scope = django_filters.ChoiceFilter(
        choices=[(name, name) for name in _SCOPES], method="filter_scope"
    )
    team = django_filters.NumberFilter(field_name="team_id", min_value=1, decimal_places=0)
    owner = django_filters.NumberFilter(field_name="owner_id", min_value=1, decimal_places=0)
    currency = django_filters.CharFilter(max_length=3)
    made_on = django_filters.DateFilter()
    made_from = django_filters.DateFilter(field_name="made_on", lookup_expr="gte")
    made_until = django_filters.DateFilter(field_name="made_on", lookup_expr="lte")

    def filter_scope(self, rows: QuerySet[Forecast], name: str, value: str) -> QuerySet[Forecast]:
        """Those of the company, of teams or of people."""
        return rows.filter(_SCOPES[value])


class ForecastViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[Forecast]):
    """What was foretold, day by day."""

    permission_classes = (IsAuthenticated, ForecastPermission)
    serializer_class = ForecastSerializer
    filterset_class = ForecastFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("made_on", "id")
    default_ordering = "-made_on"

    def get_queryset(self) -> ForecastQuerySet:
        """Those that the person may see.

        Raises:
            ModuleOffError: predictions are off.
        """
        if getattr(self, "swagger_fake_view", False):
            return Forecast.objects.none()
        require_module(Module.PREDICTIONS)
        rows = Forecast.objects.visible_to(person_of(self.request))
        return rows.defer("figures") if self.action == "list" else rows

    @extend_schema(responses=ForecastDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One forecast with what stands behind it. Deals that you may not see are told as a sum."""
        refuse_parameters(request)
        row = self.get_object()
        published = PublishedForecast(row, figures_of(row))
        targets = read_targets(published.scope, row.starts_on, row.ends_on)
        detail = _Detail(
            published=published,
            target=targets.get(row.currency),
            methods=read_methods(published),
            fan=read_fan(published),
            contributions=read_contributions(published.figures, person_of(request)),
            moved=read_waterfall(published),
        )
        return Response(ForecastDetailSerializer(detail).data)
