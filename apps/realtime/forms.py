"""What the list of sessions is narrowed by."""

from __future__ import annotations

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from apps.brain.forms import DayFilter
from apps.realtime.enums import SessionState
from apps.realtime.models import Session
from apps.realtime.sessions import ORIGINS
from apps.realtime.watching import DEBUG_PARAMETER, sees_all
from apps.users.models import User


class SessionFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list is narrowed by; who sees only their own sessions is not asked whose."""

    person = django_filters.ModelChoiceFilter(
        queryset=User.objects.order_by("first_name", "last_name", "username"), empty_label="Anybody"
    )
    state = django_filters.ChoiceFilter(choices=SessionState.choices, empty_label="Any")
    # A call in which somebody spoke and typed is found by both.
    origin = django_filters.ChoiceFilter(
        choices=[(origin.value, origin.label) for origin in ORIGINS],
        empty_label="Any",
        method="keep_said",
    )
    day = DayFilter("issued_at", label="Day")
    # How the panel was asked for; the next page is asked for in the same way.
    ai_debug = django_filters.CharFilter(
        method="keep_all", initial="1", max_length=1, widget=forms.HiddenInput
    )

    class Meta:
        model = Session
        fields = ("person", "state", "origin", "day", "ai_debug")

    def __init__(self, data: QueryDict, *, queryset: QuerySet[Session], viewer: User) -> None:
        super().__init__(data, queryset=queryset)
        if not sees_all(viewer):
            del self.filters["person"]
        if data.get(DEBUG_PARAMETER) != "1":
            del self.filters[DEBUG_PARAMETER]

    def keep_said(self, rows: QuerySet[Session], name: str, value: str) -> QuerySet[Session]:
        """Keep the sessions in which something was said in this way."""
        return rows.filter(origins__contains=[value])

    def keep_all(self, rows: QuerySet[Session], name: str, value: str) -> QuerySet[Session]:
        """Narrow nothing."""
        return rows
