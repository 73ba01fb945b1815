"""What is asked before a write: may this person, and does what was seen still stand there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apps.crm.enums import RecordKind
from apps.execution.exceptions import PermissionRefusedError, RecordGoneError
from apps.execution.schemas import JsonValue, RecordRef, Seen, ValueMoved
from apps.execution.tools import Tool
from apps.execution.tools.base import model_of, to_json
from apps.users.models import User


def check_permission(tool: Tool[Any], refs: Iterable[RecordRef], user: User) -> None:
    """See that the person may use the tool and sees every record that it concerns.

    Raises:
        PermissionRefusedError: they may not, or do not.
    """
    if not user.is_active or not user.has_perm(tool.permission):
        raise PermissionRefusedError()
    for ref in refs:
        if not model_of(ref.kind).objects.visible_to(user).filter(pk=ref.id).exists():  # type: ignore[attr-defined]
            raise PermissionRefusedError()


def sees_records(user: User, refs: Iterable[RecordRef]) -> bool:
    """Whether none of the records is hidden from the person; one that is gone hides nothing."""
    return not hidden_records(user, refs)


def hidden_records(user: User, refs: Iterable[RecordRef]) -> set[RecordRef]:
    """Those of the records that are there and hidden from the person, by one query for each kind."""
    if user.sees_all:
        return set()
    by_kind: dict[RecordKind, set[int]] = {}
    for ref in refs:
        by_kind.setdefault(ref.kind, set()).add(ref.id)
    return {
        RecordRef(kind, record_id)
        for kind, ids in by_kind.items()
        for record_id in model_of(kind)
        .objects.hidden_from(user)  # type: ignore[attr-defined]
        .filter(pk__in=ids)
        .values_list("pk", flat=True)
    }


def find_moved(seen: Seen) -> list[ValueMoved]:
    """Compare what was seen with what stands there now, without locking: for showing, not for writing.

    Raises:
        RecordGoneError: a record is not there.
    """
    return compare(seen.by_record(), is_locked=False)


def compare(
    seen_by_record: dict[RecordRef, dict[str, JsonValue]], *, is_locked: bool
) -> list[ValueMoved]:
    """Return the seen values that are others now; ``is_locked`` keeps the rows until the transaction ends.

    Raises:
        RecordGoneError: a record is not there.
    """
    return [
        moved
        for ref, values in seen_by_record.items()
        for moved in _compare_one(ref, values, is_locked=is_locked)
    ]


def _compare_one(
    ref: RecordRef, values: dict[str, JsonValue], *, is_locked: bool
) -> list[ValueMoved]:
    rows = model_of(ref.kind)._default_manager.filter(pk=ref.id)
    if is_locked:
        rows = rows.select_for_update()
    row = rows.values("pk", *values).first()
    if row is None:
        raise RecordGoneError()
    return [
        ValueMoved(ref, name, seen, to_json(row[name]))
        for name, seen in values.items()
        if to_json(row[name]) != seen
    ]
