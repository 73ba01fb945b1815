"""Waking a worker as soon as something changes.

The change log's database triggers notify with the tenant's schema when they have written rows
(``apps.crm.changelog``); the database delivers that at the commit. Whatever wrote the rows, a page, an import
or a program beside ours, is heard alike. What is missed while nobody listens is made up for at the next
connection, and by the rounds that beat asks for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError as BrokerError

from apps.crm.changelog import CHANGES_CHANNEL

log = logging.getLogger(__name__)

# Changes that come together are looked at together, and no tenant is looked at more often than this.
SETTLE_S = 0.2
SHORTEST_INTERVAL_S = 1.0
# Waits before connecting again; the last one repeats.
RETRY_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_LISTEN_S = 0.5

Wake = Callable[[str], None]


class ChangeListener:
    """Listens for changes and wakes a worker for each tenant that has some.

    Attributes:
        wake: asks for a round of one schema; may raise ``BrokerError``.
        all_schemas: the tenants that may have changed unheard.
        must_stop: asked at least twice a second.
        heartbeat: a file that is touched while the listener lives, or None.
    """

    def __init__(
        self,
        *,
        wake: Wake,
        all_schemas: Callable[[], Iterable[str]],
        must_stop: Callable[[], bool],
        heartbeat: Path | None = None,
    ) -> None:
        self._wake = wake
        self._all_schemas = all_schemas
        self._must_stop = must_stop
        self._heartbeat = heartbeat
        # Schema → when its changes have settled; and when it was woken last.
        self._due_at: dict[str, float] = {}
        self._woken_at: dict[str, float] = {}

    def run(self) -> None:
        """Listen until asked to stop, through restarts of the database and of the broker."""
        failures = 0
        while not self._must_stop():
            try:
                with _listening() as session:
                    failures = 0
                    # What happened while nobody listened.
                    self._note(self._all_schemas())
                    self._listen(session)
            except (psycopg.OperationalError, DatabaseError):
                log.warning("the database cannot be listened to; trying again", exc_info=True)
                connection.close()
                self._pause(RETRY_DELAYS_S[min(failures, len(RETRY_DELAYS_S) - 1)])
                failures += 1

    def _listen(self, session: psycopg.Connection) -> None:
        while not self._must_stop():
            wait_s = min((at - time.monotonic() for at in self._due_at.values()), default=_LISTEN_S)
            heard = session.notifies(timeout=min(max(wait_s, 0.01), _LISTEN_S), stop_after=1)
            self._note(notice.payload for notice in heard)
            self._wake_due()
            self._beat()

    def _note(self, schemas: Iterable[str]) -> None:
        now = time.monotonic()
        for schema in schemas:
            earliest = self._woken_at.get(schema, 0.0) + SHORTEST_INTERVAL_S
            self._due_at.setdefault(schema, max(now + SETTLE_S, earliest))

    def _wake_due(self) -> None:
        now = time.monotonic()
        for schema in [schema for schema, at in self._due_at.items() if at <= now]:
            try:
                self._wake(schema)
            except BrokerError:
                log.warning("the broker does not answer; trying again", extra={"schema": schema})
                self._due_at[schema] = now + RETRY_DELAYS_S[1]
                continue
            self._woken_at[schema] = now
            del self._due_at[schema]

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._must_stop():
            self._beat()
            time.sleep(min(_LISTEN_S, max(until - time.monotonic(), 0.0)))

    def _beat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.touch()


def _listening() -> psycopg.Connection:
    """A session of its own that listens; a lost one is noticed by its keep-alive."""
    params = connection.get_connection_params()
    session = psycopg.connect(
        **{
            name: params[name]
            for name in ("dbname", "user", "password", "host", "port")
            if params.get(name)
        },
        autocommit=True,
        keepalives_idle=30,
        application_name="aisha changes",
    )
    session.execute(f"LISTEN {CHANGES_CHANNEL}")
    return session
