"""account_at_risk: a mail that waits for an answer beside a high risk."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from apps.crm.enums import ActivityKind, Direction
from apps.crm.tests.factories import (
    ActivityFactory,
    ContactFactory,
)
from apps.tenants.calendar import WorkingCalendar
from apps.tenants.models import Tenant
from apps.triggers.tests.asking import NOW, ago, matching
from apps.triggers.tests.at_risk import KEY, SECOND, at_high_risk, renewing, score, waiting


def test_a_mail_that_waits_is_to_be_answered_and_no_risk(acme: Tenant) -> None:
    account = renewing()
    waiting(account)
    assert matching(KEY) == []
    score(account, 0.6)
    assert matching(KEY) == [account.pk]


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        # Five working days before Monday at ten is the Monday before.
        (ago(days=7), True),
        (ago(days=7) + SECOND, False),
        (ago(days=30) + SECOND, True),
        (ago(days=30), False),
    ],
    ids=["waited long enough", "not yet", "just inside the span", "too old"],
)
def test_how_long_a_mail_waits(acme: Tenant, at: datetime, fires: bool) -> None:
    account = at_high_risk()
    waiting(account, occurred_at=at)
    assert matching(KEY) == ([account.pk] if fires else [])


def test_mail_of_a_saturday_is_as_old_as_mail_of_late_friday(acme: Tenant) -> None:
    one, other = at_high_risk(), at_high_risk()
    waiting(one, occurred_at=datetime(2026, 2, 20, 22, 59, 59, tzinfo=UTC))
    waiting(other, occurred_at=datetime(2026, 2, 21, 12, 0, tzinfo=UTC))
    # Friday the 27th is over at 23:00 UTC.
    friday_ends = datetime(2026, 2, 27, 23, 0, tzinfo=UTC)
    assert matching(KEY, now=friday_ends - 2 * SECOND) == []
    assert matching(KEY, now=friday_ends) == [one.pk, other.pk]


def test_holidays_of_the_company_do_not_count(acme: Tenant) -> None:
    account = at_high_risk()
    waiting(account, occurred_at=ago(days=7))
    closed = WorkingCalendar(holidays=frozenset({date(2026, 2, 25)}))
    assert matching(KEY, calendar=closed) == []
    assert matching(KEY, calendar=closed, now=NOW + timedelta(days=1)) == [account.pk]


@pytest.mark.parametrize(
    ("kind", "direction", "fires"),
    [
        (ActivityKind.EMAIL, Direction.OUTBOUND, False),
        (ActivityKind.CALL, Direction.INBOUND, False),
        (ActivityKind.MEETING, Direction.NONE, False),
        (ActivityKind.NOTE, Direction.NONE, True),
        (ActivityKind.EMAIL, Direction.INBOUND, True),
    ],
    ids=["answered", "called", "met", "noted", "wrote again"],
)
def test_a_reaction_clears_it(
    acme: Tenant, kind: ActivityKind, direction: Direction, fires: bool
) -> None:
    account = at_high_risk()
    mail = waiting(account)
    ActivityFactory(
        contact=mail.contact, activity_kind=kind, direction=direction, occurred_at=ago(days=2)
    )
    assert matching(KEY) == ([account.pk] if fires else [])


def test_a_reaction_to_somebody_else_does_not(acme: Tenant) -> None:
    account = at_high_risk()
    waiting(account)
    other = ContactFactory(account=account)
    ActivityFactory(contact=other, direction=Direction.OUTBOUND, occurred_at=ago(days=2))
    assert matching(KEY) == [account.pk]


def test_machines_and_strangers_do_not_wait(acme: Tenant) -> None:
    account = at_high_risk()
    waiting(account, counterpart_address="No-Reply@one.example")
    waiting(account, contact=ContactFactory())
    ActivityFactory(account=account, occurred_at=ago(days=14))
    assert matching(KEY) == []
