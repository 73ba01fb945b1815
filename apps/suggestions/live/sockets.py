"""The socket of an open page: it is told that something changed, and says nothing itself."""

from __future__ import annotations

import asyncio
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

from apps.suggestions.live.announcing import groups_for
from apps.suggestions.services import may_view
from apps.tenants.connections import tenant_connection
from apps.tenants.models import Domain
from apps.users.models import User

# After so long the page connects anew, and is asked again who it is.
LONGEST_LIFE_S = 15 * 60
# Why a socket was refused or closed: in the range that is ours to give meaning to.
NOT_SIGNED_IN = 4401
NOT_ALLOWED = 4403
LIVED_LONG_ENOUGH = 4408


class SuggestionConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Joins the groups that concern its person and passes their messages on."""

    groups: list[str]

    async def connect(self) -> None:
        """Let in a signed-in person of the tenant whose host it is, from a page of that host."""
        self.groups = []
        headers = {name: value.decode("latin-1") for name, value in self.scope["headers"]}
        host = headers.get(b"host", "")
        if urlsplit(headers.get(b"origin", "")).netloc != host or not host:
            await self._refuse(NOT_ALLOWED)
            return
        found = await database_sync_to_async(_admit)(host, headers.get(b"cookie", ""))
        if isinstance(found, int):
            await self._refuse(found)
            return
        self.groups = found
        for group in found:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        self._end = asyncio.get_running_loop().call_later(
            LONGEST_LIFE_S, lambda: asyncio.ensure_future(self.close(LIVED_LONG_ENOUGH))
        )

    async def disconnect(self, code: int) -> None:
        """Leave the groups."""
        end = getattr(self, "_end", None)
        if end is not None:
            end.cancel()
        for group in self.groups:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        """Nothing is expected."""
        await self.close(NOT_ALLOWED)

    async def suggestions_changed(self, message: dict[str, Any]) -> None:
        """Something changed: the page fetches what."""
        await self.send_json({"changed": "suggestions"})

    async def _refuse(self, code: int) -> None:
        # Accepted first, because a browser tells its page the code of an open socket alone.
        await self.accept()
        await self.close(code)


def _admit(host: str, cookies: str) -> list[str] | int:
    """The groups of the person, or the code of the refusal."""
    name, _ = split_domain_port(host)
    tenant_connection().set_schema_to_public()
    try:
        domain = Domain.objects.select_related("tenant").filter(domain=name).first()
        if domain is None or not domain.tenant.is_enabled:
            return NOT_ALLOWED
        if domain.tenant.schema_name == get_public_schema_name():
            return NOT_ALLOWED
        tenant_connection().set_tenant(domain.tenant)
        person = _person_of(cookies)
        if person is None:
            return NOT_SIGNED_IN
        return groups_for(domain.tenant.schema_name, person) if may_view(person) else NOT_ALLOWED
    finally:
        tenant_connection().set_schema_to_public()


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
