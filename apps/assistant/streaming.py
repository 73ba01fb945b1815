"""Steps as lines of JSON, each sent as soon as it is made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from apps.assistant.steps import Step, as_wire

CONTENT_TYPE = "application/x-ndjson"


def stream_steps(request: HttpRequest, steps: Generator[Step]) -> StreamingHttpResponse:
    """Answer with steps while they are made; a reader who goes away stops them."""
    lines = _lines(steps)
    content: Iterator[bytes] | AsyncIterator[bytes]
    # An ASGI server would collect a plain iterator whole before it sends the first byte.
    content = _send_async(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(content, content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    # A proxy that gathers an answer would keep the reader waiting.
    response["X-Accel-Buffering"] = "no"
    return response


def _lines(steps: Generator[Step]) -> Generator[bytes]:
    with closing(steps):
        for step in steps:
            yield json.dumps(as_wire(step), ensure_ascii=False).encode() + b"\n"


def _next_line(lines: Iterator[bytes]) -> bytes:
    return next(lines, b"")


async def _send_async(lines: Generator[bytes]) -> AsyncIterator[bytes]:
    # The request's own thread, so that all is read and written by the tenant's connection.
    read = sync_to_async(_next_line, thread_sensitive=True)
    close = sync_to_async(_close, thread_sensitive=True)
    try:
        while line := await read(lines):
            yield line
    finally:
        await asyncio.shield(close(lines))


def _close(lines: Generator[bytes]) -> None:
    """Stop an answer that nobody reads any more; one that has ended is left as it is."""
    lines.close()
