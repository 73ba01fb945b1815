"""The queue's filters and the decisions' fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

from django import forms
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.brain.enums import Goal
from apps.execution.tools import registry as tools
from apps.suggestions.enums import RejectReason
from apps.suggestions.querysets import SuggestionQuerySet
from apps.triggers.enums import Severity


class QueueFilterForm(forms.Form):
    """What narrows the list; every field may be empty."""

    q = forms.CharField(
        required=False,
        label="Search suggestions",
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Title or record"}),
    )
    goal = forms.ChoiceField(required=False, label="Goal")
    tool = forms.ChoiceField(required=False, label="Change")
    urgency = forms.ChoiceField(required=False, label="Urgency")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        anything = [("", "Any")]
        choices = {
            "goal": [*anything, *Goal.choices],
            "tool": [*anything, *((tool.key, tool.label) for tool in tools.all())],
            "urgency": [*anything, *((str(value), label) for value, label in Severity.choices)],
        }
        for name, options in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - narrows the type
            field.choices = options

    @classmethod
    def is_asked_in(cls, params: Mapping[str, str]) -> bool:
        """Whether anything is filled in."""
        return any(params.get(name, "").strip() for name in cls.base_fields)

    def narrow(self, suggestions: SuggestionQuerySet) -> SuggestionQuerySet:
        """Apply the valid filters."""
        if not self.is_valid():
            return suggestions
        wanted = self.cleaned_data
        for name in ("goal", "tool", "urgency"):
            if wanted[name]:
                suggestions = suggestions.filter(**{name: wanted[name]})
        return suggestions.search(wanted["q"]) if wanted["q"] else suggestions


def draw_filter_fields(filters: QueueFilterForm) -> SafeString:
    """The fields with what was asked."""
    return render_to_string("suggestions/_filter_fields.html", {"filters": filters})


@cache
def blank_filter_fields() -> SafeString:
    """The fields of a form in which nothing is asked: the same on every page, so drawn once."""
    return draw_filter_fields(QueueFilterForm())


class SeenForm(forms.Form):
    """Which edition of the suggestion the person saw."""

    seen_at = forms.DateTimeField(input_formats=["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"])


class ApproveForm(SeenForm):
    """What the person saw when they said yes."""

    # Whether the page let them choose fields; then ``fields`` are the ticked ones.
    in_parts = forms.BooleanField(required=False)

    def accepted_fields(self) -> list[str] | None:
        """The fields that the person ticked; None when they accepted all of it."""
        assert isinstance(self.data, QueryDict)  # noqa: S101 - narrows the type
        return self.data.getlist("fields") if self.cleaned_data["in_parts"] else None


class RejectForm(forms.Form):
    """Why not."""

    reason = forms.ChoiceField(choices=RejectReason.choices)
    note = forms.CharField(required=False, max_length=500)


SNOOZE_CHOICES = [
    ("tomorrow", "Tomorrow morning"),
    ("three_days", "In three days"),
    ("next_week", "Next Monday"),
    ("in_a_month", "In a month"),
    ("change", "Until something changes"),
]


class SnoozeForm(forms.Form):
    """Until when: one of the offered days, at eight in the person's morning, or a change."""

    until = forms.ChoiceField(choices=SNOOZE_CHOICES)

    @property
    def wakes_on_change(self) -> bool:
        """Whether it is to come back when something changes."""
        return bool(self.cleaned_data["until"] == "change")

    def until_at(self, now: datetime) -> datetime | None:
        """The chosen moment, in the active time zone; None where a change is waited for."""
        if self.wakes_on_change:
            return None
        today = timezone.localtime(now).date()
        days = {
            "tomorrow": 1,
            "three_days": 3,
            "next_week": 7 - today.weekday(),
            "in_a_month": 30,
        }[self.cleaned_data["until"]]
        return timezone.make_aware(
            datetime.combine(today + timedelta(days=days), time(hour=8)),
            timezone.get_current_timezone(),
        )
