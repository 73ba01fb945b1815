"""Up to when a person has looked at what was discovered."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class DiscoveryLook(models.Model):
    """What was found until ``seen_until`` is no news to this person any more; without a row all is."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="discovery_look",
    )
    seen_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.person_id} has seen what was found until {self.seen_until:%Y-%m-%d %H:%M}"
