"""The company's schedule, a person's wishes, and what the list of digests is narrowed by."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from apps.suggestions.digest.enums import DigestStatus
from apps.suggestions.digest.models import DigestPreference, DigestSchedule, DigestSent
from apps.users.models import User

_HALF_HOURS = [(f"{hour:02}:{minute:02}",) * 2 for hour in range(24) for minute in (0, 30)]


def _read_time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None


class ScheduleForm(forms.Form):
    """Whether, when and on which days digests are sent."""

    is_on = forms.BooleanField(label="Send digests", required=False)
    send_at = forms.TypedChoiceField(
        label="At",
        choices=_HALF_HOURS,
        coerce=_read_time,
        help_text="On each person's own clock; they may choose another hour for themselves.",
    )
    working_days_only = forms.BooleanField(
        label="On working days only",
        required=False,
        help_text="By the company's working week and days off.",
    )
    revision_read = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    @classmethod
    def of(cls, schedule: DigestSchedule) -> ScheduleForm:
        """The form with the present values in it."""
        return cls(
            initial={
                "is_on": schedule.is_on,
                "send_at": f"{schedule.send_at:%H:%M}",
                "working_days_only": schedule.working_days_only,
                "revision_read": schedule.revision,
            }
        )


class PreferenceForm(forms.Form):
    """Whether a person wants scheduled digests, and when."""

    is_on = forms.BooleanField(label="Send me the digest", required=False)
    send_at = forms.TypedChoiceField(
        label="At",
        choices=[("", "The company's hour"), *_HALF_HOURS],
        coerce=_read_time,
        empty_value=None,
        required=False,
        help_text="On your own clock.",
    )

    @classmethod
    def of(cls, wish: DigestPreference, schedule: DigestSchedule) -> PreferenceForm:
        """The form with the present values in it."""
        at = f"{wish.send_at:%H:%M}" if wish.send_at else ""
        form = cls(auto_id="digest_%s", initial={"is_on": wish.is_on, "send_at": at})
        choices = [("", f"The company's hour ({schedule.send_at:%H:%M})"), *_HALF_HOURS]
        form.fields["send_at"].choices = choices  # type: ignore[attr-defined]
        return form


class DigestFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """By state, person and days."""

    status = django_filters.ChoiceFilter(
        choices=DigestStatus.choices, empty_label="Any", label="State"
    )
    person = django_filters.ModelChoiceFilter(
        queryset=lambda request: User.objects.all(), empty_label="Anybody", label="To"
    )
    period = django_filters.ChoiceFilter(
        method="filter_period",
        choices=[("1", "Today and yesterday"), ("7", "Last 7 days"), ("30", "Last 30 days")],
        empty_label="Any time",
        label="When",
    )

    class Meta:
        model = DigestSent
        fields = ("status", "person", "period")

    def __init__(self, data: QueryDict, *, queryset: QuerySet[DigestSent]) -> None:
        super().__init__(data, queryset=queryset)

    def filter_period(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The last so many days."""
        first: date = timezone.localdate() - timedelta(days=int(value))
        return rows.filter(local_day__gte=first)
