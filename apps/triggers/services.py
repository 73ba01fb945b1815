"""Running scans: one at a time per tenant, each trigger on its own, everything in the ledger."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Self

from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event, recording
from apps.crm.upcoming import let_count, take_place
from apps.tenants.enums import Module, Role
from apps.tenants.locks import holding
from apps.tenants.models import Tenant
from apps.tenants.roles import taking_role
from apps.tenants.services import current_tenant, is_module_on
from apps.tenants.statements import Asked, ask_together, with_new_plans
from apps.triggers.detection import Detection, clear_removed
from apps.triggers.enums import ScanKind, ScanStatus
from apps.triggers.figures import measure_figures, read_figures
from apps.triggers.followers import count_followers, follow_all
from apps.triggers.ledger import (
    claim,
    close_lost_scans,
    finish,
    is_cancelled,
    new_scan,
    note_stage,
    scope_of,
)
from apps.triggers.locks import FOLLOW, ROUND, SCAN, WAITING
from apps.triggers.looks import (
    Look,
    Round,
    beginning_at_candidates,
    look_at_candidates,
    look_fully,
    look_within,
    note_idle,
    oldest_look,
    plan_round,
)
from apps.triggers.models import (
    Scan,
    ScanTrigger,
    TriggerSetting,
    TriggerState,
)
from apps.triggers.moments import ScanMoment
from apps.triggers.pairing import compare_changed
from apps.triggers.reading.services import read_activities
from apps.triggers.rules import registry
from apps.triggers.scopes import Candidates, ScanScope
from apps.users.models import User
from apps.users.statements import RowsStatement

log = logging.getLogger(__name__)

SCANNER = Actor.for_system("scan", Origin.TRIGGER)

# How long a round that was woken by a change waits for one that is running, which takes well under a second.
_ROUND_WAIT_MS = 10_000
# And how long a scan of some records does so for another.
_SCOPED_WAIT_MS = 60_000
# A wait that moves the moment of the look.
_SHORT_WAIT = timedelta(seconds=1)
# And how long what follows a scan waits for what follows another: thousands of suggestions take a minute. A
# round leaves it to the other, which looks again before it ends.
_FOLLOW_WAIT_MS = 600_000
_ROUND_FOLLOW_WAIT_MS = 1_000
# What is known to be broken is told again once a day.
_TELL_AGAIN = timedelta(days=1)
# A transaction may have begun before an activity's time and ended after a round that came back to it.
_LATE_COMMITS = timedelta(days=1)
# A trigger that has not looked for so long, and is not known, was taken away.
_GONE_AFTER = timedelta(days=1)
# Before the first scan nobody came back to what was dated ahead.
_FIRST_LOOK_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Looking:
    """How one trigger looks: what is asked at the begin, and what follows, told the last answer.

    It finds None when another scan has looked meanwhile.
    """

    look: Callable[[Any], Detection | None]
    first: tuple[Asked[Any], ...] = ()

    @classmethod
    def alone(cls, look: Callable[[], Detection]) -> Self:
        """Without anything to ask before."""
        return cls(lambda _: look())


def scan_now(
    *,
    kind: ScanKind,
    now: datetime,
    triggers: list[str] | None = None,
    requested_by: User | None = None,
    scope: ScanScope | None = None,
) -> Scan:
    """Make a ledger row and run the scan at once: for commands, beat and the demo.

    Raises:
        UnknownTriggerError: a key is not in the registry.
    """
    close_lost_scans(now)
    scan = new_scan(scope, triggers)
    scan.kind, scan.requested_by, scan.queued_at = kind, requested_by, now
    scan.save()
    run_scan(scan, now=now)
    return scan


def run_scan(scan: Scan, *, now: datetime) -> None:
    """Run a queued scan; a second one at the same time is skipped, and says so.

    One of some records, which is over within seconds, waits for another to end.
    """
    tenant = current_tenant()
    if not _may_scan(tenant):
        finish(scan, ScanStatus.SKIPPED, error="Triggers are switched off for this company.")
        return
    with holding(SCAN, wait_ms=_SCOPED_WAIT_MS if scan.scope_kind else 0) as is_ours:
        if not is_ours:
            finish(scan, ScanStatus.SKIPPED, error="Another scan was running.")
        elif claim(scan, steps_total=len(scan.triggers) + count_followers()):
            _scan(scan, now)


def look_around(kind: ScanKind, *, now: datetime) -> Scan | None:
    """Look at what changed or came due since the last look: an incremental scan.

    It finds what a full scan would find. A round that has nothing to look at leaves no ledger row. One that
    was woken by a change (REALTIME) waits for a round that is running, because that one may have begun
    before the change; while one waits, which will see whatever was committed, no other does. Every other one
    is skipped, and says so.
    """
    tenant = current_tenant()
    if not _may_scan(tenant):
        return None
    looked: _Looked | None
    with ExitStack() as held:
        began = time.monotonic()
        if kind != ScanKind.REALTIME:
            is_ours = held.enter_context(holding(ROUND))
        else:
            with holding(WAITING) as is_first:
                if not is_first:
                    return None
                is_ours = held.enter_context(holding(ROUND, wait_ms=_ROUND_WAIT_MS))
        if not is_ours:
            scan = Scan.objects.create(kind=kind, queued_at=now)
            finish(scan, ScanStatus.SKIPPED, error="Another scan was running.")
            return scan
        waited = timedelta(seconds=time.monotonic() - began)
        looked = _look_around(kind, tenant, now + waited if waited > _SHORT_WAIT else now)
    if looked is None:
        return None
    # Outside the lock: thousands of suggestions take a minute, and the next round need not wait for them.
    _end(looked.scan, looked.moment, looked.errors, is_followed=looked.is_followed)
    return looked.scan


def moment_at(tenant: Tenant, now: datetime) -> ScanMoment:
    """The moment as the tenant's triggers see it: its zone, working days and own figures."""
    return ScanMoment(now, tenant.zone, tenant.calendar, read_figures())


def read_settings() -> dict[str, TriggerSetting]:
    """What the tenant has chosen, by trigger, in one query."""
    return settings_in(asking_settings().read())


def asking_settings() -> Asked[list[TriggerSetting]]:
    """What ``read_settings`` asks, to be asked together with others."""
    return _statement_of_settings().asked(None)


def settings_in(rows: Iterable[TriggerSetting]) -> dict[str, TriggerSetting]:
    """The settings, by trigger."""
    return {setting.trigger: setting for setting in rows}


@cache
def _statement_of_settings() -> RowsStatement:
    """Written once: every decision on what a trigger found asks."""
    return RowsStatement.of(TriggerSetting.objects.order_by())


def _may_scan(tenant: Tenant) -> bool:
    return tenant.is_enabled and is_module_on(tenant, Module.TRIGGERS)


def _scan(scan: Scan, now: datetime) -> None:
    """Look at everything, or at what the scan is about, with one trigger after another."""
    tenant = current_tenant()
    _record_begin(scan)
    states = {state.trigger: state for state in TriggerState.objects.all()}
    looked_at = oldest_look(states, registry.all(), now) or now - _FIRST_LOOK_BACK
    let_count(looked_at if scan.scope_kind else min(looked_at, now - _LATE_COMMITS), now)
    read_activities(now, tenant.zone)
    errors: list[str] = []
    if scan.kind == ScanKind.MANUAL:
        note_stage(scan, "Comparing for duplicates")
        errors += compare_changed(tenant, now)
    errors += measure_figures(moment_at(tenant, now))
    moment = moment_at(tenant, now)
    settings = read_settings()
    candidates = scope_of(scan).candidates() if scan.scope_kind else None
    for key in scan.triggers:
        # Nobody can stop any other.
        if scan.kind == ScanKind.MANUAL and is_cancelled(scan):
            # It still awaits the pipeline: the next round suggests what was found so far.
            finish(scan, ScanStatus.CANCELLED, error="\n".join(errors))
            return
        look = (
            partial(_look_fully, key, settings, moment, states)
            if candidates is None
            else partial(_look_within, key, settings, moment, candidates)
        )
        note_stage(scan, registry.label(key))
        result = _run_trigger(scan, key, _Looking.alone(look))
        result.save()
        errors += _error_of(result)
    if scan.kind == ScanKind.FULL:
        errors += _clear_removed(scan, moment, states)
    _end(scan, moment, errors, is_followed=True)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A round that has looked, before what follows it."""

    scan: Scan
    moment: ScanMoment
    errors: list[str]
    is_followed: bool


def _look_around(kind: ScanKind, tenant: Tenant, now: datetime) -> _Looked | None:
    states = {state.trigger: state for state in TriggerState.objects.all()}
    settings = read_settings()
    looked_at = oldest_look(states, registry.all(), now) or now - _FIRST_LOOK_BACK
    took_place = take_place(looked_at, now)
    read_activities(now, tenant.zone)
    moment = moment_at(tenant, now)
    round_ = plan_round(registry.all(), settings, moment, states, took_place)
    note_idle(round_, moment)
    if not round_.busy and not _is_news(round_.broken, now) and not _is_pipeline_behind():
        return None
    scan = _open_round(kind, now, [*(look.trigger.key for look in round_.busy), *round_.broken])
    results = [
        ScanTrigger(scan=scan, trigger=key, error=error) for key, error in round_.broken.items()
    ]
    scan.steps_done += len(results)
    for look in round_.busy:
        if look.is_full:
            note_stage(scan, registry.label(look.trigger.key))
        result = _run_trigger(scan, look.trigger.key, _looking(look, round_, settings, moment))
        if look.is_full:
            result.save()
        results.append(result)
    # Looks at a few records are over before anybody could read of them: their rows are written together.
    ScanTrigger.objects.bulk_create(result for result in results if result.pk is None)
    errors = [error for result in results for error in _error_of(result)]
    is_news = any(row.fired + row.refreshed + row.cleared for row in results)
    return _Looked(scan, moment, errors, is_followed=is_news or _is_pipeline_behind())


def _open_round(kind: ScanKind, now: datetime, triggers: list[str]) -> Scan:
    """The ledger row of a round, which nobody else could take up: it begins at once."""
    scan = Scan.objects.create(
        kind=kind,
        status=ScanStatus.RUNNING,
        queued_at=now,
        started_at=timezone.now(),
        heartbeat_at=timezone.now(),
        triggers=triggers,
        steps_total=len(triggers) + count_followers(),
        # Until it has ended well: a worker may be killed.
        awaits_pipeline=True,
    )
    _record_begin(scan)
    return scan


def _looking(
    look: Look, round_: Round, settings: dict[str, TriggerSetting], moment: ScanMoment
) -> _Looking:
    if look.is_full:
        return _Looking.alone(partial(_look_fully, look.trigger.key, settings, moment))
    return _Looking(
        lambda has_moved: look_at_candidates(look, moment, has_moved=has_moved),
        first=beginning_at_candidates(look, round_.horizon, moment),
    )


def _look_fully(
    key: str,
    settings: dict[str, TriggerSetting],
    moment: ScanMoment,
    then: Mapping[str, TriggerState] | None = None,
) -> Detection:
    return look_fully(registry.get(key), settings.get(key), moment, then=then)


def _look_within(
    key: str, settings: dict[str, TriggerSetting], moment: ScanMoment, candidates: Candidates
) -> Detection:
    trigger = registry.get(key)
    return look_within(trigger, settings.get(key), moment, candidates.of(trigger))


def _is_news(broken: Mapping[str, str], now: datetime) -> bool:
    """Whether something is broken that was not told of within the day."""
    told = (
        set(
            ScanTrigger.objects.filter(trigger__in=broken, scan__queued_at__gt=now - _TELL_AGAIN)
            .exclude(error="")
            .values_list("trigger", "error")
        )
        if broken
        else set()
    )
    return not set(broken.items()) <= told


def _is_pipeline_behind() -> bool:
    """Whether what was to follow an earlier scan failed, was cut off, or was left to somebody else."""
    is_behind: bool = Scan.objects.awaiting_pipeline().exists()
    return is_behind


def _record_begin(scan: Scan) -> None:
    record_event(
        SCANNER, Entry(Event.SCAN_STARTED, details={"scan_id": scan.pk, "kind": scan.kind})
    )


def _end(scan: Scan, moment: ScanMoment, errors: list[str], *, is_followed: bool) -> None:
    """Let the followers run, one scan's after another's, and close the ledger row."""
    if is_followed:
        is_round = scan.kind in {ScanKind.INCREMENTAL, ScanKind.REALTIME}
        wait_ms = _ROUND_FOLLOW_WAIT_MS if is_round else _FOLLOW_WAIT_MS
        with holding(FOLLOW, wait_ms=wait_ms) as is_ours:
            if is_ours:
                errors += follow_all(scan, moment)
            elif not is_round:
                errors.append("What follows another scan still runs.")
    else:
        scan.awaits_pipeline = False
        scan.steps_done += count_followers()
    status = ScanStatus.FAILED if errors else ScanStatus.SUCCEEDED
    finish(scan, status, error="\n".join(errors))
    record_event(
        SCANNER, Entry(Event.SCAN_FINISHED, details={"scan_id": scan.pk, "status": status.value})
    )


def _run_trigger(scan: Scan, key: str, looking: _Looking) -> ScanTrigger:
    """Let one trigger look in a transaction of its own; return its row of the ledger, not yet saved."""
    began = time.monotonic()
    result = ScanTrigger(scan=scan, trigger=key)
    try:
        found = with_new_plans(partial(_look, scan, key, looking))
        if found is not None:
            result.matched, result.fired = found.matched, found.fired
            result.refreshed, result.cleared = found.refreshed, found.cleared
    except Exception as error:
        log.exception("a trigger failed", extra={"scan_id": scan.pk, "trigger": key})
        result.error = type(error).__name__
    result.duration_s = round(time.monotonic() - began, 3)
    scan.steps_done += 1
    return result


def _error_of(result: ScanTrigger) -> list[str]:
    """The error in a line, or none."""
    return [f"{result.trigger}: {result.error}"] if result.error else []


def _look(scan: Scan, key: str, looking: _Looking) -> Detection | None:
    """Look in a transaction of its own, which the role opens, and tell of what was found."""
    with taking_role(Role.AI, *looking.first) as answers:
        found = looking.look(answers[-1] if answers else None)
        if found is not None:
            kind = registry.get(key).record_kind.value
            told = {Event.SIGNAL_FIRED: found.fired, Event.SIGNAL_CLEARED: found.cleared}
            entries = [
                _entry(scan, event, key, kind, count) for event, count in told.items() if count
            ]
            ask_together(*(recording(SCANNER, entry) for entry in entries))
    return found


def _clear_removed(scan: Scan, moment: ScanMoment, states: Mapping[str, TriggerState]) -> list[str]:
    """Triggers that were taken away do not look any more: what they found would stand for ever.

    One that has looked within the day is there, in a newer version of the product. Returns errors, as a line.
    """
    known = {trigger.key for trigger in registry.all()}
    lately = {key for key, one in states.items() if moment.now - one.looked_at < _GONE_AFTER}
    try:
        with taking_role(Role.AI):
            for key, kind, count in clear_removed(known | lately, moment):
                record_event(SCANNER, _entry(scan, Event.SIGNAL_CLEARED, key, kind, count))
    except Exception as error:
        log.exception("signals of removed triggers could not be ended", extra={"scan_id": scan.pk})
        return [f"removed triggers: {type(error).__name__}"]
    return []


def _entry(scan: Scan, event: Event, key: str, kind: str, count: int) -> Entry:
    details: dict[str, Detail] = {"scan_id": scan.pk, "trigger": key, "count": count}
    return Entry(event, record_kind=kind, details=details)
