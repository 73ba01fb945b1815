"""The latest replay of a trigger, for the trigger's own page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from apps.triggers.models import ReplayRun
from apps.triggers.registry import Trigger
from apps.triggers.replay.presentation import ShownReplay, show_replay
from apps.triggers.replay.services import VIEW_PERMISSION
from apps.users.services import person_of

register = template.Library()


@register.simple_tag(takes_context=True)
def latest_replay(context: Context, trigger: Trigger[Any]) -> ShownReplay | None:
    """The latest replay that the reader may see; None without one."""
    viewer = person_of(context["request"])
    if not viewer.has_perm(VIEW_PERMISSION):
        return None
    runs = ReplayRun.objects.visible_to(viewer).filter(trigger=trigger.key)
    run = runs.select_related("requested_by").first()
    return show_replay(run, trigger, viewer) if run is not None else None
