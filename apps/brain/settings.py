"""The Brain's settings: changing them on record, and who changed what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.reading import told_by
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.brain import providers
from apps.brain.addresses import check_address
from apps.brain.config import stored_settings
from apps.brain.exceptions import (
    AddressRefusedError,
    InvalidSettingsError,
    SettingsChangedError,
    SettingsPermissionError,
)
from apps.brain.models import ONLY_ROW, BrainSettings
from apps.tenants.secrets import reseal, seal
from apps.users.models import User

CHANGE_PERMISSION = "brain.change_brainsettings"
VIEW_PERMISSION = "brain.view_brainsettings"
# How the audit log names these settings.
SETTING = "brain"
LONGEST_KEY = 500
LONGEST_ADDRESS = 300

# Every setting but the key, in the order of the page, with its name in words.
LABELS = {
    "provider": "Written by",
    "base_url": "Address",
    "model": "Model",
    "connect_timeout_s": "Wait for a connection",
    "read_timeout_s": "Wait for an answer",
    "most_retries": "Retries",
    "concurrency": "Questions at once",
    "tone": "Tone",
    "language": "Language",
    "soft_limit_usd": "Soft limit, money",
    "hard_limit_usd": "Hard limit, money",
    "soft_limit_tokens": "Soft limit, tokens",
    "hard_limit_tokens": "Hard limit, tokens",
    "input_usd": "Price, sent",
    "cached_usd": "Price, sent and cached",
    "output_usd": "Price, received",
    "captures_text": "Keep prompts and answers",
    "capture_days": "Keep them for",
}
NAMES = tuple(LABELS)
PRICES = ("input_usd", "cached_usd", "output_usd")
# The name under which a key's problems and changes are told.
KEY = "key"
_KEY_REPLACED, _KEY_REMOVED, _KEY_RESEALED = "replaced", "removed", "sealed anew"

Value: TypeAlias = str | int | bool | Decimal | None


@dataclass(frozen=True, slots=True)
class Change:
    """What came of a wish: the settings as they are now, and whether that is another way than before."""

    settings: BrainSettings
    is_changed: bool


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """One value before and after, in words."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PastChange:
    """One entry of the audit log about these settings."""

    who: str
    origin: str
    changed_at: datetime
    values: tuple[ChangedValue, ...]


def change_settings(
    *,
    user: User,
    values: Mapping[str, Value],
    revision_read: int | None = None,
    new_key: str = "",
    removes_key: bool = False,
    origin: Origin = Origin.PERSON,
) -> Change:
    """Set what is named in ``values``, and the key, on record; what is so already is not written.

    A stored key goes to the address that it was typed for and to no other: another address asks for it anew.
    The audit log says that the key was replaced or removed, and never what it is.

    Raises:
        SettingsPermissionError: the person's role does not include it.
        InvalidSettingsError: a setting is unknown, out of its bounds, or does not fit another.
        SettingsChangedError: the settings are no longer at ``revision_read``.
    """
    if not user.has_perm(CHANGE_PERMISSION):
        raise SettingsPermissionError()
    with transaction.atomic():
        BrainSettings.objects.get_or_create(pk=ONLY_ROW)
        row = BrainSettings.objects.select_for_update().get(pk=ONLY_ROW)
        if revision_read is not None and revision_read != row.revision:
            raise SettingsChangedError(row.revision)
        before = {name: getattr(row, name) for name in NAMES}
        had_key = bool(row.sealed_key)
        for name, value in values.items():
            if name not in NAMES:
                raise InvalidSettingsError({name: ["There is no such setting."]})
            setattr(row, name, value)
        _check(row, before, had_key=had_key, new_key=new_key, removes_key=removes_key)
        key_change = _set_key(row, had_key=had_key, new_key=new_key, removes_key=removes_key)
        changed = [name for name in NAMES if getattr(row, name) != before[name]]
        if not changed and not key_change:
            return Change(row, is_changed=False)
        row.revision += 1
        row.save()
        providers.note_new_settings()
        details: dict[str, Detail] = {
            "setting": SETTING,
            "before": {name: _told(before[name]) for name in changed},
            "after": {name: _told(getattr(row, name)) for name in changed},
        }
        if key_change:
            details[KEY] = key_change
        record_event(Actor.for_person(user, origin), Entry(Event.SETTINGS_CHANGED, details=details))
    return Change(row, is_changed=True)


def reseal_key(actor: Actor) -> bool:
    """Seal the stored key anew with the newest sealing key, on record; return whether there is one.

    Raises:
        SecretUnreadableError: none of the sealing keys in force opens it; it is left as it is.
    """
    with transaction.atomic():
        row = BrainSettings.objects.select_for_update().exclude(sealed_key="").first()
        if row is None:
            return False
        row.sealed_key = reseal(row.sealed_key)
        row.save(update_fields=["sealed_key"])
        details: dict[str, Detail] = {"setting": SETTING, KEY: _KEY_RESEALED}
        record_event(actor, Entry(Event.SETTINGS_CHANGED, details=details))
    return True


def read_settings() -> BrainSettings:
    """Return the settings, for a page."""
    return stored_settings()


def past_changes(limit: int) -> list[PastChange]:
    """Return who changed the settings, newest first, from the audit log."""
    entries = AuditEntry.objects.filter(
        event=Event.SETTINGS_CHANGED, details__setting=SETTING
    ).order_by("-id")[:limit]

    def tell(entry: AuditEntry) -> PastChange:
        return PastChange(
            who=entry.actor_name,
            origin=entry.get_origin_display(),
            changed_at=entry.occurred_at,
            values=tuple(_changed_values(entry.details)),
        )

    return told_by(entries, tell)


def label_of(name: str) -> str:
    """A setting's name in words; of one that is no more, as it stands."""
    return "Key" if name == KEY else LABELS.get(name, name.replace("_", " "))


def show_value(name: str, value: object) -> str:
    """A setting's value in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == "":
        return "not set"
    field = BrainSettings._meta.get_field(name) if name in NAMES else None
    choices = dict(getattr(field, "flatchoices", None) or ())
    return str(choices.get(value, value))


def _check(
    row: BrainSettings, before: Mapping[str, Any], *, had_key: bool, new_key: str, removes_key: bool
) -> None:
    problems: dict[str, list[str]] = {}
    try:
        # An address has a check of its own, and the database's conditions are told in words below.
        row.full_clean(exclude=["base_url"], validate_constraints=False)
    except ValidationError as error:
        problems |= error.message_dict
    if not problems:
        problems |= _misfits(row)
    if row.base_url and row.base_url != before["base_url"]:
        problems |= _address_problem(row.base_url)
    key_problem = _key_problem(
        new_key,
        removes_key=removes_key,
        is_elsewhere=had_key and row.base_url != before["base_url"],
    )
    if key_problem:
        problems[KEY] = [key_problem]
    if problems:
        raise InvalidSettingsError(problems)


def _misfits(row: BrainSettings) -> dict[str, list[str]]:
    """What does not fit together, of values that are sound by themselves."""
    problems = {}
    for soft, hard in (
        ("soft_limit_usd", "hard_limit_usd"),
        ("soft_limit_tokens", "hard_limit_tokens"),
    ):
        if getattr(row, soft) > getattr(row, hard):
            problems[soft] = ["The soft limit lies below the hard one, or at it."]
    prices = [getattr(row, name) for name in PRICES]
    if None in prices and any(price is not None for price in prices):
        for name, price in zip(PRICES, prices, strict=True):
            if price is None:
                problems[name] = ["Give all three prices, or none for the list price."]
    return problems


def _address_problem(url: str) -> dict[str, list[str]]:
    try:
        if len(url) > LONGEST_ADDRESS:
            raise AddressRefusedError(f"An address has at most {LONGEST_ADDRESS} characters.")
        check_address(url)
    except AddressRefusedError as error:
        return {"base_url": [error.message]}
    return {}


def _key_problem(new_key: str, *, removes_key: bool, is_elsewhere: bool) -> str:
    if new_key and removes_key:
        return "Either a new key, or none: not both."
    if len(new_key) > LONGEST_KEY:
        return f"A key has at most {LONGEST_KEY} characters."
    if not (new_key.isascii() and all(sign.isprintable() and sign != " " for sign in new_key)):
        return "A key has neither spaces nor special characters."
    if is_elsewhere and not new_key and not removes_key:
        return "The address is another: enter the key for it, or remove the one that is stored."
    return ""


def _set_key(row: BrainSettings, *, had_key: bool, new_key: str, removes_key: bool) -> str:
    """Put the key in its place; return what that was, empty when nothing."""
    if new_key:
        row.sealed_key = seal(new_key)
        # Of a short key four characters would tell too much.
        row.key_ends_in = new_key[-4:] if len(new_key) >= 16 else ""
        return _KEY_REPLACED
    if removes_key and had_key:
        row.sealed_key = row.key_ends_in = ""
        return _KEY_REMOVED
    return ""


def _told(value: Value) -> Detail:
    return str(value) if isinstance(value, Decimal) else value


def _changed_values(details: Mapping[str, Any]) -> Iterable[ChangedValue]:
    before, after = details.get("before") or {}, details.get("after") or {}
    # An entry may name settings that are no more.
    for name in dict.fromkeys([*NAMES, *before, *after]):
        if name not in before and name not in after:
            continue
        yield ChangedValue(
            label_of(name),
            show_value(name, before.get(name)),
            show_value(name, after.get(name)),
        )
    if details.get(KEY):
        yield ChangedValue(label_of(KEY), "", details[KEY])
