"""What a call costs: tokens of text and of sound, as the provider's ``response.done`` tells them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

_MILLION = Decimal(1_000_000)
_MICRODOLLAR = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Spoken:
    """Tokens of one response. ``cached_in`` are those of both kinds in that the provider had at hand."""

    text_in: int = 0
    audio_in: int = 0
    cached_in: int = 0
    text_out: int = 0
    audio_out: int = 0


@dataclass(frozen=True, slots=True)
class SpokenPrice:
    """US dollars for a million tokens."""

    text_in_usd: Decimal
    audio_in_usd: Decimal
    cached_in_usd: Decimal
    text_out_usd: Decimal
    audio_out_usd: Decimal


def _price(*usd: str) -> SpokenPrice:
    return SpokenPrice(*map(Decimal, usd))


# OpenAI's list prices for realtime models, announced with gpt-realtime on 2025-08-28. A model that is not
# listed counts as the dearest of them, so that a limit holds.
_DEAREST = _price("4.00", "32.00", "0.40", "16.00", "64.00")
_LIST = {
    "gpt-realtime": _DEAREST,
    "gpt-realtime-mini": _price("0.60", "10.00", "0.06", "2.40", "20.00"),
    # The local stand-in charges what the small model does, so that limits have something to count.
    "stand-in": _price("0.60", "10.00", "0.06", "2.40", "20.00"),
}


# No response has more of a kind: a session's whole context has fewer (OpenAI, "Realtime API": 128,000).
MOST_TOKENS = 250_000


class _Kinds(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text_tokens: int = Field(default=0, ge=0, le=MOST_TOKENS)
    audio_tokens: int = Field(default=0, ge=0, le=MOST_TOKENS)
    cached_tokens: int = Field(default=0, ge=0, le=MOST_TOKENS)


class _Usage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    input_token_details: _Kinds = _Kinds()
    output_token_details: _Kinds = _Kinds()


def usage_of(told: JsonValue) -> Spoken:
    """Read the usage of a ``response.done``; nothing where it is not as the provider has it."""
    try:
        usage = _Usage.model_validate(told)
    except ValidationError:
        return Spoken()
    sent, received = usage.input_token_details, usage.output_token_details
    return Spoken(
        text_in=sent.text_tokens,
        audio_in=sent.audio_tokens,
        cached_in=min(sent.cached_tokens, sent.text_tokens + sent.audio_tokens),
        text_out=received.text_tokens,
        audio_out=received.audio_tokens,
    )


def cost_usd(model: str, used: Spoken) -> Decimal:
    """Return what it costs in US dollars, rounded up to a millionth.

    Of what was cached nobody says which kind it was: it is taken off the sound, which is dearer, last.
    """
    price = _price_of(model)
    cached_text = min(used.cached_in, used.text_in)
    cached_audio = used.cached_in - cached_text
    total = (
        (used.text_in - cached_text) * price.text_in_usd
        + (used.audio_in - cached_audio) * price.audio_in_usd
        + used.cached_in * price.cached_in_usd
        + used.text_out * price.text_out_usd
        + used.audio_out * price.audio_out_usd
    )
    return (total / _MILLION).quantize(_MICRODOLLAR, ROUND_UP)


def _price_of(model: str) -> SpokenPrice:
    names = [
        name
        for name in _LIST
        if model == name or model[: len(name) + 1] in {f"{name}-", f"{name}:"}
    ]
    return _LIST[max(names, key=len)] if names else _DEAREST
