"""The triggers as one would write them by hand: the baseline of the scan's measure.

Each statement reads, fires, refreshes and clears in one go, with the same indexes and the same rows in the
end. ``%(now)s`` is the moment, ``%(today)s`` the day in the tenant's zone, ``%(working_days_ago_2)s`` the
moment two working days before; the numbers are the default parameters.
"""

from __future__ import annotations

from apps.triggers.bench.plain.accounts import (
    ACCOUNT_AT_RISK,
    ACCOUNT_SILENT,
    RENEWAL_APPROACHING,
)
from apps.triggers.bench.plain.contacts import CONTACT_DETAIL_CONFLICT
from apps.triggers.bench.plain.deals import (
    DEAL_CLOSE_DATE_PAST,
    DEAL_CLOSE_DATE_PUSHED,
    DEAL_DECAYING,
    DEAL_REGRESSED,
    DEAL_SINGLE_THREADED,
    DEAL_STALLED,
)
from apps.triggers.bench.plain.duplicates import (
    ACCOUNT_DUPLICATE,
    CONTACT_DUPLICATE,
    LEAD_DUPLICATE,
)
from apps.triggers.bench.plain.engagement import (
    ACCOUNT_ENGAGEMENT_SHIFT,
    CONTACT_UNRESPONSIVE,
    ENGAGEMENT_SHIFT,
)
from apps.triggers.bench.plain.interest import DEAL_HOT, LEAD_HOT
from apps.triggers.bench.plain.leads import LEAD_INACTIVE, LEAD_NEW, LEAD_SCORE_DROP
from apps.triggers.bench.plain.messages import (
    EMAIL_UNANSWERED,
    INBOUND_FROM_UNKNOWN_SENDER,
    NEW_ACTIVITY,
)
from apps.triggers.bench.plain.talks import FOLLOWUP_MISSING, PROMISE_DUE
from apps.triggers.bench.plain.tasks import TASK_OVERDUE, TASKS_PILING_UP

STATEMENTS: dict[str, str] = {
    "account_at_risk": ACCOUNT_AT_RISK,
    "account_duplicate": ACCOUNT_DUPLICATE,
    "account_engagement_shift": ACCOUNT_ENGAGEMENT_SHIFT,
    "account_silent": ACCOUNT_SILENT,
    "contact_detail_conflict": CONTACT_DETAIL_CONFLICT,
    "contact_duplicate": CONTACT_DUPLICATE,
    "contact_unresponsive": CONTACT_UNRESPONSIVE,
    "deal_close_date_past": DEAL_CLOSE_DATE_PAST,
    "deal_close_date_pushed": DEAL_CLOSE_DATE_PUSHED,
    "deal_decaying": DEAL_DECAYING,
    "deal_hot": DEAL_HOT,
    "deal_regressed": DEAL_REGRESSED,
    "deal_single_threaded": DEAL_SINGLE_THREADED,
    "deal_stalled": DEAL_STALLED,
    "email_unanswered": EMAIL_UNANSWERED,
    "engagement_shift": ENGAGEMENT_SHIFT,
    "followup_missing": FOLLOWUP_MISSING,
    "inbound_from_unknown_sender": INBOUND_FROM_UNKNOWN_SENDER,
    "lead_duplicate": LEAD_DUPLICATE,
    "lead_hot": LEAD_HOT,
    "lead_inactive": LEAD_INACTIVE,
    "lead_new": LEAD_NEW,
    "lead_score_drop": LEAD_SCORE_DROP,
    "new_activity": NEW_ACTIVITY,
    "promise_due": PROMISE_DUE,
    "renewal_approaching": RENEWAL_APPROACHING,
    "task_overdue": TASK_OVERDUE,
    "tasks_piling_up": TASKS_PILING_UP,
}
