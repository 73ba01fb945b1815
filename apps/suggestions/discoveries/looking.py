"""Up to when a person has seen what was discovered: their looks move it along, and their wish at once.

What was new when they looked stays so during that visit; it lasts until nobody has looked for half an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, F, Q, When
from django.db.models.functions import Greatest

from apps.suggestions.discoveries.models import DiscoveryLook
from apps.users.models import User

# A visit goes on while one look follows another within it.
VISIT = timedelta(minutes=30)


def seen_until(user: User, now: datetime) -> datetime | None:
    """The moment; None for who has seen nothing yet, or is just looking for the first time."""
    look = DiscoveryLook.objects.filter(person=user).first()
    if look is None:
        return None
    is_over = look.looked_until is not None and now - look.looked_until >= VISIT
    known = (look.seen_until, look.looked_until if is_over else None)
    return max((moment for moment in known if moment is not None), default=None)


def note_look(user: User, until: datetime, now: datetime) -> None:
    """Note that the page was looked at as of ``until``; what an earlier visit showed is seen by now.

    Noted again, or late, it changes nothing.
    """
    until = min(until, now)
    _, is_first = DiscoveryLook.objects.get_or_create(person=user, defaults={"looked_until": until})
    if not is_first:
        before = DiscoveryLook.objects.filter(Q(looked_until=None) | Q(looked_until__lt=until))
        before.filter(person=user).update(
            # Of two moments the database takes the later, of one and none the one.
            seen_until=Case(
                When(looked_until__lte=until - VISIT, then=Greatest("seen_until", "looked_until")),
                default=F("seen_until"),
            ),
            looked_until=until,
        )


def mark_seen(user: User, until: datetime, now: datetime) -> None:
    """Take what was found until then for seen; never back, and nothing that is still to be found."""
    until = min(until, now)
    _, is_first = DiscoveryLook.objects.get_or_create(person=user, defaults={"seen_until": until})
    if not is_first:
        DiscoveryLook.objects.filter(person=user).update(
            seen_until=Greatest(F("seen_until"), until)
        )
