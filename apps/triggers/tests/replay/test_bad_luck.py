"""Replays that may not be, are cancelled, break, or lose their worker."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.conftest import Cast, make_cast
from apps.crm.models import Contact, Lead, Stage
from apps.crm.tests.factories import LeadFactory
from apps.tenants.enums import Module
from apps.tenants.exceptions import ModuleOffError
from apps.tenants.locks import holding
from apps.tenants.models import ModuleGate, Tenant
from apps.tenants.tests.threads import at_once
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkOverError
from apps.tenants.work.runs import MOST_ATTEMPTS, request_cancel
from apps.triggers.exceptions import InvalidParametersError, UnknownTriggerError
from apps.triggers.models import ReplayRun
from apps.triggers.moments import ScanMoment
from apps.triggers.querysets import LOST_AFTER, TAKEN_OVER_WITHIN
from apps.triggers.replay.exceptions import ReplayBusyError, ReplayDaysError, ReplayPermissionError
from apps.triggers.replay.runs import close_lost_replays, lock_name
from apps.triggers.replay.services import KEPT_PER_TRIGGER, request_replay, run_replay
from apps.triggers.rules import registry
from apps.triggers.rules.leads import LeadInactive, LeadInactiveParameters
from apps.users.models import User

NOW = timezone.now()


def ask(user: User, key: str = "lead_inactive", *, days: int = 5, **parameters: int) -> ReplayRun:
    return request_replay(user=user, key=key, parameters=parameters, days=days, now=NOW)


def run(replay: ReplayRun) -> ReplayRun:
    run_replay(run_id=replay.pk)
    replay.refresh_from_db()
    return replay


def put_in_place(monkeypatch: pytest.MonkeyPatch, trigger: LeadInactive) -> None:
    monkeypatch.setitem(registry._triggers, "lead_inactive", trigger)


# --- What may be asked


def test_managers_and_administrators_may_ask_and_reps_may_not(cast: Cast) -> None:
    for person in (cast.manager, cast.admin):
        run(ask(person))
    with pytest.raises(ReplayPermissionError):
        ask(cast.rep)
    assert ReplayRun.objects.count() == 2


def test_parameters_and_days_keep_to_their_bounds(cast: Cast) -> None:
    with pytest.raises(UnknownTriggerError):
        ask(cast.manager, "no_such_trigger")
    for silent_days in (0, 200):
        with pytest.raises(InvalidParametersError):
            ask(cast.manager, silent_days=silent_days)
    with pytest.raises(InvalidParametersError):
        ask(cast.manager, unknown=3)
    for days in (0, -1, 366):
        with pytest.raises(ReplayDaysError):
            ask(cast.manager, days=days)
    assert ReplayRun.objects.count() == 0


def test_with_triggers_switched_off_nothing_is_asked(cast: Cast, acme: Tenant) -> None:
    ModuleGate.objects.filter(tenant=acme, module=Module.TRIGGERS).update(is_on=False)
    with pytest.raises(ModuleOffError):
        ask(cast.manager)


def test_the_same_question_is_joined_and_another_one_has_to_wait(cast: Cast) -> None:
    first = ask(cast.manager)
    assert ask(cast.admin) == first
    with pytest.raises(ReplayBusyError, match="Another replay of this trigger is under way"):
        ask(cast.manager, silent_days=20)
    with pytest.raises(ReplayBusyError):
        ask(cast.manager, days=6)
    request_cancel(first)
    assert ask(cast.manager, silent_days=20) != first


def test_a_company_has_a_few_replays_at_a_time(cast: Cast) -> None:
    keys = ("lead_inactive", "deal_stalled", "task_overdue", "followup_missing")
    for key in keys[:3]:
        ask(cast.manager, key)
    with pytest.raises(ReplayBusyError, match="Other replays are under way"):
        ask(cast.manager, keys[3])


def test_only_the_latest_answers_are_kept(cast: Cast) -> None:
    old = [
        ReplayRun.objects.create(trigger="lead_inactive", days=5, status=WorkStatus.SUCCEEDED)
        for _ in range(KEPT_PER_TRIGGER + 3)
    ]
    other = ReplayRun.objects.create(trigger="task_overdue", days=5, status=WorkStatus.LOST)
    new = ask(cast.manager)
    assert list(ReplayRun.objects.order_by("pk")) == [*old[3:], other, new]


def test_two_who_ask_at_once_get_one_replay(committed_tenant: Tenant) -> None:
    manager = make_cast().manager
    results = at_once(committed_tenant, [lambda: ask(manager).pk, lambda: ask(manager).pk])
    (replay,) = ReplayRun.objects.all()
    assert all(result == replay.pk or isinstance(result, ReplayBusyError) for result in results)
    assert replay.pk in results


# --- Cancelling


def test_a_replay_that_waits_is_cancelled_at_once(cast: Cast) -> None:
    replay = ask(cast.manager)
    request_cancel(replay)
    assert run(replay).status == WorkStatus.CANCELLED
    assert replay.steps_done == 0
    with pytest.raises(WorkOverError):
        request_cancel(replay)


def test_a_replay_that_runs_stops_at_the_next_moment(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    replay = ask(make_cast().manager)

    class CancelledMeanwhile(LeadInactive):
        asked = 0

        def matching(
            self, moment: ScanMoment, parameters: LeadInactiveParameters
        ) -> QuerySet[Lead]:
            self.asked += 1
            if self.asked == 3:
                # Once to find out what it reads, twice for moments: somebody presses cancel now.
                cancel = at_once(committed_tenant, [lambda: request_cancel(replay)])
                assert cancel == [None]
            return super().matching(moment, parameters)

    put_in_place(monkeypatch, CancelledMeanwhile())
    assert run(replay).status == WorkStatus.CANCELLED
    assert (replay.steps_done, replay.result) == (1, None)
    assert replay.message == "It was stopped."


# --- What breaks


class Raising(LeadInactive):
    """A trigger with a fault."""

    def matching(self, moment: ScanMoment, parameters: LeadInactiveParameters) -> QuerySet[Lead]:
        if moment.now < NOW - timedelta(days=2):
            raise ZeroDivisionError
        return super().matching(moment, parameters)


def test_a_trigger_that_raises_ends_its_replay_and_no_other(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, Raising())
    broken = run(ask(cast.manager))
    assert (broken.status, broken.result) == (WorkStatus.FAILED, None)
    assert broken.message == ("The trigger could not be asked about the past (ZeroDivisionError).")
    assert Lead.objects.count() == 0
    assert run(ask(cast.manager, "task_overdue")).status == WorkStatus.SUCCEEDED


class Writing(LeadInactive):
    """A trigger that writes what it must not, of days that lie so far back."""

    def __init__(self, days: int) -> None:
        self.days = days

    def matching(self, moment: ScanMoment, parameters: LeadInactiveParameters) -> QuerySet[Lead]:
        if moment.now < NOW - timedelta(days=self.days):
            Stage.objects.update(label="written by a trigger")
        return super().matching(moment, parameters)


@pytest.mark.parametrize("days", [3, -1])
def test_a_trigger_that_writes_is_stopped_by_the_database(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    put_in_place(monkeypatch, Writing(days))
    assert run(ask(cast.manager)).status == WorkStatus.FAILED
    assert Stage.objects.filter(label="written by a trigger").count() == 0


class Unsteady(LeadInactive):
    """A trigger that reads another table for the past than for the present."""

    def matching(self, moment: ScanMoment, parameters: LeadInactiveParameters) -> QuerySet[Lead]:
        found = super().matching(moment, parameters)
        if moment.now < NOW:
            found = found.exclude(email__in=Contact.objects.values("email"))
        return found


def test_a_trigger_that_reads_what_was_not_prepared_gives_no_half_answer(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, Unsteady())
    broken = run(ask(cast.manager))
    assert (broken.status, broken.message) == (
        WorkStatus.FAILED,
        "The trigger read what was not prepared: crm_contact.",
    )


# --- Workers that die


def test_a_replay_whose_session_dies_can_be_asked_again(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    LeadFactory(created_at=NOW - timedelta(days=30))
    manager = make_cast().manager
    replay = ask(manager)

    class Fatal(LeadInactive):
        def matching(
            self, moment: ScanMoment, parameters: LeadInactiveParameters
        ) -> QuerySet[Lead]:
            if moment.now < NOW - timedelta(days=2):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return super().matching(moment, parameters)

    with monkeypatch.context() as patch:
        put_in_place(patch, Fatal())
        at_once(committed_tenant, [lambda: run_replay(run_id=replay.pk)])
    replay.refresh_from_db()
    assert (replay.status, replay.result) == (WorkStatus.FAILED, None)
    again = run(ask(manager))
    assert again.status == WorkStatus.SUCCEEDED


def test_a_replay_whose_worker_was_killed_is_taken_over_from_the_beginning(cast: Cast) -> None:
    """The broker delivers the message again: the row says that it runs, the lock that nobody runs it."""
    replay = ask(cast.manager)
    ReplayRun.objects.update(status=WorkStatus.RUNNING, attempts=1, steps_done=3)
    assert run(replay).status == WorkStatus.SUCCEEDED
    assert (replay.attempts, replay.steps_done, replay.steps_total) == (2, 6, 6)


def test_a_replay_that_kills_its_workers_is_given_up(cast: Cast) -> None:
    replay = ask(cast.manager)
    ReplayRun.objects.update(status=WorkStatus.RUNNING, attempts=MOST_ATTEMPTS)
    assert run(replay).message == "The worker died 3 times at it."
    assert replay.status == WorkStatus.FAILED


def test_a_replay_that_nobody_works_on_is_lost_and_makes_room(cast: Cast) -> None:
    silent_since = NOW - TAKEN_OVER_WITHIN - timedelta(seconds=1)
    lost = ask(cast.manager)
    ReplayRun.objects.update(status=WorkStatus.RUNNING, heartbeat_at=silent_since)
    forgotten = ask(cast.manager, "task_overdue")
    queued_at = NOW - LOST_AFTER - timedelta(seconds=1)
    ReplayRun.objects.filter(pk=forgotten.pk).update(queued_at=queued_at)
    fresh = ask(cast.manager, "deal_stalled")
    again = ask(cast.manager)
    statuses = dict(ReplayRun.objects.values_list("pk", "status"))
    assert statuses == {
        lost.pk: WorkStatus.LOST,
        forgotten.pk: WorkStatus.LOST,
        fresh.pk: WorkStatus.QUEUED,
        again.pk: WorkStatus.QUEUED,
    }
    # A late message finds it closed.
    assert run(lost).status == WorkStatus.LOST


def test_a_slow_replay_is_not_lost_while_its_worker_lives(committed_tenant: Tenant) -> None:
    replay = ask(make_cast().manager)
    silent_since = NOW - timedelta(hours=1)
    ReplayRun.objects.update(status=WorkStatus.RUNNING, heartbeat_at=silent_since)
    with holding(lock_name("lead_inactive")):
        assert close_lost_replays(NOW) == 0
        # The same message a second time: another worker leaves it alone.
        assert at_once(committed_tenant, [lambda: run_replay(run_id=replay.pk)]) == [None]
    replay.refresh_from_db()
    assert replay.status == WorkStatus.RUNNING
    assert close_lost_replays(NOW) == 1


def test_a_replay_that_is_gone_or_over_is_left_alone(cast: Cast) -> None:
    replay = run(ask(cast.manager))
    finished_at = replay.finished_at
    assert run(replay).finished_at == finished_at
    replay.delete()
    run_replay(run_id=12345)
