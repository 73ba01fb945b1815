"""The reading vocabulary of work in the background."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol, Self

from django.db import models

from apps.tenants.work.enums import WorkStatus

# Work writes its heartbeat at each step; what has been silent for so long has died.
LOST_AFTER = timedelta(minutes=30)


class Asker(Protocol):
    """What about a person decides whose work they see."""

    @property
    def pk(self) -> int:
        """The person's id."""

    @property
    def sees_all(self) -> bool:
        """Whether everybody's."""


class WorkQuerySet(models.QuerySet[Any]):
    """Work of one kind."""

    def asked_by(self, user: Asker) -> Self:
        """What this person may see: their own, or everybody's."""
        return self if user.sees_all else self.filter(requested_by_id=user.pk)

    def unfinished(self) -> Self:
        """What waits or runs."""
        return self.filter(status__in=WorkStatus.unfinished_values())

    def lost(self, now: datetime) -> Self:
        """What no worker has: queued or silent for too long."""
        long_ago = now - LOST_AFTER
        return self.unfinished().filter(
            models.Q(heartbeat_at__lt=long_ago)
            | models.Q(heartbeat_at=None, queued_at__lt=long_ago)
        )
