"""What every API list shares: pages that stay cheap in long tables, and strict filters."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.dateparse import parse_datetime
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

if TYPE_CHECKING:
    # The framework loads this module while it is loading its views.
    from rest_framework.views import APIView

ModelT = TypeVar("ModelT", bound=models.Model)

CURSOR, ORDERING, PAGE_SIZE = "cursor", "ordering", "page_size"


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: the value it was sorted by (None for an empty one) and its id."""

    value: Any
    row_id: int


class KeysetPagination(BasePagination):
    """Pages that begin after the last row of the one before, so that each costs the same.

    There is no total and no jump to page n: both would read the whole table. A view names what it
    can be sorted by in ``ordering_fields`` and its own order in ``default_ordering``; ties are
    broken by id. Rows that are added or removed while a client reads do not make it miss or repeat
    others.
    """

    page_size = 50
    max_page_size = 200

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """Return the rows of the page that ``cursor`` points to; the first one without it."""
        self.request = request
        self.size = self._read_size(request)
        self.ordering = self._read_ordering(request, view)
        name = self.ordering.lstrip("-")
        self.column: models.Field[Any, Any] = queryset.model._meta.get_field(name)
        cursor = request.query_params.get(CURSOR)
        if cursor is not None:
            queryset = queryset.filter(self._after(self._decode(cursor)))
        rows = list(queryset.order_by(*self._order_terms())[: self.size + 1])
        self.has_next = len(rows) > self.size
        self.rows: list[Any] = rows[: self.size]
        return self.rows

    def get_paginated_response(self, data: Any) -> Response:
        """The rows and where the next page is; null after the last."""
        return Response({"next": self._next_url(), "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the page for OpenAPI."""
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": "string",
                    "format": "uri",
                    "nullable": True,
                    "description": "The next page; null on the last one.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the query parameters for OpenAPI."""
        names = getattr(view, "ordering_fields", ())
        return [
            {
                "name": CURSOR,
                "in": "query",
                "required": False,
                "description": "Where the page begins: from the `next` link of the page before.",
                "schema": {"type": "string"},
            },
            {
                "name": PAGE_SIZE,
                "in": "query",
                "required": False,
                "description": "Rows in a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                },
            },
            {
                "name": ORDERING,
                "in": "query",
                "required": False,
                "description": "What to sort by; a minus turns it round. Empty values come last.",
                "schema": {
                    "type": "string",
                    "enum": [sign + name for name in names for sign in ("", "-")],
                    "default": getattr(view, "default_ordering", None),
                },
            },
        ]

    def _read_size(self, request: Request) -> int:
        text = request.query_params.get(PAGE_SIZE, str(self.page_size))
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= self.max_page_size):
            message = f"A whole number from 1 to {self.max_page_size}."
            raise ValidationError({PAGE_SIZE: [message]})
        return int(text)

    def _read_ordering(self, request: Request, view: Any) -> str:
        ordering: str = request.query_params.get(ORDERING, view.default_ordering)
        if ordering.removeprefix("-") not in view.ordering_fields:
            names = ", ".join(view.ordering_fields)
            raise ValidationError({ORDERING: [f"One of: {names}; with a minus for the reverse."]})
        return ordering

    def _order_terms(self) -> list[Any]:
        name, reverse = self.column.attname, self.ordering.startswith("-")
        by_id = "-id" if reverse else "id"
        if name == "id":
            return [by_id]
        # "Nulls last" only where there can be any: it would keep the database from its indexes.
        nulls_last = True if self.column.null else None
        term = (
            F(name).desc(nulls_last=nulls_last) if reverse else F(name).asc(nulls_last=nulls_last)
        )
        return [term, by_id]

    def _after(self, position: Position) -> Q:
        """The condition for rows behind ``position``; an index can serve its first part."""
        name, beyond = self.column.attname, "lt" if self.ordering.startswith("-") else "gt"
        if name == "id":
            return Q(**{f"id__{beyond}": position.row_id})
        if position.value is None:
            return Q(**{f"{name}__isnull": True, f"id__{beyond}": position.row_id})
        later = Q(**{f"{name}__{beyond}e": position.value}) & (
            Q(**{f"{name}__{beyond}": position.value}) | Q(**{f"id__{beyond}": position.row_id})
        )
        return later | Q(**{f"{name}__isnull": True}) if self.column.null else later

    def _next_url(self) -> str | None:
        if not self.has_next:
            return None
        last = self.rows[-1]
        value = getattr(last, self.column.attname)
        text = None if value is None else self.column.value_to_string(last)
        packed = json.dumps([self.ordering, text, last.pk]).encode()
        cursor = base64.urlsafe_b64encode(packed).decode().rstrip("=")
        return replace_query_param(self.request.build_absolute_uri(), CURSOR, cursor)

    def _decode(self, cursor: str) -> Position:
        """Read a cursor that this class made; anybody may have sent it."""
        refusal = ValidationError({CURSOR: ["This is not a cursor of this list and order."]})
        try:
            packed = base64.b64decode(
                cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
            ordering, text, row_id = json.loads(packed)
        except (binascii.Error, ValueError, TypeError) as error:
            raise refusal from error
        is_ours = isinstance(row_id, int) and isinstance(text, str | None)
        if ordering != self.ordering or not is_ours or "\0" in (text or ""):
            raise refusal
        try:
            value = None if text is None else self._parse_value(text)
        except (DjangoValidationError, ValueError) as error:
            raise refusal from error
        return Position(value, row_id)

    def _parse_value(self, text: str) -> Any:
        if isinstance(self.column, models.DateTimeField):
            return parse_moment(text)
        return self.column.to_python(text)


class UtcDateTimeField(serializers.DateTimeField):
    """A moment, in UTC whatever the zone of the person or the company; without an offset too."""

    timezone = UTC


class ApiModelSerializer(serializers.ModelSerializer[ModelT]):
    """A model's serializer whose moments are in UTC."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: UtcDateTimeField,
    }


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses a member that there is not: a mistyped name would be lost without a word.

    Members that are only read may stand there, so that what was read can be sent back changed.
    """

    unknown_member = "There is no such field."

    def to_internal_value(self, data: Any) -> Any:
        """Read the members, or name those that mean nothing here."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, Mapping) else []
        if unknown:
            raise ValidationError({name: [self.unknown_member] for name in unknown})
        return super().to_internal_value(data)


class MomentField(forms.DateTimeField):
    """A moment in a query, as ISO 8601 text; without an offset it is in UTC."""

    def to_python(self, value: Any) -> datetime | None:
        """Read the text. The database would refuse an offset of more than 15 hours: give it UTC."""
        if value in self.empty_values:
            return None
        try:
            return parse_moment(str(value))
        except ValueError as error:
            raise DjangoValidationError("A moment such as 2026-03-31T09:00:00Z.") from error


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    """Filters by a moment."""

    field_class = MomentField


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 moment and return it in UTC, in which it is when it has no offset.

    Raises:
        ValueError: it is none, or stands outside the calendar.
    """
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError("not a moment")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the calendar") from error


class NestedJSONParser(JSONParser):
    """JSON whose nesting ends somewhere: a hundred thousand brackets are the sender's fault."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Parse the body.

        Raises:
            ParseError: it is not JSON, or nested beyond what can be read.
        """
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply.") from error


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    """Refuses a query parameter that it does not know, and a yes or no that is neither.

    Otherwise a mistyped filter would return everything, and nobody would notice.
    """

    def filter_queryset(
        self, request: Request, queryset: models.QuerySet[ModelT], view: APIView
    ) -> models.QuerySet[ModelT]:
        """Filter, or name the parameters that mean nothing here."""
        filterset = self.get_filterset(request, queryset, view)
        known = set(filterset.filters) if filterset is not None else set()
        if getattr(view, "action", "") == "list":
            known |= {CURSOR, ORDERING, PAGE_SIZE}
        refuse_parameters(request, but=known)
        if filterset is not None:
            _refuse_neither(request, filterset)
        filtered: models.QuerySet[ModelT] = super().filter_queryset(request, queryset, view)
        return filtered


# As django_filters reads them; whatever else is sent it takes for no answer.
_YES_OR_NO = frozenset({"true", "false", "True", "False", ""})


def _refuse_neither(request: Request, filterset: django_filters.FilterSet) -> None:
    neither = [
        name
        for name, one in filterset.filters.items()
        if isinstance(one, django_filters.BooleanFilter)
        and request.query_params.get(name, "") not in _YES_OR_NO
    ]
    if neither:
        raise ValidationError({name: ["true or false."] for name in neither})


def refuse_parameters(request: Request, *, but: Collection[str] = ()) -> None:
    """Refuse every query parameter that an endpoint does not have.

    Raises:
        ValidationError: there are others.
    """
    unknown = sorted(set(request.query_params) - set(but))
    if unknown:
        raise ValidationError({name: ["There is no such parameter."] for name in unknown})
