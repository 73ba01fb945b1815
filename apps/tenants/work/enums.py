"""How work in the background stands."""

from __future__ import annotations

from django.db import models


class WorkStatus(models.TextChoices):
    """How far it has come."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Stopped"
    LOST = "lost", "Cut off"

    @classmethod
    def unfinished_values(cls) -> list[str]:
        """The statuses in which a worker has it, or is about to take it."""
        return [cls.QUEUED.value, cls.RUNNING.value]
