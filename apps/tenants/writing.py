"""Writing single rows by statements whose text is written once.

The ORM writes an INSERT or UPDATE anew each time, which takes several times longer than to run it. What each
decision of a person writes is written like this, and prepared; wherever it makes no difference, the ORM does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from typing import Any, TypeVar, cast

from django.db import connection
from django.db.models import Field, Model
from django.db.models.expressions import DatabaseDefault

from apps.tenants.statements import Asked, Prepared, ask_together

M = TypeVar("M", bound=Model)

_MOST_KEPT = 256


def insert(row: M) -> M:
    """Insert a new row, as ``row.save(force_insert=True)`` does, with what the database fills in.

    No signals are sent. Every value is plain; what is left out takes the database's default.
    """
    return insertion(row).read()


def insertion(row: M) -> Asked[M]:
    """The same, to be sent together with others."""
    left_out, values = _given(row)
    statement = _insertion(type(row), left_out)
    return Asked(statement.prepared, values, partial(_take_back, row, statement))


def insertion_with(row: M, key: str, named: Model) -> Asked[M]:
    """The same of two new rows in one statement: ``row``, and ``named`` whose id becomes its ``key``.

    Every value of ``named`` but its id is given.
    """
    left_out_of_named, values_of_named = _given(named)
    left_out, values = _given(row, besides=key)
    if any(left_out_of_named):
        raise TypeError("what the database fills in here would not be known")
    statement = _insertion(type(row), left_out, key, type(named))
    return Asked(
        statement.prepared,
        [*values_of_named, *values],
        partial(_take_both, row, key, named, statement),
    )


def _given(row: Model, besides: str = "") -> tuple[tuple[bool, ...], list[Any]]:
    """Which columns of a new row are left to the database, and the values of the others."""
    fields = [field for field in _inserted(type(row)) if field.name != besides]
    held = [field.pre_save(row, add=True) for field in fields]
    left_out = tuple(isinstance(value, DatabaseDefault) for value in held)
    values = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(fields, held, strict=True)
        if not isinstance(value, DatabaseDefault)
    ]
    return left_out, values


def _take_both(
    row: M, key: str, named: Model, statement: _Insertion, rows: list[tuple[Any, ...]]
) -> M:
    _take_back(row, statement, rows)
    named.pk = getattr(row, f"{key}_id")
    _kept(named)
    # With the id, Django has forgotten whose it is.
    setattr(row, key, named)
    return row


def _take_back(row: M, statement: _Insertion, rows: list[tuple[Any, ...]]) -> M:
    (returned,) = rows
    for name, convert, value in zip(statement.names, statement.conversions, returned, strict=True):
        setattr(row, name, convert(value) if convert else value)
    return _kept(row)


def _kept(row: M) -> M:
    row._state.adding = False
    row._state.db = connection.alias
    return row


def update(model: type[Model], where: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """Update the rows that are like ``where``, as ``filter(**where).update(**values)`` does; return how many.

    Both are by the names of fields: a row stands for its id, and a list in ``where`` for any of its values.
    """
    (count,) = ask_together(updating(model, where, values))
    return int(count)


def updating(model: type[Model], where: Mapping[str, Any], values: Mapping[str, Any]) -> Asked[int]:
    """The same, to be sent together with others."""
    statement = _update(
        model,
        tuple((name, isinstance(value, list)) for name, value in where.items()),
        tuple(values),
    )
    params = [
        field.get_db_prep_save(_plain(value), connection)
        for field, value in zip(statement.fields, values.values(), strict=True)
    ]
    params += [_plain(value) for value in where.values()]
    return Asked(statement.prepared, params, lambda rows: int(rows[0][0]))


@dataclass(frozen=True, slots=True)
class _Insertion:
    """An INSERT, the columns that it returns, and what turns each into a value."""

    prepared: Prepared
    names: tuple[str, ...]
    conversions: tuple[Callable[[Any], Any] | None, ...]


@dataclass(frozen=True, slots=True)
class _Update:
    """An UPDATE, and the fields that it sets."""

    prepared: Prepared
    fields: tuple[Field[Any, Any], ...]


@lru_cache(maxsize=_MOST_KEPT)
def _inserted(model: type[Model]) -> tuple[Field[Any, Any], ...]:
    """The columns of a new row that the database does not number or reckon itself."""
    meta = model._meta
    return tuple(
        field
        for field in meta.local_concrete_fields
        if not field.generated and field is not meta.pk
    )


@lru_cache(maxsize=_MOST_KEPT)
def _insertion(
    model: type[Model],
    left_out: tuple[bool, ...],
    key: str = "",
    named: type[Model] | None = None,
) -> _Insertion:
    """The statement; with ``named`` a row of that model comes first, and ``key`` is its id."""
    numbers = count(1)
    of_named = ""
    if named is not None:
        columns = _inserted(named)
        places = [f"${next(numbers)}" for _ in columns]
        of_named = f"WITH named AS ({_insertion_text(named, columns, places, [named._meta.pk])}) "
    fields = [field for field in _inserted(model) if field.name != key]
    places = ["DEFAULT" if is_left_out else f"${next(numbers)}" for is_left_out in left_out]
    returned = [*model._meta.db_returning_fields]
    if named is not None:
        fields.append(_field(model, key))
        places.append(f"(SELECT {_column(named._meta.pk)} FROM named)")  # noqa: S608
        returned.append(fields[-1])
    sql = of_named + _insertion_text(model, fields, places, returned)
    return _Insertion(
        _prepared(sql, next(numbers) - 1),
        tuple(field.attname for field in returned),
        tuple(map(_conversion, returned)),
    )


def _insertion_text(
    model: type[Model],
    fields: Sequence[Field[Any, Any]],
    places: Sequence[str],
    returned: Sequence[Field[Any, Any]],
) -> str:
    if odd := [field.name for field in fields if hasattr(field, "get_placeholder")]:
        raise TypeError(f"these columns are not written as they stand: {odd}")
    table = connection.ops.quote_name(model._meta.db_table)
    columns, back = (", ".join(map(_column, some)) for some in (fields, returned))
    # All names are those of the model.
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(places)}) RETURNING {back}"  # noqa: S608


def _prepared(sql: str, values: int) -> Prepared:
    """A statement whose values have the types of their columns."""
    return Prepared.with_text(sql, ["unknown"] * values)


def _conversion(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    from_database = getattr(field, "from_db_value", None)
    return from_database and (lambda value: from_database(value, None, connection))


@lru_cache(maxsize=_MOST_KEPT)
def _update(
    model: type[Model], where: tuple[tuple[str, bool], ...], names: tuple[str, ...]
) -> _Update:
    quote = connection.ops.quote_name
    fields = tuple(_field(model, name) for name in names)
    numbers = count(1)
    changes = ", ".join(f"{_column(field)} = ${next(numbers)}" for field in fields)
    conditions = " AND ".join(
        f"{_column(_field(model, name))} = {f'ANY(${next(numbers)})' if is_any else f'${next(numbers)}'}"
        for name, is_any in where
    )
    # All names are those of the model.
    sql = f"UPDATE {quote(model._meta.db_table)} SET {changes} WHERE {conditions}"  # noqa: S608
    return _Update(_prepared(sql, len(fields) + len(where)), fields)


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    return cast("Field[Any, Any]", model._meta.pk if name == "pk" else model._meta.get_field(name))


def _column(field: Field[Any, Any]) -> str:
    return str(connection.ops.quote_name(str(field.column)))


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value
