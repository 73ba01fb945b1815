"""The socket of an open page: it is told that something changed, and says nothing itself."""

from __future__ import annotations

import asyncio
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.suggestions.live.announcing import groups_for
from apps.suggestions.services import may_view
from apps.tenants.connections import tenant_connection
from apps.users.sockets import (
    LIVED_LONG_ENOUGH,
    LONGEST_LIFE_S,
    NOT_ALLOWED,
    Knocking,
    knocking_of,
    let_in,
)


class SuggestionConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Joins the groups that concern its person and passes their messages on."""

    groups: list[str]

    async def connect(self) -> None:
        """Let in a signed-in person of the tenant whose host it is, from a page of that host."""
        self.groups = []
        knocking = knocking_of(self.scope["headers"])
        if knocking is None:
            await self._refuse(NOT_ALLOWED)
            return
        found = await database_sync_to_async(_admit)(knocking)
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


def _admit(knocking: Knocking) -> list[str] | int:
    """The groups of the person, or the code of the refusal."""
    try:
        found = let_in(knocking)
        if isinstance(found, int):
            return found
        tenant, person = found
        return groups_for(tenant.schema_name, person) if may_view(person) else NOT_ALLOWED
    finally:
        tenant_connection().set_schema_to_public()
