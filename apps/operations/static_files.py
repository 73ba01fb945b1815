"""Static files, sent while they are read under every kind of server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import FileResponse, HttpRequest
from whitenoise.middleware import WhiteNoiseMiddleware

PIECE_BYTES = 64 * 1024


class StaticFileMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise; an ASGI server, which would collect a plain iterator whole, gets an asynchronous one."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> FileResponse:
        """Answer with the file, as WhiteNoise does."""
        response: FileResponse = WhiteNoiseMiddleware.serve(static_file, request)
        response.block_size = PIECE_BYTES
        pieces = response.streaming_content
        if isinstance(request, ASGIRequest) and isinstance(pieces, Iterator):
            response.streaming_content = _send_async(pieces)
        return response


async def _send_async(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while piece := await sync_to_async(_next_piece)(pieces):
        yield piece


def _next_piece(pieces: Iterator[bytes]) -> bytes:
    return next(pieces, b"")
