"""Texts that were written from a record which has been given to another team since."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient
from apps.crm.models import Activity, Lead, Task
from apps.crm.tests.factories import ActivityFactory
from apps.suggestions.digest.sections import Reader, WaitingSection
from apps.suggestions.enums import State
from apps.suggestions.exceptions import ConcealedError
from apps.suggestions.models import NothingProposed, Suggestion
from apps.suggestions.pipeline.run import keep_true
from apps.suggestions.pipeline.untellable import find_untellable
from apps.suggestions.services import approve, edit, get_for, rebase
from apps.suggestions.services.access import CONCEALED_REASON
from apps.suggestions.tests.cases import LONG_AGO, NOW, put_in, quiet_lead, scan
from apps.users.models import User

SECRET = "zq7secret"
LATER = timedelta(minutes=1)


@pytest.fixture
def suggestion(cast: Cast) -> Suggestion:
    """One whose texts quote a mail of a teammate's."""
    lead = quiet_lead(cast.rep)
    ActivityFactory(lead=lead, owner=cast.teammate, occurred_at=LONG_AGO, subject=SECRET)
    scan()
    found = Suggestion.objects.get()
    Suggestion.objects.update(
        title=f"Answer {SECRET}",
        reason=f"They wrote {SECRET}",
        arguments={**found.arguments, "description": SECRET},
    )
    return Suggestion.objects.get()


def give_away(cast: Cast) -> None:
    Activity.objects.update(owner=cast.outsider)


def everything_said() -> str:
    rows = Suggestion.objects.values("title", "reason", "facts", "evidence", "arguments")
    return json.dumps(list(rows))


PAGES = (
    "/suggestions/", "/suggestions/?view=team", "/suggestions/{pk}/", "/suggestions/{pk}/story/",
    "/suggestions/bulk/", "/leads/{lead}/", "/", "/suggestions/{pk}/edit/",
)  # fmt: skip
API = ("/api/v1/suggestions/", "/api/v1/suggestions/{pk}/")


@pytest.mark.parametrize("state", [State.PENDING, State.SNOOZED, State.FAILED, State.REJECTED])
def test_no_page_and_no_answer_shows_them(
    cast: Cast,
    suggestion: Suggestion,
    client_for: Callable[[User], TenantClient],
    api_for: Callable[[User], ApiClient],
    state: State,
) -> None:
    put_in(suggestion, state, cast.rep)
    Suggestion.objects.update(held_back="")
    names = {"pk": suggestion.pk, "lead": suggestion.record_id}

    def read_by(person: User) -> str:
        pages = [client_for(person).get(page.format(**names)).content.decode() for page in PAGES]
        answers = [api_for(person).get(page.format(**names)).content.decode() for page in API]
        return "".join(pages + answers)

    def title_is_told(person: User) -> bool:
        return f"Answer {SECRET}" in read_by(person)

    assert title_is_told(cast.rep)
    give_away(cast)
    assert (title_is_told(cast.rep), title_is_told(cast.manager)) == (False, True)
    assert SECRET not in read_by(cast.rep)
    body = api_for(cast.rep).get(API[1].format(**names)).json()
    assert (body["title"], body["reason"]) == ("Revive the lead", CONCEALED_REASON)
    assert (body["arguments"], body["proposed_arguments"], body["diff"]) == ({}, None, None)


def test_the_digest_tells_none(cast: Cast, suggestion: Suggestion) -> None:
    Suggestion.objects.update(held_back="")
    reader = Reader(User.objects.get(pk=cast.rep.pk), NOW, NOW - timedelta(days=1))
    (row,) = WaitingSection().content(reader).rows
    assert SECRET in row.text
    give_away(cast)
    (row,) = WaitingSection().content(reader).rows
    assert row.text == "Revive the lead"
    assert SECRET not in row.note


def test_it_cannot_be_approved_or_edited_before_it_is_written_anew(
    cast: Cast, suggestion: Suggestion
) -> None:
    give_away(cast)
    with pytest.raises(ConcealedError) as caught:
        approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (caught.value.code, caught.value.status) == ("rests_on_hidden", 409)
    with pytest.raises(ConcealedError):
        edit(suggestion_id=suggestion.pk, user=cast.rep, arguments={}, now=NOW)
    assert Task.objects.count() == 0
    anew = rebase(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert (anew.is_concealed, SECRET in everything_said()) == (None, False)
    approve(suggestion_id=suggestion.pk, user=cast.rep, now=NOW)
    assert SECRET not in str(list(Task.objects.values()))


def test_a_manager_decides_on_what_they_see(cast: Cast, suggestion: Suggestion) -> None:
    give_away(cast)
    approve(suggestion_id=suggestion.pk, user=cast.manager, now=NOW)
    assert Task.objects.get().description == SECRET


def test_the_page_offers_to_write_it_anew(
    cast: Cast, suggestion: Suggestion, client_for: Callable[[User], TenantClient]
) -> None:
    give_away(cast)
    client = client_for(cast.rep)
    page = client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert ("Write it anew now" in page, ">Approve<" in page) == (True, False)
    answer = client.post(f"/suggestions/{suggestion.pk}/rebase/")
    assert answer.status_code == 302
    page = client.get(f"/suggestions/{suggestion.pk}/").content.decode()
    assert ("Write it anew now" in page, SECRET in page) == (False, False)


def test_who_rejects_it_is_told_no_more_than_before(
    cast: Cast,
    suggestion: Suggestion,
    client_for: Callable[[User], TenantClient],
    api_for: Callable[[User], ApiClient],
) -> None:
    give_away(cast)
    response = client_for(cast.rep).post(
        f"/suggestions/{suggestion.pk}/reject/", {"reason": "not_needed"}
    )
    (said,) = [str(message) for message in get_messages(response.wsgi_request)]
    assert said.startswith("Rejected: Revive the lead.")
    body = api_for(cast.rep).send("POST", f"/api/v1/suggestions/{suggestion.pk}/reopen/")
    assert (body.status_code, SECRET in body.content.decode()) == (200, False)


@pytest.mark.parametrize("state", [State.PENDING, State.SNOOZED])
def test_the_next_round_writes_it_anew(cast: Cast, suggestion: Suggestion, state: State) -> None:
    put_in(suggestion, state, cast.rep)
    give_away(cast)
    assert find_untellable() == [suggestion.pk]
    keep_true(NOW + LATER)
    again = get_for(cast.rep, suggestion.pk)
    assert (again.state, again.assignee, again.is_concealed) == (state, cast.rep, False)
    assert again.refreshed_at == NOW + LATER
    assert SECRET not in everything_said()
    assert find_untellable() == []
    assert scan(2 * LATER).suggestions_refreshed == 0


def test_what_a_person_has_edited_is_withdrawn_and_suggested_anew(
    cast: Cast, suggestion: Suggestion
) -> None:
    edit(
        suggestion_id=suggestion.pk,
        user=cast.rep,
        arguments={**suggestion.arguments, "title": "My own words"},
        now=NOW,
    )
    give_away(cast)
    assert scan(LATER).suggestions_withdrawn == 1
    suggestion.refresh_from_db()
    assert (suggestion.state, suggestion.closed_because) == (
        State.WITHDRAWN, "It was written from a record that its readers may not see any more.",
    )  # fmt: skip
    entry = AuditEntry.objects.get(event="suggestion.withdrawn")
    assert entry.suggestion_id == suggestion.pk
    scan(2 * LATER)
    fresh = Suggestion.objects.get(state=State.PENDING)
    assert SECRET not in fresh.title + fresh.reason + str(fresh.facts)


def test_what_cannot_be_written_anew_is_withdrawn(
    cast: Cast, suggestion: Suggestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_away(cast)
    monkeypatch.setattr("apps.suggestions.pipeline.validation.FURTHEST_DUE", timedelta(days=-1))
    scan(LATER)
    suggestion.refresh_from_db()
    assert suggestion.state == State.WITHDRAWN
    assert NothingProposed.objects.count() == 1


def test_what_its_readers_may_see_is_left_as_it_is(cast: Cast, suggestion: Suggestion) -> None:
    for owner in (cast.rep, None, cast.teammate):
        Activity.objects.update(owner=owner)
        assert find_untellable() == []
    Activity.objects.all().delete()
    assert find_untellable() == []


def test_a_person_who_joins_another_team_hides_what_is_theirs(
    cast: Cast, suggestion: Suggestion
) -> None:
    cast.teammate.team = cast.other_team
    cast.teammate.save()
    assert find_untellable() == [suggestion.pk]
    cast.rep.team = None
    cast.rep.save()
    assert find_untellable() == [suggestion.pk]
    Lead.objects.update(owner=cast.manager)
    scan(LATER)
    assert find_untellable() == []
