"""``/metrics``: guarded, counted from what is on record, with the durations of the pipeline's stages."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.conf import settings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event, record_events
from apps.conftest import make_cast
from apps.operations.metrics import count_events
from apps.suggestions.tests.cases import quiet_lead, scan
from apps.tenants.connections import tenant_connection
from apps.tenants.metrics import BUCKETS_S, observe, read_durations
from apps.tenants.models import Tenant
from apps.tenants.valkey import valkey

TOKEN = "a-token-of-the-collector"
ACTOR = Actor.for_system("tests")


@pytest.fixture(autouse=True)
def forget() -> None:
    """Begin without what other tests have measured."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter("aisha:metrics:*"):
        client.delete(key)


def collect(**headers: str) -> Any:
    return Client(HTTP_HOST="localhost").get("/metrics", headers=headers)


def samples() -> dict[tuple[str, str, str], float]:
    """Value by name, tenant and the other label."""
    answer = collect(Authorization=f"Bearer {TOKEN}")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = dict(sample.labels)
            tenant = labels.pop("tenant")
            others = ",".join(labels[name] for name in sorted(labels))
            found[sample.name, tenant, others] = sample.value
    return found


@pytest.mark.parametrize(
    ("token", "offered"),
    [
        ("", ""),
        ("", "Bearer "),
        (TOKEN, ""),
        (TOKEN, "Bearer other"),
        (TOKEN, TOKEN),
        (TOKEN, "Bearer é"),
    ],
)
def test_without_its_token_there_is_no_such_page(
    settings: Any, acme: Tenant, token: str, offered: str
) -> None:
    settings.METRICS_TOKEN = token
    assert collect(Authorization=offered).status_code == 404


def test_without_the_broker_it_says_so(settings: Any, acme: Tenant) -> None:
    settings.METRICS_TOKEN = TOKEN
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        valkey.cache_clear()
        answer = collect(Authorization=f"Bearer {TOKEN}")
    valkey.cache_clear()
    assert (answer.status_code, answer.content) == (503, b"The broker does not answer.")


def test_a_scan_is_counted_from_signal_to_suggestion(
    settings: Any, committed_tenant: Tenant
) -> None:
    settings.METRICS_TOKEN = TOKEN
    cast = make_cast()
    quiet_lead(cast.rep)
    scan()
    found = samples()
    assert found["aisha_events_total", "race", "signal.fired"] == 1
    assert found["aisha_events_total", "race", "suggestion.created"] == 1
    assert found["aisha_suggestions", "race", "pending"] == 1
    assert found["aisha_brain_budget_used_ratio", "race", ""] == 0
    for stage in ("context", "prompt", "brain", "validate", "deliver"):
        assert found["aisha_stage_seconds_count", "race", f"pipeline.{stage}"] == 1
        assert 0 < found["aisha_stage_seconds_sum", "race", f"pipeline.{stage}"] < 60
        assert found["aisha_stage_seconds_bucket", "race", f"+Inf,pipeline.{stage}"] == 1


def test_each_entry_is_counted_once(committed_tenant: Tenant) -> None:
    def exports() -> int:
        return count_events().get(("race", "export.made"), 0)

    record_events(ACTOR, [Entry(Event.EXPORTED)] * 3)
    assert [exports(), exports()] == [3, 3]
    tenant_connection().set_tenant(committed_tenant)
    record_event(ACTOR, Entry(Event.EXPORTED))
    assert exports() == 4


def test_durations_are_added_up(acme: Tenant) -> None:
    observe("acme", {"a": 0.004})
    observe("acme", {"a": 0.005, "b": 1_000.0})
    observe("globex", {"a": 0.006})
    found = {(one.name, one.tenant): one for one in read_durations()}
    assert found["a", "acme"].counts == (2,) * (len(BUCKETS_S) + 1)
    assert found["a", "acme"].sum_s == pytest.approx(0.009)
    assert found["b", "acme"].counts == (*(0,) * len(BUCKETS_S), 1)
    assert found["a", "globex"].counts[:2] == (0, 1)


def test_what_happens_is_a_structured_line_of_the_log_once_it_is_true(
    acme: Tenant,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with caplog.at_level(logging.INFO, "aisha.events"):
        with django_capture_on_commit_callbacks(execute=False):
            record_event(ACTOR, Entry(Event.EXPORTED))
        assert caplog.records == []
        with django_capture_on_commit_callbacks(execute=True):
            entry = Entry(Event.SUGGESTION_CREATED, "lead", 3, 7, details={"goal": "meet_lead"})
            record_event(ACTOR, entry)
    (line,) = [record for record in caplog.records if record.name == "aisha.events"]
    told = vars(line)
    assert (line.getMessage(), told["event"], told["record_kind"], told["record_id"]) == (
        "suggestion.created", "suggestion.created", "lead", 3,
    )  # fmt: skip
    assert (told["suggestion_id"], told["origin"], told["details"]) == (
        7, "trigger", {"goal": "meet_lead"},
    )  # fmt: skip
