"""Refusing to start where the database accounts may do more, or less, than they are meant to."""

from __future__ import annotations

import logging

from asgiref.sync import sync_to_async
from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    LifespanShutdownCompleteEvent,
    LifespanStartupCompleteEvent,
    LifespanStartupFailedEvent,
    Scope,
)
from django.db import DatabaseError, connections

from apps.tenants.checks import find_power_faults

log = logging.getLogger(__name__)

ADVICE = "Run this as the owner of the database (see docs/operations.md), then start again:"


class NotLeastPowerError(SystemExit):
    """The process ends: what the AI may not do would be a matter of our own code alone."""


def require_least_power() -> None:
    """See that roles, grants and the run-time login are as they are meant to be.

    Raises:
        NotLeastPowerError: they are not; the message is the SQL to run.
    """
    refusal = explain_refusal()
    if refusal:
        log.critical(refusal)
        raise NotLeastPowerError(refusal)


def explain_refusal() -> str:
    """Why the process must not start, with the SQL that mends it; empty when it may."""
    try:
        faults = find_power_faults()
    except DatabaseError as error:
        return f"The database cannot be asked for its roles and grants: {error}".strip()
    finally:
        # The first request, or the first task, opens its own.
        connections.close_all()
    if not faults:
        return ""
    lines = [f"  {fault.sql}  -- {fault.reason}" for fault in faults]
    return "\n".join(["Roles and grants are not in force.", ADVICE, *lines])


class LeastPowerAtStart:
    """Answers the server's question at the start: a refusal ends the server before it listens."""

    def __init__(self, application: ASGI3Application) -> None:
        self._application = application

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """Hand on everything but the server's start and end."""
        if scope["type"] != "lifespan":
            await self._application(scope, receive, send)
            return
        while True:
            event = await receive()
            if event["type"] == "lifespan.shutdown":
                await send(LifespanShutdownCompleteEvent(type="lifespan.shutdown.complete"))
                return
            refusal = await sync_to_async(explain_refusal)()
            if refusal:
                await send(
                    LifespanStartupFailedEvent(type="lifespan.startup.failed", message=refusal)
                )
                return
            await send(LifespanStartupCompleteEvent(type="lifespan.startup.complete"))
