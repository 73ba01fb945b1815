"""How each person decides: how much, how fast, in which way, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

# A card is read in no less: its title and reason have 43 words at the median (36 at the tenth percentile) of
# the demo's 1,081 suggestions, and people read 238 words a minute of such text in silence (Brysbaert 2019,
# Journal of Memory and Language 109, a review of 190 studies): 11 and 9 seconds. Half of that leaves room for
# who knows the record.
STREAK_GAP_S = 5
# A judgement: that many at such a pace are no chance; fewer may be duplicates of what was just read.
LEAST_STREAK = 5

_PEOPLE = """
WITH decision AS MATERIALIZED (
    SELECT d.id, d.decided_by_id AS person_id, d.verdict, d.decided_at, d.suggestion_id,
           d.verdict IN ('approve', 'reject') AS is_final,
           s.proposed_arguments IS NOT NULL AS is_edited,
           COALESCE(s.queued_at, s.created_at) AS queued_at,
           EXISTS (
               SELECT 1 FROM suggestions_bulkitem i JOIN suggestions_bulkapproval b ON b.id = i.bulk_id
               WHERE i.suggestion_id = d.suggestion_id AND i.outcome = 'applied' AND i.done_at = d.decided_at
                 AND b.requested_by_id = d.decided_by_id
           ) AS is_bulk
    FROM suggestions_decision d JOIN suggestions_suggestion s ON s.id = d.suggestion_id
    WHERE d.decided_at >= %(since)s AND d.decided_at <= %(now)s
), timed AS MATERIALIZED (
    -- What was brought back since has entered the queue anew: how long the first decision took is not known.
    SELECT decision.*, CASE WHEN decided_at >= queued_at
                            THEN extract(epoch FROM decided_at - queued_at) END AS waited_s, (
               SELECT extract(epoch FROM decision.decided_at - max(e.occurred_at))
               FROM audit_auditentry e
               WHERE e.suggestion_id = decision.suggestion_id AND e.event = 'suggestion.shown'
                 AND e.actor_id = decision.person_id AND e.occurred_at <= decision.decided_at
           ) AS read_s,
           taken_back.by_id
    FROM decision LEFT JOIN LATERAL (
        SELECT o.decided_by_id AS by_id FROM suggestions_decision o
        WHERE o.suggestion_id = decision.suggestion_id AND o.id > decision.id
          AND o.verdict = CASE decision.verdict WHEN 'approve' THEN 'undo' WHEN 'reject' THEN 'reopen' END
        ORDER BY o.id LIMIT 1
    ) AS taken_back ON decision.is_final
), paced AS (
    -- A run of approvals goes on while each follows the one before quickly, with nothing else between them.
    SELECT person_id, verdict, id, decided_at,
           verdict = 'approve' AND lag(verdict) OVER own = 'approve'
               AND extract(epoch FROM decided_at - lag(decided_at) OVER own) <= %(gap_s)s AS goes_on
    FROM timed WHERE NOT is_bulk WINDOW own AS (PARTITION BY person_id ORDER BY decided_at, id)
), numbered AS (
    SELECT person_id, verdict,
           count(*) FILTER (WHERE goes_on IS NOT TRUE) OVER own AS run
    FROM paced WINDOW own AS (PARTITION BY person_id ORDER BY decided_at, id)
), run AS (
    SELECT person_id, count(*) AS length FROM numbered WHERE verdict = 'approve' GROUP BY person_id, run
), streak AS (
    SELECT person_id, max(length) AS longest,
           COALESCE(sum(length) FILTER (WHERE length >= %(least)s), 0)::int AS hurried
    FROM run GROUP BY GROUPING SETS ((person_id), ())
), person AS (
    SELECT person_id,
           count(*) FILTER (WHERE verdict = 'approve') AS approved,
           count(*) FILTER (WHERE verdict = 'approve' AND is_bulk) AS bulk,
           count(*) FILTER (WHERE verdict = 'approve' AND is_edited) AS edited,
           count(*) FILTER (WHERE verdict = 'reject') AS rejected,
           count(*) FILTER (WHERE verdict = 'snooze') AS snoozed,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY waited_s) FILTER (WHERE is_final AND NOT is_bulk),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY read_s) FILTER (WHERE is_final AND NOT is_bulk),
           count(*) FILTER (WHERE is_final AND NOT is_bulk AND read_s IS NULL) AS unopened,
           count(*) FILTER (WHERE by_id = person_id) AS taken_back,
           count(*) FILTER (WHERE by_id <> person_id) AS overturned
    FROM timed GROUP BY GROUPING SETS ((person_id), ())
)
SELECT person.*, COALESCE(streak.longest, 0), COALESCE(streak.hurried, 0)
FROM person LEFT JOIN streak ON streak.person_id IS NOT DISTINCT FROM person.person_id
"""


@dataclass(frozen=True, slots=True)
class Deciding:
    """Somebody's decisions of the period; ``person_id`` is None for all people together.

    ``bulk`` approvals were made together on one page, which shows what they come to: they are part of
    ``approved``, and left out of times and streaks. ``edited`` are approvals of suggestions that a person had
    edited. ``waited_s`` is the median from entering the queue to the decision, ``read_s`` from being shown
    that edition to it; ``unopened`` were decided without having been shown to who decided. Of approvals and
    rejections ``taken_back`` were undone or reopened by the same person, ``overturned`` by somebody else.

    ``longest_streak`` is the longest run of approvals with nothing between them and ``STREAK_GAP_S`` or less
    from each to the next; ``hurried`` counts the approvals in runs of ``LEAST_STREAK`` and more.
    """

    person_id: int | None
    approved: int
    bulk: int
    edited: int
    rejected: int
    snoozed: int
    waited_s: float | None
    read_s: float | None
    unopened: int
    taken_back: int
    overturned: int
    longest_streak: int
    hurried: int

    @property
    def decided(self) -> int:
        """Approvals and rejections."""
        return self.approved + self.rejected

    @property
    def accepted_0_1(self) -> float | None:
        """The share of decisions that were approvals."""
        return self.approved / self.decided if self.decided else None

    @property
    def edited_0_1(self) -> float | None:
        """The share of approvals that a person had edited."""
        return self.edited / self.approved if self.approved else None

    @property
    def is_hurried(self) -> bool:
        """Whether there was a run of approvals that cannot have been read."""
        return self.hurried > 0


def read_deciding(since: datetime, now: datetime) -> list[Deciding]:
    """Read everybody who decided since, and all of them together; one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PEOPLE,
            {"since": since, "now": now, "gap_s": STREAK_GAP_S, "least": LEAST_STREAK},
        )
        return [Deciding(*row) for row in cursor.fetchall()]
