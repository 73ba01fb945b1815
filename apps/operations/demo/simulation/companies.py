"""Invented companies, entered as accounts with the people who are known there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random

from apps.operations.demo.names import Company
from apps.operations.demo.schemas import GENERATED, AccountRow
from apps.operations.demo.simulation.diary import Diary
from apps.operations.demo.simulation.parties import Parties


@dataclass(frozen=True, slots=True)
class Scene:
    """What companies are drawn from: in what they trade, where, and how many of their people are known."""

    sectors: Sequence[str]
    places: Sequence[str]
    people: Sequence[int]


def enter_company(
    diary: Diary,
    parties: Parties,
    scene: Scene,
    *,
    key: str,
    owner: str,
    employees: int,
    created_at: datetime,
    rng: Random,
) -> AccountRow:
    """Enter an account that ``owner`` looks after, and its people within a month."""
    company = diary.names.company()
    row = AccountRow(
        key=key,
        source=GENERATED,
        name=company.name,
        domain=company.domain,
        sector=rng.choice(scene.sectors),
        employees=employees,
        annual_revenue=Decimal(employees * rng.randrange(60, 220)) * 1_000,
        location=rng.choice(scene.places),
        phone=diary.names.phone(),
        parent="",
        owner=owner,
        keeper=owner,
        created_at=created_at,
    )
    diary.world.accounts.append(row)
    for _ in range(rng.choice(scene.people)):
        parties.add(
            Company(row.name, row.domain),
            account=row.key,
            owner=owner,
            created_at=diary.calendar.after(created_at, rng.uniform(0, 30), rng),
            rng=rng,
        )
    return row
