"""The one road on which an approved change is written, and the same road back."""

from apps.execution.services.access import (
    check_permission,
    find_moved,
    hidden_records,
    sees_records,
)
from apps.execution.services.applying import apply_change, record_failure
from apps.execution.services.undoing import (
    UndoPlan,
    plan_undo,
    record_undo_failure,
    undo_change,
    undoable_until,
)

__all__ = [
    "UndoPlan",
    "apply_change",
    "check_permission",
    "find_moved",
    "hidden_records",
    "plan_undo",
    "record_failure",
    "record_undo_failure",
    "sees_records",
    "undo_change",
    "undoable_until",
]
