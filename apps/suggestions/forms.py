"""The queue's filters and the decisions' fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any

from django import forms
from django.forms import BoundField
from django.forms.utils import flatatt
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.crm.enums import RecordKind
from apps.execution.enums import ValueChoice
from apps.execution.schemas import RecordRef
from apps.suggestions.enums import RejectReason, StopScope
from apps.suggestions.facets import FACETS, FACETS_BY_KEY, Option, condition_of
from apps.suggestions.querysets import SuggestionQuerySet
from apps.suggestions.services.stopping import STOP_DAYS, Stop
from apps.users.models import User
from apps.users.rules import assignable_people

SORT_CHOICES = [
    ("", "Best first"),
    ("newest", "Newest first"),
    ("oldest", "Oldest first"),
    ("value", "Most at stake first"),
    ("expiry", "Expiring first"),
]


# What is filled in, by the names of the fields.
Wanted = tuple[tuple[str, str], ...]


class PlainSelect(forms.Select):
    """A select that draws its options itself: the filters have a hundred, and Django a template for each."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """The element with its options."""
        chosen = str(value or "")
        options = (
            (flatatt({"value": key, "selected": key == chosen}), label)
            for key, label in self.choices
        )
        return format_html(
            "<select{}>{}</select>",
            flatatt(self.build_attrs({**self.attrs, "name": name}, attrs)),
            format_html_join("", "<option{}>{}</option>", options),
        )


class QueueFilterForm(forms.Form):
    """What narrows and orders the list; every field may be empty."""

    q = forms.CharField(
        required=False,
        label="Search suggestions",
        max_length=100,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Title or record", "data-queue-search": ""}
        ),
    )
    sort = forms.ChoiceField(
        required=False, label="Order", choices=SORT_CHOICES, widget=PlainSelect
    )

    def __init__(
        self, *args: Any, counted: Mapping[str, Sequence[Option]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for facet in FACETS:
            options = facet.options() if counted is None else counted[facet.key]
            self.fields[facet.key] = forms.ChoiceField(
                required=False,
                label=facet.label,
                choices=[("", "Any"), *options],
                widget=PlainSelect,
            )
        owner = self.fields["owner"]
        if self.data.get("owner", "").isdecimal() and counted is None:
            # Their name is read only where the choices are counted.
            assert isinstance(owner, forms.ChoiceField)  # noqa: S101 - narrows the type
            known = FACETS_BY_KEY["owner"].options()
            owner.choices = [("", "Any"), *known, (self.data["owner"], "one person")]
        self.order_fields(["q", *(facet.key for facet in FACETS), "sort"])

    @classmethod
    def is_asked_in(cls, params: Mapping[str, str]) -> bool:
        """Whether anything is filled in."""
        names = ("q", "sort", *(facet.key for facet in FACETS))
        return any(params.get(name, "").strip() for name in names)

    def filled_in(self) -> tuple[tuple[str, str], ...]:
        """What is asked, as it was sent, but for the search."""
        sent = ((name, self.data.get(name, "")) for name in self.fields if name != "q")
        return tuple((name, value) for name, value in sent if value)

    def wanted(self) -> Wanted:
        """What is asked, by the names of the fields; what is not offered narrows nothing."""
        return tuple((name, value) for name, value in self._wanted().items() if value)

    @property
    def is_narrowing(self) -> bool:
        """Whether anything but the order is asked."""
        return is_narrowing(self.wanted())

    def told(self) -> list[tuple[str, str, str]]:
        """What is asked and offered: the name of each field, its label, and the choice in words."""
        wanted = self._wanted()
        return [
            (bound.name, _short(bound), self._in_words(bound.name, wanted[bound.name]))
            for bound in self
            if wanted.get(bound.name)
        ]

    def _in_words(self, name: str, value: str) -> str:
        field = self.fields[name]
        if not isinstance(field, forms.ChoiceField):
            return f"“{value}”"
        choices: Any = field.choices
        return next((str(label) for key, label in choices if key == value), value)

    def chosen(self) -> dict[str, str]:
        """The chosen value of each facet."""
        wanted = self._wanted()
        return {facet.key: wanted.get(facet.key, "") for facet in FACETS}

    def _wanted(self) -> dict[str, str]:
        self.is_valid()
        return self.cleaned_data


def is_narrowing(wanted: Wanted) -> bool:
    """Whether anything but the order is asked."""
    return any(name != "sort" for name, _ in wanted)


def arrange(suggestions: SuggestionQuerySet, wanted: Wanted) -> SuggestionQuerySet:
    """Apply the filters and the order."""
    chosen = dict(wanted)
    narrowed = suggestions.filter(condition_of(chosen))
    if "q" in chosen:
        narrowed = narrowed.search(chosen["q"])
    return narrowed.sorted_by(chosen["sort"]) if "sort" in chosen else narrowed


def _short(bound: BoundField) -> str:
    return "Search" if bound.name == "q" else str(bound.label)


def draw_search_field(filters: QueueFilterForm) -> SafeString:
    """The search box with what was asked."""
    return render_to_string("_search.html", {"field": filters["q"]})


def draw_filter_fields(filters: QueueFilterForm) -> SafeString:
    """The other fields with what was asked."""
    return render_to_string("suggestions/_filter_fields.html", {"filters": filters})


@cache
def blank_search_field() -> SafeString:
    """The search box in which nothing is asked: the same on every page, so drawn once."""
    return draw_search_field(QueueFilterForm())


@lru_cache(maxsize=256)
def filter_fields_with(filled_in: tuple[tuple[str, str], ...] = ()) -> SafeString:
    """The fields without numbers: the same wherever the same is asked, so drawn once."""
    return draw_filter_fields(QueueFilterForm(dict(filled_in) or None))


class SavedViewForm(forms.Form):
    """A name for what the queue, or a list of records, shows at present."""

    record_kind = forms.ChoiceField(required=False, choices=[("", ""), *RecordKind.choices])
    name = forms.CharField(max_length=40, strip=True)
    query = forms.CharField(max_length=500, required=False)


# Before the name of a field whose value after a merge is chosen.
CHOICE = "choice-"


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


class ChoiceForm(SeenForm):
    """What is to survive a merge; nothing is chosen where the page offers no choice."""

    swap = forms.BooleanField(required=False)

    def is_asked(self) -> bool:
        """Whether anything may be chosen at all: most pages offer no choice, and a form takes its time."""
        return "swap" in self.data or any(name.startswith(CHOICE) for name in self.data)

    def choices(self) -> dict[str, ValueChoice]:
        """By field, those that are choices at all."""
        chosen = {name: self.data[name] for name in self.data if name.startswith(CHOICE)}
        return {
            name.removeprefix(CHOICE): ValueChoice(value)
            for name, value in chosen.items()
            if value in ValueChoice.values
        }


class MergeForm(forms.Form):
    """Which of the two records of a pair is to survive, as ``kind:id``."""

    keep = forms.RegexField(r"^(lead|contact|account):[0-9]{1,18}$")

    def record_to_keep(self) -> RecordRef | None:
        """The record; None where none is named."""
        return RecordRef.parse(self.cleaned_data["keep"]) if self.is_valid() else None


class RejectForm(forms.Form):
    """Why not."""

    reason = forms.ChoiceField(choices=RejectReason.choices)
    note = forms.CharField(required=False, max_length=500)
    stop = forms.ChoiceField(required=False, choices=[("", "only this"), *StopScope.choices])
    stop_days = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[(str(days), f"for {days} days") for days in STOP_DAYS],
    )

    def stop_chosen(self) -> Stop | None:
        """What is to be stopped beside this one; None for nothing."""
        scope = self.cleaned_data["stop"]
        days = self.cleaned_data["stop_days"] or STOP_DAYS[0]
        return Stop(StopScope(scope), days) if scope else None


class ReassignForm(forms.Form):
    """To whom; empty is nobody in particular."""

    to = forms.ModelChoiceField(queryset=User.objects.none(), required=False)

    def __init__(self, *args: Any, giver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        to = self.fields["to"]
        assert isinstance(to, forms.ModelChoiceField)  # noqa: S101 - narrows the type
        to.queryset = User.objects.filter(assignable_people(giver))


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
