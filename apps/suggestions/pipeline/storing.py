"""Storing many new packets: a statement for all of them, and one for what they rest on.

Django's bulk insert sends each column as an array, whose texts are escaped in Python, sign by sign. The rows
as one JSON document take a fraction of that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache

from django.db import connection
from psycopg import sql

from apps.suggestions.models import Suggestion

# A suggestion by id, and a signal that it rests on.
Link = tuple[int, int]


def insert_packets(packets: Sequence[Suggestion]) -> None:
    """Store packets that are in no table yet; each has its id afterwards."""
    if not packets:
        return
    rows = [{name: getattr(packet, name) for name in _columns()} for packet in packets]
    with connection.cursor() as cursor:
        cursor.execute(_insert(), [json.dumps(rows, default=str)])
        ids = {tuple(key): pk for pk, *key in cursor.fetchall()}
    for packet in packets:
        packet.pk = ids[packet.record_kind, packet.record_id, packet.goal]


def insert_links(links: Iterable[Link]) -> None:
    """Say which signals suggestions rest on; what is said already is left as it is."""
    suggestions, signals = [], []
    for suggestion_id, signal_id in links:
        suggestions.append(suggestion_id)
        signals.append(signal_id)
    if not signals:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO suggestions_suggestionsignal (suggestion_id, signal_id)"
            " SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING",
            [suggestions, signals],
        )


@cache
def _columns() -> tuple[str, ...]:
    """What is written of a packet: every column but its id."""
    fields = Suggestion._meta.concrete_fields
    return tuple(field.attname for field in fields if not field.primary_key)


@cache
def _insert() -> str:
    """Of new packets there is one for each record and goal, by which its id is found again."""
    statement = sql.SQL(
        "INSERT INTO {table} ({columns})"
        " SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"
        " RETURNING id, record_kind, record_id, goal"
    ).format(
        table=sql.Identifier(Suggestion._meta.db_table),
        columns=sql.SQL(", ").join(map(sql.Identifier, _columns())),
    )
    return statement.as_string()
