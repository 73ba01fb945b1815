"""Fixtures of the tests about replays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.tenants.models import Tenant
from apps.triggers.tests.replay.histories import Company, owner_session


@pytest.fixture
def company(committed_tenant: Tenant) -> Iterator[Company]:
    """A company without a past, whose rows are really committed."""
    with owner_session() as owner:
        yield Company(owner)
