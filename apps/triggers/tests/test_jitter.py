"""Per-tenant jitter: the scans of many companies, daily ones and rounds, do not begin all at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone

from apps.tenants.connections import tenant_connection
from apps.tenants.models import Tenant
from apps.tenants.services import enabled_schemas
from apps.triggers.schedule import jitter_s
from apps.triggers.tasks import look_around_all_tenants, scan_all_tenants

SCHEMAS = [f"company_{number}" for number in range(240)]


def test_each_tenant_has_a_place_of_its_own_that_stays() -> None:
    places = [jitter_s(schema, tenants=len(SCHEMAS)) for schema in SCHEMAS]
    assert places == [jitter_s(schema, tenants=len(SCHEMAS)) for schema in SCHEMAS]
    assert len(set(places)) == len(SCHEMAS)


def test_the_places_fill_the_span_evenly() -> None:
    """Of a span of 120 seconds no ten hold more than three times their share of the tenants."""
    places = [jitter_s(schema, tenants=len(SCHEMAS)) for schema in SCHEMAS]
    assert (min(places) >= 0, max(places) < 120) == (True, True)
    in_tens = [sum(ten <= place < ten + 10 for place in places) for ten in range(0, 120, 10)]
    assert sum(in_tens) == len(SCHEMAS)
    assert (min(in_tens) > 0, max(in_tens) <= 60) == (True, True)


@pytest.mark.parametrize(("tenants", "span_s"), [(1, 0.5), (10, 5), (240, 120), (10_000, 120)])
def test_the_span_grows_with_the_tenants_up_to_two_minutes(tenants: int, span_s: float) -> None:
    latest = max(jitter_s(schema, tenants=tenants) for schema in SCHEMAS)
    assert 0.95 * span_s < latest <= span_s


@pytest.fixture
def queued() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Give the headers of all messages queued so far; a broker in memory takes them for this test."""
    app: Any = current_app
    url, pool = app.conf.broker_url, app._pool
    app.conf.broker_url = "memory://"
    app._pool = app.amqp._producer_pool = None
    with app.connection_for_read() as link:
        channel: Any = link.default_channel

        def read() -> list[dict[str, Any]]:
            found = []
            while message := channel.basic_get("celery", no_ack=True):
                found.append(dict(message.headers))
            return found

        try:
            yield read
        finally:
            app.conf.broker_url = url
            app._pool, app.amqp._producer_pool = pool, None


@pytest.mark.parametrize(
    ("fan_out", "task"),
    [
        (scan_all_tenants, "triggers.scan_current_tenant"),
        (
            lambda: look_around_all_tenants(expire_seconds=300),
            "triggers.look_around_current_tenant",
        ),
    ],
)
def test_every_tenant_is_queued_with_its_countdown(
    acme: Tenant,
    globex: Tenant,
    queued: Callable[[], list[dict[str, Any]]],
    fan_out: Callable[[], None],
    task: str,
) -> None:
    tenant_connection().set_schema_to_public()
    schemas = enabled_schemas()
    before = timezone.now()
    fan_out()
    after = timezone.now()
    sent = queued()
    begins = {m["_schema_name"]: datetime.fromisoformat(m["eta"]) for m in sent}
    assert {message["task"] for message in sent} == {task}
    assert sorted(begins) == sorted(schemas)
    assert {"acme", "globex"} <= set(schemas)
    for schema, begin in begins.items():
        countdown_s = jitter_s(schema, tenants=len(schemas))
        assert (begin - after).total_seconds() <= countdown_s
        assert (begin - before).total_seconds() >= countdown_s
