"""Which records and goals have something to be suggested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The firing signals of one record and goal, and the suggestion to be refreshed, if there is one."""

    record: RecordRef
    goal: Goal
    signal_ids: tuple[int, ...]
    urgency: int
    suggestion_id: int | None


# A group awaits when no open suggestion stands for it or when a waiting one is older than its signals;
# silences bar it. Columns of a silence that are empty match everything.
_QUERY = """
SELECT s.record_kind, s.record_id, s.goal, array_agg(s.id ORDER BY s.severity DESC, s.id),
       max(s.severity), g.id
FROM triggers_signal s
LEFT JOIN suggestions_suggestion g
       ON g.record_kind = s.record_kind AND g.record_id = s.record_id AND g.goal = s.goal
      AND g.state IN ('pending', 'snoozed', 'approved', 'failed')
LEFT JOIN suggestions_suggestionsignal l ON l.suggestion_id = g.id AND l.signal_id = s.id
WHERE s.cleared_at IS NULL
  AND (g.id IS NULL OR g.state = 'pending')
  AND NOT EXISTS (
      SELECT 1 FROM triggers_silence q
      WHERE q.until > %(now)s AND q.tool = ''
        AND (q.record_id IS NULL OR (q.record_id = s.record_id AND q.record_kind = s.record_kind))
        AND (q.goal = '' OR q.goal = s.goal)
        AND (q.trigger = '' OR q.trigger = s.trigger)
  )
GROUP BY s.record_kind, s.record_id, s.goal, g.id
HAVING g.id IS NULL OR bool_or(l.id IS NULL OR s.refreshed_at > g.refreshed_at)
ORDER BY max(s.severity) DESC, s.record_kind, s.record_id, s.goal
"""


def find_awaiting(now: datetime) -> list[Awaiting]:
    """Return every record and goal that awaits a suggestion, the most pressing first."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"now": now})
        return [
            Awaiting(
                record=RecordRef(RecordKind(kind), record_id),
                goal=Goal(goal),
                signal_ids=tuple(signal_ids),
                urgency=urgency,
                suggestion_id=suggestion_id,
            )
            for kind, record_id, goal, signal_ids, urgency, suggestion_id in cursor.fetchall()
        ]
