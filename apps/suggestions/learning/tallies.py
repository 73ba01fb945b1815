"""Decisions as counts: read in one statement, added up and faded by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.suggestions.learning import rules


@dataclass(frozen=True, slots=True)
class Tally:
    """What one person has decided on one kind, as far as it counts at a moment.

    Attributes:
        accepted, decided: weights for the acceptance; recent decisions weigh more.
        wanted, judged: weights for quieting, where a rejection weighs by its reason and memory is longer.
        count, approved, edited: plain numbers of decisions, of approvals, and of approvals after an edit.
    """

    person_id: int
    trigger: str
    tool: str
    segment: str
    accepted: float
    decided: float
    wanted: float
    judged: float
    count: int
    approved: int
    edited: int


# What a person asked for tells nothing of what they want to be suggested, and does not count.
# The last word about a suggestion counts: an approval that was undone is a no, a reopened one is none yet. A
# person's k-th last decision on a trigger and tool has faded by k half-lives, and by its age.
_TALLIES = """
WITH weights (reason, weight) AS (
    SELECT * FROM unnest(%(reasons)s::text[], %(weights)s::float8[])
), words AS (
    SELECT d.id, d.decided_by_id, d.trigger, d.tool, d.segment, d.decided_at, d.reason, d.is_edited,
           d.verdict = 'approve' AS is_accepted
    FROM suggestions_decision d
    WHERE d.verdict IN ('approve', 'reject', 'undo') AND d.goal <> 'as_asked'
      AND d.decided_at > %(since)s AND d.decided_at <= %(now)s
      AND NOT EXISTS (
          SELECT 1 FROM suggestions_decision l
          WHERE l.suggestion_id = d.suggestion_id AND l.id > d.id
            AND l.verdict IN ('approve', 'reject', 'undo', 'reopen'))
      AND NOT EXISTS (
          SELECT 1 FROM suggestions_learningreset r
          WHERE r.reset_at >= d.decided_at AND r.reset_at <= %(now)s
            AND (r.scope = 'tenant' OR (r.scope = 'trigger' AND r.key = d.trigger)
                 OR (r.scope = 'tool' AND r.key = d.tool)
                 OR (r.scope = 'person' AND r.person_id = d.decided_by_id)))
), faded AS (
    SELECT w.*, coalesce(g.weight, 1) AS against,
           power(2, -extract(epoch FROM %(now)s - w.decided_at)::float8 / %(half_life_s)s) AS age,
           row_number() OVER (PARTITION BY w.decided_by_id, w.trigger, w.tool
                              ORDER BY w.decided_at DESC, w.id DESC) - 1 AS later,
           row_number() OVER (PARTITION BY w.decided_by_id, w.trigger, w.segment
                              ORDER BY w.decided_at DESC, w.id DESC) - 1 AS later_in_segment
    FROM words w LEFT JOIN weights g ON g.reason = w.reason
), weighed AS (
    SELECT *, age * power(2, -later / %(half_life)s::float8) AS weight,
           age * power(2, -later_in_segment / %(quieting_half_life)s::float8) AS slow
    FROM faded
)
SELECT decided_by_id, trigger, tool, segment,
       coalesce(sum(weight) FILTER (WHERE is_accepted), 0), sum(weight),
       coalesce(sum(slow) FILTER (WHERE is_accepted), 0),
       sum(CASE WHEN is_accepted THEN slow ELSE slow * against END),
       count(*), count(*) FILTER (WHERE is_accepted), count(*) FILTER (WHERE is_accepted AND is_edited)
FROM weighed GROUP BY decided_by_id, trigger, tool, segment
ORDER BY decided_by_id, trigger, tool, segment
"""


def read_tallies(now: datetime) -> list[Tally]:
    """Return what each person has decided on each kind, as it counts at ``now``; one query."""
    parameters: dict[str, Any] = {
        "now": now,
        "since": now - timedelta(days=rules.HORIZON_DAYS),
        "half_life_s": timedelta(days=rules.HALF_LIFE_DAYS).total_seconds(),
        "half_life": rules.HALF_LIFE_DECISIONS,
        "quieting_half_life": rules.QUIETING_HALF_LIFE_DECISIONS,
        "reasons": [reason.value for reason in rules.REASON_WEIGHTS],
        "weights": list(rules.REASON_WEIGHTS.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_TALLIES, parameters)
        return [Tally(*row) for row in cursor.fetchall()]
