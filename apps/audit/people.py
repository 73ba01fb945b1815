"""Puts on record what people do to their access: sign in and out, tokens, own settings."""

from __future__ import annotations

from apps.audit.enums import Event, Origin
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_event
from apps.users.enums import PersonEvent
from apps.users.models import User
from apps.users.recorders import Details

EVENTS: dict[PersonEvent, Event] = {
    PersonEvent.SIGNED_IN: Event.SIGNED_IN,
    PersonEvent.SIGN_IN_FAILED: Event.SIGN_IN_FAILED,
    PersonEvent.SIGNED_OUT: Event.SIGNED_OUT,
    PersonEvent.TOKEN_ISSUED: Event.TOKEN_ISSUED,
    PersonEvent.TOKEN_REVOKED: Event.TOKEN_REVOKED,
    PersonEvent.SCOPE_REFUSED: Event.PERMISSION_REFUSED,
    PersonEvent.SETTINGS_CHANGED: Event.SETTINGS_CHANGED,
}


def record_person_event(event: PersonEvent, person: User | None, details: Details) -> None:
    """Write the entry; without a person, somebody tried who is not signed in."""
    nobody = Actor.for_system("Not signed in", Origin.PERSON)
    origin = Origin.API if event == PersonEvent.SCOPE_REFUSED else Origin.PERSON
    actor = nobody if person is None else Actor.for_person(person, origin)
    record_event(actor, Entry(EVENTS[event], details=dict(details)))
