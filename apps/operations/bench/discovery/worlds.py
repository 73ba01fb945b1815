"""The companies in which discovery is measured, apart from those by which it was built.

Triggers were tuned on the development worlds alone. The held-out ones are looked at by ``make bench``
and by nobody else: whoever has tuned after a look at them replaces their seeds. So 7001 to 7003 were replaced
before changed behaviour and churn were tuned again, 8101 to 8104 before churn once more, and 8201 to 8206
before changed behaviour asked for more evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from apps.operations.demo.schemas import World
from apps.operations.demo.simulation import acme, globex


class Split(StrEnum):
    """Which worlds: those that one may look at while building, or the others."""

    DEVELOPMENT = "development"
    HELD_OUT = "held_out"


@dataclass(frozen=True, slots=True)
class MeasuredWorld:
    """A simulated company at a moment, with its zone and its days off."""

    name: str
    seed: int
    now: datetime
    time_zone: str
    currency: str
    holidays: frozenset[date]
    simulate: Callable[[], World]


def worlds_of(split: Split) -> list[MeasuredWorld]:
    """Both companies at each moment of the split, each with a seed of its own."""
    return [make(seed, now) for seed, now in _MOMENTS[split] for make in (_acme, _globex)]


# Each split has a moment soon after the turn of the year, when everybody has been silent for a fortnight.
_MOMENTS = {
    Split.DEVELOPMENT: (
        (11, datetime(2026, 3, 18, 15, tzinfo=UTC)),
        (12, datetime(2026, 1, 14, 15, tzinfo=UTC)),
        (13, datetime(2025, 10, 8, 15, tzinfo=UTC)),
        (14, datetime(2026, 2, 25, 15, tzinfo=UTC)),
        (15, datetime(2025, 6, 17, 15, tzinfo=UTC)),
        (16, datetime(2025, 11, 20, 15, tzinfo=UTC)),
    ),
    Split.HELD_OUT: (
        (8301, datetime(2026, 5, 13, 15, tzinfo=UTC)),
        (8302, datetime(2026, 1, 22, 15, tzinfo=UTC)),
        (8303, datetime(2025, 9, 3, 15, tzinfo=UTC)),
        (8304, datetime(2025, 12, 9, 15, tzinfo=UTC)),
        (8305, datetime(2026, 3, 25, 15, tzinfo=UTC)),
        (8306, datetime(2025, 7, 8, 15, tzinfo=UTC)),
    ),
}
_ACME_SHARE = 0.5


def _turns_of_the_year(now: datetime) -> frozenset[date]:
    """Both companies close from 22 December to 2 January."""
    first_days = (date(year, 12, 22) for year in range(now.year - 3, now.year + 1))
    return frozenset(first + timedelta(days=day) for first in first_days for day in range(12))


def _acme(seed: int, now: datetime) -> MeasuredWorld:
    holidays = _turns_of_the_year(now)
    return MeasuredWorld(
        f"acme {seed}", seed, now, acme.TIME_ZONE, "USD", holidays,
        lambda: acme.simulate_acme(
            now=now, seed=seed, share=_ACME_SHARE, holidays=holidays, names_dates=True
        ),
    )  # fmt: skip


def _globex(seed: int, now: datetime) -> MeasuredWorld:
    holidays = _turns_of_the_year(now)
    return MeasuredWorld(
        f"globex {seed}", seed, now, globex.TIME_ZONE, "EUR", holidays,
        lambda: globex.simulate_globex(now=now, seed=seed, holidays=holidays, names_dates=True),
    )  # fmt: skip
