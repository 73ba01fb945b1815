"""The part of a world that comes from files goes into the tenant as a customer's would: by the importer.

The rows are written to CSV files under the importer's own field names, with the dates already moved, and
imported by source and external id. Unlike a customer's files these must go in whole: a refused row is an
error of ours.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection
from psycopg import sql

from apps.audit.schemas import Actor
from apps.crm.enums import RecordKind
from apps.crm.importing.services import import_file
from apps.operations.demo.exceptions import ImportIncompleteError
from apps.operations.demo.schemas import GENERATED, AccountRow, DealRow, ProductRow, World

Cell = str | int | Decimal | date | datetime | None


def is_imported(row: ProductRow | AccountRow | DealRow) -> bool:
    """Whether a row comes from a file, and not from the simulation."""
    return row.source != GENERATED


def import_products(world: World, actor: Actor, currency: str) -> None:
    """Import the price list."""
    _import(
        RecordKind.PRODUCT,
        [
            {
                "external_id": row.key,
                "name": row.name,
                "series": row.series,
                "price": row.price,
                "currency": currency,
                "created_at": row.created_at,
            }
            for row in world.products
            if is_imported(row)
        ],
        {row.source for row in world.products if is_imported(row)},
        actor,
    )


def import_accounts(world: World, actor: Actor, currency: str) -> None:
    """Import the accounts that a file has; the keys of their attributes are custom fields."""
    rows = [row for row in world.accounts if is_imported(row)]
    _import(
        RecordKind.ACCOUNT,
        [
            {
                "external_id": row.key,
                "name": row.name,
                "website": f"https://www.{row.domain}",
                "sector": row.sector,
                "employees": row.employees,
                "annual_revenue": row.annual_revenue,
                "currency": currency,
                "location": row.location,
                "phone": row.phone,
                "parent": row.parent,
                "owner": row.owner,
                "created_at": row.created_at,
                **row.attributes,
            }
            for row in rows
        ],
        {row.source for row in rows},
        actor,
        custom=rows[0].attributes if rows else {},
    )


def import_deals(world: World, actor: Actor, currency: str) -> None:
    """Import the deals; the keys of their attributes are custom fields."""
    rows = [row for row in world.deals if is_imported(row)]
    account_names = {row.key: row.name for row in world.accounts}
    emails = {row.key: row.email for row in world.contacts}
    product_names = {row.key: row.name for row in world.products}
    _import(
        RecordKind.OPPORTUNITY,
        [
            {
                "external_id": row.key,
                "name": row.name,
                "account": account_names.get(row.account, ""),
                "contact": emails.get(row.contact, ""),
                "product": product_names[row.product],
                "owner": row.owner,
                "stage": row.stage,
                "amount": row.amount,
                "currency": currency,
                "opened_on": row.opened_on,
                "expected_close_on": row.expected_close_on,
                "closed_on": row.closed_on,
                "next_step": row.next_step,
                "lost_reason": row.lost_reason,
                "created_at": row.created_at,
                **row.attributes,
            }
            for row in rows
        ],
        {row.source for row in rows},
        actor,
        custom=rows[0].attributes if rows else {},
    )


IMPORTERS: dict[RecordKind, Callable[[World, Actor, str], None]] = {
    RecordKind.PRODUCT: import_products,
    RecordKind.ACCOUNT: import_accounts,
    RecordKind.OPPORTUNITY: import_deals,
}


def read_imported_ids(table: str, keys: Sequence[str]) -> dict[str, int]:
    """The ids of imported records by external id, for those of ``keys`` that are there."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT external_id, id FROM {} WHERE source <> %s AND external_id = ANY(%s)"
            ).format(sql.Identifier(table)),
            [GENERATED, list(keys)],
        )
        return dict(cursor.fetchall())


def _import(
    kind: RecordKind,
    rows: Sequence[Mapping[str, Cell]],
    sources: Iterable[str],
    actor: Actor,
    custom: Iterable[str] = (),
) -> None:
    """Write rows to a file and import it.

    Raises:
        ImportIncompleteError: the importer refused a row: generator and importer have drifted apart.
    """
    if not rows:
        return
    (source,) = sources
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{source}_{kind.value}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        columns = {name: name for name in rows[0]} | {name: f"custom:{name}" for name in custom}
        mapping = {"columns": columns, "decimal_mark": "."}
        summary = import_file(
            kind=kind, path=path, source=source, actor=actor, mapping=mapping, backfilled=True
        )
    if summary.rows_created != len(rows):
        raise ImportIncompleteError(kind.value, summary.rows_created, len(rows))


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
