"""Writing a generated world into a tenant, in one transaction and by COPY.

The database's own triggers derive ``outcome`` and ``last_activity_at`` and mark each new record in the
change log. The marks are then dated back to the record's creation, and the dated history is copied beside
them: only the owner's account may do that, which is why ``setup_demo`` runs as the owner.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection
from psycopg import sql

from apps.audit.enums import Origin
from apps.audit.schemas import Actor
from apps.audit.services import acting
from apps.crm.changelog import record_models
from apps.crm.enums import RecordKind
from apps.crm.models import CustomField, Stage
from apps.operations.demo.importing import IMPORTERS, read_imported_ids
from apps.operations.demo.people import DEMO_PASSWORD
from apps.operations.demo.schemas import ChangeRow, World
from apps.operations.demo.tables import Ids, TableRows, Value, keys_of
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.enums import PersonRole
from apps.users.models import Team, User
from apps.users.services import give_role

_ACTOR = Actor.for_system("Demo data", Origin.API)
_TABLES = {model.kind: model._meta.db_table for model in record_models()}


def load_world(world: World, tenant: Tenant) -> None:
    """Write everything into the schema that the connection stands in: all or nothing."""
    with acting(_ACTOR, backfilled=True):
        ids = Ids(stages=dict(Stage.objects.values_list("key", "pk")))
        ids.people = _add_people(world)
        CustomField.objects.bulk_create(
            CustomField(
                record_kind=row.record_kind,
                key=row.key,
                label=row.label,
                field_type=row.field_type,
                choices=list(row.choices),
                position=position,
            )
            for position, row in enumerate(world.custom_fields, start=1)
        )
        keys = keys_of(world)
        rows = TableRows(world, ids, tenant.currency)
        for kind, names in keys.items():
            table = _TABLES[kind]
            if kind in IMPORTERS:
                IMPORTERS[kind](world, _ACTOR, tenant.currency)
            imported = read_imported_ids(table, names)
            rest = [name for name in names if name not in imported]
            ids.records[kind] = imported | dict(
                zip(rest, _reserve_ids(table, len(rest)), strict=True)
            )
            made_here = set(rest)
            _copy(
                table,
                (list(row.items()) for row in rows.of(kind) if row["external_id"] in made_here),
            )
        _complete_imported(rows)
        _date_back(keys)
        _copy("crm_changelog", _history(world, ids))
        _credit_first_owners()


def _add_people(world: World) -> dict[str, int]:
    """Make teams and users; hashing one password once, because each hash takes a good part of a second."""
    teams = {
        team.name: team
        for team in Team.objects.bulk_create(
            Team(name=team.name, region=team.region) for team in world.teams
        )
    }
    password = make_password(DEMO_PASSWORD)
    users = User.objects.bulk_create(
        User(
            username=person.username,
            first_name=person.first_name,
            last_name=person.last_name,
            email=f"{person.username}@{tenant_connection().schema_name}.example",
            password=password,
            team=teams.get(person.team),
            time_zone=person.time_zone,
        )
        for person in world.people
    )
    for user, person in zip(users, world.people, strict=True):
        give_role(user, PersonRole(person.role))
    return {user.username: user.pk for user in users}


def _reserve_ids(table: str, count: int) -> list[int]:
    name = f'"{tenant_connection().schema_name}"."{table}"'
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [name, count],
        )
        return [number for (number,) in cursor.fetchall()]


def _copy(table: str, rows: Iterable[Sequence[tuple[str, Value]]]) -> None:
    """COPY rows, each a sequence of (column, value), all with the columns of the first."""
    rest = iter(rows)
    first = next(rest, None)
    if first is None:
        return
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(tenant_connection().schema_name, table),
        sql.SQL(", ").join(sql.Identifier(column) for column, _ in first),
    )
    connection.ensure_connection()
    with closing(connection.cursor()) as cursor, cursor.copy(statement) as copy:
        for row in _chained(first, rest):
            copy.write_row([value for _, value in row])


def _chained(
    first: Sequence[tuple[str, Value]], rest: Iterator[Sequence[tuple[str, Value]]]
) -> Iterator[Sequence[tuple[str, Value]]]:
    yield first
    yield from rest


def _complete_imported(rows: TableRows) -> None:
    """What no file says of imported records: when a stage was entered, and what the history leads to.

    None of these columns is tracked, so the change log stays as it is.
    """
    names = ("id", "stage_entered_at", "revision", "updated_at")
    with connection.cursor() as cursor:
        for kind in (RecordKind.PRODUCT, RecordKind.ACCOUNT):
            cursor.execute(
                sql.SQL("UPDATE {} SET updated_at = created_at").format(
                    sql.Identifier(_TABLES[kind])
                )
            )
        cursor.execute(
            "CREATE TEMPORARY TABLE demo_deal (id bigint PRIMARY KEY, stage_entered_at timestamptz, "
            "revision integer, updated_at timestamptz) ON COMMIT DROP"
        )
        with cursor.copy(f"COPY demo_deal ({', '.join(names)}) FROM STDIN") as copy:
            for row in rows.of(RecordKind.OPPORTUNITY):
                copy.write_row([row[name] for name in names])
        cursor.execute(
            "UPDATE crm_opportunity d SET stage_entered_at = t.stage_entered_at, "
            "revision = t.revision, updated_at = t.updated_at FROM demo_deal t WHERE t.id = d.id"
        )
        cursor.execute("DROP TABLE demo_deal")


def _date_back(kinds: Iterable[RecordKind]) -> None:
    """Let the marks of creation say when the records were made, and by whom: their first owner."""
    with connection.cursor() as cursor:
        for kind in kinds:
            cursor.execute(
                sql.SQL(
                    """
                    UPDATE crm_changelog c
                    SET changed_at = r.created_at, actor_id = u.id, origin = %s,
                        actor_name = COALESCE(trim(u.first_name || ' ' || u.last_name), c.actor_name)
                    FROM {table} r LEFT JOIN users_user u ON u.id = r.owner_id
                    WHERE c.record_kind = %s AND c.record_id = r.id AND c.operation = 'created'
                    """
                ).format(table=sql.Identifier(_TABLES[kind])),
                [Origin.PERSON.value, kind.value],
            )


def _credit_first_owners() -> None:
    """A record that has changed hands was made by whoever had it first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE crm_changelog c
            SET actor_id = u.id, actor_name = trim(u.first_name || ' ' || u.last_name)
            FROM crm_changelog h JOIN users_user u ON u.id = (h.changes->'owner_id'->>0)::bigint
            WHERE h.changes ? 'owner_id' AND h.operation = 'changed'
              AND c.record_kind = h.record_kind AND c.record_id = h.record_id
              AND c.operation = 'created'
            """
        )


def _history(world: World, ids: Ids) -> Iterator[list[tuple[str, Value]]]:
    """The dated changes, oldest first, as rows of the change log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (transaction_id,) = cursor.fetchone()
    names = {person.username: person.name for person in world.people}
    for change in sorted(world.changes, key=lambda change: change.changed_at):
        yield [
            ("transaction_id", transaction_id),
            ("changed_at", change.changed_at),
            ("record_kind", change.record_kind),
            ("record_id", ids.records[RecordKind(change.record_kind)][change.record]),
            ("operation", "changed"),
            ("changes", _changes_json(change, ids)),
            ("actor_id", ids.people[change.actor]),
            ("actor_name", names[change.actor]),
            ("origin", Origin.PERSON.value),
            ("request_id", ""),
            ("backfilled", True),
        ]


def _changes_json(change: ChangeRow, ids: Ids) -> str:
    """``{field: [before, after]}`` in the form in which the database's trigger writes it."""
    return json.dumps(
        {
            name: [_json_value(name, value, ids) for value in pair]
            for name, pair in change.changes.items()
        }
    )


def _json_value(name: str, value: Any, ids: Ids) -> str | int | float | None:
    if value is None:
        return None
    if name.endswith("_id"):
        return ids.of_field(name, str(value))
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
