"""Decisions for the tests of the page about how people decide."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.suggestions.enums import Outcome, State, Verdict
from apps.suggestions.models import BulkApproval, Decision, Suggestion
from apps.suggestions.tests.factories import SuggestionFactory
from apps.users.models import User

# After the suggestions were made, and long enough that nothing lies ahead.
BEGIN = timezone.now() - timedelta(hours=5)


def at(seconds: float) -> datetime:
    """A moment of the tests' own clock."""
    return BEGIN + timedelta(seconds=seconds)


def decided(
    person: User,
    verdict: Verdict,
    seconds: float,
    *,
    waited_s: float = 600,
    suggestion: Suggestion | None = None,
    **fields: Any,
) -> Suggestion:
    """A decision at a moment, about a suggestion that entered the queue some seconds before."""
    if suggestion is None:
        queued_at = at(seconds - waited_s)
        suggestion = SuggestionFactory(
            state=State.WITHDRAWN, created_at=queued_at, queued_at=queued_at, **fields
        )
    Decision.objects.create(
        suggestion=suggestion,
        verdict=verdict,
        decided_by=person,
        decided_at=at(seconds),
        goal=suggestion.goal,
        trigger=suggestion.trigger,
        tool=suggestion.tool,
    )
    return suggestion


def shown(person: User, suggestion: Suggestion) -> datetime:
    """Show it to somebody, on record; return when, by the clock of the database."""
    entry = Entry(Event.SUGGESTION_SHOWN, suggestion_id=suggestion.pk)
    record_event(Actor.for_person(person), entry)
    return timezone.now()


def decided_in_bulk(person: User, count: int, seconds: float) -> None:
    """Approvals of one bulk, all at the moment that it ran."""
    bulk = BulkApproval.objects.create(
        tool="create_followup",
        requested_by=person,
        requested_at=at(seconds - 1),
        origin=Origin.PERSON,
    )
    for _ in range(count):
        suggestion = decided(person, Verdict.APPROVE, seconds)
        bulk.items.create(
            suggestion=suggestion,
            seen_at=suggestion.refreshed_at,
            outcome=Outcome.APPLIED,
            done_at=at(seconds),
        )
