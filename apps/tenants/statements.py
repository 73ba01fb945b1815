"""Statements that a connection knows by name, and runs with the values alone that change.

To write a statement with the ORM, and to plan it, takes longer than to run it where it reads few rows. So
what each request asks is given to the database once for a connection, as a prepared statement, and from then
on its name and the values.

A migration that gives a column another type, a wider text included, makes every plan that returns it useless:
the database refuses it for as long as the connection lasts. Such plans are dropped and made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError, OperationalError, connection
from django.db.models import Model, QuerySet, Value

M = TypeVar("M", bound=Model)
T = TypeVar("T")
R = TypeVar("R", covariant=True)

# What each connection knows by name; of one that is not here it is not known what it knows.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class OutdatedPlanError(OperationalError):
    """A table was altered since a statement on it was planned; nothing is wrong with either.

    It broke the transaction, which succeeds when it is tried again.
    """


def with_new_plans(transact: Callable[[], T]) -> T:
    """Run a transaction; once more where a table was altered since a statement of it was planned.

    ``transact`` opens the transaction, or a savepoint within one.
    """
    try:
        return transact()
    except OutdatedPlanError:
        if connection.needs_rollback:
            raise
    return transact()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands that is told when a statement runs; ``type`` is PostgreSQL's.

    The ORM is given ``mark`` while the statement is written: what no row has.
    """

    mark: Any
    type: str

    def is_held_by(self, param: Any) -> bool:
        """Whether a parameter of a statement that is being written stands for this place."""
        # Django gives the database integers of a type of its own.
        return isinstance(param, type(self.mark)) and bool(param == self.mark)


# One row by its id, or one by its name.
ID_PLACE = Place(-3, "bigint")
NAME_PLACE = Place("(a name that is told later)", "text")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A text with all values in it but those that are told later, and the name under which its plan is kept.

    The plan follows the search path: a connection that has gone to another tenant plans anew.
    """

    name: str
    text: str
    types: tuple[str, ...] = ()

    @classmethod
    def of(cls, sql: str, params: Iterable[Any], places: Sequence[Place]) -> Self:
        """Put the values into the text of a statement; those that hold a place become parameters."""
        first, *others = (part.replace("%%", "%") for part in sql.split("%s"))
        values = (_value(param, places) for param in params)
        text = first + "".join(value + part for value, part in zip(values, others, strict=True))
        return cls.with_text(text, [place.type for place in places])

    @classmethod
    def with_text(cls, text: str, types: Sequence[str]) -> Self:
        """Name a text that is written as PostgreSQL has it; ``unknown``: of the type that stands there."""
        name = hashlib.blake2s(text.encode(), digest_size=12).hexdigest()
        return cls(f"aisha_{name}", text, tuple(types))

    def call(self, *values: Any) -> tuple[str, list[Any]]:
        """The statement that runs it, and its parameters; the connection knows the name."""
        session = connection.connection
        if session is None or self.name not in _known.get(session, ()):
            # Beside Django's cursor, which would count it; what goes wrong is told as there.
            with connection.cursor() as cursor, connection.wrap_database_errors:
                self._prepare(cursor.connection)
        if not self.types:
            return f"EXECUTE {self.name}", []
        return f"EXECUTE {self.name} ({', '.join(['%s'] * len(self.types))})", list(values)

    def run(self, ask: Callable[[str, list[Any]], T], *values: Any) -> T:
        """Have ``ask`` send it.

        Raises:
            OutdatedPlanError: within a transaction, which is to be tried again.
        """
        return _with_names_known(lambda: ask(*self.call(*values)))

    def fetch(self, *values: Any) -> list[tuple[Any, ...]]:
        """Run it, and return its rows."""
        return self.run(_rows, *values)

    def _prepare(self, session: psycopg.Connection[Any]) -> None:
        """See that the connection knows the name."""
        if session not in _known:
            session.execute("DEALLOCATE ALL")
            _known[session] = set()
        # One that a pool has handed out anew may know it already.
        if self.name not in _known[session]:
            types = f" ({', '.join(self.types)})" if self.types else ""
            session.execute(f"PREPARE {self.name}{types} AS {self.text}")
            _known[session].add(self.name)


def _with_names_known(send: Callable[[], T]) -> T:
    try:
        return send()
    except DatabaseError as error:
        if not _is_outdated(error):
            raise
        _known.pop(connection.connection, None)
        if connection.in_atomic_block:
            raise OutdatedPlanError(*error.args) from error.__cause__
    return send()


@dataclass(frozen=True, slots=True)
class Asked(Generic[R]):
    """A statement with its values, and what its rows become."""

    prepared: Prepared
    values: Sequence[Any]
    take: Callable[[list[tuple[Any, ...]]], R]

    def read(self) -> R:
        """Ask it alone."""
        return self.take(self.prepared.fetch(*self.values))

    def told_as(self, tell: Callable[[R], T]) -> Asked[T]:
        """The same, of whose answer something else is told."""
        return Asked(self.prepared, self.values, lambda rows: tell(self.take(rows)))


def ask_together(*asked: Asked[Any]) -> list[Any]:
    """Send several statements in one message, and return what the rows of each become.

    They run one after the other, each seeing what those before it did; outside of a transaction they are one.
    Of one that returns no rows, the row is how many it wrote.

    Raises:
        OutdatedPlanError: within a transaction, which is to be tried again.
    """

    if not asked:
        return []

    def send() -> list[list[tuple[Any, ...]]]:
        calls = [one.prepared.call(*one.values) for one in asked]
        values = [value for _, values in calls for value in values]
        found: list[list[tuple[Any, ...]]] = []
        with connection.cursor() as cursor:
            cursor.execute("; ".join(text for text, _ in calls), values)
            for _ in calls:
                found.append(cursor.fetchall() if cursor.description else [(cursor.rowcount,)])
                cursor.nextset()
        return found

    return [one.take(rows) for one, rows in zip(asked, _with_names_known(send), strict=True)]


def _is_outdated(error: DatabaseError) -> bool:
    """Whether a plan returns something else by now, or was dropped behind our back."""
    told = error.__cause__
    return isinstance(told, psycopg.errors.InvalidSqlStatementName) or (
        # Its message is in the language of the server.
        isinstance(told, psycopg.errors.FeatureNotSupported)
        and told.diag.source_function == "RevalidateCachedQuery"
    )


def _rows(sql: str, params: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _value(param: Any, places: Sequence[Place]) -> str:
    for number, place in enumerate(places, start=1):
        if place.is_held_by(param):
            return f"${number}"
    return str(connection.ops.compose_sql("%s", [param]))  # type: ignore[attr-defined]


def exists_sql(queryset: QuerySet[Any]) -> tuple[str, tuple[Any, ...]] | None:
    """The statement that asks whether a queryset has any row; None of one that can have none."""
    rows = queryset.order_by().values_list(Value(1))[:1]
    try:
        sql, params = rows.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    return sql, tuple(params)


def prepare_rows(queryset: QuerySet[Any, Any], *places: Place) -> Prepared:
    """Prepare what a queryset selects."""
    sql, params = queryset.query.get_compiler(connection=connection).as_sql()
    return Prepared.of(sql, params, places)


def prepare_exists(queryset: QuerySet[Any], *places: Place) -> Prepared:
    """Prepare the question whether a queryset, which may have some, has any row."""
    written = exists_sql(queryset)
    if written is None:
        raise ValueError("there is nothing to ask of a queryset that can have no row")
    return Prepared.of(*written, places)


@dataclass(frozen=True, slots=True)
class OneRow(Generic[M]):
    """One row of a model, whose columns PostgreSQL gives as Python has them; ``besides`` are annotations."""

    model: type[M]
    columns: tuple[str, ...]
    besides: tuple[str, ...]
    prepared: Prepared

    @classmethod
    def of(cls, queryset: QuerySet[M], *places: Place, besides: Sequence[str] = ()) -> Self:
        """Write the statement of a queryset that has one row at most."""
        fields = queryset.model._meta.concrete_fields
        if converted := [one.attname for one in fields if hasattr(one, "from_db_value")]:
            raise TypeError(f"these columns are not given as Python has them: {converted}")
        columns = tuple(one.attname for one in fields)
        rows = queryset.order_by().values_list(*columns, *besides)
        return cls(queryset.model, columns, tuple(besides), prepare_rows(rows, *places))

    def read(self, *values: Any) -> M | None:
        """The row, if there is one."""
        return self.asked(*values).read()

    def asked(self, *values: Any) -> Asked[M | None]:
        """The same, to be asked together with others."""
        return Asked(self.prepared, values, self._take)

    def _take(self, rows: list[tuple[Any, ...]]) -> M | None:
        for row in rows:
            count = len(self.columns)
            found = self.model.from_db(connection.alias, self.columns, row[:count])
            for name, value in zip(self.besides, row[count:], strict=True):
                setattr(found, name, value)
            return found
        return None
