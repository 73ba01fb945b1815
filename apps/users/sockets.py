"""Sockets of a person, who is the same that a request of the same page would have."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.request import split_domain_port
from django_tenants.utils import get_public_schema_name

from apps.tenants.connections import tenant_connection
from apps.tenants.models import Domain, Tenant
from apps.users.models import User

log = logging.getLogger(__name__)

# Why a socket was refused or closed: in the range that is ours to give meaning to.
NOT_SIGNED_IN = 4401
NOT_ALLOWED = 4403
LIVED_LONG_ENOUGH = 4408
# After so long the page connects anew.
LONGEST_LIFE_S = 15 * 60
# So often it is asked again who it is: signed out, deactivated or without the role, nobody hears on.
ASKED_AGAIN_EVERY_S = 30.0

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Knocking:
    """What a socket's first request tells: its host, and the cookies of its page."""

    host: str
    cookies: str


class PersonSocket(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """A socket for a signed-in person of the tenant whose host it is, opened by a page of that host.

    It joins ``groups``, leaves them at its end, and ends after a while, or soon after the person may not have
    it any more.
    """

    groups: list[str]
    # Held by whoever changes them, or asks what they are to be.
    changing: asyncio.Lock
    _end: asyncio.TimerHandle | None = None
    _asking: asyncio.Task[None] | None = None

    def admit(self, tenant: Tenant, person: User) -> bool:
        """Whether the person may have it; may set ``groups``. Asked in the tenant's schema, and again."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Let the person in, or close it with the code of the refusal."""
        self.groups, self.changing = [], asyncio.Lock()
        knocking = knocking_of(self.scope["headers"])
        code: int | None = NOT_ALLOWED
        if knocking is not None:
            code = await database_sync_to_async(self._refusal)(knocking)
        await self.change_groups([])
        # Accepted first, because a browser tells its page the code of an open socket alone.
        await self.accept()
        if code is not None:
            await self.close(code)
            return
        self._end = asyncio.get_running_loop().call_later(
            LONGEST_LIFE_S, lambda: asyncio.ensure_future(self.close(LIVED_LONG_ENOUGH))
        )
        assert knocking is not None  # noqa: S101 - who did not knock was refused
        self._asking = asyncio.create_task(self._ask_again(knocking))

    async def change_groups(self, before: Collection[str]) -> None:
        """Leave those of the groups ``before`` that it is in no more, and join those that have come."""
        for group in set(before).difference(self.groups):
            await self.channel_layer.group_discard(group, self.channel_name)
        for group in set(self.groups).difference(before):
            await self.channel_layer.group_add(group, self.channel_name)

    async def send_json(self, content: Any, close: bool = False) -> None:
        """Tell the page, if it is still there; what it has said before it went is heard to its end."""
        # The server tells by an OSError that the page has gone. It would end the consumer, and with it
        # whatever the page has said last.
        with suppress(OSError):
            await super().send_json(content, close)

    async def disconnect(self, code: int) -> None:
        """Forget when it would have ended; the groups have been left by now."""
        if self._end is not None:
            self._end.cancel()
        if self._asking is not None:
            self._asking.cancel()

    async def _ask_again(self, knocking: Knocking) -> None:
        """Close it soon after the person may not have it any more, or hears of other groups."""
        code: int | None = None
        while code is None:
            # Not all at one moment, however many have come at one.
            await asyncio.sleep(ASKED_AGAIN_EVERY_S * random.uniform(0.5, 1))  # noqa: S311
            try:
                async with self.changing:
                    before = [*self.groups]
                    code = await database_sync_to_async(self._refusal)(knocking)
                    await self.change_groups(before)
            except Exception:
                # What cannot be read, for whatever reason, lets nobody stay; the page comes back by itself.
                log.exception("whether a socket may stay open could not be asked")
                code = LIVED_LONG_ENOUGH
        await self.close(code)

    def _refusal(self, knocking: Knocking) -> int | None:
        try:
            found = let_in(knocking)
            if isinstance(found, int):
                return found
            return None if self.admit(*found) else NOT_ALLOWED
        finally:
            tenant_connection().set_schema_to_public()


def knocking_of(headers: Headers) -> Knocking | None:
    """Read the headers; None where the socket was not opened by a page of its own host."""
    told = {name: value.decode("latin-1") for name, value in headers}
    host = told.get(b"host", "")
    if not host or urlsplit(told.get(b"origin", "")).netloc != host:
        return None
    return Knocking(host, told.get(b"cookie", ""))


def let_in(knocking: Knocking) -> tuple[Tenant, User] | int:
    """The tenant of the host and the person of the session, or the code of the refusal.

    The connection stands in the tenant's schema afterwards where they are let in, else in the public one.
    """
    name, _ = split_domain_port(knocking.host)
    tenant_connection().set_schema_to_public()
    domain = Domain.objects.select_related("tenant").filter(domain=name).first()
    if domain is None or not domain.tenant.is_enabled:
        return NOT_ALLOWED
    if domain.tenant.schema_name == get_public_schema_name():
        return NOT_ALLOWED
    tenant_connection().set_tenant(domain.tenant)
    person = _person_of(knocking.cookies)
    if person is None:
        tenant_connection().set_schema_to_public()
        return NOT_SIGNED_IN
    return domain.tenant, person


def _person_of(cookies: str) -> User | None:
    """Whose session it is, as a request would find it."""
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    if morsel is None:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(morsel.value)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
