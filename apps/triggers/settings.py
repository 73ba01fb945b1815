"""The setting of a trigger: what is in force, changing it on record, and who changed what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.reading import told_by
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.triggers.exceptions import (
    InvalidParametersError,
    SettingChangedError,
    SettingPermissionError,
)
from apps.triggers.ledger import request_scan
from apps.triggers.models import Scan, TriggerSetting
from apps.triggers.registry import Trigger
from apps.triggers.rules import registry
from apps.users.models import User

CHANGE_PERMISSION = "triggers.change_triggersetting"
VIEW_PERMISSION = "triggers.view_triggersetting"
ON, OFF = "on", "off"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a trigger runs, and with which parameters: all of them, defaults included."""

    is_enabled: bool
    parameters: Mapping[str, int]

    def as_details(self) -> dict[str, Detail]:
        """As the audit log keeps it."""
        return {"is_enabled": self.is_enabled, "parameters": dict(self.parameters)}


@dataclass(frozen=True, slots=True)
class Setting:
    """A trigger with the choice in force.

    ``revision`` counts the changes, 0 for a trigger that nobody has set. ``is_misfit`` says that what is
    stored no longer fits the trigger: ``choice`` then holds defaults, and scans report an error.
    """

    trigger: Trigger[Any]
    choice: Choice
    revision: int
    changed_by: User | None
    changed_at: datetime | None
    is_misfit: bool

    @property
    def changed_by_id(self) -> int | None:
        """The id of who changed it last."""
        return self.changed_by.pk if self.changed_by else None

    @property
    def own_parameters(self) -> list[str]:
        """The names of the parameters that differ from their defaults."""
        chosen = self.choice.parameters
        return [p.name for p in self.trigger.declared if chosen[p.name] != p.default]

    @property
    def is_default(self) -> bool:
        """Whether the parameters are the defaults."""
        return not self.own_parameters and not self.is_misfit


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a wish: the setting as it is now, and the queued scan if it is another than before."""

    setting: Setting
    scan: Scan | None


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One value before and after, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PastChange:
    """One entry of the audit log about a setting."""

    who: str
    origin: str
    changed_at: datetime
    values: tuple[ChangedValue, ...]


def read_settings() -> list[Setting]:
    """Return the setting of every trigger, by key, in one query."""
    stored = {row.trigger: row for row in TriggerSetting.objects.select_related("changed_by")}
    return [_in_force(trigger, stored.get(trigger.key)) for trigger in registry.all()]


def read_setting(key: str) -> Setting:
    """Return the setting of one trigger.

    Raises:
        UnknownTriggerError: there is none of that name.
    """
    trigger = registry.get(key)
    stored = TriggerSetting.objects.select_related("changed_by").filter(trigger=key).first()
    return _in_force(trigger, stored)


def change_setting(
    *,
    user: User,
    key: str,
    now: datetime,
    is_enabled: bool | None = None,
    parameters: Mapping[str, int] | None = None,
    keeps_others: bool = False,
    revision_read: int | None = None,
    origin: Origin = Origin.PERSON,
) -> Change:
    """Set a trigger, on record, and queue a scan of it; the caller sends the scan to a worker.

    What is None stays as it is. Parameters that are left out take their defaults, or with
    ``keeps_others`` stay too. When all of it is so already, nothing is written.

    Raises:
        SettingPermissionError: the person's role does not include it.
        UnknownTriggerError: there is no such trigger.
        InvalidParametersError: a parameter is unknown, out of its bounds, or does not fit another.
        SettingChangedError: the setting is no longer at ``revision_read``.
    """
    if not user.has_perm(CHANGE_PERMISSION):
        raise SettingPermissionError()
    trigger = registry.get(key)
    with transaction.atomic():
        TriggerSetting.objects.get_or_create(trigger=key)
        row = TriggerSetting.objects.select_for_update().get(trigger=key)
        before = _in_force(trigger, row)
        if revision_read is not None and revision_read != row.revision:
            raise SettingChangedError(row.revision)
        kept = before.choice.parameters if keeps_others or parameters is None else {}
        choice = Choice(
            is_enabled=before.choice.is_enabled if is_enabled is None else is_enabled,
            parameters=trigger.parse({**kept, **(parameters or {})}).model_dump(),
        )
        if before.choice == choice and not before.is_misfit:
            return Change(before, scan=None)
        row.is_enabled, row.changed_by = choice.is_enabled, user
        # Who has the defaults goes along when they change.
        is_default = choice.parameters == _defaults(trigger)
        row.parameters = {} if is_default else dict(choice.parameters)
        row.revision += 1
        row.save()
        details: dict[str, Detail] = {
            "trigger": key,
            "before": before.choice.as_details(),
            "after": choice.as_details(),
        }
        record_event(Actor.for_person(user, origin), Entry(Event.SETTINGS_CHANGED, details=details))
        scan = request_scan(user=user, now=now, triggers=[key])
    return Change(_in_force(trigger, row), scan)


def past_changes(trigger: Trigger[Any], limit: int) -> list[PastChange]:
    """Return who changed the trigger's setting, newest first, from the audit log."""
    entries = AuditEntry.objects.filter(
        event=Event.SETTINGS_CHANGED, details__trigger=trigger.key
    ).order_by("-id")[:limit]

    def tell(entry: AuditEntry) -> PastChange:
        return PastChange(
            who=entry.actor_name,
            origin=entry.get_origin_display(),
            changed_at=entry.occurred_at,
            values=tuple(_changed_values(trigger, entry.details)),
        )

    return told_by(entries, tell)


def show_value(trigger: Trigger[Any], name: str, value: object) -> str:
    """A parameter's value in words, as in "14 days"; of one that is no more, as it stands."""
    return next((p.show(value) for p in trigger.declared if p.name == name), str(value))


def _in_force(trigger: Trigger[Any], stored: TriggerSetting | None) -> Setting:
    parameters, is_misfit = _defaults(trigger), False
    if stored is not None:
        try:
            parameters = trigger.parse(stored.parameters).model_dump()
        except InvalidParametersError:
            is_misfit = True
    is_set = stored is not None and stored.revision > 0
    return Setting(
        trigger=trigger,
        choice=Choice(stored.is_enabled if stored else True, parameters),
        revision=stored.revision if stored else 0,
        changed_by=stored.changed_by if stored and is_set else None,
        changed_at=stored.changed_at if stored and is_set else None,
        is_misfit=is_misfit,
    )


def _defaults(trigger: Trigger[Any]) -> dict[str, int]:
    defaults: dict[str, int] = trigger.parse({}).model_dump()
    return defaults


def _changed_values(trigger: Trigger[Any], details: Mapping[str, Any]) -> Iterable[ChangedValue]:
    before, after = details.get("before") or {}, details.get("after") or {}
    was_on, is_on = before.get("is_enabled", True), after.get("is_enabled", True)
    if was_on != is_on:
        yield ChangedValue("State", ON if was_on else OFF, ON if is_on else OFF)
    labels = {parameter.name: parameter.label for parameter in trigger.declared}
    defaults = _defaults(trigger)
    was, now = before.get("parameters", {}), after.get("parameters", {})
    # An entry may name parameters that the trigger has no longer.
    for name in dict.fromkeys([*defaults, *was, *now]):
        earlier, later = was.get(name, defaults.get(name)), now.get(name, defaults.get(name))
        if earlier != later:
            yield ChangedValue(
                labels.get(name, name.replace("_", " ")),
                show_value(trigger, name, earlier),
                show_value(trigger, name, later),
            )
