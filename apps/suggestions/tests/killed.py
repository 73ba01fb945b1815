"""A program that decides and is killed, or loses its database, at a given step. Run by ``test_kills.py``.

It reads one JSON object a line, ``{"move", "row", "user", "step", "way", "now"}``, does it in a child process
of its own, and answers with one line: ``killed``, ``done STEPS`` or the name of the error. A step is
a statement or a commit, counted from 1; 0 lets it run to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django
import psycopg


class Steps:
    """Counts statements and commits, and lets the bad luck happen just before the given one."""

    def __init__(self, at: int, way: str) -> None:
        self.at = at
        self.way = way
        self.count = 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        """Pass a statement on."""
        self.take()
        return execute(*arguments)

    def take(self) -> None:
        """One more step."""
        self.count += 1
        if self.count != self.at:
            return
        if self.way == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        _cut()


def _cut() -> None:
    """End the session on the server's side, as a restart of the database would."""
    from django.conf import settings
    from django.db import connection

    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    # Each login may end its own sessions.
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def _decide(wish: dict[str, Any]) -> int:
    from django.db import connection

    from apps.suggestions import services
    from apps.suggestions.pipeline.run import keep_true
    from apps.tenants.connections import tenant_connection
    from apps.tenants.models import Tenant
    from apps.users.models import User

    tenant_connection().set_tenant(Tenant.objects.get(schema_name=sys.argv[1]))
    user = User.objects.get(pk=wish["user"])
    steps = Steps(wish["step"], wish["way"])
    # Commits pass no wrapper of Django's.
    database: Any = connection
    commit = database._commit

    def counted_commit() -> None:
        steps.take()
        commit()

    database._commit = counted_commit
    now = datetime.fromisoformat(wish["now"])
    with connection.execute_wrapper(steps):
        match wish["move"]:
            case "approve":
                services.approve(suggestion_id=wish["row"], user=user, now=now)
            case "undo":
                services.undo(suggestion_id=wish["row"], user=user, now=now)
            case "run_bulk":
                services.run_bulk(bulk_id=wish["row"], now=now)
            case "take_up":
                keep_true(now)
        # The last step lies after the last commit: done, and nobody was told.
        steps.take()
    return steps.count


def _in_a_child(wish: dict[str, Any]) -> str:
    from django.db import DatabaseError

    from apps.tenants.exceptions import AishaError

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = f"done {_decide(wish)}"
        except (AishaError, DatabaseError) as error:
            answer = type(error).__name__
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    return "killed" if os.WIFSIGNALED(status) else answer


def main() -> None:
    """Answer every line."""
    django.setup()
    # Imported before the first fork, so that each child begins at once.
    import apps.brain.language_model.asking
    import apps.suggestions.services  # noqa: F401

    for line in sys.stdin:
        print(_in_a_child(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
