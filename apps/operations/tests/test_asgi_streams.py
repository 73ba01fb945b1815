"""What is sent as a stream arrives as one from the ASGI handler, and nothing is held whole on the way."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from aisha.asgi import application
from apps.assistant.streaming import CONTENT_TYPE
from apps.assistant.threads import open_conversation
from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_events
from apps.conftest import make_cast
from apps.tenants.exports import LINES_PER_CHUNK
from apps.tenants.models import Tenant


def get(path: str, cookie: str = "") -> tuple[int, list[bytes]]:
    """Ask the application itself: the status, and the pieces of the body as they were sent."""
    return ask_for("GET", path, {b"cookie": f"sessionid={cookie}".encode()})


def ask_for(
    method: str, path: str, headers: dict[bytes, bytes], body: bytes = b""
) -> tuple[int, list[bytes]]:
    """Ask the application itself, by any method."""
    sent: list[Any] = []

    async def ask() -> None:
        scope: Any = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"",
            "headers": [(b"host", b"race.localhost"), *headers.items()],
        }  # fmt: skip
        bodies: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            # After the body there is nothing more to hear: the client stays.
            return bodies.pop() if bodies else await asyncio.Event().wait()

        async def send(event: Any) -> None:
            sent.append(event)

        answer: Callable[..., Awaitable[None]] = application
        async with ThreadSensitiveContext():
            await answer(scope, receive, send)
            await sync_to_async(connections.close_all)()

    with warnings.catch_warnings():
        # Django says by a warning that it collects a stream whole before it sends the first byte.
        warnings.filterwarnings("error", message="StreamingHttpResponse")
        asyncio.run(ask())
    return sent[0]["status"], [event["body"] for event in sent[1:] if event.get("body")]


def test_an_export_is_sent_piece_by_piece(committed_tenant: Tenant) -> None:
    cast = make_cast()
    record_events(Actor.for_person(cast.rep), [Entry(Event.EXPORTED)] * 2 * LINES_PER_CHUNK)
    client = Client(HTTP_HOST="race.localhost")
    client.force_login(cast.rep)
    cookie = client.cookies["sessionid"].value
    connection.close()
    status, pieces = get("/audit/export.csv", cookie)
    assert status == 200
    # The mark stands before the head; this export is an entry too.
    assert [piece.count(b"\r\n") for piece in pieces] == [LINES_PER_CHUNK - 1, LINES_PER_CHUNK, 3]


@pytest.mark.parametrize("name", ["css/aisha.css", "js/queue.js"])
def test_a_static_file_is_sent_piece_by_piece(committed_tenant: Tenant, name: str) -> None:
    status, pieces = get(f"/static/{name}")
    assert status == 200
    assert len(b"".join(pieces)) > 1000


def test_an_answer_is_sent_step_by_step(committed_tenant: Tenant) -> None:
    cast = make_cast()
    talk = open_conversation(cast.rep, None, timezone.now())
    client = Client(HTTP_HOST="race.localhost")
    client.force_login(cast.rep)
    client.get("/assistant/")
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    connection.close()
    headers = {
        b"accept": CONTENT_TYPE.encode(),
        b"content-type": b"application/x-www-form-urlencoded",
        b"cookie": cookies.encode(),
        b"x-csrftoken": client.cookies["csrftoken"].value.encode(),
    }
    path = f"/assistant/conversations/{talk.pk}/messages/"
    status, pieces = ask_for("POST", path, headers, b"text=What+are+my+open+tasks%3F")
    assert status == 200
    # A piece for each step: none waits for the next.
    assert [json.loads(piece)["step"] for piece in pieces] == [
        "kept", "working", "said", "cited", "done",
    ]  # fmt: skip
    # Without the token of the form nothing is taken.
    del headers[b"x-csrftoken"]
    status, _ = ask_for("POST", path, headers, b"text=Again")
    assert status == 403
