"""What the frame around every page needs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from apps.assistant.threads import TALK_PERMISSION
from apps.suggestions.queue import left_for
from apps.suggestions.services import may_view
from apps.tenants.enums import Module
from apps.users.models import User


def navigation(request: HttpRequest) -> dict[str, Any]:
    """The number on the badge, asked for only when a template shows it."""
    user = getattr(request, "user", None)
    tenant = getattr(request, "tenant", None)
    if not isinstance(user, User) or tenant is None or tenant.schema_name == "public":
        return {"tenant": tenant}

    def badge_count() -> int:
        return left_for(user) if may_view(user) else 0

    return {
        "tenant": tenant,
        "badge_count": badge_count,
        "has_mailbox": settings.HAS_MAILBOX,
        "has_assistant": Module.ASSISTANT in tenant.modules_on and user.has_perm(TALK_PERMISSION),
    }
