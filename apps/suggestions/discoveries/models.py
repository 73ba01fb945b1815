"""Up to when a person has looked at what was discovered."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class DiscoveryLook(models.Model):
    """What was found until ``seen_until`` is no news to this person any more; without a row all is.

    ``looked_until`` is when the page was read that they looked at last: what it showed is seen once the visit
    is over (``discoveries.looking``).
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="discovery_look",
    )
    seen_until = models.DateTimeField(null=True)
    looked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        seen = (
            f"{timezone.localtime(self.seen_until):%Y-%m-%d %H:%M}" if self.seen_until else "never"
        )
        return f"{self.person_id} has seen what was found until: {seen}"
