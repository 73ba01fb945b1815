"""What tools call a company's own fields: ``attributes.tier`` stands for one key of ``attributes``.

Arguments and rows hold them as they are stored, ``{"attributes": {"tier": "gold"}}`` (nested); what is
written, seen and shown is told field by field (flat).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from apps.crm.models import Record

if TYPE_CHECKING:
    from apps.execution.schemas import JsonValue

ATTRIBUTES = "attributes"
_PREFIX = f"{ATTRIBUTES}."


def custom_name(key: str) -> str:
    """What a tool calls the custom field of this key."""
    return f"{_PREFIX}{key}"


def custom_key(name: str) -> str:
    """The key of a custom field; empty for a column of the record itself."""
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""


def column_of(name: str) -> str:
    """The column in which a field stands."""
    return ATTRIBUTES if custom_key(name) else name


def flat(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The same values, custom fields each by its own name."""
    parted = {name: value for name, value in values.items() if name != ATTRIBUTES}
    custom = values.get(ATTRIBUTES)
    if isinstance(custom, Mapping):
        parted = {custom_name(key): value for key, value in custom.items()} | parted
    return parted


def nested(values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The same values, custom fields together under ``attributes``, where there are any."""
    own = {name: value for name, value in values.items() if not custom_key(name)}
    custom = {key: value for name, value in values.items() if (key := custom_key(name))}
    return {**own, ATTRIBUTES: custom} if custom else own


def value_in(row: Mapping[str, JsonValue], name: str) -> JsonValue:
    """A field's value in a row of columns; None where a custom field says nothing."""
    key = custom_key(name)
    if not key or name in row:
        return row[name]
    custom = row[ATTRIBUTES]
    return custom.get(key) if isinstance(custom, Mapping) else None


def set_value(record: Record, name: str, value: object) -> None:
    """Set a field of a record; a custom one of None is taken away."""
    key = custom_key(name)
    if not key:
        setattr(record, name, value)
        return
    rest = {other: held for other, held in record.attributes.items() if other != key}
    record.attributes = rest if value is None else {**rest, key: value}


def custom_names(keys: Iterable[str]) -> tuple[str, ...]:
    """What tools call the fields of these keys."""
    return tuple(map(custom_name, keys))
