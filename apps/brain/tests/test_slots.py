"""Calls that are under way at once are counted for all workers: per tenant, and over all."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import redis
from django.conf import LazySettings, settings

from apps.brain import slots
from apps.brain.slots import taking_slots
from apps.brain.tests.conftest import Switch
from apps.brain.tests.test_language_model import LEAD, ask
from stubs.openai_server.testing import RunningStandIn


@pytest.fixture(autouse=True)
def nothing_under_way() -> None:
    """Begin without the leases of other tests."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter("aisha:brain:slots*"):
        client.delete(key)


def take(stack: ExitStack, tenant: str, wanted: int) -> int:
    """Slots of a tenant that may have 4, of 6 over all."""
    lease = taking_slots(tenant, wanted=wanted, tenant_limit=4, overall_limit=6, wait_s=0)
    return stack.enter_context(lease)


def test_what_is_granted_is_what_is_left_of_both_limits() -> None:
    with ExitStack() as held:
        assert [take(held, "acme", 3), take(held, "acme", 3), take(held, "acme", 1)] == [3, 1, 0]
        assert [take(held, "globex", 3), take(held, "initech", 1)] == [2, 0]
    with ExitStack() as held:
        assert [take(held, "acme", 9), take(held, "globex", 9)] == [4, 2]


def test_a_lease_goes_back_when_its_block_fails() -> None:
    def fail() -> None:
        with ExitStack() as held:
            assert take(held, "acme", 4) == 4
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with ExitStack() as held:
        assert take(held, "acme", 4) == 4


def test_the_lease_of_a_killed_worker_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as held:
        monkeypatch.setattr(slots, "LEASE_S", 0)
        assert take(held, "acme", 4) == 4
        # Nobody has given it back.
        with ExitStack() as later:
            assert take(later, "acme", 4) == 4


@pytest.mark.parametrize(("concurrency", "at_once"), [(1, 1), (3, 3), (64, 5)])
def test_no_more_calls_are_under_way_than_a_tenant_may_have(
    switch_on: Switch, stand_in: RunningStandIn, concurrency: int, at_once: int
) -> None:
    switch_on("stand-in:delay-50ms", concurrency=concurrency)
    ask(*[LEAD] * 5)
    assert stand_in.counts()["most_at_once"] == at_once


def test_the_operators_number_holds_whatever_a_tenant_wants(
    switch_on: Switch, stand_in: RunningStandIn, settings: LazySettings
) -> None:
    settings.BRAIN_CONCURRENCY = 2
    switch_on("stand-in:delay-50ms", concurrency=8)
    ask(*[LEAD] * 5)
    assert stand_in.counts()["most_at_once"] == 2
