"""Looking for duplicates in the background. The tenant travels in the task's header."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from django.utils import timezone
from django_tenants.utils import schema_context

from apps.duplicates.models import MatchRun
from apps.duplicates.services.work import (
    carry_out_run,
    forget_old_looks,
    let_pairs_go,
    match_changed,
    request_night,
)
from apps.tenants.context import begin_request
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, enabled_schemas, is_module_on
from apps.tenants.work.runs import close_lost

# A look at what changed comes again so soon that a late one is left out; past the limit it is cut off, and
# the next one reads from the same place.
CHANGES_SOFT_TIME_LIMIT_S = 270
CHANGES_TIME_LIMIT_S = 300


@shared_task(name="duplicates.carry_out")
def carry_out(*, run_id: int) -> None:
    """Do a run that was written down; a second delivery of the message finds it over."""
    begin_request()
    run = MatchRun.objects.filter(pk=run_id).first()
    if run is not None and run.is_unfinished:
        carry_out_run(run, now=timezone.now())


def send_run(run: MatchRun) -> None:
    """Hand a run to a worker once the transaction is through."""
    transaction.on_commit(lambda: carry_out.delay(run_id=run.pk))


@shared_task(name="duplicates.begin_night_of_current_tenant")
def begin_night_of_current_tenant() -> None:
    """Compare all records of the tenant in whose schema the task runs, each subject in a task of its own."""
    begin_request()
    forget_old_looks(timezone.now())
    close_lost(timezone.now(), MatchRun)
    if not is_module_on(current_tenant(), Module.DUPLICATES):
        let_pairs_go(timezone.now())
        return
    for run in request_night():
        send_run(run)


@shared_task(name="duplicates.begin_night_of_all_tenants")
def begin_night_of_all_tenants() -> None:
    """Begin the night of every enabled tenant, each for itself."""
    for schema in enabled_schemas():
        with schema_context(schema):
            begin_night_of_current_tenant.delay()


@shared_task(
    name="duplicates.match_changes_of_current_tenant",
    soft_time_limit=CHANGES_SOFT_TIME_LIMIT_S,
    time_limit=CHANGES_TIME_LIMIT_S,
)
def match_changes_of_current_tenant() -> None:
    """Compare what changed in the tenant in whose schema the task runs."""
    begin_request()
    if is_module_on(current_tenant(), Module.DUPLICATES):
        for run in match_changed(timezone.now()):
            send_run(run)


@shared_task(name="duplicates.match_changes_of_all_tenants")
def match_changes_of_all_tenants(*, expire_seconds: int) -> None:
    """Queue a look at every enabled tenant; one that could not start in time is left to the next."""
    for schema in enabled_schemas():
        with schema_context(schema):
            match_changes_of_current_tenant.apply_async(expires=expire_seconds)
