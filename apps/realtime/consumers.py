"""The socket of telemetry: pages that talk tell what happens, panels hear of it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.utils import timezone
from django_tenants.utils import schema_context
from pydantic import ValidationError

from apps.realtime.exceptions import ChannelRefusedError, RealtimeError
from apps.realtime.flooding import REST_MS
from apps.realtime.passing import end_of, messages_of
from apps.realtime.schemas import (
    LONGEST_MESSAGE,
    MOST_IN_A_BATCH,
    BatchIn,
    NumberedIn,
    WatchIn,
    read_batch,
)
from apps.realtime.telemetry import Taken, take
from apps.realtime.tokens import TALK_PERMISSION
from apps.realtime.watching import (
    group_of_all,
    group_of_person,
    is_watched,
    may_look,
    note_watched,
    sees_all,
)
from apps.tenants.enums import Module
from apps.tenants.models import Tenant
from apps.tenants.services import is_module_on
from apps.users.models import User
from apps.users.sockets import NOT_ALLOWED, PersonSocket

# Events that wait in this process: four full batches, and sixteen. From the first number on pages are asked
# to rest, from the second on what comes in floods is left out. Hundreds of pages may each bring a small batch
# at the same moment, and all of it is stored.
RESTS_FROM, LEAVES_OUT_FROM = 4 * MOST_IN_A_BATCH, 16 * MOST_IN_A_BATCH
# A batch is a transaction of its own, however few events it has: so many of these cost as much.
LEAST_WEIGHT = 20
# What an event of a full message has. Who fills few events with much waits as many.
_CHARACTERS_OF_ONE = LONGEST_MESSAGE // MOST_IN_A_BATCH
TOO_LONG, TOO_MUCH = 4409, 4410
# A page sends a batch a second, and at its end all that waits. Who sends more does not rest when asked to:
# reading a batch costs, too, and others of this process wait meanwhile.
MOST_MESSAGES, MESSAGES_WITHIN_S = 50, 10.0

_waiting = 0


class TelemetryConsumer(PersonSocket):
    """Takes batches of events of its person's sessions, and tells panels of those that they may see."""

    # What it looks at, as a panel: the session, or all; and whether it was asked for by ai_debug.
    _watched: UUID | None = None
    _asks_for_debug: bool | None = None
    _heard, _heard_since = 0, 0.0

    def admit(self, tenant: Tenant, person: User) -> bool:
        """Let in whoever may talk, where realtime voice is on; as a panel, whoever may look by now."""
        self._schema, self._person = tenant.schema_name, person
        if not is_module_on(tenant, Module.REALTIME) or not person.has_perm(TALK_PERMISSION):
            return False
        if self._asks_for_debug is None:
            return True
        group = _group_for(self._schema, person, self._asks_for_debug)
        self.groups = [group] if group else []
        return group is not None

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        """Take a batch, or begin to watch; whatever else comes is refused."""
        if text_data is None or len(text_data) > LONGEST_MESSAGE:
            await self.close(TOO_LONG)
            return
        if self._hears_too_much():
            await self.close(TOO_MUCH)
            return
        try:
            batch = read_batch(text_data)
        except ValidationError:
            await self._take_other(text_data)
            return
        await self._take(batch, weight_of(batch, len(text_data)))

    async def telemetry_events(self, message: dict[str, Any]) -> None:
        """Events that came in, for a panel that looks at their session."""
        if self._watched is None or message["session"] == str(self._watched):
            await self.send_json(
                {"kind": "events", "session": message["session"], "events": message["events"]}
            )

    def _hears_too_much(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._heard_since > MESSAGES_WITHIN_S:
            self._heard, self._heard_since = 0, now
        self._heard += 1
        return self._heard > MOST_MESSAGES

    async def _take(self, batch: BatchIn, weight: int) -> None:
        global _waiting
        waiting = _waiting
        _waiting += weight
        try:
            taken, is_to_be_told = await database_sync_to_async(_take)(
                self._schema, self._person, batch, waiting >= LEAVES_OUT_FROM
            )
        except RealtimeError as error:
            refusal = {"kind": "refused", "batch": batch.batch, "code": error.code}
            await self.send_json(refusal)
            return
        finally:
            _waiting -= weight
        rest_ms = REST_MS if waiting >= RESTS_FROM or taken.is_flood else 0
        answer: dict[str, Any] = {"kind": "taken", "batch": batch.batch, "rest_ms": rest_ms}
        if ended := end_of(taken):
            answer["ended"] = ended
        await self.send_json(answer)
        if is_to_be_told:
            await self._pass_on(taken)

    async def _pass_on(self, taken: Taken) -> None:
        for group, message in messages_of(self._schema, taken):
            await self.channel_layer.group_send(group, message)

    async def _take_other(self, text: str) -> None:
        """Begin to watch; refuse what is neither that nor a batch, by its number if it has one."""
        try:
            wanted = WatchIn.model_validate_json(text)
        except ValidationError:
            refusal = {"kind": "refused", "code": ChannelRefusedError.code}
            await self.send_json(refusal | batch_number(text))
            return
        await self._begin_to_watch(wanted)

    async def _begin_to_watch(self, wanted: WatchIn) -> None:
        async with self.changing:
            group = await database_sync_to_async(_group_to_watch)(
                self._schema, self._person, wanted.ai_debug
            )
            if group is None:
                await self.close(NOT_ALLOWED)
                return
            self._watched, self._asks_for_debug = wanted.session, wanted.ai_debug
            before, self.groups = self.groups, [group]
            await self.change_groups(before)
        session = str(wanted.session) if wanted.session else None
        await self.send_json({"kind": "watching", "session": session})


def weight_of(batch: BatchIn, characters: int) -> int:
    """As how many events a batch waits: by how many it has, and how long its message is."""
    return max(LEAST_WEIGHT, len(batch.events), characters // _CHARACTERS_OF_ONE)


def batch_number(text: str) -> dict[str, int]:
    """Which batch a page waits for an answer to, where it can be read of one that does not fit."""
    try:
        return {"batch": NumberedIn.model_validate_json(text).batch}
    except ValidationError:
        return {}


def _take(schema: str, person: User, batch: BatchIn, is_loaded: bool) -> tuple[Taken, bool]:
    """What became of a batch, and whether there is anything new in it for anybody who looks."""
    with schema_context(schema):
        taken = take(person, batch, timezone.now(), is_loaded=is_loaded)
        return taken, bool(taken.events) and is_watched()


def _group_to_watch(schema: str, cached: User, asks_for_debug: bool) -> str | None:
    """The group in which a panel of this person hears what they may see; None where it is not for them."""
    with schema_context(schema):
        # Asked anew each time: a role may have been taken away since the socket was opened.
        person = User.objects.filter(pk=cached.pk, is_active=True).first()
        if person is None:
            return None
        group = _group_for(schema, person, asks_for_debug)
        if group is not None:
            note_watched(schema)
        return group


def _group_for(schema: str, person: User, asks_for_debug: bool) -> str | None:
    if not may_look(person, asks_for_debug=asks_for_debug):
        return None
    return group_of_all(schema) if sees_all(person) else group_of_person(schema, person.pk)
