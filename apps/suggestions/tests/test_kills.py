"""A process killed, or cut off from its database, at every step in turn: nothing twice, nothing lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import Model
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast, make_cast
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.models import Execution, PolicyDecision
from apps.suggestions.enums import State
from apps.suggestions.exceptions import ApplyFailedError, UndoFailedError
from apps.suggestions.models import BulkApproval, Decision, Suggestion
from apps.suggestions.services import (
    approve,
    rebase,
    request_bulk,
    retry_bulk,
    run_bulk,
    undo,
)
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.models import Tenant
from apps.tenants.tests.altered import altered
from apps.tenants.tests.refusals import failing
from apps.triggers.models import Silence
from apps.users.models import User

NOW = timezone.now()
LATER = NOW + timedelta(hours=1)


class Program:
    """The other process, which is told what to do and where to break off."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, move: str, row: Model, user: User, *, step: int, way: str = "kill") -> str:
        """What came of it: ``killed``, ``done STEPS``, or the name of an error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        wish = {
            "move": move, "row": row.pk, "user": user.pk, "step": step, "way": way,
            "now": NOW.isoformat(),
        }  # fmt: skip
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def running(tenant: Tenant) -> Iterator[Program]:
    urls = {
        name: urlunsplit(
            urlsplit(getattr(settings, name))._replace(path=f"/{connection.settings_dict['NAME']}")
        )
        for name in ("DATABASE_URL", "DATABASE_OWNER_URL")
    }
    with subprocess.Popen(
        [sys.executable, "-m", "apps.suggestions.tests.killed", tenant.schema_name],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            **urls,
            "DJANGO_SETTINGS_MODULE": "aisha.settings",
            "AISHA_DATABASE_ACCOUNT": "app",
            "BRAIN_PRIVATE_HOSTS": ",".join(settings.BRAIN_PRIVATE_HOSTS),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Program(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def program(committed_tenant: Tenant) -> Iterator[Program]:
    with running(committed_tenant) as started:
        yield started


def waiting(cast: Cast) -> Suggestion:
    suggestion: Suggestion = SuggestionFactory(
        lead=LeadFactory(owner=cast.rep), assignee=cast.rep, created_at=NOW - timedelta(days=1)
    )
    return suggestion


def all_of(suggestion: Suggestion) -> tuple[object, ...]:
    """State, task, executions, decisions, silences and audit entries of one suggestion."""
    suggestion.refresh_from_db()
    return (
        suggestion.state,
        list(Task.objects.filter(lead_id=suggestion.record_id).values_list("status", flat=True)),
        list(
            Execution.objects.filter(idempotency_key=f"suggestion:{suggestion.pk}").values_list(
                "status", flat=True
            )
        ),
        list(suggestion.decisions.order_by("pk").values_list("verdict", flat=True)),
        Silence.objects.filter(record_id=suggestion.record_id).count(),
        list(AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True)),
    )


NOTHING: tuple[object, ...] = (State.PENDING, [], [], [], 0, [])
APPROVED = ["suggestion.approved", "execution.succeeded"]
DONE: tuple[object, ...] = (State.APPLIED, ["open"], ["succeeded"], ["approve"], 1, APPROVED)
UNDONE = (
    State.UNDONE, ["cancelled"], ["succeeded"], ["approve", "undo"], 1, [*APPROVED, "execution.undone"],
)  # fmt: skip


def kill_approving(program: Program, cast: Cast, step: int) -> None:
    """Kill it at this step; whoever tries again ends in the same place."""
    suggestion = waiting(cast)
    assert program("approve", suggestion, cast.rep, step=step) == "killed"
    found = all_of(suggestion)
    assert found in (NOTHING, DONE)
    if found == NOTHING:
        approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW)
    assert all_of(suggestion) == DONE


def kill_undoing(program: Program, cast: Cast, step: int) -> None:
    suggestion = waiting(cast)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert program("undo", suggestion, cast.rep, step=step) == "killed"
    found = all_of(suggestion)
    assert found in (DONE, UNDONE)
    if found == DONE:
        undo(suggestion_id=suggestion.pk, user=cast.teammate, now=LATER)
    assert all_of(suggestion) == UNDONE


def steps_of(program: Program, move: str, cast: Cast) -> int:
    """How many steps it takes when nothing happens."""
    suggestion = waiting(cast)
    if move == "undo":
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    answer, _, steps = program(move, suggestion, cast.rep, step=0).partition(" ")
    assert answer == "done"
    return int(steps)


def test_killed_at_every_step_of_an_approval(program: Program) -> None:
    cast = make_cast()
    steps = steps_of(program, "approve", cast)
    for step in range(1, steps + 1):
        kill_approving(program, cast, step)
    # The last one was killed with everything done.
    assert Task.objects.count() == Execution.objects.count() == steps + 1
    assert PolicyDecision.objects.count() == steps + 1


def test_killed_at_every_step_of_an_undo(program: Program) -> None:
    cast = make_cast()
    for step in range(1, steps_of(program, "undo", cast) + 1):
        kill_undoing(program, cast, step)


def bulk_of(cast: Cast, *suggestions: Suggestion) -> BulkApproval:
    items = [(suggestion.pk, suggestion.refreshed_at) for suggestion in suggestions]
    return request_bulk(user=cast.rep, items=items, now=NOW)


def steps_of_bulk(program: Program, cast: Cast) -> int:
    """How many steps two approvals take when nothing happens."""
    bulk = bulk_of(cast, waiting(cast), waiting(cast))
    answer, _, steps = program("run_bulk", bulk, cast.rep, step=0).partition(" ")
    assert answer == "done"
    return int(steps)


def test_a_bulk_approval_killed_at_every_step_is_gone_on_with(program: Program) -> None:
    cast = make_cast()
    for step in range(1, steps_of_bulk(program, cast) + 1):
        suggestions = waiting(cast), waiting(cast)
        bulk = bulk_of(cast, *suggestions)
        assert program("run_bulk", bulk, cast.rep, step=step) == "killed"
        run_bulk(bulk_id=bulk.pk, now=LATER)
        bulk.refresh_from_db()
        assert bulk.finished_at in {NOW, LATER}
        assert list(bulk.items.values_list("outcome", flat=True)) == ["applied", "applied"]
        assert [all_of(suggestion) for suggestion in suggestions] == [DONE, DONE]


# What the trouble is called when a session ends under a statement, and when there is none any more.
CUT_OFF = {"AdminShutdown", "OperationalError"}


def test_cut_off_from_the_database_at_every_step(program: Program) -> None:
    cast = make_cast()
    answers = set()
    for step in range(1, steps_of(program, "approve", cast) + 1):
        suggestion = waiting(cast)
        answer = program("approve", suggestion, cast.rep, step=step, way="cut")
        answers.add(answer.partition(" ")[0])
        suggestion.refresh_from_db()
        if suggestion.state == State.FAILED:
            assert answer == "ApplyFailedError"
            assert suggestion.execution is not None
            assert suggestion.execution.error_code in CUT_OFF
        if suggestion.state != State.APPLIED:
            assert suggestion.state in {State.PENDING, State.FAILED}
            assert Task.objects.filter(lead_id=suggestion.record_id).count() == 0
            approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW)
        suggestion.refresh_from_db()
        assert suggestion.state == State.APPLIED
        assert Task.objects.filter(lead_id=suggestion.record_id).count() == 1
        assert Decision.objects.filter(suggestion=suggestion).count() == 1
    # Before the transaction nothing was begun; within it the failure is kept; after it all is done.
    assert answers == {"OperationalError", "ApplyFailedError", "done"}


def test_cut_off_from_the_database_at_every_step_of_an_undo(program: Program) -> None:
    cast = make_cast()
    answers = set()
    for step in range(1, steps_of(program, "undo", cast) + 1):
        suggestion = approve(suggestion_id=waiting(cast).pk, user=cast.rep, now=NOW)
        answer = program("undo", suggestion, cast.rep, step=step, way="cut").partition(" ")[0]
        answers.add(answer)
        found = all_of(suggestion)
        failures = failures_of_undo(suggestion)
        if answer == "UndoFailedError":
            assert len(failures) == 1
            assert failures <= CUT_OFF
            assert found == FAILED_TO_UNDO
        else:
            assert failures == set()
            # Cut off before the transaction, or behind it while the outcome is read.
            assert found == UNDONE or (answer, found) == ("OperationalError", DONE)
        if found != UNDONE:
            undo(suggestion_id=suggestion.pk, user=cast.teammate, now=LATER)
        assert all_of(suggestion)[:-1] == UNDONE[:-1]
        assert undone_by(suggestion) == 1
    assert answers == {"OperationalError", "UndoFailedError", "done"}


FAILED_TO_UNDO = (*DONE[:-1], [*APPROVED, "execution.failed"])


def failures_of_undo(suggestion: Suggestion) -> set[str]:
    """As what the failed attempts to undo it are on record."""
    attempts = Execution.objects.filter(undoes=suggestion.execution, status="failed")
    return set(attempts.values_list("error_code", flat=True))


def undone_by(suggestion: Suggestion) -> int:
    """By how many executions it was taken back."""
    return Execution.objects.filter(undoes=suggestion.execution, status="succeeded").count()


def cut_off_in_bulk(program: Program, cast: Cast, step: int) -> str:
    """Cut the worker off; what it had not begun the next one applies, what failed the person tries again."""
    suggestions = waiting(cast), waiting(cast)
    bulk = bulk_of(cast, *suggestions)
    answer = program("run_bulk", bulk, cast.rep, step=step, way="cut").partition(" ")[0]
    run_bulk(bulk_id=bulk.pk, now=LATER)
    try_failed_again(bulk, cast)
    for suggestion in suggestions:
        suggestion.refresh_from_db()
        task = Task.objects.get(lead_id=suggestion.record_id)
        assert (suggestion.state, task.status) == (State.APPLIED, "open")
        assert Decision.objects.filter(suggestion=suggestion).count() == 1
    return answer


def try_failed_again(bulk: BulkApproval, cast: Cast) -> list[str]:
    """See that each item says what came of it, and have those that failed tried again; return their codes."""
    bulk.refresh_from_db()
    assert bulk.finished_at is not None
    failed = []
    for item in bulk.items.select_related("suggestion"):
        is_applied = item.suggestion.state == State.APPLIED
        assert item.outcome == ("applied" if is_applied else "failed")
        assert bool(item.message) is not is_applied
        if not is_applied:
            failed.append(item)
    if failed:
        again = [(item.suggestion_id, item.suggestion.refreshed_at) for item in failed]
        retry_bulk(user=cast.rep, bulk_id=bulk.pk, items=again, now=LATER)
        run_bulk(bulk_id=bulk.pk, now=LATER)
    assert list(bulk.items.values_list("outcome", flat=True)) == ["applied", "applied"]
    return [item.code for item in failed]


def test_a_bulk_approval_cut_off_at_every_step(program: Program) -> None:
    cast = make_cast()
    steps = range(1, steps_of_bulk(program, cast) + 1)
    answers = {cut_off_in_bulk(program, cast, step) for step in steps}
    assert answers == {"OperationalError", "done"}


in_trouble = pytest.mark.parametrize(
    ("sqlstate", "code"),
    [("40001", "SerializationFailure"), ("40P01", "DeadlockDetected"), ("53100", "DiskFull")],
    ids=["serialization failure", "deadlock", "disk full"],
)


@in_trouble
@pytest.mark.parametrize(
    "table", ["crm_task", "execution_execution", "suggestions_decision", "audit_auditentry"]
)
def test_a_database_in_trouble_is_said_and_trying_again_works(
    committed_tenant: Tenant, table: str, sqlstate: str, code: str
) -> None:
    cast = make_cast()
    suggestion = waiting(cast)
    is_recordable = table not in {"execution_execution", "audit_auditentry"}
    with failing(committed_tenant, table, sqlstate):
        if is_recordable:
            with pytest.raises(ApplyFailedError):
                approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
        else:
            # Not even the failure can be written down: the error comes through, and all is as before.
            with pytest.raises(Exception, match="trouble"):
                approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    suggestion.refresh_from_db()
    assert Task.objects.count() == 0
    if is_recordable:
        assert suggestion.execution is not None
        assert (suggestion.state, suggestion.execution.error_code) == (State.FAILED, code)
    else:
        assert (suggestion.state, suggestion.execution) == (State.PENDING, None)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (done.state, Task.objects.count()) == (State.APPLIED, 1)


@in_trouble
def test_a_database_in_trouble_while_undoing_is_said_and_trying_again_works(
    committed_tenant: Tenant, sqlstate: str, code: str
) -> None:
    cast = make_cast()
    for table, verb in (
        ("crm_task", "UPDATE"),
        ("suggestions_suggestion", "UPDATE"),
        ("suggestions_decision", "INSERT"),
        ("execution_execution", "INSERT"),
        ("audit_auditentry", "INSERT"),
    ):
        suggestion = approve(suggestion_id=waiting(cast).pk, user=cast.rep, now=NOW)
        is_recordable = table not in {"execution_execution", "audit_auditentry"}
        expected = (UndoFailedError, "refused it") if is_recordable else (Exception, "trouble")
        with (
            failing(committed_tenant, table, sqlstate, verb=verb),
            pytest.raises(expected[0], match=expected[1]),
        ):
            undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
        assert failures_of_undo(suggestion) == ({code} if is_recordable else set()), table
        assert all_of(suggestion) == (FAILED_TO_UNDO if is_recordable else DONE), table
        undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
        assert all_of(suggestion)[:-1] == UNDONE[:-1], table
        assert undone_by(suggestion) == 1, table


@in_trouble
def test_a_bulk_approval_in_a_database_in_trouble_says_so_and_trying_again_works(
    committed_tenant: Tenant, sqlstate: str, code: str
) -> None:
    cast = make_cast()
    for table, verb, told in (
        ("crm_task", "INSERT", "apply_failed"),
        # Where the failure cannot be put on record, it is said all the same.
        ("audit_auditentry", "INSERT", "fault"),
    ):
        bulk = bulk_of(cast, waiting(cast), waiting(cast))
        with failing(committed_tenant, table, sqlstate, verb=verb):
            run_bulk(bulk_id=bulk.pk, now=NOW)
        assert try_failed_again(bulk, cast) == [told, told], table
    # Both are applied, and that cannot be written down: the next worker finds them applied.
    suggestions = waiting(cast), waiting(cast)
    bulk = bulk_of(cast, *suggestions)
    with (
        failing(committed_tenant, "suggestions_bulkitem", sqlstate, verb="UPDATE"),
        pytest.raises(OperationalError, match="trouble"),
    ):
        run_bulk(bulk_id=bulk.pk, now=NOW)
    assert [all_of(suggestion) for suggestion in suggestions] == [DONE, DONE]
    run_bulk(bulk_id=bulk.pk, now=LATER)
    assert try_failed_again(bulk, cast) == []
    assert [all_of(suggestion) for suggestion in suggestions] == [DONE, DONE]
    codes = Execution.objects.filter(status="failed").values_list("error_code", flat=True)
    assert list(codes) == [code, code]


def test_what_was_planned_before_a_table_was_altered_fails_no_decision(
    committed_tenant: Tenant,
) -> None:
    """Statements that are planned once for a connection, and a migration that it lives to see."""
    cast = make_cast()
    first, second = waiting(cast), waiting(cast)
    bulk = bulk_of(cast, waiting(cast), waiting(cast))
    approve(suggestion_id=first.pk, user=cast.rep, now=NOW)
    with altered(committed_tenant, "crm_lead", "external_id", "varchar(999)"):
        approve(suggestion_id=second.pk, user=cast.rep, now=NOW)
    run_bulk(bulk_id=bulk.pk, now=NOW)
    undo(suggestion_id=first.pk, user=cast.rep, now=LATER)
    with altered(committed_tenant, "crm_task", "external_id", "varchar(999)"):
        undo(suggestion_id=second.pk, user=cast.rep, now=LATER)
    assert [all_of(first), all_of(second)] == [UNDONE, UNDONE]
    assert try_failed_again(bulk, cast) == []
    assert not Execution.objects.filter(status="failed").exists()


@pytest.mark.parametrize("table", ["suggestions_decision", "audit_auditentry"])
def test_what_cannot_be_put_on_record_is_not_brought_up_to_date(
    committed_tenant: Tenant, table: str
) -> None:
    cast = make_cast()
    suggestion = waiting(cast)
    Lead.objects.filter(pk=suggestion.record_id).update(status="working")
    with failing(committed_tenant, table, "53100"), pytest.raises(OperationalError):
        rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    there = Suggestion.objects.get(pk=suggestion.pk)
    assert (there.refreshed_at, there.guard_values) == (
        suggestion.refreshed_at, suggestion.guard_values,
    )  # fmt: skip
    rebased = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (rebased.refreshed_at, rebased.decisions.count()) == (NOW, 1)


@pytest.mark.soak
def test_a_thousand_kills(program: Program) -> None:
    cast = make_cast()
    chance = random.Random(1)
    approving = steps_of(program, "approve", cast)
    undoing = steps_of(program, "undo", cast)
    for _ in range(500):
        kill_approving(program, cast, chance.randint(1, approving))
        kill_undoing(program, cast, chance.randint(1, undoing))
