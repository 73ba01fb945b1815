"""Changes that wrote the same field one after another, and what an undo of one of them finds and puts back.

A change notes the value that it found. Was that the value of an earlier change that has been undone since,
which could not take it back because this one had written over it, then it is nobody's any more: what the
earlier change had found is put back in its place, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery

from apps.execution.enums import ExecutionStatus
from apps.execution.models import Execution
from apps.execution.schemas import JsonValue
from apps.execution.tools import registry

Values = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class _Written:
    """One change of a record as it was written; ``undone_by`` is the execution that took it back, if any."""

    pk: int
    tool: str
    before: Values
    after: Values
    is_undo: bool
    undone_by: int | None


def values_before(execution: Execution) -> dict[str, JsonValue]:
    """What an undo of an update puts back, by field: what stood there before, short of what was undone since.

    Changes of one record follow one another in the order of their ids, because each locks it. Called under
    that lock where something is written.
    """
    values = before_of(execution)
    if not values or not _has_undone_since(execution):
        return values
    # The change that was written over each value, from this one back, as long as one leads to the next.
    overwritten_by = dict.fromkeys(values, execution.pk)
    for written in _on_record(execution, pk__lt=execution.pk, order="-pk"):
        found = {
            name
            for name in written.after.keys() & overwritten_by.keys()
            if written.undone_by is not None
            and written.undone_by > overwritten_by[name]
            and name in written.before
            and written.after[name] == values[name]
        }
        found = _whole_groups(written, found)
        for name in found:
            values[name], overwritten_by[name] = written.before[name], written.pk
        for name in written.after.keys() - found:
            overwritten_by.pop(name, None)
        if not overwritten_by:
            break
    return values


def later_changes(execution: Execution, name: str, now: JsonValue) -> int:
    """How many changes that still stand led from what this one wrote to what stands there ``now``.

    None, where somebody else has written in between, or the last of them has been undone.
    """
    value, standing, is_last_standing = execution.after_values.get(name), 0, False
    for written in _on_record(execution, pk__gt=execution.pk, order="pk"):
        if name not in written.after:
            continue
        if written.before.get(name) != value:
            return 0
        value = written.after[name]
        is_last_standing = not written.is_undo and written.undone_by is None
        standing += is_last_standing
    return standing if is_last_standing and value == now else 0


def before_of(execution: Execution) -> dict[str, JsonValue]:
    """What an update found in the fields that it wrote; empty where it changed none."""
    key = f"{execution.record_kind}:{execution.record_id}"
    return dict(execution.before_values.get(key, {}))


def _has_undone_since(execution: Execution) -> bool:
    """Whether an earlier change of the same record was undone after this one had been written."""
    undone = Execution.objects.filter(
        record_kind=execution.record_kind,
        record_id=execution.record_id,
        status=ExecutionStatus.SUCCEEDED,
        pk__gt=execution.pk,
        undoes__lt=execution.pk,
    )
    return undone.exists()


def _on_record(execution: Execution, *, order: str, **which: int) -> Iterator[_Written]:
    undone = Execution.objects.filter(undoes=OuterRef("pk"), status=ExecutionStatus.SUCCEEDED)
    rows = (
        Execution.objects.filter(
            record_kind=execution.record_kind,
            record_id=execution.record_id,
            status=ExecutionStatus.SUCCEEDED,
            **which,
        )
        .annotate(undone_by=Subquery(undone.order_by().values("pk")[:1]))
        .order_by(order)
    )
    for row in rows:
        yield _Written(
            pk=row.pk,
            tool=row.tool,
            before=before_of(row),
            after=row.after_values,
            is_undo=row.undoes_id is not None,
            undone_by=row.undone_by,
        )


def _whole_groups(written: _Written, found: set[str]) -> set[str]:
    """Those of the fields that mean something by themselves, or with what was found beside them."""
    if written.tool not in registry:
        return set()
    for group in registry.get(written.tool).together:
        if not group & written.after.keys() <= found:
            found = found - group
    return found
