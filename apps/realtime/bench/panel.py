"""The debug panel of an open session while 200 events come in each second."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from apps.realtime.bench.serving import (
    events,
    forget_sessions,
    message,
    session_for,
    socket_of,
    talkers,
    web_alone,
)
from apps.realtime.models import Session
from apps.suggestions.bench.live import browser_at, line_of, session_of
from apps.users.enums import PersonRole
from apps.users.services import give_role

# Fewer messages than a socket may bring (``consumers.MOST_MESSAGES``), more than a page of ours does.
_PER_SECOND, _EVERY_S, _LASTS_S = 200, 0.25, 10
_LONGEST_TASK_MS = 100.0


def measure_panel() -> dict[str, object]:
    """A headless browser looks; what its page did in one piece for longest is told."""
    forget_sessions()
    talker, overseer = talkers(2)
    give_role(overseer, PersonRole.ADMIN)
    session = session_for(talker)
    address = f"/realtime/debug/{session.pk}/"
    script = Path(__file__).with_name("looking.py")
    with web_alone(), browser_at(address, overseer, script) as browser:
        if line_of(browser) != "ready":
            raise RuntimeError("The browser did not open the panel.")
        asyncio.run(_talk(session_of(talker), session))
        if browser.stdin is None:
            raise RuntimeError("The browser cannot be told to end.")
        browser.stdin.write("tell\n")
        browser.stdin.flush()
        longest_ms, rows = line_of(browser).split()
    return {
        "name": "panel at 200 events per second",
        "value": float(longest_ms),
        "unit": "ms",
        "target": _LONGEST_TASK_MS,
        "better": "lower",
        "remark": f"the longest task of the page in {_LASTS_S} s; {rows} rows in it. 0: none above 50 ms",
    }


async def _talk(key: str, session: Session) -> None:
    each = round(_PER_SECOND * _EVERY_S)
    async with socket_of(key) as socket:
        began = time.perf_counter()
        for number in range(round(_LASTS_S / _EVERY_S)):
            await socket.send(message(session, number, events(each, 1000 * number * _EVERY_S)))
            answer = json.loads(await socket.recv())
            if answer["kind"] != "taken":
                raise RuntimeError(f"A batch was not taken: {answer}")
            due = began + (number + 1) * _EVERY_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
