"""Many pages that talk at once, at one web process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from apps.realtime.bench.serving import (
    events,
    forget_sessions,
    message,
    session_for,
    socket_of,
    talkers,
    web_alone,
)
from apps.realtime.models import TelemetryEvent
from apps.suggestions.bench.live import session_of
from apps.triggers.bench.waking import PATIENCE_S

_SOCKETS = 300
_PEOPLE = 30
_EVENTS_EACH = 20


def measure_sockets() -> dict[str, object]:
    """Each opens its socket, stays, and sends a batch at the same moment as all others."""
    forget_sessions()
    people = talkers(_PEOPLE)
    keys = [session_of(person) for person in people]
    sessions = [session_for(people[place % _PEOPLE]) for place in range(_SOCKETS)]
    told = [message(session, 1, events(_EVENTS_EACH)) for session in sessions]
    with web_alone():
        answers = asyncio.run(
            _ask([keys[place % _PEOPLE] for place in range(_SOCKETS)], told),
        )
    served = [elapsed_ms for kind, elapsed_ms in answers if kind == "taken"]
    stored = TelemetryEvent.objects.values("session").distinct().count()
    return {
        "name": "300 telemetry sockets at once",
        "value": len(served),
        "unit": "served",
        "target": _SOCKETS,
        "better": "higher",
        "remark": f"the last answer after {max(served, default=0):.0f} ms; events of {stored} stored, of the"
        " others left out under load and counted",
    }


async def _ask(keys: Sequence[str], told: Sequence[str]) -> list[tuple[str, float]]:
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_of(key)) for key in keys]
        began = time.perf_counter()

        async def ask(place: int) -> tuple[str, float]:
            await sockets[place].send(told[place])
            answer = json.loads(await sockets[place].recv())
            return str(answer["kind"]), (time.perf_counter() - began) * 1000

        async with asyncio.timeout(2 * PATIENCE_S):
            return await asyncio.gather(*(ask(place) for place in range(len(sockets))))
