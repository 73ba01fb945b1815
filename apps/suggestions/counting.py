"""Statements that are written once for all people of a kind: counts of several querysets, and rows of one.

To write such a statement with the ORM takes longer than to run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet

from apps.users.rules import Reader

# No row has such ids: they hold the place of a reader's own while a statement is written.
_READER_PLACE, _TEAM_PLACE = -1, -2


@dataclass(frozen=True, slots=True)
class AnyReader:
    """Somebody for whom a statement is written before it is known who they are."""

    sees_all: bool
    has_team: bool

    @classmethod
    def like(cls, reader: Reader) -> Self:
        """Anybody of this reader's kind."""
        return cls(sees_all=reader.sees_all, has_team=reader.team_id is not None)

    @property
    def pk(self) -> int:
        """The place of the person's id."""
        return _READER_PLACE

    @property
    def team_id(self) -> int | None:
        """The place of the id of the person's team."""
        return _TEAM_PLACE if self.has_team else None


@dataclass(frozen=True, slots=True)
class CountStatement:
    """The text and the parameters of ``SELECT (count), (count), …``, with a name for each count."""

    names: tuple[str, ...]
    parts: tuple[str, ...]
    params: tuple[Any, ...]

    @classmethod
    def of(cls, querysets: Mapping[str, QuerySet[Any]]) -> Self:
        """Write the statement that counts the rows of each queryset."""
        parts: list[str] = []
        params: list[Any] = []
        for rows in querysets.values():
            try:
                sql, values = rows.values("pk").query.get_compiler(connection=connection).as_sql()
            except EmptyResultSet:
                parts.append("0")
                continue
            # The text is Django's own; values travel as parameters.
            parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608
            params.extend(values)
        return cls(tuple(querysets), tuple(parts), tuple(params))

    def __add__(self, other: Self) -> Self:
        """Count what both count, in one statement."""
        return type(self)(
            self.names + other.names, self.parts + other.parts, self.params + other.params
        )

    def count_for(self, reader: Reader) -> dict[str, int]:
        """Run the statement with the reader's ids in their places."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(self.parts)}", _filled_in(self.params, reader))
            return dict(zip(self.names, cursor.fetchone(), strict=True))


@dataclass(frozen=True, slots=True)
class RowsStatement:
    """The text and the parameters of the rows of a queryset, in its order; ``complete`` has the last word."""

    model: type[Model]
    sql: str
    params: tuple[Any, ...]
    complete: Callable[[list[Any]], None]

    @classmethod
    def of(cls, queryset: QuerySet[Any], *, complete: Callable[[list[Any]], None]) -> Self:
        """Write the statement of a queryset that is not sliced and selects nothing related."""
        sql, params = queryset.query.get_compiler(connection=connection).as_sql()
        return cls(queryset.model, sql, tuple(params), complete)

    def rows_for(self, reader: Reader, first: int, end: int) -> list[Any]:
        """The rows from place ``first`` up to ``end``."""
        params = [*_filled_in(self.params, reader), end - first, first]
        # The text is Django's own; values travel as parameters.
        found: Any = self.model._default_manager.raw(f"{self.sql} LIMIT %s OFFSET %s", params)
        rows: list[Any] = list(found)
        self.complete(rows)
        return rows


@dataclass(frozen=True, slots=True)
class ReadersRows:
    """The rows of a statement as one person sees them, for a paginator that knows how many there are."""

    statement: RowsStatement
    reader: Reader

    def __getitem__(self, places: slice) -> list[Any]:
        """The rows at these places."""
        first, end = places.start or 0, places.stop
        return self.statement.rows_for(self.reader, first, end) if first < end else []


def _filled_in(params: Iterable[Any], reader: Reader) -> list[Any]:
    """The parameters with the reader's ids in their places."""
    ids = {_READER_PLACE: reader.pk, _TEAM_PLACE: reader.team_id}
    return [ids.get(value, value) if type(value) is int else value for value in params]
