"""The Celery application and the schedule: tasks carry the tenant's schema and run inside it."""

from __future__ import annotations

import os
from datetime import timedelta

from celery.schedules import crontab
from celery.signals import worker_init
from tenant_schemas_celery.app import CeleryApp

from apps.triggers.schedule import DAILY_SCAN_HOUR_UTC, ROUND_INTERVAL

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aisha.settings")
# Numerical libraries start a thread for each core in every process, and then wait for each other. Read when
# they are loaded, which happens long after this.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

app = CeleryApp("aisha")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def refuse_without_least_power(**_: object) -> None:
    """A worker does not start where the database accounts may do more than they are meant to."""
    # Imported when the applications are ready.
    from apps.operations.starting import require_least_power

    require_least_power()


# Beat runs in the public schema; each task here fans out over the tenants itself. At its start beat copies
# this table into the database, from which the operator's admin shows it and can pause a task: what stands
# here wins over an interval that was changed there.
app.conf.beat_schedule = {
    "daily scan": {
        "task": "triggers.scan_all_tenants",
        # Once a day: most triggers count days of silence, and people plan their day in the morning.
        "schedule": crontab(hour=DAILY_SCAN_HOUR_UTC, minute=0),
        # A scan that could not start within the day is superseded by the next one.
        "options": {"expire_seconds": 20 * 3600},
    },
    "predictions of the night": {
        "task": "predictions.begin_night_of_all_tenants",
        # Before the daily scan, whose triggers read the scores.
        "schedule": crontab(hour=1, minute=30),
        "options": {"expire_seconds": 20 * 3600},
    },
    "scoring of changes": {
        "task": "predictions.score_changes_of_all_tenants",
        # A changed record has its new score within a minute; a look without news is three statements.
        "schedule": timedelta(seconds=30),
        "kwargs": {"expire_seconds": 30},
        "options": {"expire_seconds": 30},
    },
    "duplicates of the night": {
        "task": "duplicates.begin_night_of_all_tenants",
        # After the predictions, before the daily scan, whose triggers read the pairs.
        "schedule": crontab(hour=2, minute=15),
        "options": {"expire_seconds": 20 * 3600},
    },
    "duplicates among changes": {
        "task": "duplicates.match_changes_of_all_tenants",
        # Who saves a record is told of its like before; this is for what came in by import and API. A look
        # without news is four statements.
        "schedule": timedelta(seconds=45),
        "kwargs": {"expire_seconds": 45},
        "options": {"expire_seconds": 45},
    },
    "rounds": {
        "task": "triggers.look_around_all_tenants",
        # Changes wake a worker by themselves (``manage.py watch_changes``). Days and hours of silence come
        # due by the clock, and nobody minds five minutes; a round without news costs milliseconds.
        "schedule": ROUND_INTERVAL,
        "kwargs": {"expire_seconds": int(ROUND_INTERVAL.total_seconds())},
        "options": {"expire_seconds": int(ROUND_INTERVAL.total_seconds())},
    },
    "upkeep of suggestions": {
        "task": "suggestions.keep_all_true",
        # A snooze ends at a quarter of an hour at most after its time, and what no longer holds is gone
        # before somebody reads it after a break; the queries are by index and cost milliseconds.
        "schedule": timedelta(minutes=15),
        "options": {"expire_seconds": 15 * 60},
    },
    "outcomes of decisions": {
        "task": "suggestions.follow_all",
        # They are looked at by the day, and written once; at night nobody waits for the tables.
        "schedule": crontab(hour=3, minute=15),
        "options": {"expire_seconds": 20 * 3600},
    },
    "upkeep of the Brain": {
        "task": "brain.keep_all_up",
        # Prompts and answers are kept for whole days, and what a killed worker set aside counts as spent
        # after an hour: ten minutes more are noticed by nobody, and each look is two statements by index.
        "schedule": timedelta(minutes=10),
        "options": {"expire_seconds": 10 * 60},
    },
    "digests": {
        "task": "suggestions.send_all_digests",
        # Who wants theirs at half past seven has it by twenty to eight.
        "schedule": timedelta(minutes=10),
        "kwargs": {"expire_seconds": 10 * 60},
        "options": {"expire_seconds": 10 * 60},
    },
    "webhooks": {
        "task": "suggestions.send_all_webhooks",
        # Programs that listen act within a minute; a look at a log without news is three statements by index,
        # and at a tenant without endpoints one. The first waits between tries are as long.
        "schedule": timedelta(seconds=20),
        "kwargs": {"expire_seconds": 20},
        "options": {"expire_seconds": 20},
    },
    "removal of old webhook messages": {
        "task": "suggestions.remove_all_old_webhooks",
        # They are kept for whole days; at night nobody waits for the disk.
        "schedule": crontab(hour=2, minute=45),
        "options": {"expire_seconds": 20 * 3600},
    },
    "closing of lost scans": {
        "task": "triggers.close_all_lost_scans",
        # A scan counts as lost after 30 minutes of silence; a third of that is soon enough to show it.
        "schedule": timedelta(minutes=10),
        "options": {"expire_seconds": 10 * 60},
    },
    "sealing of the audit logs": {
        "task": "audit.seal_all_logs",
        # What is not sealed yet can be changed unnoticed; a look at a log without news is two statements.
        "schedule": timedelta(minutes=1),
        "options": {"expire_seconds": 60},
    },
    "watch over calls": {
        "task": "realtime.watch_all",
        # Who may not talk any more is not let talk on for long, and each second costs money; a look at a
        # tenant where nobody talks is one statement by index.
        "schedule": timedelta(seconds=15),
        "kwargs": {"expire_seconds": 15},
        "options": {"expire_seconds": 15},
    },
    "upkeep of realtime voice": {
        "task": "realtime.keep_all_up",
        # Telemetry, answers of tools and calls are kept for whole days: nobody notices ten minutes more.
        "schedule": timedelta(minutes=10),
        "options": {"expire_seconds": 10 * 60},
    },
    "removal of kept answers": {
        "task": "users.remove_all_old_answers",
        # They are kept for a day, and are not read after it: an hour more is noticed by nobody.
        "schedule": timedelta(hours=1),
        "options": {"expire_seconds": 3600},
    },
    "removal of old import files": {
        "task": "crm.remove_all_old_import_files",
        # They are kept for whole days; at night nobody waits for the disk.
        "schedule": crontab(hour=2, minute=30),
        "options": {"expire_seconds": 20 * 3600},
    },
}
