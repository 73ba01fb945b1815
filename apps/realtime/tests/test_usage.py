"""What a call costs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import JsonValue

from apps.realtime.usage import Spoken, cost_usd, usage_of

USAGE: JsonValue = {
    "total_tokens": 1_500,
    "input_tokens": 1_000,
    "output_tokens": 500,
    "input_token_details": {
        "text_tokens": 700,
        "audio_tokens": 300,
        "image_tokens": 0,
        "cached_tokens": 600,
        "cached_tokens_details": {"text_tokens": 600, "audio_tokens": 0},
    },
    "output_token_details": {"text_tokens": 100, "audio_tokens": 400},
}


def test_usage_is_read_by_kind() -> None:
    assert usage_of(USAGE) == Spoken(700, 300, 600, 100, 400)


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "many",
        {"input_token_details": {"text_tokens": -1}},
        {"input_token_details": {"text_tokens": 2**40}},
        {"output_token_details": {"audio_tokens": 250_001}},
        {"output_token_details": {"audio_tokens": "1e9"}},
    ],
)
def test_usage_that_is_none_costs_nothing(told: JsonValue) -> None:
    assert usage_of(told) == Spoken()


def test_more_cannot_be_cached_than_was_sent() -> None:
    told: JsonValue = {"input_token_details": {"text_tokens": 5, "cached_tokens": 50}}
    assert usage_of(told).cached_in == 5


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        # (100·4 + 300·32 + 600·0.40 + 100·16 + 400·64) / 1,000,000
        ("gpt-realtime", "0.037440"),
        ("gpt-realtime-2.1", "0.037440"),
        # (100·0.60 + 300·10 + 600·0.06 + 100·2.40 + 400·20) / 1,000,000
        ("gpt-realtime-mini-2025-12-15", "0.011336"),
        ("stand-in:slow", "0.011336"),
        # Not known, so the dearest.
        ("nobody-knows", "0.037440"),
        ("gpt-realtimeless", "0.037440"),
    ],
)
def test_cost_follows_the_model(model: str, expected: str) -> None:
    assert cost_usd(model, usage_of(USAGE)) == Decimal(expected)


def test_a_part_of_a_microdollar_is_rounded_up() -> None:
    assert cost_usd("stand-in", Spoken(cached_in=1, text_in=1)) == Decimal("0.000001")
