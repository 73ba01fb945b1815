"""The audit log as a page and as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.conftest import Cast
from apps.crm.tests.factories import LeadFactory
from apps.crm.tests.pages import words
from apps.tenants.models import Tenant
from apps.users.models import User

AUDIT = "/audit/"


def write(person: User | None, event: Event = Event.EXPORTED, **fields: Any) -> int:
    """Put an entry into the log and return its id."""
    actor = Actor.for_person(person) if person else Actor.for_system("Scan", Origin.TRIGGER)
    record_event(actor, Entry(event, **fields))
    newest = AuditEntry.objects.first()
    assert newest is not None
    return newest.pk


def listed(answer: Any) -> list[int]:
    """The ids of the entries on a page."""
    return [row.entry.pk for row in answer.context["entries"]]


def test_a_manager_reads_all_newest_first(cast: Cast, client_for: Any) -> None:
    ids = [write(person) for person in (cast.rep, cast.outsider, None)]
    assert listed(client_for(cast.manager).get(AUDIT)) == ids[::-1]


def test_a_rep_reads_what_they_did_themselves(cast: Cast, client_for: Any) -> None:
    mine = write(cast.rep)
    write(cast.teammate)
    write(None)
    client = client_for(cast.rep)
    assert listed(client.get(AUDIT)) == [mine]
    # A filter by person does not widen it.
    assert listed(client.get(AUDIT, {"actor": cast.teammate.pk})) == [mine]


def test_another_tenants_log_is_not_here(
    cast: Cast, globex_cast: Cast, globex: Tenant, client_for: Any
) -> None:
    with globex:
        write(globex_cast.rep)
    assert listed(client_for(cast.admin).get(AUDIT)) == []


def test_filters_narrow_the_log(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory()
    scan = write(None, Event.SCAN_STARTED)
    approved = write(
        cast.rep, Event.SUGGESTION_APPROVED, record_kind="lead", record_id=lead.pk, suggestion_id=7
    )
    export = write(cast.manager)
    client = client_for(cast.manager)
    for asked, wanted in (
        ({"event": "scan.started"}, [scan]),
        ({"actor": cast.rep.pk}, [approved]),
        ({"origin": "trigger"}, [scan]),
        ({"origin": "person"}, [export, approved]),
        ({"record_kind": "lead", "record": lead.pk}, [approved]),
        ({"suggestion": 7}, [approved]),
        ({"period": "1"}, [export, approved, scan]),
        ({"suggestion": "9" * 40}, []),
    ):
        assert listed(client.get(AUDIT, asked)) == wanted, asked


def test_an_entry_leads_to_what_it_is_about(cast: Cast, client_for: Any) -> None:
    lead = LeadFactory()
    write(
        cast.rep, Event.SUGGESTION_REJECTED, record_kind="lead", record_id=lead.pk,
        suggestion_id=7, details={"reason": "not_now", "fields": ["email", "phone"]},
    )  # fmt: skip
    answer = client_for(cast.manager).get(AUDIT)
    page = answer.content.decode()
    assert f'href="{lead.get_absolute_url()}"' in page
    assert 'href="/suggestions/7/"' in page
    assert "Suggestion rejected" in words(answer)
    assert "fields email, phone · reason not_now" in words(answer)


def test_an_entry_about_nothing_leaves_its_cell_empty(cast: Cast, client_for: Any) -> None:
    write(cast.rep)
    page = client_for(cast.manager).get(AUDIT).content.decode()
    assert page.count('<td data-label="About"></td>') == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_as_many_queries_for_one_entry_as_for_three(
    rows: int, cast: Cast, client_for: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lead = LeadFactory()
    for _ in range(rows):
        write(cast.rep, record_kind="lead", record_id=lead.pk, suggestion_id=7)
    client = client_for(cast.manager)
    with django_assert_num_queries(11):
        answer = client.get(AUDIT)
    assert len(listed(answer)) == rows


@pytest.mark.parametrize("page", ["abc", "0", "-1", "999", "9" * 30])
def test_pages_that_do_not_exist_show_the_nearest(page: str, cast: Cast, client_for: Any) -> None:
    write(cast.rep)
    answer = client_for(cast.manager).get(AUDIT, {"page": page})
    assert (answer.status_code, answer.context["page"].number) == (200, 1)


def test_the_file_holds_what_is_on_screen_and_is_on_record(cast: Cast, client_for: Any) -> None:
    number = write(cast.rep, details={"note": "=1+1"})
    write(None)
    answer = client_for(cast.manager).get(f"{AUDIT}export.csv", {"actor": cast.rep.pk})
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["Id"], row["By"], row["Details"]) == (str(number), "Rita Rep", '{"note": "=1+1"}')
    entry = AuditEntry.objects.filter(event=Event.EXPORTED, actor_id=cast.manager.pk).get()
    assert entry.details == {"what": "audit", "filters": ["actor"], "format": "csv"}


def test_names_of_people_are_no_formulas_in_the_file(cast: Cast, client_for: Any) -> None:
    User.objects.filter(pk=cast.rep.pk).update(first_name="=cmd()", last_name="")
    cast.rep.refresh_from_db()
    write(cast.rep)
    answer = client_for(cast.manager).get(f"{AUDIT}export.csv", {"actor": cast.rep.pk})
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["By"] == "'=cmd()"


def test_a_rep_exports_only_their_own(cast: Cast, client_for: Any) -> None:
    mine = write(cast.rep)
    write(cast.teammate)
    answer = client_for(cast.rep).get(f"{AUDIT}export.csv")
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    ids = [int(row["Id"]) for row in csv.DictReader(io.StringIO(text))]
    assert mine in ids
    assert {entry.actor_id for entry in AuditEntry.objects.filter(pk__in=ids)} == {cast.rep.pk}


def test_an_empty_log_says_what_would_be_here(cast: Cast, client_for: Any) -> None:
    text = words(client_for(cast.rep).get(AUDIT))
    assert "Nothing on record yet" in text
    assert "You see what you did yourself." in text


@pytest.mark.parametrize("query", ["record=1.5", "suggestion=x", "event=nonsense", "period=8"])
def test_a_filter_that_cannot_be_read_shows_nothing(
    cast: Cast, client_for: Any, query: str
) -> None:
    write(cast.manager, record_kind="lead", record_id=1)
    answer = client_for(cast.manager).get(f"{AUDIT}?{query}")
    assert (answer.status_code, listed(answer)) == (200, [])
    assert "Nothing fits these filters" in words(answer)
