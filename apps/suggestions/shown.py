"""Showing a suggestion to a person, which is on record: who decided had read it, and which edition of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial

from django.db import connection, transaction
from django.db.models.fields.json import KeyTextTransform

from apps.audit.enums import Event, Origin
from apps.audit.models import AuditEntry
from apps.audit.schemas import Actor
from apps.audit.services import record_events
from apps.suggestions.detail import Detail, present
from apps.suggestions.models import Suggestion
from apps.suggestions.services import conceal
from apps.suggestions.services.moves import entry_of
from apps.tenants.connections import tenant_connection
from apps.tenants.statements import ID_PLACE, Place, Prepared, prepare_rows, with_new_plans
from apps.users.models import User


def open_detail(suggestion: Suggestion, viewer: User, origin: Origin = Origin.PERSON) -> Detail:
    """Gather what a person is shown of a suggestion, and put that on record: once for each edition."""
    detail = read_detail(suggestion, viewer)
    if edition_of(suggestion) not in detail.editions_shown:
        record_shown([suggestion], viewer, origin)
    return detail


def read_detail(suggestion: Suggestion, viewer: User) -> Detail:
    """Gather the same for a page that shows it later, if at all (``ahead.py``)."""
    conceal(viewer, [suggestion])
    return present(suggestion, viewer)


def edition_of(suggestion: Suggestion) -> str:
    """What tells this version of a suggestion from those before it was refreshed or edited."""
    return suggestion.refreshed_at.isoformat()


def record_shown(
    suggestions: Sequence[Suggestion], viewer: User, origin: Origin = Origin.PERSON
) -> None:
    """Put on record that a person was shown these, as they stand: once for each edition of each.

    A constant number of statements, however many there are.
    """
    if suggestions:
        with_new_plans(partial(_record, suggestions, viewer, origin))


def _record(suggestions: Sequence[Suggestion], viewer: User, origin: Origin) -> None:
    with transaction.atomic():
        # Two windows at the same moment are one look.
        key = f"shown:{tenant_connection().schema_name}:{viewer.pk}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        ids = [suggestion.pk for suggestion in suggestions]
        known = set(_statement_of_shown().fetch(viewer.pk, ids))
        entries = [
            entry_of(Event.SUGGESTION_SHOWN, suggestion, edition=edition_of(suggestion))
            for suggestion in suggestions
            if (suggestion.pk, edition_of(suggestion)) not in known
        ]
        record_events(Actor.for_person(viewer, origin), entries)


@cache
def _statement_of_shown() -> Prepared:
    """Which editions of some suggestions one person was shown before."""
    viewer, ids = ID_PLACE, Place([-4], "bigint[]")
    before = AuditEntry.objects.filter(
        event=Event.SUGGESTION_SHOWN, actor_id=viewer.mark, suggestion_id__any_of=ids.mark
    ).order_by()
    rows = before.values_list("suggestion_id", KeyTextTransform("edition", "details"))
    return prepare_rows(rows, viewer, ids)
