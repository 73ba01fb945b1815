"""The form of the Brain's settings, and what the list of calls is narrowed by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast

import django_filters
from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import number_format

from apps.brain.enums import CallOutcome, FallBack, Provider
from apps.brain.models import BrainCall, BrainSettings
from apps.brain.settings import KEY, LABELS, LONGEST_ADDRESS, LONGEST_KEY, NAMES, show_value
from apps.crm.forms.fields import DayField, likely_mark, refusal
from apps.crm.importing.values import DecimalMark, ValueRefused, parse_number
from apps.tenants.meanwhile import Meanwhile, MeanwhileChange

_WHOLE = frozenset(
    {"connect_timeout_s", "read_timeout_s", "most_retries", "concurrency", "capture_days"}
    | {"soft_limit_tokens", "hard_limit_tokens"}
)
_PLACES = {"soft_limit_usd": 2, "hard_limit_usd": 2}
_UNITS = {
    "connect_timeout_s": "seconds",
    "read_timeout_s": "seconds",
    "capture_days": "days",
    "soft_limit_usd": "$",
    "hard_limit_usd": "$",
    "soft_limit_tokens": "tokens",
    "hard_limit_tokens": "tokens",
    "input_usd": "$ a million",
    "cached_usd": "$ a million",
    "output_usd": "$ a million",
}
_HELP = {
    "provider": "The built-in rules cost nothing and send nothing anywhere. A language model is sent the"
    " facts of each question; where it does not answer, the rules write in its place.",
    "base_url": "Of any service that speaks OpenAI's Responses API, up to and with /v1. Empty for the"
    " operator's. An address of your own needs a key of your own.",
    "model": "As the service names it. Empty for the operator's.",
    "connect_timeout_s": "1 to 30.",
    "read_timeout_s": "1 to 120.",
    "most_retries": "After a timeout, a full queue or an error of the service; 0 to 5.",
    "concurrency": "1 to 64, of all workers together.",
    "soft_limit_usd": "On reaching it a notice is put on record.",
    "hard_limit_usd": "Beyond it nothing is asked until next month, and the rules write. 0 asks nothing.",
    "soft_limit_tokens": "The same for tokens, whatever they cost.",
    "hard_limit_tokens": "The same for tokens, whatever they cost.",
    "input_usd": "Empty for the list price.",
    "cached_usd": "What of it the service had at hand.",
    "output_usd": "",
    "captures_text": "Of each call, for administrators to read. They hold facts from your records.",
    "capture_days": "1 to 90; then they are deleted.",
}
_SECTIONS = (
    ("Who writes", ("provider",)),
    (
        "Connection",
        ("base_url", "model", "connect_timeout_s", "read_timeout_s", "most_retries", "concurrency"),
    ),
    ("Tone and language", ("tone", "language")),
    (
        "Budget of a month",
        ("soft_limit_usd", "hard_limit_usd", "soft_limit_tokens", "hard_limit_tokens"),
    ),
    ("Own prices", ("input_usd", "cached_usd", "output_usd")),
    ("Prompts and answers", ("captures_text", "capture_days")),
)


class ExactField(forms.DecimalField):
    """A number as people write it, with all its places: "4,514.00", "0,125" and "$ 0.075" too."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(**options)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        """Read the text; a dollar sign and thousands separators are dropped."""
        if value in self.empty_values:
            return None
        text = str(value).strip().strip("$").strip()
        # Nobody groups a number that begins with nought.
        mark = DecimalMark.COMMA if text.startswith("0,") else likely_mark(text)
        try:
            return Decimal(str(parse_number(text, mark)))
        except ValueRefused as error:
            raise refusal(error) from error


class WholeField(ExactField):
    """A whole number as people write it: "20,000,000" too."""

    def clean(self, value: Any) -> int | None:
        """Read the text."""
        number = super().clean(value)
        if number is None:
            return None
        if number != int(number):
            raise forms.ValidationError("Enter a whole number.", code="invalid")
        return int(number)


@dataclass(frozen=True, slots=True)
class FormField:
    """A box of the form with its unit, and the value in words for those who may not change it."""

    box: forms.BoundField
    unit: str
    value: str


@dataclass(frozen=True, slots=True)
class FormSection:
    """Settings that belong together."""

    title: str
    fields: tuple[FormField, ...]
    has_key: bool


class SettingsForm(forms.Form):
    """All settings, and a new key or the wish to have none.

    Each box carries the value it was opened with, so that a change that somebody else made meanwhile is
    told from one's own. A key that was typed is never sent back.
    """

    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    new_key = forms.CharField(
        required=False,
        max_length=LONGEST_KEY,
        label="New key",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    removes_key = forms.BooleanField(required=False, label="Remove the stored key")

    def __init__(self, row: BrainSettings, data: QueryDict | None = None) -> None:
        initial = {name: _as_typed(name, getattr(row, name)) for name in NAMES}
        super().__init__(data, initial={**initial, "revision": row.revision})
        self.row = row
        self.fields.update({name: _field(name) for name in NAMES})
        if not row.sealed_key:
            del self.fields["removes_key"]

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, by setting."""
        return {name: self.cleaned_data[name] for name in NAMES}

    @property
    def sections(self) -> Iterator[FormSection]:
        """The boxes in the order of the page."""
        for title, names in _SECTIONS:
            fields = tuple(
                FormField(self[name], _UNITS.get(name, ""), shown_with_unit(name, self.row))
                for name in names
            )
            yield FormSection(title, fields, has_key="base_url" in names)

    def refuse(self, problems: dict[str, list[str]]) -> None:
        """Put what was found wrong at its boxes."""
        for name, messages in problems.items():
            self.add_error("new_key" if name == KEY else name, messages)


def merge(typed: SettingsForm, present: BrainSettings) -> Meanwhile[SettingsForm]:
    """Put what was typed on top of what stands there now.

    ``typed`` is a valid form, opened on an earlier revision. Boxes that the person left alone take
    the present value; what they typed stays, and the next save writes it. A key has to be typed again.
    """
    data = cast(QueryDict, typed.data).copy()
    data["revision"] = str(present.revision)
    data.pop("new_key", None)
    changes = []
    for name in NAMES:
        box, was_typed = typed[name], name in typed.changed_data
        theirs, mine = getattr(present, name), typed.cleaned_data[name]
        shown = _as_typed(name, theirs)
        if str(shown) != data.get(box.html_initial_name) and theirs != mine:
            mine_shown = show_value(name, mine) if was_typed else ""
            changes.append(MeanwhileChange(LABELS[name], show_value(name, theirs), mine_shown))
        data[box.html_initial_name] = str(shown)
        if was_typed:
            continue
        if shown is False:
            data.pop(name, None)
        else:
            data[name] = "on" if shown is True else str(shown)
    return Meanwhile(SettingsForm(present, data), tuple(changes))


class DayFilter(django_filters.DateFilter):  # type: ignore[misc]
    """A day as people write it; what it narrows by is a moment, in the person's zone."""

    field_class = DayField

    def filter(self, rows: QuerySet[Any], value: date | None) -> QuerySet[Any]:
        """Those of the day."""
        if value is None:
            return rows
        begin = timezone.make_aware(datetime.combine(value, time.min))
        end = timezone.make_aware(datetime.combine(value + timedelta(days=1), time.min))
        return rows.filter(**{f"{self.field_name}__gte": begin, f"{self.field_name}__lt": end})


class CallFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the list of calls is narrowed by."""

    provider = django_filters.ChoiceFilter(
        choices=Provider.choices, empty_label="Any", label="Written by"
    )
    outcome = django_filters.ChoiceFilter(choices=CallOutcome.choices, empty_label="Any")
    fell_back_because = django_filters.ChoiceFilter(
        choices=FallBack.choices, empty_label="Any", label="In its place because"
    )
    day = DayFilter("called_at", label="Day")

    class Meta:
        model = BrainCall
        fields = ("provider", "outcome", "fell_back_because", "day")

    def __init__(self, data: QueryDict, *, queryset: QuerySet[BrainCall]) -> None:
        super().__init__(data, queryset=queryset)


def shown_with_unit(name: str, row: BrainSettings) -> str:
    """A setting's value in words, with its unit."""
    value = getattr(row, name)
    shown = str(_as_typed(name, value)) if name in _UNITS else show_value(name, value)
    return f"{shown} {_UNITS[name]}" if shown and name in _UNITS else shown or "not set"


def _field(name: str) -> forms.Field:
    column = BrainSettings._meta.get_field(name)
    shared: dict[str, Any] = {
        "label": LABELS[name],
        "help_text": _HELP.get(name, ""),
        "required": not getattr(column, "blank", False),
        "show_hidden_initial": True,
    }
    if name == "captures_text":
        return forms.BooleanField(**{**shared, "required": False})
    if name in _WHOLE:
        return WholeField(**shared)
    if name in _UNITS:
        places = getattr(column, "decimal_places", None)
        return ExactField(max_digits=10, decimal_places=places, **shared)
    choices = getattr(column, "choices", None)
    if choices:
        return forms.ChoiceField(choices=choices, **shared)
    longest = LONGEST_ADDRESS if name == "base_url" else 100
    return forms.CharField(max_length=longest, **shared)


def _as_typed(name: str, value: Any) -> Any:
    """A value as its box shows it: numbers grouped, prices without empty places."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        places = _PLACES.get(name)
        if places is None:
            places = max(2, -int(value.normalize().as_tuple().exponent))
        return number_format(value, places, use_l10n=True, force_grouping=True)
    if name in _WHOLE:
        return number_format(value, use_l10n=True, force_grouping=True)
    return value
