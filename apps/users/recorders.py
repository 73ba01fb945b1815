"""Where the upper rooms are told what people do to their access: the audit log registers here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from apps.users.enums import PersonEvent
from apps.users.models import User

Details: TypeAlias = Mapping[str, str | int | bool | None]
Recorder: TypeAlias = Callable[[PersonEvent, User | None, Details], None]

_recorders: list[Recorder] = []


def register_recorder(recorder: Recorder) -> None:
    """Have ``recorder`` called with each event, inside the transaction that makes it true."""
    if recorder not in _recorders:
        _recorders.append(recorder)


def report(event: PersonEvent, person: User | None, details: Details | None = None) -> None:
    """Put an event on record. ``person`` is None when nobody is signed in."""
    for recorder in _recorders:
        recorder(event, person, details or {})
