"""How many tokens an answer costs: text by its characters, speech by its length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stubs.openai_server.answers import JsonObject
from stubs.openai_server.usage import tokens

# What the API counts: a token for a tenth of a second that is heard, and for half of that when it is said.
HEARD_MS_PER_TOKEN = 100
SAID_MS_PER_TOKEN = 50


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by their sort."""

    text: int = 0
    audio: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.text + other.text, self.audio + other.audio)

    @property
    def total(self) -> int:
        """Both together."""
        return self.text + self.audio

    @classmethod
    def sum(cls, parts: Iterable[Tokens]) -> Tokens:
        """Of several."""
        total = cls()
        for part in parts:
            total += part
        return total


def of_text(text: str) -> Tokens:
    """A text's; one that says something has at least one."""
    return Tokens(text=max(tokens(text), 1 if text else 0))


def of_heard(duration_ms: int) -> Tokens:
    """Those of what a caller said."""
    return Tokens(audio=-(-duration_ms // HEARD_MS_PER_TOKEN))


def of_said(text: str, duration_ms: int) -> Tokens:
    """Those of what the model said: its words and its voice."""
    return of_text(text) + Tokens(audio=-(-duration_ms // SAID_MS_PER_TOKEN))


def usage(read: Tokens, cached: Tokens, written: Tokens) -> JsonObject:
    """As ``response.done`` tells it."""
    return {
        "total_tokens": read.total + written.total,
        "input_tokens": read.total,
        "output_tokens": written.total,
        "input_token_details": {
            "text_tokens": read.text,
            "audio_tokens": read.audio,
            "image_tokens": 0,
            "cached_tokens": cached.total,
            "cached_tokens_details": {
                "text_tokens": cached.text,
                "audio_tokens": cached.audio,
                "image_tokens": 0,
            },
        },
        "output_token_details": {"text_tokens": written.text, "audio_tokens": written.audio},
    }


def transcription_usage(model: str, heard_ms: int, text: str) -> JsonObject:
    """As a transcript tells it: by time for ``whisper-1``, by tokens for the others."""
    if model == "whisper-1":
        return {"type": "duration", "seconds": heard_ms / 1000}
    heard, written = of_heard(heard_ms), of_text(text)
    return {
        "type": "tokens",
        "total_tokens": heard.total + written.total,
        "input_tokens": heard.total,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard.audio},
        "output_tokens": written.total,
    }
