"""The audit log by the API: everyone's for managers, one's own for reps, read only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event, record_events
from apps.conftest import ApiClient, Cast, TenantClient
from apps.tenants.models import Tenant
from apps.users.models import User

ApiFor = Callable[[User], ApiClient]

PATH = "/api/v1/audit/"


def ids_of(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def ids_written(count: int) -> list[int]:
    return list(AuditEntry.objects.order_by("-id").values_list("pk", flat=True)[:count])


def test_strangers_do_not_read_the_log(cast: Cast, anonymous_client: TenantClient) -> None:
    record_event(Actor.for_person(cast.rep), Entry(Event.EXPORTED))
    assert anonymous_client.get(PATH).status_code == 401


def test_a_rep_reads_what_the_page_shows_them(
    cast: Cast, client_for: Callable[[User], TenantClient], api_for: ApiFor
) -> None:
    api, page = api_for(cast.rep), client_for(cast.rep)
    for person in (cast.rep, cast.teammate, cast.manager):
        record_event(Actor.for_person(person), Entry(Event.EXPORTED))
    record_event(Actor.for_system("scan"), Entry(Event.SCAN_FINISHED))
    system, managers, teammates, own = ids_written(4)
    listed = ids_of(api.get(PATH))
    assert listed == [row.entry.pk for row in page.get("/audit/").context["entries"]]
    assert [number for number in (system, managers, teammates, own) if number in listed] == [own]
    assert ids_of(api.get(PATH, {"actor_id": cast.teammate.pk})) == []
    one_by_one = [api.get(f"{PATH}{number}/") for number in (own, teammates, system)]
    assert [answer.status_code for answer in one_by_one] == [200, 404, 404]


def test_a_manager_reads_it_newest_first(
    cast: Cast, globex: Tenant, globex_cast: Cast, api_for: ApiFor
) -> None:
    with globex:
        record_events(Actor.for_person(globex_cast.rep), [Entry(Event.EXPORTED)] * 3)
    record_event(
        Actor.for_person(cast.rep, Origin.API),
        Entry(Event.SUGGESTION_REJECTED, "lead", 5, suggestion_id=7, details={"reason": "x"}),
    )
    record_event(Actor.for_system("scan"), Entry(Event.SCAN_FINISHED, details={"scan_id": 1}))
    rows = api_for(cast.manager).get(PATH).json()["results"]
    assert [(row["event"], row["actor_name"]) for row in rows[:2]] == [
        ("scan.finished", "scan"),
        ("suggestion.rejected", "Rita Rep"),
    ]
    assert "export.made" not in {row["event"] for row in rows}
    shown = rows[1]
    assert (shown["wording"], shown["origin"], shown["actor_id"], shown["details"]) == (
        "Suggestion rejected", "api", cast.rep.pk, {"reason": "x"},
    )  # fmt: skip


def test_it_is_filtered(cast: Cast, api_for: ApiFor) -> None:
    actor = Actor.for_person(cast.rep)
    record_event(actor, Entry(Event.EXPORTED, "lead", 5))
    record_event(actor, Entry(Event.SUGGESTION_REJECTED, "task", 6, suggestion_id=7))
    second, first = ids_written(2)
    client = api_for(cast.manager)

    def found(**parameters: Any) -> list[int]:
        return ids_of(client.get(PATH, parameters | {"actor_id": cast.rep.pk}))

    assert found() == [second, first]
    assert found(event="export.made") == [first]
    assert found(suggestion_id=7) == [second]
    assert found(record_kind="lead", record_id=5) == [first]
    assert found(origin="api") == []
    hour = timedelta(hours=1)
    assert found(occurred_before=(timezone.now() - hour).isoformat()) == []
    assert found(occurred_from=(timezone.now() - hour).isoformat()) == [second, first]


def test_nothing_is_written_through_it(cast: Cast, api_for: ApiFor) -> None:
    record_event(Actor.for_person(cast.rep), Entry(Event.EXPORTED))
    (entry,) = ids_written(1)
    client = api_for(cast.admin)
    answers = [
        client.send("POST", PATH, {"event": "export.made"}),
        *(client.send(verb, f"{PATH}{entry}/", {}) for verb in ("PUT", "PATCH", "DELETE")),
    ]
    assert [answer.status_code for answer in answers] == [405] * 4


def test_it_is_listed_at_a_fixed_cost(cast: Cast, api_for: ApiFor) -> None:
    client = api_for(cast.manager)
    client.get(PATH)
    counts = []
    for entries in (1, 3):
        before = AuditEntry.objects.count()
        while AuditEntry.objects.count() < before + entries:
            record_event(Actor.for_person(cast.rep), Entry(Event.EXPORTED))
        with CaptureQueriesContext(connection) as queries:
            assert len(ids_of(client.get(PATH))) >= entries
        counts.append(len(queries))
    assert counts == [6, 6]
