"""What an answer is given from: the session, what differs for this answer, and the conversation so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from stubs.openai_server.realtime.answering import Manner
from stubs.openai_server.realtime.client_events import ResponseSettings
from stubs.openai_server.realtime.deciding import Called, Situation, Step, next_step
from stubs.openai_server.realtime.findings import FoundRecord
from stubs.openai_server.realtime.items import Items
from stubs.openai_server.realtime.script import ScriptedTurn
from stubs.openai_server.realtime.session import FunctionChoice, FunctionTool, Session
from stubs.openai_server.realtime.tokens import Tokens, of_text
from stubs.openai_server.replies import REFUSAL

NOBODY_SPOKE = ScriptedTurn(said=" ")
_TODAY = re.compile(r"\btoday(?: is|:)?[^\d\n]{0,20}(?P<day>\d{4}-\d\d-\d\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Briefing:
    """Everything that one answer rests on.

    Attributes:
        found: the record that was found last in this call.
    """

    session: Session
    settings: ResponseSettings
    items: Items
    found: FoundRecord | None

    def step(self, fault: str) -> Step:
        """What the model does."""
        if fault == "refusal":
            return Step(text=REFUSAL)
        choice = self.settings.tool_choice or self.session.tool_choice
        tools = list(self._tools)
        if choice == "none":
            tools = []
        elif isinstance(choice, FunctionChoice):
            tools = [tool for tool in tools if tool.name == choice.name]
        situation = Situation(
            turn=self.items.last_turn() or NOBODY_SPOKE,
            tools={tool.name: tool.parameters for tool in tools},
            called=self._called(),
            found=self.found,
            today=_today(self._instructions),
            must_call=choice == "required" or isinstance(choice, FunctionChoice),
        )
        return next_step(situation, fault)

    def manner(
        self, *, characters_per_s: float, conversation_id: str, read_before: Tokens, is_half: bool
    ) -> Manner:
        """How the answer is given."""
        session, settings = self.session, self.settings
        output = session.audio.output
        tools = "".join(tool.model_dump_json() for tool in self._tools)
        read = of_text(self._instructions + tools) + self.items.tokens()
        return Manner(
            is_spoken=(settings.output_modalities or session.output_modalities) == ["audio"],
            characters_per_s=characters_per_s * output.speed,
            max_output_tokens=settings.max_output_tokens or session.max_output_tokens,
            audio=output.model_dump(mode="json", include={"format", "voice"}),
            conversation_id=None if settings.conversation == "none" else conversation_id,
            metadata=settings.metadata,
            read=read,
            cached=Tokens(min(read.text, read_before.text), min(read.audio, read_before.audio)),
            is_half=is_half,
        )

    @property
    def _tools(self) -> Sequence[FunctionTool]:
        return self.session.tools if self.settings.tools is None else self.settings.tools

    @property
    def _instructions(self) -> str:
        return self.settings.instructions or self.session.instructions

    def _called(self) -> list[Called]:
        """The functions that were called since somebody last spoke."""
        outputs = {
            str(item.wire["call_id"]): str(item.wire["output"])
            for item in self.items
            if item.kind == "function_call_output"
        }
        calls = (item.wire for item in self.items.since_last_turn() if item.kind == "function_call")
        return [Called(str(call["name"]), outputs.get(str(call["call_id"]))) for call in calls]


def _today(instructions: str) -> date:
    """The day that the instructions call today, or else this machine's."""
    found = _TODAY.search(instructions)
    try:
        return date.fromisoformat(found["day"]) if found else date.today()
    except ValueError:
        return date.today()
