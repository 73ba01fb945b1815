"""Reading what a language model answered: a proposal or the answer to a question, or why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from apps.brain.enums import CallOutcome, Provider
from apps.brain.prices import Usage
from apps.brain.schemas import Claim, Proposal, WishedChange
from apps.execution.schemas import JsonValue

# As long as the fields that they are stored in; a longer one is no title.
LONGEST_TITLE = 200
LONGEST_REASON = 500
LONGEST_CLAIM = 500
MOST_CLAIMS = 8
MOST_SENTENCES = 12


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One function that the model wants called; its arguments are JSON, or should be."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one prompt. ``text`` is empty unless it was answered, and where functions are called.

    ``is_failure``: the provider itself failed, which counts towards leaving it alone.
    """

    outcome: CallOutcome
    usage: Usage
    latency_ms: int
    text: str = ""
    calls: tuple[FunctionCall, ...] = ()
    error_code: str = ""
    retries: int = 0
    is_failure: bool = False

    @property
    def said(self) -> str:
        """What the model answered, whatever it was, as one text."""
        return self.text or "\n".join(f"{call.name}({call.arguments})" for call in self.calls)


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    facts: list[int]

    @property
    def claim(self) -> Claim:
        """It as the rest of the product knows it."""
        return Claim(self.text.strip(), tuple(self.facts))


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    tool: str
    arguments: dict[str, Any]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    claims: list[_Claim]
    reason: str
    title: str
    change: _Change


class _Wished(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    reason: str
    change: _Change


class _Wishes(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    changes: list[_Wished]
    ask_back: _Claim | None


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    sentences: list[_Claim]


_ShapeT = TypeVar("_ShapeT", bound=BaseModel)


class UnusableReplyError(Exception):
    """The answer is no proposal, or does not answer the question."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def proposal_of(text: str) -> Proposal:
    """Return the proposal that an answer holds.

    It is only read here; whether it holds is asked afterwards, as of any proposal.

    Raises:
        UnusableReplyError: it is not JSON, has other fields, or is longer than any proposal.
    """
    reply = _read(_Reply, text)
    texts = [(reply.title, LONGEST_TITLE), (reply.reason, LONGEST_REASON)]
    texts += [(claim.text, LONGEST_CLAIM) for claim in reply.claims]
    if len(reply.claims) > MOST_CLAIMS or any(len(text) > longest for text, longest in texts):
        raise UnusableReplyError("too_long")
    return Proposal(
        tool=reply.change.tool,
        arguments=_given(reply.change.arguments),
        title=reply.title.strip(),
        reason=reply.reason.strip(),
        claims=tuple(claim.claim for claim in reply.claims),
        provider=Provider.OPENAI,
    )


def answer_of(text: str) -> tuple[Claim, ...]:
    """Return the sentences of an answer to a question.

    Raises:
        UnusableReplyError: it is not JSON, has other fields, or is longer than any answer.
    """
    reply = _read(_Answer, text)
    if len(reply.sentences) > MOST_SENTENCES or any(
        len(one.text) > LONGEST_CLAIM for one in reply.sentences
    ):
        raise UnusableReplyError("too_long")
    return tuple(one.claim for one in reply.sentences)


def wished_of(text: str) -> tuple[tuple[WishedChange, ...], Claim | None]:
    """Return the changes that a wish comes to, and what is asked back about it.

    Raises:
        UnusableReplyError: it is not JSON, has other fields, or is longer than anything of the kind.
    """
    reply = _read(_Wishes, text)
    asked, reasons = reply.ask_back, [wished.reason for wished in reply.changes]
    if any(len(text) > LONGEST_REASON for text in [*reasons, asked.text if asked else ""]):
        raise UnusableReplyError("too_long")
    changes = tuple(
        WishedChange(one.change.tool, _given(one.change.arguments), one.reason.strip())
        for one in reply.changes
    )
    return changes, asked.claim if asked else None


def _read(shape: type[_ShapeT], text: str) -> _ShapeT:
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        is_json = all(problem["type"] != "json_invalid" for problem in error.errors())
        raise UnusableReplyError("wrong_schema" if is_json else "not_json") from None


def _given(arguments: dict[str, Any]) -> dict[str, JsonValue]:
    """The arguments that were given: null stands for an optional one that was not.

    What a tool takes by key a strict schema knows as a list of keys and values.
    """
    given: dict[str, JsonValue] = {}
    for name, value in arguments.items():
        if isinstance(value, list) and all(_is_pair(item) for item in value):
            value = {item["key"]: item["value"] for item in value} or None
        if value is not None:
            given[name] = value
    return given


def _is_pair(item: object) -> bool:
    return (
        isinstance(item, dict) and item.keys() == {"key", "value"} and isinstance(item["key"], str)
    )
