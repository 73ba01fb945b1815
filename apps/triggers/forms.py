"""The form of a trigger's setting, and what the pages can be narrowed by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, cast

import django_filters
from django import forms
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.crm.enums import RecordKind
from apps.tenants.meanwhile import Meanwhile, MeanwhileChange
from apps.tenants.models import Tenant
from apps.triggers.day_lists import DaysRefusedError, read_days
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.exceptions import EmptyScopeError, InvalidParametersError
from apps.triggers.models import Scan
from apps.triggers.parameters import TOGETHER, DeclaredParameter, ParameterProblem
from apps.triggers.querysets import ScanQuerySet
from apps.triggers.registry import Trigger
from apps.triggers.scopes import SCANNED, ScanScope, scope_of_list, scope_of_records
from apps.triggers.settings import OFF, ON, Setting, show_value
from apps.triggers.working_days import DAY_NAMES
from apps.users.models import User

PARAMETER = "parameter_"


def parameter_fields(
    trigger: Trigger[Any],
    chosen: Mapping[str, int],
    *,
    number: type[forms.Widget],
    switch: type[forms.Widget],
) -> dict[str, forms.Field]:
    """Return a field for each parameter, named with ``PARAMETER``; the trigger itself judges the values."""
    return {
        PARAMETER + parameter.name: _field(parameter, chosen[parameter.name], number, switch)
        for parameter in trigger.declared
    }


def typed_parameters(cleaned: Mapping[str, Any]) -> dict[str, int]:
    """What was typed into such fields, by parameter."""
    return {
        name.removeprefix(PARAMETER): int(value)
        for name, value in cleaned.items()
        if name.startswith(PARAMETER)
    }


def _field(
    parameter: DeclaredParameter,
    chosen: int,
    number: type[forms.Widget],
    switch: type[forms.Widget],
) -> forms.Field:
    if parameter.is_switch:
        by_default = f"{parameter.show(parameter.default).capitalize()} by default."
        return forms.BooleanField(
            label=parameter.label,
            initial=bool(chosen),
            required=False,
            help_text=_help(parameter, by_default),
            widget=switch(),
        )
    bounds = f"{parameter.bounds}; {parameter.default} by default."
    return forms.IntegerField(
        label=parameter.label,
        initial=chosen,
        help_text=_help(parameter, bounds),
        widget=number(),
    )


def _help(parameter: DeclaredParameter, bounds: str) -> SafeString:
    """What it means, and its bounds in one piece."""
    return format_html('{} <span class="nowrap">{}</span>', parameter.help, bounds)


def judge(form: forms.BaseForm, trigger: Trigger[Any], cleaned: Mapping[str, Any]) -> None:
    """Let the trigger judge what was typed, and put what it refuses at its field.

    Whether values fit together is asked only when each of them is sound.
    """
    try:
        trigger.parse(typed_parameters(cleaned))
    except InvalidParametersError as error:
        for problem in error.problems:
            if problem.name != TOGETHER:
                form.add_error(PARAMETER + problem.name, problem.message)
            elif not form.errors:
                form.add_error(None, in_words(problem, trigger))


def in_words(problem: ParameterProblem, trigger: Trigger[Any]) -> str:
    """The problem, with labels in the place of names."""
    text = problem.message
    for parameter in trigger.declared:
        text = re.sub(rf"\b{parameter.name}\b", f"“{parameter.label}”", text)
    return text


class NumberBox(forms.TextInput):
    """A short box for a whole number, which keeps whatever was typed."""

    def __init__(self) -> None:
        super().__init__(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 6})


class SettingForm(forms.Form):
    """A trigger's switch and its parameters.

    Each box carries the value it was opened with, so that a change that somebody else made meanwhile is
    told from one's own.
    """

    is_enabled = forms.BooleanField(
        required=False,
        label="This trigger is on",
        show_hidden_initial=True,
        help_text="Off, it finds nothing, and what it has found is cleared at the next scan.",
    )
    revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, setting: Setting, data: QueryDict | None = None) -> None:
        super().__init__(
            data,
            initial={"is_enabled": setting.choice.is_enabled, "revision": setting.revision},
        )
        self.setting = setting
        self.parameters = {parameter.name: parameter for parameter in setting.trigger.declared}
        fields = parameter_fields(
            setting.trigger,
            setting.choice.parameters,
            number=NumberBox,
            switch=forms.CheckboxInput,
        )
        for field in fields.values():
            field.show_hidden_initial = True
        self.fields.update(fields)

    @property
    def rows(self) -> list[tuple[forms.BoundField, DeclaredParameter]]:
        """The parameters' boxes, each with what is told about it."""
        return [(self[PARAMETER + name], declared) for name, declared in self.parameters.items()]

    def clean(self) -> dict[str, Any]:
        """Let the trigger judge the parameters, one by one and together."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        judge(self, self.setting.trigger, cleaned)
        return cleaned


def merge(typed: SettingForm, present: Setting) -> Meanwhile[SettingForm]:
    """Put what was typed on top of what stands there now.

    ``typed`` is a valid form, opened on an earlier revision. Boxes that the person left alone take
    the present value; what they typed stays, and the next save writes it.
    """
    now = SettingForm(present)
    data = cast(QueryDict, typed.data).copy()
    data["revision"] = str(present.revision)
    changes = []
    for name in (name for name in now.fields if name != "revision"):
        box, was_typed = typed[name], name in typed.changed_data
        theirs, mine = now[name].value(), typed.cleaned_data[name]
        if str(theirs) != data.get(box.html_initial_name) and theirs != mine:
            shown = _show(present, name, theirs), _show(present, name, mine) if was_typed else ""
            changes.append(MeanwhileChange(str(box.label), *shown))
        data[box.html_initial_name] = str(theirs)
        if not was_typed and theirs is False:
            data.pop(name, None)
        elif not was_typed:
            data[name] = "on" if theirs is True else str(theirs)
    return Meanwhile(SettingForm(present, data), tuple(changes))


def _show(setting: Setting, name: str, value: object) -> str:
    if isinstance(value, bool):
        return ON if value else OFF
    return show_value(setting.trigger, name.removeprefix(PARAMETER), value)


class ScanFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What the ledger of scans is narrowed by."""

    kind = django_filters.ChoiceFilter(choices=ScanKind.choices, empty_label="Any")
    status = django_filters.ChoiceFilter(
        choices=ScanStatus.choices, empty_label="Any", label="State"
    )

    class Meta:
        model = Scan
        fields = ("kind", "status")

    def __init__(self, data: QueryDict, *, queryset: ScanQuerySet) -> None:
        super().__init__(data, queryset=queryset)


class DaysField(forms.TypedMultipleChoiceField):
    """Days in ISO form; one that the list does not hold any more is no mistake."""

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=date.fromisoformat, **options)

    def valid_value(self, value: Any) -> bool:
        """Whatever it is: ``coerce`` tells what is no day."""
        return True


class WorkingDaysForm(forms.Form):
    """The company's week, and days off to add and to remove."""

    week = forms.MultipleChoiceField(
        label="Working week",
        choices=DAY_NAMES.items(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one day."},
    )
    week_read = forms.RegexField(r"^1?2?3?4?5?6?7?$", widget=forms.HiddenInput)
    add = forms.CharField(
        required=False,
        max_length=10_000,
        label="Add days off",
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "2026-12-24 to 2026-12-31"}),
        help_text="One a line: 2026-12-25, 25 December 2026, or a first and a last day with “to”"
        " between them. A whole list can be pasted.",
    )
    remove = DaysField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, tenant: Tenant, data: QueryDict | None = None) -> None:
        week = tenant.working_week
        super().__init__(data, initial={"week": list(week), "week_read": week})

    def on_top_of(self, tenant: Tenant) -> WorkingDaysForm:
        """The same with what was chosen, to be saved over the present week."""
        data = cast(QueryDict, self.data).copy()
        data["week_read"] = tenant.working_week
        form = WorkingDaysForm(tenant, data)
        form.full_clean()
        return form

    def clean_week(self) -> str:
        """The chosen days as digits."""
        return "".join(sorted(self.cleaned_data["week"]))

    def clean_add(self) -> list[date]:
        """Understand the list."""
        try:
            return read_days(self.cleaned_data["add"])
        except DaysRefusedError as error:
            raise forms.ValidationError(error.messages) from error


class ScanScopeForm(forms.Form):
    """What to scan: one record, or what a list shows for a query string; left empty, everything."""

    record_kind = forms.ChoiceField(
        required=False, choices=[(kind.value, kind.label) for kind in SCANNED]
    )
    record_id = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    query = forms.CharField(required=False, max_length=500)
    name = forms.CharField(required=False, max_length=40)

    @property
    def is_of_one(self) -> bool:
        """Whether a single record is asked for."""
        return bool(self.cleaned_data.get("record_id"))

    def scope(self, user: User) -> ScanScope | None:
        """The records that the person may see of those asked for; None for everything.

        Raises:
            EmptyScopeError: what is asked for is not offered, or there is nothing of it.
            ScopeTooLargeError: they are too many to be looked at by themselves.
        """
        if not self.is_valid():
            raise EmptyScopeError()
        wanted = self.cleaned_data
        if not wanted["record_kind"]:
            return None
        kind = RecordKind(wanted["record_kind"])
        if self.is_of_one:
            return scope_of_records(user, kind, [wanted["record_id"]])
        return scope_of_list(user, kind, wanted["query"], wanted["name"])
