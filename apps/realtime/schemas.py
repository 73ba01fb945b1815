"""What the browser tells of a connection, version 1, and what is sent to those who watch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from apps.audit.enums import Origin
from apps.realtime.enums import Direction

VERSION = 1
# A page at 200 events a second sends a batch about each second.
MOST_IN_A_BATCH = 500
# A batch of as many events with all that each may hold is smaller.
LONGEST_MESSAGE = 2_500_000
_MOST_LEFT_OUT = 2**31 - 1


class EventIn(BaseModel):
    """One event as the browser saw it.

    Attributes:
        id: given by the browser; an event that is sent twice is kept once.
        at_ms: monotonic time since the token was asked for, in milliseconds.
        at: what the browser's clock said; it may be wrong.
        type: the provider's name of the event, or one of ours (``aisha.…``, ``docs/realtime.md``).
        turn: which turn of the conversation it belongs to, from 1 on.
        size_bytes: of the whole event on the wire.
        data: what is kept of it: numbers, names and states; words only where the tenant keeps texts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: Literal[1]
    id: UUID
    at_ms: Annotated[float, Field(ge=0, le=2**31, allow_inf_nan=False)]
    at: datetime
    direction: Direction
    type: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9_.]+$")]
    origin: Origin
    turn: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    size_bytes: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    data: dict[str, JsonValue] = Field(default_factory=dict)


class BatchIn(BaseModel):
    """Events of one session, and how many the browser left out before them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["events"]
    session: UUID
    batch: Annotated[int, Field(ge=0, le=2**31 - 1)]
    left_out: Annotated[int, Field(ge=0, le=_MOST_LEFT_OUT)] = 0
    events: Annotated[list[EventIn], Field(max_length=MOST_IN_A_BATCH)]


class _LooseBatchIn(BatchIn):
    """A batch whose events are not looked at yet."""

    events: Annotated[list[JsonValue], Field(max_length=MOST_IN_A_BATCH)]  # type: ignore[assignment]


class NumberedIn(BaseModel):
    """Of a batch that does not fit: which one it is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["events"]
    batch: Annotated[int, Field(ge=0, le=2**31 - 1)]


class WatchIn(BaseModel):
    """What a panel wants to be told of: one session, or, without one, all that the person may see.

    ``ai_debug`` says that the browser has ``localStorage.ai_debug`` set; a panel says all of this again every
    half a minute.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["watch"]
    session: UUID | None = None
    ai_debug: bool = False


def read_batch(text: str) -> BatchIn:
    """Read a batch; an event that does not fit the schema costs itself, and is counted as left out.

    Raises:
        ValidationError: it is no batch, or has too many events.
    """
    try:
        return BatchIn.model_validate_json(text)
    except ValidationError:
        loose = _LooseBatchIn.model_validate_json(text)
    events = [event for event in map(_event_of, loose.events) if event is not None]
    left_out = loose.left_out + len(loose.events) - len(events)
    return BatchIn(
        kind=loose.kind,
        session=loose.session,
        batch=loose.batch,
        left_out=min(left_out, _MOST_LEFT_OUT),
        events=events,
    )


def _event_of(told: object) -> EventIn | None:
    try:
        return EventIn.model_validate(told)
    except ValidationError:
        return None
