"""The figures of the first page, in the API."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from apps.dashboard.asked import DEFAULT_DAYS, PERIODS_DAYS, Asked, offered_scopes
from apps.dashboard.conversion import window_days
from apps.dashboard.enums import Direction, Scope
from apps.dashboard.reading import DEALS_PERMISSION, Dashboard, read_dashboard
from apps.tenants.api import UtcDateTimeField, refuse_parameters
from apps.users.api import Endpoint
from apps.users.models import User
from apps.users.services import person_of

_PARAMETERS = {"scope", "days"}


class MoneyField(serializers.DecimalField):
    """Money of one currency; the currency stands beside it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=20, decimal_places=2, **options)

    def to_representation(self, value: Decimal) -> str:
        """To the cent, however many digits an average has."""
        return f"{value:.2f}"


class StageSumSerializer(serializers.Serializer[Any]):
    """Open deals of one stage."""

    stage = serializers.CharField(source="stage.key")
    count = serializers.IntegerField()
    amount = MoneyField()
    unvalued = serializers.IntegerField(help_text="Deals without an amount.")


class CoverageSerializer(serializers.Serializer[Any]):
    """What should still be won in this quarter, against its target or the last one's same part."""

    closing_count = serializers.IntegerField(
        help_text="Open deals that should close from today on."
    )
    closing_amount = MoneyField()
    overdue_count = serializers.IntegerField(help_text="Open deals past their close date.")
    overdue_amount = MoneyField()
    same_part_amount = MoneyField(help_text="Won in the last quarter from the same day to its end.")
    target_amount = MoneyField(allow_null=True, help_text="Null where no target is set.")
    to_win_amount = MoneyField(
        help_text="The target less what was won so far; without a target `same_part_amount`."
    )
    ratio = serializers.FloatField(
        allow_null=True, help_text="`closing_amount` as times of `to_win_amount`."
    )
    won_so_far_amount = MoneyField(help_text="Won in this quarter.")
    won_by_then_amount = MoneyField(help_text="Won in the last one, up to the same day.")


class ClosingsSerializer(serializers.Serializer[Any]):
    """Deals won and lost in the period."""

    won = serializers.IntegerField()
    lost = serializers.IntegerField()
    win_rate_0_1 = serializers.FloatField(
        allow_null=True, help_text="Null where too few were closed."
    )
    cycle_days = serializers.FloatField(
        allow_null=True, help_text="Median from opening to won; null where too few were won."
    )


class CurrencyPipelineSerializer(serializers.Serializer[Any]):
    """The deals in one currency."""

    currency = serializers.CharField()
    count = serializers.IntegerField(help_text="Open deals.")
    amount = MoneyField(help_text="What they are worth together.")
    stages = StageSumSerializer(many=True)
    coverage = CoverageSerializer()
    closings = ClosingsSerializer()
    won_amount = MoneyField(help_text="Won in the period.")
    velocity_per_day = MoneyField(
        allow_null=True,
        help_text="Open deals × share won × average won amount ÷ median days from opening to won.",
    )


class ClosingWeekSerializer(serializers.Serializer[Any]):
    """Deals won and lost in one week."""

    begins_on = serializers.DateField()
    won = serializers.IntegerField()
    lost = serializers.IntegerField()


class MoveSerializer(serializers.Serializer[Any]):
    """One change of a deal's stage."""

    deal = serializers.IntegerField(source="deal.pk")
    name = serializers.CharField(source="deal.name")
    direction = serializers.ChoiceField(Direction.choices)
    before = serializers.CharField(source="before.key", default=None, allow_null=True)
    after = serializers.CharField(source="after.key", default=None, allow_null=True)
    moved_at = UtcDateTimeField()


class MovementSerializer(serializers.Serializer[Any]):
    """Changes of stage in the period, and the latest of them."""

    forward = serializers.IntegerField()
    back = serializers.IntegerField()
    won = serializers.IntegerField()
    lost = serializers.IntegerField()
    latest = MoveSerializer(many=True)


class StageConversionSerializer(serializers.Serializer[Any]):
    """Deals that entered a stage within `conversion_days`, each once."""

    stage = serializers.CharField(source="stage.key")
    entered = serializers.IntegerField()
    moved_on = serializers.IntegerField(help_text="Came to a later stage, or were won.")
    won = serializers.IntegerField(help_text="Of those, won.")
    lost = serializers.IntegerField(help_text="Lost without having come further.")
    rest = serializers.IntegerField(help_text="Neither so far.")


class StageAgeSerializer(serializers.Serializer[Any]):
    """Open deals of one stage by their days in it."""

    stage = serializers.CharField(source="stage.key")
    count = serializers.IntegerField()
    median_days = serializers.FloatField(allow_null=True)
    beyond = serializers.IntegerField(help_text="Beyond the limit of their own amount.")
    limit_days = serializers.IntegerField(help_text="That of deals of all amounts.")
    is_measured = serializers.BooleanField(help_text="Whether it is the company's own figure.")


class OldDealSerializer(serializers.Serializer[Any]):
    """An open deal beyond its limit."""

    deal = serializers.IntegerField(source="deal.pk")
    name = serializers.CharField(source="deal.name")
    stage = serializers.CharField(source="deal.stage.key")
    days = serializers.IntegerField()


class AgingSerializer(serializers.Serializer[Any]):
    """How long open deals have stood in their stage."""

    percentile = serializers.IntegerField(
        help_text="Of the company's own deals, behind the limits."
    )
    stages = StageAgeSerializer(many=True)
    oldest = OldDealSerializer(many=True)


class DealFiguresSerializer(serializers.Serializer[Any]):
    """Deals. Money is never summed over currencies."""

    currencies = CurrencyPipelineSerializer(many=True, source="pipelines")
    closings = ClosingsSerializer()
    weeks = ClosingWeekSerializer(many=True)
    movement = MovementSerializer()
    conversion = StageConversionSerializer(many=True)
    aging = AgingSerializer()


class TriggerNewsSerializer(serializers.Serializer[Any]):
    """What one trigger led to."""

    trigger = serializers.CharField(source="label", help_text="In words.")
    found = serializers.IntegerField()
    held_back = serializers.IntegerField()
    withdrawn = serializers.IntegerField()


class NewsSerializer(serializers.Serializer[Any]):
    """What the system did since yesterday began."""

    since = UtcDateTimeField()
    found = serializers.IntegerField(help_text="Suggestions made.")
    held_back = serializers.IntegerField(help_text="Of those, held back now.")
    withdrawn = serializers.IntegerField()
    expired = serializers.IntegerField()
    applied = serializers.IntegerField(help_text="After a person's yes.")
    triggers = TriggerNewsSerializer(many=True)


class WorthSerializer(serializers.Serializer[Any]):
    """Deals of one currency."""

    currency = serializers.CharField()
    count = serializers.IntegerField()
    amount = MoneyField()


class TeamMemberSerializer(serializers.Serializer[Any]):
    """One person's work."""

    person = serializers.IntegerField(
        source="person.pk", default=None, allow_null=True, help_text="Null: what nobody owns."
    )
    name = serializers.CharField(source="person.display_name", default="", allow_blank=True)
    opened = WorthSerializer(many=True)
    won = WorthSerializer(many=True)
    beyond = serializers.IntegerField()
    overdue_tasks = serializers.IntegerField()
    waiting = serializers.IntegerField()
    decided = serializers.IntegerField()


class DashboardSerializer(serializers.Serializer[Any]):
    """The figures of the first page; a part that the person's role does not include is null."""

    scope = serializers.ChoiceField(Scope.choices, source="asked.scope")
    days = serializers.IntegerField(source="asked.days")
    first_day = serializers.DateField(source="asked.first_day")
    conversion_days = serializers.SerializerMethodField()
    waiting = serializers.IntegerField(allow_null=True, help_text="No more than 1,001 are counted.")
    tasks_due = serializers.IntegerField(allow_null=True)
    deals = DealFiguresSerializer(allow_null=True)
    news = NewsSerializer(allow_null=True)
    team = TeamMemberSerializer(many=True, allow_null=True)

    def get_conversion_days(self, dashboard: Dashboard) -> int:
        """How far back entries into a stage are counted."""
        return window_days(dashboard.asked)


class DashboardPermission(BasePermission):
    """The person's role allows to see deals."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return person_of(request).has_perm(DEALS_PERMISSION)


class DashboardViewSet(Endpoint, ViewSet):
    """The figures of the first page."""

    permission_classes = (IsAuthenticated, DashboardPermission)

    @extend_schema(
        responses=DashboardSerializer,
        parameters=[
            OpenApiParameter(
                "scope",
                str,
                enum=Scope.values,
                description="Whose work; by default everyone's for who may see it, else one's own.",
            ),
            OpenApiParameter(
                "days",
                int,
                enum=PERIODS_DAYS,
                description=f"The length of the period, which ends today; {DEFAULT_DAYS} by default.",
            ),
        ],
    )
    def retrieve(self, request: Request) -> Response:
        """What waits and is due, deals and how they move, what the system did, and the team for managers."""
        asked = _asked(request, person_of(request))
        return Response(DashboardSerializer(read_dashboard(asked)).data)


def _asked(request: Request, person: User) -> Asked:
    params = request.query_params
    refuse_parameters(request, but=_PARAMETERS)
    scopes = {scope.value for scope in offered_scopes(person)}
    if "scope" in params and params["scope"] not in scopes:
        raise ValidationError({"scope": [f"One of {', '.join(sorted(scopes))}."]})
    if "days" in params and params["days"] not in {str(days) for days in PERIODS_DAYS}:
        raise ValidationError({"days": [f"One of {', '.join(map(str, PERIODS_DAYS))}."]})
    return Asked.read(person, params.dict(), timezone.now())
