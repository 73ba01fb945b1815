"""Writing to the audit log, and telling the database who acts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from django.db import connection, transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.tenants.statements import Prepared

log = logging.getLogger("aisha.events")

Detail: TypeAlias = "str | int | float | bool | list[Detail] | dict[str, Detail] | None"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry to be written: ids, codes and counts, never values of records."""

    event: Event
    record_kind: str = ""
    record_id: int | None = None
    suggestion_id: int | None = None
    execution_id: int | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)


_INSERT = """
    INSERT INTO audit_auditentry (event, actor_id, actor_name, origin, request_id,
                                  record_kind, record_id, suggestion_id, execution_id, details)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)
"""
_NUMBERED = _INSERT.replace("%s", "${}").format(*range(1, 11))
_INSERT_ONE = Prepared.with_text(_NUMBERED.strip(), ["unknown"] * 10)


def record_event(actor: Actor, entry: Entry) -> None:
    """Write one entry, in the caller's transaction."""
    record_events(actor, [entry])


def record_events(actor: Actor, entries: Iterable[Entry]) -> None:
    """Write entries in one round trip, in the caller's transaction.

    Plain SQL, because the AI's role may insert here but not read back what Django's INSERT … RETURNING
    would ask for.
    """
    kept = list(entries)
    rows = [
        (
            entry.event.value,
            actor.person_id,
            actor.name,
            actor.origin.value,
            actor.request_id,
            entry.record_kind,
            entry.record_id,
            entry.suggestion_id,
            entry.execution_id,
            json.dumps(dict(entry.details)),
        )
        for entry in kept
    ]
    if len(rows) == 1:
        # executemany opens a pipeline, which costs more than one row.
        _INSERT_ONE.run(_send, *rows[0])
    elif rows:
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, rows)
    if kept:
        # Told once it is true.
        transaction.on_commit(partial(_log_events, actor, kept))


def _send(sql: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _log_events(actor: Actor, entries: list[Entry]) -> None:
    """The same as structured lines of the log, for whatever reads logs."""
    if not log.isEnabledFor(logging.INFO):
        return
    for entry in entries:
        log.info(
            entry.event.value,
            extra={
                "event": entry.event.value,
                "actor_id": actor.person_id,
                "origin": actor.origin.value,
                "record_kind": entry.record_kind,
                "record_id": entry.record_id,
                "suggestion_id": entry.suggestion_id,
                "execution_id": entry.execution_id,
                "details": dict(entry.details),
            },
        )


@contextmanager
def acting(actor: Actor, *, backfilled: bool = False) -> Iterator[None]:
    """Open a transaction in which the change log names ``actor``.

    ``backfilled`` marks history that is written after the fact (imports, the demo's generator).
    The settings are local to the transaction, so they cannot leak to the next request on the connection.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT set_config('aisha.actor_id', %s, true), set_config('aisha.actor_name', %s, true),
                       set_config('aisha.origin', %s, true), set_config('aisha.request_id', %s, true),
                       set_config('aisha.backfilled', %s, true)
                """,
                [
                    str(actor.person_id or ""),
                    actor.name,
                    actor.origin.value,
                    actor.request_id,
                    "on" if backfilled else "",
                ],
            )
        yield
