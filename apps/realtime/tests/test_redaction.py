"""What an event may hold when it is stored."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from apps.realtime.redaction import OTHER, redacted

SAID: dict[str, JsonValue] = {
    "item_id": "item_1",
    "transcript": "My number is 0171 555 0199",
    "part": {"type": "text", "text": "Call Lee"},
    "usage": {"total_tokens": 7},
    "loudness": 3,
}


def test_words_stay_away() -> None:
    assert redacted(SAID, keeps_texts=False) == {
        "item_id": "item_1",
        "characters": 26,
        "usage": {"total_tokens": 7},
        "loudness": 3,
    }


def test_words_are_kept_where_the_tenant_keeps_them() -> None:
    assert redacted(SAID, keeps_texts=True) == SAID


@pytest.mark.parametrize("keeps_texts", [True, False])
@pytest.mark.parametrize(
    "secret", ["ek_68af296e8e408191a1120ab6383263c2", "sk-proj-abcdef123456", "sk_live_abcdef"]
)
def test_no_secret_is_stored(secret: str, keeps_texts: bool) -> None:
    kept = redacted(
        {"reason": f"token {secret} expired", "anything": {"deep": [f"is {secret}"]}},
        keeps_texts=keeps_texts,
    )
    assert secret not in str(kept)
    # Where no words are kept a sentence is none of what is.
    assert kept.get("reason") == ("token [removed] expired" if keeps_texts else None)
    alone = redacted({"reason": secret, "item_id": secret}, keeps_texts=keeps_texts)
    assert secret not in str(alone)


def test_no_sentence_stands_where_a_code_belongs() -> None:
    """Whatever a page that is not ours tells, in whichever member."""
    said = "call lee 555"
    names = (
        "state",
        "status",
        "role",
        "kind",
        "limit",
        "reason",
        "code",
        "why",
        "item_id",
        "call",
        "type",
    )
    told: dict[str, JsonValue] = {**dict.fromkeys(names, said)}
    kept = redacted(
        told | {"rate_limits": [said, {"name": "tokens", "remaining": 7}]}, keeps_texts=False
    )
    assert kept == dict.fromkeys(names[:5], OTHER) | {
        "characters": 6 * len(said),
        "rate_limits": [{"name": "tokens", "remaining": 7}],
    }
    ours: dict[str, JsonValue] = {
        "state": "connected", "status": "completed", "kind": "microphone", "limit": "month",
        "reason": "page_left", "code": "status_403", "item_id": "item_CQ-7.b", "type": "message",
    }  # fmt: skip
    assert redacted(ours, keeps_texts=False) == ours


def test_what_has_no_end_is_cut() -> None:
    deep: JsonValue = "x"
    for _ in range(50):
        deep = {"part": deep}
    kept = redacted({"part": deep, "reason": "y" * 9_000}, keeps_texts=True)
    assert len(str(kept)) < 400
