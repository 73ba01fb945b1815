"""Showing a suggestion to a person, which is on record: who decided had read it, and which edition of it."""

from __future__ import annotations

from django.db import connection, transaction

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.querysets import AuditEntryQuerySet
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.suggestions.models import Suggestion
from apps.suggestions.presentation import Detail, present
from apps.tenants.connections import tenant_connection
from apps.users.models import User


def open_detail(suggestion: Suggestion, viewer: User, origin: Origin = Origin.PERSON) -> Detail:
    """Gather what a person is shown of a suggestion, and put that on record: once for each edition."""
    detail = present(suggestion, viewer)
    if edition_of(suggestion) not in detail.editions_shown:
        _record_shown(suggestion, viewer, origin)
    return detail


def edition_of(suggestion: Suggestion) -> str:
    """What tells this version of a suggestion from those before it was refreshed or edited."""
    return suggestion.refreshed_at.isoformat()


def _record_shown(suggestion: Suggestion, viewer: User, origin: Origin) -> None:
    edition = edition_of(suggestion)
    with transaction.atomic():
        # Two windows at the same moment are one look.
        key = f"shown:{tenant_connection().schema_name}:{suggestion.pk}:{viewer.pk}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        if shown_to(suggestion, viewer).filter(details__edition=edition).exists():
            return
        entry = Entry(
            Event.SUGGESTION_SHOWN,
            record_kind=suggestion.record_kind,
            record_id=suggestion.record_id,
            suggestion_id=suggestion.pk,
            details={"edition": edition},
        )
        record_event(Actor.for_person(viewer, origin), entry)


def shown_to(suggestion: Suggestion, viewer: User) -> AuditEntryQuerySet:
    """The entries that say that this person was shown this suggestion."""
    entries: AuditEntryQuerySet = AuditEntry.objects.of_suggestion(suggestion.pk)
    return entries.filter(event=Event.SUGGESTION_SHOWN, actor_id=viewer.pk)
