"""Who acts: carried from the edge (page, API, command, task) down to the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from apps.audit.enums import Origin
from apps.tenants.context import current_request_id
from apps.users.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or the part of the system on whose behalf something happens.

    ``person_id`` is None when the system acts; ``name`` is kept as text, so that the record stays
    readable after the person has gone.
    """

    person_id: int | None
    name: str
    origin: Origin
    request_id: str

    @classmethod
    def for_person(cls, user: User, origin: Origin = Origin.PERSON) -> Self:
        """The actor for a signed-in person in the current request."""
        return cls(user.pk, user.display_name, origin, current_request_id())

    @classmethod
    def for_system(cls, name: str, origin: Origin = Origin.TRIGGER) -> Self:
        """The actor for a part of the system, such as a scan or the importer."""
        return cls(None, name, origin, current_request_id())

    def with_origin(self, origin: Origin) -> Self:
        """The same actor, acting from elsewhere."""
        return replace(self, origin=origin)
