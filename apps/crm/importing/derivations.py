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
    """One pass over the rows, with the stage, the account and the product of each beside it."""
    account, product = _name_of(plan, "account"), _name_of(plan, "product")
    _run(
        """
        UPDATE {rows} s SET
            closed_on = CASE WHEN stage.outcome <> {open} THEN COALESCE(b.closed_on, b.close_date) END,
            expected_close_on = COALESCE(
                b.expected_close_on, CASE WHEN stage.outcome = {open} THEN b.close_date END),
            amount = CASE WHEN stage.outcome = {won} THEN COALESCE(b.close_value, b.amount)
                          ELSE b.amount END,
            amount_fallback = product.price,
            currency_fallback = NULLIF(product.currency, ''),
            -- A closed deal entered its stage on the day it was closed.
            stage_entered_at = CASE
                WHEN stage.outcome <> {open} AND COALESCE(b.closed_on, b.close_date) IS NOT NULL
                THEN COALESCE(b.closed_on, b.close_date)::timestamp AT TIME ZONE {zone}
                ELSE b.stage_entered_at END,
            name_fallback = left(CASE
                WHEN {account} IS NOT NULL AND {product} IS NOT NULL THEN {account} || ' ' || {product}
                ELSE concat_ws(' · ', COALESCE({account}, {product}, 'Deal'),
                               left(replace(b.external_id, 'auto:', ''), 8)) END, 200)
        FROM {rows} b
        JOIN {stages} stage ON stage.id = b.stage_id
        LEFT JOIN {accounts} account ON account.id = {account_id}
        LEFT JOIN {products} product ON product.id = {product_id}
        WHERE b.row_number = s.row_number
        """,
        open=DealOutcome.OPEN,
        won=DealOutcome.WON,
        zone=time_zone,
        stages=scope.table("stage"),
        accounts=scope.table("account"),
        products=scope.table("product"),
        account=account,
        product=product,
        account_id=_id_of(plan, "account"),
        product_id=_id_of(plan, "product"),
    )


def _id_of(plan: StagingPlan, kind: str) -> sql.Composable:
    return sql.Identifier("b", f"{kind}_id") if plan.has(f"{kind}_id") else sql.SQL("NULL::bigint")


def _name_of(plan: StagingPlan, kind: str) -> sql.Composable:
    """The name of the record that was found, else what the file says."""
    if not plan.has(f"text_{kind}"):
        return sql.Identifier(kind, "name")
    return sql.SQL("COALESCE({}, {})").format(
        sql.Identifier(kind, "name"), sql.Identifier("b", f"text_{kind}")
    )


def _run(statement: str, **parts: str | sql.Composable) -> None:
    composed = {
        name: part if isinstance(part, sql.Composable) else sql.Literal(str(part))
        for name, part in parts.items()
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(rows=ROWS, **composed))
