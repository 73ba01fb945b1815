"""What is sent as a stream arrives as one from the ASGI handler, and nothing is held whole on the way."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connection, connections
from django.test import Client

from aisha.asgi import application
from apps.audit.enums import Event
from apps.audit.schemas import Actor
from apps.audit.services import Entry, record_events
from apps.conftest import make_cast
from apps.tenants.exports import LINES_PER_CHUNK
from apps.tenants.models import Tenant


def get(path: str, cookie: str = "") -> tuple[int, list[bytes]]:
    """Ask the application itself: the status, and the pieces of the body as they were sent."""
    sent: list[Any] = []

    async def ask() -> None:
        scope: Any = {
            "type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b"",
            "headers": [(b"host", b"race.localhost"), (b"cookie", f"sessionid={cookie}".encode())],
        }  # fmt: skip
        bodies: list[Any] = [{"type": "http.request", "body": b"", "more_body": False}]

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
