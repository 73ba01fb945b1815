"""What an execution wrote, field by field, as one person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from apps.crm.enums import RecordKind
from apps.execution.custom_fields import definitions_among
from apps.execution.custom_names import custom_key
from apps.execution.diff import NOTHING, custom_text, label_of, text_of
from apps.execution.models import Execution
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.tools.base import CURRENCY_FIELD
from apps.execution.tools.repointing import counted
from apps.users.rules import Reader


@dataclass(frozen=True, slots=True)
class WrittenValue:
    """One value that was written, and what stood there before."""

    label: str
    before_text: str
    after_text: str


def left_in_words(left_alone: Sequence[str]) -> tuple[str, ...]:
    """What an undo left as people had made it: fields by their names, records (``kind:id``) counted."""
    fields = [name for name in left_alone if ":" not in name]
    records = Counter(RecordRef.parse(key).kind for key in left_alone if ":" in key)
    return (
        *((custom_key(name) or name).removesuffix("_id").replace("_", " ") for name in fields),
        *counted(records),
    )


def written_by(execution: Execution, viewer: Reader) -> tuple[WrittenValue, ...]:
    """Return the values that were written; of a new record those that were given."""
    kind = RecordKind(execution.record_kind)
    before = execution.before_values.get(f"{kind.value}:{execution.record_id}", {})
    after = execution.after_values
    former = str(before.get(CURRENCY_FIELD) or after.get(CURRENCY_FIELD) or "")
    present = str(after.get(CURRENCY_FIELD) or former)
    custom = definitions_among(kind, after)

    def words(name: str, value: JsonValue, currency: str) -> str:
        if name in custom:
            return custom_text(custom[name], value)
        return text_of(kind, name, value, viewer=viewer, currency=currency)

    return tuple(
        WrittenValue(
            custom[name].label if name in custom else label_of(kind, name),
            words(name, before[name], former) if name in before else NOTHING,
            words(name, value, present),
        )
        for name, value in after.items()
        if value not in (None, "") or before.get(name) not in (None, "")
    )
