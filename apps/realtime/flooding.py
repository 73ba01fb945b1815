"""How much of what a page tells is stored: by how busy the process is, how fast it comes, how much there is.

A page of ours tells some 20 events a second, and 200 at its busiest. Whoever tells more is no page of ours,
or one that has lost its way: it costs itself its own telemetry, and nobody else anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import IntEnum

from django.conf import settings
from pydantic import JsonValue
from redis.exceptions import RedisError

from apps.realtime.schemas import EventIn
from apps.realtime.sessions import FOLLOWED
from apps.tenants.connections import tenant_connection
from apps.tenants.valkey import count_within

# Below it stands how much somebody's pages have told lately.
TOLD_KEY = "aisha:told"
# A page that tells too much is asked to wait for so long before it tells more.
REST_MS = 1_000
# So long is counted at once: what is kept back while there is no network comes in one go.
WINDOW_S = 10
# Rows of one session. A call of an hour has some 30,000 events; the panel reads 20,000.
THINNED_FROM, FOLLOWED_FROM, FULL_AT = 40_000, 50_000, 60_000
# Characters of what one event holds, as JSON. The page cuts words at 500 and tells numbers and names beside.
LONGEST_DATA = 4_000
_LONGEST_PLAIN = 120
_MOST_PLAIN = 20

# What comes in floods, many a second, and says little one by one: the first to go.
PLENTIFUL = frozenset(
    {
        "response.output_audio_transcript.delta", "response.output_text.delta",
        "response.function_call_arguments.delta", "response.output_audio.delta",
        "conversation.item.input_audio_transcription.delta", "aisha.stats",
    }
)  # fmt: skip


class Keeping(IntEnum):
    """How much of a batch is stored."""

    ALL = 0
    WITHOUT_PLENTIFUL = 1
    FOLLOWED_ALONE = 2
    NOTHING = 3


def pace_of(person_id: int, events: int) -> Keeping:
    """Count what a person's pages tell, over all sockets and processes, and say how much of it is stored.

    Without Valkey nobody knows how fast that is: what comes in floods is left out.
    """
    most = settings.REALTIME_EVENTS_PER_SECOND * WINDOW_S
    key = f"{TOLD_KEY}:{tenant_connection().schema_name}:{person_id}"
    try:
        count, _ = count_within(key, WINDOW_S, by=events)
    except RedisError:
        return Keeping.WITHOUT_PLENTIFUL
    if count > 2 * most:
        return Keeping.FOLLOWED_ALONE
    return Keeping.WITHOUT_PLENTIFUL if count > most else Keeping.ALL


def keeping_of_rows(stored: int) -> Keeping:
    """What a session of which so much is stored may still add."""
    if stored >= FULL_AT:
        return Keeping.NOTHING
    if stored >= FOLLOWED_FROM:
        return Keeping.FOLLOWED_ALONE
    return Keeping.WITHOUT_PLENTIFUL if stored >= THINNED_FROM else Keeping.ALL


def kept(events: Sequence[EventIn], keeping: Keeping) -> list[EventIn]:
    """The events of a batch that are stored."""
    match keeping:
        case Keeping.ALL:
            return list(events)
        case Keeping.WITHOUT_PLENTIFUL:
            return [event for event in events if event.type not in PLENTIFUL]
        case Keeping.FOLLOWED_ALONE:
            # What the session's row follows from is the last to go.
            return [event for event in events if event.type in FOLLOWED]
        case Keeping.NOTHING:
            return []


def bounded(data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """What an event holds, or, where that is too much, its short members and how much there was."""
    length = len(json.dumps(data, ensure_ascii=False))
    if length <= LONGEST_DATA:
        return data
    plain: dict[str, JsonValue] = {
        name: value[:_LONGEST_PLAIN] if isinstance(value, str) else value
        for name, value in data.items()
        if not isinstance(value, dict | list)
    }
    short = dict(list(plain.items())[:_MOST_PLAIN])
    short["left_out_characters"] = length
    return short
