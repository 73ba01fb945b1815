"""Suggestions by the API: what is listed, what one shows, and what a decision answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.conftest import ApiClient, Cast, TenantClient, make_cast
from apps.crm.models import ChangeLog, Lead, Task
from apps.crm.tests.factories import LeadFactory
from apps.execution.models import Execution
from apps.suggestions.enums import HeldBack, State
from apps.suggestions.models import Decision, Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.users.models import ApiToken, User

ApiFor = Callable[[User], ApiClient]

LIST = "/api/v1/suggestions/"
DECISIONS: dict[str, dict[str, str]] = {
    "approve": {},
    "reject": {"reason": "not_needed"},
    "snooze": {"until": (timezone.now() + timedelta(days=3)).isoformat()},
    "rebase": {},
    "reopen": {},
}


def own(cast: Cast, **values: object) -> Suggestion:
    return SuggestionFactory(assignee=cast.rep, lead=LeadFactory(owner=cast.rep), **values)


def ids_of(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_the_list_is_for_people_with_a_token(anonymous_client: TenantClient) -> None:
    answer = anonymous_client.get(LIST)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_person_without_a_role_gets_403(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    cast.rep.groups.clear()
    client = api_for(cast.rep)
    answers = [client.get(LIST), client.get(f"{LIST}{suggestion.pk}/")]
    answers += [
        client.send("POST", f"{LIST}{suggestion.pk}/{verb}/", payload)
        for verb, payload in DECISIONS.items()
    ]
    assert [answer.status_code for answer in answers] == [403] * 7


def test_the_list_holds_own_team_and_unassigned_ones_best_first(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    mine = own(cast, rank=1.0)
    teams = SuggestionFactory(assignee=cast.teammate, rank=3.0)
    nobodys = SuggestionFactory(assignee=None, rank=2.0)
    foreign = SuggestionFactory(assignee=cast.outsider, rank=4.0)
    with globex:
        SuggestionFactory(assignee=None)
    assert ids_of(api_for(cast.rep).get(LIST)) == [teams.pk, nobodys.pk, mine.pk]
    assert ids_of(api_for(cast.manager).get(LIST)) == [foreign.pk, teams.pk, nobodys.pk, mine.pk]


def test_the_list_is_filtered(cast: Cast, api_for: ApiFor) -> None:
    waiting = own(cast, title="Call the bakery")
    held = own(cast, held_back=HeldBack.DAILY_CAP)
    now = timezone.now()
    done = own(cast, state=State.REJECTED, reviewed_by=cast.rep, reviewed_at=now)
    unassigned = SuggestionFactory(
        assignee=None, tool="update_task", trigger="task_overdue", risk="high", confidence=0.7,
        segment="huge", created_at=now - timedelta(days=9),
    )  # fmt: skip
    client = api_for(cast.rep)

    def found(**parameters: Any) -> list[int]:
        return ids_of(client.get(LIST, parameters | {"ordering": "id"}))

    assert found(state="rejected") == [done.pk]
    assert found(state="pending", is_held_back="false") == [waiting.pk, unassigned.pk]
    assert found(is_held_back="true") == [held.pk]
    refused = client.get(LIST, {"is_held_back": "0"})
    assert (refused.status_code, refused.json()["errors"]) == (
        400,
        {"is_held_back": ["true or false."]},
    )
    assert found(assignee=cast.rep.pk, state="pending") == [waiting.pk, held.pk]
    assert found(unassigned="true") == [unassigned.pk]
    assert found(tool="update_task") == [unassigned.pk]
    assert found(trigger="task_overdue") == found(risk="high") == [unassigned.pk]
    assert found(record_kind="lead", record_id=waiting.record_id) == [waiting.pk]
    assert found(search="bakery") == [waiting.pk]
    # As the page narrows.
    assert found(confidence="high") == found(value="huge") == found(age="older") == [unassigned.pk]
    assert found(confidence="unmeasured", age="day", state="pending", is_held_back="false") == [
        waiting.pk
    ]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_six_queries_whatever_its_length(
    cast: Cast, api_for: ApiFor, rows: int
) -> None:
    for _ in range(rows):
        own(cast)
    client = api_for(cast.rep)
    client.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(LIST)
    assert len(ids_of(answer)) == rows
    assert len(queries) == 6, [query["sql"] for query in queries]


def test_one_shows_diff_evidence_and_whether_it_can_be_decided(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    body = api_for(cast.rep).get(f"{LIST}{suggestion.pk}/").json()
    assert (body["id"], body["state"], body["tool"]) == (
        suggestion.pk, "pending", "create_followup",
    )  # fmt: skip
    assert (body["diff"]["is_creation"], body["diff"]["record_kind"]) == (True, "task")
    titles = [row for row in body["diff"]["fields"] if row["field"] == "title"]
    assert titles == [
        {
            "field": "title",
            "label": "Title",
            "kind": "text",
            "before": None,
            "after": "Write to the lead",
            "before_text": "—",
            "after_text": "Write to the lead",
            "origin": "proposed",
            "edited_by": "",
            "segments": [],
        }
    ]
    assert body["evidence"] == [
        {
            "text": "The lead is open",
            "facts": [{"number": 1, "label": "Status", "text": "Working", "occurred_at": None}],
        }
    ]
    assert (body["can_decide"], body["refusal"], body["changes_since"]) == (True, "", [])
    assert (body["confidence"], body["execution"]) == (None, None)


def test_approving_writes_once_and_says_so_everywhere(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    client, path = api_for(cast.rep), f"{LIST}{suggestion.pk}/approve/"
    answer = client.send("POST", path, {"seen_at": suggestion.refreshed_at.isoformat()})
    body = answer.json()
    assert (answer.status_code, body["state"], body["reviewed_by"]) == (
        200, "applied", cast.rep.pk,
    )  # fmt: skip
    task = Task.objects.get(lead_id=suggestion.record_id)
    execution = Execution.objects.get(pk=body["execution"])
    assert (execution.status, execution.record_id) == ("succeeded", task.pk)
    assert ChangeLog.objects.of_record("task", task.pk).get().origin == "api"
    entry = AuditEntry.objects.get(event="suggestion.approved")
    assert (entry.suggestion_id, entry.actor_id, entry.origin) == (
        suggestion.pk, cast.rep.pk, "api",
    )  # fmt: skip
    again = client.send("POST", path, {"seen_at": suggestion.refreshed_at.isoformat()})
    problem = again.json()
    assert (again.status_code, problem["code"], problem["state"]) == (
        409, "already_decided", "applied",
    )  # fmt: skip
    assert problem["decided_by"] == "Rita Rep"
    assert Task.objects.count() == 1


def test_an_approval_that_does_not_say_what_was_seen_is_refused(
    cast: Cast, api_for: ApiFor
) -> None:
    suggestion = own(cast)
    client, path = api_for(cast.rep), f"{LIST}{suggestion.pk}/approve/"
    for answer in (client.generic("POST", path), client.send("POST", path, {"seen_at": None})):
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["seen_at"])
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.count()) == ("pending", 0)


def test_a_mistyped_part_is_not_taken_for_the_whole(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    client, path = api_for(cast.rep), f"{LIST}{suggestion.pk}"
    seen = {"seen_at": suggestion.refreshed_at.isoformat()}
    for address, body, wrong in (
        ("approve/", {**seen, "field_accepted": ["title"]}, "field_accepted"),
        ("approve/?fields_accepted=title", seen, "fields_accepted"),
        ("reject/", {"reason": "not_needed", "stopp": {}}, "stopp"),
        ("snooze/", {**DECISIONS["snooze"], "wakes_on": True}, "wakes_on"),
        ("undo/", {"in_spite": ["title"]}, "in_spite"),
    ):
        answer = client.send("POST", f"{path}/{address}", body)
        assert (answer.status_code, [*answer.json()["errors"]]) == (400, [wrong]), address
    suggestion.refresh_from_db()
    assert (suggestion.state, Task.objects.count()) == ("pending", 0)


def test_what_was_refreshed_since_it_was_read_is_not_approved(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    read_at = suggestion.refreshed_at - timedelta(minutes=5)
    answer = api_for(cast.rep).send(
        "POST", f"{LIST}{suggestion.pk}/approve/", {"seen_at": read_at.isoformat()}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "changed_since_seen")
    assert Task.objects.count() == 0


def test_a_stale_one_names_what_changed_until_it_is_rebased(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    Lead.objects.filter(pk=suggestion.record_id).update(status="qualified")
    client, path = api_for(cast.rep), f"{LIST}{suggestion.pk}/"
    (since,) = client.get(path).json()["changes_since"]
    assert (since["label"], since["seen"], since["now"]) == ("Status", "Working", "Qualified")
    refused = client.send(
        "POST", f"{path}approve/", {"seen_at": suggestion.refreshed_at.isoformat()}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "stale")
    assert refused.json()["changes"] == [
        {
            "record": f"lead:{suggestion.record_id}",
            "field": "status",
            "seen": "working",
            "now": "qualified",
        }
    ]
    refused = client.send("POST", f"{path}rebase/", {"arguments": {"status": "working"}})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["arguments"])
    rebased = client.send("POST", f"{path}rebase/")
    assert (rebased.status_code, rebased.json()["changes_since"]) == (200, [])
    approved = client.send("POST", f"{path}approve/", {"seen_at": rebased.json()["refreshed_at"]})
    assert (approved.status_code, approved.json()["state"]) == (200, "applied")


def test_rejecting_needs_a_reason_that_is_offered(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    client, path = api_for(cast.rep), f"{LIST}{suggestion.pk}/reject/"
    for payload in ({}, {"reason": "because"}):
        answer = client.send("POST", path, payload)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["reason"])
    answer = client.send("POST", path, {"reason": "bad_timing", "note": "In spring"})
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    decision = Decision.objects.get()
    assert (decision.reason, decision.note, decision.decided_by) == (
        "bad_timing", "In spring", cast.rep,
    )  # fmt: skip
    reopened = client.send("POST", f"{LIST}{suggestion.pk}/reopen/")
    assert (reopened.status_code, reopened.json()["state"]) == (200, "pending")


def test_snoozing_ends_within_ninety_days(cast: Cast, api_for: ApiFor) -> None:
    suggestion = own(cast)
    client, path = api_for(cast.rep), f"{LIST}{suggestion.pk}/snooze/"
    missing = client.send("POST", path, {})
    assert (missing.status_code, list(missing.json()["errors"])) == (400, ["until"])
    now = timezone.now()
    for until in (now - timedelta(minutes=1), now + timedelta(days=91)):
        answer = client.send("POST", path, {"until": until.isoformat()})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_snooze")
    answer = client.send("POST", path, {"until": (now + timedelta(days=2)).isoformat()})
    assert (answer.status_code, answer.json()["state"]) == (200, "snoozed")


def test_a_foreign_one_is_404_to_read_and_to_decide(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    other_team = SuggestionFactory(assignee=cast.outsider)
    with globex:
        others = SuggestionFactory.create_batch(3, assignee=None)
    rep, manager = api_for(cast.rep), api_for(cast.manager)
    assert other_team.pk != others[-1].pk
    for client, pk in ((rep, other_team.pk), (manager, others[-1].pk)):
        answers = [client.get(f"{LIST}{pk}/")]
        answers += [
            client.send("POST", f"{LIST}{pk}/{verb}/", payload)
            for verb, payload in DECISIONS.items()
        ]
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, "not_found")] * 6
    other_team.refresh_from_db()
    assert other_team.state == State.PENDING
    with globex:
        assert set(Suggestion.objects.values_list("state", flat=True)) == {"pending"}


@pytest.mark.parametrize("verb", DECISIONS)
def test_a_decision_is_a_post(cast: Cast, api_for: ApiFor, verb: str) -> None:
    answer = api_for(cast.rep).get(f"{LIST}{own(cast).pk}/{verb}/")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_of_six_approvals_at_once_one_is_applied(committed_tenant: Tenant) -> None:
    people = make_cast()
    suggestion = own(people)
    _, key = ApiToken.issue(user=people.rep, name="tests", expires_at=None)
    connection.close()
    barrier = threading.Barrier(6)
    answers: list[tuple[int, str]] = []

    def approve() -> None:
        try:
            client = ApiClient("race.localhost", key)
            barrier.wait(timeout=20)
            body = client.send(
                "POST",
                f"{LIST}{suggestion.pk}/approve/",
                {"seen_at": suggestion.refreshed_at.isoformat()},
            )
            answers.append((body.status_code, body.json().get("code", body.json().get("state"))))
        finally:
            connection.close()

    threads = [threading.Thread(target=approve) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tenant_connection().set_tenant(committed_tenant)
    assert sorted(answers) == [(200, "applied")] + [(409, "already_decided")] * 5
    assert (Task.objects.count(), Execution.objects.count()) == (1, 1)
