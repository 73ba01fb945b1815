"""Creating and changing records by the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.conftest import ApiClient, Cast
from apps.crm.models import Activity, ChangeLog, Contact, Lead, Opportunity, Task
from apps.crm.tests.factories import (
    AccountFactory,
    ContactFactory,
    CustomFieldFactory,
    LeadFactory,
    OpportunityFactory,
    StageFactory,
    TaskFactory,
)
from apps.tenants.models import Tenant
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]


def errors_of(answer: Any) -> dict[str, Any]:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid")
    errors: dict[str, Any] = problem["errors"]
    return errors


def test_a_new_lead_is_shown_as_it_was_written(cast: Cast, api_for: ApiFor) -> None:
    payload = {
        "first_name": "Ada",
        "last_name": "Byron",
        "company": "Engines",
        "email": "ada@example.com",
        "status": "new",
        "estimated_value": "1200.50",
        "currency": "EUR",
        "source": "web",
        "external_id": "form-1",
    }
    answer = api_for(cast.rep).send("POST", "/api/v1/leads/", payload)
    lead = Lead.objects.get()
    assert answer.status_code == 201
    assert answer["Location"] == f"http://acme.localhost/api/v1/leads/{lead.pk}/"
    assert answer["ETag"] == '"1"'
    body = answer.json()
    assert {name: body[name] for name in payload} == payload
    assert (body["id"], body["label"], body["owner"]) == (lead.pk, "Ada Byron", cast.rep.pk)
    assert (body["revision"], body["attributes"], body["last_activity_at"]) == (1, {}, None)


def test_the_change_log_names_the_person_and_the_api(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep, title="")
    answer = api_for(cast.rep).send(
        "PATCH", f"/api/v1/leads/{lead.pk}/", {"title": "CFO"}, X_Request_ID="client-chosen-1"
    )
    assert (answer.status_code, answer["ETag"]) == (200, '"2"')
    row = ChangeLog.objects.of_record("lead", lead.pk)[0]
    assert (row.actor_id, row.actor_name, row.origin, row.request_id, row.changes) == (
        cast.rep.pk, "Rita Rep", "api", "client-chosen-1", {"title": ["", "CFO"]},
    )  # fmt: skip


def test_a_change_leaves_unnamed_fields_alone(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.teammate, company="Engines", title="CEO")
    answer = api_for(cast.rep).send("PATCH", f"/api/v1/leads/{lead.pk}/", {"title": "CFO"})
    body = answer.json()
    assert (body["company"], body["title"], body["owner"]) == ("Engines", "CFO", cast.teammate.pk)


def test_what_the_database_derives_cannot_be_written(cast: Cast, api_for: ApiFor) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    OpportunityFactory(owner=cast.rep)
    payload = {
        "id": deal.pk + 1,
        "revision": 90,
        "outcome": "won",
        "stage_entered_at": "2020-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
        "last_activity_at": "2020-01-01T00:00:00Z",
        "next_step": "Call",
    }
    before = api_for(cast.rep).get(f"/api/v1/opportunities/{deal.pk}/").json()
    after = api_for(cast.rep).send("PATCH", f"/api/v1/opportunities/{deal.pk}/", payload).json()
    unchanged = {name: before[name] for name in payload if name not in ("next_step", "revision")}
    assert {name: after[name] for name in unchanged} == unchanged
    assert (after["revision"], after["next_step"]) == (2, "Call")


def test_a_deal_moves_by_its_stages_key_and_the_outcome_follows(
    cast: Cast, api_for: ApiFor
) -> None:
    StageFactory(key="won")
    deal = OpportunityFactory(owner=cast.rep)
    client, path = api_for(cast.rep), f"/api/v1/opportunities/{deal.pk}/"
    assert list(errors_of(client.send("PATCH", path, {"stage": "nowhere"}))) == ["stage"]
    body = client.send("PATCH", path, {"stage": "won"}).json()
    assert (body["stage"], body["outcome"]) == ("won", "won")
    assert body["closed_on"] is not None


def test_a_completed_task_is_dated_and_a_reopened_one_is_not(cast: Cast, api_for: ApiFor) -> None:
    task = TaskFactory(owner=cast.rep)
    client, path = api_for(cast.rep), f"/api/v1/tasks/{task.pk}/"
    assert client.send("PATCH", path, {"status": "done"}).json()["completed_at"] is not None
    assert client.send("PATCH", path, {"status": "open"}).json()["completed_at"] is None
    assert Task.objects.get().status == "open"


def test_an_activity_may_hang_on_nothing_yet(cast: Cast, api_for: ApiFor) -> None:
    payload = {
        "activity_kind": "email",
        "direction": "inbound",
        "occurred_at": "2026-03-02T09:00:00Z",
        "subject": "Hello",
        "counterpart_address": "new@example.com",
        "stated_details": {"phone": "+49 30 1", "title": "CTO"},
    }
    answer = api_for(cast.rep).send("POST", "/api/v1/activities/", payload)
    assert answer.status_code == 201, answer.content
    activity = Activity.objects.get()
    assert activity.stated_details == {"phone": "+49 30 1", "title": "CTO"}
    assert activity.occurred_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    payload["stated_details"] = {"email": "not an address"}
    problems = errors_of(api_for(cast.rep).send("POST", "/api/v1/activities/", payload))
    assert list(problems["stated_details"]) == ["email"]


@pytest.mark.parametrize(
    "sent", ["2026-03-02T09:00:00Z", "2026-03-02T10:00:00+01:00", "2026-03-02T09:00:00"]
)
def test_moments_are_in_utc_whatever_the_companys_zone(
    cast: Cast, api_for: ApiFor, sent: str
) -> None:
    payload = {"activity_kind": "call", "occurred_at": sent}
    answer = api_for(cast.rep).send("POST", "/api/v1/activities/", payload)
    assert answer.json()["occurred_at"] == "2026-03-02T09:00:00Z"


@pytest.mark.parametrize(
    ("path", "payload", "fields"),
    [
        ("leads", {}, ["last_name"]),
        ("leads", {"last_name": "A", "email": "nonsense"}, ["email"]),
        ("leads", {"last_name": "A", "status": "asleep"}, ["status"]),
        ("leads", {"last_name": "A", "currency": "euro"}, ["currency"]),
        ("leads", {"last_name": "A", "estimated_value": "much"}, ["estimated_value"]),
        ("leads", {"last_name": "A", "external_id": "1"}, ["source"]),
        ("leads", {"last_name": "A\0"}, ["last_name"]),
        ("leads", {"last_name": "\ud800"}, ["last_name"]),
        ("leads", {"last_name": "A" * 101}, ["last_name"]),
        ("leads", {"last_name": "A", "owner": 10**30}, ["owner"]),
        ("contacts", {}, ["last_name"]),
        ("accounts", {}, ["name"]),
        ("accounts", {"name": "A", "employees": -1}, ["employees"]),
        ("opportunities", {"name": "A"}, ["stage"]),
        ("activities", {"activity_kind": "email", "occurred_at": "soon"}, ["occurred_at"]),
        ("tasks", {"title": "A", "priority": 9}, ["priority"]),
        ("tasks", {"title": "A", "due_on": "31.12.2026"}, ["due_on"]),
        ("contracts", {"name": "A"}, ["account"]),
        ("leads", ["a list"], ["non_field_errors"]),
        ("leads", "text", ["non_field_errors"]),
        ("leads", None, ["non_field_errors"]),
    ],
)
def test_what_does_not_fit_is_refused_by_field(
    cast: Cast, api_for: ApiFor, path: str, payload: object, fields: list[str]
) -> None:
    answer = api_for(cast.rep).send("POST", f"/api/v1/{path}/", payload)
    assert list(errors_of(answer)) == fields


def test_a_change_cannot_empty_what_a_lead_is_known_by(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep, first_name="", company="", email="")
    answer = api_for(cast.rep).send("PATCH", f"/api/v1/leads/{lead.pk}/", {"last_name": ""})
    assert list(errors_of(answer)) == ["last_name"]


def test_a_record_that_one_may_not_see_cannot_be_referred_to(cast: Cast, api_for: ApiFor) -> None:
    hidden = AccountFactory(owner=cast.outsider, name="Hidden Works")
    contact = ContactFactory(owner=cast.rep)
    path = f"/api/v1/contacts/{contact.pk}/"
    refusal = errors_of(api_for(cast.rep).send("PATCH", path, {"account": hidden.pk}))
    missing = errors_of(api_for(cast.rep).send("PATCH", path, {"account": hidden.pk + 1000}))
    # The same words for what is hidden and what is not there.
    assert str(refusal).replace(str(hidden.pk), "?") == str(missing).replace(
        str(hidden.pk + 1000), "?"
    )
    contact.refresh_from_db()
    assert contact.account_id is None
    allowed = api_for(cast.manager).send("PATCH", path, {"account": hidden.pk})
    assert allowed.json()["account"] == hidden.pk


def test_a_record_of_another_tenant_cannot_be_referred_to(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    with globex:
        foreign = AccountFactory(id=987654, owner=None)
    answer = api_for(cast.manager).send(
        "POST", "/api/v1/contacts/", {"last_name": "A", "account": foreign.pk}
    )
    assert list(errors_of(answer)) == ["account"]
    answer = api_for(cast.manager).send(
        "POST", "/api/v1/contacts/", {"last_name": "A", "owner": globex_cast.rep.pk + 10**6}
    )
    assert list(errors_of(answer)) == ["owner"]
    assert Contact.objects.count() == 0


def test_a_reference_that_stands_there_already_may_be_sent_back(
    cast: Cast, api_for: ApiFor
) -> None:
    hidden = AccountFactory(owner=cast.outsider)
    contact = ContactFactory(owner=cast.rep, account=hidden)
    client, path = api_for(cast.rep), f"/api/v1/contacts/{contact.pk}/"
    body = client.get(path).json()
    answer = client.send("PATCH", path, body | {"title": "CFO"})
    assert (answer.status_code, answer.json()["title"]) == (200, "CFO")
    assert answer.json()["account"] == hidden.pk


def test_a_rep_gives_records_to_the_team_and_a_manager_to_anybody(
    cast: Cast, api_for: ApiFor
) -> None:
    lead = LeadFactory(owner=cast.rep)
    path = f"/api/v1/leads/{lead.pk}/"
    rep, manager = api_for(cast.rep), api_for(cast.manager)
    assert list(errors_of(rep.send("PATCH", path, {"owner": cast.outsider.pk}))) == ["owner"]
    assert rep.send("PATCH", path, {"owner": cast.teammate.pk}).json()["owner"] == cast.teammate.pk
    assert manager.send("PATCH", path, {"owner": cast.outsider.pk}).json()["owner"] == (
        cast.outsider.pk
    )
    assert manager.send("PATCH", path, {"owner": None}).json()["owner"] is None


def test_an_account_is_not_its_own_parent(cast: Cast, api_for: ApiFor) -> None:
    account = AccountFactory(owner=cast.rep)
    answer = api_for(cast.rep).send(
        "PATCH", f"/api/v1/accounts/{account.pk}/", {"parent": account.pk}
    )
    assert list(errors_of(answer)) == ["parent"]
    below = AccountFactory(owner=cast.rep, parent=AccountFactory(owner=cast.rep, parent=account))
    answer = api_for(cast.rep).send(
        "PATCH", f"/api/v1/accounts/{account.pk}/", {"parent": below.pk}
    )
    assert list(errors_of(answer)) == ["parent"]


def test_custom_fields_are_checked_by_type_and_merged(cast: Cast, api_for: ApiFor) -> None:
    for key, field_type in (
        ("region", "text"), ("seats", "number"), ("since", "date"), ("vip", "boolean"),
    ):  # fmt: skip
        CustomFieldFactory(key=key, field_type=field_type)
    CustomFieldFactory(key="size", field_type="choice", choices=["small", "large"])
    lead = LeadFactory(owner=cast.rep, attributes={"region": "north", "old": "kept"})
    client, path = api_for(cast.rep), f"/api/v1/leads/{lead.pk}/"
    sent = {"seats": 12.5, "since": "2026-03-01", "vip": True, "size": "small"}
    body = client.send("PATCH", path, {"attributes": sent}).json()
    assert body["attributes"] == {"region": "north", "old": "kept", **sent}
    body = client.send("PATCH", path, {"attributes": {"region": None, "seats": "40"}}).json()
    assert body["attributes"] == {
        "old": "kept", "seats": 40, "since": "2026-03-01", "vip": True, "size": "small",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field_type", "value"),
    [
        ("text", 5), ("text", "x" * 5001), ("text", "a\0b"), ("text", "\udfff"), ("text", ["a"]),
        ("number", "many"), ("number", True), ("number", "Infinity"), ("number", 10**15),
        ("number", {}), ("date", "31.12.2026"), ("date", 5), ("boolean", "yes"), ("boolean", 1),
        ("choice", "medium"), ("choice", ["small"]), ("choice", {"small": 1}),
    ],
)  # fmt: skip
def test_a_custom_value_of_the_wrong_type_is_refused(
    cast: Cast, api_for: ApiFor, field_type: str, value: object
) -> None:
    CustomFieldFactory(key="extra", field_type=field_type, choices=["small", "large"])
    payload = {"last_name": "A", "attributes": {"extra": value}}
    problems = errors_of(api_for(cast.rep).send("POST", "/api/v1/leads/", payload))
    assert list(problems["attributes"]) == ["extra"]
    assert Lead.objects.count() == 0


@pytest.mark.parametrize("attributes", [{"unknown": 1}, {"retired": "x"}, {"of_deals": "x"}])
def test_an_undefined_custom_field_is_refused(
    cast: Cast, api_for: ApiFor, attributes: dict[str, object]
) -> None:
    CustomFieldFactory(key="retired", is_active=False)
    CustomFieldFactory(key="of_deals", record_kind="opportunity")
    payload = {"last_name": "A", "attributes": attributes}
    problems = errors_of(api_for(cast.rep).send("POST", "/api/v1/leads/", payload))
    assert list(problems["attributes"]) == list(attributes)


@pytest.mark.parametrize("attributes", [[], "text", 5, None])
def test_custom_fields_are_an_object(cast: Cast, api_for: ApiFor, attributes: object) -> None:
    payload = {"last_name": "A", "attributes": attributes}
    problems = errors_of(api_for(cast.rep).send("POST", "/api/v1/leads/", payload))
    assert list(problems) == ["attributes"]


def test_if_match_stops_a_change_over_somebody_elses(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep, title="CEO")
    client, path = api_for(cast.rep), f"/api/v1/leads/{lead.pk}/"
    read = client.get(path)["ETag"]
    assert read == '"1"'
    Lead.objects.filter(pk=lead.pk).update(title="CTO")
    answer = client.send("PATCH", path, {"title": "CFO"}, If_Match=read)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["revision"]) == (412, "record_changed", 2)
    lead.refresh_from_db()
    assert lead.title == "CTO"
    answer = client.send("PATCH", path, {"title": "CFO"}, If_Match='"2"')
    assert (answer.status_code, answer["ETag"]) == (200, '"3"')


@pytest.mark.parametrize(
    ("header", "status"),
    [("*", 200), ('W/"1"', 200), ('"1"', 200), ('"x"', 412), ("1", 412), ('"1", "2"', 412)],
)
def test_if_match_takes_one_etag_or_a_star(
    cast: Cast, api_for: ApiFor, header: str, status: int
) -> None:
    lead = LeadFactory(owner=cast.rep)
    answer = api_for(cast.rep).send(
        "PATCH", f"/api/v1/leads/{lead.pk}/", {"title": "CFO"}, If_Match=header
    )
    assert answer.status_code == status


def test_a_second_record_of_the_same_external_id_is_refused(cast: Cast, api_for: ApiFor) -> None:
    LeadFactory(owner=cast.outsider, source="erp", external_id="1")
    mine = LeadFactory(owner=cast.rep)
    client = api_for(cast.rep)
    ids = {"source": "erp", "external_id": "1"}
    answers = [
        client.send("POST", "/api/v1/leads/", {"last_name": "A", **ids}),
        client.send("PATCH", f"/api/v1/leads/{mine.pk}/", ids),
    ]
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(409, "external_id_taken")] * 2
    assert Lead.objects.count() == 2
    # Without an id there is nothing to collide.
    assert client.send("POST", "/api/v1/leads/", {"last_name": "A"}).status_code == 201
    assert client.send("POST", "/api/v1/leads/", {"last_name": "A"}).status_code == 201


def test_amounts_are_texts_so_that_no_digit_is_lost(cast: Cast, api_for: ApiFor) -> None:
    deal = OpportunityFactory(owner=cast.rep)
    path = f"/api/v1/opportunities/{deal.pk}/"
    body = api_for(cast.rep).send("PATCH", path, {"amount": "99999999999.99"}).json()
    assert body["amount"] == "99999999999.99"
    assert str(Opportunity.objects.get().amount) == "99999999999.99"


def test_a_field_that_there_is_not_is_refused_and_nothing_is_written(
    cast: Cast, api_for: ApiFor
) -> None:
    lead = LeadFactory(owner=cast.rep, last_name="Lovelace")
    payload = {"surname": "Byron", "phone": "1"}
    answer = api_for(cast.rep).send("PATCH", f"/api/v1/leads/{lead.pk}/", payload)
    assert errors_of(answer) == {"surname": ["There is no such field."]}
    lead.refresh_from_db()
    assert (lead.last_name, lead.phone) == ("Lovelace", "")


def test_what_was_read_can_be_sent_back(cast: Cast, api_for: ApiFor) -> None:
    lead = LeadFactory(owner=cast.rep)
    client = api_for(cast.rep)
    seen = client.get(f"/api/v1/leads/{lead.pk}/").json()
    changed = {**seen, "phone": "+1 555 0100"}
    answer = client.send("PATCH", f"/api/v1/leads/{lead.pk}/", changed)
    assert (answer.status_code, answer.json()["phone"]) == (200, "+1 555 0100")
