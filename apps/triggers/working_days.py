"""The company's working days: its week and its days off, changed on record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.reading import told_by
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.tenants.connections import tenant_connection
from apps.tenants.models import MOST_HOLIDAYS, Tenant
from apps.triggers.exceptions import (
    SettingPermissionError,
    TooManyHolidaysError,
    WorkingWeekChangedError,
)
from apps.triggers.settings import CHANGE_PERMISSION
from apps.users.models import User

DAY_NAMES = {
    "1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday",
    "6": "Saturday", "7": "Sunday",
}  # fmt: skip
# How the audit log names this setting.
SETTING = "working_days"


@dataclass(frozen=True, slots=True)
class PastWorkingDays:
    """One entry of the audit log about the working days."""

    who: str
    changed_at: datetime
    week_before: str
    week_after: str
    added: tuple[date, ...]
    removed: tuple[date, ...]


def change_working_days(
    *,
    user: User,
    week: str,
    week_read: str,
    add: Collection[date] = (),
    remove: Collection[date] = (),
) -> bool:
    """Set the company's week, add and remove days off; return whether that changed anything.

    Days off are told by what is added and removed, so that two people may do so at once. ``week`` and
    ``week_read`` are digits, 1 for Monday; a week that was left as it was read leaves the present one.

    Raises:
        SettingPermissionError: the person's role does not include it.
        WorkingWeekChangedError: the week was changed by the person and by somebody else.
        TooManyHolidaysError: more days off than are kept.
    """
    if not user.has_perm(CHANGE_PERMISSION):
        raise SettingPermissionError()
    with transaction.atomic():
        mine = Tenant.objects.filter(schema_name=tenant_connection().schema_name)
        tenant: Tenant = mine.select_for_update().get()
        if week != week_read and tenant.working_week not in {week, week_read}:
            raise WorkingWeekChangedError(describe_week(tenant.working_week))
        after = week if week != week_read else tenant.working_week
        had = frozenset(tenant.holidays)
        has = (had - frozenset(remove)) | frozenset(add)
        if len(has) > MOST_HOLIDAYS:
            raise TooManyHolidaysError(len(has), MOST_HOLIDAYS)
        if after == tenant.working_week and has == had:
            return False
        mine.update(working_week=after, holidays=sorted(has))
        details: dict[str, Detail] = {
            "setting": SETTING,
            "before": {"working_week": tenant.working_week},
            "after": {"working_week": after},
            "holidays_added": [day.isoformat() for day in sorted(has - had)],
            "holidays_removed": [day.isoformat() for day in sorted(had - has)],
        }
        record_event(Actor.for_person(user), Entry(Event.SETTINGS_CHANGED, details=details))
    return True


def past_working_days(limit: int) -> list[PastWorkingDays]:
    """Return who changed the working days, newest first, from the audit log."""
    entries = AuditEntry.objects.filter(
        event=Event.SETTINGS_CHANGED, details__setting=SETTING
    ).order_by("-id")[:limit]
    return told_by(entries, _past)


def describe_week(week: str) -> str:
    """Name the days: "Monday to Friday", or one by one where there is a gap."""
    if not week:
        return "no day"
    names = [DAY_NAMES[digit] for digit in week]
    is_in_a_row = int(week[-1]) - int(week[0]) == len(week) - 1
    return f"{names[0]} to {names[-1]}" if is_in_a_row and len(week) > 2 else ", ".join(names)


def _past(entry: AuditEntry) -> PastWorkingDays:
    details: dict[str, Any] = entry.details
    return PastWorkingDays(
        who=entry.actor_name,
        changed_at=entry.occurred_at,
        week_before=describe_week(details["before"]["working_week"]),
        week_after=describe_week(details["after"]["working_week"]),
        added=tuple(date.fromisoformat(day) for day in details["holidays_added"]),
        removed=tuple(date.fromisoformat(day) for day in details["holidays_removed"]),
    )
