"""Customers who have a service contract and nothing else: one rep looks after each, and no deal is open."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from apps.operations.demo.schemas import AccountRow
from apps.operations.demo.simulation.companies import Scene, enter_company
from apps.operations.demo.simulation.diary import Diary
from apps.operations.demo.simulation.parties import Parties

_SCENE = Scene(
    sectors=("retail", "services", "employment", "medical", "telecommunications"),
    places=("United States", "Canada", "Ireland", "Kenya"),
    people=(1, 2, 2, 3),
)


def add_service_customers(
    diary: Diary, parties: Parties, reps: Sequence[str], count: int, rng: Random
) -> list[AccountRow]:
    """Enter so many accounts with their people, and return them; what happens there is for others to say."""
    return [
        enter_company(
            diary,
            parties,
            _SCENE,
            key=f"service-{number}",
            owner=rng.choice(reps),
            employees=rng.randint(8, 400),
            created_at=diary.calendar.ago(rng.uniform(470, 1_100), rng),
            rng=rng,
        )
        for number in range(1, count + 1)
    ]
