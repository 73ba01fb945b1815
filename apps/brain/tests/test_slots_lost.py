"""Valkey gone: no language model is asked unless its slots are counted, and no batch is stopped."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from apps.brain.models import BudgetMonth, BudgetReservation
from apps.brain.tests.conftest import Switch
from apps.brain.tests.test_language_model import ask, calls
from apps.tenants.valkey import valkey
from stubs.openai_server.testing import RunningStandIn


@pytest.fixture
def no_valkey(settings: LazySettings) -> Iterator[None]:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        valkey.cache_clear()
        yield
    valkey.cache_clear()


@pytest.mark.usefixtures("no_valkey")
def test_the_rules_write_and_the_budget_is_left_as_it_was(
    switch_on: Switch, stand_in: RunningStandIn
) -> None:
    switch_on()
    (answer,) = ask()
    assert answer.proposal is not None
    assert calls() == [("rules", "answered", "", "busy")]
    assert stand_in.requests() == []
    month = BudgetMonth.objects.get()
    assert (month.tokens_spent, month.tokens_reserved) == (0, 0)
    assert BudgetReservation.objects.filter(settled_at=None).count() == 0
