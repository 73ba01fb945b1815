"""Two people, or a person and a scan, at the same moment. Real threads, connections and commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast, make_cast
from apps.crm.models import Contact, Lead, Task
from apps.crm.tests.factories import ActivityFactory, ContactFactory, LeadFactory
from apps.execution.exceptions import PermissionRefusedError, StaleError
from apps.execution.models import Execution
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.exceptions import AlreadyDecidedError, ChangedSinceSeenError
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.services import approve, rebase, reject, reopen
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import at_once, background, wait_until_blocked
from apps.triggers.enums import ScanKind
from apps.triggers.models import Silence
from apps.triggers.services import scan_now

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=30)


def one_suggestion() -> tuple[Cast, Suggestion]:
    """A cast, and a suggestion to follow up with a quiet lead."""
    cast = make_cast()
    LeadFactory(owner=cast.rep, created_at=LONG_AGO)
    scan_now(kind=ScanKind.FULL, now=NOW)
    return cast, Suggestion.objects.get()


def phone_suggestion() -> tuple[Cast, Contact, Suggestion]:
    """A cast, and a suggestion to correct a contact's phone number."""
    cast = make_cast()
    contact = ContactFactory(owner=cast.rep, phone="+1 555 0100", title="Buyer")
    ActivityFactory(
        contact=contact,
        owner=cast.rep,
        occurred_at=NOW - timedelta(days=1),
        stated_details={"phone": "+1 555 0123"},
    )
    scan_now(kind=ScanKind.FULL, now=NOW)
    return cast, contact, Suggestion.objects.get()


def outcomes(results: Sequence[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def test_fault_09_fifty_approvals_make_one_task(committed_tenant: Tenant) -> None:
    cast, suggestion = one_suggestion()
    people = [cast.rep, cast.teammate, cast.manager, cast.admin, cast.rep] * 10
    works = [
        partial(approve, suggestion_id=suggestion.pk, user=person, now=NOW) for person in people
    ]
    results = at_once(committed_tenant, works)
    assert outcomes(results) == {"Suggestion": 1, "AlreadyDecidedError": 49}
    refusals = [result for result in results if isinstance(result, AlreadyDecidedError)]
    assert {refusal.extras["state"] for refusal in refusals} == {"applied"}
    assert (Task.objects.count(), Execution.objects.count()) == (1, 1)
    assert (Decision.objects.count(), Silence.objects.count()) == (1, 1)
    events = Counter(
        AuditEntry.objects.of_suggestion(suggestion.pk).values_list("event", flat=True)
    )
    assert events == {
        "suggestion.created": 1, "suggestion.approved": 1, "execution.succeeded": 1,
    }  # fmt: skip


def test_approving_against_rejecting(committed_tenant: Tenant) -> None:
    cast, suggestion = one_suggestion()
    works = [partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW)] * 5 + [
        partial(
            reject,
            suggestion_id=suggestion.pk,
            user=cast.teammate,
            reason=RejectReason.NOT_NEEDED,
            now=NOW,
        )
    ] * 5
    results = at_once(committed_tenant, works)
    assert outcomes(results) == {"Suggestion": 1, "AlreadyDecidedError": 9}
    suggestion.refresh_from_db()
    written = 1 if suggestion.state == State.APPLIED else 0
    assert suggestion.state in {State.APPLIED, State.REJECTED}
    assert (Task.objects.count(), Execution.objects.count()) == (written, written)
    assert (Decision.objects.count(), Silence.objects.count()) == (1, 1)


def test_reopening_twice_at_once(committed_tenant: Tenant) -> None:
    cast, suggestion = one_suggestion()
    reject(suggestion_id=suggestion.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, now=NOW)
    works = [partial(reopen, suggestion_id=suggestion.pk, user=cast.rep, now=NOW)] * 4
    results = at_once(committed_tenant, works)
    assert outcomes(results) == {"Suggestion": 1, "AlreadyDecidedError": 3}


def test_an_edit_of_the_same_field_is_not_overwritten(committed_tenant: Tenant) -> None:
    cast, contact, suggestion = phone_suggestion()
    with background(committed_tenant) as start, transaction.atomic():
        Contact.objects.filter(pk=contact.pk).update(phone="+1 555 0177")
        approval = start(partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW))
        wait_until_blocked(1)
        # The edit is committed now; the approval goes on and sees it.
    assert isinstance(approval.exception(), StaleError)
    contact.refresh_from_db()
    suggestion.refresh_from_db()
    assert (contact.phone, suggestion.state) == ("+1 555 0177", State.PENDING)
    assert Execution.objects.count() == 0


def test_an_edit_of_another_field_survives_the_approval(committed_tenant: Tenant) -> None:
    cast, contact, suggestion = phone_suggestion()
    with background(committed_tenant) as start, transaction.atomic():
        Contact.objects.filter(pk=contact.pk).update(title="Head of buying")
        approval = start(partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW))
        wait_until_blocked(1)
    assert approval.exception() is None
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("+1 555 0123", "Head of buying")
    assert Suggestion.objects.get().state == State.APPLIED


def test_a_scan_leaves_what_is_being_approved_as_it_was_approved(committed_tenant: Tenant) -> None:
    cast, suggestion = one_suggestion()
    lead = Lead.objects.get()
    # The record has changed, so that the scan wants to bring the suggestion up to date.
    Lead.objects.update(company="Another company", estimated_value=9000)
    before = Suggestion.objects.filter(pk=suggestion.pk).values(
        "title", "arguments", "guard_values", "value_at_stake", "refreshed_at"
    )
    seen = before.get()
    later = NOW + timedelta(minutes=1)
    with background(committed_tenant) as start, transaction.atomic():
        Lead.objects.select_for_update().get(pk=lead.pk)
        approval = start(partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW))
        wait_until_blocked(1)
        scan = start(partial(scan_now, kind=ScanKind.FULL, now=later))
        wait_until_blocked(2)
    assert approval.exception() is None
    assert scan.result().suggestions_refreshed == 0
    assert before.get() == seen
    assert Suggestion.objects.get().state == State.APPLIED


def test_what_is_refreshed_while_a_person_approves_is_not_approved_unseen(
    committed_tenant: Tenant,
) -> None:
    cast, suggestion = one_suggestion()
    with background(committed_tenant) as start, transaction.atomic():
        Suggestion.objects.filter(pk=suggestion.pk).update(
            arguments={**suggestion.arguments, "title": "Something else"},
            refreshed_at=NOW + timedelta(minutes=1),
        )
        approval = start(partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW))
        wait_until_blocked(1)
    assert isinstance(approval.exception(), ChangedSinceSeenError)
    assert Task.objects.count() == 0


def test_rebasing_beside_an_approval_waits_and_is_told(committed_tenant: Tenant) -> None:
    cast, suggestion = one_suggestion()
    lead = Lead.objects.get()
    Lead.objects.update(company="Another company")
    later = NOW + timedelta(minutes=1)
    with background(committed_tenant) as start, transaction.atomic():
        Lead.objects.select_for_update().get(pk=lead.pk)
        approval = start(partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW))
        wait_until_blocked(1)
        rebased = start(partial(rebase, suggestion_id=suggestion.pk, user=cast.teammate, now=later))
        wait_until_blocked(2)
    assert approval.exception() is None
    assert isinstance(rebased.exception(), AlreadyDecidedError)
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.refreshed_at) == (State.APPLIED, NOW)
    assert Decision.objects.count() == 1


def test_what_no_trigger_made_is_not_rebased_over_a_newer_packet(committed_tenant: Tenant) -> None:
    cast, suggestion = one_suggestion()
    Suggestion.objects.update(origin="person")
    later = NOW + timedelta(minutes=1)
    with background(committed_tenant) as start, transaction.atomic():
        Suggestion.objects.filter(pk=suggestion.pk).update(refreshed_at=later)
        rebased = start(partial(rebase, suggestion_id=suggestion.pk, user=cast.rep, now=NOW))
        wait_until_blocked(1)
    assert isinstance(rebased.exception(), ChangedSinceSeenError)
    assert Suggestion.objects.get().refreshed_at == later


def test_a_record_that_is_given_away_while_the_click_waits_is_not_written(
    committed_tenant: Tenant,
) -> None:
    cast, contact, suggestion = phone_suggestion()
    with background(committed_tenant) as start, transaction.atomic():
        Contact.objects.filter(pk=contact.pk).update(owner=cast.outsider)
        approval = start(partial(approve, suggestion_id=suggestion.pk, user=cast.rep, now=NOW))
        wait_until_blocked(1)
    assert isinstance(approval.exception(), PermissionRefusedError)
    contact.refresh_from_db()
    assert (contact.phone, Execution.objects.count()) == ("+1 555 0100", 0)
    assert AuditEntry.objects.filter(event="permission.refused").count() == 1
