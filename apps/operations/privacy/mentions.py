"""What a person is recognised by, replaced wherever it stands in a tenant's schema."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from apps.crm.models import ChangeLog
from apps.operations.privacy.people import ERASED, Traits

# The audit log holds no values and cannot be changed; who signs in is somebody else.
_LEFT_ALONE = ("audit_", "users_", "auth_", "django_session", "django_migrations", "django_content")


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    is_json: bool
    max_length: int | None


def erase_mentions(traits: Traits) -> dict[str, int]:
    """Replace every mention in every text and JSON column; return the rows changed by table.

    The change log comes last, because what is changed before it is logged with its former value.
    """
    plain = "|".join(_patterns(traits, is_json=False))
    in_json = "|".join(_patterns(traits, is_json=True))
    if not plain:
        return {}
    counts = {}
    tables = _read_columns()
    log = ChangeLog._meta.db_table
    for table in sorted(tables, key=lambda name: (name == log, name)):
        changed = _erase_in(table, tables[table], plain, in_json)
        if changed:
            counts[table] = changed
    return counts


def _erase_in(table: str, columns: list[_Column], plain: str, in_json: str) -> int:
    assignments, conditions, parameters, asked = [], [], [], []
    for column in columns:
        name = sql.Identifier(column.name)
        pattern = in_json if column.is_json else plain
        # A cast to a length cuts off what is too long.
        cast = "jsonb" if column.is_json else f"varchar({column.max_length})"
        if not column.is_json and column.max_length is None:
            cast = "text"
        assignments.append(
            sql.SQL("{0} = regexp_replace({0}::text, %s, %s, 'gi')::{1}").format(
                name, sql.SQL(cast)
            )
        )
        parameters += [pattern, ERASED]
        conditions.append(sql.SQL("{}::text ~* %s").format(name))
        asked.append(pattern)
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(assignments),
        sql.SQL(" OR ").join(conditions),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, *asked])
        changed: int = cursor.rowcount
    return changed


def _read_columns() -> dict[str, list[_Column]]:
    """The text and JSON columns of the schema that the connection stands in, by table."""
    found: defaultdict[str, list[_Column]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.table_name, c.column_name, c.data_type = 'jsonb', c.character_maximum_length
            FROM information_schema.columns c
            JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
              AND c.is_generated = 'NEVER'
              AND c.data_type IN ('text', 'character varying', 'jsonb')
            ORDER BY c.table_name, c.ordinal_position
            """
        )
        for table, name, is_json, max_length in cursor.fetchall():
            if not table.startswith(_LEFT_ALONE):
                found[table].append(_Column(name, is_json, max_length))
    return found


# What may stand between the digits of a number.
_BETWEEN = "[[:space:]()./-]*"


def _patterns(traits: Traits, *, is_json: bool) -> list[str]:
    """PostgreSQL regular expressions, each for whole words: no address within a longer one."""

    def quoted(text: str) -> str:
        # The database may not know capital letters beyond ASCII.
        spellings = dict.fromkeys([text, text.lower(), text.upper(), text.title()])
        if is_json:
            spellings = {json.dumps(it, ensure_ascii=False)[1:-1]: None for it in spellings}
        return f"(?:{'|'.join(re.escape(it) for it in spellings)})"

    names = [
        rf"(?<![[:alnum:]])(?:{quoted(first)}\s+{quoted(last)}|{quoted(last)},\s*{quoted(first)})"
        r"(?![[:alnum:]])"
        for first, last in sorted(traits.names)
    ]
    emails = [
        rf"(?<![[:alnum:]._%+-]){quoted(email)}(?![[:alnum:]_-]|\.[[:alnum:]])"
        for email in sorted(traits.emails)
    ]
    phones = [rf"(?<![0-9])\+?{_BETWEEN.join(digits)}(?![0-9])" for digits in sorted(traits.phones)]
    return [*names, *emails, *phones]
