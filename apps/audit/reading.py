"""Reading the log: by time, and for a page that shows what its entries tell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.querysets import AuditEntryQuerySet

logger = logging.getLogger(__name__)

Told = TypeVar("Told")

# The clocks of the database and of those who seal differ by less.
_CLOCKS_APART = timedelta(hours=1)


def entries_since(moment: datetime) -> AuditEntryQuerySet:
    """Entries from a moment on.

    Time has no index of its own: what was sealed well before the moment has a lower id than any of them.
    """
    entries = AuditEntry.objects.filter(occurred_at__gte=moment)
    sealed = AuditSeal.objects.filter(sealed_at__lt=moment - _CLOCKS_APART)
    before = sealed.order_by("-number").values_list("highest_entry", flat=True).first()
    return entries if before is None else entries.filter(pk__gt=before)


def told_by(entries: Iterable[AuditEntry], tell: Callable[[AuditEntry], Told]) -> list[Told]:
    """What each entry tells, but for those whose details are not what ``tell`` expects.

    The log takes what any writer gives it, and keeps it for ever: one odd row must not close the page that
    shows the others. The page of the log itself shows it as it stands.
    """
    told = []
    for entry in entries:
        try:
            told.append(tell(entry))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            logger.warning("audit entry %s has details that its page cannot tell", entry.pk)
    return told
