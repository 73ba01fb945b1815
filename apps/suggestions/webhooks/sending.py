"""Sending what is due: claimed in the database first; no transaction is open while somebody is waited for."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F
from django.utils import timezone

from apps.suggestions.webhooks.composing import Sender, body_of
from apps.suggestions.webhooks.enums import TEST, DeliveryState, OffBecause
from apps.suggestions.webhooks.models import WebhookDelivery, WebhookEndpoint
from apps.suggestions.webhooks.posting import (
    GONE,
    STOPPING,
    UNREADABLE,
    Outcome,
    Parcel,
    post_all,
)
from apps.suggestions.webhooks.querysets import WebhookDeliveryQuerySet
from apps.suggestions.webhooks.rules import is_given_up, next_attempt_at
from apps.suggestions.webhooks.settings import secrets_of, switch_off_by_itself
from apps.suggestions.webhooks.signing import headers_of
from apps.tenants.exceptions import SecretUnreadableError
from apps.tenants.models import Tenant

_MOST_BATCHES = 20
# Of one endpoint in one batch; a tenant has no more than ``settings.MOST_ENDPOINTS``.
_PER_ENDPOINT = 25
# A worker is done with a batch in little more than a minute: one that is not by then has died.
LEASE = timedelta(minutes=5)

# The claim: a worker has what it could move, and another one passes by.
_CLAIM = """
WITH due AS (
    SELECT q.id FROM suggestions_webhookendpoint p
    CROSS JOIN LATERAL (
        SELECT id FROM suggestions_webhookdelivery
        WHERE endpoint_id = p.id AND state = 'queued' AND next_attempt_at <= %(now)s
        ORDER BY next_attempt_at, id LIMIT %(each)s FOR UPDATE SKIP LOCKED
    ) q
    WHERE p.is_enabled AND p.id <> ALL (%(without)s)
)
UPDATE suggestions_webhookdelivery d SET attempts = attempts + 1, next_attempt_at = %(until)s
FROM due WHERE d.id = due.id
RETURNING d.id
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch came to: how many messages were tried and taken, and the endpoints in trouble."""

    tried: int = 0
    delivered: int = 0
    in_trouble: frozenset[int] = frozenset()


def send_due(tenant: Tenant) -> int:
    """Send what is due, batch after batch; return how many messages were taken.

    An endpoint in trouble is left to the next round. A round ends some time, whatever is due by then.
    """
    delivered, in_trouble = 0, frozenset[int]()
    for _ in range(_MOST_BATCHES):
        batch = send_batch(tenant, timezone.now(), without=in_trouble)
        delivered += batch.delivered
        in_trouble |= batch.in_trouble
        if not batch.tried:
            break
    return delivered


def send_batch(tenant: Tenant, now: datetime, *, without: Collection[int] = ()) -> Batch:
    """Send some of what is due, to all endpoints but those named; write down what became of it."""
    claimed = _claim(now, without)
    return _send(claimed, tenant, now) if claimed else Batch()


def send_at_once(delivery: WebhookDelivery, tenant: Tenant, now: datetime) -> None:
    """Send one message while a person waits, unless a worker has it already."""
    moved = WebhookDelivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.QUEUED, attempts=delivery.attempts
    ).update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE)
    if moved:
        _send(_read([delivery.pk]), tenant, now)


def _claim(now: datetime, without: Collection[int]) -> list[WebhookDelivery]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "without": list(without),
                "now": now,
                "until": now + LEASE,
                "each": _PER_ENDPOINT,
            },
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    return _read(ids) if ids else []


def _read(ids: Collection[int]) -> list[WebhookDelivery]:
    found = WebhookDelivery.objects.filter(pk__in=ids)
    return list(found.select_related("endpoint").order_by("id"))


def _send(claimed: Sequence[WebhookDelivery], tenant: Tenant, now: datetime) -> Batch:
    """Send what this worker has claimed; outside any transaction."""
    outcomes: dict[int, Outcome] = {}
    parcels: dict[str, list[Parcel]] = defaultdict(list)
    sender, by_endpoint = Sender.of(tenant), _by_endpoint(claimed)
    for endpoint, deliveries in by_endpoint.items():
        try:
            signed_with = secrets_of(endpoint, now)
        except SecretUnreadableError:
            outcomes[deliveries[0].pk] = Outcome(UNREADABLE)
            continue
        parcels[endpoint.url] += [
            _parcel_of(delivery, sender, signed_with, now) for delivery in deliveries
        ]
    outcomes |= post_all(parcels, now)
    in_trouble = set()
    for endpoint, deliveries in by_endpoint.items():
        tried = [delivery for delivery in deliveries if delivery.pk in outcomes]
        _release([delivery for delivery in deliveries if delivery.pk not in outcomes], now)
        if tried and _finish(endpoint, tried, outcomes, now):
            in_trouble.add(endpoint.pk)
    delivered = sum(outcome.is_delivered for outcome in outcomes.values())
    return Batch(len(outcomes), delivered, frozenset(in_trouble))


def _by_endpoint(
    claimed: Iterable[WebhookDelivery],
) -> Mapping[WebhookEndpoint, list[WebhookDelivery]]:
    found: dict[WebhookEndpoint, list[WebhookDelivery]] = defaultdict(list)
    for delivery in claimed:
        found[delivery.endpoint].append(delivery)
    return found


def _parcel_of(
    delivery: WebhookDelivery, sender: Sender, signed_with: Iterable[str], now: datetime
) -> Parcel:
    body = body_of(delivery, sender)
    headers = headers_of(
        message_id=delivery.message_id,
        timestamp_s=int(now.timestamp()),
        body=body,
        signed_with=signed_with,
    )
    return Parcel(delivery.pk, headers, body)


def _release(deliveries: Sequence[WebhookDelivery], now: datetime) -> None:
    """Give back what was not tried: it is due as before."""
    for delivery in deliveries:
        _ours(delivery).update(attempts=delivery.attempts - 1, next_attempt_at=now)


def _finish(
    endpoint: WebhookEndpoint,
    tried: Sequence[WebhookDelivery],
    outcomes: Mapping[int, Outcome],
    now: datetime,
) -> bool:
    """Write down how the attempts ended and how the endpoint fares; return whether it is in trouble.

    One that is gone is switched off, and so is one that has taken nothing for days, when a message to it is
    given up.
    """
    given_up = False
    for delivery in tried:
        given_up |= _finish_one(delivery, outcomes[delivery.pk], now)
    codes = {outcomes[delivery.pk].code for delivery in tried if delivery.kind != TEST}
    if any(outcomes[delivery.pk].is_delivered for delivery in tried):
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(delivered_at=now, failing_since=None)
    elif codes:
        WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=now)
    if GONE in codes:
        switch_off_by_itself(endpoint.pk, OffBecause.GONE, now)
    elif given_up and "" not in codes and is_given_up(endpoint.failing_since, now):
        switch_off_by_itself(endpoint.pk, OffBecause.FAILING, now)
    return not codes.isdisjoint(STOPPING)


def _finish_one(delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> bool:
    """Write down how one attempt ended, unless another has the message; return whether it is given up."""
    again_at = _next_attempt(delivery, outcome, now)
    state = DeliveryState.QUEUED if again_at else DeliveryState.DEAD
    if outcome.is_delivered:
        state = DeliveryState.DELIVERED
    _ours(delivery).update(
        state=state,
        next_attempt_at=again_at,
        last_attempt_at=now,
        last_status=outcome.status,
        error_code=outcome.code,
        finished_at=None if again_at else now,
    )
    return state == DeliveryState.DEAD


def _next_attempt(delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> datetime | None:
    # A person waits for the outcome of a test.
    if outcome.is_delivered or outcome.code == GONE or delivery.kind == TEST:
        return None
    return next_attempt_at(
        now,
        delivery.attempts,
        chance_0_1=random.random(),  # noqa: S311 - a spread, no secret
        asked_for=outcome.asked_for,
    )


def _ours(delivery: WebhookDelivery) -> WebhookDeliveryQuerySet:
    """The row as long as it stands as this worker claimed it."""
    return WebhookDelivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.QUEUED, attempts=delivery.attempts
    )
