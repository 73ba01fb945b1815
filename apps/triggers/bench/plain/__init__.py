"""The triggers as one would write them by hand: the baseline of the scan's measure.

Each statement reads, fires, refreshes and clears in one go, with the same indexes and the same rows in the
end. ``%(now)s`` is the moment, ``%(today)s`` the day in the tenant's zone; the numbers are the default
parameters.
"""

from __future__ import annotations

from apps.triggers.bench.plain.activities import FOLLOWUP_MISSING, INBOUND_FROM_UNKNOWN_SENDER
from apps.triggers.bench.plain.contacts import CONTACT_DETAIL_CONFLICT
from apps.triggers.bench.plain.deals import DEAL_STALLED
from apps.triggers.bench.plain.leads import LEAD_INACTIVE
from apps.triggers.bench.plain.tasks import TASK_OVERDUE

STATEMENTS: dict[str, str] = {
    "contact_detail_conflict": CONTACT_DETAIL_CONFLICT,
    "deal_stalled": DEAL_STALLED,
    "followup_missing": FOLLOWUP_MISSING,
    "inbound_from_unknown_sender": INBOUND_FROM_UNKNOWN_SENDER,
    "lead_inactive": LEAD_INACTIVE,
    "task_overdue": TASK_OVERDUE,
}
