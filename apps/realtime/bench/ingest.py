"""How many events one web process stores in a second, and how much it grows meanwhile."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

from django.utils import timezone

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
from apps.realtime.models import Session
from apps.realtime.schemas import MOST_IN_A_BATCH
from apps.realtime.telemetry import insert_events
from apps.suggestions.bench.live import session_of
from apps.triggers.bench.waking import PATIENCE_S

# Fewer than are asked to rest, so that the figure is of storing.
_PAGES = 3
_BATCHES_EACH = 20
_WARM_UP = 2
_LEAST_PER_SECOND, _MOST_GROWTH_MB = 5_000, 100.0


def measure_ingest() -> Iterator[dict[str, object]]:
    """Pages that send batch after batch, each once the one before it was taken; then the bare INSERT."""
    forget_sessions()
    people = talkers(_PAGES)
    sessions = [session_for(person) for person in people]
    keys = [session_of(person) for person in people]
    batches = [_messages(session, _WARM_UP + _BATCHES_EACH) for session in sessions]
    # A few pages tell as much as hundreds would: what is measured is storing.
    with web_alone(REALTIME_EVENTS_PER_SECOND="100000") as pid:
        elapsed_s, before_mb = asyncio.run(_send(pid, keys, batches))
        growth_mb = size_mb(pid) - before_mb
    count = _PAGES * _BATCHES_EACH * MOST_IN_A_BATCH
    plain_s = _plain(sessions[0])
    yield {
        "name": "telemetry ingest per web process",
        "value": round(count / elapsed_s),
        "unit": "events/s",
        "target": _LEAST_PER_SECOND,
        "better": "higher",
        "baseline": round(_BATCHES_EACH * MOST_IN_A_BATCH / plain_s),
        "remark": f"{count:,} events by {_PAGES} sockets; baseline: the bare INSERT of parsed events",
    }
    yield {
        "name": "growth of the web process meanwhile",
        "value": round(growth_mb, 1),
        "unit": "MB",
        "target": _MOST_GROWTH_MB,
        "better": "lower",
    }


def _messages(session: Session, count: int) -> list[str]:
    return [message(session, number, events(MOST_IN_A_BATCH)) for number in range(count)]


def _plain(session: Session) -> float:
    batches = [events(MOST_IN_A_BATCH) for _ in range(_BATCHES_EACH)]
    now = timezone.now()
    began = time.perf_counter()
    for batch in batches:
        insert_events(session.pk, batch, now)
    return time.perf_counter() - began


async def _send(
    pid: int, keys: Sequence[str], batches: Sequence[Sequence[str]]
) -> tuple[float, float]:
    async def tell(socket: object, messages: Sequence[str]) -> None:
        for text in messages:
            await socket.send(text)  # type: ignore[attr-defined]
            answer = json.loads(await socket.recv())  # type: ignore[attr-defined]
            if answer["kind"] != "taken":
                raise RuntimeError(f"A batch was not taken: {answer}")

    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(socket_of(key)) for key in keys]
        pairs = list(zip(sockets, batches, strict=True))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(tell(socket, told[:_WARM_UP]) for socket, told in pairs))
        before_mb = size_mb(pid)
        began = time.perf_counter()
        async with asyncio.timeout(5 * PATIENCE_S):
            await asyncio.gather(*(tell(socket, told[_WARM_UP:]) for socket, told in pairs))
        return time.perf_counter() - began, before_mb
