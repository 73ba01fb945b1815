"""Watching under which database account statements are sent, and whether a transaction is open."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from django.db import connection


def current_account() -> str:
    """The account that PostgreSQL checks for the next statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


_TAKES_ROLE = "set_config('role'"


@dataclass(slots=True)
class Statements:
    """What was sent, with the account in force."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    def accounts_of(self, *words: str) -> set[str]:
        """The accounts under which statements holding all these words were sent."""
        return {account for account, sql in self.sent if all(word in sql for word in words)}


def written_out(cursor: Any, sql: str) -> str:
    """The text of a statement, or of several in one message, also where only prepared names are sent."""
    names = re.findall(r"(?:^|; )EXECUTE (\w+)", sql)
    if not names:
        return sql
    asked = "SELECT string_agg(statement, '; ') FROM pg_prepared_statements WHERE name = ANY(%s)"
    return str(cursor.execute(asked, [names]).fetchone()[0])


def _account_of(cursor: Any) -> str:
    return str(cursor.execute("SELECT current_user").fetchone()[0])


@contextmanager
def watching_statements() -> Iterator[Statements]:
    """Record every statement of the block. The account is asked beside Django, on the same session.

    What is sent behind the taking of a role, in one message with it, is asked in that role.
    """
    seen = Statements()

    def record(
        execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        with context["connection"].connection.cursor() as cursor:
            text = written_out(cursor, str(sql))
            seen.sent.append((_account_of(cursor), text))
            answer = execute(sql, params, many, context)
            if _TAKES_ROLE in text:
                seen.sent[-1] = (_account_of(cursor), text)
        return answer

    with connection.execute_wrapper(record):
        yield seen


@contextmanager
def probing(function: Callable[..., Any], probe: Callable[[], Any]) -> Iterator[list[Any]]:
    """Note what ``probe`` says each time ``function`` is entered; the function itself is left as it is."""
    noted: list[Any] = []
    code = function.__code__

    def on_event(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is code:
            noted.append(probe())

    sys.setprofile(on_event)
    try:
        yield noted
    finally:
        sys.setprofile(None)
