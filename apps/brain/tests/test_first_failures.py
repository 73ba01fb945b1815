"""The first failures of a tenant's provider, told by several workers at the same moment."""

from __future__ import annotations

from functools import partial

from apps.brain import providers
from apps.brain.enums import FallBack
from apps.brain.tests.factories import NOW
from apps.tenants.models import Tenant
from apps.tenants.tests.threads import at_once

WORKERS = 8


def test_each_failure_counts(committed_tenant: Tenant) -> None:
    circuits = at_once(committed_tenant, [partial(providers.note_failures, 1, NOW)] * 4)
    assert [circuit for circuit in circuits if isinstance(circuit, BaseException)] == []
    assert providers.state().failures == 4


def test_no_worker_stumbles_over_another(committed_tenant: Tenant) -> None:
    told = partial(providers.note_fall_back, FallBack.NO_KEY, NOW)
    assert at_once(committed_tenant, [told] * WORKERS) == [None] * WORKERS
    assert providers.state().fell_back_because == FallBack.NO_KEY
