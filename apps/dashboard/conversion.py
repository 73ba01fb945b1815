"""How many of the deals that entered a stage came further, by the change log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.utils import timezone

from apps.crm.enums import DealOutcome
from apps.crm.models import Stage
from apps.crm.querysets import OpportunityQuerySet
from apps.dashboard.asked import Asked, start_of

# Half a year, or the period where that is longer: of deals that came in lately most have not had the time.
LEAST_WINDOW_DAYS = 180

_CONVERSION = """
WITH deal AS MATERIALIZED (
    {deals}
), step AS MATERIALIZED (
    SELECT c.id, c.record_id, c.changed_at AS at,
           (c.changes -> 'stage_id' ->> 0)::bigint AS before_id,
           (c.changes -> 'stage_id' ->> 1)::bigint AS stage_id
    FROM crm_changelog c JOIN deal ON deal.id = c.record_id
    WHERE c.record_kind = 'opportunity' AND c.operation = 'changed' AND c.changes ? 'stage_id'
      AND c.changed_at >= %(since)s AND c.changed_at <= %(now)s
), first_step AS (
    SELECT DISTINCT ON (record_id) record_id, before_id, at FROM step ORDER BY record_id, at, id
), entry AS (
    SELECT record_id, stage_id, at, id FROM step
    UNION ALL
    -- Where a deal began: what it left in its first step, or where it still stands.
    SELECT deal.id, COALESCE(first_step.before_id, deal.stage_id),
           LEAST(deal.created_at, deal.opened_on::timestamp AT TIME ZONE %(zone)s, first_step.at), 0
    FROM deal LEFT JOIN first_step ON first_step.record_id = deal.id
), entered AS (
    SELECT DISTINCT ON (e.record_id, e.stage_id) e.record_id, e.stage_id, s.position, e.at, e.id
    FROM entry e JOIN crm_stage s ON s.id = e.stage_id AND s.outcome = 'open'
    WHERE e.at >= %(since)s AND e.at <= %(now)s
    ORDER BY e.record_id, e.stage_id, e.at, e.id
), fate AS (
    SELECT entered.record_id, entered.stage_id,
           COALESCE(bool_or(s.outcome = 'won'), false) AS is_won,
           COALESCE(bool_or(s.outcome = 'open' AND s.position > entered.position), false) AS is_further,
           COALESCE(bool_or(s.outcome = 'lost'), false) AS is_lost
    FROM entered
    LEFT JOIN entry ON entry.record_id = entered.record_id AND (entry.at, entry.id) > (entered.at, entered.id)
    LEFT JOIN crm_stage s ON s.id = entry.stage_id
    GROUP BY entered.record_id, entered.stage_id
)
SELECT stage_id, count(*),
       count(*) FILTER (WHERE is_won OR is_further),
       count(*) FILTER (WHERE is_won),
       count(*) FILTER (WHERE is_lost AND NOT is_won AND NOT is_further)
FROM fate GROUP BY stage_id
"""


@dataclass(frozen=True, slots=True)
class StageConversion:
    """Deals that entered a stage in the window, each counted once.

    ``moved_on`` came to a later open stage or were won, at any time since; ``won`` is part of it. ``lost``
    were lost without having come further. The rest stands there still, or went back.
    """

    stage: Stage
    entered: int
    moved_on: int
    won: int
    lost: int

    @property
    def rest(self) -> int:
        """Neither further nor lost so far."""
        return self.entered - self.moved_on - self.lost

    @property
    def moved_on_0_1(self) -> float | None:
        """The share that came further; None where none entered."""
        return self.moved_on / self.entered if self.entered else None


def window_days(asked: Asked) -> int:
    """How far back entries into a stage are counted."""
    return max(asked.days, LEAST_WINDOW_DAYS)


def read_conversion(
    deals: OpportunityQuerySet, asked: Asked, stages: Sequence[Stage]
) -> tuple[StageConversion, ...]:
    """Read every open stage in order, in one query.

    A deal enters the stage that it begins in when it was entered or opened, whichever came first, as
    everywhere (``triggers.rules.deals.stays``).
    """
    rows = dict(_rows(deals, asked))
    return tuple(
        StageConversion(stage, *rows.get(stage.pk, (0, 0, 0, 0)))
        for stage in stages
        if stage.outcome == DealOutcome.OPEN
    )


def _rows(
    deals: OpportunityQuerySet, asked: Asked
) -> Sequence[tuple[int, tuple[int, int, int, int]]]:
    columns = deals.order_by().values("id", "stage_id", "created_at", "opened_on")
    try:
        sql, params = columns.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return []
    named = {f"deal_{place}": value for place, value in enumerate(params)}
    # The text in braces is Django's own; values travel as parameters.
    statement = _CONVERSION.format(deals=sql % tuple(f"%({name})s" for name in named))
    named |= {
        "since": start_of(asked.today - timedelta(days=window_days(asked) - 1)),
        "now": asked.now,
        "zone": timezone.get_current_timezone_name(),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, named)
        return [(stage, (entered, on, won, lost)) for stage, entered, on, won, lost in cursor]
