"""What a message says: what happened to what, as ids and codes. No name, no text, no value of a record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse

from apps.suggestions.digest.links import origin_of
from apps.suggestions.webhooks.enums import TEST
from apps.suggestions.webhooks.models import WebhookDelivery
from apps.suggestions.webhooks.rules import state_after
from apps.tenants.models import Domain, Tenant


@dataclass(frozen=True, slots=True)
class Sender:
    """The tenant as receivers know it: its host name, and how its links begin."""

    host: str
    origin: str

    @classmethod
    def of(cls, tenant: Tenant) -> Sender:
        """Read it.

        Raises:
            Domain.DoesNotExist: the tenant has no host name.
        """
        host = Domain.objects.get(tenant_id=tenant.pk, is_primary=True).domain
        return cls(host, origin_of(tenant))


def body_of(delivery: WebhookDelivery, sender: Sender) -> bytes:
    """The message as JSON; the same bytes at every attempt, as long as the host name stays."""
    record = None
    if delivery.record_id is not None:
        record = {"kind": delivery.record_kind, "id": delivery.record_id}
    url = None
    if delivery.suggestion_id is not None:
        url = sender.origin + reverse("suggestions:detail", args=[delivery.suggestion_id])
    body = {
        "id": delivery.message_id,
        "type": delivery.kind,
        "timestamp": _iso(delivery.occurred_at),
        "data": {
            "host": sender.host,
            "suggestion_id": delivery.suggestion_id,
            "execution_id": delivery.execution_id,
            "state": None if delivery.kind == TEST else state_after(delivery.kind),
            "tool": delivery.tool,
            "record": record,
            "url": url,
        },
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
