"""Proposing a merge from the page of a pair."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.suggestions import services
from apps.suggestions.forms import MergeForm
from apps.users.services import person_of


@require_POST
def propose_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the suggestion that the person wishes for, and show it: it is approved like any other."""
    form = MergeForm(request.POST)
    suggestion = services.propose_merge(
        pair_id=pk, keep=form.record_to_keep(), user=person_of(request), now=timezone.now()
    )
    messages.success(request, f"Proposed: {suggestion.title}")
    return redirect(suggestion)
