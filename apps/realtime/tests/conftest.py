"""A voice provider for tests: the stand-in, at the operator's address."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from apps.realtime.provider import forget_clients
from apps.tenants.valkey import valkey
from stubs.openai_server.testing import RunningStandIn


@pytest.fixture
def provider(stand_in: RunningStandIn, settings: LazySettings) -> Iterator[RunningStandIn]:
    """The stand-in with a key that it takes; nobody has begun a call yet."""
    settings.REALTIME_BASE_URL = stand_in.base_url
    settings.REALTIME_API_KEY = stand_in.key
    settings.REALTIME_MODEL = "stand-in"
    for key in valkey().scan_iter("aisha:talk:*"):
        valkey().delete(key)
    yield stand_in
    forget_clients()
