"""What an event may hold when it is stored."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from apps.realtime.redaction import redacted

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
    assert kept["reason"] == "token [removed] expired"


def test_what_has_no_end_is_cut() -> None:
    deep: JsonValue = "x"
    for _ in range(50):
        deep = {"part": deep}
    kept = redacted({"part": deep, "reason": "y" * 9_000}, keeps_texts=True)
    assert len(str(kept)) < 400
