"""The socket of an open page: it is told that something changed, and says nothing itself."""

from __future__ import annotations

from typing import Any

from apps.suggestions.live.announcing import groups_for
from apps.suggestions.services import may_view
from apps.tenants.models import Tenant
from apps.users.models import User
from apps.users.sockets import NOT_ALLOWED, PersonSocket


class SuggestionConsumer(PersonSocket):
    """Joins the groups that concern its person and passes their messages on."""

    def admit(self, tenant: Tenant, person: User) -> bool:
        """Let in whoever sees suggestions."""
        if not may_view(person):
            return False
        self.groups = groups_for(tenant.schema_name, person)
        return True

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        """Nothing is expected."""
        await self.close(NOT_ALLOWED)

    async def suggestions_changed(self, message: dict[str, Any]) -> None:
        """Something changed: the page fetches what."""
        await self.send_json({"changed": "suggestions"})
