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
from psycopg.types.json import Jsonb

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.tenants.locks import asking_lock_for_transaction
from apps.tenants.statements import Asked, Prepared, ask_together

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

# Looked up row by row: of many entries there are few about one suggestion.
_INSERT_NEW = Prepared.with_text(
    """
    INSERT INTO audit_auditentry (event, actor_id, actor_name, origin, request_id,
                                  record_kind, record_id, suggestion_id, execution_id, details)
    SELECT n.event, $1, $2, $3, $4, n.record_kind, n.record_id, n.suggestion_id, NULL, n.details
    FROM jsonb_to_recordset($5) AS n(event text, record_kind text, record_id bigint, suggestion_id bigint,
                                     details jsonb)
    LEFT JOIN LATERAL (
        SELECT true AS is_there FROM audit_auditentry b
        WHERE b.event = n.event AND b.actor_id = $1 AND b.suggestion_id = n.suggestion_id
              AND b.details ->> $6 = n.details ->> $6
        LIMIT 1
    ) AS known ON true
    WHERE known.is_there IS NULL
    RETURNING suggestion_id
    """.strip(),
    ["bigint", "text", "text", "text", "jsonb", "text"],
)


def record_event(actor: Actor, entry: Entry) -> None:
    """Write one entry, in the caller's transaction."""
    ask_together(recording(actor, entry))


def recording(actor: Actor, entry: Entry) -> Asked[None]:
    """The same, to be written together with others."""
    return Asked(_INSERT_ONE, _row_of(actor, entry), lambda _: _tell(actor, [entry]))


def record_events(actor: Actor, entries: Iterable[Entry]) -> None:
    """Write entries in one round trip, in the caller's transaction.

    Plain SQL, because the AI's role may insert here but not read back what Django's INSERT … RETURNING
    would ask for.
    """
    kept = list(entries)
    if len(kept) == 1:
        # executemany opens a pipeline, which costs more than one row.
        record_event(actor, kept[0])
    elif kept:
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, [_row_of(actor, entry) for entry in kept])
        _tell(actor, kept)


def recording_once(
    actor: Actor, entries: Iterable[Entry], *, detail: str
) -> tuple[Asked[None], Asked[None]]:
    """Those entries about suggestions for which this person has none with the same ``detail``, to be written.

    All at once, and one of two at the same moment: outside of a transaction they are one of their own, with
    what is sent along.
    """
    kept = {entry.suggestion_id: entry for entry in entries}
    rows = [
        {
            "event": entry.event.value,
            "record_kind": entry.record_kind,
            "record_id": entry.record_id,
            "suggestion_id": entry.suggestion_id,
            "details": dict(entry.details),
        }
        for entry in kept.values()
    ]
    values = [
        actor.person_id,
        actor.name,
        actor.origin.value,
        actor.request_id,
        Jsonb(rows),
        detail,
    ]
    return (
        # One person at a time.
        asking_lock_for_transaction(f"once:{actor.person_id}"),
        Asked(
            _INSERT_NEW,
            values,
            lambda new: _tell(actor, [kept[suggestion_id] for (suggestion_id,) in new]),
        ),
    )


def _row_of(actor: Actor, entry: Entry) -> tuple[Any, ...]:
    return (
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


def _tell(actor: Actor, entries: list[Entry]) -> None:
    """Tell the log of what was written, once it is true."""
    if entries:
        transaction.on_commit(partial(_log_events, actor, entries))


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


# Local to the transaction, so that they cannot leak to the next request on the connection.
_ACT = Prepared.with_text(
    "SELECT set_config('aisha.actor_id', $1, true), set_config('aisha.actor_name', $2, true),"
    " set_config('aisha.origin', $3, true), set_config('aisha.request_id', $4, true),"
    " set_config('aisha.backfilled', $5, true)",
    ["text"] * 5,
)


@contextmanager
def acting(actor: Actor, *first: Asked[Any], backfilled: bool = False) -> Iterator[list[Any]]:
    """Open a transaction in which the change log names ``actor``.

    ``first`` is what it begins with, sent along; the block is given what became of it. ``backfilled`` marks
    history that is written after the fact (imports, the demo's generator).
    """
    values = [
        str(actor.person_id or ""),
        actor.name,
        actor.origin.value,
        actor.request_id,
        "on" if backfilled else "",
    ]
    with transaction.atomic():
        yield ask_together(Asked(_ACT, values, lambda _: None), *first)[1:]
