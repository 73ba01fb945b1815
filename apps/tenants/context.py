"""The request id and the person of the running request or task, for logs and audit rows."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_person_id: ContextVar[int | None] = ContextVar("person_id", default=None)

_ACCEPTABLE = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


def current_request_id() -> str:
    """Return the id of the running request or task, or an empty text outside any."""
    return _request_id.get()


def current_person_id() -> int | None:
    """Return the id of the signed-in person, or None."""
    return _person_id.get()


def begin_request(offered_id: str = "") -> str:
    """Start a new context; an offered id is taken when it is harmless, else one is made."""
    request_id = offered_id if _ACCEPTABLE.match(offered_id) else uuid.uuid4().hex
    _request_id.set(request_id)
    _person_id.set(None)
    return request_id


def note_person(person_id: int | None) -> None:
    """Remember who is signed in."""
    _person_id.set(person_id)
