"""What can be imported for each kind of record: the model's own fields, and a few that only a file has.

A field is known by its key, as in mappings. ``account`` is an account by name, ``account_external_id`` one
by its id in the same source. Fields that only files have: ``full_name`` (split into two), ``close_date``
(the expected day while a deal is open, the day it closed afterwards), ``close_value`` (the amount once a
deal is won), ``what_id`` and ``who_id`` (Salesforce's references to one of several kinds).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from django.db import models

from apps.crm.changelog import record_models
from apps.crm.enums import RecordKind
from apps.crm.importing.values import fold
from apps.crm.models import Record


class ValueType(StrEnum):
    """How the text of a cell is understood."""

    TEXT = "text"
    EMAIL = "email"
    AMOUNT = "amount"
    INTEGER = "integer"
    DATE = "date"
    MOMENT = "moment"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    REFERENCE = "reference"
    FULL_NAME = "full_name"
    EXTERNAL_ID = "external_id"


@dataclass(frozen=True, slots=True)
class ImportField:
    """A field that a column may be mapped to.

    ``max_length`` counts characters of texts and digits of amounts. ``choices`` maps folded words to
    stored values; ``labels`` are the ones to name in a message.
    ``refers_to`` is the kind of record (or "owner", "stage") that a reference looks for.
    """

    key: str
    label: str
    type: ValueType
    max_length: int | None = None
    choices: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    refers_to: str = ""

    def choice_values(self) -> dict[str, str]:
        """The folded words with their stored values."""
        return dict(self.choices)


@dataclass(frozen=True, slots=True)
class KindFields:
    """Everything about importing one kind of record.

    ``required``: of each tuple at least one field must be mapped, or the file is refused.
    ``identifying``: for rows without an id of their own, the first tuple whose leading field is filled
    in makes a stable one; fields that are not mapped count as empty.
    """

    kind: RecordKind
    model: type[Record]
    fields: dict[str, ImportField]
    required: tuple[tuple[str, ...], ...]
    identifying: tuple[tuple[str, ...], ...]


PLURALS = {
    "leads": RecordKind.LEAD,
    "contacts": RecordKind.CONTACT,
    "accounts": RecordKind.ACCOUNT,
    "opportunities": RecordKind.OPPORTUNITY,
    "deals": RecordKind.OPPORTUNITY,
    "activities": RecordKind.ACTIVITY,
    "tasks": RecordKind.TASK,
    "contracts": RecordKind.CONTRACT,
    "products": RecordKind.PRODUCT,
}

# Derived by the database, or set by conversion and merging, never by a file.
_NOT_IMPORTED = {
    "id", "source", "attributes", "revision", "updated_at", "last_activity_at",
    "stated_details", "converted_contact", "converted_opportunity",
}  # fmt: skip
_NOT_IMPORTED_BY_KIND = {RecordKind.OPPORTUNITY: {"outcome"}}

_REQUIRED: dict[RecordKind, tuple[tuple[str, ...], ...]] = {
    RecordKind.LEAD: (("last_name", "full_name", "email", "company", "first_name"),),
    RecordKind.CONTACT: (("last_name", "full_name", "email", "first_name"),),
    RecordKind.ACCOUNT: (("name",),),
    RecordKind.OPPORTUNITY: (
        ("stage",),
        ("name", "account", "account_external_id", "product", "product_external_id"),
    ),
    RecordKind.ACTIVITY: (("activity_kind",), ("occurred_at",)),
    RecordKind.TASK: (("title",),),
    RecordKind.CONTRACT: (("account", "account_external_id"), ("name", "starts_on", "value")),
    RecordKind.PRODUCT: (("name",),),
}
_IDENTIFYING: dict[RecordKind, tuple[tuple[str, ...], ...]] = {
    RecordKind.LEAD: (
        ("email",),
        ("last_name", "first_name", "company"),
        ("full_name", "company"),
        ("company", "phone"),
    ),
    RecordKind.CONTACT: (
        ("email",),
        ("last_name", "first_name", "account", "account_external_id"),
        ("full_name", "account", "account_external_id"),
    ),
    RecordKind.ACCOUNT: (("name",),),
    RecordKind.OPPORTUNITY: (("name", "account", "account_external_id", "opened_on"),),
    RecordKind.ACTIVITY: (
        ("occurred_at", "activity_kind", "subject", "counterpart_address", "contact", "lead"),
    ),
    RecordKind.TASK: (("title", "due_on", "account", "contact", "lead", "opportunity"),),
    RecordKind.CONTRACT: (
        ("account", "name", "starts_on"),
        ("account_external_id", "name", "starts_on"),
    ),
    RecordKind.PRODUCT: (("name",),),
}

# What HubSpot, Salesforce and people write for our choices.
_SYNONYMS: dict[tuple[RecordKind, str], dict[str, tuple[str, ...]]] = {
    (RecordKind.LEAD, "status"): {
        "new": ("open", "open not contacted", "subscriber", "lead"),
        "working": (
            "open deal", "in progress", "working contacted", "attempted to contact", "connected",
            "contacted", "bad timing", "nurturing",
        ),
        "qualified": (
            "marketing qualified lead", "sales qualified lead", "marketingqualifiedlead",
            "salesqualifiedlead", "opportunity",
        ),
        "unqualified": ("closed not converted", "disqualified", "junk", "other"),
        "converted": ("closed converted", "customer"),
    },
    (RecordKind.TASK, "status"): {
        "open": ("not started", "in progress", "waiting", "waiting on someone else", "deferred"),
        "done": ("completed", "complete", "closed"),
        "cancelled": ("canceled", "skipped"),
    },
    (RecordKind.TASK, "priority"): {"2": ("medium", "none"), "4": ("highest", "critical")},
    (RecordKind.ACTIVITY, "activity_kind"): {
        "email": ("mail", "incoming email", "forwarded email", "outgoing email", "list email"),
        "call": ("phone call", "phone"),
        "meeting": ("event", "appointment", "demo"),
        "note": ("comment", "other", "log"),
    },
    (RecordKind.ACTIVITY, "direction"): {
        "inbound": ("incoming", "incoming email", "in"),
        "outbound": ("outgoing", "email", "out"),
        "none": ("none", "internal"),
    },
    (RecordKind.ACTIVITY, "delivery"): {"bounced": ("bounce", "failed"), "delivered": ("sent",)},
    (RecordKind.CONTRACT, "outcome"): {
        "open": ("activated", "active", "draft", "in approval process", "in approval"),
        "renewed": ("extended",),
        "churned": ("expired", "terminated", "cancelled", "canceled"),
    },
}  # fmt: skip


def parse_kind(text: str) -> RecordKind:
    """Return the kind of record named by its value or its plural; KeyError when none is imported."""
    word = text.strip().lower()
    kinds = {kind.value: kind for kind in PLURALS.values()} | PLURALS
    return kinds[word]


@cache
def fields_of(kind: RecordKind) -> KindFields:
    """Return what can be imported for a kind of record."""
    model = next(model for model in record_models() if model.kind == kind)
    skipped = _NOT_IMPORTED | _NOT_IMPORTED_BY_KIND.get(kind, set())
    fields: list[ImportField] = [
        ImportField("external_id", "Id in the source", ValueType.EXTERNAL_ID, 120)
    ]
    for field in model._meta.concrete_fields:
        if field.name in skipped or field.name == "external_id":
            continue
        fields.extend(_derive(kind, field))
    fields.extend(_file_only_fields(kind))
    return KindFields(
        kind, model, {field.key: field for field in fields}, _REQUIRED[kind], _IDENTIFYING[kind]
    )


def _derive(kind: RecordKind, field: models.Field[object, object]) -> list[ImportField]:
    """Describe a model field by its type, so that a new one is importable without a second list."""
    key, label = field.name, _label(field)
    if isinstance(field, models.ForeignKey):
        if key == "owner":
            return [ImportField(key, "Owner", ValueType.REFERENCE, 254, refers_to="owner")]
        if key == "stage":
            return [ImportField(key, "Stage", ValueType.REFERENCE, 100, refers_to="stage")]
        target = "account" if key == "parent" else key
        by_name = "name or e-mail" if target in {"contact", "lead"} else "name"
        return [
            ImportField(key, f"{label} (by {by_name})", ValueType.REFERENCE, 300, refers_to=target),
            ImportField(
                f"{key}_external_id",
                f"{label} (by id in the source)",
                ValueType.REFERENCE,
                300,
                refers_to=target,
            ),
        ]
    if field.choices:
        return [_choice_field(kind, field, label)]
    plain = {
        models.EmailField: ValueType.EMAIL,
        models.CharField: ValueType.TEXT,
        models.TextField: ValueType.TEXT,
        models.DecimalField: ValueType.AMOUNT,
        models.PositiveIntegerField: ValueType.INTEGER,
        models.BooleanField: ValueType.BOOLEAN,
        models.DateTimeField: ValueType.MOMENT,
        models.DateField: ValueType.DATE,
    }
    value_type = next(value_type for base, value_type in plain.items() if isinstance(field, base))
    size = field.max_digits if isinstance(field, models.DecimalField) else field.max_length
    return [ImportField(key, label, value_type, size)]


def _choice_field(kind: RecordKind, field: models.Field[object, object], label: str) -> ImportField:
    words: dict[str, str] = {}
    labels = []
    for value, text in field.flatchoices:
        words[fold(str(value))] = words[fold(str(text))] = str(value)
        labels.append(str(text))
    for value, synonyms in _SYNONYMS.get((kind, field.name), {}).items():
        for word in synonyms:
            words.setdefault(fold(word), value)
    words.pop("", None)
    return ImportField(
        field.name, label, ValueType.CHOICE, choices=tuple(words.items()), labels=tuple(labels)
    )


def _label(field: models.Field[object, object]) -> str:
    words = {"created_at": "Created on (in the source)"}
    if field.name in words:
        return words[field.name]
    text = str(field.verbose_name)
    return text[:1].upper() + text[1:]


def _file_only_fields(kind: RecordKind) -> list[ImportField]:
    if kind in {RecordKind.LEAD, RecordKind.CONTACT}:
        return [ImportField("full_name", "Full name (split into two)", ValueType.FULL_NAME, 200)]
    if kind == RecordKind.OPPORTUNITY:
        return [
            ImportField(
                "close_date", "Close date (expected, or actual once closed)", ValueType.DATE
            ),
            ImportField(
                "close_value", "Value at closing (the amount once won)", ValueType.AMOUNT, 14
            ),
        ]
    if kind in {RecordKind.ACTIVITY, RecordKind.TASK}:
        return [
            ImportField(
                "who_id",
                "Person (contact or lead, by id in the source)",
                ValueType.REFERENCE,
                300,
                refers_to="who",
            ),
            ImportField(
                "what_id",
                "Subject (account or deal, by id in the source)",
                ValueType.REFERENCE,
                300,
                refers_to="what",
            ),
        ]
    return []
