"""Who may look at predictions, and what addresses name."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from apps.predictions.enums import Prediction
from apps.users.models import User
from apps.users.services import person_with

VIEW_PERMISSION = "predictions.view_trainedmodel"


def viewer_of(request: HttpRequest) -> User:
    """Return the signed-in person, who may look at predictions.

    Raises:
        PermissionDenied: their role does not include it.
    """
    return person_with(request, VIEW_PERMISSION, "Your role does not let you see predictions.")


def prediction_named(name: str) -> Prediction:
    """Return the prediction that an address names.

    Raises:
        Http404: there is none of this name.
    """
    try:
        return Prediction(name)
    except ValueError as error:
        raise Http404 from error
