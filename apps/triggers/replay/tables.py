"""Which record tables a trigger's queries read, and which of their columns.

Both are taken from the SQL itself, so that no trigger has to list them a second time: each word of it that is
the name of a record table, and each that is a column of one that stands there. That may be a column too many,
never one too few.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from apps.crm.changelog import model_of, record_models
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.replay.dated import DATED_TABLES
from apps.triggers.replay.temporary import read_only

_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_KINDS: dict[str, RecordKind] = {model._meta.db_table: model.kind for model in record_models()}

# What derived columns follow from: (kind, column) → the columns that must be there besides.
_Needs = dict[RecordKind, set[str]]
_TALK = {"id", "occurred_at", "activity_kind"}
_NEEDS: dict[tuple[RecordKind, str], _Needs] = {
    (RecordKind.LEAD, "last_activity_at"): {RecordKind.ACTIVITY: _TALK | {"lead_id"}},
    (RecordKind.CONTACT, "last_activity_at"): {RecordKind.ACTIVITY: _TALK | {"contact_id"}},
    (RecordKind.OPPORTUNITY, "last_activity_at"): {RecordKind.ACTIVITY: _TALK | {"opportunity_id"}},
    (RecordKind.ACCOUNT, "last_activity_at"): {
        RecordKind.ACTIVITY: _TALK | {"account_id", "contact_id", "opportunity_id"},
        RecordKind.CONTACT: {"id", "account_id"},
        RecordKind.OPPORTUNITY: {"id", "account_id"},
    },
    (RecordKind.OPPORTUNITY, "outcome"): {RecordKind.OPPORTUNITY: {"stage_id"}},
    (RecordKind.OPPORTUNITY, "stage_entered_at"): {
        RecordKind.OPPORTUNITY: {"stage_id", "created_at"}
    },
}


@dataclass(frozen=True, slots=True)
class PastTable:
    """A record table as a replay keeps it: only the columns that are asked for, and the id."""

    kind: RecordKind
    columns: tuple[str, ...]

    @property
    def model(self) -> type[Record]:
        """The record's model."""
        return model_of(self.kind)

    @property
    def table(self) -> str:
        """The name of the real table."""
        return self.model._meta.db_table

    @property
    def tracked(self) -> tuple[str, ...]:
        """The columns whose changes are in the change log."""
        return tuple(name for name in self.columns if name in self.model.tracked_fields)

    def has(self, *columns: str) -> bool:
        """Whether all of these columns are kept."""
        return set(columns) <= set(self.columns)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the queries of a trigger read: record tables, and tables that keep their own history."""

    records: tuple[PastTable, ...]
    dated: tuple[str, ...]

    def of(self, kind: RecordKind) -> PastTable | None:
        """The table of a kind of record, if it is read."""
        return next((table for table in self.records if table.kind == kind), None)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all of them."""
        return (*(table.table for table in self.records), *self.dated)


def reading_of(trigger: Trigger[Any], moment: ScanMoment, choices: Sequence[Parameters]) -> Reading:
    """Find out what the trigger reads with any of these parameters, its own figures included."""
    with read_only(), _listening() as heard:
        trigger.measure(moment)
        for parameters in choices:
            heard.append(matching_ids_sql(trigger, moment, parameters)[0])
    return reading_in(heard)


def reading_in(statements: Iterable[str]) -> Reading:
    """The tables and columns that stand in the statements, and what derived columns follow from."""
    names = {name for statement in statements for name in _WORD.findall(statement)}
    wanted: defaultdict[RecordKind, set[str]] = defaultdict(set)
    for table in names & set(_KINDS):
        kind = _KINDS[table]
        columns = {field.attname for field in model_of(kind)._meta.concrete_fields}
        wanted[kind] |= {"id"} | (columns & names)
    for (kind, column), needs in _NEEDS.items():
        if column in wanted.get(kind, ()):
            for other, columns in needs.items():
                wanted[other] |= columns
    return Reading(
        records=tuple(PastTable(kind, tuple(sorted(wanted[kind]))) for kind in sorted(wanted)),
        dated=tuple(sorted(names & DATED_TABLES)),
    )


def record_tables_in(statement: str) -> set[str]:
    """The record tables and tables with their own history that stand in a statement."""
    return set(_WORD.findall(statement)) & (set(_KINDS) | DATED_TABLES)


def matching_ids_sql(
    trigger: Trigger[Any], moment: ScanMoment, parameters: Parameters
) -> tuple[str, tuple[Any, ...]]:
    """Return the trigger's query for nothing but the ids, as SQL with its parameters."""
    queryset = trigger.matching(moment, parameters).order_by().values("pk")
    try:
        statement, params = queryset.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return "SELECT NULL::bigint WHERE false", ()
    return statement, tuple(params)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Collect the statements that the block sends."""
    heard: list[str] = []

    def listen(
        execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        heard.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        yield heard
