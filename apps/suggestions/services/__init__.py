"""What a person may do with a suggestion. Each function is one decision: checked, written and on record."""

from apps.suggestions.services.access import (
    get_for,
    may_decide,
    may_view,
    record_of,
    seen_of,
    sees_records_of,
)
from apps.suggestions.services.approving import approve
from apps.suggestions.services.deciding import reject, reopen, snooze
from apps.suggestions.services.undoing import undo
from apps.suggestions.services.updating import edit, rebase

__all__ = [
    "approve",
    "edit",
    "get_for",
    "may_decide",
    "may_view",
    "rebase",
    "record_of",
    "reject",
    "reopen",
    "seen_of",
    "sees_records_of",
    "snooze",
    "undo",
]
