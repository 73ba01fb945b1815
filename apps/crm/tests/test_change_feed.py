"""The change feed: nothing is left out, nothing is told twice, and only of what one sees. Rows are committed
here, because the feed follows transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.conftest import ApiClient, Cast, make_cast
from apps.crm.feed import LOOKED_AT
from apps.crm.models import ChangeLog, Lead
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory, ProductFactory
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.transactions import Place, read_snapshot
from apps.users.models import ApiToken, User

CHANGES = "/api/v1/changes/"


@pytest.fixture
def people(committed_tenant: Tenant) -> Cast:
    """The people of the tenant whose rows are committed."""
    return make_cast()


def client_of(user: User) -> ApiClient:
    _, key = ApiToken.issue(user=user, name="tests", expires_at=None)
    return ApiClient("race.localhost", key)


def ask(client: ApiClient, address: str = CHANGES) -> Any:
    """One answer; afterwards the connection stands in the tenant's schema again."""
    answer = client.get(address)
    tenant_connection().set_tenant(Tenant.objects.get(schema_name="race"))
    assert answer.status_code == 200, answer.content
    return answer.json()


def settle() -> None:
    """Wait for what the database itself is at: a transaction of its own holds the feed up."""
    while True:
        snapshot = read_snapshot()
        if snapshot.oldest_open == snapshot.next_one:
            return


def follow(client: ApiClient, address: str = CHANGES) -> tuple[list[Any], str]:
    """All that is told from an address on, and where it goes on later."""
    settle()
    told = []
    while True:
        page = ask(client, address)
        told += page["results"]
        address = page["next"]
        if not page["has_more"]:
            return told, address


def in_short(rows: list[Any]) -> list[tuple[str, int, str]]:
    return [(row["record_kind"], row["record_id"], row["operation"]) for row in rows]


@contextmanager
def in_another_session(work: Any) -> Iterator[threading.Event]:
    """Do some work in a transaction that is committed once the event is set."""
    is_done, may_commit = threading.Event(), threading.Event()

    def run() -> None:
        tenant_connection().set_tenant(Tenant.objects.get(schema_name="race"))
        try:
            with transaction.atomic():
                work()
                is_done.set()
                may_commit.wait(timeout=20)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert is_done.wait(timeout=20)
    try:
        yield may_commit
    finally:
        may_commit.set()
        thread.join()


def test_it_tells_who_did_what_to_which_record(people: Cast) -> None:
    client = client_of(people.rep)
    _, address = follow(client)
    made = client.send("POST", "/api/v1/leads/", {"last_name": "Byron", "source": "a"}).json()
    changes = {"last_name": "Lovelace", "owner": people.teammate.pk, "attributes": {}}
    client.send("PATCH", f"/api/v1/leads/{made['id']}/", changes, X_Request_ID="mine-12345")
    told, address = follow(client, address)
    created, changed = told
    assert in_short(told) == [("lead", made["id"], "created"), ("lead", made["id"], "changed")]
    assert (created["changed_fields"], changed["changed_fields"]) == ([], ["owner", "last_name"])
    assert {name: changed[name] for name in ("actor_id", "actor_name", "origin", "request_id")} == {
        "actor_id": people.rep.pk, "actor_name": "Rita Rep", "origin": "api",
        "request_id": "mine-12345",
    }  # fmt: skip
    assert (changed["is_backfilled"], follow(client, address)[0]) == (False, [])


def test_pages_follow_each_other_without_gap_or_repetition(people: Cast) -> None:
    leads = LeadFactory.create_batch(7, owner=people.rep)
    client = client_of(people.rep)
    settle()
    told, address = [], f"{CHANGES}?page_size=3"
    sizes = []
    while True:
        page = ask(client, address)
        told += page["results"]
        sizes.append(len(page["results"]))
        address = page["next"]
        if not page["has_more"]:
            break
    assert sizes == [3, 3, 1]
    assert [row["record_id"] for row in told] == [lead.pk for lead in leads]
    assert "page_size=3" in address


def test_an_answer_that_was_lost_is_the_same_when_it_is_asked_for_again(people: Cast) -> None:
    LeadFactory(owner=people.rep)
    client = client_of(people.rep)
    first = follow(client)
    assert (follow(client), len(first[0])) == (first, 1)


def test_a_slow_transaction_is_told_late_and_not_lost(people: Cast) -> None:
    client = client_of(people.rep)
    told, address = follow(client)
    with in_another_session(lambda: LeadFactory(owner=people.rep, last_name="Slow")) as may_commit:
        quick = LeadFactory(owner=people.rep, last_name="Quick")
        # A later one commits first: it waits behind the other.
        page = ask(client, address)
        assert (page["results"], page["has_more"]) == ([], False)
        may_commit.set()
    slow = Lead.objects.get(last_name="Slow")
    told, address = follow(client, page["next"])
    assert in_short(told) == [("lead", slow.pk, "created"), ("lead", quick.pk, "created")]
    assert follow(client, address)[0] == []


def test_what_is_under_way_when_a_client_begins_now_is_told(people: Cast) -> None:
    LeadFactory(owner=people.rep)
    client = client_of(people.rep)
    settle()
    with in_another_session(lambda: LeadFactory(owner=people.rep, last_name="Slow")):
        page = ask(client, f"{CHANGES}?start=now")
        assert page["results"] == []
    (row,), _ = follow(client, page["next"])
    assert row["record_id"] == Lead.objects.get(last_name="Slow").pk


def test_what_was_rolled_back_is_not_told(people: Cast) -> None:
    client = client_of(people.rep)
    with transaction.atomic():
        LeadFactory(owner=people.rep)
        transaction.set_rollback(True)
    assert follow(client)[0] == []


def test_only_of_records_that_one_sees(people: Cast) -> None:
    mine, teams, nobodys, others = (
        LeadFactory(owner=owner) for owner in (people.rep, people.teammate, None, people.outsider)
    )
    product = ProductFactory(owner=people.outsider)
    seen = [("lead", lead.pk, "created") for lead in (mine, teams, nobodys)]
    assert in_short(follow(client_of(people.rep))[0]) == [*seen, ("product", product.pk, "created")]
    everything = [*seen, ("lead", others.pk, "created"), ("product", product.pk, "created")]
    assert in_short(follow(client_of(people.manager))[0]) == everything


def test_what_is_given_to_others_is_told_no_more(people: Cast) -> None:
    lead, client = LeadFactory(owner=people.rep), client_of(people.rep)
    _, address = follow(client)
    Lead.objects.update(owner=people.outsider)
    assert follow(client, address)[0] == []
    assert in_short(follow(client_of(people.outsider))[0]) == [
        ("lead", lead.pk, "created"), ("lead", lead.pk, "changed"),
    ]  # fmt: skip


def test_a_deletion_is_told_to_those_who_saw_it(people: Cast) -> None:
    owners = (people.rep, people.teammate, None, people.outsider)
    leads = [LeadFactory(owner=owner) for owner in owners]
    clients = [client_of(user) for user in (people.rep, people.manager)]
    addresses = [follow(client)[1] for client in clients]
    ids = [lead.pk for lead in leads]
    for lead in leads:
        lead.delete()
    told = [follow(*pair)[0] for pair in zip(clients, addresses, strict=True)]
    assert [in_short(rows) for rows in told] == [
        [("lead", pk, "deleted") for pk in ids[:3]],
        [("lead", pk, "deleted") for pk in ids],
    ]
    assert [row["changed_fields"] for row in told[1]] == [[]] * 4


def test_a_role_that_includes_no_record_is_told_nothing(
    cast: Cast, api_for: Callable[[User], ApiClient]
) -> None:
    client = api_for(cast.rep)
    cast.rep.groups.clear()
    assert client.get(CHANGES).status_code == 403


def test_kinds_can_be_chosen(people: Cast) -> None:
    LeadFactory(owner=people.rep)
    account = AccountFactory(owner=people.rep)
    contact = ContactFactory(owner=people.rep, account=account)
    client = client_of(people.rep)
    chosen, address = follow(client, f"{CHANGES}?record_kind=account&record_kind=contact")
    assert in_short(chosen) == [
        ("account", account.pk, "created"), ("contact", contact.pk, "created"),
    ]  # fmt: skip
    LeadFactory(owner=people.rep)
    assert follow(client, address)[0] == []


def test_who_sees_few_is_led_past_the_rows_of_others(people: Cast) -> None:
    theirs = [Lead(last_name="Byron", owner=people.outsider) for _ in range(2 * LOOKED_AT + 1)]
    Lead.objects.bulk_create(theirs)
    mine = LeadFactory(owner=people.rep)
    client = client_of(people.rep)
    settle()
    first = ask(client)
    assert (first["results"], first["has_more"]) == ([], True)
    assert in_short(follow(client, first["next"])[0]) == [("lead", mine.pk, "created")]


def test_other_tenants_are_not_heard(people: Cast, committed_tenant: Tenant) -> None:
    with transaction.atomic():
        with Tenant.objects.get(schema_name="globex"):
            LeadFactory(owner=None)
            assert ChangeLog.objects.count() == 1
        assert follow(client_of(people.manager))[0] == []
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("cursor=nonsense", "cursor"),
        ("cursor=WzEsMl0x", "cursor"),
        (f"cursor={Place(1, 2).encode()}%00", "cursor"),
        ("start=yesterday", "start"),
        ("record_kind=unicorn", "record_kind"),
        ("page_size=0", "page_size"),
        ("page_size=201", "page_size"),
        ("since=1", "since"),
    ],
)
def test_what_means_nothing_is_refused(
    cast: Cast, api_for: Callable[[User], ApiClient], query: str, name: str
) -> None:
    answer = api_for(cast.rep).get(f"{CHANGES}?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


def test_a_cursor_from_ahead_of_a_restored_database_is_told_as_such(
    cast: Cast, api_for: Callable[[User], ApiClient]
) -> None:
    cursor = Place(2**60, 1).encode()
    answer = api_for(cast.rep).get(f"{CHANGES}?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (410, "cursor_unknown")


@pytest.mark.parametrize("rows", [1, 3])
def test_it_costs_the_same_whatever_its_length(people: Cast, rows: int) -> None:
    LeadFactory.create_batch(rows, owner=people.rep)
    client = client_of(people.rep)
    follow(client)
    settle()
    with CaptureQueriesContext(connection) as queries:
        page = ask(client)
    assert len(page["results"]) == rows
    # Tenant and token, the role, then: how far one sees, the rows, those one sees, their details.
    sql = [query["sql"] for query in queries]
    assert len([text for text in sql if "crm_" in text]) == 3, sql
