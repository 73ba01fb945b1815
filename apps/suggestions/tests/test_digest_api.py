"""The digest in the API."""

from __future__ import annotations

from typing import Any

from apps.conftest import Cast
from apps.crm.tests.factories import LeadFactory
from apps.suggestions.digest.models import DigestSent
from apps.suggestions.tests.factories import SuggestionFactory

DIGEST = "/api/v1/digest/"


def test_a_person_reads_their_own_and_nothing_is_sent(cast: Cast, api_for: Any) -> None:
    lead = LeadFactory(owner=cast.rep)
    made = SuggestionFactory(assignee=cast.rep, lead=lead, title="Write to Anna", reason="Quiet.")
    SuggestionFactory(assignee=cast.outsider, lead=LeadFactory(owner=cast.outsider))
    answer = api_for(cast.rep).send("GET", DIGEST)
    assert answer.status_code == 200
    body = answer.json()
    assert body["subject"] == "1 suggestion waits for you"
    assert body["parts"] == [
        {
            "key": "waiting",
            "title": "Waiting for you",
            "rows": [
                {
                    "text": "Write to Anna",
                    "note": "1,000\u00a0$ · Quiet.",
                    "group": "Revive the lead",
                    "url": f"http://acme.localhost:8000/suggestions/{made.pk}/",
                }
            ],
            "more": "",
            "url": "http://acme.localhost:8000/suggestions/?view=mine",
        }
    ]
    assert not DigestSent.objects.exists()


def test_with_nothing_to_tell_there_are_no_parts(cast: Cast, api_for: Any) -> None:
    assert api_for(cast.rep).send("GET", DIGEST).json()["parts"] == []


def test_other_methods_parameters_and_roles_are_refused(cast: Cast, api_for: Any) -> None:
    client = api_for(cast.rep)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.send(method, DIGEST).status_code == 405
    assert client.send("GET", f"{DIGEST}?person=1").status_code == 400
    cast.rep.groups.clear()
    assert api_for(cast.rep).send("GET", DIGEST).status_code == 403
