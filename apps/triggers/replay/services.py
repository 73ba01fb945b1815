"""The use cases of replays: asking for one, running it in a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from apps.tenants.calendar import DAY
from apps.tenants.enums import Module
from apps.tenants.locks import holding
from apps.tenants.services import current_tenant, require_module
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkCancelledError
from apps.tenants.work.runs import claim, end, teller
from apps.triggers.models import Baseline, ReplayRun
from apps.triggers.moments import Figures, ScanMoment
from apps.triggers.registry import Trigger
from apps.triggers.replay.exceptions import (
    ReplayBusyError,
    ReplayDaysError,
    ReplayError,
    ReplayPastError,
    ReplayPermissionError,
    ReplayTooLongError,
)
from apps.triggers.replay.firings import Question, find_firings
from apps.triggers.replay.past import Past
from apps.triggers.replay.runs import close_lost_replays, finish, lock_name
from apps.triggers.replay.schemas import ReplayResult
from apps.triggers.replay.summary import keep_visible, summarise
from apps.triggers.replay.tables import reading_of
from apps.triggers.rules import registry
from apps.triggers.settings import read_setting
from apps.users.models import User

log = logging.getLogger(__name__)

ADD_PERMISSION = "triggers.add_replayrun"
VIEW_PERMISSION = "triggers.view_replayrun"
DEFAULT_DAYS, MOST_DAYS = 90, 365

# Of one tenant's, so that the workers are there for others too.
MOST_AT_ONCE = 3
# Older answers were about other records and are of no use.
KEPT_PER_TRIGGER = 20
# Within a worker's own limit, so that the run can still say what happened.
TIME_LIMIT_S = 20 * 60

_QUERY_CANCELED = "57014"


def request_replay(
    *, user: User, key: str, parameters: Mapping[str, Any], days: int, now: datetime
) -> ReplayRun:
    """Queue a replay at a person's wish, or return the one that is at the same question already.

    Parameters that are left out take their defaults. The caller sends the run to a worker.

    Raises:
        ReplayPermissionError: the person's role does not include it.
        UnknownTriggerError, InvalidParametersError, ReplayDaysError: there is no such question.
        ReplayPastError: what the trigger asks for is not known of days past.
        ReplayBusyError: another replay of the trigger is under way, or too many are.
        ModuleOffError: triggers are switched off.
    """
    if not user.has_perm(ADD_PERMISSION):
        raise ReplayPermissionError()
    require_module(Module.TRIGGERS)
    setting = read_setting(key)
    if not setting.trigger.has_past:
        raise ReplayPastError(setting.trigger.label)
    asked = setting.trigger.parse(parameters).model_dump(mode="json")
    if not 1 <= days <= MOST_DAYS:
        raise ReplayDaysError(MOST_DAYS)
    close_lost_replays(now)
    run = ReplayRun(
        trigger=key,
        parameters=asked,
        present_parameters=dict(setting.choice.parameters),
        days=days,
        counts_all=user.sees_all,
        requested_by=user,
        queued_at=now,
        steps_total=days + 1,
    )
    under_way = ReplayRun.objects.unfinished().filter(trigger=key).first()
    if under_way is not None:
        return _join(under_way, run)
    if ReplayRun.objects.unfinished().count() >= MOST_AT_ONCE:
        raise ReplayBusyError("Other replays are under way. Ask again when one of them is done.")
    _forget_old_answers(key)
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError as error:
        raise _busy() from error
    return run


def run_replay(*, run_id: int) -> None:
    """Run a replay to its end, in a worker; a second delivery of the message finds nothing to do.

    What goes wrong is written to the run, for the person who looks at it.
    """
    run = ReplayRun.objects.filter(pk=run_id).first()
    if run is None or not run.is_unfinished:
        return
    with holding(lock_name(run.trigger)) as is_ours:
        if not is_ours:
            # Whoever has the lock works on this very run, or is about to leave.
            if run.status == WorkStatus.QUEUED:
                end(run, WorkStatus.FAILED, _busy().message)
        elif claim(run):
            _run_claimed(run)


def _run_claimed(run: ReplayRun) -> None:
    try:
        finish(run, _answer(run))
    except WorkCancelledError as error:
        end(run, WorkStatus.CANCELLED, error.message)
    except ReplayError as error:
        log.warning("a replay ended without an answer", extra={"replay_id": run.pk})
        end(run, WorkStatus.FAILED, error.message)
    except Exception as error:
        log.exception("a replay failed", extra={"replay_id": run.pk, "trigger": run.trigger})
        if not connection.is_usable():
            connection.close()
        end(run, WorkStatus.FAILED, _in_words(error))


def _answer(run: ReplayRun) -> ReplayResult:
    began = time.monotonic()
    trigger = registry.get(run.trigger)
    asked, present = trigger.parse(run.parameters), trigger.parse(run.present_parameters)
    choices = (asked,) if asked == present else (asked, present)
    question = Question(trigger, choices, _moments(trigger, run.days, timezone.now()))
    first, last = question.moments[0], question.moments[-1]
    reading = reading_of(trigger, last, choices)
    tell = teller(run)
    with Past(reading, since=first.now, until=last.now) as past:
        for steps_done in find_firings(question, past):
            tell(steps_done, run.days + 1)
            if time.monotonic() - began > TIME_LIMIT_S:
                raise ReplayTooLongError()
        if not run.counts_all:
            if run.requested_by is None:
                raise ReplayError("Whoever asked for it has left.")
            keep_visible(question, run.requested_by)
        return summarise(question, reading)


def _moments(trigger: Trigger[Any], days: int, until: datetime) -> tuple[ScanMoment, ...]:
    """Once a day up to now; each with the figures that were in force then."""
    tenant = current_tenant()
    zone, calendar = tenant.zone, tenant.calendar
    kept = [
        (measured_at, Figures(version, values))
        for measured_at, version, values in Baseline.objects.filter(trigger=trigger.key)
        .order_by("-measured_at")
        .values_list("measured_at", "version", "values")
    ]

    def moment_at(now: datetime) -> ScanMoment:
        then = next((figures for measured_at, figures in kept if measured_at <= now), None)
        return ScanMoment(now, zone, calendar, {trigger.key: then} if then else {})

    return tuple(moment_at(until - number * DAY) for number in range(days, -1, -1))


def _join(under_way: ReplayRun, wanted: ReplayRun) -> ReplayRun:
    """The replay that is under way, if it is at the same question."""
    same = ("trigger", "parameters", "present_parameters", "days", "counts_all")
    is_same = all(getattr(under_way, name) == getattr(wanted, name) for name in same)
    is_theirs = under_way.counts_all or under_way.requested_by_id == wanted.requested_by_id
    if is_same and is_theirs and not under_way.is_cancel_requested:
        return under_way
    raise _busy()


def _busy() -> ReplayBusyError:
    return ReplayBusyError(
        "Another replay of this trigger is under way. Wait for it, or cancel it and ask again."
    )


def _forget_old_answers(key: str) -> None:
    """Delete what lies behind the last that is kept; one that comes in meanwhile is newer."""
    of_trigger = ReplayRun.objects.filter(trigger=key)
    last_kept = of_trigger.order_by("-id").values_list("pk", flat=True)[KEPT_PER_TRIGGER - 1 :]
    for pk in last_kept[:1]:
        of_trigger.filter(pk__lt=pk).delete()


def _in_words(error: Exception) -> str:
    is_too_slow = isinstance(error, SoftTimeLimitExceeded) or (
        isinstance(error, DatabaseError)
        and getattr(error.__cause__, "sqlstate", "") == _QUERY_CANCELED
    )
    if is_too_slow:
        return ReplayTooLongError.message
    return f"The trigger could not be asked about the past ({type(error).__name__})."
