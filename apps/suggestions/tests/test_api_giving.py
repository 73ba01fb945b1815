"""Giving suggestions to others by the API, and stopping what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.suggestions.tests.cases import suggested
from apps.triggers.models import Silence
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

LIST = "/api/v1/suggestions/"


def test_one_is_given_to_a_colleague_and_to_nobody(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = suggested(cast.rep), api_for(cast.rep)
    path = f"{LIST}{suggestion.pk}/reassign/"
    answer = client.send("POST", path, {"assignee": cast.teammate.pk})
    assert (answer.status_code, answer.json()["assignee"]) == (200, cast.teammate.pk)
    entry = AuditEntry.objects.get(event="suggestion.reassigned")
    assert (entry.actor_id, entry.origin) == (cast.rep.pk, "api")
    answer = client.send("POST", path, {"assignee": None}, If_Match=answer["ETag"])
    assert (answer.status_code, answer.json()["assignee"]) == (200, None)


def test_an_edition_that_is_over_is_not_given_away(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = suggested(cast.rep), api_for(cast.rep)
    path = f"{LIST}{suggestion.pk}/"
    etag = client.get(path)["ETag"]
    later = suggestion.refreshed_at + timedelta(seconds=1)
    Suggestion.objects.update(refreshed_at=later)
    answer = client.send("POST", f"{path}reassign/", {"assignee": cast.teammate.pk}, If_Match=etag)
    assert (answer.status_code, answer.json()["code"]) == (412, "suggestion_changed")
    assert Suggestion.objects.get().assignee == cast.rep


def test_who_is_not_there_is_refused_like_who_cannot_have_it(cast: Cast, api_for: ApiFor) -> None:
    suggestion, client = suggested(cast.rep), api_for(cast.rep)
    path = f"{LIST}{suggestion.pk}/reassign/"
    for person_id in (cast.outsider.pk, 2**62):
        problem = client.send("POST", path, {"assignee": person_id}).json()
        assert (problem["status"], problem["code"], problem["title"]) == (
            422, "assignee_refused", "You cannot give suggestions to this person.",
        )  # fmt: skip
    assert Suggestion.objects.get().assignee == cast.rep


@pytest.mark.parametrize("body", [{}, {"assignee": 0}, {"assignee": "Tom"}, {"assignee": 2**63}])
def test_a_person_is_named_by_their_id(cast: Cast, api_for: ApiFor, body: object) -> None:
    suggestion = suggested(cast.rep)
    answer = api_for(cast.rep).send("POST", f"{LIST}{suggestion.pk}/reassign/", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["assignee"])


def test_what_a_suggestion_stands_for_is_stopped_with_it(cast: Cast, api_for: ApiFor) -> None:
    suggestion = suggested(cast.rep)
    body = {"reason": "not_needed", "stop": {"scope": "record", "days": 90}}
    answer = api_for(cast.rep).send("POST", f"{LIST}{suggestion.pk}/reject/", body)
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    stopped = Silence.objects.get(goal="")
    assert (stopped.record_kind, stopped.record_id) == ("lead", suggestion.record_id)


def test_to_stop_what_concerns_others_is_for_managers(cast: Cast, api_for: ApiFor) -> None:
    suggestion = suggested(cast.rep)
    body = {"reason": "not_needed", "stop": {"scope": "tenant", "days": 30}}
    path = f"{LIST}{suggestion.pk}/reject/"
    refused = api_for(cast.rep).send("POST", path, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_refused")
    assert Suggestion.objects.get().state == State.PENDING
    assert api_for(cast.manager).send("POST", path, body).status_code == 200


@pytest.mark.parametrize(
    "stop", [{}, {"scope": "record"}, {"scope": "world", "days": 3}, {"scope": "record", "days": 0}]
)
def test_a_stop_needs_its_scope_and_its_days(cast: Cast, api_for: ApiFor, stop: object) -> None:
    suggestion = suggested(cast.rep)
    body = {"reason": "not_needed", "stop": stop}
    answer = api_for(cast.rep).send("POST", f"{LIST}{suggestion.pk}/reject/", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["stop"])
