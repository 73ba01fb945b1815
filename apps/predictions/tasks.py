"""The engine in the background. The tenant travels in the task's header."""

from __future__ import annotations

from contextlib import suppress

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.predictions.enums import Prediction, RunKind
from apps.predictions.models import PredictionRun, Trial
from apps.predictions.services.runs import close_lost_runs, request_run
from apps.predictions.services.trials import remove_old_trials, try_out
from apps.predictions.services.work import (
    carry_out_run,
    request_night,
    score_changed,
    withdraw_scores,
)
from apps.tenants.context import begin_request
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, enabled_schemas, is_module_on
from apps.tenants.work.exceptions import WorkUnderWayError
from apps.users.models import User

# Scoring what changed comes again so soon that a late one is left out; past the limit it is cut off, and
# the next one reads from the same place.
CHANGES_SOFT_TIME_LIMIT_S = 270
CHANGES_TIME_LIMIT_S = 300


@shared_task(name="predictions.carry_out")
def carry_out(*, run_id: int) -> None:
    """Do a run that was written down; a second delivery of the message finds it over."""
    begin_request()
    run = PredictionRun.objects.filter(pk=run_id).first()
    if run is not None and run.is_unfinished:
        carry_out_run(run, now=timezone.now())


def send_run(run: PredictionRun) -> None:
    """Hand a run to a worker once the transaction is through."""
    transaction.on_commit(lambda: carry_out.delay(run_id=run.pk))


@shared_task(name="predictions.carry_out_trial")
def carry_out_trial(*, trial_id: int) -> None:
    """Try the estimators on a table that somebody uploaded; a second delivery finds it over."""
    begin_request()
    trial = Trial.objects.filter(pk=trial_id).first()
    if trial is not None and trial.is_unfinished:
        try_out(trial)


def send_trial(trial: Trial) -> None:
    """Hand a trial to a worker once the transaction is through."""
    transaction.on_commit(lambda: carry_out_trial.delay(trial_id=trial.pk))


def send_scoring(prediction: Prediction, user: User) -> None:
    """Have everything scored by the model that serves now; where that is under way it is left to it."""
    with suppress(WorkUnderWayError):
        send_run(request_run(RunKind.SCORING, prediction, user))


@shared_task(name="predictions.begin_night_of_current_tenant")
def begin_night_of_current_tenant() -> None:
    """Write down what is to be done in the tenant in whose schema the task runs, one task each."""
    begin_request()
    remove_old_trials(timezone.now())
    if not is_module_on(current_tenant(), Module.PREDICTIONS):
        withdraw_scores(timezone.now())
        return
    close_lost_runs(timezone.now())
    for run in request_night(timezone.now()):
        send_run(run)


@shared_task(name="predictions.begin_night_of_all_tenants")
def begin_night_of_all_tenants() -> None:
    """Begin the night of every enabled tenant, each for itself."""
    for schema in enabled_schemas():
        with schema_context(schema):
            begin_night_of_current_tenant.delay()


@shared_task(
    name="predictions.score_changes_of_current_tenant",
    soft_time_limit=CHANGES_SOFT_TIME_LIMIT_S,
    time_limit=CHANGES_TIME_LIMIT_S,
)
def score_changes_of_current_tenant() -> None:
    """Score what changed in the tenant in whose schema the task runs."""
    begin_request()
    if is_module_on(current_tenant(), Module.PREDICTIONS):
        score_changed(timezone.now())


@shared_task(name="predictions.score_changes_of_all_tenants")
def score_changes_of_all_tenants(*, expire_seconds: int) -> None:
    """Queue a look at every enabled tenant; one that could not start in time is left to the next."""
    for schema in enabled_schemas():
        with schema_context(schema):
            score_changes_of_current_tenant.apply_async(expires=expire_seconds)
