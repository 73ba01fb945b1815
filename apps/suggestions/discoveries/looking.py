"""Up to when a person has seen what was discovered: read on every look, moved by their wish alone."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F
from django.db.models.functions import Greatest

from apps.suggestions.discoveries.models import DiscoveryLook
from apps.users.models import User


def seen_until(user: User) -> datetime | None:
    """The moment; None for who has never marked anything as seen."""
    return DiscoveryLook.objects.filter(person=user).values_list("seen_until", flat=True).first()


def mark_seen(user: User, until: datetime, now: datetime) -> None:
    """Take what was found until then for seen; never back, and nothing that is still to be found."""
    until = min(until, now)
    _, is_first = DiscoveryLook.objects.get_or_create(person=user, defaults={"seen_until": until})
    if not is_first:
        DiscoveryLook.objects.filter(person=user).update(
            seen_until=Greatest(F("seen_until"), until)
        )
