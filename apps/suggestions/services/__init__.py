"""What a person may do with a suggestion. Each function is one decision: checked, written and on record."""

from apps.suggestions.services.access import (
    VIEW_PERMISSION,
    conceal,
    decidable,
    find_moved_of,
    first_undecided,
    get_for,
    id_in,
    may_decide,
    may_view,
    record_of,
    seen_of,
    sees_records_of,
    title_for,
    visible_by_id,
    without_hidden,
)
from apps.suggestions.services.approving import approve
from apps.suggestions.services.asking import (
    ASKABLE,
    askable_tools,
    bear_out,
    propose_change,
    schema_of,
)
from apps.suggestions.services.bulk import (
    MOST_ITEMS,
    find_bulk,
    request_bulk,
    require_decider,
    retry_bulk,
    run_bulk,
)
from apps.suggestions.services.choosing import choose
from apps.suggestions.services.deciding import reject, reopen, snooze
from apps.suggestions.services.giving import possible_assignees, reassign
from apps.suggestions.services.proposing import propose_merge, propose_merge_of
from apps.suggestions.services.stopping import STOP_DAYS, Stop, stop_scopes
from apps.suggestions.services.undoing import undo
from apps.suggestions.services.updating import edit, editable, rebase

__all__ = [
    "ASKABLE",
    "MOST_ITEMS",
    "STOP_DAYS",
    "VIEW_PERMISSION",
    "Stop",
    "approve",
    "askable_tools",
    "bear_out",
    "choose",
    "conceal",
    "decidable",
    "edit",
    "editable",
    "find_bulk",
    "find_moved_of",
    "first_undecided",
    "get_for",
    "id_in",
    "may_decide",
    "may_view",
    "possible_assignees",
    "propose_change",
    "propose_merge",
    "propose_merge_of",
    "reassign",
    "rebase",
    "record_of",
    "reject",
    "reopen",
    "request_bulk",
    "require_decider",
    "retry_bulk",
    "run_bulk",
    "schema_of",
    "seen_of",
    "sees_records_of",
    "snooze",
    "stop_scopes",
    "title_for",
    "undo",
    "visible_by_id",
    "without_hidden",
]
