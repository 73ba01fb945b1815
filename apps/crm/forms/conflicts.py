"""When two people change one record: what the other changed, what was typed, and who prevails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import Model
from django.http import QueryDict

from apps.crm.forms.custom_fields import PREFIX, stored_value
from apps.crm.forms.records import RecordForm
from apps.crm.history import MeanwhileChange, changes_since
from apps.crm.models import Record
from apps.crm.presentation import Shown, show_attribute, show_field
from apps.tenants.templatetags.aisha_ui import NOT_SET

TAKE = "take_"
THEIRS, MINE = "theirs", "mine"


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """One field that changed meanwhile.

    ``is_contested`` says that the person typed something else there, so that they must choose.
    """

    name: str
    label: str
    theirs: str
    mine: str
    who: str
    changed_at: datetime
    is_contested: bool

    @property
    def choice_name(self) -> str:
        """The name of the choice in the form."""
        return TAKE + self.name


@dataclass(frozen=True, slots=True)
class Conflict:
    """All that changed meanwhile, and the form's data: typed values over present ones."""

    rows: tuple[ConflictRow, ...]
    form_data: QueryDict

    @property
    def has_contested(self) -> bool:
        """Whether there is anything to choose."""
        return any(row.is_contested for row in self.rows)


def read_conflict(record: Record, typed: RecordForm, present: RecordForm) -> Conflict:
    """Compare what was read, what was typed and what stands there now.

    ``record`` is as it stands now; ``typed`` is a valid form, sent against an older revision;
    ``present`` is the unsent form of the record. Fields that the person left as they read them take
    the present value; what they typed stays.
    """
    changes = changes_since(record, typed.cleaned_data["revision"] or 0)
    data: QueryDict = cast(QueryDict, typed.data).copy()
    data["revision"] = str(record.revision)
    rows: list[ConflictRow] = []
    for name, change in changes.items():
        if name not in typed.fields:
            continue
        was_typed = _differs(typed, name, change)
        if not was_typed:
            _put(data, present, name)
        theirs = _show(record, present, name)
        rows.append(
            ConflictRow(
                name=name,
                label=str(typed.fields[name].label),
                theirs=theirs,
                mine=_typed_text(typed, name) if was_typed else "",
                who=change.who,
                changed_at=change.changed_at,
                is_contested=was_typed and _typed_text(typed, name) != theirs,
            )
        )
    return Conflict(tuple(rows), data)


def take_theirs(data: QueryDict, present: RecordForm) -> QueryDict:
    """Return the sent data with the present value in each field where "theirs" was chosen."""
    chosen = [
        name.removeprefix(TAKE)
        for name, choice in data.items()
        if name.startswith(TAKE) and choice == THEIRS
    ]
    if not chosen:
        return data
    merged = data.copy()
    for name in chosen:
        if name in present.fields and name != "revision":
            _put(merged, present, name)
    return merged


def _put(data: QueryDict, present: RecordForm, name: str) -> None:
    """Write the present value of a field as a browser would send it."""
    value, widget = present[name].value(), present.fields[name].widget
    if isinstance(widget, forms.CheckboxInput):
        data.pop(name, None)
        if value:
            data[name] = "on"
        return
    written = widget.format_value(value)
    if isinstance(written, list):
        written = written[0] if written else ""
    data[name] = "" if written is None else str(written)


def _differs(typed: RecordForm, name: str, change: MeanwhileChange) -> bool:
    """Whether the person typed something else than what they had read."""
    if name.startswith(PREFIX):
        return bool(_typed_attribute(typed, name) != change.read_value)
    value = typed.cleaned_data[name]
    read = change.read_value
    if isinstance(value, Model):
        return bool(value.pk != read)
    if isinstance(value, datetime) and isinstance(read, str):
        # The form knows no seconds.
        return bool(value != datetime.fromisoformat(read).replace(second=0, microsecond=0))
    if isinstance(value, Decimal) and read is not None:
        return bool(value != Decimal(str(read)))
    if hasattr(value, "isoformat"):
        return bool(value.isoformat() != read)
    return (value if value not in (None, "") else "") != (read if read is not None else "")


def _typed_attribute(typed: RecordForm, name: str) -> Any:
    (custom_field,) = (f for f in typed.custom_fields if PREFIX + f.key == name)
    return stored_value(custom_field, typed.cleaned_data[name])


def _show(record: Record, present: RecordForm, name: str) -> str:
    for custom_field in present.custom_fields:
        if PREFIX + custom_field.key == name:
            return show_attribute(custom_field, record.attributes.get(custom_field.key)).text
    return show_field(record, name).text


def _typed_text(typed: RecordForm, name: str) -> str:
    """What was typed, in the words in which the record would show it."""
    for custom_field in typed.custom_fields:
        if PREFIX + custom_field.key == name:
            return show_attribute(custom_field, _typed_attribute(typed, name)).text
    value = typed.cleaned_data[name]
    if value is None:
        return NOT_SET
    # Cleaning has put what was typed into the form's own instance, which is never saved.
    shown: Shown = show_field(typed.instance, name)
    return shown.text
