"""The ledger of scans: rows are made, joined, taken up, stopped and closed, also where a worker died."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.crm.enums import RecordKind
from apps.tenants.locks import is_held
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.exceptions import ScanEndedError, ScanPermissionError
from apps.triggers.locks import FOLLOW, ROUND, SCAN
from apps.triggers.models import Scan
from apps.triggers.rules import registry
from apps.triggers.scopes import ScanScope
from apps.users.models import User

# One of these is held as long as a scan of the kind runs: a round lets the next one begin before it makes
# suggestions of what it has found.
_LOCKS = {
    ScanKind.FULL: (SCAN,),
    ScanKind.MANUAL: (SCAN,),
    ScanKind.INCREMENTAL: (ROUND, FOLLOW),
    ScanKind.REALTIME: (ROUND, FOLLOW),
}


def request_scan(
    *,
    user: User,
    now: datetime,
    triggers: list[str] | None = None,
    scope: ScanScope | None = None,
) -> Scan:
    """Queue a scan at a person's wish, or return the one that is already waiting and does as much.

    Of all triggers a running scan will do; of ``triggers`` only one that has not begun, because a
    running one may have passed them. With ``scope`` these records alone are looked at.

    Raises:
        ScanPermissionError: the person may not start one.
    """
    if not user.has_perm("triggers.add_scan"):
        raise ScanPermissionError()
    close_lost_scans(now)
    scan = new_scan(scope, triggers)
    doing_as_much = Scan.objects.unfinished().filter(
        triggers__contains=scan.triggers,
        scope_kind=scan.scope_kind,
        scope_ids=scan.scope_ids,
        is_cancel_requested=False,
    )
    if triggers or scope:
        doing_as_much = doing_as_much.filter(status=ScanStatus.QUEUED)
    waiting: Scan | None = doing_as_much.order_by("id").first()
    if waiting is not None:
        return waiting
    scan.kind, scan.requested_by, scan.queued_at = ScanKind.MANUAL, user, now
    scan.save()
    return scan


def may_cancel(scan: Scan, user: User) -> bool:
    """Whether a person may stop a scan: a manual one that they asked for, or who steers everyone's work."""
    is_theirs = scan.requested_by_id == user.pk or user.sees_all
    return scan.kind == ScanKind.MANUAL and is_theirs and user.has_perm("triggers.add_scan")


def cancel_scan(scan: Scan, *, user: User, now: datetime) -> None:
    """Stop a manual scan: at once while it waits, after the trigger at hand while it runs.

    What it has found so far stays, and is suggested by the next round.

    Raises:
        ScanPermissionError: somebody else asked for it, and the person does not steer everyone's work.
        ScanEndedError: it has ended.
    """
    if not may_cancel(scan, user):
        raise ScanPermissionError()
    asked = Scan.objects.filter(pk=scan.pk)
    if asked.filter(status=ScanStatus.QUEUED).update(
        status=ScanStatus.CANCELLED, finished_at=now, is_cancel_requested=True
    ):
        return
    if not asked.filter(status=ScanStatus.RUNNING).update(is_cancel_requested=True):
        raise ScanEndedError()


def new_scan(scope: ScanScope | None, triggers: list[str] | None) -> Scan:
    """A ledger row, not yet saved, of these triggers or of all that look at the scope.

    Raises:
        UnknownTriggerError: a key is not in the registry.
    """
    if triggers:
        keys = [registry.get(key).key for key in triggers]
    else:
        keys = scope.triggers() if scope else [trigger.key for trigger in registry.all()]
    if scope is None:
        return Scan(triggers=keys)
    return Scan(
        triggers=keys,
        scope_kind=scope.record_kind,
        scope_ids=[*scope.record_ids],
        scope_name=scope.name,
    )


def is_cancelled(scan: Scan) -> bool:
    """Whether somebody has asked to stop it meanwhile."""
    scan.refresh_from_db(fields=["is_cancel_requested"])
    return scan.is_cancel_requested


def scope_of(scan: Scan) -> ScanScope:
    """What a scan of some records looks at."""
    return ScanScope(RecordKind(scan.scope_kind), tuple(scan.scope_ids), scan.scope_name)


def close_lost_scans(now: datetime) -> int:
    """Mark scans that were cut off, so that nothing seems to run for ever."""
    running = [
        kind
        for kind in ScanKind
        if Scan.objects.unfinished().filter(kind=kind).exists() and is_held(*_LOCKS[kind])
    ]
    lost = Scan.objects.lost(now, running_kinds=running)
    return lost.update(status=ScanStatus.LOST, finished_at=now, stage="")


def claim(scan: Scan, *, steps_total: int) -> bool:
    """Take up a queued scan; whether nobody else has."""
    claimed = Scan.objects.filter(pk=scan.pk, status=ScanStatus.QUEUED).update(
        status=ScanStatus.RUNNING,
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
        steps_total=steps_total,
        # Until it has ended well: a worker may be killed.
        awaits_pipeline=True,
    )
    if claimed:
        scan.refresh_from_db()
    return claimed == 1


def note_stage(scan: Scan, stage: str) -> None:
    """Say where the scan is, and that it is alive."""
    scan.stage = stage
    scan.heartbeat_at = timezone.now()
    scan.save(update_fields=["stage", "steps_done", "heartbeat_at"])


def finish(scan: Scan, status: ScanStatus, *, error: str) -> None:
    """Close the row; ``error`` says what went wrong, a line for each."""
    scan.status = status
    scan.stage = ""
    scan.error = error
    scan.finished_at = timezone.now()
    scan.save()
