"""What follows from a batch that was taken: what its page is told, and what panels hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from apps.realtime.enums import OTHER_END, TOLD_OF_END, EndReason
from apps.realtime.schemas import EventIn
from apps.realtime.telemetry import Taken
from apps.realtime.watching import group_of_all, group_of_person, is_watched
from apps.tenants.connections import tenant_connection


def end_of(taken: Taken) -> dict[str, str] | None:
    """Why the call had ended before, with words for the person; None while it goes on.

    A page that tells more of it was not the one that ended it.
    """
    if not taken.ended:
        return None
    reason = EndReason(taken.ended)
    return {"reason": reason.value, "message": TOLD_OF_END.get(reason, OTHER_END)}


def messages_of(schema: str, taken: Taken) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each group that may see the events, and what it is told."""
    message = {
        "type": "telemetry.events",
        "session": str(taken.session_id),
        "events": [shown(event) for event in taken.events],
    }
    yield group_of_person(schema, taken.person_id), message
    yield group_of_all(schema), message


def tell_panels(taken: Taken) -> None:
    """Pass on what came without a socket, if anybody looks; what is stored is not lost by a failure."""
    if not taken.events or not is_watched():
        return
    send = async_to_sync(get_channel_layer().group_send)
    try:
        for group, message in messages_of(tenant_connection().schema_name, taken):
            send(group, message)
    except RedisError:
        return


def shown(event: EventIn) -> dict[str, Any]:
    """An event as panels have it."""
    return event.model_dump(mode="json", exclude={"v", "at"})
