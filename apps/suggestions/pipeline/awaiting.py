"""Which records and goals have something to be suggested, and which of them now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.db import connection

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.execution.schemas import RecordRef
from apps.suggestions import rules
from apps.suggestions.learning.quieting import NOTHING_QUIET, Quieting, quiet_lists
from apps.suggestions.pipeline.untellable import find_untellable
from apps.triggers.enums import Severity
from apps.triggers.rules import registry as triggers


@dataclass(frozen=True, slots=True)
class Given:
    """Whose a person has made a suggestion that was meant for another; None is everybody."""

    to_id: int | None
    instead_of_id: int | None


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The firing signals of one record and goal, and the suggestion to be refreshed, if there is one.

    ``changed_at`` is when the latest of the signals fired or changed, ``trigger`` the key of the strongest.
    ``given`` is None unless a person has given the suggestion to its assignee. ``is_untellable``: that
    suggestion was written from a record which its readers may not see any more.
    """

    record: RecordRef
    goal: Goal
    signal_ids: tuple[int, ...]
    urgency: int
    changed_at: datetime
    suggestion_id: int | None
    trigger: str
    silenced_tools: frozenset[str] = frozenset()
    given: Given | None = None
    is_untellable: bool = False

    @classmethod
    def of_person(cls, record: RecordRef, goal: Goal, now: datetime) -> Self:
        """What a person wishes for, without any signal."""
        return cls(
            record=record,
            goal=goal,
            signal_ids=(),
            urgency=Severity.NORMAL,
            changed_at=now,
            suggestion_id=None,
            trigger="",
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """What is taken to the Brain now, the most pressing first, and how many signals wait for their turn."""

    awaiting: Sequence[Awaiting]
    signals_waiting: int


# A group awaits when no open suggestion stands for it, when a waiting one is older than its signals, when
# one, waiting or snoozed, was written from what its readers may not see any more, or when the record of such
# a one is somebody else's now, for whom it is written anew (a contact that nobody owns has the assignee of
# its message, such an account that of its contract; a merge may be for the other record's owner or for
# somebody who sees both, and its signal changes with either record; one that a person has given to somebody
# is theirs while it would be meant for the same as then). A merge that a person proposed stays as it is. A
# failed one bars it while its own signals fire, silences until they end, and a signal counts for nothing
# while one that inhibits it fires for the same record. Columns of a silence that are empty match everything;
# one that names a tool bars that tool alone.
#
# Of each goal and owner only so many are taken as there is room for beside what is pending. What nothing came
# of since its signals last changed stands behind the rest, and takes turns from day to day. What is quiet
# for the owner has a smaller room of its own, so that it neither takes the others' nor costs much. Whose a
# record is and what is at stake, context and ranking see in the same way (an activity follows what it is
# about).
#
# An import of thousands of records comes before the database has counted them anew, and a join planned for
# a few rows takes minutes with thousands. So nothing is joined here that could grow: rows are looked up by
# index (LATERAL … LIMIT, EXISTS … OFFSET, which keep the planner from joining) or by hash (NOT IN).
_QUERY = """
WITH inhibits (stronger, weaker) AS (SELECT * FROM unnest(%(stronger)s::text[], %(weaker)s::text[])),
quiet AS (SELECT * FROM unnest(%(people)s::bigint[], %(triggers)s::text[], %(segments)s::text[])),
in_force AS MATERIALIZED (SELECT * FROM triggers_silence WHERE until > %(now)s),
of_record AS MATERIALIZED (
    SELECT record_kind, record_id, goal, trigger FROM in_force WHERE tool = '' AND record_id IS NOT NULL
),
wide AS MATERIALIZED (SELECT * FROM in_force WHERE tool = '' AND record_id IS NULL),
of_tool AS MATERIALIZED (SELECT * FROM in_force WHERE tool <> ''),
failed AS MATERIALIZED (
    SELECT f.record_kind, f.record_id, f.goal FROM suggestions_suggestion f
    WHERE f.state = 'failed' AND EXISTS (
        SELECT 1 FROM suggestions_suggestionsignal l JOIN triggers_signal s ON s.id = l.signal_id
        WHERE l.suggestion_id = f.id AND s.cleared_at IS NULL)
),
counting AS (
    SELECT s.*, g.id AS suggestion_id,
           g.meant_for_id, g.given,
           g.id IS NULL OR (g.state = 'pending' AND (
               s.refreshed_at > g.refreshed_at OR NOT EXISTS (
                   SELECT 1 FROM suggestions_suggestionsignal l
                   WHERE l.suggestion_id = g.id AND l.signal_id = s.id OFFSET 0))) AS is_news
    FROM triggers_signal s
    LEFT JOIN LATERAL (
        SELECT id, state, refreshed_at, goal = 'merge_duplicates' AND origin <> 'trigger' AS is_of_person,
               CASE WHEN given_by_id IS NULL THEN assignee_id ELSE given_for_id END AS meant_for_id,
               CASE WHEN given_by_id IS NOT NULL THEN ARRAY[assignee_id, given_for_id] END AS given
        FROM suggestions_suggestion o
        WHERE o.record_kind = s.record_kind AND o.record_id = s.record_id AND o.goal = s.goal
          AND o.goal <> 'as_asked' AND o.state IN ('pending', 'snoozed', 'approved')
        LIMIT 1
    ) g ON true
    WHERE s.cleared_at IS NULL
      AND (g.id IS NULL OR (g.state IN ('pending', 'snoozed') AND NOT g.is_of_person))
      AND NOT (s.trigger = ANY(%(weaker)s::text[]) AND EXISTS (
          SELECT 1 FROM triggers_signal t
          WHERE t.record_kind = s.record_kind AND t.record_id = s.record_id AND t.cleared_at IS NULL
            AND (t.trigger, s.trigger) IN (SELECT stronger, weaker FROM inhibits)
          OFFSET 0))
      AND (s.record_kind, s.record_id, s.goal) NOT IN (SELECT * FROM failed)
      AND (s.record_kind, s.record_id, '', '') NOT IN (SELECT * FROM of_record)
      AND (s.record_kind, s.record_id, s.goal, '') NOT IN (SELECT * FROM of_record)
      AND (s.record_kind, s.record_id, '', s.trigger) NOT IN (SELECT * FROM of_record)
      AND (s.record_kind, s.record_id, s.goal, s.trigger) NOT IN (SELECT * FROM of_record)
      AND NOT EXISTS (
          SELECT 1 FROM wide q
          WHERE (q.record_kind = '' OR q.record_kind = s.record_kind)
            AND (q.goal = '' OR q.goal = s.goal) AND (q.trigger = '' OR q.trigger = s.trigger))
),
candidates AS (
    SELECT record_kind, record_id, goal, suggestion_id, meant_for_id, given, false AS is_pending,
           bool_or(is_news) AS is_news,
           array_agg(id ORDER BY severity DESC, id) AS signal_ids,
           array_agg(trigger ORDER BY severity DESC, id) AS triggers,
           max(severity) AS urgency, max(refreshed_at) AS changed_at
    FROM counting GROUP BY record_kind, record_id, goal, suggestion_id, meant_for_id, given
    UNION ALL
    SELECT record_kind, record_id, goal, id, NULL, NULL, true, NULL, NULL, ARRAY[trigger], NULL, NULL
    FROM suggestions_suggestion WHERE state = 'pending' AND origin = 'trigger'
),
valued AS (
    SELECT c.*, r.owner_id, r.value,
           (coalesce(r.owner_id, 0), c.triggers[1], CASE
                WHEN r.value IS NULL THEN 'unknown' WHEN r.value < 1000 THEN 'small'
                WHEN r.value < 10000 THEN 'middle' WHEN r.value < 100000 THEN 'large' ELSE 'huge' END
           ) IN (SELECT * FROM quiet) AS is_quiet
    FROM candidates c
    CROSS JOIN LATERAL (
        SELECT owner_id, estimated_value AS value FROM crm_lead
        WHERE c.record_kind = 'lead' AND id = c.record_id
        UNION ALL
        SELECT owner_id, amount FROM crm_opportunity
        WHERE c.record_kind = 'opportunity' AND id = c.record_id
        UNION ALL
        SELECT a.owner_id, (SELECT sum(d.amount) FROM crm_opportunity d
                            WHERE d.account_id = a.id AND d.outcome = 'open'
                              AND d.owner_id IS NOT DISTINCT FROM a.owner_id)
        FROM crm_account a WHERE c.record_kind = 'account' AND a.id = c.record_id
        UNION ALL
        SELECT p.owner_id, (SELECT sum(d.amount) FROM crm_opportunity d
                            WHERE d.account_id = p.account_id AND d.outcome = 'open'
                              AND d.owner_id IS NOT DISTINCT FROM p.owner_id)
        FROM crm_contact p WHERE c.record_kind = 'contact' AND p.id = c.record_id
        UNION ALL
        SELECT t.owner_id, coalesce((SELECT amount FROM crm_opportunity WHERE id = t.opportunity_id),
                                    (SELECT estimated_value FROM crm_lead WHERE id = t.lead_id))
        FROM crm_task t WHERE c.record_kind = 'task' AND t.id = c.record_id
        UNION ALL
        SELECT coalesce(CASE
                   WHEN e.opportunity_id IS NOT NULL
                       THEN (SELECT owner_id FROM crm_opportunity WHERE id = e.opportunity_id)
                   WHEN e.lead_id IS NOT NULL THEN (SELECT owner_id FROM crm_lead WHERE id = e.lead_id)
                   WHEN e.contact_id IS NOT NULL
                       THEN (SELECT owner_id FROM crm_contact WHERE id = e.contact_id)
                   ELSE (SELECT owner_id FROM crm_account WHERE id = e.account_id) END, e.owner_id),
               CASE WHEN e.opportunity_id IS NOT NULL
                        THEN (SELECT amount FROM crm_opportunity WHERE id = e.opportunity_id)
                    ELSE (SELECT estimated_value FROM crm_lead WHERE id = e.lead_id) END
        FROM crm_activity e WHERE c.record_kind = 'activity' AND e.id = c.record_id
        LIMIT 1
    ) r
),
placed AS (
    SELECT c.*, n.record_id IS NOT NULL AS is_tried,
           CASE WHEN c.is_quiet THEN %(most_quiet)s ELSE %(most)s END
           - count(*) FILTER (WHERE c.is_pending) OVER (PARTITION BY c.goal, c.owner_id, c.is_quiet) AS room,
           row_number() OVER (
               PARTITION BY c.goal, c.owner_id, c.is_quiet, c.is_pending, c.suggestion_id IS NULL
               ORDER BY n.record_id IS NOT NULL, hashtextextended(n.record_id::text, %(day)s),
                        c.urgency DESC, c.value DESC NULLS LAST, c.record_kind, c.record_id
           ) AS place
    FROM valued c
    LEFT JOIN LATERAL (
        SELECT t.record_id FROM suggestions_nothingproposed t
        WHERE t.record_kind = c.record_kind AND t.record_id = c.record_id AND t.goal = c.goal
          AND t.asked_at >= c.changed_at
        LIMIT 1
    ) n ON true
),
parted AS MATERIALIZED (
    SELECT *, suggestion_id IS NOT NULL OR place <= room AS is_taken,
           coalesce(suggestion_id = ANY(%(untellable)s::bigint[]), false) AS is_untellable
    FROM placed
    WHERE NOT is_pending AND (is_news OR suggestion_id = ANY(%(untellable)s::bigint[]) OR (
        owner_id IS DISTINCT FROM meant_for_id AND goal <> 'merge_duplicates'
        AND (owner_id IS NOT NULL OR record_kind NOT IN ('contact', 'account'))))
)
SELECT w.count, t.record_kind, t.record_id, t.goal, t.signal_ids, t.urgency, t.changed_at, t.suggestion_id,
       t.triggers[1],
       ARRAY(SELECT q.tool FROM of_tool q
             WHERE (q.record_kind = '' OR q.record_kind = t.record_kind)
               AND (q.record_id IS NULL OR q.record_id = t.record_id)
               AND (q.goal = '' OR q.goal = t.goal)
               AND (q.trigger = '' OR q.trigger = ANY(t.triggers))),
       t.given, t.is_untellable
FROM (SELECT coalesce(sum(cardinality(signal_ids)), 0)::int AS count
      FROM parted WHERE NOT is_taken AND NOT is_tried) w
LEFT JOIN parted t ON t.is_taken
ORDER BY t.urgency DESC, t.value DESC NULLS LAST, t.record_kind, t.record_id, t.goal
"""


def find_awaiting(now: datetime, *, most: int, quieting: Quieting = NOTHING_QUIET) -> Turn:
    """Return what awaits a suggestion and is to have it now.

    Of each goal and owner of records no more are taken than ``most`` less those that are pending already, the
    most pressing and valuable first. Pending ones that are to be refreshed are always taken.
    """
    untellable = find_untellable()
    with connection.cursor() as cursor:
        cursor.execute(*awaiting_sql(now, most=most, quieting=quieting, untellable=untellable))
        rows = cursor.fetchall()
    return Turn(
        awaiting=[_awaiting(*row[1:]) for row in rows if row[1] is not None],
        signals_waiting=rows[0][0],
    )


def awaiting_sql(
    now: datetime,
    *,
    most: int,
    quieting: Quieting = NOTHING_QUIET,
    untellable: Sequence[int] = (),
) -> tuple[str, dict[str, Any]]:
    """Return the one statement with its parameters."""
    values = {
        "now": now,
        "day": now.toordinal(),
        "most": most,
        "most_quiet": rules.most_quiet(most),
        "untellable": [*untellable],
    }
    return _QUERY, {**values, **inhibition_pairs(), **quiet_lists(quieting)}


def inhibition_pairs() -> dict[str, list[str]]:
    """Which triggers stand above which others, as parallel lists for SQL."""
    pairs = [
        (stronger, weaker)
        for weaker, above in sorted(triggers.inhibitions().items())
        for stronger in above
    ]
    return {"stronger": [pair[0] for pair in pairs], "weaker": [pair[1] for pair in pairs]}


def _awaiting(
    kind: str,
    record_id: int,
    goal: str,
    signal_ids: Sequence[int],
    urgency: int,
    changed_at: datetime,
    suggestion_id: int | None,
    trigger: str,
    tools: Sequence[str],
    given: Sequence[int | None] | None,
    is_untellable: bool,
) -> Awaiting:
    return Awaiting(
        record=RecordRef(RecordKind(kind), record_id),
        goal=Goal(goal),
        signal_ids=tuple(signal_ids),
        urgency=urgency,
        changed_at=changed_at,
        suggestion_id=suggestion_id,
        trigger=trigger,
        silenced_tools=frozenset(tools),
        given=Given(*given) if given else None,
        is_untellable=is_untellable,
    )
