"""The audit log: one way in, no way out, ids and codes instead of values."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.exceptions import AppendOnlyError
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, acting, record_events
from apps.audit.tests.factories import make_entry
from apps.conftest import Cast
from apps.crm.models import ChangeLog, Lead
from apps.crm.tests.factories import LeadFactory
from apps.tenants.context import begin_request
from apps.tenants.models import Tenant


def test_an_entry_says_who_what_when_and_about_what(cast: Cast) -> None:
    begin_request("request-0001")
    before = timezone.now() - timedelta(minutes=5)
    actor = Actor.for_person(cast.rep, Origin.API)
    entry = make_entry(
        Event.SUGGESTION_REJECTED,
        actor=actor,
        record_kind="lead",
        record_id=7,
        suggestion_id=8,
        reason="not_needed",
    )
    assert (entry.event, entry.actor_id, entry.actor_name, entry.origin, entry.request_id) == (
        "suggestion.rejected", cast.rep.pk, "Rita Rep", "api", "request-0001",
    )  # fmt: skip
    assert (entry.record_kind, entry.record_id, entry.suggestion_id, entry.execution_id) == (
        "lead", 7, 8, None,
    )  # fmt: skip
    assert entry.details == {"reason": "not_needed"}
    assert entry.occurred_at > before


def test_the_name_stays_when_the_person_has_gone(cast: Cast) -> None:
    entry = make_entry(actor=Actor.for_person(cast.outsider))
    cast.outsider.delete()
    entry.refresh_from_db()
    assert entry.actor_name == "Olga Out"


def test_the_system_acts_without_a_person(acme: Tenant) -> None:
    entry = make_entry(actor=Actor.for_system("scan"))
    assert (entry.actor_id, entry.actor_name, entry.origin) == (None, "scan", "trigger")


def test_many_entries_are_one_round_trip_and_none_is_none(
    acme: Tenant, django_assert_num_queries: Any
) -> None:
    actor = Actor.for_system("tests")
    # The first statement in a schema selects it; that one is not counted here.
    assert AuditEntry.objects.count() == 0
    with django_assert_num_queries(1):
        record_events(actor, (Entry(Event.SUGGESTION_CREATED, suggestion_id=n) for n in range(50)))
    with django_assert_num_queries(0):
        record_events(actor, [])
    assert AuditEntry.objects.count() == 50


def test_an_entry_is_rolled_back_with_what_it_tells_of(acme: Tenant) -> None:
    with transaction.atomic():
        make_entry()
        assert AuditEntry.objects.count() == 1
        transaction.set_rollback(True)
    assert AuditEntry.objects.count() == 0


def test_the_model_itself_can_neither_write_nor_delete(acme: Tenant) -> None:
    entry = make_entry()
    for attempt in (entry.save, entry.delete, AuditEntry(event="x").save):
        with pytest.raises(AppendOnlyError) as caught:
            attempt()
        assert caught.value.code == "append_only"
    assert AuditEntry.objects.count() == 1


def test_the_story_of_a_suggestion_is_told_from_the_beginning(acme: Tenant) -> None:
    first = make_entry(Event.SUGGESTION_CREATED, suggestion_id=3)
    make_entry(Event.SUGGESTION_CREATED, suggestion_id=4)
    last = make_entry(Event.SUGGESTION_REJECTED, suggestion_id=3)
    assert list(AuditEntry.objects.of_suggestion(3)) == [first, last]


def test_a_records_entries_come_newest_first(acme: Tenant) -> None:
    first = make_entry(record_kind="lead", record_id=3)
    make_entry(record_kind="task", record_id=3)
    last = make_entry(record_kind="lead", record_id=3)
    assert list(AuditEntry.objects.of_record("lead", 3)) == [last, first]


def test_acting_names_the_actor_in_the_change_log_and_only_inside(cast: Cast) -> None:
    lead = LeadFactory(phone="0")
    begin_request("request-0002")
    with acting(Actor.for_person(cast.rep)):
        Lead.objects.filter(pk=lead.pk).update(phone="1")
    newest = ChangeLog.objects.order_by("-id")[0]
    assert (newest.actor_id, newest.actor_name, newest.origin, newest.request_id) == (
        cast.rep.pk, "Rita Rep", "person", "request-0002",
    )  # fmt: skip


def test_the_actor_ends_with_the_transaction(committed_tenant: Tenant) -> None:
    lead = LeadFactory(phone="0")
    with acting(Actor.for_system("importer"), backfilled=True):
        Lead.objects.filter(pk=lead.pk).update(phone="1")
    Lead.objects.filter(pk=lead.pk).update(phone="2")
    told = ChangeLog.objects.order_by("id").values_list("actor_name", "backfilled")
    assert list(told) == [("", False), ("importer", True), ("", False)]


def test_the_newest_entries_of_an_event_are_found_by_index(acme: Tenant) -> None:
    # Enough that the size of the table decides, and not what was known of it before.
    record_events(Actor.for_system("tests"), [Entry(Event.EXPORTED)] * 3_000)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT * FROM audit_auditentry WHERE event = 'scan.started' ORDER BY id DESC LIMIT 20"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "audit_by_event" in plan
