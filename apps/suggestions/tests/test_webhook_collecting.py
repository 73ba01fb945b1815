"""From the audit log to messages: every event once for each endpoint that listens, none lost, none again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.audit.enums import Event
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.audit.tests.chains import connected_as, tamper
from apps.conftest import Cast, make_cast
from apps.crm.models import Lead
from apps.suggestions import services
from apps.suggestions.enums import RejectReason
from apps.suggestions.models import Suggestion, WebhookCursor, WebhookDelivery
from apps.suggestions.tests.cases import scan, suggested
from apps.suggestions.tests.factories import SuggestionFactory
from apps.suggestions.tests.webhooks import make_endpoint
from apps.suggestions.webhooks.collecting import collect
from apps.suggestions.webhooks.rules import NEWS_FOR
from apps.tenants.models import Tenant
from apps.tenants.tests.refusals import failing
from apps.tenants.tests.threads import at_once


def look(now: datetime | None = None) -> int:
    return collect(now or timezone.now())


def told() -> list[tuple[str, int | None]]:
    rows = WebhookDelivery.objects.order_by("id")
    return [(row.kind, row.suggestion_id) for row in rows]


def happen(event: Event = Event.SUGGESTION_REJECTED, **values: object) -> None:
    record_event(Actor.for_system("tests"), Entry(event, suggestion_id=7, **values))  # type: ignore[arg-type]


def test_an_approval_is_told_with_its_execution(cast: Cast) -> None:
    endpoint = make_endpoint()
    suggestion = SuggestionFactory(lead__owner=cast.rep, assignee=cast.rep)
    services.approve(suggestion_id=suggestion.pk, user=cast.rep, now=timezone.now())
    assert look() == 3
    assert told() == [
        ("suggestion.approved", suggestion.pk),
        ("execution.succeeded", suggestion.pk),
        ("suggestion.applied", suggestion.pk),
    ]
    suggestion.refresh_from_db()
    applied = WebhookDelivery.objects.get(kind="suggestion.applied")
    assert (applied.endpoint, applied.execution_id, applied.tool) == (
        endpoint, suggestion.execution_id, "create_followup",
    )  # fmt: skip
    entry = AuditEntry.objects.get(event=Event.EXECUTION_SUCCEEDED)
    assert (applied.record_kind, applied.record_id) == (entry.record_kind, entry.record_id)
    assert (applied.occurred_at, applied.message_id) == (
        entry.occurred_at, f"evt_{entry.pk}_suggestion_applied",
    )  # fmt: skip


def test_every_move_is_told(cast: Cast) -> None:
    make_endpoint()
    now = timezone.now()
    lead = {"lead__owner": cast.rep, "assignee": cast.rep}
    rejected, snoozed, undone = (SuggestionFactory(**lead) for _ in range(3))
    services.reject(
        suggestion_id=rejected.pk, user=cast.rep, reason=RejectReason.NOT_NEEDED, now=now
    )
    services.reopen(suggestion_id=rejected.pk, user=cast.rep, now=now)
    services.snooze(suggestion_id=snoozed.pk, user=cast.rep, until=now + timedelta(days=1), now=now)
    services.approve(suggestion_id=undone.pk, user=cast.rep, now=now)
    services.undo(suggestion_id=undone.pk, user=cast.rep, now=now)
    look()
    assert told() == [
        ("suggestion.rejected", rejected.pk),
        ("suggestion.reopened", rejected.pk),
        ("suggestion.snoozed", snoozed.pk),
        ("suggestion.approved", undone.pk),
        ("execution.succeeded", undone.pk),
        ("suggestion.applied", undone.pk),
        ("execution.undone", undone.pk),
        ("suggestion.undone", undone.pk),
    ]


def test_a_failed_undo_is_no_failed_suggestion(acme: Tenant) -> None:
    make_endpoint()
    happen(Event.EXECUTION_FAILED, execution_id=1, details={"tool": "update_task", "undoes": 3})
    happen(Event.EXECUTION_FAILED, execution_id=2, details={"tool": "update_lead"})
    look()
    rows = WebhookDelivery.objects.order_by("id").values_list("kind", "execution_id", "tool")
    assert list(rows) == [
        ("execution.failed", 1, "update_task"),
        ("execution.failed", 2, "update_lead"),
        ("suggestion.failed", 2, "update_lead"),
    ]


def test_an_endpoint_is_told_what_it_listens_to(acme: Tenant) -> None:
    make_endpoint(name="all")
    some = make_endpoint("https://some.example/", "suggestion.snoozed", name="some")
    make_endpoint(
        "https://off.example/", is_enabled=False, off_because="person", off_at=some.created_at
    )
    happen()
    happen(Event.SUGGESTION_SNOOZED)
    happen(Event.SUGGESTION_REFRESHED)
    happen(Event.SUGGESTION_SHOWN)
    look()
    rows = WebhookDelivery.objects.order_by("id").values_list("endpoint__name", "kind")
    assert list(rows) == [
        ("all", "suggestion.rejected"),
        ("all", "suggestion.snoozed"),
        ("some", "suggestion.snoozed"),
    ]


def test_what_happened_before_is_not_told(acme: Tenant) -> None:
    make_endpoint(listens_since=timezone.now() + timedelta(hours=1))
    happen()
    assert look() == 0


def test_what_happened_long_ago_is_no_news(acme: Tenant) -> None:
    make_endpoint()
    happen()
    assert look(timezone.now() + NEWS_FOR + timedelta(minutes=1)) == 0


def test_without_an_endpoint_the_log_is_not_read(
    acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    happen()
    with django_assert_num_queries(3):
        # With the two of the savepoint.
        assert look() == 0


def test_fault_11_the_same_condition_is_told_once(acme: Tenant) -> None:
    """A lead that stays quiet: scan after scan, look after look, one message."""
    make_endpoint()
    suggestion = suggested(None)
    for hours in range(1, 6):
        look()
        scan(timedelta(hours=hours))
        look()
    assert told() == [("suggestion.created", suggestion.pk)]
    # It is answered, holds no more, and is withdrawn: that is told once, too.
    Lead.objects.filter(pk=suggestion.record_id).update(status="unqualified")
    for hours in range(6, 9):
        scan(timedelta(hours=hours))
        look()
    assert told() == [
        ("suggestion.created", suggestion.pk),
        ("suggestion.withdrawn", suggestion.pk),
    ]
    assert Suggestion.objects.get().state == "withdrawn"


def test_reading_takes_the_same_few_statements_whatever_there_is(
    acme: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_endpoint()
    for count in (1, 3):
        for _ in range(count):
            happen()
        with django_assert_num_queries(6):
            assert look() == count


def test_another_tenants_events_are_its_own(acme: Tenant, globex: Tenant) -> None:
    make_endpoint()
    with globex:
        make_endpoint()
        happen()
        assert look() == 1
    assert (look(), told()) == (0, [])


_SLOW = """
INSERT INTO audit_auditentry (event, actor_name, origin, request_id, record_kind, suggestion_id, details)
VALUES ('suggestion.snoozed', 'slow', 'person', '', '', 8, '{}')
"""


def test_a_slow_transaction_is_told_late_and_delays_nobody(committed_tenant: Tenant) -> None:
    make_endpoint()
    with connected_as(settings.DATABASE_URL) as slow, slow.transaction():
        slow.execute(_SLOW)
        happen()
        assert (look(), told()) == (1, [("suggestion.rejected", 7)])
        happen(Event.SUGGESTION_EXPIRED)
        # Read again from the open transaction on; what was told is not told again.
        assert look() == 1
    assert look() == 1
    assert told() == [
        ("suggestion.rejected", 7), ("suggestion.expired", 7), ("suggestion.snoozed", 8),
    ]  # fmt: skip
    assert look() == 0


def test_two_at_once_read_it_once(committed_tenant: Tenant) -> None:
    make_cast()
    make_endpoint()
    for _ in range(20):
        happen()
    counts = at_once(committed_tenant, [look] * 3)
    assert sorted(count for count in counts if isinstance(count, int)) == [0, 0, 20]
    assert (WebhookDelivery.objects.count(), look()) == (20, 0)


def test_a_look_that_fails_is_made_again(committed_tenant: Tenant) -> None:
    make_endpoint()
    happen()
    with (
        failing(committed_tenant, "suggestions_webhookdelivery", "53100"),
        pytest.raises(OperationalError),
    ):
        look()
    assert told() == []
    assert look() == 1


def test_after_a_restore_into_another_cluster_only_what_is_new_is_told(
    committed_tenant: Tenant,
) -> None:
    """Transactions are counted anew there: what was brought along has numbers that have not come yet."""
    make_endpoint()
    happen()
    far = 10**15
    tamper(f"UPDATE audit_auditentry SET transaction_id = {far}")
    WebhookCursor.objects.update(transaction_id=far + 1)
    happen(Event.SUGGESTION_SNOOZED)
    assert (look(), told()) == (1, [("suggestion.snoozed", 7)])
    happen(Event.SUGGESTION_EXPIRED)
    assert look() == 1
