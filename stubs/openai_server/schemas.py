"""What arrives: the body of ``POST /v1/responses``, and the question in its user message.

Changes are asked for by a ``Question``, what a person wishes by a ``WishQuestion``, answers by a
``ReadQuestion``, what a message wants by a ``WantedMessage``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
)

# Of functions and of formats.
Name = Annotated[str, Field(pattern="^[a-zA-Z0-9_-]{1,64}$")]


class Wire(BaseModel):
    """The API refuses a parameter that it does not know; so does this."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class InputText(Wire):
    """A piece of a message."""

    type: Literal["input_text"]
    text: str


def _as_parts(content: JsonValue) -> JsonValue:
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else content


def _as_messages(text: JsonValue) -> JsonValue:
    return [{"role": "user", "content": text}] if isinstance(text, str) else text


class InputMessage(Wire):
    """One message of the input."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Annotated[list[InputText], BeforeValidator(_as_parts)]

    @property
    def text(self) -> str:
        """What it says."""
        return "".join(part.text for part in self.content)


class FunctionCallItem(Wire):
    """A function that the model called before, told again."""

    type: Literal["function_call"]
    call_id: str
    name: Name
    arguments: str
    id: str | None = None
    status: str | None = None


class FunctionOutput(Wire):
    """What came of it."""

    type: Literal["function_call_output"]
    call_id: str
    output: str
    id: str | None = None
    status: str | None = None


def _type_of(item: JsonValue) -> str:
    """The tag of an input item; a message need not say that it is one."""
    kind = item.get("type", "message") if isinstance(item, dict) else "message"
    return f"({kind})"


InputItem = Annotated[
    Annotated[InputMessage, Tag("(message)")]
    | Annotated[FunctionCallItem, Tag("(function_call)")]
    | Annotated[FunctionOutput, Tag("(function_call_output)")],
    Discriminator(_type_of),
]


class FunctionTool(Wire):
    """A function that the model may call."""

    type: Literal["function"]
    name: Name
    parameters: dict[str, JsonValue]
    strict: Literal[True]
    description: str | None = None


class PlainFormat(Wire):
    """The answer is prose."""

    type: Literal["text"]


class SchemaFormat(Wire):
    """The answer is JSON that holds against a schema."""

    type: Literal["json_schema"]
    name: Name
    schema_: Annotated[dict[str, JsonValue], Field(alias="schema")]
    strict: Literal[True]
    description: str | None = None


class TextSettings(Wire):
    """What the answer looks like."""

    format: Annotated[PlainFormat | SchemaFormat, Field(discriminator="type")] = PlainFormat(
        type="text"
    )
    verbosity: Literal["low", "medium", "high"] | None = None


class ResponsesRequest(Wire):
    """The body, with every parameter that the API documents for a text answer."""

    model: str
    input: Annotated[list[InputItem], BeforeValidator(_as_messages)]
    instructions: str | None = None
    text: TextSettings = TextSettings()
    stream: bool | None = None
    stream_options: JsonValue = None
    background: Literal[False] | None = None
    conversation: JsonValue = None
    include: list[str] | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    previous_response_id: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: JsonValue = None
    prompt_cache_retention: JsonValue = None
    reasoning: dict[str, JsonValue] | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    tool_choice: Literal["auto", "none"] | None = None
    tools: list[FunctionTool] | None = None
    top_logprobs: int | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None

    def text_of(self, role: str) -> str:
        """What all messages of a role say together."""
        return "\n".join(message.text for message in self.messages if message.role == role)

    @property
    def messages(self) -> list[InputMessage]:
        """The messages among the input."""
        return [item for item in self.input if isinstance(item, InputMessage)]

    @property
    def turns(self) -> list[FunctionCallItem | FunctionOutput]:
        """What was called before, and what came of it."""
        return [item for item in self.input if not isinstance(item, InputMessage)]

    @property
    def offered(self) -> set[str]:
        """The functions that may be called now, by name."""
        return {tool.name for tool in self.tools or ()} if self.tool_choice != "none" else set()


class _Asked(BaseModel):
    """The question may say more than this stand-in understands."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Subject(_Asked):
    """A record that facts speak of."""

    kind: str
    id: int


class NamedSubject(Subject):
    """The record that the question is about."""

    label: str


class Fact(_Asked):
    """One numbered statement."""

    number: int
    label: str
    text: str
    occurred_at: str | None = None
    record: Subject | None = None


class ReadQuestion(_Asked):
    """What a person asks, as the user message holds it in JSON."""

    question: str
    today: str
    facts: tuple[Fact, ...]


class WantedMessage(_Asked):
    """What a person said, of which is asked what it wants."""

    message: str
    assistant_asked: str | None = None


class Stage(_Asked):
    """A step of the pipeline."""

    id: int
    name: str


class WishQuestion(_Asked):
    """What a person wants to have proposed, in their own words."""

    wish: str
    said_before: str | None
    today: str
    next_working_day: str
    doer_id: int
    stages: tuple[Stage, ...]
    facts: tuple[Fact, ...]


class FunctionResult(_Asked):
    """What a function found."""

    facts: tuple[Fact, ...] = ()


class Question(_Asked):
    """The one JSON document that the user message holds."""

    goal: str
    record: NamedSubject
    today: str
    next_working_day: str
    doer_id: int | None
    facts: tuple[Fact, ...]
