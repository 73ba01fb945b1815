"""Fixtures of the tests about features."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.predictions.tests.features.stories import Story, telling
from apps.tenants.models import Tenant


@pytest.fixture
def story(committed_tenant: Tenant) -> Iterator[Story]:
    """A company without a past, whose rows are really committed."""
    with telling() as story:
        yield story
