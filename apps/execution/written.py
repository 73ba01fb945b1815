"""What an execution wrote, field by field, as one person reads it."""

from __future__ import annotations

from dataclasses import dataclass

from apps.crm.enums import RecordKind
from apps.execution.diff import NOTHING, label_of, text_of
from apps.execution.models import Execution
from apps.execution.tools.base import CURRENCY_FIELD
from apps.users.rules import Reader


@dataclass(frozen=True, slots=True)
class WrittenValue:
    """One value that was written, and what stood there before."""

    label: str
    before_text: str
    after_text: str


def written_by(execution: Execution, viewer: Reader) -> tuple[WrittenValue, ...]:
    """Return the values that were written; of a new record those that were given."""
    kind = RecordKind(execution.record_kind)
    before = execution.before_values.get(f"{kind.value}:{execution.record_id}", {})
    after = execution.after_values
    former = str(before.get(CURRENCY_FIELD) or after.get(CURRENCY_FIELD) or "")
    present = str(after.get(CURRENCY_FIELD) or former)
    return tuple(
        WrittenValue(
            label_of(kind, name),
            text_of(kind, name, before[name], viewer=viewer, currency=former)
            if name in before
            else NOTHING,
            text_of(kind, name, value, viewer=viewer, currency=present),
        )
        for name, value in after.items()
        if value not in (None, "") or before.get(name) not in (None, "")
    )
