"""What a person wishes for themselves, and when the company sends; both on record."""

from __future__ import annotations

from datetime import time

from django.core.exceptions import PermissionDenied
from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.suggestions.digest.exceptions import ScheduleChangedError
from apps.suggestions.digest.models import ONLY_ROW, DigestPreference, DigestSchedule
from apps.users.models import User

CHANGE_PERMISSION = "suggestions.change_digestschedule"
SENT_PERMISSION = "suggestions.view_digestsent"
# How the audit log names these settings.
SCHEDULE_SETTING = "digest_schedule"
PREFERENCE_SETTING = "digest"


def unsubscribe(person: User, *, via: str) -> bool:
    """Send the person no more scheduled digests; return whether that changed anything."""
    return _wish(person, via=via, is_on=False)


def change_preference(person: User, *, is_on: bool, send_at: time | None) -> bool:
    """Set whether the person wants scheduled digests, and when; None is the company's time."""
    return _wish(person, via="profile", is_on=is_on, send_at=send_at)


def _wish(person: User, *, via: str, **values: bool | time | None) -> bool:
    with transaction.atomic():
        DigestPreference.objects.get_or_create(person=person)
        row = DigestPreference.objects.select_for_update().get(person=person)
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not changed:
            return False
        for name, value in changed.items():
            setattr(row, name, value)
        row.save()
        if changed.pop("is_on", None) is False:
            left = Entry(Event.DIGEST_UNSUBSCRIBED, details={"person_id": person.pk, "via": via})
            record_event(Actor.for_person(person), left)
        else:
            details: dict[str, Detail] = {
                "setting": PREFERENCE_SETTING,
                "is_on": row.is_on,
                "send_at": _told(row.send_at),
            }
            record_event(Actor.for_person(person), Entry(Event.SETTINGS_CHANGED, details=details))
    return True


def change_schedule(
    *, user: User, is_on: bool, send_at: time, working_days_only: bool, revision_read: int
) -> bool:
    """Set when the company sends; return whether that changed anything.

    Raises:
        PermissionDenied: the person's role does not include it.
        ScheduleChangedError: the schedule is no longer at ``revision_read``.
    """
    if not user.has_perm(CHANGE_PERMISSION):
        raise PermissionDenied("Managers and administrators change the schedule.")
    wanted: dict[str, bool | time] = {
        "is_on": is_on,
        "send_at": send_at,
        "working_days_only": working_days_only,
    }
    with transaction.atomic():
        DigestSchedule.objects.get_or_create(pk=ONLY_ROW)
        row = DigestSchedule.objects.select_for_update().get(pk=ONLY_ROW)
        if row.revision != revision_read:
            raise ScheduleChangedError()
        before = {name: getattr(row, name) for name in wanted}
        if before == wanted:
            return False
        for name, value in wanted.items():
            setattr(row, name, value)
        row.revision += 1
        row.save()
        details: dict[str, Detail] = {
            "setting": SCHEDULE_SETTING,
            "before": {name: _told(value) for name, value in before.items()},
            "after": {name: _told(value) for name, value in wanted.items()},
        }
        record_event(Actor.for_person(user), Entry(Event.SETTINGS_CHANGED, details=details))
    return True


def _told(value: bool | time | None) -> str | bool | None:
    return value.strftime("%H:%M") if isinstance(value, time) else value
