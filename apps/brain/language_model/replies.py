"""Reading what a language model answered: a proposal, or why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from apps.brain.enums import CallOutcome, Provider
from apps.brain.prices import Usage
from apps.brain.schemas import Claim, Proposal
from apps.execution.schemas import JsonValue

# As long as the fields that they are stored in; a longer one is no title.
LONGEST_TITLE = 200
LONGEST_REASON = 500
LONGEST_CLAIM = 500
MOST_CLAIMS = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one prompt. ``text`` is empty unless it was answered.

    ``is_failure``: the provider itself failed, which counts towards leaving it alone.
    """

    outcome: CallOutcome
    usage: Usage
    latency_ms: int
    text: str = ""
    error_code: str = ""
    retries: int = 0
    is_failure: bool = False


class _Claim(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    facts: list[int]


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


class UnusableReplyError(Exception):
    """The answer is no proposal."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def proposal_of(text: str) -> Proposal:
    """Return the proposal that an answer holds.

    It is only read here; whether it holds is asked afterwards, as of any proposal.

    Raises:
        UnusableReplyError: it is not JSON, has other fields, or is longer than any proposal.
    """
    try:
        reply = _Reply.model_validate_json(text)
    except ValidationError as error:
        is_json = all(problem["type"] != "json_invalid" for problem in error.errors())
        raise UnusableReplyError("wrong_schema" if is_json else "not_json") from None
    texts = [(reply.title, LONGEST_TITLE), (reply.reason, LONGEST_REASON)]
    texts += [(claim.text, LONGEST_CLAIM) for claim in reply.claims]
    if len(reply.claims) > MOST_CLAIMS or any(len(text) > longest for text, longest in texts):
        raise UnusableReplyError("too_long")
    return Proposal(
        tool=reply.change.tool,
        arguments=_given(reply.change.arguments),
        title=reply.title.strip(),
        reason=reply.reason.strip(),
        claims=tuple(Claim(claim.text.strip(), tuple(claim.facts)) for claim in reply.claims),
        provider=Provider.OPENAI,
    )


def _given(arguments: dict[str, Any]) -> dict[str, JsonValue]:
    """The arguments that were given: null stands for an optional one that was not."""
    return {name: value for name, value in arguments.items() if value is not None}
