"""What is done to the Brain's rows by the clock: old texts go, lost reservations count as spent."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.brain.budget import settle_lost
from apps.brain.config import stored_settings
from apps.brain.models import CapturedText


def keep_up(now: datetime) -> None:
    """Delete prompts and answers whose days are over, and close what workers that were killed set aside."""
    remove_old_texts(now)
    settle_lost(now)


def remove_old_texts(now: datetime) -> int:
    """Delete the texts that were kept for as long as the tenant wants; return how many that were.

    They go after their days also where keeping was switched off since.
    """
    kept_for = timedelta(days=stored_settings().capture_days)
    removed, _ = CapturedText.objects.filter(captured_at__lt=now - kept_for).delete()
    return removed
