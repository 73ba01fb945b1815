"""``/metrics`` for Prometheus: what happened, from the audit logs, and how long stages took.

Counted where it stands on record: each collection reads the entries since the one before, tenant by tenant,
and adds them to sums in Valkey. So nothing is counted twice or in one process alone, and who loses Valkey
begins from the first entry again.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_tenants.utils import schema_context
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from redis.exceptions import RedisError

from apps.brain import budget
from apps.brain.config import read_config
from apps.suggestions.enums import State
from apps.suggestions.models import Suggestion
from apps.tenants.metrics import BUCKETS_S, read_durations
from apps.tenants.models import Tenant
from apps.tenants.services import enabled_schemas
from apps.tenants.valkey import valkey

log = logging.getLogger(__name__)

_EVENTS_KEY = "aisha:metrics:events"
_LAST_KEY = "aisha:metrics:counted_until"
# Up to the oldest transaction that is still running: what lies below it is committed or gone.
_FRESH = """
WITH horizon AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS until)
SELECT e.event, count(e.id), h.until
FROM horizon h LEFT JOIN audit_auditentry e
  ON e.transaction_id >= %(begin)s AND e.transaction_id < h.until
GROUP BY e.event, h.until
"""
_LOCK_KEY = "aisha:metrics:collecting"
_LOCK_LASTS_S = 60
_WAIT_S = 10


def answer_metrics(request: HttpRequest) -> HttpResponse:
    """Everything there is to count, for who brings the token; without a token set there is no such page."""
    token = settings.METRICS_TOKEN
    offered = request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(offered.encode(), f"Bearer {token}".encode()):
        return HttpResponse("Not found.", status=404, content_type="text/plain")
    registry = CollectorRegistry()
    try:
        registry.register(_Everything())
        text = generate_latest(registry)
    except RedisError:
        log.warning("the sums of /metrics cannot be read", exc_info=True)
        return HttpResponse("The broker does not answer.", status=503, content_type="text/plain")
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


class _Everything(Collector):
    def collect(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        """Read it all, tenant by tenant."""
        events = CounterMetricFamily(
            "aisha_events", "Entries of the audit log.", labels=["tenant", "event"]
        )
        pending = GaugeMetricFamily(
            "aisha_suggestions", "Suggestions that wait for somebody.", labels=["tenant", "state"]
        )
        spent = GaugeMetricFamily(
            "aisha_brain_budget_used_ratio", "This month's budget, 0 to 1.", labels=["tenant"]
        )
        for (tenant, event), count in sorted(count_events().items()):
            events.add_metric([tenant, event], count)
        for tenant in Tenant.objects.filter(schema_name__in=enabled_schemas()):
            with schema_context(tenant.schema_name):
                # What is decided only grows, and is counted by its events.
                waiting = Suggestion.objects.filter(state__in=State.barring_values())
                states = waiting.values_list("state").annotate(count=Count("pk"))
                for state, count in states.order_by("state"):
                    pending.add_metric([tenant.schema_name, state], count)
                today = timezone.now().astimezone(tenant.zone).date()
                share = budget.standing(read_config().limits, today).share_0_1
                spent.add_metric([tenant.schema_name], share)
        yield events
        yield pending
        yield spent
        yield _histogram()


def count_events() -> dict[tuple[str, str], int]:
    """How many entries of each event each tenant has, those of the audit log so far."""
    client = valkey()
    with client.lock(_LOCK_KEY, timeout=_LOCK_LASTS_S, blocking_timeout=_WAIT_S):
        for schema in enabled_schemas():
            begin = int(client.hget(_LAST_KEY, schema) or 0)
            with schema_context(schema), connection.cursor() as cursor:
                cursor.execute(_FRESH, {"begin": begin})
                rows = cursor.fetchall()
            pipe = client.pipeline()
            for event, count, _ in rows:
                if count:
                    pipe.hincrby(_EVENTS_KEY, f"{schema}|{event}", count)
            pipe.hset(_LAST_KEY, schema, rows[0][2])
            pipe.execute()
        found = client.hgetall(_EVENTS_KEY)
    events: dict[tuple[str, str], int] = {}
    for field, value in found.items():
        schema, _, event = field.decode().partition("|")
        events[schema, event] = int(value)
    return events


def _histogram() -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        "aisha_stage_seconds", "How long stages took.", labels=["tenant", "stage"]
    )
    for measured in read_durations():
        bounds = [*(str(bound) for bound in BUCKETS_S), "+Inf"]
        buckets = list(zip(bounds, measured.counts, strict=True))
        family.add_metric([measured.tenant, measured.name], buckets, measured.sum_s)
    return family
