"""The records of a tenant as they were at a past moment, under the names of their own tables.

PostgreSQL looks for a table without a schema among the session's temporary ones first. So the records are
copied into temporary tables as they are now and taken back step by step by the change log; and while a block
asks (``standing``), the temporary tables bear the names of the real ones: a trigger's query answers for the
past without knowing it. The names last no longer than the transaction of that block, so that whatever else
the connection does reads the present; and the block is read-only, which lets PostgreSQL write temporary
tables and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from django.db import connection

from apps.triggers.replay import dated, derived, undoing
from apps.triggers.replay.exceptions import ReplayReadingError
from apps.triggers.replay.tables import Reading, record_tables_in
from apps.triggers.replay.temporary import (
    drop_all,
    lend_names,
    read_only,
    short_transaction,
    take_names_back,
)


class Past:
    """The tables of a reading as they were at ``moment``; a context manager that removes them at its end.

    It begins at ``until`` and goes back, no further than to ``since``.
    """

    def __init__(self, reading: Reading, *, since: datetime, until: datetime) -> None:
        self.reading = reading
        self.moment = until
        self._since = since

    def __enter__(self) -> Self:
        drop_all()
        with short_transaction():
            for table in self.reading.records:
                undoing.copy_present(table)
            undoing.gather_changes(self.reading, self._since)
            derived.prepare()
            for name in self.reading.dated:
                dated.create_view(name)
        # What was written after that moment, and while the tables were copied.
        self._take_back(undoing.Span(after=self.moment, until=None))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        drop_all()

    def go_back_to(self, moment: datetime) -> None:
        """Take everything back to an earlier moment.

        Raises:
            ValueError: it lies later, or before the first moment.
        """
        if not self._since <= moment <= self.moment:
            raise ValueError(f"{moment} does not lie between {self._since} and {self.moment}")
        self._take_back(undoing.Span(after=moment, until=self.moment))
        self.moment = moment

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Let the block's queries read the past; they may write temporary tables alone.

        Raises:
            ReplayReadingError: a query names a record table that was not copied.
        """
        with short_transaction():
            lend_names(self.reading.tables)
            with read_only():
                dated.tell_moment(self.moment)
                with connection.execute_wrapper(self._refuse_present):
                    yield
            take_names_back(self.reading.tables)

    def _take_back(self, span: undoing.Span) -> None:
        with short_transaction():
            happened = undoing.happened_in(span)
            derived.note_touched(self.reading, span)
            for table in self.reading.records:
                undoing.take_back(table, span, happened)
            derived.note_touched(self.reading, span)
            derived.derive(self.reading, span)

    def _refuse_present(
        self,
        execute: Callable[..., Any],
        statement: Any,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string()
        present = record_tables_in(text) - set(self.reading.tables)
        if present:
            raise ReplayReadingError(sorted(present))
        return execute(statement, params, many, context)
