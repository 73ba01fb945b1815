"""How realtime voice is set: changed by administrators, on record, against the revision that they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.realtime.exceptions import (
    InvalidRealtimeSettingsError,
    RealtimeSettingsChangedError,
    RealtimeSettingsPermissionError,
)
from apps.realtime.models import ONLY_ROW, RealtimeSettings
from apps.users.models import User

VIEW_PERMISSION = "realtime.view_realtimesettings"
CHANGE_PERMISSION = "realtime.change_realtimesettings"
# How the audit log names these settings.
SETTING = "realtime"
NAMES = (
    "model", "voice", "longest_session_min", "longest_idle_s", "session_limit_usd", "month_limit_usd",
    "keeps_texts", "telemetry_days", "session_days",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a wish: the settings as they are now, and whether that is another way than before."""

    settings: RealtimeSettings
    is_changed: bool


def change_settings(*, user: User, values: Mapping[str, Any], revision_read: int) -> Change:
    """Set what is named in ``values``, on record; what is so already is not written.

    Raises:
        RealtimeSettingsPermissionError: the person's role does not include it.
        InvalidRealtimeSettingsError: a setting is unknown or out of its bounds.
        RealtimeSettingsChangedError: the settings are no longer at ``revision_read``.
    """
    if not user.has_perm(CHANGE_PERMISSION):
        raise RealtimeSettingsPermissionError()
    with transaction.atomic():
        RealtimeSettings.objects.get_or_create(pk=ONLY_ROW)
        row = RealtimeSettings.objects.select_for_update().get(pk=ONLY_ROW)
        if revision_read != row.revision:
            raise RealtimeSettingsChangedError()
        before = {name: getattr(row, name) for name in NAMES}
        unknown = sorted(set(values) - set(NAMES))
        if unknown:
            raise InvalidRealtimeSettingsError({unknown[0]: ["There is no such setting."]})
        for name, value in values.items():
            setattr(row, name, value)
        try:
            row.full_clean(validate_constraints=False)
        except ValidationError as error:
            raise InvalidRealtimeSettingsError(error.message_dict) from error
        changed = [name for name in NAMES if getattr(row, name) != before[name]]
        if not changed:
            return Change(row, is_changed=False)
        row.revision += 1
        row.save()
        details: dict[str, Detail] = {
            "setting": SETTING,
            "before": {name: _told(before[name]) for name in changed},
            "after": {name: _told(getattr(row, name)) for name in changed},
        }
        entry = Entry(Event.SETTINGS_CHANGED, details=details)
        record_event(Actor.for_person(user), entry)
    return Change(row, is_changed=True)


def _told(value: Any) -> Detail:
    told: Detail = str(value) if isinstance(value, Decimal) else value
    return told
