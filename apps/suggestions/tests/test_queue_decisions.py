"""What the queue's forms send and get back: giving away, stopping, editing in place, the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.brain.enums import Goal
from apps.conftest import Cast, TenantClient
from apps.crm.models import Task
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.ahead import HEADER, READ
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.queue import CARDS_PER_PAGE
from apps.suggestions.services import first_undecided
from apps.suggestions.tests.cases import put_in
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.test_edit_pages import typed
from apps.triggers.models import Silence
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]


def own(user: User, **fields: Any) -> Suggestion:
    made: Suggestion = SuggestionFactory(assignee=user, lead=LeadFactory(owner=user), **fields)
    return made


def address(suggestion: Suggestion, move: str) -> str:
    return f"/suggestions/{suggestion.pk}/{move}/"


def htmx(
    client: TenantClient, method: str, path: str, body: Any = None, target: str = "queue"
) -> Any:
    """As the page's script asks."""
    headers = {"HX-Request": "true", "HX-Target": target}
    return getattr(client, method)(path, body, headers=headers)


def test_the_menu_lists_whom_it_can_be_given_to(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast.rep)
    client = client_for(cast.rep)
    menu = htmx(client, "get", address(suggestion, "reassign"), target="menu").content.decode()
    assert ("Tom Mate" in menu, "Olga Out" in menu, "<html" in menu) == (True, False, False)
    page = client.get(address(suggestion, "reassign")).content.decode()
    assert ("Tom Mate" in page, "<html" in page) == (True, True)


def test_who_does_not_see_it_gets_no_menu(cast: Cast, client_for: ClientFor) -> None:
    assert client_for(cast.outsider).get(address(own(cast.rep), "reassign")).status_code == 404


def test_giving_goes_on_to_the_next_card(cast: Cast, client_for: ClientFor) -> None:
    suggestion, following = own(cast.rep, rank=2), own(cast.rep, rank=1)
    answer = htmx(
        client_for(cast.rep), "post", address(suggestion, "reassign"), {"to": cast.teammate.pk}
    )
    assert answer.headers["HX-Push-Url"] == f"/suggestions/{following.pk}/"
    assert f"Given to Tom Mate: {suggestion.title}. 1 left." in answer.content.decode()
    suggestion.refresh_from_db()
    assert suggestion.assignee == cast.teammate


def reject(client: TenantClient, suggestion: Suggestion, query: str = "") -> Any:
    return htmx(client, "post", address(suggestion, "reject") + query, {"reason": "not_needed"})


def test_a_decision_is_answered_with_the_next_card_and_without_the_list(
    cast: Cast, client_for: ClientFor
) -> None:
    decided, following, before = (own(cast.rep, rank=rank) for rank in (2, 1, 3))
    answer = reject(client_for(cast.rep), decided, "?view=team")
    text = answer.content.decode()
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == (
        "#suggestion-detail",
        "innerHTML",
    )
    assert answer.headers["HX-Push-Url"] == f"/suggestions/{following.pk}/?view=team"
    assert f"data-focus>{following.title}</h2>" in text
    assert f"Rejected: {decided.title}. 2 left." in text
    assert [text.count(part) for part in ('id="nav-badge"', 'id="header-badge"')] == [1, 1]
    assert ("data-queue-list" in text, f"suggestion-{before.pk}" in text) == (False, False)


def read_ahead(client: TenantClient, suggestion: Suggestion) -> str:
    """Fetch a card as the page does while the one before it is read; return its mark."""
    headers = {"HX-Request": "true", "HX-Target": "suggestion-detail", HEADER: READ}
    answer = client.get(suggestion.get_absolute_url(), headers=headers)
    assert f"data-focus>{suggestion.title}</h2>" in answer.content.decode()
    return str(answer.headers[HEADER])


def approve(client: TenantClient, suggestion: Suggestion, mark: str) -> Any:
    body = {"seen_at": suggestion.refreshed_at.isoformat()}
    headers = {"HX-Request": "true", "HX-Target": "queue", HEADER: mark}
    return client.post(address(suggestion, "approve"), body, headers=headers)


def shown(suggestion: Suggestion) -> int:
    return AuditEntry.objects.filter(event="suggestion.shown", suggestion_id=suggestion.pk).count()


def test_what_the_page_has_at_hand_is_left_out_and_then_on_record_as_shown(
    cast: Cast, client_for: ClientFor
) -> None:
    decided, following = own(cast.rep, rank=2), own(cast.rep, rank=1)
    client = client_for(cast.rep)
    mark = read_ahead(client, following)
    assert shown(following) == 0
    answer = approve(client, decided, mark)
    text = answer.content.decode()
    assert (answer.headers[HEADER], answer.headers["HX-Retarget"]) == (mark, "#suggestion-detail")
    assert answer.headers["HX-Push-Url"] == following.get_absolute_url()
    assert f"Approved: {decided.title}. 1 left." in text
    assert ("data-suggestion=" in text, "<title>" in text) == (False, False)
    assert shown(following) == 1


@pytest.mark.parametrize("change", ["edition", "state", "record", "nobody's", "itself"])
def test_what_is_at_hand_and_no_longer_so_is_not_shown(
    cast: Cast, client_for: ClientFor, change: str
) -> None:
    decided, following, last = (own(cast.rep, rank=rank) for rank in (3, 2, 1))
    if change == "record":
        # The approval writes about it, and what stands there may be other values.
        Suggestion.objects.filter(pk=following.pk).update(
            record_id=decided.record_id, goal=Goal.MEET_LEAD, assignee=cast.teammate
        )
    client = client_for(cast.manager if change == "record" else cast.rep)
    mark = read_ahead(client, following)
    if change == "edition":
        Suggestion.objects.filter(pk=following.pk).update(refreshed_at=timezone.now())
    elif change == "state":
        put_in(following, State.REJECTED, cast.teammate)
    elif change == "nobody's":
        mark = f"{10**19} pending x"
    elif change == "itself":
        mark = read_ahead(client, decided)
    answer = approve(client, decided, mark)
    assert HEADER not in answer.headers
    expected = last if change == "state" else following
    assert f"data-focus>{expected.title}</h2>" in answer.content.decode()
    assert shown(expected) == 1


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_a_number_that_no_suggestion_has_is_not_found(
    cast: Cast, client_for: ClientFor, number: int
) -> None:
    client = client_for(cast.rep)
    assert client.get(f"/suggestions/{number}/").status_code == 404
    assert client.post(f"/suggestions/{number}/reopen/").status_code == 404
    asked = {"list": 1, "open": number}
    assert client.get("/suggestions/news/", asked).status_code == 200


def test_where_nothing_follows_the_list_is_drawn(cast: Cast, client_for: ClientFor) -> None:
    answer = reject(client_for(cast.rep), own(cast.rep))
    text = answer.content.decode()
    assert "HX-Retarget" not in answer.headers
    assert answer.headers["HX-Push-Url"] == "/suggestions/"
    assert ("data-queue-list" in text, ". 0 left." in text) == (True, True)


def test_on_a_later_page_one_goes_on_where_one_was(cast: Cast, client_for: ClientFor) -> None:
    cards = [own(cast.rep, rank=-place) for place in range(CARDS_PER_PAGE + 2)]
    answer = reject(client_for(cast.rep), cards[-1], "?page=2")
    assert answer.headers["HX-Push-Url"] == f"/suggestions/{cards[-2].pk}/?page=2"


def test_who_was_first_with_the_next_card_is_not_asked_again(cast: Cast) -> None:
    decided, hidden, waiting = own(cast.teammate), own(cast.outsider), own(cast.rep)
    put_in(decided, State.REJECTED, cast.teammate)
    ids = [decided.pk, hidden.pk, waiting.pk]
    assert first_undecided(cast.rep, ids) == waiting
    assert first_undecided(cast.rep, ids[:2]) is None


@pytest.mark.parametrize("others", [1, 3])
def test_a_decision_takes_as_many_statements_whatever_else_waits(
    cast: Cast, client_for: ClientFor, django_assert_num_queries: Any, others: int
) -> None:
    warm, decided = own(cast.rep, rank=9), own(cast.rep, rank=8)
    for _ in range(others):
        own(cast.rep)
    client = client_for(cast.rep)
    reject(client, warm)
    with django_assert_num_queries(23):
        reject(client, decided)


@pytest.mark.parametrize("to", ["outsider", "nobody at all"])
def test_somebody_who_is_not_offered_is_refused(cast: Cast, client_for: ClientFor, to: str) -> None:
    suggestion = own(cast.rep)
    person = cast.outsider.pk if to == "outsider" else "x"
    answer = htmx(client_for(cast.rep), "post", address(suggestion, "reassign"), {"to": person})
    assert answer.status_code == 422
    suggestion.refresh_from_db()
    assert suggestion.assignee == cast.rep


def test_rejecting_keeps_the_note_and_stops_the_record(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast.rep)
    body = {"reason": "not_needed", "note": "Moved on", "stop": "record", "stop_days": "90"}
    client = client_for(cast.rep)
    client.post(address(suggestion, "reject"), body)
    assert suggestion.decisions.get().note == "Moved on"
    shown = client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert "not needed: Moved on" in shown
    silence = Silence.objects.get(goal="")
    assert (silence.record_id, (silence.until - silence.created_at).days) in {
        (suggestion.record_id, 89), (suggestion.record_id, 90),
    }  # fmt: skip


def test_what_was_stopped_is_said_and_the_next_card_is_one_that_still_waits(
    cast: Cast, client_for: ClientFor
) -> None:
    stopped = [own(cast.rep, trigger="lead_new", title=f"Stopped {place}") for place in range(2)]
    own(cast.rep, trigger="lead_inactive", title="Still waiting", rank=-1)
    body = {"reason": "not_needed", "stop": "trigger", "stop_days": "30"}
    answer = htmx(client_for(cast.manager), "post", address(stopped[0], "reject"), body)
    text = answer.content.decode()
    assert "Rejected: Stopped 0. Stopped for 30 days: what this trigger finds. 1 left." in text
    assert "data-focus>Still waiting</h2>" in text
    assert "Stopped 1" not in text


def test_a_rep_is_not_offered_to_stop_a_trigger_and_is_refused(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = own(cast.rep, trigger="lead_new")
    client = client_for(cast.rep)
    assert 'value="trigger"' not in client.get(suggestion.get_absolute_url()).content.decode()
    body = {"reason": "not_needed", "stop": "trigger"}
    answer = htmx(client, "post", address(suggestion, "reject"), body)
    assert "Stopping this for everybody is for managers." in answer.content.decode()
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING
    manager = client_for(cast.manager).get(suggestion.get_absolute_url()).content.decode()
    assert 'value="trigger"' in manager


@pytest.mark.parametrize(
    ("move", "body", "back"),
    [
        ("approve", {}, "undo"),
        ("reject", {"reason": "bad_timing"}, "reopen"),
        ("snooze", {"until": "tomorrow"}, "reopen"),
    ],
)
def test_the_way_back_is_offered_for_ten_seconds(
    cast: Cast, client_for: ClientFor, move: str, body: dict[str, str], back: str
) -> None:
    suggestion = own(cast.rep)
    client = client_for(cast.rep)
    seen = {"seen_at": suggestion.refreshed_at.isoformat()}
    toast = htmx(client, "post", f"{address(suggestion, move)}?view=team", body | seen)
    text = toast.content.decode()
    assert 'data-stay-ms="10000"' in text
    assert f'hx-post="/suggestions/{suggestion.pk}/{back}/?view=team"' in text
    assert 'name="at_once"' in text
    answer = htmx(client, "post", f"{address(suggestion, back)}?view=team", {"at_once": "on"})
    assert answer.headers["HX-Push-Url"] == f"/suggestions/{suggestion.pk}/?view=team"
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_what_cannot_be_taken_back_is_not_offered_so(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(
        cast.rep,
        tool="log_activity",
        risk="high",
        arguments={
            "subject_kind": "lead",
            "subject_id": 0,
            "activity_kind": "call",
            "direction": "outbound",
            "occurred_at": "2026-11-20T10:00:00Z",
            "subject": "First call",
        },
    )
    suggestion.arguments["subject_id"] = suggestion.record_id
    suggestion.save()
    seen = {"seen_at": suggestion.refreshed_at.isoformat()}
    answer = htmx(client_for(cast.rep), "post", address(suggestion, "approve"), seen)
    text = answer.content.decode()
    assert f"Approved: {suggestion.title}" in text
    assert "data-toast-undo" not in text


def test_later_work_leads_from_the_toast_to_the_page_of_undoing(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = own(cast.rep)
    client = client_for(cast.rep)
    seen = {"seen_at": suggestion.refreshed_at.isoformat()}
    htmx(client, "post", address(suggestion, "approve"), seen)
    Task.objects.update(title="Worked on since")
    answer = htmx(client, "post", address(suggestion, "undo"))
    assert answer.headers["HX-Redirect"] == address(suggestion, "undo")
    suggestion.refresh_from_db()
    assert suggestion.state == State.APPLIED


def test_the_form_of_editing_stands_in_the_place_of_the_diff(
    cast: Cast, client_for: ClientFor
) -> None:
    suggestion = own(cast.rep)
    answer = htmx(
        client_for(cast.rep), "get", address(suggestion, "edit"), target="suggestion-change"
    )
    text = answer.content.decode()
    assert answer.headers["HX-Retarget"] == "#suggestion-change"
    assert ("<html" in text, "Save and approve" in text) == (False, True)


def test_what_does_not_fit_is_shown_in_the_same_place(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast.rep)
    body = typed(suggestion, title="", approve="1")
    answer = htmx(client_for(cast.rep), "post", address(suggestion, "edit"), body)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (200, "#suggestion-change")
    assert "This field is required." in answer.content.decode()
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.edited_by) == (State.PENDING, None)


def test_editing_and_approving_is_one_press(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast.rep)
    body = typed(suggestion, title="Write to her", approve="1")
    answer = htmx(client_for(cast.rep), "post", address(suggestion, "edit"), body)
    assert f"Approved: {suggestion.title}. 0 left." in answer.content.decode()
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.edited_by) == (State.APPLIED, cast.rep)
    assert Task.objects.get().title == "Write to her"
    assert [decision.verdict for decision in suggestion.decisions.order_by("pk")] == [
        "edit", "approve",
    ]  # fmt: skip


def test_an_edit_that_cannot_be_approved_stands_saved(cast: Cast, client_for: ClientFor) -> None:
    suggestion = own(cast.rep)
    cast.rep.groups.clear()
    body = typed(suggestion, title="Write to her", approve="1")
    answer = client_for(cast.rep).post(address(suggestion, "edit"), body)
    assert answer.status_code == 403
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.edited_by) == (State.PENDING, None)


def test_the_other_findings_of_the_record_are_listed(cast: Cast, client_for: ClientFor) -> None:
    lead = LeadFactory(owner=cast.rep)
    best = SuggestionFactory(assignee=cast.rep, lead=lead, title="Best", rank=3, goal="meet_lead")
    SuggestionFactory(assignee=cast.rep, lead=lead, title="Next one", rank=2, goal="revive_lead")
    page = client_for(cast.rep).get(best.get_absolute_url()).content.decode()
    assert "also suggested for this lead" in page
    assert "Next one" in page.split("also suggested for this lead")[1]
    assert "1 more about this lead" in page
