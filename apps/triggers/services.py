"""Running scans: one at a time per tenant, each trigger on its own, everything in the ledger."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module, Role
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.tenants.services import is_module_on
from apps.triggers.detection import clear_all, detect, still_matches
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.exceptions import ScanPermissionError
from apps.triggers.models import Scan, ScanTrigger, Signal, TriggerSetting
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules import registry
from apps.users.models import User

log = logging.getLogger(__name__)

# What runs after the triggers of a scan: (scan, moment) → None. The suggestions app registers its pipeline.
Follower = Callable[[Scan, ScanMoment], None]
_followers: list[tuple[str, Follower]] = []


def register_follower(label: str, follower: Follower) -> None:
    """Let ``follower`` run at the end of each scan; ``label`` is shown as the stage."""
    _followers.append((label, follower))


def request_scan(*, user: User, now: datetime) -> Scan:
    """Queue a scan of all triggers at a person's wish, or return the one that is already waiting.

    Raises:
        ScanPermissionError: the person may not start one.
    """
    if not user.has_perm("triggers.add_scan"):
        raise ScanPermissionError()
    close_lost_scans(now)
    waiting: Scan | None = Scan.objects.unfinished().order_by("id").first()
    if waiting is not None:
        return waiting
    return Scan.objects.create(
        kind=ScanKind.MANUAL,
        requested_by=user,
        triggers=[t.key for t in registry.all()],
        queued_at=now,
    )


def scan_now(
    *,
    kind: ScanKind,
    now: datetime,
    triggers: list[str] | None = None,
    requested_by: User | None = None,
) -> Scan:
    """Make a ledger row and run the scan at once: for commands, beat and the demo.

    Raises:
        UnknownTriggerError: a key is not in the registry.
    """
    keys = (
        [registry.get(key).key for key in triggers] if triggers else [t.key for t in registry.all()]
    )
    close_lost_scans(now)
    scan = Scan.objects.create(kind=kind, triggers=keys, requested_by=requested_by, queued_at=now)
    run_scan(scan, now=now)
    return scan


def run_scan(scan: Scan, *, now: datetime) -> None:
    """Run a queued scan; a second one at the same time is skipped, and says so."""
    tenant = current_tenant()
    if not tenant.is_enabled or not is_module_on(tenant, Module.TRIGGERS):
        _finish(scan, ScanStatus.SKIPPED, error="Triggers are switched off for this company.")
        return
    with _scan_lock() as is_ours:
        if not is_ours:
            _finish(scan, ScanStatus.SKIPPED, error="Another scan was running.")
            return
        claimed = Scan.objects.filter(pk=scan.pk, status=ScanStatus.QUEUED).update(
            status=ScanStatus.RUNNING,
            started_at=timezone.now(),
            heartbeat_at=timezone.now(),
            steps_total=len(scan.triggers) + len(_followers),
        )
        if claimed:
            scan.refresh_from_db()
            _run(scan, ScanMoment(now=now, zone=tenant.zone))


def close_lost_scans(now: datetime) -> int:
    """Mark scans that were cut off, so that nothing seems to run for ever."""
    lost = Scan.objects.lost(now, is_any_running=_is_any_running())
    return lost.update(status=ScanStatus.LOST, finished_at=now, stage="")


def is_still_true(signal: Signal, *, now: datetime) -> bool:
    """Ask the signal's trigger again for its record. One that is gone or off holds for nothing."""
    known = {trigger.key: trigger for trigger in registry.all()}
    trigger = known.get(signal.trigger)
    is_off = TriggerSetting.objects.filter(trigger=signal.trigger, is_enabled=False).exists()
    if trigger is None or is_off:
        return False
    moment = ScanMoment(now=now, zone=current_tenant().zone)
    return still_matches(trigger, moment, parameters_of(trigger), signal.record_id)


def parameters_of(trigger: Trigger[Any]) -> Parameters:
    """Return the tenant's own parameters for a trigger, or its defaults."""
    setting = TriggerSetting.objects.filter(trigger=trigger.key).first()
    parsed: Parameters = trigger.parse(setting.parameters if setting else {})
    return parsed


def current_tenant() -> Tenant:
    """Return the tenant in whose schema the connection stands, freshly read."""
    tenant: Tenant = Tenant.objects.get(schema_name=tenant_connection().schema_name)
    return tenant


def _run(scan: Scan, moment: ScanMoment) -> None:
    actor = Actor.for_system("scan", Origin.TRIGGER)
    record_event(actor, Entry(Event.SCAN_STARTED, details={"scan_id": scan.pk, "kind": scan.kind}))
    settings = {setting.trigger: setting for setting in TriggerSetting.objects.all()}
    errors: list[str] = []
    for key in scan.triggers:
        _note_stage(scan, registry.label(key))
        error = _run_trigger(scan, key, settings.get(key), moment, actor)
        if error:
            errors.append(f"{key}: {error}")
        scan.steps_done += 1
    for label, follower in _followers:
        _note_stage(scan, label)
        try:
            follower(scan, moment)
        except Exception as error:
            log.exception("a scan's follower failed", extra={"scan_id": scan.pk, "follower": label})
            errors.append(f"{label}: {type(error).__name__}")
        scan.steps_done += 1
    status = ScanStatus.FAILED if errors else ScanStatus.SUCCEEDED
    _finish(scan, status, error="\n".join(errors))
    record_event(
        actor, Entry(Event.SCAN_FINISHED, details={"scan_id": scan.pk, "status": status.value})
    )


def _run_trigger(
    scan: Scan, key: str, setting: TriggerSetting | None, moment: ScanMoment, actor: Actor
) -> str:
    """Run one trigger in a transaction of its own; return the error's name, or an empty text.

    One that the tenant has switched off finds nothing, so that what it found before is cleared.
    """
    began = time.monotonic()
    result = ScanTrigger(scan=scan, trigger=key)
    try:
        trigger = registry.get(key)
        with transaction.atomic(), taking_role(Role.AI):
            if setting is not None and not setting.is_enabled:
                found = clear_all(trigger, moment)
            else:
                parameters = trigger.parse(setting.parameters if setting else {})
                found = detect(trigger, moment, parameters)
            _audit_detection(actor, scan, trigger, found.fired, found.cleared)
        result.matched, result.fired = found.matched, found.fired
        result.refreshed, result.cleared = found.refreshed, found.cleared
    except Exception as error:
        log.exception("a trigger failed", extra={"scan_id": scan.pk, "trigger": key})
        result.error = type(error).__name__
    result.duration_s = round(time.monotonic() - began, 3)
    result.save()
    return result.error


def _audit_detection(
    actor: Actor, scan: Scan, trigger: Trigger[Any], fired: int, cleared: int
) -> None:
    for event, count in ((Event.SIGNAL_FIRED, fired), (Event.SIGNAL_CLEARED, cleared)):
        if count:
            details: dict[str, Detail] = {
                "scan_id": scan.pk, "trigger": trigger.key, "count": count,
            }  # fmt: skip
            record_event(
                actor, Entry(event, record_kind=trigger.record_kind.value, details=details)
            )


def _note_stage(scan: Scan, stage: str) -> None:
    scan.stage = stage
    scan.heartbeat_at = timezone.now()
    scan.save(update_fields=["stage", "steps_done", "heartbeat_at"])


def _finish(scan: Scan, status: ScanStatus, *, error: str) -> None:
    scan.status = status
    scan.stage = ""
    scan.error = error
    scan.finished_at = timezone.now()
    scan.save()


@contextmanager
def _scan_lock() -> Iterator[bool]:
    """Hold the tenant's scan lock for the block; the database frees it when the worker dies."""
    name = _lock_name()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        (is_ours,) = cursor.fetchone()
    try:
        yield bool(is_ours)
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def _is_any_running() -> bool:
    """Whether somebody holds the tenant's scan lock, seen without taking it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM pg_locks, hashtextextended(%s, 0) AS key
                WHERE locktype = 'advisory' AND granted AND objsubid = 1
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND classid = ((key >> 32) & 4294967295)::oid
                  AND objid = (key & 4294967295)::oid
            )
            """,
            [_lock_name()],
        )
        return bool(cursor.fetchone()[0])


def _lock_name() -> str:
    return f"scan:{tenant_connection().schema_name}"
