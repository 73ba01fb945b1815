"""What a page needs for talking: the controls, where realtime voice is for this person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.realtime.config import read_config
from apps.realtime.tokens import TALK_PERMISSION
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on, require_module
from apps.users.services import person_of, person_with

NO_CONTENT = 204


@require_safe
def show_voice(request: HttpRequest) -> HttpResponse:
    """The controls of a call; nothing where it is off for the company or not for the person."""
    user = person_of(request)
    if not user.has_perm(TALK_PERMISSION) or not is_module_on(current_tenant(), Module.REALTIME):
        return HttpResponse(status=NO_CONTENT)
    config = read_config()
    if config.is_own_address and request.GET.get("here") != "1":
        # The policy of this page does not let it reach a provider of the company's own.
        return render(request, "realtime/_voice_link.html")
    context = {
        "has_key": bool(config.api_key),
        "is_stand_in": config.is_stand_in,
        "is_here_alone": config.is_own_address,
    }
    return render(request, "realtime/_voice.html", context)


@require_safe
def show_talk(request: HttpRequest) -> HttpResponse:
    """A page for talking, and for nothing else.

    Where the company brings a provider of its own, this page alone may reach it: the policy of all others
    names the operator's.

    Raises:
        ModuleOffError: realtime voice is off for the company.
        PermissionDenied: it is not for the person.
    """
    require_module(Module.REALTIME)
    person_with(request, TALK_PERMISSION, "Your role does not include realtime voice.")
    config = read_config()
    answer = render(request, "realtime/talk.html", {"nav_section": "talk"})
    if config.is_own_address:
        # Read by csp's middleware on the way out.
        answer._csp_update = {"connect-src": config.origin}  # type: ignore[attr-defined]
    return answer
