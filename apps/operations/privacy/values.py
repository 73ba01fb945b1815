"""What is personal in a record and in what is stored about it, and what stands there afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.crm.models import Activity, Contact, Draft, Lead, Record, Task
from apps.execution.custom_names import custom_key
from apps.operations.privacy.people import ERASED

# Field → what it holds afterwards. A draft and a task have to say something.
PERSONAL: dict[type[Record], dict[str, object]] = {
    Contact: {
        "first_name": "", "last_name": "", "title": "", "email": "", "phone": "", "notes": "",
        "attributes": {}, "do_not_contact": True,
    },
    Lead: {
        "first_name": "", "last_name": "", "company": "", "title": "", "email": "", "phone": "",
        "notes": "", "attributes": {}, "do_not_contact": True,
    },
    Activity: {
        "subject": "", "body": "", "counterpart_address": "", "counterpart_name": "",
        "stated_details": {}, "attributes": {},
    },
    Task: {"title": ERASED, "description": "", "attributes": {}},
    Draft: {
        "to_address": ERASED, "subject": ERASED, "body": ERASED, "attributes": {},
    },
}  # fmt: skip

_TEXTS = frozenset(
    name for fields in PERSONAL.values() for name, value in fields.items() if isinstance(value, str)
)
_STRUCTURES = frozenset({"attributes", "stated_details"})


def redact(value: Any) -> Any:
    """The same structure, the texts of personal fields replaced at whatever depth; ids and days stay."""
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, Mapping):
        return {key: redact_field(key, inner) for key, inner in value.items()}
    return value


def redact_field(name: str, value: Any) -> Any:
    """One field's value, or the pair of its values before and after."""
    if custom_key(name):
        return ERASED if value not in (None, "") else value
    if name in _STRUCTURES:
        return [{}, {}] if isinstance(value, list) else {}
    if name not in _TEXTS:
        return redact(value)
    if isinstance(value, list):
        return [redact_field(name, item) for item in value]
    return ERASED if isinstance(value, str) and value else value
