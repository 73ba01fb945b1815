"""The socket of telemetry: whom it lets in, what it takes, and who is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone
from uvicorn.protocols.utils import ClientDisconnected

from apps.conftest import Cast, make_cast
from apps.realtime import consumers
from apps.realtime.consumers import (
    LEAST_WEIGHT,
    MOST_MESSAGES,
    TOO_LONG,
    TOO_MUCH,
    TelemetryConsumer,
    weight_of,
)
from apps.realtime.enums import EndReason, SessionState
from apps.realtime.flooding import REST_MS
from apps.realtime.models import Session, TelemetryEvent
from apps.realtime.schemas import LONGEST_MESSAGE, MOST_IN_A_BATCH, EventIn
from apps.realtime.sessions import end_session
from apps.realtime.tests.factories import batch, event, make_session
from apps.tenants.connections import tenant_connection
from apps.tenants.enums import Module
from apps.tenants.models import ModuleGate, Tenant
from apps.users import sockets
from apps.users.models import User
from apps.users.sockets import NOT_ALLOWED, NOT_SIGNED_IN
from apps.users.tests.socket_ends import HOST, run, session_key

DROP = "aisha.drop"


@pytest.fixture
def people(committed_tenant: Tenant) -> Cast:
    """The people of a tenant whose rows sockets can see."""
    cast = make_cast()
    tenant_connection().set_tenant(committed_tenant)
    return cast


def scope_of(key: str, host: str = HOST, origin: str | None = None) -> dict[str, Any]:
    """What the server tells of a socket that a page of the host opens."""
    headers = [
        (b"host", host.encode()),
        (b"origin", (origin or f"http://{host}").encode()),
        (b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode()),
    ]
    return {"type": "websocket", "path": "/live/realtime/", "headers": headers}


class Socket:
    """A page's end of the socket."""

    def __init__(self, key: str, *, host: str = HOST, origin: str | None = None) -> None:
        scope = scope_of(key, host, origin)
        self._end: Any = ApplicationCommunicator(TelemetryConsumer.as_asgi(), scope)  # type: ignore[no-untyped-call]

    async def open(self) -> int | None:
        """Open it; the code with which it was closed at once, if it was."""
        await self._end.send_input({"type": "websocket.connect"})
        assert (await self._end.receive_output(10))["type"] == "websocket.accept"
        if await self.is_quiet(0.1):
            return None
        return await self.closed()

    async def say(self, message: object) -> None:
        text = message if isinstance(message, str) else json.dumps(message)
        await self._end.send_input({"type": "websocket.receive", "text": text})

    async def heard(self) -> Any:
        return json.loads((await self._end.receive_output(10))["text"])

    async def ask(self, message: object) -> Any:
        await self.say(message)
        return await self.heard()

    async def closed(self) -> int:
        message = await self._end.receive_output(10)
        assert message["type"] == "websocket.close"
        return int(message["code"])

    async def is_quiet(self, timeout_s: float = 0.3) -> bool:
        return bool(await self._end.receive_nothing(timeout=timeout_s))

    async def close(self) -> None:
        await self._end.send_input({"type": "websocket.disconnect", "code": 1001})
        await self._end.wait(10)


async def opened(key: str) -> Socket:
    socket = Socket(key)
    assert await socket.open() is None
    return socket


def told(session: Session | UUID, *events: EventIn, number: int = 1) -> dict[str, Any]:
    own = session if isinstance(session, Session) else Session(pk=session)
    return batch(own, *events, number=number).model_dump(mode="json")


def watch(session: Session | None = None, *, ai_debug: bool = False) -> dict[str, Any]:
    return {"kind": "watch", "session": str(session.pk) if session else None, "ai_debug": ai_debug}


async def listening(socket: Socket, teller: Socket, session: Session) -> None:
    """Until a subscription is in force, what is said is lost: say something until it is heard."""
    async with asyncio.timeout(20):
        number = 1_000
        while True:
            number += 1
            await teller.ask(told(session, event("aisha.muted"), number=number))
            if not await socket.is_quiet(0.5):
                break
        while not await socket.is_quiet(0.5):
            await socket.heard()


def test_who_is_not_let_in(people: Cast) -> None:
    rep, silent = session_key(people.rep), session_key(people.outsider)
    people.outsider.groups.clear()

    async def codes() -> list[int | None]:
        return [
            await Socket("made-up").open(),
            await Socket(rep, origin="http://evil.example").open(),
            await Socket(rep, host="acme.localhost").open(),
            await Socket(rep, host="localhost").open(),
            await Socket(silent).open(),
        ]

    assert run(codes()) == [NOT_SIGNED_IN, NOT_ALLOWED, NOT_SIGNED_IN, NOT_ALLOWED, NOT_ALLOWED]


def test_off_is_off(people: Cast, committed_tenant: Tenant) -> None:
    key = session_key(people.rep)
    ModuleGate.objects.filter(tenant=committed_tenant, module=Module.REALTIME).update(is_on=False)
    assert run(Socket(key).open()) == NOT_ALLOWED


def test_events_are_taken_once(people: Cast) -> None:
    session, key = make_session(people.rep), session_key(people.rep)
    drop = event(DROP, 5, data={"reason": "ice"})

    async def talk() -> list[Any]:
        socket = await opened(key)
        answers = [await socket.ask(told(session, drop, number=n)) for n in (1, 2)]
        await socket.close()
        return answers

    assert run(talk()) == [{"kind": "taken", "batch": n, "rest_ms": 0} for n in (1, 2)]
    assert [(e.event_id, e.type) for e in TelemetryEvent.objects.all()] == [(drop.id, DROP)]
    session.refresh_from_db()
    assert session.drops_count == 1


def test_what_a_page_said_before_it_went_is_stored_though_no_answer_reaches_it(
    people: Cast,
) -> None:
    session, key = make_session(people.rep), session_key(people.rep)
    batches = [
        told(session, event("aisha.stats"), number=1),
        told(uuid4(), event(DROP), number=2),
        told(session, event("aisha.end", data={"reason": "hung_up"}), number=3),
    ]
    said: list[dict[str, Any]] = [
        {"type": "websocket.connect"},
        *({"type": "websocket.receive", "text": json.dumps(one)} for one in batches),
        {"type": "websocket.disconnect", "code": 1001},
    ]

    async def receive() -> dict[str, Any]:
        return said.pop(0) if said else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            raise ClientDisconnected

    run(TelemetryConsumer.as_asgi()(scope_of(key), receive, send))
    session.refresh_from_db()
    assert (session.state, session.end_reason) == (SessionState.ENDED, EndReason.HUNG_UP)
    assert TelemetryEvent.objects.count() == 2


def test_a_page_is_told_that_its_call_was_ended_and_why(people: Cast) -> None:
    session, key = make_session(people.rep), session_key(people.rep)

    async def talk() -> Any:
        socket = await opened(key)
        answer = await socket.ask(told(session, event("aisha.stats")))
        await socket.close()
        return answer

    assert "ended" not in run(talk())
    end_session(session, EndReason.REVOKED, timezone.now())
    assert run(talk())["ended"] == {
        "reason": "revoked",
        "message": (
            "The call was ended: realtime voice has been switched off, or is no longer for you. You can"
            " type instead."
        ),
    }


def test_a_session_that_is_not_theirs_takes_nothing(people: Cast) -> None:
    others, key = make_session(people.teammate), session_key(people.rep)

    async def talk() -> list[Any]:
        socket = await opened(key)
        answers = [await socket.ask(told(s, event(DROP))) for s in (others, uuid4())]
        await socket.close()
        return answers

    refused = {"kind": "refused", "batch": 1, "code": "session_not_found"}
    assert run(talk()) == [refused, refused]
    assert TelemetryEvent.objects.count() == 0


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "[]",
        {"kind": "approve"},
        {"kind": "watch", "session": "1; --"},
        {"kind": "watch", "tenant": "globex"},
    ],
)
def test_what_is_no_message_is_refused_and_the_socket_stays(people: Cast, message: object) -> None:
    key = session_key(people.rep)

    async def talk() -> tuple[Any, Any]:
        socket = await opened(key)
        refused = await socket.ask(message)
        again = await socket.ask({"kind": "watch", "ai_debug": True})
        await socket.close()
        return refused, again

    assert run(talk()) == (
        {"kind": "refused", "code": "invalid"},
        {"kind": "watching", "session": None},
    )


def test_an_event_that_does_not_fit_costs_itself_alone(people: Cast) -> None:
    session, key = make_session(people.rep), session_key(people.rep)
    fits = event(DROP, 5)
    mixed = told(session, *(event(DROP) for _ in range(3)), fits, number=7) | {"left_out": 2}
    mixed["events"][0]["direction"] = "sideways"
    mixed["events"][1]["type"] = "x" * 81
    mixed["events"][2] = "no event"
    many = told(session, event("aisha.stats"), number=8)
    many["events"] *= MOST_IN_A_BATCH + 1

    async def talk() -> list[Any]:
        socket = await opened(key)
        answers = [await socket.ask(mixed), await socket.ask(many)]
        await socket.close()
        return answers

    assert run(talk()) == [
        {"kind": "taken", "batch": 7, "rest_ms": 0},
        {"kind": "refused", "batch": 8, "code": "invalid"},
    ]
    assert [one.event_id for one in TelemetryEvent.objects.all()] == [fits.id]
    session.refresh_from_db()
    # The page's own two, and three that did not fit.
    assert (session.events_count, session.events_left_out) == (1, 5)


def test_who_says_too_much_is_hung_up_on(people: Cast) -> None:
    key = session_key(people.rep)

    async def talk() -> int:
        socket = await opened(key)
        await socket.say("x" * (LONGEST_MESSAGE + 1))
        return await socket.closed()

    assert run(talk()) == TOO_LONG


def test_who_does_not_rest_is_hung_up_on(people: Cast) -> None:
    session, key = make_session(people.rep), session_key(people.rep)

    async def talk() -> tuple[set[str], int]:
        socket = await opened(key)
        for number in range(MOST_MESSAGES + 1):
            await socket.say(told(session, number=number))
        kinds = {(await socket.heard())["kind"] for _ in range(MOST_MESSAGES)}
        return kinds, await socket.closed()

    assert run(talk()) == ({"taken"}, TOO_MUCH)


def test_in_a_flood_pages_are_asked_to_rest_and_what_is_plentiful_is_left_out(
    people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More pages at once than may wait, each with two batches."""
    session, key = make_session(people.rep), session_key(people.rep)
    monkeypatch.setattr(consumers, "RESTS_FROM", 4 * LEAST_WEIGHT)
    monkeypatch.setattr(consumers, "LEAVES_OUT_FROM", 16 * LEAST_WEIGHT)
    pages, each, size = 20, 2, 10

    async def flood() -> list[Any]:
        sockets = [await opened(key) for _ in range(pages)]
        for number in range(each):
            for socket in sockets:
                events = [event("aisha.stats", place) for place in range(size)]
                await socket.say(told(session, *events, number=number))
        answers = [await socket.heard() for socket in sockets for _ in range(each)]
        for socket in sockets:
            await socket.close()
        return answers

    answers = run(flood())
    assert {answer["kind"] for answer in answers} == {"taken"}
    assert {answer["rest_ms"] for answer in answers} == {0, REST_MS}
    session.refresh_from_db()
    stored = TelemetryEvent.objects.count()
    assert session.events_count == stored
    assert session.events_left_out == pages * each * size - stored
    assert session.events_left_out > 0
    assert consumers._waiting == 0


def test_many_pages_with_a_little_each_lose_nothing(people: Cast) -> None:
    key, size = session_key(people.rep), 20
    sessions = [make_session(people.rep) for _ in range(24)]

    async def tell() -> None:
        sockets = [await opened(key) for _ in sessions]
        for socket, session in zip(sockets, sessions, strict=True):
            await socket.say(told(session, *(event("aisha.stats", n) for n in range(size))))
        for socket in sockets:
            assert (await socket.heard())["kind"] == "taken"
            await socket.close()

    run(tell())
    counts = Session.objects.values_list("events_count", "events_left_out")
    assert list(counts) == [(size, 0)] * len(sessions)
    assert TelemetryEvent.objects.count() == size * len(sessions)


def test_a_batch_weighs_what_it_costs(cast: Cast) -> None:
    session = make_session(cast.rep)
    few, many = (batch(session, *(event("aisha.stats") for _ in range(n))) for n in (1, 300))
    assert [weight_of(few, 500), weight_of(many, 90_000)] == [LEAST_WEIGHT, 300]
    # One event as long as a message may be holds as much as a full batch.
    assert weight_of(few, LONGEST_MESSAGE) == MOST_IN_A_BATCH


def test_a_panel_of_an_administrator_hears_of_everybody(people: Cast) -> None:
    rep, admin = session_key(people.rep), session_key(people.admin)
    session, other = make_session(people.rep), make_session(people.rep)

    async def talk() -> tuple[Any, Any, bool]:
        panel, page = await opened(admin), await opened(rep)
        assert await panel.ask(watch()) == {"kind": "watching", "session": None}
        await listening(panel, page, session)
        drop = event(DROP, 7, turn=2, data={"reason": "ice"})
        await page.ask(told(session, drop))
        heard = await panel.heard()
        # From now on of one session alone.
        assert await panel.ask(watch(session)) == {"kind": "watching", "session": str(session.pk)}
        await page.ask(told(other, event(DROP)))
        is_quiet = await panel.is_quiet()
        await panel.close()
        await page.close()
        return heard, str(drop.id), is_quiet

    heard, drop_id, is_quiet = run(talk())
    assert heard == {
        "kind": "events",
        "session": str(session.pk),
        "events": [
            {
                "id": drop_id, "at_ms": 7.0, "direction": "local", "type": DROP, "origin": "realtime",
                "turn": 2, "size_bytes": 100, "data": {"reason": "ice"},
            }
        ],
    }  # fmt: skip
    assert is_quiet


def test_with_ai_debug_a_panel_hears_of_ones_own_sessions_alone(people: Cast) -> None:
    keys = {name: session_key(getattr(people, name)) for name in ("rep", "teammate")}
    own, others = make_session(people.rep), make_session(people.teammate)

    async def talk() -> list[bool]:
        panel, page, colleague = (
            await opened(keys["rep"]), await opened(keys["rep"]), await opened(keys["teammate"]),
        )  # fmt: skip
        await panel.ask(watch(ai_debug=True))
        await listening(panel, page, own)
        quiet = []
        for session in (None, others):
            await panel.ask(watch(session, ai_debug=True))
            await colleague.ask(told(others, event(DROP)))
            quiet.append(await panel.is_quiet())
        for socket in (panel, page, colleague):
            await socket.close()
        return quiet

    assert run(talk()) == [True, True]


def test_without_ai_debug_nobody_but_an_administrator_watches(people: Cast) -> None:
    keys = [session_key(people.rep), session_key(people.manager)]

    async def talk() -> list[int]:
        codes = []
        for key in keys:
            socket = await opened(key)
            await socket.say(watch())
            codes.append(await socket.closed())
        return codes

    assert run(talk()) == [NOT_ALLOWED, NOT_ALLOWED]


def test_who_may_not_stay_is_hung_up_on_soon(
    people: Cast, committed_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "ASKED_AGAIN_EVERY_S", 0.2)
    names = ("rep", "teammate", "manager", "admin")
    keys = {name: session_key(getattr(people, name)) for name in names}
    remaining, session = session_key(people.outsider), make_session(people.outsider)

    def shut_out() -> None:
        with committed_tenant:
            SessionStore(keys["rep"]).flush()
            User.objects.filter(pk=people.teammate.pk).update(is_active=False)
            people.manager.groups.clear()
            # Who only sees no more than their own does not hear of others any more.
            people.admin.groups.set(people.outsider.groups.all())

    async def talk() -> tuple[dict[str, int], Any]:
        ends, other = (
            {name: await opened(key) for name, key in keys.items()},
            await opened(remaining),
        )
        await ends["admin"].ask(watch())
        await sync_to_async(shut_out)()
        codes = {name: await end.closed() for name, end in ends.items()}
        answer = await other.ask(told(session, event(DROP)))
        await other.close()
        return codes, answer["kind"]

    codes = dict.fromkeys(names, NOT_ALLOWED) | {"rep": NOT_SIGNED_IN, "teammate": NOT_SIGNED_IN}
    assert run(talk()) == (codes, "taken")


@pytest.mark.parametrize("value", ["a\\u0000b", '{"a": "\\u0000"}', "1e999", "NaN", "-Infinity"])
def test_what_the_database_cannot_hold_costs_no_batch(people: Cast, value: str) -> None:
    session, key = make_session(people.rep), session_key(people.rep)
    written = value if value[0] in "{1N-" else f'"{value}"'
    message = json.dumps(told(session, event(DROP, data={"reason": "REASON"}))).replace(
        '"REASON"', written
    )

    async def talk() -> Any:
        socket = await opened(key)
        answer = await socket.ask(message)
        await socket.close()
        return answer

    assert run(talk()) == {"kind": "taken", "batch": 1, "rest_ms": 0}
    assert TelemetryEvent.objects.count() == 1
