"""The change feed in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.viewsets import ViewSet

from apps.crm.enums import Operation, RecordKind
from apps.crm.feed import changed_fields, kinds_for, present_place, read_feed
from apps.crm.models import ChangeLog
from apps.tenants.api import CURSOR, PAGE_SIZE, ApiModelSerializer, StrictSerializer
from apps.tenants.transactions import Place
from apps.users.api import Endpoint
from apps.users.services import person_of

_MOST_ROWS = 200


class ChangeSerializer(ApiModelSerializer[ChangeLog]):
    """One change of one record; the values are read from the record."""

    operation = serializers.ChoiceField(Operation.choices, read_only=True)
    changed_fields = serializers.SerializerMethodField(
        help_text="What has changed, as the record's fields are called; empty for a new or deleted one."
    )
    is_backfilled = serializers.BooleanField(
        source="backfilled", read_only=True, help_text="Written after the fact, by an import."
    )

    class Meta:
        model = ChangeLog
        fields = (
            "id", "record_kind", "record_id", "operation", "changed_fields", "changed_at", "actor_id",
            "actor_name", "origin", "request_id", "is_backfilled",
        )  # fmt: skip
        read_only_fields = fields

    def get_changed_fields(self, change: ChangeLog) -> list[str]:
        """The names alone."""
        return changed_fields(change)


class ChangePageSerializer(serializers.Serializer[Any]):
    """Some changes, in the order of their transactions."""

    next = serializers.URLField(help_text="What comes after; to be kept and asked again later.")
    has_more = serializers.BooleanField(help_text="Whether something comes after by now.")
    results = ChangeSerializer(many=True)


class FeedQuerySerializer(StrictSerializer):
    """Where to begin a feed, and how much to tell."""

    unknown_member = "There is no such parameter."

    cursor = serializers.CharField(
        required=False, help_text="From the `next` of the answer before; the oldest without one."
    )
    start = serializers.ChoiceField(
        ["oldest", "now"], default="oldest", help_text="Without a cursor: where to begin."
    )
    page_size = serializers.IntegerField(default=50, min_value=1, max_value=_MOST_ROWS)

    def validate_cursor(self, value: str) -> Place:
        """Read it."""
        try:
            return Place.decode(value)
        except ValueError as error:
            raise ValidationError("This is not a cursor of this feed.") from error

    def place(self) -> Place:
        """Where the feed is to begin."""
        wanted = self.validated_data
        if "cursor" not in wanted and wanted["start"] == "now":
            return present_place()
        place: Place = wanted.get("cursor", Place(0, 0))
        return place


class ChangeQuerySerializer(FeedQuerySerializer):
    """Where to begin, and what to tell."""

    record_kind = serializers.MultipleChoiceField(
        choices=RecordKind.choices,
        required=False,
        help_text="Repeat it for several kinds; all by default.",
    )


def feed_answer(request: Request, *, goes_on_at: Place, has_more: bool, results: Any) -> Response:
    """A page of a feed, with the address of what comes after."""
    here = remove_query_param(request.build_absolute_uri(), "start")
    following = replace_query_param(here, CURSOR, goes_on_at.encode())
    return Response({"next": following, "has_more": has_more, "results": results})


class ChangePermission(BasePermission):
    """The person's role includes to see some kind of record."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Ask for the role's permission."""
        return bool(kinds_for(person_of(request)))


class ChangeViewSet(Endpoint, ViewSet):
    """The change feed."""

    permission_classes = (IsAuthenticated, ChangePermission)

    @extend_schema(
        parameters=[ChangeQuerySerializer],
        responses=forced_singular_serializer(ChangePageSerializer),  # type: ignore[no-untyped-call]
    )
    def list(self, request: Request) -> Response:
        """What happened to records that you see: each change once, in order, none left out.

        A change is told when every transaction that began before its own is over.
        """
        query = ChangeQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        page = read_feed(
            person_of(request),
            query.place(),
            kinds=wanted.get("record_kind") or RecordKind,
            limit=wanted[PAGE_SIZE],
        )
        return feed_answer(
            request,
            goes_on_at=page.next_place,
            has_more=page.has_more,
            results=ChangeSerializer(page.changes, many=True).data,
        )
