"""What follows from other columns, worked out in the staging table before anything is written.

Deals: an amount that the file does not give is the product's price; the value at closing becomes the amount
only of a deal that was won (a lost one is worth 0 there, which says nothing about its size); "Close date" is
a hope while the deal is open and a fact afterwards; a deal without a name is called by account and product.
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from apps.crm.enums import DealOutcome, RecordKind, TaskStatus
from apps.crm.importing.references import ReferenceScope
from apps.crm.importing.staging import ROWS, StagingPlan


def derive_columns(plan: StagingPlan, scope: ReferenceScope, time_zone: str) -> None:
    """Fill in the derived columns of the staged rows. ``time_zone`` is the one in which days begin."""
    if plan.kind_fields.kind == RecordKind.OPPORTUNITY:
        _derive_deals(plan, scope, time_zone)
    elif plan.kind_fields.kind == RecordKind.TASK:
        _run(
            "UPDATE {rows} SET completed_at_fallback = now() WHERE status = {done}",
            done=TaskStatus.DONE,
        )
    elif plan.kind_fields.kind == RecordKind.CONTRACT:
        _run(
            "UPDATE {rows} s SET name_fallback = left(a.name || ' contract', 200) "
            "FROM {accounts} a WHERE a.id = s.account_id",
            accounts=scope.table("account"),
        )


def _derive_deals(plan: StagingPlan, scope: ReferenceScope, time_zone: str) -> None:
    _run(
        """
        UPDATE {rows} s SET
            closed_on = CASE WHEN stage.outcome <> {open} THEN COALESCE(s.closed_on, s.close_date) END,
            expected_close_on = COALESCE(
                s.expected_close_on, CASE WHEN stage.outcome = {open} THEN s.close_date END),
            amount = CASE WHEN stage.outcome = {won} THEN COALESCE(s.close_value, s.amount)
                          ELSE s.amount END,
            -- A closed deal entered its stage on the day it was closed.
            stage_entered_at = CASE
                WHEN stage.outcome <> {open} AND COALESCE(s.closed_on, s.close_date) IS NOT NULL
                THEN COALESCE(s.closed_on, s.close_date)::timestamp AT TIME ZONE {zone}
                ELSE s.stage_entered_at END
        FROM {stages} stage WHERE stage.id = s.stage_id
        """,
        open=DealOutcome.OPEN,
        won=DealOutcome.WON,
        zone=time_zone,
        stages=scope.table("stage"),
    )
    if plan.has("product_id"):
        _run(
            "UPDATE {rows} s SET amount_fallback = p.price, currency_fallback = NULLIF(p.currency, '') "
            "FROM {products} p WHERE p.id = s.product_id",
            products=scope.table("product"),
        )
    account = _name_of(plan, scope, "account")
    product = _name_of(plan, scope, "product")
    _run(
        """
        UPDATE {rows} s SET name_fallback = left(CASE
            WHEN {account} IS NOT NULL AND {product} IS NOT NULL THEN {account} || ' ' || {product}
            ELSE concat_ws(' · ', COALESCE({account}, {product}, 'Deal'),
                           left(replace(s.external_id, 'auto:', ''), 8)) END, 200)
        WHERE s.name IS NULL
        """,
        account=account,
        product=product,
    )


def _name_of(plan: StagingPlan, scope: ReferenceScope, kind: str) -> sql.Composable:
    """The name of the record that was found, else what the file says."""
    if not plan.has(f"{kind}_id"):
        return sql.SQL("NULL::text")
    written = f"text_{kind}"
    return sql.SQL("COALESCE((SELECT r.name FROM {table} r WHERE r.id = s.{id}), {text})").format(
        table=scope.table(kind),
        id=sql.Identifier(f"{kind}_id"),
        text=sql.Identifier("s", written) if plan.has(written) else sql.SQL("NULL"),
    )


def _run(statement: str, **parts: str | sql.Composable) -> None:
    composed = {
        name: part if isinstance(part, sql.Composable) else sql.Literal(str(part))
        for name, part in parts.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(rows=ROWS, **composed))
