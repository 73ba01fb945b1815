"""What an undo would do: which fields go back and which stay, and what became of a new record since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.execution.custom_names import custom_key, value_in
from apps.execution.diff import label_of, text_of
from apps.execution.enums import ExecutionStatus
from apps.execution.exceptions import (
    AlreadyUndoneError,
    ExecutionError,
    NotReversibleError,
    ReferenceRefusedError,
    UndoWindowError,
)
from apps.execution.models import Execution
from apps.execution.schemas import JsonValue, RecordRef
from apps.execution.services.access import check_sight, read_records
from apps.execution.services.undo_chains import later_changes, values_before
from apps.execution.tools import Tool, registry
from apps.execution.tools.base import CURRENCY_FIELD, to_json
from apps.execution.tools.repointing import counted
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class UndoneField:
    """One field: what was written, what stands there now, and what an undo would put there.

    ``is_bound``: one that it means something only with has been edited since (the currency of an amount).
    ``refused``: why its former value may not stand there any more (an owner who has left).
    """

    name: str
    written: JsonValue
    now: JsonValue
    back: JsonValue
    is_bound: bool = False
    refused: str = ""

    @property
    def is_conflict(self) -> bool:
        """Whether somebody has edited it since, or what belongs to it."""
        return self.is_bound or self.now != self.written

    @property
    def is_back(self) -> bool:
        """Whether there is nothing to do: it stands there as it did before."""
        return self.now == self.back


@dataclass(frozen=True, slots=True)
class Found:
    """What an undo finds in the record as it stands.

    ``edited`` and ``hanging`` are of a new record alone: the other fields that are not as they were made,
    and how many records of each kind were hung on it since.
    """

    returning: tuple[UndoneField, ...]
    staying: tuple[UndoneField, ...]
    edited: tuple[UndoneField, ...] = ()
    hanging: Mapping[RecordKind, int] | None = None

    @property
    def later_work(self) -> frozenset[str]:
        """What people have made of a new record since, by column and by kind of record."""
        names = {field.name for field in self.edited}
        return frozenset(names | {kind.value for kind in self.hanging or ()})

    def currency_back(self, now: str) -> str:
        """The currency of the amounts that would stand there again, or stood there."""
        for field in (*self.returning, *self.staying, *self.edited):
            if field.name == CURRENCY_FIELD:
                return str(field.back or "")
        return now


@dataclass(frozen=True, slots=True)
class ShownUndo:
    """One field of an undo as people read it; ``because`` says of one that stays why it does."""

    label: str
    now_text: str
    back_text: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What an undo would do: what comes back, and what stays because it was edited since.

    Of a new record, ``edited`` are the fields that somebody has changed since, with what they were made
    with (``back_text``), and ``hanging`` says in words what was hung on it. An undo leaves it alone unless it
    names all of that (``later_work``).
    """

    record: RecordRef
    is_creation: bool
    returning: tuple[ShownUndo, ...]
    staying: tuple[ShownUndo, ...]
    edited: tuple[ShownUndo, ...]
    hanging: tuple[str, ...]
    later_work: tuple[str, ...]
    until: datetime
    # What else comes back, and what else stays, in words.
    also_back: tuple[str, ...] = ()
    also_staying: tuple[str, ...] = ()

    @property
    def is_worthwhile(self) -> bool:
        """Whether anything would come back."""
        return bool(self.returning or self.also_back or not self.staying)


def plan_undo(execution: Execution, *, viewer: User, now: datetime) -> UndoPlan:
    """Tell this person what an undo would do, from the record as it stands, without locking it.

    Raises:
        UnknownToolError, NotReversibleError, UndoWindowError, AlreadyUndoneError, RecordGoneError,
        RecordMergedError, PermissionRefusedError, ReferenceRefusedError, ChangeNotPossibleError: it cannot be
            undone.
    """
    tool = tool_of(execution)
    until = check_open(execution, now)
    kind = RecordKind(execution.record_kind)
    ref = RecordRef(kind, execution.record_id or 0)
    record = read_records([ref], is_locked=False, viewer=viewer)[ref]
    side = tool.side_undo(record, execution.note, is_locked=False)
    check_sight(side.records, viewer)
    row = columns_of(record)
    found = compare(tool, execution, row, values_before(execution))
    found = leave_refused(tool, record, found, viewer)
    currency = str(row.get(CURRENCY_FIELD) or "")
    former = found.currency_back(currency)

    def shown(field: UndoneField) -> ShownUndo:
        return ShownUndo(
            label_of(kind, field.name),
            text_of(kind, field.name, field.now, viewer=viewer, currency=currency),
            text_of(kind, field.name, field.back, viewer=viewer, currency=former),
            field.refused or _said_of_conflict(execution, field),
        )

    return UndoPlan(
        record=ref,
        is_creation=tool.is_creation,
        returning=tuple(map(shown, found.returning)),
        staying=tuple(map(shown, found.staying)),
        edited=tuple(map(shown, found.edited)),
        hanging=tuple(counted(found.hanging or {})),
        later_work=tuple(sorted(found.later_work)),
        until=until,
        also_back=side.back,
        also_staying=side.staying,
    )


def _said_of_conflict(execution: Execution, field: UndoneField) -> str:
    """Why a field stays that reads otherwise than it was written, or that hangs together with one."""
    match later_changes(execution, field.name, field.now):
        case 0:
            return "It was edited since."
        case 1:
            return "A later change wrote it. When that is undone too, it is as it was before both."
        case _:
            return "Later changes wrote it. When they are undone too, it is as it was before all."


def undoable_until(execution: Execution, *, now: datetime) -> datetime | None:
    """Until when it can be undone; None when it cannot, whatever its record says."""
    try:
        tool_of(execution)
        return check_open(execution, now)
    except ExecutionError:
        return None


def tool_of(execution: Execution) -> Tool[Any]:
    """The tool that can take back what it wrote.

    Raises:
        UnknownToolError, NotReversibleError: there is none.
    """
    tool = registry.get(execution.tool)
    if not tool.is_reversible:
        raise NotReversibleError(tool.irreversible_because)
    if execution.undoes_id is not None or execution.status != ExecutionStatus.SUCCEEDED:
        raise NotReversibleError()
    return tool


def check_open(execution: Execution, now: datetime) -> datetime:
    """The moment until which the execution may be undone.

    Raises:
        UndoWindowError, AlreadyUndoneError: it may not any more.
    """
    tenant: Tenant = Tenant.objects.get(schema_name=tenant_connection().schema_name)
    until: datetime = execution.finished_at + timedelta(days=tenant.undo_days)
    if now > until:
        raise UndoWindowError(tenant.undo_days)
    if execution.undo_attempts.filter(status=ExecutionStatus.SUCCEEDED).exists():
        raise AlreadyUndoneError()
    return until


def compare(
    tool: Tool[Any],
    execution: Execution,
    row: Mapping[str, Any],
    before: Mapping[str, JsonValue],
) -> Found:
    """Hold the record's columns against what was written.

    Of an update the fields that it wrote go back to what was there ``before`` (``values_before``), of a
    creation those that the tool declares.
    """
    model = model_of(RecordKind(execution.record_kind))
    now = {name: to_json(row[name]) for name in model.tracked_fields}
    if not tool.is_creation:
        now |= {name: value_in(row, name) for name in before if custom_key(name)}
        # A column that the product no longer has cannot go back.
        back = {name: value for name, value in before.items() if name in now}
        return _sorted_out(tool, execution.after_values, now, back)
    made = {name: _made_with(model, name, execution.after_values) for name in now}
    found = _sorted_out(tool, made, now, tool.undo_values)
    edited = tuple(
        UndoneField(name, made[name], now[name], made[name])
        for name in sorted(set(now) - set(tool.undo_values))
        if now[name] != made[name]
    )
    return Found(found.returning, found.staying, edited, _hung_on(tool, model, execution))


def leave_refused(tool: Tool[Any], record: Record, found: Found, approver: User) -> Found:
    """Let stay what the rows do not allow to come back, with what means something only together with it.

    Raises:
        ReferenceRefusedError, ChangeNotPossibleError: then nothing would come back at all.
    """
    while True:
        try:
            tool.check_undo(record, {field.name: field.back for field in found.returning}, approver)
        except ReferenceRefusedError as error:
            name = error.extras["field"]
            together = {name}.union(*(group for group in tool.together if name in group))
            held = [field for field in found.returning if field.name in together]
            left = tuple(field for field in found.returning if field.name not in together)
            if not held or not (left or tool.is_more_than_fields):
                raise
            staying = (*found.staying, *(replace(field, refused=error.message) for field in held))
            found = replace(found, returning=left, staying=staying)
        else:
            return found


def columns_of(record: Record) -> dict[str, Any]:
    """The record's own columns and their values."""
    return {field.attname: getattr(record, field.attname) for field in record._meta.concrete_fields}


def _sorted_out(
    tool: Tool[Any],
    written: Mapping[str, JsonValue],
    now: Mapping[str, JsonValue],
    back: Mapping[str, JsonValue],
) -> Found:
    """What goes back and what stays; what stands already as it did before is neither."""
    edited = {name for name in back if now[name] not in (written[name], back[name])}
    bound = {name for group in tool.together if group & edited for name in group}
    fields = [
        UndoneField(name, written[name], now[name], back[name], name in bound)
        for name in sorted(back)
    ]
    return Found(
        returning=tuple(field for field in fields if not field.is_back and not field.is_conflict),
        staying=tuple(field for field in fields if not field.is_back and field.is_conflict),
    )


def _made_with(model: type[Record], name: str, written: Mapping[str, JsonValue]) -> JsonValue:
    """What a new record was given: by the tool or, where it said nothing, by the model's default."""
    if name in written:
        return written[name]
    columns = model._meta.concrete_fields
    return to_json(next(field for field in columns if field.attname == name).get_default())


def _hung_on(tool: Tool[Any], written: type[Record], execution: Execution) -> dict[RecordKind, int]:
    """How many records of each kind were hung on the new one since, by anybody."""
    own = tool.attached(execution.note)
    counts: dict[RecordKind, int] = {}
    for relation in written._meta.related_objects:
        model = relation.related_model
        if not (isinstance(model, type) and issubclass(model, Record)):
            continue
        count = (
            model._default_manager.filter(**{relation.field.attname: execution.record_id})
            .exclude(pk__in=[ref.id for ref in own if ref.kind == model.kind])
            .count()
        )
        if count:
            counts[model.kind] = counts.get(model.kind, 0) + count
    return counts
