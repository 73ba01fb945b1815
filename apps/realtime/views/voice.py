"""What a page needs for talking: the controls, where realtime voice is for this person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.realtime.config import read_config
from apps.realtime.tokens import TALK_PERMISSION
from apps.tenants.enums import Module
from apps.tenants.services import current_tenant, is_module_on
from apps.users.services import person_of

NO_CONTENT = 204


@require_safe
def show_voice(request: HttpRequest) -> HttpResponse:
    """The controls of a call; nothing where it is off for the company or not for the person."""
    user = person_of(request)
    if not user.has_perm(TALK_PERMISSION) or not is_module_on(current_tenant(), Module.REALTIME):
        return HttpResponse(status=NO_CONTENT)
    config = read_config()
    context = {"has_key": bool(config.api_key), "is_stand_in": config.is_stand_in}
    return render(request, "realtime/_voice.html", context)
