"""The reading vocabulary of endpoints and their messages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from apps.suggestions.webhooks.enums import DeliveryState

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.suggestions.webhooks.models import WebhookDelivery, WebhookEndpoint  # noqa: F401


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Endpoints, by name."""

    def listening(self) -> WebhookEndpointQuerySet:
        """Those that are switched on."""
        return self.filter(is_enabled=True)

    def with_counts(self) -> WebhookEndpointQuerySet:
        """Each with how many of its messages are ``waiting`` and ``dead``."""
        return self.annotate(
            waiting=_count_in(DeliveryState.QUEUED), dead=_count_in(DeliveryState.DEAD)
        )


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Messages, newest first."""

    def dead(self) -> WebhookDeliveryQuerySet:
        """Those that were given up."""
        return self.filter(state=DeliveryState.DEAD)

    def finished_before(self, state: DeliveryState, moment: datetime) -> WebhookDeliveryQuerySet:
        """Those that have stood in an end state since before then."""
        return self.filter(state=state, finished_at__lt=moment)


def _count_in(state: DeliveryState) -> Coalesce:
    """How many messages of the row's endpoint stand in a state; by a partial index, whatever else is kept."""
    deliveries = apps.get_model("suggestions.WebhookDelivery")._default_manager
    found = deliveries.filter(endpoint=OuterRef("pk"), state=state.value).order_by()
    return Coalesce(Subquery(found.values("endpoint").annotate(n=Count("pk")).values("n")), 0)
