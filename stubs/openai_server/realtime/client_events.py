"""What a client sends over the data channel."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, Tag, TypeAdapter

from stubs.openai_server.realtime.session import (
    AudioFormat,
    FunctionTool,
    Modalities,
    MostTokens,
    Session,
    ToolChoice,
    VoiceId,
)
from stubs.openai_server.schemas import InputText, Name, Wire

_Id = Annotated[str, Field(min_length=1, max_length=64)]


class OutputPart(Wire):
    """A piece of what the model said before."""

    type: Literal["output_text"]
    text: str


class _Item(Wire):
    id: _Id | None = None
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None


class Said(_Item):
    """A message of a person or of the system."""

    type: Literal["message"]
    role: Literal["user", "system"]
    content: list[InputText]


class Answered(_Item):
    """A message of the model, told again."""

    type: Literal["message"]
    role: Literal["assistant"]
    content: list[OutputPart]


class FunctionCall(_Item):
    """A function call, told again."""

    type: Literal["function_call"]
    name: Name
    arguments: str
    call_id: str | None = None


class FunctionCallOutput(_Item):
    """What came of a function call."""

    type: Literal["function_call_output"]
    call_id: str
    output: str


def _sort_of_item(item: JsonValue) -> str:
    """The tag of an item."""
    if not isinstance(item, dict):
        return "(item)"
    kind = item.get("type")
    return "(assistant)" if (kind, item.get("role")) == ("message", "assistant") else f"({kind})"


NewItem = Annotated[
    Annotated[Said, Tag("(message)")]
    | Annotated[Answered, Tag("(assistant)")]
    | Annotated[FunctionCall, Tag("(function_call)")]
    | Annotated[FunctionCallOutput, Tag("(function_call_output)")],
    Discriminator(_sort_of_item),
]


class _Event(Wire):
    event_id: Annotated[str, Field(max_length=512)] | None = None


class SessionUpdate(_Event):
    """Change the session."""

    type: Literal["session.update"]
    session: Session


class ItemCreate(_Event):
    """Add an item."""

    type: Literal["conversation.item.create"]
    item: NewItem
    previous_item_id: str | None = None


class ItemRetrieve(_Event):
    """Tell an item."""

    type: Literal["conversation.item.retrieve"]
    item_id: str


class ItemDelete(_Event):
    """Remove an item."""

    type: Literal["conversation.item.delete"]
    item_id: str


class ItemTruncate(_Event):
    """Forget what was not heard of a spoken answer."""

    type: Literal["conversation.item.truncate"]
    item_id: str
    content_index: Literal[0]
    audio_end_ms: Annotated[int, Field(ge=0)]


class AudioAppend(_Event):
    """Audio by events, which goes beside WebRTC."""

    type: Literal["input_audio_buffer.append"]
    audio: str


class AudioCommit(_Event):
    """What was heard is a turn."""

    type: Literal["input_audio_buffer.commit"]


class AudioClear(_Event):
    """What was heard is to be forgotten."""

    type: Literal["input_audio_buffer.clear"]


class OutputClear(_Event):
    """Stop speaking."""

    type: Literal["output_audio_buffer.clear"]


class ResponseOutput(Wire):
    """How one answer is spoken."""

    format: AudioFormat | None = None
    voice: str | VoiceId | None = None


class ResponseAudio(Wire):
    """The audio of one answer."""

    output: ResponseOutput | None = None


class ResponseSettings(Wire):
    """What differs from the session for one answer."""

    audio: ResponseAudio | None = None
    conversation: Literal["auto", "none"] = "auto"
    input: list[NewItem] | None = None
    instructions: str | None = None
    max_output_tokens: MostTokens | None = None
    metadata: dict[str, str] | None = None
    output_modalities: Modalities | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: ToolChoice | None = None
    tools: list[FunctionTool] | None = None


class ResponseCreate(_Event):
    """Answer now."""

    type: Literal["response.create"]
    response: ResponseSettings = ResponseSettings()


class ResponseCancel(_Event):
    """Stop answering."""

    type: Literal["response.cancel"]
    response_id: str | None = None


def _kind_of(event: JsonValue) -> str:
    """The tag of an event."""
    return f"({event.get('type')})" if isinstance(event, dict) else "(event)"


ClientEvent = Annotated[
    Annotated[SessionUpdate, Tag("(session.update)")]
    | Annotated[ItemCreate, Tag("(conversation.item.create)")]
    | Annotated[ItemRetrieve, Tag("(conversation.item.retrieve)")]
    | Annotated[ItemDelete, Tag("(conversation.item.delete)")]
    | Annotated[ItemTruncate, Tag("(conversation.item.truncate)")]
    | Annotated[AudioAppend, Tag("(input_audio_buffer.append)")]
    | Annotated[AudioCommit, Tag("(input_audio_buffer.commit)")]
    | Annotated[AudioClear, Tag("(input_audio_buffer.clear)")]
    | Annotated[OutputClear, Tag("(output_audio_buffer.clear)")]
    | Annotated[ResponseCreate, Tag("(response.create)")]
    | Annotated[ResponseCancel, Tag("(response.cancel)")],
    Discriminator(_kind_of),
]
CLIENT_EVENT: TypeAdapter[ClientEvent] = TypeAdapter(ClientEvent)
