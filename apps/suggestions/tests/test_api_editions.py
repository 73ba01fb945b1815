"""Which edition was read: the ETag of a suggestion, ``If-Match`` and ``If-None-Match``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast
from apps.crm.models import Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

LIST = "/api/v1/suggestions/"
DECISIONS: dict[str, Mapping[str, object]] = {
    "approve": {},
    "reject": {"reason": "not_needed"},
    "snooze": {"until": (timezone.now() + timedelta(days=3)).isoformat()},
    "rebase": {},
    "reopen": {},
    "reassign": {"assignee": None},
    "undo": {},
}


def own(cast: Cast, **values: object) -> Suggestion:
    return SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep), **values)


def refresh(suggestion: Suggestion) -> None:
    """Let a scan bring it up to date."""
    later = suggestion.refreshed_at + timedelta(seconds=1)
    Suggestion.objects.filter(pk=suggestion.pk).update(refreshed_at=later)


def read(client: ApiClient, suggestion: Suggestion, etag: str = "") -> Any:
    headers = {"If-None-Match": etag} if etag else {}
    return client.get(f"{LIST}{suggestion.pk}/", headers=headers)


def decide(
    client: ApiClient, suggestion: Suggestion, verb: str, etag: str, body: object = None
) -> Any:
    payload = DECISIONS[verb] if body is None else body
    return client.send("POST", f"{LIST}{suggestion.pk}/{verb}/", payload, If_Match=etag)


def test_the_etag_holds_as_long_as_the_answer_is_the_same(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    first = read(client, suggestion)
    again = read(client, suggestion, first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert first["ETag"].startswith(f'"{first.json()["refreshed_at"]}.')
    assert read(client, suggestion, f"W/{first['ETag']}").status_code == 304
    assert read(client, suggestion, f'"other", {first["ETag"]}').status_code == 304
    assert read(client, suggestion, '"other"').status_code == 200


@pytest.mark.parametrize("change", ["state", "record", "edition"])
def test_the_etag_ends_with_what_the_answer_says(change: str, cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    etag = read(client, suggestion)["ETag"]
    if change == "state":
        client.send("POST", f"{LIST}{suggestion.pk}/reject/", DECISIONS["reject"])
    elif change == "record":
        Lead.objects.filter(pk=suggestion.record_id).update(status="qualified")
    else:
        refresh(suggestion)
    answer = read(client, suggestion, etag)
    assert (answer.status_code, answer["ETag"] == etag) == (200, False)


def test_an_approval_may_name_what_was_seen_by_its_etag_alone(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    answer = decide(client, suggestion, "approve", read(client, suggestion)["ETag"])
    assert (answer.status_code, answer.json()["state"]) == (200, "applied")
    assert answer["ETag"] == read(client, suggestion)["ETag"]


def test_an_edition_without_its_digest_will_do(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    edition = read(client, suggestion).json()["refreshed_at"]
    assert decide(client, suggestion, "approve", f'"{edition}"').status_code == 200


@pytest.mark.parametrize("verb", DECISIONS)
def test_what_was_refreshed_since_it_was_read_is_not_decided(
    verb: str, cast: Cast, api_for: ApiFor
) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    etag = read(client, suggestion)["ETag"]
    refresh(suggestion)
    answer = decide(client, suggestion, verb, etag)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (412, "suggestion_changed")
    assert problem["refreshed_at"] == read(client, suggestion).json()["refreshed_at"]
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.count()) == (State.PENDING, 0)
    assert set(AuditEntry.objects.values_list("event", flat=True)) == {"suggestion.shown"}


def test_an_edit_may_name_what_was_seen_by_its_etag(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    shown = read(client, suggestion)
    body = {"arguments": shown.json()["arguments"] | {"title": "Call the lead"}}
    path = f"{LIST}{suggestion.pk}/edit/"
    edited = client.send("POST", path, body, If_Match=shown["ETag"])
    assert (edited.status_code, edited.json()["arguments"]["title"]) == (200, "Call the lead")
    stale = client.send("POST", path, body, If_Match=shown["ETag"])
    assert (stale.status_code, stale.json()["code"]) == (412, "suggestion_changed")


@pytest.mark.parametrize("etag", ['"3"', "nonsense", '"2026-11-23T00:36:42.468023Zx"', '"a", "b"'])
def test_what_is_no_edition_matches_nothing(etag: str, cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    answer = decide(api_for(cast.rep), suggestion, "reject", etag)
    assert (answer.status_code, answer.json()["refreshed_at"]) == (412, None)
    suggestion.refresh_from_db()
    assert suggestion.state == State.PENDING


def test_any_edition_still_needs_one_that_was_seen_to_be_approved(
    cast: Cast, api_for: ApiFor
) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    assert decide(client, suggestion, "reject", "*").status_code == 200
    other = own(cast)
    answer = decide(client, other, "approve", "*")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["seen_at"])


def test_two_editions_that_differ_are_a_mistake(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    etag = read(client, suggestion)["ETag"]
    seen_at = (suggestion.refreshed_at - timedelta(seconds=1)).isoformat()
    answer = decide(client, suggestion, "approve", etag, {"seen_at": seen_at})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["seen_at"])
    assert Task.objects.count() == 0


def test_what_is_decided_already_is_told_as_such(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = own(cast), api_for(cast.rep)
    etag = read(client, suggestion)["ETag"]
    assert decide(client, suggestion, "approve", etag).status_code == 200
    again = decide(client, suggestion, "approve", etag)
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
