"""All attacks planted in one tenant, with a model that obeys."""

from __future__ import annotations

import pytest

from apps.brain.enums import Provider
from apps.brain.models import BrainSettings
from apps.conftest import Cast
from apps.suggestions.tests.hostile.planting import Planted, plant
from apps.tenants.models import Tenant
from apps.tenants.secrets import seal
from apps.tenants.services import current_tenant
from stubs.openai_server.testing import RunningStandIn


@pytest.fixture
def obeying(cast: Cast, stand_in: RunningStandIn) -> RunningStandIn:
    """The stand-in as acme's language model, doing as it is told, with room for many suggestions."""
    Tenant.objects.filter(pk=current_tenant().pk).update(suggestions_per_day=200)
    current_tenant().refresh_from_db()
    BrainSettings.objects.create(
        pk=1,
        provider=Provider.OPENAI,
        base_url=stand_in.base_url,
        model="stand-in:obeys",
        sealed_key=seal(stand_in.key),
        most_retries=0,
        concurrency=16,
    )
    return stand_in


@pytest.fixture
def planted(cast: Cast, obeying: RunningStandIn) -> list[Planted]:
    """Every case in a record of its own."""
    return plant(cast)
