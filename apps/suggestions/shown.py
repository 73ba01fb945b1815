"""Showing a suggestion to a person, which is on record: who decided had read it, and which edition of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import record_events
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import Detail, present
from apps.suggestions.services import conceal
from apps.suggestions.services.moves import entry_of
from apps.tenants.connections import tenant_connection
from apps.users.models import User


def open_detail(suggestion: Suggestion, viewer: User, origin: Origin = Origin.PERSON) -> Detail:
    """Gather what a person is shown of a suggestion, and put that on record: once for each edition."""
    conceal(viewer, [suggestion])
    detail = present(suggestion, viewer)
    if edition_of(suggestion) not in detail.editions_shown:
        record_shown([suggestion], viewer, origin)
    return detail


def edition_of(suggestion: Suggestion) -> str:
    """What tells this version of a suggestion from those before it was refreshed or edited."""
    return suggestion.refreshed_at.isoformat()


def record_shown(
    suggestions: Sequence[Suggestion], viewer: User, origin: Origin = Origin.PERSON
) -> None:
    """Put on record that a person was shown these, as they stand: once for each edition of each.

    A constant number of statements, however many there are.
    """
    if not suggestions:
        return
    with transaction.atomic():
        # Two windows at the same moment are one look.
        key = f"shown:{tenant_connection().schema_name}:{viewer.pk}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        before = AuditEntry.objects.filter(
            event=Event.SUGGESTION_SHOWN,
            actor_id=viewer.pk,
            suggestion_id__in=[suggestion.pk for suggestion in suggestions],
        )
        known = set(before.values_list("suggestion_id", "details__edition"))
        entries = [
            entry_of(Event.SUGGESTION_SHOWN, suggestion, edition=edition_of(suggestion))
            for suggestion in suggestions
            if (suggestion.pk, edition_of(suggestion)) not in known
        ]
        record_events(Actor.for_person(viewer, origin), entries)
