"""Who may open the pages of suggestions."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.suggestions.services import may_view
from apps.users.models import User
from apps.users.services import person_of


def viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may look at suggestions; whether to decide is asked by the services.

    Raises:
        PermissionDenied: their role does not include it.
    """
    user = person_of(request)
    if not may_view(user):
        raise PermissionDenied("Your role does not let you see suggestions.")
    return user
