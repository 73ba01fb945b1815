"""Who may open the pages of suggestions."""

from __future__ import annotations

from typing import NoReturn

from django.http import HttpRequest

from apps.audit.enums import Origin
from apps.suggestions import services
from apps.suggestions.enums import Verdict
from apps.suggestions.exceptions import InvalidDecisionError
from apps.users.models import User
from apps.users.services import person_with


def viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may look at suggestions.

    Who wants to decide is asked by the services, which put a refusal on record.

    Raises:
        PermissionDenied: their role does not include it.
    """
    refusal = "Your role does not let you see suggestions."
    return person_with(request, services.VIEW_PERMISSION, refusal)


def refuse_form(user: User, pk: int, verdict: Verdict) -> NoReturn:
    """Refuse a decision whose form says nothing that is offered; who may not decide is told that first.

    Raises:
        InvalidDecisionError: always, unless the person may not decide.
    """
    services.decidable(user, pk, verdict, Origin.PERSON)
    raise InvalidDecisionError()
