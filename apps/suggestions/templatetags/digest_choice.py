"""A person's wishes about the digest, for their own page."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from apps.suggestions.digest.forms import PreferenceForm
from apps.suggestions.digest.models import DigestPreference, DigestSchedule
from apps.suggestions.services import may_view
from apps.users.services import person_of

register = template.Library()


@register.inclusion_tag("digest/_choice.html", takes_context=True)
def digest_choice(context: Context) -> dict[str, Any]:
    """The form, for whose role includes suggestions."""
    person = person_of(context["request"])
    if not may_view(person):
        return {"form": None}
    schedule = DigestSchedule.current()
    return {
        "form": PreferenceForm.of(DigestPreference.of(person.pk), schedule),
        "schedule": schedule,
        "csrf_token": context.get("csrf_token"),
    }
