"""Statements that are written once for all people of a kind: counts, rows, whether there are any.

They are prepared (``apps/tenants/statements.py``), and run with the reader's ids in their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, Model, QuerySet

from apps.tenants.statements import ID_PLACE, Asked, Place, Prepared, exists_sql
from apps.users.models import User
from apps.users.rules import Reader

# No row has such ids: they hold the places of a reader's own, and of the one row or the rows that are asked
# for, while a statement is written.
_READER_PLACE, _TEAM_PLACE = -1, -2
ROW_PLACE: int = ID_PLACE.mark
ROWS_PLACE = -4
_PLACES = (
    Place(_READER_PLACE, "bigint"),
    Place(_TEAM_PLACE, "bigint"),
    ID_PLACE,
    Place([ROWS_PLACE], "bigint[]"),
)
# What a person's name is made of.
_NAMES = ("id", "username", "first_name", "last_name")


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


def _prepare(sql: str, params: Iterable[Any]) -> Prepared:
    return Prepared.of(sql, params, _PLACES)


def _values(
    reader: Reader | None, row_id: int | None = None, row_ids: Sequence[int] = ()
) -> tuple[Any, ...]:
    """What stands in the places; ``reader`` is None where it makes no difference who reads."""
    ids = (reader.pk, reader.team_id) if reader else (None, None)
    return *ids, row_id, list(row_ids)


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
        return cls(tuple(querysets), _prepare(f"SELECT {', '.join(parts)}", params))

    def count_for(self, reader: Reader) -> dict[str, int]:
        """Run the statement with the reader's ids in their places."""
        return self.asked(reader).read()

    def asked(self, reader: Reader) -> Asked[dict[str, int]]:
        """The same, to be asked together with others."""
        return Asked(self.prepared, _values(reader), self._take)

    def _take(self, rows: list[tuple[Any, ...]]) -> dict[str, int]:
        (counts,) = rows
        return dict(zip(self.names, counts, strict=True))


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
            _prepare(sql, params),
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
        return self.asked(reader, row_id, row_ids).read()

    def asked(
        self, reader: Reader | None, row_id: int | None = None, row_ids: Sequence[int] = ()
    ) -> Asked[list[Any]]:
        """The same, to be asked together with others."""
        return Asked(self.prepared, _values(reader, row_id, row_ids), self._take)

    def _take(self, rows: list[tuple[Any, ...]]) -> list[Any]:
        return [self._row_of(list(values)) for values in rows]

    def ids_for(self, reader: Reader) -> list[int]:
        """What the rows have in their first column."""
        return [row[0] for row in self.prepared.fetch(*_values(reader))]

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
class IdsStatement:
    """The ids of a queryset's rows, in its order, of which there are too many kinds to keep a plan for each.

    Written once, and planned anew each time: a connection forgets nothing that it was given by name.
    """

    # None of a queryset that can have no row.
    written: tuple[str, tuple[Any, ...]] | None

    @classmethod
    def of(cls, queryset: QuerySet[Any]) -> Self:
        """Write the statement of a queryset."""
        rows = queryset.values_list("pk")
        try:
            sql, params = rows.query.get_compiler(connection=connection).as_sql()
        except EmptyResultSet:
            return cls(None)
        return cls((sql, tuple(params)))

    def ids_for(self, reader: Reader) -> list[int]:
        """Run the statement with the reader's ids in their places."""
        if self.written is None:
            return []
        sql, params = self.written
        with connection.cursor() as cursor:
            cursor.execute(sql, [_in_place(param, reader) for param in params])
            return [pk for (pk,) in cursor.fetchall()]


def _in_place(param: Any, reader: Reader) -> Any:
    """What stands in the place that a parameter holds, or the parameter itself."""
    values = zip(_PLACES, _values(reader), strict=True)
    return next((value for place, value in values if place.is_held_by(param)), param)


@dataclass(frozen=True, slots=True)
class ExistsStatement:
    """Whether a queryset has any row; of one that can have none there is nothing to ask."""

    prepared: Prepared | None

    @classmethod
    def of(cls, queryset: QuerySet[Any]) -> Self:
        """Write the statement of a queryset."""
        written = exists_sql(queryset)
        return cls(_prepare(*written) if written else None)

    def holds_for(self, reader: Reader, row_id: int | None = None) -> bool:
        """Run the statement with the reader's ids, and ``row_id`` in the place of ``ROW_PLACE``."""
        return self.prepared is not None and self._asked(self.prepared, reader, row_id).read()

    def asked(self, reader: Reader, row_id: int | None = None) -> Asked[bool] | None:
        """The same, to be asked together with others; None where there is nothing to ask."""
        return self._asked(self.prepared, reader, row_id) if self.prepared else None

    def _asked(self, prepared: Prepared, reader: Reader, row_id: int | None) -> Asked[bool]:
        return Asked(prepared, _values(reader, row_id), bool)
