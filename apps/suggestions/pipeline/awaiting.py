"""Which records and goals have something to be suggested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef
from apps.triggers.rules import registry as triggers


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The firing signals of one record and goal, and the suggestion to be refreshed, if there is one.

    ``changed_at`` is when the latest of the signals fired or changed.
    """

    record: RecordRef
    goal: Goal
    signal_ids: tuple[int, ...]
    urgency: int
    changed_at: datetime
    suggestion_id: int | None
    silenced_tools: frozenset[str] = frozenset()


# A group awaits when no open suggestion stands for it or when a waiting one is older than its signals;
# a failed one bars it while its own signals fire, silences until they end, and a signal counts for nothing
# while one that inhibits it fires for the same record. Columns of a silence that are empty match everything;
# one that names a tool bars that tool alone. The many silences of single records are kept apart from the few
# wide ones, so that the database can join them by hash.
_QUERY = """
WITH inhibits (stronger, weaker) AS (SELECT * FROM unnest(%(stronger)s::text[], %(weaker)s::text[])),
in_force AS MATERIALIZED (SELECT * FROM triggers_silence WHERE until > %(now)s),
of_record AS MATERIALIZED (SELECT * FROM in_force WHERE tool = '' AND record_id IS NOT NULL),
wide AS MATERIALIZED (SELECT * FROM in_force WHERE tool = '' AND record_id IS NULL),
of_tool AS MATERIALIZED (SELECT * FROM in_force WHERE tool <> '')
SELECT s.record_kind, s.record_id, s.goal, array_agg(s.id ORDER BY s.severity DESC, s.id),
       max(s.severity), max(s.refreshed_at), g.id,
       ARRAY(SELECT q.tool FROM of_tool q
             WHERE (q.record_kind = '' OR q.record_kind = s.record_kind)
               AND (q.record_id IS NULL OR q.record_id = s.record_id)
               AND (q.goal = '' OR q.goal = s.goal)
               AND (q.trigger = '' OR q.trigger = ANY(array_agg(s.trigger))))
FROM triggers_signal s
LEFT JOIN suggestions_suggestion g
       ON g.record_kind = s.record_kind AND g.record_id = s.record_id AND g.goal = s.goal
      AND g.state IN ('pending', 'snoozed', 'approved')
LEFT JOIN suggestions_suggestionsignal l ON l.suggestion_id = g.id AND l.signal_id = s.id
WHERE s.cleared_at IS NULL
  AND (g.id IS NULL OR g.state = 'pending')
  AND NOT EXISTS (
      SELECT 1 FROM inhibits i
      JOIN triggers_signal t ON t.trigger = i.stronger AND t.cleared_at IS NULL
      WHERE i.weaker = s.trigger AND t.record_kind = s.record_kind AND t.record_id = s.record_id
  )
  AND NOT EXISTS (
      SELECT 1 FROM suggestions_suggestion f
      JOIN suggestions_suggestionsignal fl ON fl.suggestion_id = f.id
      JOIN triggers_signal fs ON fs.id = fl.signal_id
      WHERE f.state = 'failed' AND fs.cleared_at IS NULL
        AND f.record_kind = s.record_kind AND f.record_id = s.record_id AND f.goal = s.goal
  )
  AND NOT EXISTS (
      SELECT 1 FROM of_record q
      WHERE q.record_kind = s.record_kind AND q.record_id = s.record_id
        AND (q.goal = '' OR q.goal = s.goal) AND (q.trigger = '' OR q.trigger = s.trigger)
  )
  AND NOT EXISTS (
      SELECT 1 FROM wide q
      WHERE (q.record_kind = '' OR q.record_kind = s.record_kind)
        AND (q.goal = '' OR q.goal = s.goal) AND (q.trigger = '' OR q.trigger = s.trigger)
  )
GROUP BY s.record_kind, s.record_id, s.goal, g.id
HAVING g.id IS NULL OR bool_or(l.id IS NULL OR s.refreshed_at > g.refreshed_at)
ORDER BY max(s.severity) DESC, s.record_kind, s.record_id, s.goal
"""


def inhibition_pairs() -> dict[str, list[str]]:
    """Which triggers stand above which others, as parallel lists for SQL."""
    pairs = [
        (stronger, weaker)
        for weaker, above in sorted(triggers.inhibitions().items())
        for stronger in above
    ]
    return {"stronger": [pair[0] for pair in pairs], "weaker": [pair[1] for pair in pairs]}


def find_awaiting(now: datetime) -> list[Awaiting]:
    """Return every record and goal that awaits a suggestion, the most pressing first."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, {"now": now, **inhibition_pairs()})
        return [
            Awaiting(
                record=RecordRef(RecordKind(kind), record_id),
                goal=Goal(goal),
                signal_ids=tuple(signal_ids),
                urgency=urgency,
                changed_at=changed_at,
                suggestion_id=suggestion_id,
                silenced_tools=frozenset(tools),
            )
            for kind, record_id, goal, signal_ids, urgency, changed_at, suggestion_id, tools in cursor
        ]
