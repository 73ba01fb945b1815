"""What a provider sends back, read by its shape: a gateway may send anything with a 200."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from apps.brain.language_model.replies import FunctionCall
from apps.brain.prices import Usage

# Beyond what any model takes in: a gateway that tells more of one call cannot count.
_MOST_TOKENS = 10_000_000

# They are told back in the next request.
_LONGEST_ARGUMENTS = 4_000

_Count = Annotated[int, Field(ge=0, le=_MOST_TOKENS, strict=True)]


class _Part(BaseModel):
    type: str
    text: str = ""


class _Message(BaseModel):
    content: list[_Part]


class _Details(BaseModel):
    cached_tokens: _Count | None = None


class _Used(BaseModel):
    input_tokens: _Count
    output_tokens: _Count
    input_tokens_details: _Details | None = None


class _Item(BaseModel, extra="allow"):
    type: str


class _FunctionCall(BaseModel):
    call_id: Annotated[str, Field(max_length=200)]
    name: Annotated[str, Field(max_length=100)]
    arguments: Annotated[str, Field(max_length=_LONGEST_ARGUMENTS)]


class ProviderResponse(BaseModel):
    """The body of a response: of what there is, what is asked for here."""

    status: str | None = None
    output: list[_Item] | None = None
    # Read on its own: what is told badly is estimated, and spoils no answer.
    usage: Any = None

    @property
    def parts(self) -> list[_Part]:
        """The parts of its messages, in order.

        Raises:
            ValidationError: a message has another shape.
        """
        messages = (item for item in self.output or () if item.type == "message")
        return [
            part
            for message in messages
            for part in _Message.model_validate(message.model_dump()).content
        ]

    @property
    def calls(self) -> tuple[FunctionCall, ...]:
        """The functions that it wants called, in order.

        Raises:
            ValidationError: a call has another shape.
        """
        wanted = (item for item in self.output or () if item.type == "function_call")
        read = (_FunctionCall.model_validate(item.model_dump()) for item in wanted)
        return tuple(FunctionCall(one.call_id, one.name, one.arguments) for one in read)

    @property
    def used(self) -> Usage | None:
        """The tokens that it tells of; None when it tells none, or what cannot be."""
        try:
            told = _Used.model_validate(self.usage)
        except ValidationError:
            return None
        details = told.input_tokens_details
        cached = details.cached_tokens or 0 if details else 0
        return Usage(told.input_tokens, told.output_tokens, min(cached, told.input_tokens))
