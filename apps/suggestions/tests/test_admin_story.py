"""The admin's links between the parts of a story: signal, suggestion, decision, execution, log, record."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.brain.enums import Goal
from apps.conftest import Cast, TenantClient
from apps.crm.enums import RecordKind
from apps.crm.models import ChangeLog
from apps.crm.tests.factories import LeadFactory
from apps.execution.models import Execution
from apps.suggestions import services
from apps.suggestions.enums import State
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.enums import Severity
from apps.triggers.models import Signal
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
LIST = "/admin/suggestions/suggestion/"


@pytest.fixture
def client(cast: Cast, client_for: ClientFor) -> TenantClient:
    return client_for(cast.manager)


@pytest.fixture
def applied(cast: Cast) -> Suggestion:
    """A suggestion that rests on a signal and was applied."""
    lead = LeadFactory(owner=cast.rep)
    suggestion: Suggestion = SuggestionFactory(lead=lead, assignee=cast.rep, title="Write to Lee")
    suggestion.signals.add(
        Signal.objects.create(
            trigger="lead_inactive", goal=Goal.REVIVE_LEAD, record_kind=RecordKind.LEAD,
            record_id=lead.pk, severity=Severity.NORMAL, facts={},
        )
    )  # fmt: skip
    return services.approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())


def links_on(client: TenantClient, page: str, row_id: int) -> set[str]:
    """The addresses to which the page of a row leads."""
    text = client.get(f"/admin/{page}/{row_id}/change/").content.decode()
    found = re.findall(r'href="([^"]+)"', text)
    return {address.replace("&amp;", "&") for address in found}


def test_a_suggestion_leads_to_what_it_rests_on_and_led_to(
    client: TenantClient, applied: Suggestion
) -> None:
    signal, decision = applied.signals.get(), applied.decisions.get()
    expected = {
        f"/admin/triggers/signal/{signal.pk}/change/",
        f"/admin/suggestions/decision/{decision.pk}/change/",
        f"/admin/execution/execution/{applied.execution_id}/change/",
        f"/admin/audit/auditentry/?suggestion_id__exact={applied.pk}",
        f"/suggestions/{applied.pk}/story/",
        f"/leads/{applied.record_id}/",
    }
    assert expected - links_on(client, "suggestions/suggestion", applied.pk) == set()


def test_every_part_leads_back_to_the_suggestion(client: TenantClient, applied: Suggestion) -> None:
    page = f"/admin/suggestions/suggestion/{applied.pk}/change/"
    entry = AuditEntry.objects.of_suggestion(applied.pk).latest("pk")
    parts = {
        "triggers/signal": applied.signals.get().pk,
        "suggestions/decision": applied.decisions.get().pk,
        "execution/execution": applied.execution_id,
        "audit/auditentry": entry.pk,
    }
    lacking = [
        part for part, pk in parts.items() if pk is None or page not in links_on(client, part, pk)
    ]
    assert lacking == []


def test_an_undo_leads_to_what_it_took_back_and_to_the_suggestion(
    cast: Cast, client: TenantClient, applied: Suggestion
) -> None:
    services.undo(suggestion_id=applied.pk, user=cast.rep, now=timezone.now())
    done = applied.execution_id
    undo = Execution.objects.get(undoes_id=done)
    there, back = (links_on(client, "execution/execution", pk) for pk in (done or 0, undo.pk))
    assert f"/admin/execution/execution/{undo.pk}/change/" in there
    assert {
        f"/admin/execution/execution/{done}/change/",
        f"/admin/suggestions/suggestion/{applied.pk}/change/",
    } - back == set()


def test_the_change_log_and_the_audit_log_lead_to_each_other(
    client: TenantClient, applied: Suggestion
) -> None:
    done = applied.execution
    assert done is not None
    assert done.record_id is not None
    of_record = f"record_kind__exact=task&record_id__exact={done.record_id}"
    change = ChangeLog.objects.of_record(RecordKind.TASK, done.record_id).latest("pk")
    entry = AuditEntry.objects.of_record("task", done.record_id).latest("pk")
    assert f"/admin/audit/auditentry/?{of_record}" in links_on(client, "crm/changelog", change.pk)
    changes = f"/admin/crm/changelog/?{of_record}"
    assert changes in links_on(client, "audit/auditentry", entry.pk)
    assert client.get(changes).context["cl"].result_count == 1


def test_the_policys_answer_leads_to_the_execution(
    client: TenantClient, applied: Suggestion
) -> None:
    done = applied.execution
    assert done is not None
    page = f"/admin/execution/execution/{done.pk}/change/"
    assert page in links_on(client, "execution/policydecision", done.policy_decision_id)


def test_the_log_is_narrowed_to_one_suggestion(client: TenantClient, applied: Suggestion) -> None:
    SuggestionFactory()
    listed = client.get(f"/admin/audit/auditentry/?suggestion_id__exact={applied.pk}")
    assert {entry.suggestion_id for entry in listed.context["cl"].result_list} == {applied.pk}


def test_what_would_be_rejected_together_is_shown_at_a_constant_cost(
    cast: Cast, client: TenantClient
) -> None:
    rows = [
        SuggestionFactory(lead=LeadFactory(owner=cast.rep), assignee=cast.rep) for _ in range(4)
    ]
    counts = []
    # The first ones load what stays in memory.
    for chosen in (rows[:1], rows[1:2], rows[1:]):
        with CaptureQueriesContext(connection) as queries:
            page = client.post(
                LIST, {"action": "reject_selected", "_selected_action": [row.pk for row in chosen]}
            )
        assert len([item for item in page.context["items"] if item.diff]) == len(chosen)
        counts.append(len(queries))
    assert counts[1] == counts[2]


def test_who_rejects_together_was_shown_them(cast: Cast, client: TenantClient) -> None:
    rows = [
        SuggestionFactory(lead=LeadFactory(owner=cast.rep), assignee=cast.rep) for _ in range(2)
    ]
    gone = SuggestionFactory(state=State.WITHDRAWN)
    chosen = {"action": "reject_selected", "_selected_action": [row.pk for row in [*rows, gone]]}
    client.post(LIST, chosen)
    seen = AuditEntry.objects.filter(event="suggestion.shown", actor_id=cast.manager.pk)
    assert set(seen.values_list("suggestion_id", flat=True)) == {row.pk for row in rows}
    client.post(LIST, {**chosen, "confirmed": "yes", "reason": "not_needed"})
    assert Decision.objects.filter(decided_by=cast.manager).count() == 2


def test_what_would_be_approved_together_is_shown_one_by_one(
    cast: Cast, client: TenantClient
) -> None:
    rows = [
        SuggestionFactory(lead=LeadFactory(owner=cast.rep), assignee=cast.rep) for _ in range(3)
    ]
    gone = SuggestionFactory(state=State.WITHDRAWN)
    counts = []
    # What was shown goes on record at the first time.
    for chosen in (rows, rows[:1], [*rows, gone]):
        with CaptureQueriesContext(connection) as queries:
            page = client.post(
                LIST, {"action": "approve_selected", "_selected_action": [row.pk for row in chosen]}
            )
        counts.append(len(queries))
    items = page.context["items"]
    assert {item.suggestion.pk for item in items} == {row.pk for row in rows}
    assert all(item.diff is not None for item in items)
    assert counts[1] == counts[2]
