"""The Brain in the API: settings without a key, the log of calls."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.brain.config import read_config
from apps.brain.enums import CallOutcome
from apps.brain.models import BrainCall, BrainSettings
from apps.brain.settings import change_settings
from apps.brain.tests.test_call_pages import MOMENT, make_call
from apps.conftest import Cast, TenantClient
from apps.tenants.models import Tenant
from apps.users.models import User

ClientFor = Callable[[User], TenantClient]

SETTINGS = "/api/v1/brain/settings/"
CALLS = "/api/v1/brain/calls/"
KEY = "sk-tenants-own-key-9876"


def patch(client: TenantClient, body: dict[str, Any], **headers: str) -> Any:
    return client.patch(SETTINGS, body, content_type="application/json", headers=headers)


def test_the_settings_are_told_without_the_key(cast: Cast, client_for: ClientFor) -> None:
    change_settings(user=cast.admin, values={"model": "gpt-5"}, new_key=KEY)
    answer = client_for(cast.manager).get(SETTINGS)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert answer.json() == {
        "provider": "rules",
        "base_url": "",
        "model": "gpt-5",
        "connect_timeout_s": 5,
        "read_timeout_s": 30,
        "most_retries": 2,
        "concurrency": 8,
        "tone": "plain",
        "language": "English",
        "soft_limit_usd": "20.00",
        "hard_limit_usd": "50.00",
        "soft_limit_tokens": 20_000_000,
        "hard_limit_tokens": 50_000_000,
        "input_usd": None,
        "cached_usd": None,
        "output_usd": None,
        "captures_text": False,
        "capture_days": 7,
        "has_key": True,
        "key_ends_in": "9876",
        "revision": 1,
    }


def test_an_administrator_changes_what_is_named(cast: Cast, client_for: ClientFor) -> None:
    answer = patch(client_for(cast.admin), {"hard_limit_usd": "80.00", "new_key": KEY})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    assert (KEY in answer.content.decode(), read_config().api_key) == (False, KEY)
    assert BrainSettings.objects.get().hard_limit_usd == Decimal(80)
    entry = AuditEntry.objects.get(event="settings.changed")
    assert (entry.origin, entry.details) == (
        "api",
        {
            "setting": "brain",
            "before": {"hard_limit_usd": "50.00"},
            "after": {"hard_limit_usd": "80.00"},
            "key": "replaced",
        },
    )
    assert patch(client_for(cast.admin), {"removes_key": True}).json()["has_key"] is False


def test_what_is_refused_is_told_by_name(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    for body, status, code, names in (
        ({"concurrency": 65}, 400, "invalid", ["concurrency"]),
        ({"sealed_key": "x"}, 400, "invalid", ["sealed_key"]),
        ({"soft_limit_usd": "60"}, 422, "invalid_settings", ["soft_limit_usd"]),
        ({"base_url": "https://127.0.0.1/v1"}, 422, "invalid_settings", ["base_url"]),
        ({"new_key": "two words"}, 422, "invalid_settings", ["key"]),
    ):
        answer = patch(client, body)
        told = answer.json()
        assert (answer.status_code, told["code"], list(told["errors"])) == (status, code, names)
    assert not BrainSettings.objects.exists()


def test_a_stale_revision_is_left_alone(cast: Cast, client_for: ClientFor) -> None:
    client = client_for(cast.admin)
    change_settings(user=cast.admin, values={"tone": "formal"})
    for tag in ('"0"', '"x"'):
        answer = patch(client, {"tone": "friendly"}, if_match=tag)
        assert (answer.status_code, answer.json()["code"]) == (412, "settings_changed")
    assert patch(client, {"tone": "friendly"}, if_match='"1"').json()["revision"] == 2


@pytest.mark.parametrize(
    ("role", "reads", "writes"), [("rep", 403, 403), ("manager", 200, 403), ("admin", 200, 200)]
)
def test_who_reads_and_who_writes(
    cast: Cast, client_for: ClientFor, role: str, reads: int, writes: int
) -> None:
    client = client_for(getattr(cast, role))
    assert [client.get(SETTINGS).status_code, client.get(CALLS).status_code] == [reads, reads]
    assert patch(client, {"tone": "formal"}).status_code == writes


def test_calls_are_listed_filtered_and_hold_no_text(cast: Cast, client_for: ClientFor) -> None:
    call = make_call()
    failed = make_call(
        outcome=CallOutcome.FAILED, error_code="timeout", called_at=MOMENT.replace(day=6)
    )
    client = client_for(cast.manager)
    rows = client.get(CALLS).json()["results"]
    assert [row["id"] for row in rows] == [failed.pk, call.pk]
    assert rows[1] == {
        "id": call.pk,
        "called_at": "2026-03-05T22:30:00Z",
        "provider": "openai",
        "model": "gpt-4.1-mini",
        "mode": "propose_actions",
        "prompt_version": "v1",
        "prompt_hash": "a" * 64,
        "tasks_count": 1,
        "proposals_count": 1,
        "tokens_in": 1200,
        "tokens_cached": 900,
        "tokens_out": 200,
        "cost_usd": "0.000530",
        "latency_ms": 420,
        "retries": 0,
        "outcome": "answered",
        "error_code": "",
        "fell_back_because": "",
        "dropped_code": "",
    }
    for query, found in (
        ("?outcome=failed", [failed.pk]),
        ("?called_before=2026-03-06T00:00:00Z", [call.pk]),
        ("?called_from=2026-03-06T00:00:00Z&provider=openai", [failed.pk]),
        ("?fell_back_because=budget_spent", []),
    ):
        assert [row["id"] for row in client.get(CALLS + query).json()["results"]] == found
    assert client.get(f"{CALLS}{call.pk}/").json() == rows[1]


def test_the_list_costs_the_same_with_one_call_and_with_three(
    cast: Cast, client_for: ClientFor
) -> None:
    client, counts = client_for(cast.manager), []
    for total in (1, 3):
        while BrainCall.objects.count() < total:
            make_call()
        with CaptureQueriesContext(connection) as queries:
            client.get(CALLS)
        counts.append(len(queries))
    assert counts == [7, 7]


def test_another_tenants_call_is_nowhere(cast: Cast, globex: Tenant, client_for: ClientFor) -> None:
    with globex:
        call = make_call(pk=987_654_321)
    assert client_for(cast.admin).get(f"{CALLS}{call.pk}/").status_code == 404
