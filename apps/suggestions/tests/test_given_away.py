"""Suggestions whose record has been given to somebody else: who still sees and decides them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast
from apps.crm.enums import ActivityKind, Direction
from apps.crm.models import Activity, Lead, Opportunity, Task
from apps.crm.tests.factories import ActivityFactory, OpportunityFactory
from apps.suggestions.enums import RejectReason, State
from apps.suggestions.exceptions import SuggestionNotFoundError
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.queue import Queue, ids_after
from apps.suggestions.services import (
    approve,
    first_undecided,
    get_for,
    rebase,
    reject,
    reopen,
    snooze,
)
from apps.suggestions.tests.cases import NOW, put_in, scan, suggested
from apps.users.models import User

LATER = timedelta(minutes=1)


def given_away(cast: Cast, state: State, **fields: object) -> Suggestion:
    """A suggestion in a state whose lead has been given to the other team since, and changed there."""
    suggestion = put_in(suggested(cast.rep, **fields), state, cast.rep)
    Lead.objects.update(owner=cast.outsider, status="qualified")
    return suggestion


def visible(user: User) -> list[int]:
    return list(Suggestion.objects.visible_to(user).values_list("pk", flat=True))


@pytest.mark.parametrize("state", State)
def test_who_does_not_see_the_record_any_more_does_not_see_it_in_any_state(
    cast: Cast, state: State
) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    assert visible(cast.rep) == [suggestion.pk]
    Lead.objects.update(owner=cast.outsider)
    for person in (cast.rep, cast.teammate, cast.outsider):
        assert visible(person) == []
        with pytest.raises(SuggestionNotFoundError):
            get_for(person, suggestion.pk)
    assert get_for(cast.manager, suggestion.pk) == suggestion


@pytest.mark.parametrize("state", [State.PENDING, State.SNOOZED, State.FAILED, State.REJECTED])
def test_neither_pages_nor_api_show_live_values_of_it(
    cast: Cast,
    client_for: Callable[[User], Client],
    api_for: Callable[[User], ApiClient],
    state: State,
) -> None:
    suggestion = given_away(cast, state, status="working")
    pages, api = client_for(cast.rep), api_for(cast.rep)
    for view in ("mine", "team", "snoozed", "done", "withdrawn"):
        page = pages.get(f"/suggestions/?view={view}").content.decode()
        assert ("Qualified" in page, suggestion.title in page) == (False, False)
    assert pages.get(f"/suggestions/{suggestion.pk}/").status_code == 404
    assert api.send("GET", f"/api/v1/suggestions/{suggestion.pk}/").status_code == 404
    assert api.send("GET", "/api/v1/suggestions/").json()["results"] == []
    assert suggestion.title not in pages.get("/").content.decode()


def _decide(move: Callable[..., Suggestion], pk: int, user: User) -> None:
    extra: dict[str, object] = {}
    if move is reject:
        extra["reason"] = RejectReason.NOT_NEEDED
    if move is snooze:
        extra["until"] = NOW + timedelta(days=1)
    move(suggestion_id=pk, user=user, now=NOW, **extra)


@pytest.mark.parametrize(
    ("move", "state"),
    [
        (approve, State.PENDING),
        (approve, State.FAILED),
        (reject, State.PENDING),
        (reject, State.SNOOZED),
        (snooze, State.PENDING),
        (rebase, State.PENDING),
        (rebase, State.FAILED),
        (reopen, State.SNOOZED),
        (reopen, State.REJECTED),
        (reopen, State.WITHDRAWN),
    ],
)
def test_nor_may_they_decide_on_it(
    cast: Cast, move: Callable[..., Suggestion], state: State
) -> None:
    suggestion = given_away(cast, state)
    with pytest.raises(SuggestionNotFoundError):
        _decide(move, suggestion.pk, cast.rep)
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.count(), Decision.objects.count()) == (state, 0, 0)
    entry = AuditEntry.objects.get(event="permission.refused")
    assert (entry.actor_id, entry.suggestion_id) == (cast.rep.pk, suggestion.pk)


def test_a_record_given_to_a_teammate_or_to_nobody_stays_in_sight(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    for owner in (cast.teammate, None):
        Lead.objects.update(owner=owner)
        assert visible(cast.rep) == [suggestion.pk]
        assert get_for(cast.rep, suggestion.pk) == suggestion


def test_of_a_record_that_is_gone_its_own_people_still_see_the_suggestion(cast: Cast) -> None:
    suggestion = suggested(cast.rep)
    Lead.objects.all().delete()
    assert get_for(cast.rep, suggestion.pk) == suggestion
    with pytest.raises(SuggestionNotFoundError):
        get_for(cast.outsider, suggestion.pk)


def message_about_a_deal(cast: Cast) -> Suggestion:
    """A suggestion that hangs on a mail and names the deal that the mail is about."""
    deal = OpportunityFactory(owner=cast.rep, name="Their secret expansion")
    ActivityFactory(
        opportunity=deal,
        owner=cast.rep,
        activity_kind=ActivityKind.EMAIL,
        direction=Direction.INBOUND,
        occurred_at=NOW - timedelta(days=10),
    )
    scan()
    return Suggestion.objects.get(record_kind="activity")


@pytest.mark.parametrize("moved", [Activity, Opportunity])
def test_an_activitys_suggestion_is_out_of_sight_when_it_or_what_it_is_about_moves(
    cast: Cast, moved: type[Activity] | type[Opportunity]
) -> None:
    suggestion = message_about_a_deal(cast)
    assert get_for(cast.rep, suggestion.pk) == suggestion
    moved.objects.update(owner=cast.outsider)
    with pytest.raises(SuggestionNotFoundError):
        get_for(cast.rep, suggestion.pk)
    with pytest.raises(SuggestionNotFoundError):
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)


def test_the_queue_opens_no_card_that_names_a_record_out_of_sight(
    cast: Cast, client_for: Callable[[User], Client]
) -> None:
    suggestion = message_about_a_deal(cast)
    Suggestion.objects.update(record_label="A mail", title="Answer", reason="It waits.")
    Opportunity.objects.update(owner=cast.outsider, name="Renamed since")
    page = client_for(cast.rep).get("/suggestions/?view=team")
    assert page.context["selected"] is None
    assert "Renamed since" not in page.content.decode()
    asked = page.wsgi_request.GET
    assert Queue.read(cast.rep, asked).first() is None
    assert ids_after(cast.rep, asked, 0) == [suggestion.pk]
    assert first_undecided(cast.rep, [suggestion.pk]) is None


@pytest.mark.parametrize("state", [State.PENDING, State.SNOOZED])
def test_the_next_scan_writes_it_anew_for_the_new_owner(cast: Cast, state: State) -> None:
    suggestion = put_in(suggested(cast.rep), state, cast.rep)
    Lead.objects.update(owner=cast.outsider)
    assert scan(LATER).suggestions_refreshed == 1
    assert (visible(cast.rep), visible(cast.outsider)) == ([], [suggestion.pk])
    again = get_for(cast.outsider, suggestion.pk)
    assert (again.state, again.assignee, again.arguments["owner_id"]) == (
        state, cast.outsider, cast.outsider.pk,
    )  # fmt: skip
    assert again.expires_at == (again.snoozed_until or NOW + LATER) + timedelta(days=14)
    assert scan(2 * LATER).suggestions_refreshed == 0


def test_a_snoozed_one_of_the_same_owner_is_left_as_it_was(cast: Cast) -> None:
    suggestion = put_in(suggested(cast.rep, status="working"), State.SNOOZED, cast.rep)
    Lead.objects.update(status="qualified")
    assert scan(LATER).suggestions_refreshed == 0
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.refreshed_at) == (State.SNOOZED, NOW)


def test_what_comes_back_from_snooze_comes_back_to_the_new_owner(cast: Cast) -> None:
    suggestion = put_in(suggested(cast.rep), State.SNOOZED, cast.rep)
    Lead.objects.update(owner=cast.outsider)
    keep_true(NOW + timedelta(days=3))
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.assignee) == (State.PENDING, cast.outsider)
