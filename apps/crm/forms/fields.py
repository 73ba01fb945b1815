"""Form fields for what records hold: amounts as people write them, people, and other records."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.crm.importing.values import (
    DateOrder,
    DecimalMark,
    ValueRefused,
    decimal_mark_evidence,
    parse_amount,
    parse_date,
    parse_number,
)
from apps.crm.models import Record
from apps.crm.services import find_merged, visible_records
from apps.users.models import User
from apps.users.rules import assignable_people

# How a reference is written in its box, so that the id survives even where names repeat.
_WITH_ID = re.compile(r"\(#(\d{1,18})\)\s*$")
MOST_CANDIDATES = 10


def refusal(error: ValueRefused) -> ValidationError:
    """Turn a parser's verdict ("is not an amount …") into a sentence at a field."""
    return ValidationError(f"This {error}.", code="invalid")


def likely_mark(text: str) -> DecimalMark:
    """What stands before the cents of a single amount; a point where the text could mean both."""
    return decimal_mark_evidence(text) or DecimalMark.POINT


class AmountField(forms.DecimalField):
    """A sum of money: "4514", "4,514.00", "1.234,56" and "$ 1 234" are all understood."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(**options)

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        """Read the text; currency signs and thousands separators are dropped."""
        if value in self.empty_values:
            return None
        text = str(value).strip()
        try:
            return parse_amount(text, likely_mark(text)).value
        except ValueRefused as error:
            raise refusal(error) from error


class NumberField(forms.CharField):
    """A plain number of a custom field, stored as JSON."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(**options)

    def clean(self, value: Any) -> int | float | None:
        """Read the text, or None where there is none."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_number(text, likely_mark(text))
        except ValueRefused as error:
            raise refusal(error) from error


class DayField(forms.DateField):
    """A day: from the browser's picker, or typed: 2026-03-12, 12.3.2026, 12 Mar 2026, 3/12/2026."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(**options)

    def to_python(self, value: Any) -> date | None:
        """Read the text; of 3/12/2026 the month comes first, as in the language of these pages."""
        if isinstance(value, date) or value in self.empty_values:
            return super().to_python(value)
        try:
            return parse_date(str(value).strip(), DateOrder.MONTH_FIRST)
        except ValueRefused as error:
            raise refusal(error) from error


class MomentField(forms.DateTimeField):
    """A day and a time in the person's time zone."""

    def __init__(self, **options: Any) -> None:
        options["widget"] = forms.DateTimeInput(
            format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}
        )
        super().__init__(**options)


class OwnerField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """The person a record belongs to: those to whom the viewer may give it, and who has it now."""

    def __init__(self, *, viewer: User, owner_id: int | None, **options: Any) -> None:
        people = User.objects.filter(assignable_people(viewer) | Q(pk=owner_id))
        options.setdefault("label", "Owner")
        super().__init__(queryset=people, required=False, empty_label="Nobody", **options)

    def label_from_instance(self, obj: User) -> str:
        """The person's name as others see it."""
        return obj.display_name


class ReferenceInput(forms.TextInput):
    """A box in which a record is named; suggestions come while typing, where there is script."""

    def __init__(self, model: type[Record]) -> None:
        super().__init__(attrs={"autocomplete": "off"})
        self.model = model

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Draw the input and the list that htmx fills."""
        list_id = f"{(attrs or {}).get('id', name)}_options"
        url = reverse(f"crm:{self.model.kind.value}_options")
        attrs = {
            **(attrs or {}),
            "list": list_id,
            "placeholder": "Type a name",
            "hx-get": f"{url}?field={name}",
            "hx-trigger": "input changed delay:200ms",
            "hx-target": f"#{list_id}",
            "hx-sync": "this:replace",
        }
        box = super().render(name, value, attrs, renderer)
        return format_html('{}<datalist id="{}"></datalist>', box, list_id)


class ReferenceField(forms.CharField):
    """Another record, by name or as picked from the suggestions ("Isdom (#12)").

    A select would hold the whole table. Only what the viewer may see can be named; what stands in
    the record already may stay.
    """

    def __init__(
        self, *, model: type[Record], viewer: User, held: Record | None = None, **options: Any
    ) -> None:
        super().__init__(widget=ReferenceInput(model), max_length=300, **options)
        self.model, self.viewer, self.held = model, viewer, held

    def prepare_value(self, value: Any) -> Any:
        """Write a record as its name and id; typed text stays as it is."""
        return name_with_id(value) if isinstance(value, Record) else value

    def clean(self, value: Any) -> Record | None:
        """Find the record that is meant."""
        text = super().clean(value)
        if not text:
            return None
        if match := _WITH_ID.search(text):
            return self._find_by_id(int(match[1]))
        return self._find_by_name(text)

    def _find_by_id(self, record_id: int) -> Record:
        if self.held is not None and self.held.pk == record_id:
            return self.held
        found = visible_records(self.viewer, self.model).filter(pk=record_id).first()
        found = found or self._find_survivor(record_id)
        if found is None:
            raise ValidationError(f"There is no such {self._noun} that you may see.")
        return found

    def _find_survivor(self, record_id: int) -> Record | None:
        """Of a record that was merged since the form was opened, where it lives on as one of its kind."""
        merged = find_merged(self.viewer, self.model, record_id)
        survivor = merged.survivor if merged else None
        return survivor if isinstance(survivor, self.model) else None

    def _find_by_name(self, text: str) -> Record:
        found = find_by_name(self.viewer, self.model, text)
        exact = [record for record in found if str(record).casefold() == text.casefold()]
        match exact or found:
            case [record]:
                return record
            case []:
                raise ValidationError(f"There is no {self._noun} called “{text}” that you may see.")
            case several:
                names = ", ".join(name_with_id(record) for record in several)
                raise ValidationError(f"Which one? Write one of: {names}.")

    @property
    def _noun(self) -> str:
        return self.model.kind.label.lower()


def name_with_id(record: Record) -> str:
    """Write a record so that ``ReferenceField`` finds it again."""
    return f"{record} (#{record.pk})"


def find_by_name(viewer: User, model: type[Record], text: str) -> list[Record]:
    """Return the first few records that a typed name may mean."""
    return list(visible_records(viewer, model).search(text)[:MOST_CANDIDATES])
