"""Up to where has been read: nothing is lost to a slow transaction, nor to two looks at once. Rows are
committed here, because the change log is followed by transactions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apps.crm.models import Activity
from apps.crm.tests.factories import ActivityFactory, OpportunityFactory
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import background, wait_until_blocked
from apps.triggers import epochs
from apps.triggers.models import Reading, ReadingCursor, Signal
from apps.triggers.reading import services
from apps.triggers.reading.services import IDLE_TRANSACTIONS, read_activities
from apps.triggers.tests.asking import BERLIN, NOW, ago
from apps.triggers.tests.test_rounds import NOW as PRESENT
from apps.triggers.tests.test_rounds import around, full, in_another_session


def promise() -> Activity:
    """A mail that promises something for a day, so that reading it leaves a row."""
    sent: Activity = ActivityFactory(
        occurred_at=ago(days=2), body="I will send the quote by 2030-01-31."
    )
    return sent


def look() -> int:
    return read_activities(NOW, BERLIN)


def heard() -> set[int]:
    """The activities of which something has been kept."""
    return {*Reading.objects.values_list("activity_id", flat=True)}


def place() -> int:
    """Before which transaction everything has been read."""
    return ReadingCursor.objects.get().transaction_id


def two_looks_at_once(tenant: Tenant) -> tuple[int, int]:
    """How many activities a look reads, and one that comes before it is committed, and waits."""
    counts: list[int] = []
    with background(tenant) as start:
        with in_another_session(lambda: counts.append(look())):
            second = start(look)
            wait_until_blocked(1)
        (first,) = counts
        return first, second.result()


def test_what_is_open_during_the_first_look_is_read_when_it_is_there(
    committed_tenant: Tenant,
) -> None:
    with in_another_session(promise):
        assert look() == 0
        # Idle looks on the way pass over nothing.
        assert [look(), look()] == [0, 0]
    assert look() == 1
    assert heard() == {Activity.objects.get().pk}
    assert look() == 0


def test_what_is_open_while_later_ones_are_read_is_read_when_it_is_there(
    committed_tenant: Tenant,
) -> None:
    first = promise()
    assert look() == 1
    with in_another_session(promise):
        assert look() == 0
        later = promise()
        # The cursor waits for the one that is open: the later one is read again until then.
        assert [look(), look()] == [1, 1]
        assert heard() == {first.pk, later.pk}
    assert look() == 2
    assert heard() == {*Activity.objects.values_list("pk", flat=True)}
    assert len(heard()) == 3
    assert look() == 0


def test_the_cursor_rests_while_nothing_is_found_and_then_follows(committed_tenant: Tenant) -> None:
    promise()
    look()
    before = place()
    assert look() == 0
    assert place() == before
    with connection.cursor() as cursor:
        for _ in range(IDLE_TRANSACTIONS + 1):
            cursor.execute("SELECT pg_current_xact_id()")
    assert look() == 0
    assert place() > before + IDLE_TRANSACTIONS
    sent = promise()
    assert look() == 1
    assert sent.pk in heard()


def test_of_two_first_looks_the_second_goes_on_where_the_first_ended(
    committed_tenant: Tenant,
) -> None:
    sent = promise()
    assert two_looks_at_once(committed_tenant) == (1, 0)
    assert ReadingCursor.objects.count() == 1
    assert heard() == {sent.pk}


def test_of_two_later_looks_the_second_goes_on_where_the_first_ended(
    committed_tenant: Tenant,
) -> None:
    look()
    sent = promise()
    assert two_looks_at_once(committed_tenant) == (1, 0)
    assert ReadingCursor.objects.count() == 1
    assert heard() == {sent.pk}


def test_one_odd_activity_keeps_nobody_from_the_others(committed_tenant: Tenant) -> None:
    # No calendar knows its day in Berlin.
    ActivityFactory(
        occurred_at=datetime(9999, 12, 31, 23, 30, tzinfo=UTC), body="I will call on Tuesday."
    )
    sound = promise()
    look()
    assert heard() == {sound.pk}
    assert look() == 0


def test_what_another_edition_no_longer_hears_holds_no_longer(
    committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = ActivityFactory(
        opportunity=OpportunityFactory(),
        occurred_at=PRESENT - timedelta(days=6),
        body="Good to see you.",
    )
    full()
    Reading.objects.create(activity_id=sent.pk, promised_on=(PRESENT - timedelta(days=3)).date())
    promises = Signal.objects.firing().filter(trigger="promise_due")
    around()
    assert promises.count() == 1
    following = services.EDITION + 1
    for module in (services, epochs):
        monkeypatch.setattr(module, "EDITION", following)
    around()
    assert (Reading.objects.count(), promises.count()) == (0, 0)
