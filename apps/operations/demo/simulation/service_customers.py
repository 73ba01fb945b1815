"""Customers who have a service contract and nothing else: one rep looks after each, and no deal is open."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from apps.operations.demo.names import Company
from apps.operations.demo.schemas import GENERATED, AccountRow
from apps.operations.demo.simulation.diary import Diary
from apps.operations.demo.simulation.parties import Parties

_SECTORS = ("retail", "services", "employment", "medical", "telecommunications")
_PLACES = ("United States", "Canada", "Ireland", "Kenya")


def add_service_customers(
    diary: Diary, parties: Parties, reps: Sequence[str], count: int, rng: Random
) -> list[AccountRow]:
    """Enter so many accounts with their people, and return them; what happens there is for others to say."""
    customers: list[AccountRow] = []
    for number in range(1, count + 1):
        company = diary.names.company()
        rep = rng.choice(reps)
        employees = rng.randint(8, 400)
        created_at = diary.calendar.ago(rng.uniform(470, 1_100), rng)
        row = AccountRow(
            key=f"service-{number}",
            source=GENERATED,
            name=company.name,
            domain=company.domain,
            sector=rng.choice(_SECTORS),
            employees=employees,
            annual_revenue=Decimal(employees * rng.randrange(60, 220)) * 1_000,
            location=rng.choice(_PLACES),
            phone=diary.names.phone(),
            parent="",
            owner=rep,
            keeper=rep,
            created_at=created_at,
        )
        diary.world.accounts.append(row)
        customers.append(row)
        for _ in range(rng.choice((1, 2, 2, 3))):
            parties.add(
                Company(row.name, row.domain),
                account=row.key,
                owner=rep,
                created_at=diary.calendar.after(created_at, rng.uniform(0, 30), rng),
                rng=rng,
            )
    return customers
