"""Editing, taking parts and undoing, on pages and by the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Contact, Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.models import Execution
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.services import approve, edit, reject
from apps.suggestions.tests.cases import give_execution
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.test_review_edits import details_suggestion
from apps.tenants.models import Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]
ApiFor = Callable[[User], ApiClient]


def own(cast: Cast) -> Suggestion:
    suggestion: Suggestion = SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep))
    return suggestion


def page(suggestion: Suggestion, move: str) -> str:
    return f"/suggestions/{suggestion.pk}/{move}/"


def api(suggestion: Suggestion, move: str) -> str:
    return f"/api/v1/suggestions/{suggestion.pk}/{move}/"


def typed(suggestion: Suggestion, **values: str) -> dict[str, str]:
    """The form of a follow-up as the browser sends it."""
    arguments = suggestion.arguments
    return {
        "seen_at": suggestion.refreshed_at.isoformat(),
        "title": arguments["title"],
        "description": "",
        "due_on": arguments["due_on"],
        "priority": str(arguments["priority"]),
        "owner_id": str(arguments["owner_id"] or ""),
        **values,
    }


def said(answer: object) -> list[str]:
    return [str(message) for message in answer.context["messages"]]  # type: ignore[attr-defined]


def test_the_form_shows_what_would_be_written_and_saves_a_new_edition(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = own(cast)
    client = client_for(cast.rep)
    form = client.get(page(suggestion, "edit")).context["form"]
    assert {"title", "due_on", "priority", "owner_id"} <= set(form.fields)
    assert "subject_id" not in form.fields
    answer = client.post(page(suggestion, "edit"), typed(suggestion, title="Call Ana"), follow=True)
    assert said(answer) == ["Saved. Look at the change as it is now, and decide."]
    suggestion.refresh_from_db()
    assert (suggestion.arguments["title"], suggestion.edited_by) == ("Call Ana", cast.rep)
    assert Task.objects.count() == 0
    text = answer.content.decode()
    assert ("Call Ana" in text, "edited" in text) == (True, True)


@pytest.mark.parametrize(
    ("values", "field"), [({"title": ""}, "title"), ({"due_on": "soon"}, "due_on")]
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_is_kept(
    cast: Cast, client_for: ClientFor, values: dict[str, str], field: str
) -> None:
    suggestion = own(cast)
    answer = client_for(cast.rep).post(
        page(suggestion, "edit"), typed(suggestion, description="By phone", **values)
    )
    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert "By phone" in answer.content.decode()
    suggestion.refresh_from_db()
    assert suggestion.edited_at is None


@pytest.mark.parametrize("seen_at", ["", "yesterday", "2020-01-01T00:00:00.000000+00:00"])
def test_an_older_edition_is_not_edited_and_what_was_typed_is_kept(
    cast: Cast, client_for: ClientFor, seen_at: str
) -> None:
    suggestion = own(cast)
    answer = client_for(cast.rep).post(
        page(suggestion, "edit"), typed(suggestion, title="Call", seen_at=seen_at)
    )
    assert answer.status_code == 409
    shown = answer.context["page"]
    assert shown.meanwhile.sentence == (
        "Somebody else brought this up to date, while you had it open."
    )
    assert shown.form["title"].value() == "Call"
    suggestion.refresh_from_db()
    assert suggestion.edited_at is None


def test_what_is_decided_leads_back(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    reject(suggestion_id=suggestion.pk, user=cast.rep, reason="not_needed", now=timezone.now())
    answer = client_for(cast.rep).get(page(suggestion, "edit"), follow=True)
    assert said(answer) == ["This suggestion cannot be edited now."]


@pytest.mark.parametrize("move", ["edit", "undo"])
def test_strangers_find_nothing(
    cast: Cast,
    globex: Tenant,
    globex_cast: Cast,
    client_for: ClientFor,
    api_for: ApiFor,
    move: str,
) -> None:
    with globex:
        foreign = SuggestionFactory(assignee=None)
    hidden = SuggestionFactory(assignee=cast.outsider, lead=LeadFactory(owner=cast.outsider))
    Suggestion.objects.filter(pk=foreign.pk).delete()
    for suggestion in (foreign, hidden):
        client = client_for(cast.rep)
        assert client.get(page(suggestion, move)).status_code == 404
        assert client.post(page(suggestion, move)).status_code == 404
        payload = {"seen_at": timezone.now().isoformat(), "arguments": {}}
        assert api_for(cast.rep).send("POST", api(suggestion, move), payload).status_code == 404


def test_ticked_fields_alone_are_written(cast: Cast, client_for: ClientFor) -> None:
    contact, suggestion = details_suggestion(cast)
    client = client_for(cast.rep)
    text = client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert text.count('name="fields"') == 2
    client.post(
        page(suggestion, "approve"),
        {"seen_at": suggestion.refreshed_at.isoformat(), "in_parts": "on", "fields": ["phone"]},
    )
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("2", "Buyer")


def test_without_a_tick_nothing_is_approved(cast: Cast, client_for: ClientFor) -> None:
    _, suggestion = details_suggestion(cast)
    answer = client_for(cast.rep).post(
        page(suggestion, "approve"),
        {"seen_at": suggestion.refreshed_at.isoformat(), "in_parts": "on"},
        follow=True,
    )
    assert said(answer) == ["Tick at least one field, or reject the suggestion."]
    assert Execution.objects.count() == 0


def test_a_change_of_one_field_offers_no_ticks(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast)
    text = client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert ('name="fields"' in text, 'name="in_parts"' in text) == (False, False)


def test_the_undo_page_shows_what_comes_back_and_does_it(cast: Cast, client_for: ClientFor) -> None:
    contact, suggestion = details_suggestion(cast)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    Contact.objects.filter(pk=contact.pk).update(title="Chief")
    client = client_for(cast.rep)
    shown = client.get(page(suggestion, "undo")).context["undo"]
    assert shown.refusal == ""
    assert [row.label for row in shown.plan.returning] == ["Phone"]
    assert [row.label for row in shown.plan.staying] == ["Title"]
    answer = client.post(page(suggestion, "undo"), follow=True)
    assert said(answer) == [f"Undone: {suggestion.title}"]
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("1", "Chief")
    again = client.get(page(suggestion, "undo"))
    assert again.context["undo"].refusal == "It is not applied."
    assert (
        "Left as it was edited since: title."
        in client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    )


def test_too_late_is_said_before_it_is_tried(cast: Cast, client_for: ClientFor) -> None:
    _, suggestion = details_suggestion(cast)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now() - timedelta(days=31))
    answer = client_for(cast.rep).get(page(suggestion, "undo"))
    assert "older than 30 days" in answer.content.decode()
    assert "Possible until" not in answer.content.decode()


@pytest.mark.parametrize("move", ["edit", "undo"])
def test_a_page_costs_the_same_however_much_there_is(
    cast: Cast, client_for: ClientFor, move: str
) -> None:
    client, counts = client_for(cast.rep), []
    for total in (1, 3):
        while Suggestion.objects.count() < total:
            details_suggestion(cast)
        suggestion = Suggestion.objects.latest("pk")
        if move == "undo":
            approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page(suggestion, move)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_by_the_api(cast: Cast, api_for: ApiFor) -> None:
    contact, suggestion = details_suggestion(cast)
    client = api_for(cast.rep)
    read = client.get(f"/api/v1/suggestions/{suggestion.pk}/").json()
    assert (read["takes_parts"], read["undoable_until"], read["proposed_arguments"]) == (
        True, None, None,
    )  # fmt: skip
    wanted = {"contact_id": contact.pk, "phone": "3", "title": "Head"}
    edited = client.send(
        "POST", api(suggestion, "edit"), {"seen_at": read["refreshed_at"], "arguments": wanted}
    ).json()
    assert (edited["arguments"], edited["proposed_arguments"]) == (wanted, read["arguments"])
    assert edited["edited_by"] == cast.rep.pk
    late = client.send("POST", api(suggestion, "approve"), {"seen_at": read["refreshed_at"]})
    assert (late.status_code, late.json()["code"]) == (409, "changed_since_seen")
    done = client.send(
        "POST",
        api(suggestion, "approve"),
        {"seen_at": edited["refreshed_at"], "fields_accepted": ["phone"]},
    ).json()
    assert (done["state"], done["arguments"]) == (
        "applied", {"contact_id": contact.pk, "phone": "3"},
    )  # fmt: skip
    assert done["undoable_until"] is not None
    undone = client.send("POST", api(suggestion, "undo"), {}).json()
    assert (undone["state"], undone["undoable_until"]) == (State.UNDONE, None)
    contact.refresh_from_db()
    assert (contact.phone, contact.title) == ("1", "Buyer")
    again = client.send("POST", api(suggestion, "undo"), {})
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"arguments": []}, 400, "invalid"),
        ({"arguments": {"contact_id": 0}}, 422, "invalid_arguments"),
        ({"arguments": {"contact_id": "x"}}, 422, "invalid_arguments"),
    ],
)
def test_the_api_says_what_is_wrong(
    cast: Cast, api_for: ApiFor, payload: dict[str, object], status: int, code: str
) -> None:
    _, suggestion = details_suggestion(cast)
    answer = api_for(cast.rep).send(
        "POST",
        api(suggestion, "edit"),
        {"seen_at": suggestion.refreshed_at.isoformat(), **payload},
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_edited_suggestion_says_so_in_the_admin(cast: Cast, client_for: ClientFor) -> None:
    _, suggestion = details_suggestion(cast)
    edit(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        arguments={**suggestion.arguments, "phone": "9"},
        now=timezone.now(),
    )
    cast.manager.is_staff = True
    cast.manager.save()
    text = (
        client_for(cast.manager)
        .get(f"/admin/suggestions/suggestion/{suggestion.pk}/change/")
        .content.decode()
    )
    assert "edited" in text


def test_what_was_applied_by_a_tool_that_is_gone_is_still_shown(
    cast: Cast, client_for: ClientFor, api_for: ApiFor
) -> None:
    _, suggestion = details_suggestion(cast)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    Suggestion.objects.update(tool="correct_contact")
    give_execution(done, tool="correct_contact")
    assert client_for(cast.rep).get(f"/suggestions/{suggestion.pk}/").status_code == 200
    read = api_for(cast.rep).get(f"/api/v1/suggestions/{suggestion.pk}/")
    assert (read.status_code, read.json()["undoable_until"]) == (200, None)
    shown = client_for(cast.rep).get(page(suggestion, "undo")).context["undo"]
    assert shown.refusal == "There is no tool named 'correct_contact'."


def test_what_no_longer_fits_a_changed_tool_is_mended_by_an_edit(
    cast: Cast, client_for: ClientFor
) -> None:
    contact, suggestion = details_suggestion(cast)
    outgrown = {"contact_id": contact.pk, "phone": 2, "title": "Head", "fax": "3"}
    Suggestion.objects.update(arguments=outgrown)
    client = client_for(cast.rep)
    shown = client.get(f"/suggestions/{suggestion.pk}/")
    assert (shown.context["can_decide"], shown.context["can_edit"]) == (False, True)
    assert f'href="/suggestions/{suggestion.pk}/edit/"' in shown.content.decode()
    opened = client.get(page(suggestion, "edit")).context["page"]
    answer = client.post(
        page(suggestion, "edit"),
        {"seen_at": opened.seen_at, "started": opened.token, "phone": "2", "title": "Head"},
        follow=True,
    )
    assert said(answer) == ["Saved. Look at the change as it is now, and decide."]
    suggestion.refresh_from_db()
    assert suggestion.arguments == {"contact_id": contact.pk, "phone": "2", "title": "Head"}
    assert (suggestion.proposed_arguments, suggestion.edited_by) == (outgrown, cast.rep)
    done = approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert done.state == State.APPLIED
