"""A tenant's deals of one currency, as forecasts read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from apps.tenants.models import Tenant

if TYPE_CHECKING:
    from apps.predictions.forecasting.deals import DealHistory

_DEALS = """
SELECT d.id, coalesce(d.opened_on, (d.created_at AT TIME ZONE %(zone)s)::date),
       CASE WHEN d.outcome <> 'open'
            THEN coalesce(d.closed_on, (d.stage_entered_at AT TIME ZONE %(zone)s)::date) END,
       d.outcome = 'won', d.amount::float8, coalesce(d.owner_id::text, ''), coalesce(u.team_id::text, '')
FROM crm_opportunity d LEFT JOIN users_user u ON u.id = d.owner_id
WHERE coalesce(nullif(d.currency, ''), %(own)s) = %(wanted)s
ORDER BY d.id
"""
# The stage at the opening stood before the first change, or still stands.
_MOVES = """
SELECT d.id::text, coalesce(d.opened_on, (d.created_at AT TIME ZONE %(zone)s)::date),
       coalesce(first.before, d.stage_id)::text
FROM crm_opportunity d
LEFT JOIN LATERAL (
    SELECT (c.changes -> 'stage_id' ->> 0)::bigint AS before FROM crm_changelog c
    WHERE c.record_kind = 'opportunity' AND c.operation = 'changed' AND c.record_id = d.id
      AND c.changes ? 'stage_id'
    ORDER BY c.changed_at, c.id LIMIT 1
) first ON true
UNION ALL
SELECT c.record_id::text, (c.changed_at AT TIME ZONE %(zone)s)::date, c.changes -> 'stage_id' ->> 1
FROM crm_changelog c
WHERE c.record_kind = 'opportunity' AND c.operation = 'changed' AND c.changes ? 'stage_id'
"""
_CURRENCIES = """
SELECT coalesce(nullif(currency, ''), %(own)s) AS currency FROM crm_opportunity
GROUP BY 1 ORDER BY count(*) DESC, 1
"""


def currencies_of_deals(tenant: Tenant) -> list[str]:
    """The currencies in which there are deals, the most used first."""
    with connection.cursor() as cursor:
        cursor.execute(_CURRENCIES, {"own": tenant.currency})
        return [currency for (currency,) in cursor.fetchall()]


def read_deals(tenant: Tenant, currency: str) -> DealHistory:
    """The deals of one currency with their stages; owners and teams by their ids, as they are today."""
    from apps.predictions.forecasting.deals import Deal, StageMove, read_history

    params = {"own": tenant.currency, "wanted": currency, "zone": tenant.zone.key}
    with connection.cursor() as cursor:
        cursor.execute(_DEALS, params)
        deals = [
            Deal(str(pk), opened, closed, won, amount, owner, team)
            for pk, opened, closed, won, amount, owner, team in cursor.fetchall()
        ]
        cursor.execute(_MOVES, params)
        moves = [StageMove(deal, entered, stage) for deal, entered, stage in cursor.fetchall()]
    return read_history(deals, moves)
