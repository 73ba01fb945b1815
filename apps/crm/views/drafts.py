"""What is done with an e-mail draft on its page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.crm import drafts
from apps.users.services import person_of


@require_POST
def mark_sent(request: HttpRequest, pk: int) -> HttpResponse:
    """The person has sent it from their own mail program."""
    draft = drafts.mark_sent(user=person_of(request), draft_id=pk, now=timezone.now())
    messages.success(request, f"Logged as sent: {draft.subject}")
    return redirect(draft)


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """It is not going to be sent."""
    draft = drafts.discard(user=person_of(request), draft_id=pk)
    messages.success(request, f"Discarded: {draft.subject}")
    return redirect(draft)
