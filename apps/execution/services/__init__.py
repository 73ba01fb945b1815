"""The one road on which an approved change is written, and the same road back."""

from apps.execution.services.access import (
    check_permission,
    check_sight,
    find_moved,
    hidden_records,
    sees_records,
)
from apps.execution.services.applying import apply_change
from apps.execution.services.recording import record_failure
from apps.execution.services.undo_plans import UndoPlan, plan_undo, undoable_until
from apps.execution.services.undoing import undo_change

__all__ = [
    "UndoPlan",
    "apply_change",
    "check_permission",
    "check_sight",
    "find_moved",
    "hidden_records",
    "plan_undo",
    "record_failure",
    "sees_records",
    "undo_change",
    "undoable_until",
]
