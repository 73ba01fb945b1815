"""Reading a language model's answer: a proposal, or a code that says why it is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.brain.enums import Provider
from apps.brain.language_model.replies import UnusableReplyError, proposal_of
from apps.brain.schemas import Claim, Proposal

GOOD: dict[str, Any] = {
    "claims": [{"text": " Quiet since February ", "facts": [1, 2]}],
    "reason": "Nobody has called since February. ",
    "title": " Call Ana Lopez",
    "change": {
        "tool": "create_followup",
        "arguments": {"title": "Call Ana Lopez", "owner_id": None, "priority": 2},
    },
}


def test_a_proposal_is_read_and_null_is_not_given() -> None:
    assert proposal_of(json.dumps(GOOD)) == Proposal(
        tool="create_followup",
        arguments={"title": "Call Ana Lopez", "priority": 2},
        title="Call Ana Lopez",
        reason="Nobody has called since February.",
        claims=(Claim("Quiet since February", (1, 2)),),
        provider=Provider.OPENAI,
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"extra": 1}, "wrong_schema"),
        ({"title": 3}, "wrong_schema"),
        ({"claims": "none"}, "wrong_schema"),
        ({"claims": [{"text": "a", "facts": ["1"]}]}, "wrong_schema"),
        ({"change": {"tool": "create_followup"}}, "wrong_schema"),
        ({"change": None}, "wrong_schema"),
        ({"title": "x" * 201}, "too_long"),
        ({"reason": "x" * 501}, "too_long"),
        ({"claims": [{"text": "x" * 501, "facts": [1]}]}, "too_long"),
        ({"claims": [{"text": "a", "facts": [1]}] * 9}, "too_long"),
    ],
)
def test_what_is_no_proposal(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(UnusableReplyError) as caught:
        proposal_of(json.dumps({**GOOD, **changes}))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text", ["", "I would call them.", json.dumps(GOOD)[:-2], "```json\n{}\n```"]
)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(UnusableReplyError) as caught:
        proposal_of(text)
    assert caught.value.code == "not_json"


@pytest.mark.parametrize("text", ["[]", "null", '"a"', "{}"])
def test_json_of_another_shape(text: str) -> None:
    with pytest.raises(UnusableReplyError) as caught:
        proposal_of(text)
    assert caught.value.code == "wrong_schema"
