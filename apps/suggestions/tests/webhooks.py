"""Endpoints and messages for tests, and how a receiver checks a signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from apps.suggestions.models import WebhookDelivery, WebhookEndpoint
from apps.suggestions.webhooks.collecting import begin_reading
from apps.suggestions.webhooks.enums import DeliveryState, EventKind
from apps.tenants.secrets import seal
from apps.tenants.tests.http_server import Arrival
from apps.users.tests.factories import UserFactory

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
NEVER_SENT_TO = "https://hooks.example/aisha"


def make_endpoint(
    url: str = NEVER_SENT_TO, *events: str, secret: str = SECRET, **values: Any
) -> WebhookEndpoint:
    """An endpoint that listens from now on; to everything, unless events are named."""
    begin_reading()
    given = {"name": "Orders", "listens_since": timezone.now(), **values}
    if "created_by" not in given:
        given["created_by"] = UserFactory()
    return WebhookEndpoint.objects.create(
        url=url, events=list(events or EventKind.values), sealed_secret=seal(secret), **given
    )


def make_delivery(endpoint: WebhookEndpoint | None = None, **values: Any) -> WebhookDelivery:
    """A message that was given up, unless ``values`` say otherwise."""
    now = timezone.now()
    given = {
        "entry_id": WebhookDelivery.objects.count() + 1,
        "kind": EventKind.SUGGESTION_APPROVED,
        "suggestion_id": 7,
        "record_kind": "lead",
        "record_id": 5,
        "tool": "update_lead",
        "occurred_at": now,
        "state": DeliveryState.DEAD,
        "attempts": 10,
        "error_code": "server_error",
        "last_status": 500,
        "finished_at": now,
        **values,
    }
    if given["state"] == DeliveryState.QUEUED:
        given = {
            **given,
            "finished_at": None,
            "next_attempt_at": values.get("next_attempt_at", now),
        }
    return WebhookDelivery.objects.create(endpoint=endpoint or make_endpoint(), **given)


def is_signed_with(secret: str, arrival: Arrival) -> bool:
    """Whether one of the signatures fits, as ``docs/api.md`` tells receivers to check it."""
    signed = b".".join(
        [
            arrival.headers["webhook-id"].encode(),
            arrival.headers["webhook-timestamp"].encode(),
            arrival.body,
        ]
    )
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    found = arrival.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(wanted, signature) for signature in found)


def said_by(arrival: Arrival) -> Mapping[str, Any]:
    """The message as the receiver reads it."""
    said: Mapping[str, Any] = json.loads(arrival.body)
    return said
