"""Runs: one of a kind at a time, told step by step, stopped, taken over, and never running for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.conftest import Cast
from apps.predictions.enums import Prediction, RunKind
from apps.predictions.exceptions import NothingServesError
from apps.predictions.models import PredictionRun
from apps.predictions.services.runs import close_lost_runs, request_run
from apps.tenants.work.enums import WorkStatus
from apps.tenants.work.exceptions import WorkOverError, WorkUnderWayError
from apps.tenants.work.runs import MOST_ATTEMPTS, Tell, carry_out, request_cancel

pytestmark = pytest.mark.django_db


def ask() -> PredictionRun:
    return request_run(RunKind.TRAINING, Prediction.LEAD_CONVERSION)


def test_a_second_run_of_the_same_kind_is_refused(cast: Cast) -> None:
    ask()
    with pytest.raises(WorkUnderWayError):
        ask()
    other = request_run(RunKind.TRAINING, Prediction.DEAL_CLOSE, cast.manager)
    assert other.requested_by == cast.manager


def test_a_run_tells_its_steps_and_what_came_of_it(cast: Cast) -> None:
    run = ask()
    seen: list[tuple[str, int, int]] = []

    def act(tell: Tell) -> str:
        tell(3, 10)
        run.refresh_from_db()
        seen.append((run.status, run.steps_done, run.steps_total))
        return "Three of ten will do."

    carry_out(run, act)
    run.refresh_from_db()
    assert seen == [("running", 3, 10)]
    assert (run.status, run.message, run.attempts) == ("succeeded", "Three of ten will do.", 1)
    assert run.finished_at is not None


def test_a_second_delivery_finds_nothing_to_do(cast: Cast) -> None:
    run = ask()
    done: list[int] = []

    def act(tell: Tell) -> str:
        done.append(1)
        return ""

    carry_out(run, act)
    run.refresh_from_db()
    carry_out(run, act)
    assert done == [1]


def test_who_stops_a_run_stops_it_at_its_next_step(cast: Cast) -> None:
    run = ask()
    steps: list[int] = []

    def act(tell: Tell) -> str:
        for step in range(5):
            tell(step, 5)
            steps.append(step)
            if step == 1:
                request_cancel(run)
        return "never said"

    carry_out(run, act)
    run.refresh_from_db()
    assert steps == [0, 1]
    assert (run.status, run.message) == (WorkStatus.CANCELLED, "It was stopped.")


def test_a_run_that_waits_is_stopped_at_once_and_one_that_is_over_is_not(cast: Cast) -> None:
    run = ask()
    request_cancel(run)
    run.refresh_from_db()
    assert run.status == WorkStatus.CANCELLED
    with pytest.raises(WorkOverError):
        request_cancel(run)
    assert ask().status == WorkStatus.QUEUED


def test_our_own_errors_are_told_and_others_are_raised_on(cast: Cast) -> None:
    run = ask()

    def refuse(tell: Tell) -> str:
        raise NothingServesError()

    carry_out(run, refuse)
    run.refresh_from_db()
    assert (run.status, run.message) == (WorkStatus.FAILED, NothingServesError.message)
    run = ask()

    def break_off(tell: Tell) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        carry_out(run, break_off)
    run.refresh_from_db()
    assert (run.status, run.message) == (WorkStatus.FAILED, "It broke off (ZeroDivisionError).")


def test_a_killed_run_is_taken_over_but_not_for_ever(cast: Cast) -> None:
    run = ask()
    PredictionRun.objects.filter(pk=run.pk).update(
        status=WorkStatus.RUNNING, attempts=MOST_ATTEMPTS - 1, heartbeat_at=timezone.now()
    )
    run.refresh_from_db()
    carry_out(run, lambda tell: "Done by another.")
    run.refresh_from_db()
    assert (run.status, run.attempts) == (WorkStatus.SUCCEEDED, MOST_ATTEMPTS)
    PredictionRun.objects.filter(pk=run.pk).update(status=WorkStatus.RUNNING)
    run.refresh_from_db()
    carry_out(run, lambda tell: "Once more.")
    run.refresh_from_db()
    assert (run.status, run.message) == (WorkStatus.FAILED, "The worker died 3 times at it.")


def test_what_nobody_works_at_any_more_is_closed(cast: Cast) -> None:
    now = timezone.now()
    silent, waiting = ask(), request_run(RunKind.FORECAST, None)
    PredictionRun.objects.filter(pk=silent.pk).update(
        status=WorkStatus.RUNNING, heartbeat_at=now - timedelta(minutes=31)
    )
    PredictionRun.objects.filter(pk=waiting.pk).update(queued_at=now - timedelta(minutes=29))
    assert close_lost_runs(now) == 1
    silent.refresh_from_db()
    waiting.refresh_from_db()
    assert (silent.status, waiting.status) == (WorkStatus.LOST, WorkStatus.QUEUED)


def test_who_looks_on_is_told_the_steps(cast: Cast) -> None:
    seen: list[tuple[int, int]] = []

    def act(tell: Tell) -> str:
        tell(1, 2)
        tell(2, 2)
        return ""

    carry_out(ask(), act, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
