"""Statements that are written once for all people of a kind: counts, rows, whether there are any.

To write such a statement with the ORM, and to plan it, takes longer than to run it. So each is given to the
database once for a connection, as a prepared statement, and from then on its name and the reader's ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from weakref import WeakKeyDictionary

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Model, QuerySet, Value

from apps.users.models import User
from apps.users.rules import Reader

# No row has such ids: they hold the places of a reader's own, and of the one row or the rows that are asked
# for, while a statement is written.
_READER_PLACE, _TEAM_PLACE = -1, -2
ROW_PLACE, ROWS_PLACE = -3, -4
_PLACES = (_READER_PLACE, _TEAM_PLACE, ROW_PLACE, [ROWS_PLACE])
_TYPES = "bigint, bigint, bigint, bigint[]"
# What a person's name is made of.
_NAMES = ("id", "username", "first_name", "last_name")

# What each connection knows by name.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


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
class Prepared:
    """A text with all values in it but the ids, and the name under which the database keeps its plan.

    The plan follows the search path: a connection that has gone to another tenant plans anew.
    """

    name: str
    text: str

    @classmethod
    def of(cls, sql: str, params: Iterable[Any]) -> Self:
        """Put the values into the text of a statement; those that hold a place become parameters."""
        first, *others = (part.replace("%%", "%") for part in sql.split("%s"))
        values = (_value(param) for param in params)
        text = first + "".join(value + part for value, part in zip(values, others, strict=True))
        return cls(f"aisha_{hashlib.blake2s(text.encode(), digest_size=12).hexdigest()}", text)

    def call_for(
        self, reader: Reader | None, row_id: int | None = None, row_ids: Sequence[int] = ()
    ) -> tuple[str, list[Any]]:
        """The statement that runs it, and its parameters; the connection knows the name.

        ``reader`` is None where it makes no difference who reads.
        """
        with connection.cursor() as cursor:
            known = _known.setdefault(cursor.connection, set())
            if self.name not in known:
                # Beside Django's cursor, which would count it; what goes wrong is told as there.
                with connection.wrap_database_errors:
                    cursor.connection.execute(f"PREPARE {self.name} ({_TYPES}) AS {self.text}")
                known.add(self.name)
        ids = (reader.pk, reader.team_id) if reader else (None, None)
        return f"EXECUTE {self.name} (%s, %s, %s, %s)", [*ids, row_id, list(row_ids)]


def _value(param: Any) -> str:
    if type(param) in {int, list} and param in _PLACES:
        return f"${_PLACES.index(param) + 1}"
    return str(connection.ops.compose_sql("%s", [param]))  # type: ignore[attr-defined]


def exists_sql(queryset: QuerySet[Any]) -> tuple[str, tuple[Any, ...]] | None:
    """The statement that asks whether a queryset has any row; None of one that can have none."""
    rows = queryset.order_by().values_list(Value(1))[:1]
    try:
        sql, params = rows.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    return sql, tuple(params)


@dataclass(frozen=True, slots=True)
class CountStatement:
    """``SELECT (count), (count), …``, with a name for each count."""

    names: tuple[str, ...]
    prepared: Prepared

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
            # The text is Django's own.
            parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608
            params.extend(values)
        return cls(tuple(querysets), Prepared.of(f"SELECT {', '.join(parts)}", params))

    def count_for(self, reader: Reader) -> dict[str, int]:
        """Run the statement with the reader's ids in their places."""
        with connection.cursor() as cursor:
            cursor.execute(*self.prepared.call_for(reader))
            return dict(zip(self.names, cursor.fetchone(), strict=True))


@dataclass(frozen=True, slots=True)
class RowsStatement:
    """The rows of a queryset, in its order.

    ``people``: the keys to people of whom no more is read than the name.
    """

    model: type[Model]
    prepared: Prepared
    people: tuple[str, ...]
    # What Django's own iteration finds out anew each time: where the fields stand, and their names; where
    # what is annotated does; what turns a column into a value.
    _fields: slice
    _names: tuple[str, ...]
    _annotations: Mapping[str, int]
    _converters: Mapping[int, tuple[Any, Any]]

    @classmethod
    def of(cls, queryset: QuerySet[Any], *, people: Sequence[str] = ()) -> Self:
        """Write the statement of a queryset that selects nothing related."""
        names = {f"{key}_of_{name}": F(f"{key}__{name}") for key in people for name in _NAMES}
        compiler = queryset.annotate(**names).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        places = compiler.klass_info["select_fields"]
        selected = [column for column, *_ in compiler.select]
        return cls(
            queryset.model,
            Prepared.of(sql, params),
            tuple(people),
            slice(places[0], places[-1] + 1),
            tuple(selected[place].target.attname for place in places),
            compiler.annotation_col_map,
            compiler.get_converters(selected),
        )

    def rows_for(
        self, reader: Reader | None, row_id: int | None = None, row_ids: Sequence[int] = ()
    ) -> list[Any]:
        """The rows as one person sees them; ``row_id`` and ``row_ids`` stand in the places kept for them."""
        with connection.cursor() as cursor:
            cursor.execute(*self.prepared.call_for(reader, row_id, row_ids))
            return [self._row_of(list(values)) for values in cursor.fetchall()]

    def ids_for(self, reader: Reader) -> list[int]:
        """What the rows have in their first column."""
        with connection.cursor() as cursor:
            cursor.execute(*self.prepared.call_for(reader))
            return [row[0] for row in cursor.fetchall()]

    def _row_of(self, values: list[Any]) -> Any:
        for place, (converters, column) in self._converters.items():
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        row = self.model.from_db(connection.alias, self._names, values[self._fields])
        for name, place in self._annotations.items():
            setattr(row, name, values[place])
        for key in self.people:
            self._give_person(row, key)
        return row

    def _give_person(self, row: Any, key: str) -> None:
        values = [getattr(row, f"{key}_of_{name}") for name in _NAMES]
        # Of nobody there is no id.
        setattr(row, key, User.from_db(row._state.db, _NAMES, values) if values[0] else None)


@dataclass(frozen=True, slots=True)
class ValuesStatement:
    """The values of a queryset that selects some columns, in its order."""

    prepared: Prepared

    @classmethod
    def of(cls, queryset: QuerySet[Any]) -> Self:
        """Write the statement of ``queryset.values_list(…)``."""
        sql, params = queryset.query.get_compiler(connection=connection).as_sql()
        return cls(Prepared.of(sql, params))

    def values_for(self, reader: Reader) -> list[tuple[Any, ...]]:
        """Run the statement with the reader's ids in their places."""
        with connection.cursor() as cursor:
            cursor.execute(*self.prepared.call_for(reader))
            values: list[tuple[Any, ...]] = cursor.fetchall()
            return values


@dataclass(frozen=True, slots=True)
class ExistsStatement:
    """Whether a queryset has any row; of one that can have none there is nothing to ask."""

    prepared: Prepared | None

    @classmethod
    def of(cls, queryset: QuerySet[Any]) -> Self:
        """Write the statement of a queryset."""
        written = exists_sql(queryset)
        return cls(Prepared.of(*written) if written else None)

    def holds_for(self, reader: Reader, row_id: int | None = None) -> bool:
        """Run the statement with the reader's ids, and ``row_id`` in the place of ``ROW_PLACE``."""
        if self.prepared is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(*self.prepared.call_for(reader, row_id))
            return cursor.fetchone() is not None
