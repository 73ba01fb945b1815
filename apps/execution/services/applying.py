"""Applying: validate → policy → permission on the record → claim (the caller's) → compare → write → audit.

``apply_change`` runs inside the caller's transaction, so that the change, its audit entry and the
suggestion's state are committed together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit.enums import Event
from apps.audit.services import Detail, Entry, recording
from apps.crm.changelog import model_of
from apps.crm.models import Record
from apps.execution import policy
from apps.execution.custom_names import column_of, set_value
from apps.execution.enums import ExecutionStatus, Verdict
from apps.execution.exceptions import AlreadyAppliedError, PolicyRefusedError, StaleError
from apps.execution.models import Execution
from apps.execution.reading import unseen_fields
from apps.execution.schemas import ApprovedChange, JsonValue, RecordRef
from apps.execution.services.access import (
    Sight,
    asking_records,
    check_permission,
    find_moved,
    moved_in,
    records_in,
)
from apps.execution.services.recording import policy_row
from apps.execution.tools import Tool, registry
from apps.execution.tools.base import to_json
from apps.execution.tools.repointing import counted
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.tenants.statements import Asked, ask_together
from apps.tenants.writing import insert, insertion_with


def apply_change(
    change: ApprovedChange,
    *,
    now: datetime,
    then: Callable[[Execution], Iterable[Asked[Any]]] = lambda _: (),
) -> Execution:
    """Write one approved change, once. Runs inside the caller's transaction.

    ``then`` is what the caller writes of it, sent along with the audit entry.

    Raises:
        UnknownToolError, InvalidArgumentsError, PolicyRefusedError, PermissionRefusedError,
        RecordGoneError, RecordMergedError, StaleError, ReferenceRefusedError, ChangeNotPossibleError,
        AlreadyAppliedError: nothing was written.
    """
    tool = registry.get(change.tool)
    arguments = tool.parse(change.arguments)
    answer = policy.decide(change)
    if answer.verdict != Verdict.PERSON_MUST_DECIDE:
        raise PolicyRefusedError()
    seen_by_record = change.seen.by_record()
    refs = sorted({change.record, *tool.mentions(arguments), *seen_by_record})
    check_permission(tool, tool.subject(arguments).kind, change.approved_by)

    # The caller's transaction is rolled back as a whole: a savepoint of our own would be of no use.
    with transaction.atomic(savepoint=False):
        locks = asking_records(seen_by_record, is_locked=True)
        # They may be given to others while a lock is waited for.
        sight = Sight.of(refs, change.approved_by)
        with taking_role(Role.APPLY, *locks, *sight.asked, savepoint=False) as answers:
            locked = records_in(seen_by_record, answers[: len(locks)], viewer=change.approved_by)
            sight.take(answers[len(locks) :])
            if unseen := unseen_fields(tool, arguments, change.seen):
                raise StaleError(find_moved(change.seen, unseen))
            if moved := moved_in(locked, seen_by_record):
                raise StaleError(moved)
            tool.check(arguments, change.approved_by)
            written = _write(tool, arguments, locked)
            note = tool.finish(arguments, written)
        execution = _record_success(change, tool, arguments, written, note, answer, now)
        details: dict[str, Detail] = {
            "tool": tool.key,
            "fields": _fields_written(tool, execution),
        }
        if counts := tool.moved(note):
            details["moved"] = [*counted(counts)]
        entry = Entry(
            Event.EXECUTION_SUCCEEDED,
            record_kind=written.kind.value,
            record_id=written.pk,
            suggestion_id=change.suggestion_id,
            execution_id=execution.pk,
            details=details,
        )
        ask_together(recording(change.actor, entry), *then(execution))
    return execution


def _write(tool: Tool[Any], arguments: Any, locked: Mapping[RecordRef, Record]) -> Record:
    values = tool.values(arguments)
    ref = tool.subject(arguments)
    kind = tool.written_kind(ref.kind)
    model = model_of(kind)
    outside = {*map(column_of, values)} - tool.writes[kind]
    if outside:
        raise PolicyRefusedError(f"{tool.key} may not touch {', '.join(sorted(outside))}.")
    if tool.is_creation:
        return insert(model(**values))
    record = locked.get(ref) or model._default_manager.get(pk=ref.id)
    for name, value in values.items():
        set_value(record, name, value)
    record.save(update_fields={*map(column_of, values)})
    return record


def _fields_written(tool: Tool[Any], execution: Execution) -> list[Detail]:
    """The names of the fields that were changed; of a new record those that were given a value."""
    return sorted(
        name
        for name, value in execution.after_values.items()
        if not tool.is_creation or value not in (None, "")
    )


def _record_success(
    change: ApprovedChange,
    tool: Tool[Any],
    arguments: Any,
    written: Record,
    note: JsonValue,
    answer: policy.PolicyAnswer,
    now: datetime,
) -> Execution:
    after = {name: to_json(value) for name, value in tool.values(arguments).items()}
    try:
        return insertion_with(
            Execution(
                tool=tool.key,
                arguments=dict(change.arguments),
                record_kind=written.kind,
                record_id=written.pk,
                before_values={key: dict(values) for key, values in change.seen.before.items()},
                after_values=after,
                note=note,
                status=ExecutionStatus.SUCCEEDED,
                approved_by=change.approved_by,
                approved_at=change.approved_at,
                started_at=now,
                finished_at=now,
                idempotency_key=change.idempotency_key,
            ),
            "policy_decision",
            policy_row(tool.key, answer, now),
        ).read()
    except IntegrityError as error:
        if "one_success_per_idempotency_key" in str(error):
            raise AlreadyAppliedError() from error
        raise
