"""The statements that read what was discovered, as one person may see it.

A finding is a firing signal of a trigger that discovers one of the six kinds. It belongs to the record that a
person thinks of: one about a call or mail to the deal, else the lead, contact or account that this hangs on.
What is at stake are deals, leads and contracts, each once, however many findings lead to it: of an account
the contract that a finding names, else, as of a contact, its open deals of the same owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import BigIntegerField, CharField, DecimalField, F, QuerySet, Value
from django.db.models.expressions import RawSQL

from apps.crm.enums import ContractOutcome
from apps.crm.models import Account, Contact, Contract, Lead, Opportunity, Record
from apps.crm.services import visible_records
from apps.suggestions.discoveries.asked import Asked, Order
from apps.tenants.transactions import without_nested_loops
from apps.triggers.rules import registry as triggers

# The trend holds what was found in the last of these spans against the one before.
SPAN = timedelta(days=7)

# Kinds of records with findings: their values, currencies and the accounts that they belong to.
_KINDS: tuple[tuple[type[Record], str | None, str | None], ...] = (
    (Lead, "estimated_value", None),
    (Opportunity, "amount", "account_id"),
    (Contact, None, "account_id"),
    (Account, None, "pk"),
)

_FOUND = """
WITH told (trigger, discovery) AS (SELECT * FROM unnest(%s::text[], %s::text[])),
found AS MATERIALIZED (
    SELECT s.id, t.discovery, s.severity, s.fired_at, s.cleared_at IS NULL AS is_firing,
           (s.facts ->> 'contract_id')::bigint AS contract_id,
           CASE WHEN a.id IS NULL THEN s.record_kind WHEN a.opportunity_id IS NOT NULL THEN 'opportunity'
                WHEN a.lead_id IS NOT NULL THEN 'lead' WHEN a.contact_id IS NOT NULL THEN 'contact'
                ELSE 'account' END AS record_kind,
           CASE WHEN a.id IS NULL THEN s.record_id
                ELSE coalesce(a.opportunity_id, a.lead_id, a.contact_id, a.account_id) END AS record_id
    FROM triggers_signal s JOIN told t ON t.trigger = s.trigger
    LEFT JOIN crm_activity a ON s.record_kind = 'activity' AND a.id = s.record_id
    WHERE s.cleared_at IS NULL {or_found_since}
),
record (record_kind, record_id, owner_id, account_id, value, currency) AS MATERIALIZED ({records}),
found_contract AS MATERIALIZED (
    SELECT DISTINCT r.record_kind, r.record_id, c.id, c.value, c.currency
    FROM record r JOIN found f ON f.record_kind = r.record_kind AND f.record_id = r.record_id AND f.is_firing
    JOIN ({contracts}) AS c (id, value, currency) ON c.id = f.contract_id
    WHERE r.record_kind = 'account'
),
stake (record_kind, record_id, stake_kind, stake_id, value, currency) AS MATERIALIZED (
    SELECT record_kind, record_id, record_kind, record_id, value, currency FROM record WHERE value IS NOT NULL
    UNION ALL
    SELECT record_kind, record_id, 'contract', id, value, currency FROM found_contract
    UNION ALL
    SELECT r.record_kind, r.record_id, 'opportunity', d.id, d.amount, d.currency
    FROM record r JOIN crm_opportunity d ON d.account_id = r.account_id
    WHERE r.record_kind IN ('contact', 'account') AND d.outcome = 'open' AND d.amount IS NOT NULL
      AND d.owner_id IS NOT DISTINCT FROM r.owner_id
      AND (r.record_kind, r.record_id) NOT IN (SELECT record_kind, record_id FROM found_contract)
)
"""

# What fits: a record with a firing finding of the kind that is asked for, a new one where only those are.
# A kind '' stands for all. Rows of counts have no currency, rows of what is at stake no counts. Whether there
# is a trend stands in the row of all: whatever was found a span ago tells that somebody looked then.
_SUMMARY = """,
of_kind AS MATERIALIZED (
    SELECT f.discovery, f.record_kind, f.record_id, bool_or(f.is_firing) AS is_firing,
           bool_or(f.is_firing AND f.fired_at > %s) AS is_new,
           bool_or(f.fired_at > %s) AS is_late,
           bool_or(f.fired_at > %s AND f.fired_at <= %s) AS is_early
    FROM found f JOIN record r ON r.record_kind = f.record_kind AND r.record_id = f.record_id
    GROUP BY f.discovery, f.record_kind, f.record_id
),
of_any AS (
    SELECT bool_or(is_firing) AS is_firing, bool_or(is_new) AS is_new, bool_or(is_late) AS is_late,
           bool_or(is_early) AS is_early,
           bool_or(is_firing AND (discovery = %s OR %s = '') AND (is_new OR NOT %s)) AS fits
    FROM of_kind GROUP BY record_kind, record_id
),
at_stake AS MATERIALIZED (
    SELECT DISTINCT k.discovery, s.stake_kind, s.stake_id, s.value, s.currency
    FROM of_kind k JOIN stake s ON s.record_kind = k.record_kind AND s.record_id = k.record_id
    WHERE k.is_firing
)
SELECT discovery, NULL::text, count(*) FILTER (WHERE is_firing), count(*) FILTER (WHERE is_new),
       count(*) FILTER (WHERE is_late), count(*) FILTER (WHERE is_early), 0, false, NULL::numeric
FROM of_kind GROUP BY discovery
UNION ALL
SELECT '', NULL, count(*) FILTER (WHERE is_firing), count(*) FILTER (WHERE is_new),
       count(*) FILTER (WHERE is_late), count(*) FILTER (WHERE is_early), count(*) FILTER (WHERE fits),
       EXISTS (SELECT 1 FROM triggers_signal WHERE fired_at < %s), NULL
FROM of_any
UNION ALL
SELECT discovery, currency, 0, 0, 0, 0, 0, false, sum(value) FROM at_stake GROUP BY discovery, currency
UNION ALL
SELECT '', currency, 0, 0, 0, 0, 0, false, sum(value)
FROM (SELECT DISTINCT stake_kind, stake_id, value, currency FROM at_stake) AS each GROUP BY currency
"""
_PAGE = """,
matched AS (
    SELECT f.record_kind, f.record_id, max(f.severity) AS severity, max(f.fired_at) AS newest,
           min(f.fired_at) AS oldest, array_agg(f.id) AS signal_ids
    FROM found f JOIN record r ON r.record_kind = f.record_kind AND r.record_id = f.record_id
    GROUP BY f.record_kind, f.record_id
    HAVING bool_or((f.discovery = %s OR %s = '') AND (f.fired_at > %s OR NOT %s))
),
worth AS (
    SELECT DISTINCT ON (record_kind, record_id) record_kind, record_id, currency, sum(value) AS value
    FROM stake GROUP BY record_kind, record_id, currency
    ORDER BY record_kind, record_id, sum(value) DESC, currency
)
SELECT m.record_kind, m.record_id, m.signal_ids, w.value, coalesce(w.currency, '')
FROM matched m LEFT JOIN worth w ON w.record_kind = m.record_kind AND w.record_id = m.record_id
ORDER BY {order}, m.record_kind, m.record_id LIMIT %s OFFSET %s
"""
_ORDERS = {
    Order.STRONGEST: "m.severity DESC, w.value DESC NULLS LAST, m.newest DESC",
    Order.VALUE: "w.value DESC NULLS LAST, m.severity DESC",
    Order.NEWEST: "m.newest DESC",
    Order.OLDEST: "m.oldest",
}

# Before anybody has looked, everything is new.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

Rows = list[tuple[Any, ...]]


def read_summary(asked: Asked) -> Rows:
    """Kind, currency, records, new, found lately, found before that, fitting, trend, at stake.

    See ``_SUMMARY``.
    """
    late, early = asked.now - SPAN, asked.now - 2 * SPAN
    sql, params = _found(asked, since=early)
    wanted = asked.discovery or ""
    rest = [_new_since(asked), late, early, late, wanted, wanted, asked.only_new, late]
    return _run(sql + _SUMMARY, [*params, *rest])


def read_page(asked: Asked, first: int, last: int) -> Rows:
    """Kind and id of the records in these places, the ids of their signals, and value with currency."""
    sql, params = _found(asked)
    wanted = asked.discovery or ""
    rest = [wanted, wanted, _new_since(asked), asked.only_new, last - first, first]
    return _run(sql + _PAGE.format(order=_ORDERS[asked.order]), [*params, *rest])


def _found(asked: Asked, *, since: datetime | None = None) -> tuple[str, list[Any]]:
    """The first part of both statements: what fires, with ``since`` also what was found since then."""
    told = [(trigger.key, trigger.discovers) for trigger in triggers.all() if trigger.discovers]
    records = [_records_of(asked, *kind).query.sql_with_params() for kind in _KINDS]
    open_contracts = (
        visible_records(asked.person, Contract)
        .filter(outcome=ContractOutcome.OPEN, value__isnull=False)
        .order_by()
        .values_list("pk", "value", "currency")
    )
    contracts, contract_params = open_contracts.query.sql_with_params()
    sql = _FOUND.format(
        or_found_since="" if since is None else "OR s.fired_at > %s",
        records=" UNION ALL ".join(text for text, _ in records),
        contracts=contracts,
    )
    params: list[Any] = [[key for key, _ in told], [str(kind) for _, kind in told]]
    params += [] if since is None else [since]
    for _, values in records:
        params += values
    return sql, [*params, *contract_params]


def _records_of(
    asked: Asked, model: type[Record], value: str | None, account: str | None
) -> QuerySet[Any, Any]:
    """The visible records of a kind among those that were found."""
    among = RawSQL("SELECT record_id FROM found WHERE record_kind = %s", [model.kind.value])
    rows = visible_records(asked.person, model).filter(asked.of_owners(), pk__in=among)
    if asked.text:
        rows = rows.search(asked.text)
    return rows.order_by().values_list(
        Value(model.kind.value, CharField()),
        "pk",
        "owner_id",
        F(account) if account else Value(None, BigIntegerField()),
        F(value) if value else Value(None, DecimalField()),
        F("currency") if value else Value("", CharField()),
    )


def _new_since(asked: Asked) -> datetime:
    return asked.seen_until or _NEVER


def _run(sql: str, params: Sequence[Any]) -> Rows:
    # What is found passes through several steps of which the planner knows no numbers.
    with transaction.atomic(), without_nested_loops(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: Rows = cursor.fetchall()
        return rows
