"""How the tenant's provider fares, as all its workers and pages see it.

The SQL runs as the role ``aisha_ai``.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.db import transaction
from django.db.models import Exists

from apps.brain.circuit import Circuit
from apps.brain.enums import FallBack, Provider
from apps.brain.models import ONLY_ROW, BrainSettings, ProviderState
from apps.tenants.enums import Role
from apps.tenants.roles import taking_role
from apps.tenants.statements import OneRow


def admit(now: datetime) -> int | None:
    """How many calls may be made: None for any number, 1 for a trial after a rest, 0 while it rests.

    Of several workers one is given the trial.
    """
    with transaction.atomic(), taking_role(Role.AI):
        row = ProviderState.objects.select_for_update().filter(pk=ONLY_ROW).first()
        circuit = _circuit_of(row)
        if row is None or not circuit.awaits_trial:
            return None
        if circuit.is_open(now):
            return 0
        row.rests_until = circuit.trying(now).rests_until
        row.save(update_fields=["rests_until"])
        return 1


def note_answer(now: datetime) -> None:
    """It answered: closed, and no longer fallen back from."""
    _store(
        Circuit(),
        answered_at=now,
        fell_back_because="",
        fell_back_at=None,
    )


def note_failures(count: int, now: datetime) -> Circuit:
    """It failed so many times in a row; return what that makes of the circuit."""
    with transaction.atomic(), taking_role(Role.AI):
        circuit = _circuit_of(_locked()).after_failures(count, now)
        _store(circuit)
    return circuit


def note_fall_back(reason: FallBack, now: datetime) -> None:
    """The rules write in its place, and why; the moment is that of the first time."""
    with transaction.atomic(), taking_role(Role.AI):
        row = _locked()
        if row.fell_back_because != reason:
            row.fell_back_because = reason
            row.fell_back_at = row.fell_back_at or now
            row.save()


def note_new_settings() -> None:
    """The settings are others: what went wrong before says nothing about them."""
    _store(Circuit(), fell_back_because="", fell_back_at=None)


def state() -> ProviderState:
    """How it fares, for a page."""
    return ProviderState.objects.filter(pk=ONLY_ROW).first() or ProviderState(pk=ONLY_ROW)


def fall_back_in_force() -> ProviderState | None:
    """Why the rules write in the language model's place at present; None where they do not. One query."""
    return _fall_back_in_force().read()


@cache
def _fall_back_in_force() -> OneRow[ProviderState]:
    """Written once: every page of the queue asks."""
    asks_model = BrainSettings.objects.filter(provider=Provider.OPENAI)
    states = ProviderState.objects.filter(Exists(asks_model), pk=ONLY_ROW)
    return OneRow.of(states.exclude(fell_back_because=""))


def _locked() -> ProviderState:
    """The row, held until the transaction ends, and made first where there is none."""
    ProviderState.objects.bulk_create([ProviderState(pk=ONLY_ROW)], ignore_conflicts=True)
    return ProviderState.objects.select_for_update().get(pk=ONLY_ROW)


def _circuit_of(row: ProviderState | None) -> Circuit:
    return Circuit() if row is None else Circuit(row.failures, row.rests_until)


def _store(circuit: Circuit, **fields: object) -> None:
    values = {"failures": circuit.failures, "rests_until": circuit.rests_until, **fields}
    with transaction.atomic(), taking_role(Role.AI):
        ProviderState.objects.update_or_create(pk=ONLY_ROW, defaults=values)
