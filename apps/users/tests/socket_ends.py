"""What tests of sockets share: the host, who is signed in, and a loop that leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.test import Client

from apps.users.models import User

# Of the tenant whose rows sockets can see.
HOST = "race.localhost"
T = TypeVar("T")


def session_key(user: User) -> str:
    """The key of a session in which the person has signed in."""
    client = Client(HTTP_HOST=HOST)
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def run(doing: Coroutine[Any, Any, T]) -> T:
    """Do it, and leave no session with the database behind."""

    async def whole() -> T:
        try:
            return await doing
        finally:
            # The connection of the thread that consumers ask the database in.
            await sync_to_async(lambda: connection.close())()

    return asyncio.run(whole())
