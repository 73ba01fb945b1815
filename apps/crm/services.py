"""Creating and changing records on behalf of a person: the one door for pages and API.

Permission, object-level visibility, the choice of owner and references are checked here, and the
revision that was read is compared under the row's lock, so that nobody overwrites unseen changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, acting, record_event
from apps.crm.enums import TaskStatus
from apps.crm.exceptions import (
    ChangeRefusedError,
    OwnerRefusedError,
    RecordChangedError,
    RecordMergedError,
    RecordNotFoundError,
    ReferenceRefusedError,
)
from apps.crm.models import MergeableRecord, Opportunity, Record, Task
from apps.crm.querysets import RecordQuerySet
from apps.crm.rules import closing_day, completion_of
from apps.users.models import User
from apps.users.rules import assignable_people

RecordT = TypeVar("RecordT", bound=Record)

# What a custom field holds; None takes the value away.
AttributeValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class RecordValues:
    """Values to be written, by model field and by key of a custom field.

    Only what is named is written. Values have the field's Python type; references are records.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


def create_record(
    *, user: User, model: type[RecordT], values: RecordValues, origin: Origin = Origin.PERSON
) -> RecordT:
    """Write a new record; without an owner among the values it is the person's own.

    Raises:
        ChangeRefusedError: the person may not add such records.
        OwnerRefusedError, ReferenceRefusedError: see there.
    """
    require_permission(user, "add", model, origin=origin)
    fields = {"owner": user, **values.fields}
    record = model(**fields)
    _check_owner(user, None, fields)
    _check_references(user, None, fields)
    record.attributes = {
        key: value for key, value in values.attributes.items() if value is not None
    }
    for name, value in _following_values(record).items():
        setattr(record, name, value)
    with acting(Actor.for_person(user, origin)):
        record.save(force_insert=True)
    return record


def change_record(
    *,
    user: User,
    model: type[RecordT],
    record_id: int,
    revision: int | None,
    values: RecordValues,
    origin: Origin = Origin.PERSON,
) -> RecordT:
    """Write what differs, if the record still has the ``revision`` that the person read.

    ``None`` as revision writes without comparing, for callers that read nothing before. Comparing
    and writing happen under the row's lock. Returns the record as it stands afterwards.

    Raises:
        RecordNotFoundError: there is no such record for this person.
        RecordMergedError: it was merged into another.
        RecordChangedError: somebody changed it meanwhile; nothing was written.
        ChangeRefusedError, OwnerRefusedError, ReferenceRefusedError: see there.
    """
    require_permission(user, "change", model, record_id, origin=origin)
    with acting(Actor.for_person(user, origin)):
        record = lock_visible(user, model, record_id)
        if revision is not None and record.revision != revision:
            raise RecordChangedError(revision_read=revision, revision_now=record.revision)
        changed = _differences(record, values)
        if not changed:
            return record
        _check_owner(user, record.owner_id, changed)
        _check_references(user, record, changed)
        for name, value in changed.items():
            setattr(record, name, value)
        changed |= _following_values(record)
        model._default_manager.filter(pk=record_id, revision=record.revision).update(**changed)
        record.refresh_from_db()
    return record


def complete_task(*, user: User, task_id: int, origin: Origin = Origin.PERSON) -> Task:
    """Mark a task done; one that is done already stays as it is.

    Raises:
        RecordNotFoundError, ChangeRefusedError: see ``change_record``.
    """
    values = RecordValues(fields={"status": TaskStatus.DONE})
    return change_record(
        user=user, model=Task, record_id=task_id, revision=None, values=values, origin=origin
    )


def visible_records(user: User, model: type[RecordT]) -> RecordQuerySet[RecordT]:
    """Return the records of a kind that this person may see, without merged ones."""
    manager: Any = model._default_manager
    records: RecordQuerySet[RecordT] = manager.visible_to(user)
    return records


def all_records(model: type[RecordT]) -> RecordQuerySet[RecordT]:
    """Return the records of a kind, merged ones among them."""
    manager: Any = getattr(model, "everything", model._default_manager)
    records: RecordQuerySet[RecordT] = manager.all()
    return records


def find_merged(user: User, model: type[Record], record_id: int) -> MergeableRecord | None:
    """Return a merged record, if the person may see both it and the survivor in which it lives on."""
    if not issubclass(model, MergeableRecord):
        return None
    merged = all_records(model).visible_to(user).exclude(merged_at=None)
    record = merged.filter(pk=record_id).first()
    if record is None:
        return None
    survivor = record.survivor
    kind = type(survivor)
    is_seen = visible_records(user, kind).filter(pk=survivor.pk).exists()
    return record if is_seen and user.has_perm(permission_name("view", kind)) else None


def refuse_merged(user: User, model: type[Record], record_id: int) -> None:
    """Tell of a merge whoever asks for a merged record and may see it and its survivor.

    Raises:
        RecordMergedError: there was one.
    """
    if (record := find_merged(user, model, record_id)) is not None:
        raise RecordMergedError(record, record.survivor)


def permission_name(verb: str, model: type[Record]) -> str:
    """Return the permission to view, add or change records of a kind."""
    return f"crm.{verb}_{model._meta.model_name}"


def require_permission(
    user: User,
    verb: str,
    model: type[Record],
    record_id: int | None = None,
    *,
    origin: Origin = Origin.PERSON,
) -> None:
    """Refuse, on record, a person whose role does not allow to view, add or change such records.

    Raises:
        ChangeRefusedError: it does not.
    """
    permission = permission_name(verb, model)
    if user.has_perm(permission):
        return
    details = {"permission": permission}
    record_event(
        Actor.for_person(user, origin),
        Entry(Event.PERMISSION_REFUSED, model.kind.value, record_id, details=details),
    )
    raise ChangeRefusedError


def lock_visible(user: User, model: type[RecordT], record_id: int) -> RecordT:
    """Lock a record that this person may see until the transaction ends, and return it.

    Raises:
        RecordMergedError: it was merged into another.
        RecordNotFoundError: there is none for this person.
    """
    locked = visible_records(user, model).select_for_update(of=("self",))
    record = locked.filter(pk=record_id).first()
    if record is None:
        refuse_merged(user, model, record_id)
        raise RecordNotFoundError
    return record


def _differences(record: Record, values: RecordValues) -> dict[str, Any]:
    """What would really change, by field name."""
    changed: dict[str, Any] = {}
    for name, value in values.fields.items():
        column = record._meta.get_field(name).attname  # type: ignore[union-attr]
        new = value.pk if isinstance(value, models.Model) else value
        if getattr(record, column) != new:
            changed[name] = value
    attributes = dict(record.attributes)
    for key, attribute in values.attributes.items():
        if attribute is None:
            attributes.pop(key, None)
        else:
            attributes[key] = attribute
    if attributes != record.attributes:
        changed["attributes"] = attributes
    return changed


def _following_values(record: Record) -> dict[str, Any]:
    """Fields that follow from others: a done task has its moment, a closed deal its day."""
    if isinstance(record, Task):
        moment = completion_of(record.status, record.completed_at, timezone.now())
        return {} if moment == record.completed_at else {"completed_at": moment}
    if isinstance(record, Opportunity):
        day = closing_day(record.stage.outcome, record.closed_on, timezone.localdate())
        return {} if day == record.closed_on else {"closed_on": day}
    return {}


def _check_owner(user: User, owner_id: int | None, fields: Mapping[str, Any]) -> None:
    owner: User | None = fields.get("owner")
    if owner is None or owner.pk in (owner_id, user.pk):
        return
    if not User.objects.filter(assignable_people(user), pk=owner.pk).exists():
        raise OwnerRefusedError


def _check_references(user: User, record: Record | None, fields: Mapping[str, Any]) -> None:
    """A person may point to what they may see; what stood there before may stay."""
    for name, value in fields.items():
        if not isinstance(value, Record):
            continue
        if record is not None and getattr(record, f"{name}_id") == value.pk:
            continue
        if not visible_records(user, type(value)).filter(pk=value.pk).exists():
            raise ReferenceRefusedError(name)
