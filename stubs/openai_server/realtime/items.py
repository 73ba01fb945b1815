"""The items of a conversation, in order."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.realtime.script import ScriptedTurn
from stubs.openai_server.realtime.tokens import Tokens

ROOT = "root"


@dataclass(slots=True)
class Item:
    """One item.

    Attributes:
        wire: as events tell it.
        tokens: what it costs to be read.
        turn: what a person said with it; None for an item of anybody else.
        said_ms: how long the speech of a spoken answer is.
    """

    wire: JsonObject
    tokens: Tokens
    turn: ScriptedTurn | None = None
    said_ms: float = 0

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.wire["id"])

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.wire["type"])


def new_id(prefix: str = "item") -> str:
    """An id as the API makes them."""
    return f"{prefix}_{secrets.token_hex(10)}"


class Items:
    """All items of one conversation."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def find(self, item_id: str) -> Item | None:
        """The item with this id."""
        return next((item for item in self._items if item.id == item_id), None)

    @property
    def last_id(self) -> str | None:
        """The id of the last one."""
        return self._items[-1].id if self._items else None

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Add an item behind another, ``root`` for the first place, or at the end; the id before it."""
        place = len(self._items)
        if after == ROOT:
            place = 0
        elif after is not None:
            place = next(n for n, one in enumerate(self._items) if one.id == after) + 1
        before = self._items[place - 1].id if place else None
        self._items.insert(place, item)
        return before

    def before(self, item_id: str) -> str | None:
        """The id of the item before."""
        ids = [item.id for item in self._items]
        place = ids.index(item_id)
        return ids[place - 1] if place else None

    def remove(self, item_id: str) -> None:
        """Remove an item."""
        self._items = [item for item in self._items if item.id != item_id]

    def tokens(self) -> Tokens:
        """What all of them cost to be read."""
        return Tokens.sum(item.tokens for item in self._items)

    def since_last_turn(self) -> list[Item]:
        """The items after what a person said last."""
        later: list[Item] = []
        for item in reversed(self._items):
            if item.turn is not None:
                break
            later.insert(0, item)
        return later

    def last_turn(self) -> ScriptedTurn | None:
        """What a person said last."""
        turns = (item.turn for item in reversed(self._items))
        return next((turn for turn in turns if turn is not None), None)
