"""What goes when its days are over: calls, with everything that is kept of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.realtime.config import stored_settings
from apps.realtime.enums import SessionState
from apps.realtime.models import Session, TokenRequest


def remove_old_calls(now: datetime) -> int:
    """Delete sessions, their calls of tools and requests for tokens; return how many sessions that were.

    They are kept for as long as the tenant wants. One that has not ended yet, or has still to be hung up,
    stays until it is; what a session proposed, and what was said in it, stays.
    """
    before = now - timedelta(days=stored_settings().session_days)
    TokenRequest.objects.filter(asked_at__lt=before).delete()
    old = Session.objects.filter(
        issued_at__lt=before, state=SessionState.ENDED, is_hang_up_due=False
    )
    _, removed = old.delete()
    return removed.get(Session._meta.label, 0)
