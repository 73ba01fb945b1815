"""What callers say: nobody recognises speech here, so the words of each spoken turn come from a script."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue

from stubs.openai_server.schemas import Name, Wire

FIRST_HIT = "{first search hit}"
UNKNOWN_HIT = "them"
DEFAULT_TURNS = (
    "What is in my pipeline?",
    "Search for “Elena”.",
    f"Remind me to call {FIRST_HIT} on Friday.",
    "Approve all suggestions.",
)


class ScriptedCall(Wire):
    """A function that is called whatever the words say."""

    name: Name
    arguments: dict[str, JsonValue] = {}


class ScriptedTurn(Wire):
    """What is said, and, if it is not to follow from the words, what the model makes of it.

    Attributes:
        said: may hold ``{first search hit}``: the name of the record that was found last.
        calls: called first, all at once, in place of what the words call for.
        answer: said in the end, in place of what follows from the functions' outputs.
    """

    said: Annotated[str, Field(min_length=1)]
    calls: tuple[ScriptedCall, ...] = ()
    answer: str | None = None


def _as_turn(turn: JsonValue) -> JsonValue:
    return {"said": turn} if isinstance(turn, str) else turn


class Script(Wire):
    """The turns of every call, from its first spoken one on; after the last comes the first again.

    Attributes:
        characters_per_s: how fast the model speaks.
    """

    turns: Annotated[
        tuple[Annotated[ScriptedTurn, BeforeValidator(_as_turn)], ...], Field(min_length=1)
    ]
    characters_per_s: Annotated[float, Field(gt=0, le=10_000)] = 30

    def spoken(self, place: int, found: str) -> ScriptedTurn:
        """The turn at a place counted from 0, with the name of what was found in it."""
        turn = self.turns[place % len(self.turns)]
        return turn.model_copy(update={"said": turn.said.replace(FIRST_HIT, found or UNKNOWN_HIT)})

    def typed(self, words: str) -> ScriptedTurn:
        """What somebody typed: a turn of the script where these are its very words."""
        same = (turn for turn in self.turns if turn.said == words)
        return next(same, ScriptedTurn(said=words or " "))


DEFAULT = Script.model_validate({"turns": DEFAULT_TURNS})
