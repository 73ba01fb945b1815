"""Bulk approvals in the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from apps.conftest import ApiClient, Cast
from apps.crm.models import Lead
from apps.crm.tests.factories import LeadFactory
from apps.execution.enums import Risk
from apps.suggestions.models import BulkApproval, Suggestion
from apps.suggestions.services import run_bulk
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

BULK = "/api/v1/bulk-approvals/"
NOW = timezone.now()


def waiting(cast: Cast, **values: Any) -> Suggestion:
    lead = LeadFactory(owner=values.get("assignee", cast.rep))
    suggestion: Suggestion = SuggestionFactory(lead=lead, **{"assignee": cast.rep, **values})
    return suggestion


def items(*suggestions: Suggestion) -> dict[str, Any]:
    return {
        "items": [
            {"suggestion": row.pk, "seen_at": row.refreshed_at.isoformat()} for row in suggestions
        ]
    }


def test_asking_looking_and_trying_again(cast: Cast, api_for: ApiFor) -> None:
    stale, fine = waiting(cast), waiting(cast)
    api = api_for(cast.rep)
    answer = api.send("POST", BULK, items(stale, fine))
    bulk = BulkApproval.objects.get()
    assert answer.status_code == 202
    assert answer["Location"] == f"http://acme.localhost{BULK}{bulk.pk}/"
    told = answer.json()
    assert (told["tool"], told["origin"], told["finished_at"]) == ("create_followup", "api", None)
    assert (told["waiting"], told["applied"], told["failed"]) == (2, 0, 0)

    Lead.objects.filter(pk=stale.record_id).update(do_not_contact=True)
    run_bulk(bulk_id=bulk.pk, now=NOW)
    told = api.get(answer["Location"]).json()
    assert (told["waiting"], told["applied"], told["failed"]) == (0, 1, 1)
    assert [(row["suggestion"], row["outcome"], row["code"]) for row in told["items"]] == [
        (stale.pk, "failed", "stale"),
        (fine.pk, "applied", ""),
    ]
    fine.refresh_from_db()
    assert fine.reviewed_by == cast.rep

    Lead.objects.filter(pk=stale.record_id).update(do_not_contact=False)
    again = api.send("POST", f"{BULK}{bulk.pk}/retry/", items(stale))
    assert (again.status_code, again.json()["waiting"]) == (202, 1)
    run_bulk(bulk_id=bulk.pk, now=NOW)
    assert api.get(answer["Location"]).json()["applied"] == 2
    refused = api.send("POST", f"{BULK}{bulk.pk}/retry/", items(stale))
    assert (refused.status_code, refused.json()["code"]) == (409, "bulk_retry")


def test_refusals(cast: Cast, api_for: ApiFor) -> None:
    api, mine = api_for(cast.rep), waiting(cast)
    unknown = {"items": [{"suggestion": 2**62, "seen_at": NOW.isoformat()}]}
    cases: list[tuple[object, tuple[int, str]]] = [
        (items(), (422, "bulk_size")),
        (items(mine, mine), (422, "bulk_size")),
        (items(*[mine] * 1001), (422, "bulk_size")),
        (items(mine, waiting(cast, tool="update_lead")), (422, "bulk_tools")),
        (items(waiting(cast, risk=Risk.HIGH)), (422, "high_risk")),
        (items(mine, waiting(cast, assignee=cast.outsider)), (404, "not_found")),
        (unknown, (404, "not_found")),
        ({}, (400, "invalid")),
        ([], (400, "invalid")),
        ({"items": "all"}, (400, "invalid")),
        ({"items": [{"suggestion": mine.pk}]}, (400, "invalid")),
        ({"items": [{"suggestion": 0, "seen_at": NOW.isoformat()}]}, (400, "invalid")),
        ({**items(mine), "tenant": "globex"}, (400, "invalid")),
    ]
    for payload, expected in cases:
        answer = api.send("POST", BULK, payload)
        assert (answer.status_code, answer.json()["code"]) == expected, payload
    assert BulkApproval.objects.count() == 0


def test_each_sees_their_own_and_managers_all(cast: Cast, api_for: ApiFor) -> None:
    mine = waiting(cast)
    address = api_for(cast.rep).send("POST", BULK, items(mine))["Location"]
    for person, status in ((cast.teammate, 404), (cast.outsider, 404), (cast.manager, 200)):
        assert api_for(person).get(address).status_code == status
    assert api_for(cast.teammate).send("POST", f"{address}retry/", items(mine)).status_code == 404
    assert api_for(cast.manager).send("POST", f"{address}retry/", items(mine)).status_code == 404
    assert api_for(cast.rep).get(f"{address}?tenant=globex").status_code == 400
