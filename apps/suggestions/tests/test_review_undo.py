"""Taking back an applied suggestion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from apps.audit.models import AuditEntry
from apps.conftest import Cast, make_cast
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.exceptions import NotReversibleError, UndoWindowError
from apps.execution.models import Execution
from apps.suggestions.enums import State, Verdict
from apps.suggestions.exceptions import (
    AlreadyDecidedError,
    DecisionPermissionError,
    SuggestionNotFoundError,
    UndoFailedError,
)
from apps.suggestions.learning.tallies import read_tallies
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import approve, edit, undo
from apps.suggestions.services.undoing import AT_ONCE
from apps.suggestions.tests.cases import LONG_AGO, NOW, give_execution, put_in, scan, suggested
from apps.tenants.models import Tenant
from apps.tenants.tests.refusals import refusing
from apps.tenants.tests.threads import at_once
from apps.users.models import User

LATER = NOW + timedelta(days=1)


def applied(cast: Cast) -> Suggestion:
    suggestion = suggested(cast.rep)
    return approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)


def test_it_is_undone_by_an_execution_of_its_own(cast: Cast) -> None:
    suggestion = applied(cast)
    done = undo(suggestion_id=suggestion.pk, user=cast.manager, now=LATER)
    assert (done.state, done.closed_because) == (State.UNDONE, "")
    # Who approved it stays on it; who took it back stands on the inverse execution.
    assert (done.reviewed_by, done.execution) == (cast.rep, suggestion.execution)
    inverse = Execution.objects.get(undoes=suggestion.execution)
    assert (inverse.approved_by, inverse.status) == (cast.manager, "succeeded")
    assert Task.objects.get().status == "cancelled"
    events = AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True)
    assert list(events) == [
        "suggestion.created", "suggestion.approved", "execution.succeeded", "execution.undone",
    ]  # fmt: skip
    assert Decision.objects.first().verdict == Verdict.UNDO  # type: ignore[union-attr]


def test_what_is_still_found_is_suggested_again(cast: Cast) -> None:
    suggestion = applied(cast)
    assert scan(timedelta(hours=1)).suggestions_created == 0
    undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    assert scan(timedelta(days=1, hours=1)).suggestions_created == 1
    again = Suggestion.objects.get(state=State.PENDING)
    assert (again.goal, again.record_id) == (suggestion.goal, suggestion.record_id)


def test_what_is_taken_back_at_once_waits_as_it_stood_and_is_no_verdict(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    edited = suggestion.arguments | {"title": "Ring them"}
    edit(suggestion_id=suggestion.pk, user=cast.rep, arguments=edited, now=NOW)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    done = undo(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + AT_ONCE, at_once=True)
    assert (done.state, done.arguments, done.edited_by) == (State.PENDING, edited, cast.rep)
    assert (done.applied_at, Task.objects.get().status) == (None, "cancelled")
    assert read_tallies(NOW + timedelta(minutes=1)) == []
    looked = scan(timedelta(minutes=1))
    assert (looked.suggestions_created, looked.suggestions_withdrawn) == (0, 0)

    again = approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + timedelta(minutes=2))
    assert again.state == State.APPLIED
    made = Execution.objects.filter(undoes=None).order_by("pk")
    assert [one.idempotency_key for one in made] == [
        f"suggestion:{again.pk}", f"suggestion:{again.pk}:{done.execution_id}",
    ]  # fmt: skip
    (tally,) = read_tallies(NOW + timedelta(minutes=3))
    assert (tally.count, tally.approved) == (1, 1)


def test_later_or_by_somebody_else_it_is_a_no(cast: Cast) -> None:
    for person, after in ((cast.rep, 2 * AT_ONCE), (cast.manager, AT_ONCE)):
        suggestion = applied(cast)
        done = undo(suggestion_id=suggestion.pk, user=person, now=NOW + after, at_once=True)
        assert done.state == State.UNDONE


@pytest.mark.parametrize("state", [state for state in State if state != State.APPLIED])
def test_only_what_is_applied(cast: Cast, state: State) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    with pytest.raises(AlreadyDecidedError):
        undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)


def test_who_may(cast: Cast) -> None:
    suggestion = applied(cast)
    with pytest.raises(SuggestionNotFoundError):
        undo(suggestion_id=suggestion.pk, user=cast.outsider, now=LATER)
    visitor = User.objects.create(username="visitor", team=cast.team)
    with pytest.raises(DecisionPermissionError):
        undo(suggestion_id=suggestion.pk, user=visitor, now=LATER)
    assert Task.objects.get().status == "open"


def test_too_late(cast: Cast) -> None:
    suggestion = applied(cast)
    with pytest.raises(UndoWindowError):
        undo(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + timedelta(days=31))
    suggestion.refresh_from_db()
    assert suggestion.state == State.APPLIED


def test_what_failed_cannot_be_taken_back(cast: Cast) -> None:
    suggestion = applied(cast)
    give_execution(suggestion, status="failed")
    with pytest.raises(NotReversibleError):
        undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)


def committed_application() -> tuple[Cast, Suggestion]:
    cast = make_cast()
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    return cast, approve(suggestion_id=Suggestion.objects.get().pk, user=cast.rep, now=NOW)


def test_what_the_database_refuses_stands_and_is_tried_again(committed_tenant: Tenant) -> None:
    cast, suggestion = committed_application()
    with (
        refusing(committed_tenant, "crm_task", unless="status <> 'cancelled'"),
        pytest.raises(UndoFailedError) as caught,
    ):
        undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    assert (caught.value.code, caught.value.status) == ("undo_failed", 502)
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.get().status) == (State.APPLIED, "open")
    failed = Execution.objects.get(undoes=suggestion.execution)
    assert (failed.status, failed.error_code) == ("failed", "CheckViolation")
    done = undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    assert (done.state, Task.objects.get().status) == (State.UNDONE, "cancelled")


def test_trouble_beside_an_undo_that_came_through_is_no_failure(cast: Cast) -> None:
    suggestion = applied(cast)
    steps = ["trouble", "another's undo"]

    def interrupt(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith('UPDATE "suggestions_suggestion"') and steps[:1] == ["trouble"]:
            steps.pop(0)
            raise OperationalError
        answer = execute(sql, *rest)
        if sql.startswith("ROLLBACK TO") and steps == ["another's undo"]:
            steps.pop()
            undo(suggestion_id=suggestion.pk, user=cast.manager, now=LATER)
        return answer

    with connection.execute_wrapper(interrupt), pytest.raises(AlreadyDecidedError):
        undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    suggestion.refresh_from_db()
    assert (suggestion.state, steps) == (State.UNDONE, [])
    statuses = Execution.objects.filter(undoes=suggestion.execution).values_list(
        "status", flat=True
    )
    assert list(statuses) == ["succeeded"]
    assert not AuditEntry.objects.filter(event="execution.failed").exists()


def test_ten_at_once_undo_it_once(committed_tenant: Tenant) -> None:
    cast, suggestion = committed_application()
    results = at_once(
        committed_tenant,
        [lambda: undo(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)] * 10,
    )
    assert sorted(type(result).__name__ for result in results) == [
        *["AlreadyDecidedError"] * 9, "Suggestion",
    ]  # fmt: skip
    assert Execution.objects.filter(undoes=suggestion.execution).count() == 1


def test_who_comes_after_an_undo_is_told_who_undid_it(cast: Cast) -> None:
    suggestion = applied(cast)
    undo(suggestion_id=suggestion.pk, user=cast.manager, now=LATER)
    with pytest.raises(AlreadyDecidedError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    assert (caught.value.extras["decided_by"], caught.value.extras["decided_at"]) == (
        cast.manager.display_name, LATER.isoformat(),
    )  # fmt: skip


def test_nobody_is_named_for_what_time_did(cast: Cast) -> None:
    suggestion = put_in(suggested(cast.rep), State.EXPIRED, cast.rep)
    Suggestion.objects.update(reviewed_by=cast.rep, reviewed_at=NOW)
    with pytest.raises(AlreadyDecidedError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=LATER)
    assert caught.value.message == "This suggestion is already expired."
