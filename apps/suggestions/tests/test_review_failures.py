"""A change that the database refuses: marked, found again, tried again. Rows are really committed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast, make_cast
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory, TaskFactory
from apps.execution.exceptions import ExecutionError, StaleError
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.exceptions import AnotherOpenError, ApplyFailedError, WithdrawnError
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import approve, rebase, reject
from apps.suggestions.tests.cases import suggested
from apps.suggestions.tests.test_review_edits import details_suggestion
from apps.tenants.models import Tenant
from apps.tenants.tests.refusals import failing, refusing
from apps.triggers.enums import ScanKind
from apps.triggers.models import Scan, Silence
from apps.triggers.services import scan_now

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


def scan(after: timedelta = timedelta()) -> Scan:
    return scan_now(kind=ScanKind.FULL, now=NOW + after)


def failed_suggestion(tenant: Tenant) -> tuple[Cast, Suggestion]:
    """A suggestion whose approval the database has refused."""
    cast = make_cast()
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    suggestion = Suggestion.objects.get()
    with refusing(tenant, "crm_task"), pytest.raises(ApplyFailedError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (caught.value.code, caught.value.status) == ("apply_failed", 502)
    assert caught.value.message == (
        "The change could not be written: the database refused it. Nothing was changed; try again."
    )
    suggestion.refresh_from_db()
    return cast, suggestion


def test_fault_06_a_failed_apply_is_kept_found_and_tried_again(committed_tenant: Tenant) -> None:
    cast, suggestion = failed_suggestion(committed_tenant)
    assert (suggestion.state, suggestion.reviewed_by, suggestion.reviewed_at) == (
        State.FAILED, cast.rep, NOW,
    )  # fmt: skip
    assert (suggestion.applied_at, suggestion.closed_because) == (
        None,
        "the database refused it (CheckViolation).",
    )
    attempt = Execution.objects.get()
    assert suggestion.execution == attempt
    assert (attempt.status, attempt.error_code, attempt.error_message) == (
        "failed", "CheckViolation", "the database refused it (CheckViolation).",
    )  # fmt: skip
    assert (Task.objects.count(), Decision.objects.count(), Silence.objects.count()) == (0, 0, 0)
    assert list(Suggestion.objects.visible_to(cast.rep).needing_decision()) == [suggestion]
    # The scan makes no second one beside it.
    assert scan(timedelta(minutes=1)).suggestions_created == 0

    done = approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW + timedelta(minutes=2))
    assert (done.state, done.reviewed_by, done.closed_because) == (State.APPLIED, cast.teammate, "")
    assert done.execution is not None
    assert done.execution.status == "succeeded"
    assert Task.objects.count() == 1
    statuses = Execution.objects.order_by("id").values_list("status", "idempotency_key")
    key = f"suggestion:{suggestion.pk}"
    assert list(statuses) == [("failed", key), ("succeeded", key)]
    events = AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True)
    assert list(events) == [
        "suggestion.created", "execution.failed", "suggestion.approved", "execution.succeeded",
    ]  # fmt: skip


def test_it_may_fail_as_often_as_it_likes(committed_tenant: Tenant) -> None:
    cast, suggestion = failed_suggestion(committed_tenant)
    with refusing(committed_tenant, "crm_task"), pytest.raises(ApplyFailedError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert list(Execution.objects.values_list("status", flat=True)) == ["failed", "failed"]


def test_what_fails_only_at_the_commit_is_a_failure_too(committed_tenant: Tenant) -> None:
    cast = make_cast()
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan()
    suggestion = Suggestion.objects.get()
    with (
        failing(committed_tenant, "crm_task", "23503", at_commit=True),
        pytest.raises(ApplyFailedError),
    ):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.count()) == (State.FAILED, 0)
    assert Execution.objects.get().error_code == "ForeignKeyViolation"
    assert (Decision.objects.count(), Silence.objects.count()) == (0, 0)


def test_a_failed_one_whose_record_changed_is_rebased_and_tried_again(
    committed_tenant: Tenant,
) -> None:
    cast, suggestion = failed_suggestion(committed_tenant)
    Lead.objects.update(status="qualified")
    with pytest.raises(StaleError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    rebased = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + timedelta(minutes=1))
    assert rebased.state == State.FAILED
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW + timedelta(minutes=2))
    assert (done.state, Task.objects.count()) == (State.APPLIED, 1)


def test_a_failed_one_without_a_reason_is_done_with_and_bars_nothing(
    committed_tenant: Tenant,
) -> None:
    cast, suggestion = failed_suggestion(committed_tenant)
    task = TaskFactory(lead=Lead.objects.get(), owner=cast.rep)
    with pytest.raises(WithdrawnError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    scan(timedelta(minutes=1))
    suggestion.refresh_from_db()
    assert suggestion.state == State.FAILED
    assert list(Suggestion.objects.needing_decision()) == []
    # The reason is back: a new signal, a new suggestion; the old one stays what it is.
    task.delete()
    assert scan(timedelta(minutes=2)).suggestions_created == 1
    fresh = Suggestion.objects.get(state=State.PENDING)
    assert list(Suggestion.objects.needing_decision()) == [fresh]
    with pytest.raises(AnotherOpenError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert approve(suggestion_id=fresh.pk, user=cast.rep, now=NOW).state == State.APPLIED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tool": "create_followups"}, "unknown_tool"),
        ({"arguments": {"task": 1}}, "invalid_arguments"),
        ({"arguments__owner_id": 10**9}, "reference_refused"),
    ],
    ids=["switched off since", "schema changed since", "owner who has left"],
)
def test_what_can_no_longer_be_made_is_refused_with_its_own_code_and_on_record(
    cast: Cast, change: dict[str, object], code: str
) -> None:
    suggestion = suggested(cast.rep)
    if "arguments__owner_id" in change:
        change = {"arguments": {**suggestion.arguments, "owner_id": 10**9}}
    Suggestion.objects.filter(pk=suggestion.pk).update(**change)
    with pytest.raises(ExecutionError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (caught.value.code, caught.value.status) == (code, 422)
    suggestion.refresh_from_db()
    # It is left as it was, to be edited or rejected.
    assert (suggestion.state, suggestion.reviewed_by) == (State.PENDING, None)
    assert (Task.objects.count(), Execution.objects.count()) == (0, 0)
    entry = AuditEntry.objects.get(event="policy.refused")
    assert (entry.actor_id, entry.details["code"]) == (cast.rep.pk, code)
    rejected = reject(suggestion_id=suggestion.pk, user=cast.rep, reason="not_needed", now=NOW)
    assert rejected.state == State.REJECTED


def test_a_part_that_could_not_be_written_leaves_the_suggestion_whole(
    committed_tenant: Tenant,
) -> None:
    cast = make_cast()
    contact, suggestion = details_suggestion(cast)
    with (
        refusing(committed_tenant, "crm_contact", unless="phone <> '2'"),
        pytest.raises(ApplyFailedError),
    ):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW, fields=["phone"])
    arguments = suggestion.arguments
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.arguments, suggestion.edited_at) == (
        State.FAILED, arguments, None,
    )  # fmt: skip
    assert suggestion.closed_because == "the database refused it (CheckViolation)."
    approve(suggestion_id=suggestion.pk, user=cast.teammate, now=NOW)
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("2", "Head")
