"""Which records the clock has passed since the last look: all edges of all triggers in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from apps.crm.changelog import record_models
from apps.crm.enums import RecordKind
from apps.triggers.edges import Edge
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Changes

# Stand in for both ends while a statement is compiled; no such day or moment is ever asked for.
_DAYS = (date(1, 1, 2), date(1, 1, 3))
_MOMENTS = (datetime(1, 1, 2, tzinfo=UTC), datetime(1, 1, 3, tzinfo=UTC))

# Compiling costs as much as asking, and edges are the same from look to look.
_MOST_COMPILED = 5_000


@dataclass(frozen=True, slots=True)
class Span:
    """A trigger with the moments of its last look and of this one."""

    trigger: Trigger[Any]
    parameters: Parameters
    before: ScanMoment
    after: ScanMoment


@dataclass(frozen=True, slots=True)
class _CompiledEdge:
    """An edge as SQL with a place for each end among its parameters."""

    edge: Edge
    sql: str
    params: tuple[Any, ...]
    low_at: int
    high_at: int

    def bind(self, span: Span) -> list[Any]:
        ends = (self.edge.threshold(span.before), self.edge.threshold(span.after))
        params = list(self.params)
        params[self.low_at], params[self.high_at] = min(ends), max(ends)
        return params


_compiled: dict[tuple[str, Parameters, str], tuple[_CompiledEdge, ...]] = {}


def crossed_records(spans: Sequence[Span]) -> dict[str, set[int]]:
    """Return, by trigger key, the ids of the records for which the clock may have changed the answer."""
    edges: list[tuple[Span, Edge]] = []
    parts: list[str] = []
    params: list[Any] = []
    for span in spans:
        for compiled in _compile(span):
            # The text is Django's own; values travel as parameters.
            parts.append(f"SELECT {len(edges)}, c.id FROM ({compiled.sql}) AS c(id)")  # noqa: S608
            params.extend(compiled.bind(span))
            edges.append((span, compiled.edge))
    if not parts:
        return {}
    found: dict[int, set[int]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        for number, record_id in cursor.fetchall():
            found[number].add(record_id)
    by_trigger: dict[str, set[int]] = defaultdict(set)
    # The same rows cross the edges of several triggers.
    crossed: dict[tuple[RecordKind, frozenset[int]], Changes] = {}
    for number, ids in found.items():
        span, edge = edges[number]
        concerned: Collection[int] = ids
        if edge.through is not None:
            kind, rows = _kind_of(edge), frozenset(ids)
            changes = crossed.setdefault((kind, rows), Changes(ids={kind: rows}))
            concerned = changes.concerning(edge.through, span.trigger.record_kind)
        by_trigger[span.trigger.key].update(concerned)
    return by_trigger


def _compile(span: Span) -> tuple[_CompiledEdge, ...]:
    figures = span.after.figures.get(span.trigger.key)
    key = (span.trigger.key, span.parameters, figures.version if figures else "")
    if key not in _compiled:
        if len(_compiled) >= _MOST_COMPILED:
            _compiled.clear()
        edges = span.trigger.edges(span.after, span.parameters)
        _compiled[key] = tuple(
            compiled for edge in edges if (compiled := _compile_edge(edge, span)) is not None
        )
    return _compiled[key]


def _compile_edge(edge: Edge, span: Span) -> _CompiledEdge | None:
    low, high = _MOMENTS if isinstance(edge.threshold(span.after), datetime) else _DAYS
    rows = edge.rows_between(low, high)
    try:
        sql, params = rows.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    return _CompiledEdge(edge, sql, tuple(params), params.index(low), params.index(high))


def _kind_of(edge: Edge) -> RecordKind:
    """The kind of record whose rows the edge watches."""
    kinds: dict[type[Any], RecordKind] = {model: model.kind for model in record_models()}
    return kinds[edge.model]
