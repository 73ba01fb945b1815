"""Showing a suggestion to a person, which is on record: who decided had read it, and which edition of it."""

from __future__ import annotations

from collections.abc import Sequence

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import recording_once
from apps.suggestions.detail import Detail, present
from apps.suggestions.models import Suggestion
from apps.suggestions.services import conceal
from apps.suggestions.services.moves import entry_of
from apps.tenants.statements import Asked, ask_together, with_new_plans
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

    One statement, however many there are.
    """
    if suggestions:
        with_new_plans(lambda: ask_together(*recording_shown(suggestions, viewer, origin)))


def recording_shown(
    suggestions: Sequence[Suggestion], viewer: User, origin: Origin = Origin.PERSON
) -> tuple[Asked[None], Asked[None]]:
    """The same, to be written together with others."""
    entries = [
        entry_of(Event.SUGGESTION_SHOWN, suggestion, edition=edition_of(suggestion))
        for suggestion in suggestions
    ]
    actor = Actor.for_person(viewer, origin)
    # Two windows at the same moment are one look.
    return recording_once(actor, entries, detail="edition")
