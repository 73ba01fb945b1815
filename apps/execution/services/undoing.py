"""Undoing: an inverse execution on the same road, for as long as the company allows.

What was written is put back field by field, except where a person has edited the field since: that stays and
is said. Nothing is deleted: a record that was made is closed in the way its tool declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit.enums import Event
from apps.audit.services import Detail, Entry, record_event
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.execution import policy
from apps.execution.diff import label_of, text_of
from apps.execution.enums import ExecutionStatus, Verdict
from apps.execution.exceptions import (
    AlreadyUndoneError,
    ExecutionError,
    NotReversibleError,
    PermissionRefusedError,
    PolicyRefusedError,
    RecordGoneError,
    UndoConflictError,
    UndoWindowError,
)
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedUndo, JsonValue, RecordRef
from apps.execution.services.access import check_permission, check_sight
from apps.execution.services.applying import record_policy
from apps.execution.tools import Tool, registry
from apps.execution.tools.base import CURRENCY_FIELD, model_of, to_json
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class UndoneField:
    """One field: what was written, what stands there now, and what an undo would put there.

    ``is_bound``: one that it means something only with has been edited since (the currency of an amount).
    """

    name: str
    written: JsonValue
    now: JsonValue
    back: JsonValue
    is_bound: bool = False

    @property
    def is_conflict(self) -> bool:
        """Whether somebody has edited it since, or what belongs to it."""
        return self.is_bound or self.now != self.written

    @property
    def is_back(self) -> bool:
        """Whether there is nothing to do: it stands there as it did before."""
        return self.now == self.back


@dataclass(frozen=True, slots=True)
class ShownUndo:
    """One field of an undo as people read it."""

    label: str
    now_text: str
    back_text: str


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What an undo would do: what comes back, and what stays because it was edited since."""

    record: RecordRef
    returning: tuple[ShownUndo, ...]
    staying: tuple[ShownUndo, ...]
    until: datetime


def plan_undo(execution: Execution, *, now: datetime) -> UndoPlan:
    """Say what an undo would do, from the record as it stands, without locking it.

    Raises:
        UnknownToolError, NotReversibleError, UndoWindowError, AlreadyUndoneError, RecordGoneError: it cannot
            be undone.
    """
    tool = _tool_of(execution)
    until = _check_open(execution, now)
    row = _rows(execution).values().first()
    if row is None:
        raise RecordGoneError()
    fields = _fields_of(tool, execution, row)
    kind = RecordKind(execution.record_kind)
    currency = str(row.get(CURRENCY_FIELD) or "")
    shown = {
        field.name: ShownUndo(
            label_of(kind, field.name),
            text_of(kind, field.name, field.now, currency=currency),
            text_of(kind, field.name, field.back, currency=currency),
        )
        for field in fields
        if not field.is_back
    }
    return UndoPlan(
        record=RecordRef(kind, row["id"]),
        returning=tuple(
            shown[field.name] for field in fields if field.name in shown and not field.is_conflict
        ),
        staying=tuple(
            shown[field.name] for field in fields if field.name in shown and field.is_conflict
        ),
        until=until,
    )


def undoable_until(execution: Execution, *, now: datetime) -> datetime | None:
    """Until when it can be undone; None when it cannot, whatever its record says."""
    try:
        _tool_of(execution)
        return _check_open(execution, now)
    except ExecutionError:
        return None


def undo_change(undo: ApprovedUndo, *, now: datetime) -> Execution:
    """Take back what an execution wrote, once. Runs inside the caller's transaction.

    Raises:
        UnknownToolError, NotReversibleError, UndoWindowError, AlreadyUndoneError, PolicyRefusedError,
        PermissionRefusedError, RecordGoneError, UndoConflictError: nothing was written.
    """
    execution = Execution.objects.get(pk=undo.execution_id)
    tool = _tool_of(execution)
    _check_open(execution, now)
    answer = policy.decide(undo)
    if answer.verdict != Verdict.PERSON_MUST_DECIDE:
        raise PolicyRefusedError()
    arguments = tool.parse(execution.arguments)
    record_ref = RecordRef(RecordKind(execution.record_kind), execution.record_id or 0)
    if not _rows(execution).exists():
        raise RecordGoneError()
    _check_undo_permission(tool, record_ref, undo.approved_by)

    with transaction.atomic():
        with taking_role(Role.APPLY):
            record = _rows(execution).select_for_update().first()
            if record is None:
                raise RecordGoneError()
            check_sight([record_ref], undo.approved_by)
            fields = _fields_of(tool, execution, _columns_of(record))
            returning = [field for field in fields if not field.is_conflict and not field.is_back]
            staying = [field.name for field in fields if field.is_conflict and not field.is_back]
            if staying and not returning:
                raise UndoConflictError(staying)
            back = {field.name: field.back for field in returning}
            tool.check_undo(record, back, undo.approved_by)
            _put_back(record, returning)
            tool.unfinish(arguments, record, execution.note)
        done = _record_undo(undo, execution, returning, staying, answer, now)
        fields_back: list[Detail] = [field.name for field in returning]
        record_event(
            undo.actor,
            Entry(
                Event.EXECUTION_UNDONE,
                record_kind=record.kind.value,
                record_id=record.pk,
                suggestion_id=undo.suggestion_id,
                execution_id=done.pk,
                details={
                    "tool": tool.key,
                    "undoes": execution.pk,
                    "fields": fields_back,
                    "left_alone": [*staying],
                },
            ),
        )
    return done


def record_undo_failure(undo: ApprovedUndo, *, code: str, message: str, now: datetime) -> Execution:
    """Keep a failed attempt to undo, after its transaction was rolled back."""
    execution = Execution.objects.get(pk=undo.execution_id)
    failed = Execution.objects.create(
        tool=execution.tool,
        arguments=execution.arguments,
        record_kind=execution.record_kind,
        record_id=execution.record_id,
        status=ExecutionStatus.FAILED,
        error_code=code,
        error_message=message,
        policy_decision=record_policy(execution.tool, policy.decide(undo), now),
        approved_by=undo.approved_by,
        approved_at=undo.approved_at,
        started_at=now,
        finished_at=now,
        idempotency_key=_key_of(execution),
        undoes=execution,
    )
    record_event(
        undo.actor,
        Entry(
            Event.EXECUTION_FAILED,
            record_kind=execution.record_kind,
            record_id=execution.record_id,
            suggestion_id=undo.suggestion_id,
            execution_id=failed.pk,
            details={"tool": execution.tool, "undoes": execution.pk, "code": code},
        ),
    )
    return failed


def _tool_of(execution: Execution) -> Tool[Any]:
    tool = registry.get(execution.tool)
    if not tool.is_reversible:
        raise NotReversibleError(tool.irreversible_because)
    if execution.undoes_id is not None or execution.status != ExecutionStatus.SUCCEEDED:
        raise NotReversibleError()
    return tool


def _check_open(execution: Execution, now: datetime) -> datetime:
    """The moment until which the execution may be undone."""
    tenant: Tenant = Tenant.objects.get(schema_name=tenant_connection().schema_name)
    until: datetime = execution.finished_at + timedelta(days=tenant.undo_days)
    if now > until:
        raise UndoWindowError(tenant.undo_days)
    if execution.undo_attempts.filter(status=ExecutionStatus.SUCCEEDED).exists():
        raise AlreadyUndoneError()
    return until


def _check_undo_permission(tool: Tool[Any], record: RecordRef, user: User) -> None:
    """Who takes back must be allowed to make the change and, of a new record, to change that."""
    check_permission(tool, [record], user)
    change = f"crm.change_{model_of(record.kind)._meta.model_name}"
    if tool.is_creation and not user.has_perm(change):
        raise PermissionRefusedError()


def _rows(execution: Execution) -> Any:
    kind = RecordKind(execution.record_kind)
    return model_of(kind)._default_manager.filter(pk=execution.record_id)


def _columns_of(record: Record) -> dict[str, Any]:
    return {field.attname: getattr(record, field.attname) for field in record._meta.concrete_fields}


def _fields_of(tool: Tool[Any], execution: Execution, row: Mapping[str, Any]) -> list[UndoneField]:
    """The fields that an undo puts back: of an update those that it wrote, of a creation those declared."""
    written = execution.after_values
    if tool.is_creation:
        back: Mapping[str, JsonValue] = tool.undo_values
        written = {name: _made_with(tool, name, written) for name in back}
    else:
        back = execution.before_values[f"{execution.record_kind}:{execution.record_id}"]
    now = {name: to_json(row[name]) for name in back}
    edited = {name for name in back if now[name] not in (written[name], back[name])}
    bound = {name for group in tool.together if group & edited for name in group}
    return [
        UndoneField(name, written[name], now[name], back[name], name in bound)
        for name in sorted(back)
    ]


def _made_with(tool: Tool[Any], name: str, written: Mapping[str, JsonValue]) -> JsonValue:
    """What a new record was given: by the tool or, where it said nothing, by the model's default."""
    if name in written:
        return written[name]
    columns = model_of(tool.writes)._meta.concrete_fields
    return to_json(next(field for field in columns if field.attname == name).get_default())


def _put_back(record: Record, returning: list[UndoneField]) -> None:
    for field in returning:
        column = next(f for f in record._meta.concrete_fields if f.attname == field.name)
        setattr(record, field.name, column.to_python(field.back))
    if returning:
        record.save(update_fields=[field.name for field in returning])


def _record_undo(
    undo: ApprovedUndo,
    execution: Execution,
    returning: list[UndoneField],
    staying: list[str],
    answer: policy.PolicyAnswer,
    now: datetime,
) -> Execution:
    key = f"{execution.record_kind}:{execution.record_id}"
    try:
        return Execution.objects.create(
            tool=execution.tool,
            arguments=execution.arguments,
            record_kind=execution.record_kind,
            record_id=execution.record_id,
            before_values={key: {field.name: field.now for field in returning}},
            after_values={field.name: field.back for field in returning},
            left_alone=staying,
            status=ExecutionStatus.SUCCEEDED,
            policy_decision=record_policy(execution.tool, answer, now),
            approved_by=undo.approved_by,
            approved_at=undo.approved_at,
            started_at=now,
            finished_at=now,
            idempotency_key=_key_of(execution),
            undoes=execution,
        )
    except IntegrityError as error:
        if "one_success_per_idempotency_key" in str(error):
            raise AlreadyUndoneError() from error
        raise


def _key_of(execution: Execution) -> str:
    return f"undo:{execution.pk}"
