"""Suggestions in the admin: the preview, single decisions and decisions in bulk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import Cast, TenantClient
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.enums import Risk
from apps.suggestions.cards import token_of
from apps.suggestions.enums import State
from apps.suggestions.models import BulkApproval, Decision, Suggestion
from apps.suggestions.services import run_bulk
from apps.suggestions.tests.factories import SuggestionFactory
from apps.triggers.models import Silence
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

LIST = "/admin/suggestions/suggestion/"


@pytest.fixture
def manager_client(cast: Cast, client_for: ClientFor) -> TenantClient:
    return client_for(cast.manager)


def make_suggestion(cast: Cast, **values: Any) -> Suggestion:
    lead = LeadFactory(owner=cast.rep)
    return SuggestionFactory(lead=lead, assignee=cast.rep, **values)


def page_of(suggestion: Suggestion) -> str:
    return f"{LIST}{suggestion.pk}/change/"


def seen(suggestion: Suggestion) -> dict[str, str]:
    return {"seen_at": suggestion.refreshed_at.isoformat()}


def chosen(action: str, *suggestions: Suggestion, **more: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": [row.pk for row in suggestions], **more}


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def state_of(suggestion: Suggestion) -> str:
    return Suggestion.objects.get(pk=suggestion.pk).state


def test_the_page_shows_the_same_diff_as_the_queue(
    cast: Cast, client_for: ClientFor, manager_client: TenantClient
) -> None:
    suggestion = make_suggestion(cast)
    admin_page = manager_client.get(page_of(suggestion))
    queue_page = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/")
    assert admin_page.context["diff"] == queue_page.context["diff"]
    assert "New task" in admin_page.content.decode()
    assert "<ins><bdi>Write to the lead</bdi></ins>" in admin_page.content.decode()


def test_approve_applies_once_and_in_the_managers_name(
    cast: Cast, manager_client: TenantClient
) -> None:
    suggestion = make_suggestion(cast)
    address = f"{LIST}{suggestion.pk}/approve/"
    response = manager_client.post(address, seen(suggestion), follow=True)
    assert said(response) == [f"Approved: {suggestion.title}"]
    assert state_of(suggestion) == State.APPLIED
    assert Task.objects.get().lead_id == suggestion.record_id
    entry = AuditEntry.objects.get(event="suggestion.approved")
    assert (entry.actor_id, entry.suggestion_id) == (cast.manager.pk, suggestion.pk)
    again = manager_client.post(address, seen(suggestion), follow=True)
    by = cast.manager.display_name
    suggestion.refresh_from_db()
    assert suggestion.reviewed_at is not None
    at = f"{suggestion.reviewed_at.astimezone(ZoneInfo('Europe/Berlin')):%-d %b %H:%M}"
    assert said(again) == [f"This suggestion is already applied by {by}, {at}."]
    assert Task.objects.count() == 1


def test_approve_without_word_of_what_was_seen_writes_nothing(
    cast: Cast, manager_client: TenantClient
) -> None:
    suggestion = make_suggestion(cast)
    response = manager_client.post(f"{LIST}{suggestion.pk}/approve/", follow=True)
    assert said(response) == ["Choose one of the offered answers."]
    assert (state_of(suggestion), Task.objects.count()) == (State.PENDING, 0)


def test_approve_of_an_edition_that_is_gone_writes_nothing(
    cast: Cast, manager_client: TenantClient
) -> None:
    suggestion = make_suggestion(cast)
    posted = seen(suggestion)
    Suggestion.objects.update(refreshed_at=suggestion.refreshed_at + timedelta(minutes=1))
    manager_client.post(f"{LIST}{suggestion.pk}/approve/", posted)
    assert (state_of(suggestion), Task.objects.count()) == (State.PENDING, 0)


def test_a_stale_suggestion_shows_what_changed_and_can_be_brought_up_to_date(
    cast: Cast, manager_client: TenantClient
) -> None:
    suggestion = make_suggestion(cast)
    Lead.objects.filter(pk=suggestion.record_id).update(status="qualified")
    response = manager_client.post(f"{LIST}{suggestion.pk}/approve/", seen(suggestion), follow=True)
    assert said(response) == [
        "The record has changed since this was suggested. Nothing was written."
    ]
    (change,) = response.context["detail"].stale.changes
    assert (change.label, change.seen_text, change.now_text) == ("Status", "Working", "Qualified")
    assert Task.objects.count() == 0
    rebased = manager_client.post(f"{LIST}{suggestion.pk}/rebase/", follow=True)
    assert rebased.context["detail"].stale is None
    fresh = Suggestion.objects.get()
    manager_client.post(f"{LIST}{suggestion.pk}/approve/", seen(fresh))
    assert (state_of(suggestion), Task.objects.count()) == (State.APPLIED, 1)


def test_reject_keeps_the_reason_and_silences(cast: Cast, manager_client: TenantClient) -> None:
    suggestion = make_suggestion(cast)
    manager_client.post(
        f"{LIST}{suggestion.pk}/reject/", {"reason": "bad_timing", "note": "After the fair"}
    )
    decision = Decision.objects.get()
    assert (decision.verdict, decision.reason, decision.note, decision.decided_by) == (
        "reject",
        "bad_timing",
        "After the fair",
        cast.manager,
    )
    assert state_of(suggestion) == State.REJECTED
    assert Silence.objects.get().record_id == suggestion.record_id


@pytest.mark.parametrize("verb", ["approve", "reject", "rebase"])
def test_decisions_are_posted_with_a_token_by_those_who_may_come_in(
    verb: str, cast: Cast, client_for: ClientFor, manager_client: TenantClient
) -> None:
    suggestion = make_suggestion(cast)
    address = f"{LIST}{suggestion.pk}/{verb}/"
    posted = {**seen(suggestion), "reason": "bad_timing"}
    assert manager_client.get(address).status_code == 405
    without_token = Client(enforce_csrf_checks=True, HTTP_HOST="acme.localhost")
    without_token.force_login(cast.manager)
    assert without_token.post(address, posted).status_code == 403
    assert client_for(cast.rep).post(address, posted, follow=True).status_code == 403
    assert (state_of(suggestion), Task.objects.count()) == (State.PENDING, 0)


def test_bulk_approval_first_shows_what_they_come_to(
    cast: Cast, manager_client: TenantClient
) -> None:
    rows = [make_suggestion(cast) for _ in range(3)]
    response = manager_client.post(LIST, chosen("approve_selected", *rows))
    assert response.status_code == 200
    confirmation = response.context["confirmation"]
    assert set(confirmation.tokens.split()) == {token_of(row) for row in rows}
    page = response.content.decode()
    assert "<ins><bdi>Write to the lead</bdi></ins>" in page
    assert 'action="/suggestions/bulk/start/"' in page
    assert (
        '<button class="admin-button admin-button-primary" type="submit">Approve 3</button>' in page
    )
    assert (Task.objects.count(), BulkApproval.objects.count()) == (0, 0)


def test_bulk_approval_is_that_of_the_pages_with_results_and_another_try(
    cast: Cast, manager_client: TenantClient
) -> None:
    good, decided, moved = (make_suggestion(cast) for _ in range(3))
    shown = manager_client.post(LIST, chosen("approve_selected", good, decided, moved))
    Suggestion.objects.filter(pk=decided.pk).update(
        state=State.REJECTED, reviewed_by=cast.rep, reviewed_at=timezone.now()
    )
    Lead.objects.filter(pk=moved.record_id).update(status="qualified")
    posted = {"items": shown.context["confirmation"].tokens}
    answer = manager_client.post("/suggestions/bulk/start/", posted)
    bulk = BulkApproval.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/suggestions/bulk/{bulk.pk}/")
    run_bulk(bulk_id=bulk.pk, now=timezone.now())
    assert [state_of(row) for row in (good, decided, moved)] == [
        State.APPLIED,
        State.REJECTED,
        State.PENDING,
    ]
    assert Task.objects.get().lead_id == good.record_id
    results = manager_client.get(answer["Location"]).context["results"]
    assert (results.applied, results.failed, results.retry_count) == (1, 2, 1)


def test_high_risk_and_what_is_gone_are_not_decided_in_bulk(
    cast: Cast, manager_client: TenantClient
) -> None:
    risky, gone = make_suggestion(cast, risk=Risk.HIGH), make_suggestion(cast)
    Suggestion.objects.update(tool="write_to_them")
    shown = manager_client.post(LIST, chosen("approve_selected", gone))
    assert [item.reason for item in shown.context["confirmation"].left_out] == [
        "It can no longer be made."
    ]
    Suggestion.objects.update(tool="create_followup")
    shown = manager_client.post(LIST, chosen("approve_selected", risky))
    (item,) = shown.context["confirmation"].left_out
    assert item.reason == "High risk is decided one by one, on its own page."
    assert "Approve 1" not in shown.content.decode()
    assert (state_of(risky), Task.objects.count()) == (State.PENDING, 0)


def test_two_kinds_of_change_are_not_approved_together(
    cast: Cast, manager_client: TenantClient
) -> None:
    rows = [make_suggestion(cast), make_suggestion(cast, tool="update_lead")]
    answer = manager_client.post(LIST, chosen("approve_selected", *rows), follow=True)
    assert said(answer) == ["Suggestions that are approved together make the same kind of change."]


def test_bulk_rejection_asks_for_the_reason_and_takes_it(
    cast: Cast, manager_client: TenantClient
) -> None:
    rows = [make_suggestion(cast) for _ in range(2)]
    shown = manager_client.post(LIST, chosen("reject_selected", *rows))
    assert 'name="reason"' in shown.content.decode()
    response = manager_client.post(
        LIST, chosen("reject_selected", *rows, confirmed="yes", reason="not_needed"), follow=True
    )
    assert said(response) == ["2 of 2 rejected."]
    assert {state_of(row) for row in rows} == {State.REJECTED}
    assert set(Decision.objects.values_list("reason", flat=True)) == {"not_needed"}
