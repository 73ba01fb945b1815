"""Filters of the audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeAlias

import django_filters as filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.users.models import User

Rows: TypeAlias = QuerySet[Any]


class AuditFilterSet(filters.FilterSet):  # type: ignore[misc]
    """By event, person, origin, time, and what it was about.

    ``record_kind``, ``record`` and ``suggestion`` come with links from other pages and have no box.
    """

    event = filters.ChoiceFilter(choices=Event.choices, empty_label="Any", label="Event")
    actor = filters.ModelChoiceFilter(
        field_name="actor_id",
        queryset=lambda request: User.objects.all(),
        method="filter_actor",
        empty_label="Anybody",
        label="By",
    )
    origin = filters.ChoiceFilter(choices=Origin.choices, empty_label="Any", label="Origin")
    period = filters.ChoiceFilter(
        method="filter_period",
        choices=[("1", "Last 24 hours"), ("7", "Last 7 days"), ("30", "Last 30 days")],
        empty_label="Any time",
        label="When",
    )
    record_kind = filters.CharFilter(max_length=30, widget=forms.HiddenInput)
    record = filters.NumberFilter(
        field_name="record_id", decimal_places=0, widget=forms.HiddenInput
    )
    suggestion = filters.NumberFilter(
        field_name="suggestion_id", decimal_places=0, widget=forms.HiddenInput
    )

    class Meta:
        model = AuditEntry
        fields = (
            "event", "actor", "origin", "period", "record_kind", "record", "suggestion",
        )  # fmt: skip

    def __init__(self, data: QueryDict, *, queryset: Rows, sees_all: bool) -> None:
        super().__init__(data, queryset=queryset)
        if not sees_all:
            del self.filters["actor"]

    def filter_actor(self, rows: Rows, name: str, value: User) -> Rows:
        """What one person did."""
        return rows.filter(actor_id=value.pk)

    def filter_period(self, rows: Rows, name: str, value: str) -> Rows:
        """The last so many days."""
        return rows.filter(occurred_at__gte=timezone.now() - timedelta(days=int(value)))
