"""Who may open the assistant's pages, and refusals that scripts can read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from apps.assistant.threads import require_talker
from apps.tenants.exceptions import AishaError
from apps.users.models import User
from apps.users.services import person_of

_View = Callable[..., HttpResponseBase]


def talker_of(request: HttpRequest) -> User:
    """Return the signed-in person, for whom the assistant is.

    Raises:
        ModuleOffError, TalkPermissionError: it is not.
    """
    user = person_of(request)
    require_talker(user)
    return user


def reads_json(request: HttpRequest) -> bool:
    """Whether a script of ours asks, which puts answers into the page itself."""
    return "json" in request.headers.get("Accept", "")


def telling_scripts(view: _View) -> _View:
    """Let a view's refusals be problems in JSON for scripts, and pages for everybody else."""

    @wraps(view)
    def tell(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except AishaError as error:
            if not reads_json(request):
                raise
            return problem(error.status, error.code, error.message)

    return tell


def problem(status: int, code: str, title: str) -> JsonResponse:
    """A refusal as the API words it."""
    body = {"status": status, "code": code, "title": title}
    return JsonResponse(body, status=status, content_type="application/problem+json")
