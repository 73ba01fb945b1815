"""The month's budget: set aside before a call, settled after it, so that workers at once cannot overspend.

The SQL runs as the role ``aisha_ai``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import F

from apps.brain.config import Limits
from apps.brain.exceptions import BudgetSpentError
from apps.brain.models import BudgetMonth, BudgetReservation
from apps.brain.prices import Price, Usage
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role

# Longer than any batch takes: its calls have timeouts, and the worker's tasks a limit of half an hour.
LOST_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for a number of calls."""

    id: int
    calls_count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What a month has cost and may cost."""

    month: date
    tokens_spent: int
    tokens_reserved: int
    usd_spent: Decimal
    usd_reserved: Decimal
    limits: Limits

    @property
    def share_0_1(self) -> float:
        """How much of the hard limit is used, by whichever of tokens and money has used more of its own."""
        shares = []
        for used, hard in (
            (Decimal(self.tokens_spent + self.tokens_reserved), Decimal(self.limits.hard_tokens)),
            (self.usd_spent + self.usd_reserved, self.limits.hard_usd),
        ):
            shares.append(float(used / hard) if hard else 1.0)
        return min(1.0, max(shares))

    @property
    def is_above_soft(self) -> bool:
        """Whether it is time to tell somebody."""
        return (
            self.tokens_spent + self.tokens_reserved >= self.limits.soft_tokens
            or self.usd_spent + self.usd_reserved >= self.limits.soft_usd
        )


def reserve(
    wanted: list[Usage], price: Price, limits: Limits, *, today: date, now: datetime
) -> Reservation:
    """Set aside what as many of the calls as there is room for may cost at most, the first ones first.

    ``wanted`` is the most that each call can use. ``today`` is the day in the tenant's zone.

    Raises:
        BudgetSpentError: there is no room for the first.
    """
    begins_on = today.replace(day=1)
    with transaction.atomic(), taking_role(Role.AI):
        BudgetMonth.objects.bulk_create([BudgetMonth(begins_on=begins_on)], ignore_conflicts=True)
        month = BudgetMonth.objects.select_for_update().get(begins_on=begins_on)
        tokens, usd, count = 0, Decimal(0), 0
        room_tokens = limits.hard_tokens - month.tokens_spent - month.tokens_reserved
        room_usd = limits.hard_usd - month.usd_spent - month.usd_reserved
        for usage in wanted:
            cost = price.cost_usd(usage)
            if tokens + usage.tokens > room_tokens or usd + cost > room_usd:
                break
            tokens, usd, count = tokens + usage.tokens, usd + cost, count + 1
        if not count:
            raise BudgetSpentError(begins_on)
        month.tokens_reserved += tokens
        month.usd_reserved += usd
        month.save(update_fields=["tokens_reserved", "usd_reserved"])
        row = BudgetReservation.objects.create(month=month, tokens=tokens, usd=usd, made_at=now)
        return Reservation(row.pk, count)


def settle(reservation: Reservation, *, tokens: int, usd: Decimal, now: datetime) -> None:
    """Put what the calls did cost in the place of what was set aside; a second time it does nothing."""
    with transaction.atomic(), taking_role(Role.AI):
        open_rows = BudgetReservation.objects.select_for_update().filter(settled_at=None)
        row = open_rows.filter(pk=reservation.id).first()
        if row is not None:
            _close(row, tokens=tokens, usd=usd, now=now, is_lost=False)


def settle_lost(now: datetime) -> int:
    """Count as spent what was set aside by workers that never came back; return how many there were."""
    with transaction.atomic(), taking_role(Role.AI):
        lost = BudgetReservation.objects.select_for_update(skip_locked=True).filter(
            settled_at=None, made_at__lt=now - LOST_AFTER
        )
        rows = list(lost)
        for row in rows:
            _close(row, tokens=row.tokens, usd=row.usd, now=now, is_lost=True)
    return len(rows)


def standing(limits: Limits, today: date) -> Standing:
    """Return what the month of ``today`` has cost so far."""
    begins_on = today.replace(day=1)
    month = BudgetMonth.objects.filter(begins_on=begins_on).first() or BudgetMonth()
    return Standing(
        month=begins_on,
        tokens_spent=month.tokens_spent,
        tokens_reserved=month.tokens_reserved,
        usd_spent=month.usd_spent,
        usd_reserved=month.usd_reserved,
        limits=limits,
    )


def note_soft_limit(limits: Limits, *, today: date, now: datetime) -> bool:
    """Whether the soft limit has been reached and nobody has been told this month; the caller tells."""
    with transaction.atomic(), taking_role(Role.AI), connection.cursor() as cursor:
        cursor.execute(
            """
                UPDATE brain_budgetmonth SET soft_limit_told_at = %(now)s
                WHERE begins_on = %(month)s AND soft_limit_told_at IS NULL
                  AND (tokens_spent >= %(tokens)s OR usd_spent >= %(usd)s)
                """,
            {
                "now": now,
                "month": today.replace(day=1),
                "tokens": limits.soft_tokens,
                "usd": limits.soft_usd,
            },
        )
        return bool(cursor.rowcount == 1)


def _close(
    row: BudgetReservation, *, tokens: int, usd: Decimal, now: datetime, is_lost: bool
) -> None:
    row.settled_at = now
    row.is_lost = is_lost
    row.save(update_fields=["settled_at", "is_lost"])
    BudgetMonth.objects.filter(pk=row.month_id).update(
        tokens_reserved=F("tokens_reserved") - row.tokens,
        usd_reserved=F("usd_reserved") - row.usd,
        tokens_spent=F("tokens_spent") + tokens,
        usd_spent=F("usd_spent") + usd,
    )
