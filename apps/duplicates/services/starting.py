"""Starting and stopping looks at everything at a person's wish: who may, and on record."""

from __future__ import annotations

from django.db import transaction

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Detail, Entry, record_event
from apps.duplicates.enums import Subject
from apps.duplicates.exceptions import MatchPermissionError
from apps.duplicates.models import MatchRun
from apps.duplicates.services.work import request_run
from apps.tenants.enums import Module
from apps.tenants.services import require_module
from apps.tenants.work.runs import request_cancel
from apps.users.models import User

ADD_PERMISSION = "duplicates.add_matchrun"
VIEW_PERMISSION = "duplicates.view_matchrun"


def start_run(subject: Subject, user: User) -> MatchRun:
    """Write down that a person wants all records of a subject compared; the caller sends it to a worker.

    Raises:
        MatchPermissionError: the person's role does not include it.
        ModuleOffError: duplicates are switched off.
        WorkUnderWayError: it waits or is being done already.
    """
    _require_permission(user)
    require_module(Module.DUPLICATES)
    with transaction.atomic():
        run = request_run(subject, user)
        _record(Event.MATCH_RUN_REQUESTED, run, user)
    return run


def stop_run(run: MatchRun, user: User) -> None:
    """Stop a run that waits or works.

    Raises:
        MatchPermissionError: the person's role does not include it.
        WorkOverError: it is over already.
    """
    _require_permission(user)
    with transaction.atomic():
        request_cancel(run)
        _record(Event.MATCH_RUN_STOPPED, run, user)


def _require_permission(user: User) -> None:
    if not user.has_perm(ADD_PERMISSION):
        raise MatchPermissionError()


def _record(event: Event, run: MatchRun, user: User) -> None:
    details: dict[str, Detail] = {"run_id": run.pk, "kind": run.kind, "subject": run.subject}
    record_event(Actor.for_person(user), Entry(event, details=details))
