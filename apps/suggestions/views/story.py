"""The story of one suggestion on a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.suggestions import services
from apps.suggestions.cards import badges_of
from apps.suggestions.story import story_of
from apps.suggestions.views.access import viewer_of


@require_safe
def show_story(request: HttpRequest, pk: int) -> HttpResponse:
    """All that happened to it, oldest first."""
    viewer = viewer_of(request)
    suggestion = services.get_for(viewer, pk)
    context = {
        "nav_section": "suggestions",
        "suggestion": suggestion,
        "badges": badges_of(suggestion),
        "story": story_of(suggestion, viewer),
    }
    return render(request, "suggestions/story.html", context)
