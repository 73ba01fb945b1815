"""The reading vocabulary of people and tokens."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    # Ruff does not see a use inside the quotes of a base class.
    from apps.users.models import ApiToken  # noqa: F401


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """API tokens."""

    def valid_at(self, now: datetime) -> ApiTokenQuerySet:
        """Tokens of active people that have not expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), user__is_active=True)
