"""The month's budget: set aside, settled, never overspent by workers at once."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from apps.brain import budget
from apps.brain.config import Limits
from apps.brain.exceptions import BudgetSpentError
from apps.brain.models import BudgetMonth, BudgetReservation
from apps.brain.prices import Price, Usage
from apps.brain.tests.factories import FRIDAY, NOW
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant

ONE_EACH = Price(Decimal(1_000_000), Decimal(0), Decimal(1_000_000))
ASK = Usage(tokens_in=6, tokens_out=4)


def limits(*, tokens: int = 10**9, usd: int = 10**9) -> Limits:
    return Limits(Decimal(usd // 2), Decimal(usd), tokens // 2, tokens)


def reserve(count: int, within: Limits) -> budget.Reservation:
    return budget.reserve([ASK] * count, ONE_EACH, within, today=FRIDAY, now=NOW)


def month() -> tuple[int, int, Decimal, Decimal]:
    row = BudgetMonth.objects.get(begins_on=date(2026, 3, 1))
    return row.tokens_reserved, row.tokens_spent, row.usd_reserved, row.usd_spent


@pytest.mark.parametrize("within", [limits(tokens=35), limits(usd=35)])
def test_as_many_calls_are_set_aside_as_there_is_room_for(acme: Tenant, within: Limits) -> None:
    reservation = reserve(5, within)
    assert reservation.calls_count == 3
    assert month() == (30, 0, Decimal(30), Decimal(0))
    with pytest.raises(BudgetSpentError, match="The budget of March 2026 is spent"):
        reserve(1, within)
    assert BudgetReservation.objects.count() == 1


def test_what_the_calls_did_cost_takes_the_place_of_what_was_set_aside(acme: Tenant) -> None:
    within = limits(tokens=35)
    reservation = reserve(3, within)
    budget.settle(reservation, tokens=12, usd=Decimal("11.5"), now=NOW)
    assert month() == (0, 12, Decimal(0), Decimal("11.5"))
    budget.settle(reservation, tokens=12, usd=Decimal("11.5"), now=NOW)
    assert month() == (0, 12, Decimal(0), Decimal("11.5"))
    assert reserve(3, within).calls_count == 2


def test_a_month_is_the_tenants_own_and_begins_anew(acme: Tenant) -> None:
    reserve(1, limits(tokens=10))
    later = budget.reserve([ASK], ONE_EACH, limits(tokens=10), today=date(2026, 4, 1), now=NOW)
    assert later.calls_count == 1
    assert BudgetMonth.objects.count() == 2


def test_what_a_killed_worker_set_aside_counts_as_spent_in_the_end(acme: Tenant) -> None:
    reserve(2, limits())
    assert budget.settle_lost(NOW + budget.LOST_AFTER) == 0
    assert budget.settle_lost(NOW + budget.LOST_AFTER + timedelta(seconds=1)) == 1
    assert month() == (0, 20, Decimal(0), Decimal(20))
    assert BudgetReservation.objects.get().is_lost
    assert budget.settle_lost(NOW + timedelta(days=1)) == 0


def test_the_soft_limit_is_told_once_a_month(acme: Tenant) -> None:
    within = limits(tokens=20)
    budget.settle(reserve(1, within), tokens=9, usd=Decimal(0), now=NOW)
    assert not budget.note_soft_limit(within, today=FRIDAY, now=NOW)
    budget.settle(reserve(1, within), tokens=1, usd=Decimal(0), now=NOW)
    assert budget.note_soft_limit(within, today=FRIDAY, now=NOW)
    assert not budget.note_soft_limit(within, today=FRIDAY, now=NOW)


def test_the_standing_is_that_of_the_tighter_limit(acme: Tenant) -> None:
    within = limits(tokens=100, usd=40)
    budget.settle(reserve(1, within), tokens=10, usd=Decimal(10), now=NOW)
    reserve(1, within)
    standing = budget.standing(within, FRIDAY)
    assert (standing.tokens_spent, standing.tokens_reserved) == (10, 10)
    assert (standing.share_0_1, standing.is_above_soft) == (0.5, True)
    nothing = budget.standing(within, date(2026, 5, 9))
    assert (nothing.share_0_1, nothing.is_above_soft) == (0.0, False)


def test_twenty_workers_at_once_do_not_overspend(committed_tenant: Tenant) -> None:
    within = limits(tokens=105)
    granted: list[int] = []
    barrier = threading.Barrier(20)

    def work() -> None:
        tenant_connection().set_tenant(committed_tenant)
        try:
            barrier.wait(timeout=20)
            granted.append(reserve(2, within).calls_count)
        except BudgetSpentError:
            granted.append(0)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), sum(granted)) == (20, 10)
    assert month()[0] == 100
