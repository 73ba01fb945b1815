"""The measure of announcements: a suggestion changes, and those whom it concerns have the new list.

200 sockets at one web process, 20 of them of people whom the change concerns; each of these asks for the news
as an open queue does. The time runs from the commit to the last byte of a client's news. Changes follow one
another at once: what the listener waits between two notices about one person is in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from datetime import timedelta
from functools import partial

import httpx2
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone
from django_tenants.utils import schema_context
from websockets.asyncio.client import ClientConnection, connect

from apps.audit.enums import Origin
from apps.brain.enums import Goal, Provider
from apps.crm.enums import RecordKind
from apps.execution.enums import Risk
from apps.suggestions.bench.live import HOST, PORT, running_web, session_of
from apps.suggestions.bench.pipeline import clear, make_owners
from apps.suggestions.enums import HeldBack
from apps.suggestions.models import Suggestion
from apps.tenants.connections import tenant_connection
from apps.triggers.bench.waking import PATIENCE_S
from apps.triggers.enums import Severity
from apps.users.enums import PersonRole
from apps.users.models import Team, User
from apps.users.services import ensure_person_roles, give_role

_SOCKETS = 200
_CONCERNED = 20
_CARDS_EACH = 12
_WARMING_ROUNDS = 3
_ROUNDS = 25
_QUIET_S = 1.0
_P95_MS = 500.0


def measure_sockets() -> dict[str, object]:
    """Each round changes one suggestion of the first team; its people fetch their list anew."""
    clear()
    people = _make_teams()
    _give_cards(people)
    keys = [session_of(person) for person in people]
    with ExitStack() as stack:
        stack.enter_context(running_web())
        card = Suggestion.objects.filter(assignee=people[0]).latest("pk")
        times_ms = asyncio.run(_listen(keys, card.pk, tenant_connection().schema_name))
    times_ms.sort()
    return {
        "app": "suggestions",
        "name": "announcement to refreshed card, p95, 200 sockets, 20 concerned",
        "value": round(times_ms[int(len(times_ms) * 0.95)], 0),
        "unit": "ms",
        "target": _P95_MS,
        "better": "lower",
        "remark": f"median {times_ms[len(times_ms) // 2]:.0f} ms, of {len(times_ms)} refreshed lists",
    }


def _make_teams() -> list[User]:
    ensure_person_roles()
    people = make_owners(_SOCKETS)
    for place, person in enumerate(people):
        team, _ = Team.objects.get_or_create(name=f"bench-team-{place // _CONCERNED}")
        person.team = team
        person.save(update_fields=["team"])
        give_role(person, PersonRole.REP)
    return people


def _give_cards(people: Sequence[User]) -> None:
    now = timezone.now()
    Suggestion.objects.bulk_create(
        Suggestion(
            goal=Goal.REVIVE_LEAD,
            record_kind=RecordKind.LEAD,
            record_id=1_000_000 + place * _CARDS_EACH + number,
            record_label=f"Lead {number}",
            assignee=person,
            tool="create_followup",
            arguments={},
            risk=Risk.LOW,
            title=f"Call lead {number}",
            reason="Nobody has been in touch since the spring.",
            urgency=Severity.NORMAL,
            rank=number,
            held_back=HeldBack.NO,
            origin=Origin.PERSON,
            provider=Provider.RULES,
            created_at=now,
            refreshed_at=now,
            queued_at=now,
            expires_at=now + timedelta(days=14),
        )
        for place, person in enumerate(people)
        for number in range(_CARDS_EACH)
    )


def _change_title(card_id: int, title: str, schema: str) -> None:
    # In the thread of the loop's own connection, which stands in no tenant.
    with schema_context(schema):
        Suggestion.objects.filter(pk=card_id).update(title=title)


async def _listen(keys: Sequence[str], card_id: int, schema: str) -> list[float]:
    """Open the sockets, change a suggestion again and again, and time the lists that follow."""
    change = sync_to_async(partial(_change_title, card_id, schema=schema))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{PORT}", timeout=PATIENCE_S)
        )
        sockets = [await stack.enter_async_context(_socket(key)) for key in keys]
        # The first rounds wait for the programs to start, and warm what is read once.
        for number in range(_WARMING_ROUNDS):
            await _change(change(title=f"Warming, {number}"), sockets, keys, client)
        await asyncio.gather(*(_hear_out(socket) for socket in sockets))
        times: list[float] = []
        for number in range(_ROUNDS):
            times += await _change(change(title=f"Call lead, {number}"), sockets, keys, client)
        return times


async def _hear_out(socket: ClientConnection) -> None:
    """Hear what is still told of what came before: the listener's start, the making of the cards."""
    with suppress(TimeoutError):
        while True:
            await asyncio.wait_for(socket.recv(), _QUIET_S)


async def _change(
    change: Awaitable[None],
    sockets: Sequence[ClientConnection],
    keys: Sequence[str],
    client: httpx2.AsyncClient,
) -> list[float]:
    fetches = [
        asyncio.create_task(_fetch(socket, key, client))
        for socket, key in zip(sockets[:_CONCERNED], keys[:_CONCERNED], strict=True)
    ]
    await asyncio.sleep(0)
    await change
    began = time.perf_counter()
    ends = await asyncio.wait_for(asyncio.gather(*fetches), PATIENCE_S)
    return [(end - began) * 1000 for end in ends]


async def _fetch(socket: ClientConnection, key: str, client: httpx2.AsyncClient) -> float:
    await socket.recv()
    answer = await client.get("/suggestions/news/?list=1", headers=_headers(key))
    answer.raise_for_status()
    return time.perf_counter()


def _socket(key: str) -> connect:
    return connect(
        f"ws://127.0.0.1:{PORT}/live/suggestions/",
        additional_headers=_headers(key),
        origin=f"http://{HOST}:{PORT}",  # type: ignore[arg-type]
        open_timeout=PATIENCE_S,
    )


def _headers(key: str) -> dict[str, str]:
    return {"Host": f"{HOST}:{PORT}", "Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"}
