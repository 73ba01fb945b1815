"""How fields of records are shown: labels, values by type, badges; on pages, in CSV and history.

A reference shows the name of the record that it points to, because that name is a fact of the
record that refers to it; it is a link only for those who may see the record behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.db import models
from django.utils import timezone

from apps.crm.enums import FieldType
from apps.crm.models import CustomField, Record, Task
from apps.tenants.templatetags.aisha_ui import DISTANT_DAYS, NOT_SET, money, number
from apps.users.models import User
from apps.users.rules import sees_rows_of

# Columns that are no fields: the record itself, and what a task or an activity hangs on.
SELF, ABOUT = "self", "about"

# Where the name of the column is not the word that people use.
LABELS: dict[str, str] = {
    "activity_kind": "Kind",
    "occurred_at": "When",
    "counterpart_address": "Their address",
    "counterpart_name": "Their name",
    "email": "E-mail",
    "email_status": "E-mail status",
    "is_active": "On sale",
    "opened_on": "Opened",
    "expected_close_on": "Expected close",
    "closed_on": "Closed",
    "stage_entered_at": "In this stage since",
    "starts_on": "Starts",
    "renews_on": "Renews",
    "outcome_on": "Outcome on",
    "due_on": "Due",
    "completed_at": "Completed",
    "last_activity_at": "Last activity",
    "created_at": "Created",
    "updated_at": "Changed",
    "opportunity": "Deal",
    "converted_opportunity": "Converted to deal",
    "converted_contact": "Converted to contact",
    "parent": "Parent account",
    "external_id": "Id there",
    "attributes": "Custom fields",
    "body": "Text",
    "to_address": "To",
    "sent_at": "Sent",
}

# Words that deserve a colour beside them, by field and value.
TONES: dict[tuple[str, str], str] = {
    ("outcome", "won"): "good",
    ("outcome", "lost"): "bad",
    ("outcome", "renewed"): "good",
    ("outcome", "churned"): "bad",
    ("status", "converted"): "good",
    ("status", "qualified"): "accent",
    ("status", "done"): "good",
    ("status", "sent"): "good",
    ("email_status", "bounced"): "bad",
    ("delivery", "bounced"): "bad",
    ("priority", "4"): "bad",
    ("priority", "3"): "warn",
}
BADGES = frozenset({"status", "stage", "outcome", "priority", "email_status", "delivery"})
# An amount means nothing without its currency.
MONEY_FIELDS = frozenset({"amount", "estimated_value", "value", "price", "annual_revenue"})


class Style(StrEnum):
    """How a value is laid out; ``crm/_value.html`` has a branch for each."""

    TEXT = "text"
    LONG = "long"
    NUMBER = "number"
    MONEY = "money"
    DAY = "day"
    MOMENT = "moment"
    BADGE = "badge"
    LINK = "link"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Shown:
    """One value, ready for a page: ``value`` keeps its type, so that a sum exports as a number."""

    label: str
    style: Style
    value: Any
    name: str = ""
    currency: str = ""
    url: str = ""
    tone: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.value is None or self.value == ""

    @property
    def is_number(self) -> bool:
        """Whether it stands at the right of its column."""
        return self.style in {Style.NUMBER, Style.MONEY}

    @property
    def text(self) -> str:
        """The value in words."""
        if self.is_empty:
            return NOT_SET
        match self.style:
            case Style.MONEY:
                return str(money(self.value, self.currency))
            case Style.NUMBER:
                return str(number(self.value))
            case Style.DAY | Style.MOMENT:
                return describe_time(self.value)
            case _:
                return str(self.value)

    @property
    def is_near(self) -> bool:
        """Whether a day or a moment is so near that its distance says more than its date."""
        if not isinstance(self.value, date):
            return False
        day = timezone.localdate(self.value) if isinstance(self.value, datetime) else self.value
        return abs((day - timezone.localdate()).days) <= DISTANT_DAYS

    def cell(self, zone: tzinfo) -> object:
        """Return the value for a CSV file: numbers as numbers, days and moments as ISO 8601.

        The zone is given, because a file is written when the request's own zone is over.
        """
        if isinstance(self.value, datetime):
            return self.value.astimezone(zone).isoformat(timespec="minutes")
        if isinstance(self.value, date):
            return self.value.isoformat()
        return self.value


def describe_time(value: date | datetime) -> str:
    """Return a day or a moment in words, in the current time zone."""
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%-d %b %Y, %H:%M")
    return value.strftime("%-d %b %Y")


@cache
def field_of(model: type[Record], name: str) -> models.Field[Any, Any]:
    """Return a field by its name or its column (``owner`` or ``owner_id``).

    Raises:
        LookupError: the kind has no such field.
    """
    for candidate in model._meta.concrete_fields:
        if name in (candidate.name, candidate.attname):
            return candidate
    raise LookupError(f"{model.__name__} has no field {name!r}")


@cache
def label_of(model: type[Record], name: str) -> str:
    """Return the word for a field, by its name or its column."""
    if name in (SELF, ABOUT):
        return {SELF: "Name", ABOUT: "About"}[name]
    field = field_of(model, name)
    word = str(field.verbose_name)
    return LABELS.get(field.name, word[:1].upper() + word[1:])


def show_field(record: Record, name: str, viewer: User | None = None) -> Shown:
    """Return one field of a record for a page; references must have been loaded with it.

    Without a viewer references are words. With one they are links where the viewer may see what is
    behind them, which needs its owner to have been loaded too.
    """
    model = type(record)
    label = label_of(model, name)
    if name == SELF:
        return Shown(label, Style.LINK, str(record), name, url=record.get_absolute_url())
    if name == ABOUT:
        return Shown(label, Style.TEXT, _subject_of(record), name)
    field = field_of(model, name)
    value = getattr(record, name)
    if isinstance(value, Record):
        url = value.get_absolute_url() if viewer and _sees(viewer, value) else ""
        return Shown(label, Style.LINK, str(value), name, url=url)
    if isinstance(value, User):
        return Shown(label, Style.PERSON, value.display_name, name)
    if name in BADGES:
        return _show_badge(record, name, label, value)
    if field.choices:
        return Shown(label, Style.TEXT, _choice_text(field, value), name)
    shown = _show_plain(label, name, value, getattr(record, "currency", ""))
    if name == "due_on" and _is_overdue(record):
        return Shown(label, Style.DAY, value, name, tone="warn")
    return shown


def show_attribute(custom_field: CustomField, value: object) -> Shown:
    """Return the value of a custom field for a page."""
    label, name = custom_field.label, f"custom_{custom_field.key}"
    if value is None or value == "":
        return Shown(label, Style.TEXT, None, name)
    match custom_field.field_type:
        case FieldType.BOOLEAN:
            return Shown(label, Style.TEXT, "Yes" if value else "No", name)
        case FieldType.NUMBER if isinstance(value, int | float):
            return Shown(label, Style.NUMBER, value, name)
        case FieldType.DATE:
            return Shown(label, Style.DAY, parse_day(value) or str(value), name)
        case _:
            return Shown(label, Style.TEXT, str(value), name)


def describe_logged(
    model: type[Record],
    column: str,
    value: object,
    currency: str,
    names: Mapping[tuple[str, int], str],
) -> str:
    """Return a value of the change log in words.

    ``names`` holds the names of referenced rows by (column, id); a row that is gone shows its id.
    """
    if value is None or value == "":
        return NOT_SET
    field = field_of(model, column)
    if field.related_model is not None and isinstance(value, int):
        return names.get((column, value), f"#{value} (gone)")
    if field.choices:
        return _choice_text(field, value)
    if isinstance(field, models.DecimalField):
        value = Decimal(str(value))
    elif isinstance(field, models.DateField) and isinstance(value, str):
        value = field.to_python(value)
    shown = _show_plain("", field.name, value, currency)
    return shown.text


def _show_badge(record: Record, name: str, label: str, value: Any) -> Shown:
    key = str(value)
    text = key
    if not isinstance(value, models.Model):
        text = _choice_text(field_of(type(record), name), value)
    elif outcome := getattr(value, "outcome", ""):
        name, key = "outcome", str(outcome)
    return Shown(label, Style.BADGE, text, name, tone=TONES.get((name, key), ""))


def _show_plain(label: str, name: str, value: Any, currency: str) -> Shown:
    if isinstance(value, bool):
        return Shown(label, Style.TEXT, "Yes" if value else "No", name)
    if name in MONEY_FIELDS:
        return Shown(label, Style.MONEY, value, name, currency=currency)
    if isinstance(value, datetime):
        return Shown(label, Style.MOMENT, value, name)
    if isinstance(value, date):
        return Shown(label, Style.DAY, value, name)
    if isinstance(value, int | float | Decimal):
        return Shown(label, Style.NUMBER, value, name)
    if name in {"notes", "body", "description"}:
        return Shown(label, Style.LONG, value, name)
    return Shown(label, Style.TEXT, value, name, url=_address_of(name, str(value or "")))


def _address_of(name: str, text: str) -> str:
    """Where a click on a value leads: a mail, a call or a web page; never another scheme."""
    if not text:
        return ""
    if name in {"email", "counterpart_address", "to_address"}:
        return f"mailto:{text}" if "@" in text else ""
    if name == "phone":
        return "tel:" + "".join(sign for sign in text if sign.isdigit() or sign == "+")
    if name != "website":
        return ""
    address = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in {"http", "https"} and parts.hostname else ""


def _choice_text(field: models.Field[Any, Any], value: object) -> str:
    return str(_choices(field).get(value, value))


@cache
def _choices(field: models.Field[Any, Any]) -> dict[object, str]:
    return {value: str(word) for value, word in field.flatchoices}


def parse_day(value: object) -> date | None:
    """Return the day of an ISO text, or None for anything else."""
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _subject_of(record: Record) -> str:
    """The nearest thing that a task or an activity is about."""
    subjects = (getattr(record, name) for name in ("opportunity", "lead", "contact", "account"))
    return next((str(subject) for subject in subjects if subject is not None), "")


def _sees(viewer: User, record: Record) -> bool:
    return record.kind == "product" or sees_rows_of(viewer, record.owner)


def _is_overdue(record: Record) -> bool:
    if not isinstance(record, Task) or record.due_on is None:
        return False
    return record.status == "open" and record.due_on < timezone.localdate()
