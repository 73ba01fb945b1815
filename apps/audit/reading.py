"""Reading the log by time."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.audit.models import AuditEntry, AuditSeal
from apps.audit.querysets import AuditEntryQuerySet

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
