"""Doing something as soon as something changes.

Database triggers notify when rows have been written, and the database delivers that at the commit: the change
log's with the tenant's schema (``apps.crm.changelog``), upon which a worker is woken, and the suggestions'
with whom they concern (``apps.suggestions.announcing``). Whatever wrote the rows, a page, an import or
a program beside ours, is heard alike. What is missed while nobody listens is made up for at the next
connection and, of changes, by the rounds that beat asks for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psycopg
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError as BrokerError
from psycopg import sql

from apps.crm.changelog import CHANGES_CHANNEL

log = logging.getLogger(__name__)

# Changes that come together are heard as one, and no worker is woken for a tenant more often than this.
SETTLE_S = 0.2
SHORTEST_INTERVAL_S = 1.0
# Waits before connecting again; the last one repeats.
RETRY_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_LISTEN_S = 0.5

Wake = Callable[[str], None]


class ChangeListener:
    """Listens to a channel of the database and passes on each notice, once for many that come together.

    Attributes:
        wake: is told what the notice says; may raise ``BrokerError``, and is then told again.
        all_notices: what may have happened unheard.
        must_stop: asked at least twice a second.
        settle_s: so long a notice waits for its like.
        shortest_interval_s: no notice is passed on more often than this.
        heartbeat: a file that is touched while the listener lives, or None.
    """

    def __init__(
        self,
        *,
        wake: Wake,
        all_notices: Callable[[], Iterable[str]],
        must_stop: Callable[[], bool],
        heartbeat: Path | None = None,
        channel: str = CHANGES_CHANNEL,
        settle_s: float = SETTLE_S,
        shortest_interval_s: float = SHORTEST_INTERVAL_S,
    ) -> None:
        self._wake = wake
        self._channel = channel
        self._settle_s = settle_s
        self._shortest_interval_s = shortest_interval_s
        self._all_notices = all_notices
        self._must_stop = must_stop
        self._heartbeat = heartbeat
        # Notice → when its like has settled; and when it was passed on last.
        self._due_at: dict[str, float] = {}
        self._woken_at: dict[str, float] = {}

    def run(self) -> None:
        """Listen until asked to stop, through restarts of the database and of the broker."""
        failures = 0
        while not self._must_stop():
            try:
                with _listening(self._channel) as session:
                    failures = 0
                    # What happened while nobody listened.
                    self._note(self._all_notices())
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

    def _note(self, notices: Iterable[str]) -> None:
        now = time.monotonic()
        for notice in notices:
            earliest = self._woken_at.get(notice, 0.0) + self._shortest_interval_s
            self._due_at.setdefault(notice, max(now + self._settle_s, earliest))

    def _wake_due(self) -> None:
        now = time.monotonic()
        for notice in [notice for notice, at in self._due_at.items() if at <= now]:
            try:
                self._wake(notice)
            except BrokerError:
                log.warning("the broker does not answer; trying again", extra={"notice": notice})
                self._due_at[notice] = now + RETRY_DELAYS_S[1]
                continue
            self._woken_at[notice] = now
            del self._due_at[notice]

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._must_stop():
            self._beat()
            time.sleep(min(_LISTEN_S, max(until - time.monotonic(), 0.0)))

    def _beat(self) -> None:
        if self._heartbeat is not None:
            self._heartbeat.touch()


def _listening(channel: str) -> psycopg.Connection:
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
    session.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    return session
