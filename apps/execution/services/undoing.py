"""Undoing: an inverse execution on the same road, for as long as the company allows.

What was written is put back field by field, except where a person has edited the field since: that stays and
is said. Nothing is deleted: a record that was made is closed in the way its tool declares, and left alone
when somebody has worked on it since, unless who undoes it says that they know.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit.enums import Event
from apps.audit.services import Detail, Entry, record_event
from apps.crm.changelog import model_of
from apps.crm.enums import RecordKind
from apps.crm.models import Record
from apps.execution import policy
from apps.execution.custom_names import column_of, custom_key, set_value
from apps.execution.diff import label_of
from apps.execution.enums import ExecutionStatus, Verdict
from apps.execution.exceptions import (
    AlreadyUndoneError,
    LaterWorkError,
    PermissionRefusedError,
    PolicyRefusedError,
    UndoConflictError,
)
from apps.execution.models import Execution
from apps.execution.schemas import ApprovedUndo, RecordRef
from apps.execution.services.access import check_permission, check_sight, read_records
from apps.execution.services.recording import record_policy, undo_key_of
from apps.execution.services.undo_chains import values_before
from apps.execution.services.undo_plans import (
    Found,
    UndoneField,
    check_open,
    columns_of,
    compare,
    leave_refused,
    tool_of,
)
from apps.execution.tools import Tool
from apps.execution.tools.repointing import counted
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.users.models import User


def undo_change(undo: ApprovedUndo, *, now: datetime) -> Execution:
    """Take back what an execution wrote, once. Runs inside the caller's transaction.

    Raises:
        UnknownToolError, NotReversibleError, UndoWindowError, AlreadyUndoneError, PolicyRefusedError,
        PermissionRefusedError, RecordGoneError, RecordMergedError, UndoConflictError, LaterWorkError,
        ReferenceRefusedError, ChangeNotPossibleError: nothing was written.
    """
    execution = Execution.objects.get(pk=undo.execution_id)
    tool = tool_of(execution)
    check_open(execution, now)
    answer = policy.decide(undo)
    if answer.verdict != Verdict.PERSON_MUST_DECIDE:
        raise PolicyRefusedError()
    record_ref = RecordRef(RecordKind(execution.record_kind), execution.record_id or 0)
    read_records([record_ref], is_locked=False, viewer=undo.approved_by)
    _check_undo_permission(tool, record_ref.kind, undo.approved_by)

    with transaction.atomic():
        with taking_role(Role.APPLY):
            locked = read_records([record_ref], is_locked=True, viewer=undo.approved_by)
            record = locked[record_ref]
        # Who writes does not read what was executed; the record stays locked meanwhile.
        before = values_before(execution)
        with taking_role(Role.APPLY):
            side = tool.side_undo(record, execution.note, is_locked=True)
            check_sight([record_ref, *side.records], undo.approved_by)
            found = compare(tool, execution, columns_of(record), before)
            _check_worth(tool, found, undo, record_ref.kind)
            found = leave_refused(tool, record, found, undo.approved_by)
            back = {field.name: field.back for field in found.returning}
            _put_back(record, found.returning)
            tool.unfinish(record, execution.note, frozenset(back))
        staying = sorted(field.name for field in (*found.staying, *found.edited))
        left_alone = [*staying, *map(str, side.left)]
        done = _record_undo(undo, execution, found.returning, left_alone, answer, now)
        fields_back: list[Detail] = [*back]
        details: dict[str, Detail] = {
            "tool": tool.key,
            "undoes": execution.pk,
            "fields": fields_back,
            "left_alone": [*staying],
        }
        if side.left:
            details["moved_since"] = [*counted(Counter(ref.kind for ref in side.left))]
        if found.hanging:
            details["despite"] = [*counted(found.hanging)]
        record_event(
            undo.actor,
            Entry(
                Event.EXECUTION_UNDONE,
                record_kind=record.kind.value,
                record_id=record.pk,
                suggestion_id=undo.suggestion_id,
                execution_id=done.pk,
                details=details,
            ),
        )
    return done


def _check_worth(tool: Tool[Any], found: Found, undo: ApprovedUndo, kind: RecordKind) -> None:
    """See that something goes back, and that whoever undoes a creation knows what was made of it since.

    Raises:
        UndoConflictError, LaterWorkError: it does not, or they do not.
    """
    if found.staying and not found.returning and not tool.is_more_than_fields:
        raise UndoConflictError([field.name for field in found.staying])
    if not found.later_work <= undo.despite:
        raise LaterWorkError(
            kind.label,
            {field.name: label_of(kind, field.name) for field in found.edited},
            {hung.value: count for hung, count in (found.hanging or {}).items()},
            counted(found.hanging or {}),
        )


def _check_undo_permission(tool: Tool[Any], written: RecordKind, user: User) -> None:
    """Who takes back must be allowed to make the change and, of a new record, to change that."""
    check_permission(tool, written, user)
    change = f"crm.change_{model_of(written)._meta.model_name}"
    if tool.is_creation and not user.has_perm(change):
        raise PermissionRefusedError()


def _put_back(record: Record, returning: tuple[UndoneField, ...]) -> None:
    for field in returning:
        if custom_key(field.name):
            set_value(record, field.name, field.back)
            continue
        column = next(f for f in record._meta.concrete_fields if f.attname == field.name)
        setattr(record, field.name, column.to_python(field.back))
    if returning:
        record.save(update_fields={column_of(field.name) for field in returning})


def _record_undo(
    undo: ApprovedUndo,
    execution: Execution,
    returning: tuple[UndoneField, ...],
    left_alone: list[str],
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
            left_alone=left_alone,
            status=ExecutionStatus.SUCCEEDED,
            policy_decision=record_policy(execution.tool, answer, now),
            approved_by=undo.approved_by,
            approved_at=undo.approved_at,
            started_at=now,
            finished_at=now,
            idempotency_key=undo_key_of(execution),
            undoes=execution,
        )
    except IntegrityError as error:
        if "one_success_per_idempotency_key" in str(error):
            raise AlreadyUndoneError() from error
        raise
