"""A tenant's language model, answered by the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.brain.enums import Provider
from apps.brain.models import BrainSettings
from apps.tenants.models import Tenant
from apps.tenants.secrets import seal
from stubs.openai_server.testing import RunningStandIn

Switch = Callable[..., BrainSettings]


@pytest.fixture
def switch_on(acme: Tenant, stand_in: RunningStandIn) -> Switch:
    """Return a function that switches acme's language model on, with other settings as they are named."""

    def switch(model: str = "stand-in", **fields: Any) -> BrainSettings:
        values = {
            "provider": Provider.OPENAI,
            "base_url": stand_in.base_url,
            "model": model,
            "sealed_key": seal(stand_in.key),
            "most_retries": 0,
            "read_timeout_s": 5,
            "concurrency": 2,
            **fields,
        }
        row, _ = BrainSettings.objects.update_or_create(pk=1, defaults=values)
        return row

    return switch
