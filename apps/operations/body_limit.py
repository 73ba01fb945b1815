"""A limit on the size of request bodies, before Django writes a byte of them to disk.

Django's ASGI handler reads the whole body into a temporary file before any middleware runs, so the limit
has to stand in front of it. The reverse proxy has one of its own; this one holds without it.
"""

from __future__ import annotations

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    Scope,
)

TOO_LARGE = b"The request is larger than this address accepts."


class BodyTooLargeError(Exception):
    """More came than was announced or is allowed."""


class BodyLimit:
    """Answers 413 to a body that is announced, or turns out, larger than its address may take."""

    def __init__(
        self,
        application: ASGI3Application,
        *,
        max_bytes: int,
        upload_path: str,
        upload_max_bytes: int,
    ) -> None:
        self._application = application
        self._max_bytes = max_bytes
        self._upload_path = upload_path
        self._upload_max_bytes = upload_max_bytes

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Hand on what is small enough."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        is_upload = scope["path"].startswith(self._upload_path)
        limit = self._upload_max_bytes if is_upload else self._max_bytes
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > limit:
            await _refuse(send)
            return
        left = limit

        async def counted() -> ASGIReceiveEvent:
            nonlocal left
            event = await receive()
            if event["type"] == "http.request":
                left -= len(event.get("body", b""))
                if left < 0:
                    raise BodyTooLargeError
            return event

        try:
            await self._application(scope, counted, send)
        except BodyTooLargeError:
            # Django reads the body before it answers, so nothing has been sent yet.
            await _refuse(send)


async def _refuse(send: ASGISendCallable) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 413,
            "headers": [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(TOO_LARGE)).encode()),
                (b"connection", b"close"),
            ],
            "trailers": False,
        }
    )
    await send({"type": "http.response.body", "body": TOO_LARGE, "more_body": False})
