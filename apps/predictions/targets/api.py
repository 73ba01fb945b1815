"""Sales targets in the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.audit.enums import Origin
from apps.crm.api.preconditions import read_precondition
from apps.crm.exceptions import RecordConflictError
from apps.predictions.forecasts import ForecastScope
from apps.predictions.models import SalesTarget
from apps.predictions.querysets import SalesTargetQuerySet
from apps.predictions.targets import settings
from apps.predictions.targets.exceptions import InvalidTargetError, TargetChangedError
from apps.predictions.targets.periods import MONTH, QUARTER, Period
from apps.predictions.targets.reading import VIEW_PERMISSION
from apps.predictions.targets.settings import TargetValues
from apps.tenants.api import ApiModelSerializer, StrictSerializer, refuse_parameters
from apps.users.api import Endpoint
from apps.users.enums import Scope
from apps.users.services import person_of

# What a form calls otherwise than this API.
_MEMBERS = {"period": "starts_on", "whose": "owner"}
_HIGHEST_ID = 2**63 - 1
_IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag that was read: a target that has changed since is left alone (412).",
)
_ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200], description="The revision."
)


class TargetPermission(BasePermission):
    """The person's role allows to see targets, or to set, change and remove them."""

    _WRITES: ClassVar[Mapping[str, str]] = {
        "POST": settings.ADD_PERMISSION,
        "PATCH": settings.CHANGE_PERMISSION,
        "DELETE": settings.DELETE_PERMISSION,
    }

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        wanted = self._WRITES.get(request.method or "", VIEW_PERMISSION)
        return person_of(request).has_perm(wanted)


class SalesTargetSerializer(StrictSerializer, ApiModelSerializer[SalesTarget]):
    """A target: of the company, where neither team nor owner is named."""

    team = serializers.IntegerField(
        source="team_id", min_value=1, max_value=_HIGHEST_ID, allow_null=True, default=None
    )
    owner = serializers.IntegerField(
        source="owner_id", min_value=1, max_value=_HIGHEST_ID, allow_null=True, default=None
    )
    months = serializers.ChoiceField([MONTH, QUARTER], help_text="1: a month, 3: a quarter.")
    ends_on = serializers.SerializerMethodField(help_text="The last day.")

    class Meta:
        model = SalesTarget
        fields = (
            "id", "team", "owner", "starts_on", "months", "ends_on", "amount", "currency", "revision",
        )  # fmt: skip
        read_only_fields = ("revision",)
        # Whether there is one already is told by the use case.
        validators: ClassVar[list[Any]] = []

    def get_ends_on(self, row: SalesTarget) -> date:
        """The last day of its month or quarter."""
        return Period(row.starts_on, row.months).ends_on


class SalesTargetFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of targets can be filtered by."""

    team = django_filters.NumberFilter(field_name="team_id", min_value=1, decimal_places=0)
    owner = django_filters.NumberFilter(field_name="owner_id", min_value=1, decimal_places=0)
    currency = django_filters.CharFilter(max_length=3)
    months = django_filters.ChoiceFilter(choices=[(MONTH, "Month"), (QUARTER, "Quarter")])
    starts_on = django_filters.DateFilter()


class SalesTargetViewSet(Endpoint, ListModelMixin, RetrieveModelMixin, GenericViewSet[SalesTarget]):
    """What the company, its teams and people mean to win."""

    permission_classes = (IsAuthenticated, TargetPermission)
    write_scope = Scope.SETTINGS_WRITE
    serializer_class = SalesTargetSerializer
    filterset_class = SalesTargetFilterSet
    lookup_value_regex = "[0-9]{1,18}"
    ordering_fields = ("starts_on", "id")
    default_ordering = "-starts_on"

    def get_queryset(self) -> SalesTargetQuerySet:
        """Those that the person may see."""
        if getattr(self, "swagger_fake_view", False):
            return SalesTarget.objects.none()
        return SalesTarget.objects.visible_to(person_of(self.request))

    @extend_schema(responses=SalesTargetSerializer, parameters=[_ETAG])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One target. Its ETag is for ``If-Match``."""
        refuse_parameters(request)
        return self._answer(self.get_object())

    @extend_schema(request=SalesTargetSerializer, responses={201: SalesTargetSerializer})
    def create(self, request: Request) -> Response:
        """Set a target for a month or quarter of the calendar."""
        refuse_parameters(request)
        serializer = SalesTargetSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = _values({}, serializer.validated_data)
        row = _set(
            lambda: settings.add_target(user=person_of(request), values=values, origin=Origin.API)
        )
        return self._answer(row, status.HTTP_201_CREATED)

    @extend_schema(
        request=SalesTargetSerializer,
        responses=SalesTargetSerializer,
        parameters=[_IF_MATCH, _ETAG],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is named and leave the rest."""
        refuse_parameters(request)
        row = self.get_object()
        serializer = SalesTargetSerializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = _set(
            lambda: settings.change_target(
                user=person_of(request),
                target_id=row.pk,
                values=_values(vars(row), serializer.validated_data),
                revision_read=_revision_read(request, row),
                origin=Origin.API,
            )
        )
        return self._answer(changed)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a target."""
        refuse_parameters(request)
        settings.remove_target(
            user=person_of(request), target_id=self.get_object().pk, origin=Origin.API
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, row: SalesTarget, status_code: int = status.HTTP_200_OK) -> Response:
        headers = {"ETag": f'"{row.revision}"'}
        return Response(SalesTargetSerializer(row).data, status=status_code, headers=headers)


def _values(present: Mapping[str, Any], given: Mapping[str, Any]) -> TargetValues:
    """What the target is to be: what is given, else as it is."""
    told = {**present, **given}
    return TargetValues(
        ForecastScope(told["team_id"], told["owner_id"]),
        Period(told["starts_on"], told["months"]),
        told["amount"],
        told["currency"],
    )


def _set(act: Callable[[], SalesTarget]) -> SalesTarget:
    """Tell what is wrong by the members of this API."""
    try:
        return act()
    except InvalidTargetError as error:
        problems = {_MEMBERS.get(name, name): [why] for name, why in error.problems.items()}
        raise ValidationError(problems) from error


def _revision_read(request: Request, row: SalesTarget) -> int | None:
    try:
        return read_precondition(request).revision
    except RecordConflictError as error:
        raise TargetChangedError(row.revision) from error
