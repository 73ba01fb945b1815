"""Many pages that talk at once, at one web process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from django.db.models import Count

from apps.realtime.bench.serving import (
    events,
    forget_sessions,
    message,
    session_for,
    size_mb,
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
    with web_alone() as pid:
        answers, growth_mb = asyncio.run(
            _ask(pid, [keys[place % _PEOPLE] for place in range(_SOCKETS)], told),
        )
    taken = [elapsed_ms for kind, elapsed_ms in answers if kind == "taken"]
    counts = TelemetryEvent.objects.values_list("session").annotate(count=Count("pk"))
    whole = counts.filter(count=_EVENTS_EACH).count()
    return {
        "name": "300 telemetry sockets at once",
        "value": whole,
        "unit": "served",
        "target": _SOCKETS,
        "better": "higher",
        "remark": f"sessions all of whose {_EVENTS_EACH} events are stored; {len(taken)} batches taken, the"
        f" last after {max(taken, default=0):.0f} ms; the process grew by {growth_mb:.0f} MB meanwhile",
    }


async def _ask(
    pid: int, keys: Sequence[str], told: Sequence[str]
) -> tuple[list[tuple[str, float]], float]:
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_of(key)) for key in keys]
        before_mb = size_mb(pid)
        began = time.perf_counter()

        async def ask(place: int) -> tuple[str, float]:
            await sockets[place].send(told[place])
            answer = json.loads(await sockets[place].recv())
            return str(answer["kind"]), (time.perf_counter() - began) * 1000

        async with asyncio.timeout(2 * PATIENCE_S):
            answers = await asyncio.gather(*(ask(place) for place in range(len(sockets))))
        return answers, size_mb(pid) - before_mb
