"""What an event may hold when it is stored: numbers, names, states; words only where the tenant keeps them.

The browser leaves words out before they leave the page. This holds for what reaches us all the same.
"""

from __future__ import annotations

import math
import re
from functools import cache

from pydantic import JsonValue

from apps.realtime.offers import function_names

# Names of members that hold no words: of our own events, and of the provider's.
_PLAIN = frozenset(
    {
        "ms", "status", "code", "state", "call_id", "tool", "name", "rtt_ms", "jitter_ms", "lost",
        "received", "bitrate_in_bps", "bitrate_out_bps", "reason", "attempt", "wait_ms", "ok", "on",
        "kind", "limit", "left_s", "count", "why", "usage", "total_tokens", "input_tokens",
        "output_tokens", "input_token_details", "output_token_details", "text_tokens", "audio_tokens",
        "cached_tokens", "cached_tokens_details", "image_tokens", "type", "event_id", "item_id",
        "response_id", "previous_item_id", "output_index", "content_index", "role", "audio_start_ms",
        "audio_end_ms", "rate_limits", "remaining", "reset_seconds", "param", "characters", "call",
    }
)  # fmt: skip
# Where no words are kept, what a member of these names holds is a word of a list, else ``OTHER`` …
_LISTED = {
    "state": frozenset(
        {
            "new", "checking", "connecting", "connected", "completed", "disconnected", "failed", "closed",
            "closing", "open",
        }
    ),
    "status": frozenset(
        {
            "answered", "proposed", "refused", "completed", "cancelled", "failed", "incomplete",
            "in_progress",
        }
    ),
    "role": frozenset({"user", "assistant", "system"}),
    "kind": frozenset(
        {"message", "function_call", "function_call_output", "microphone", "loudspeaker"}
    ),
    "limit": frozenset({"length", "idle", "cost", "month"}),
}  # fmt: skip
# … and of these a code: new ones may come, and a sentence is none.
_CODED = frozenset({"reason", "code", "why"})
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")
# All others are ids, and names of members.
_ID = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
# The provider's free texts of errors and of why something ended carry what was sent to it.
_LONGEST_PLAIN = 120
_LONGEST_WORDS = 2_000
# Keys and client secrets, wherever they stand.
_SECRET = re.compile(r"\b(?:sk|ek|rk)[-_][A-Za-z0-9_\-]{6,}")
_DEEPEST = 6
_LARGEST = 2**63
# What names a function; a model may call one by any text.
_OF_FUNCTIONS = frozenset({"tool", "name"})
# Names that the provider has for other things than functions (``rate_limits.updated``).
_PROVIDERS_NAMES = frozenset({"requests", "tokens"})
OTHER = "other"
# What is longer, or holds other signs, is no name of a member but words.
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,60}")


def redacted(data: dict[str, JsonValue], *, keeps_texts: bool) -> dict[str, JsonValue]:
    """Return what may be stored; of words that are left out, how many characters they had."""
    return _object(data, keeps_texts, _DEEPEST)


def _object(data: dict[str, JsonValue], keeps_texts: bool, depth: int) -> dict[str, JsonValue]:
    kept: dict[str, JsonValue] = {}
    for name, value in data.items():
        if _NAME.fullmatch(name) is None or _SECRET.search(name):
            continue
        if name in _OF_FUNCTIONS and not keeps_texts:
            kept[name] = value if isinstance(value, str) and value in _known_names() else OTHER
        elif name in _PLAIN and isinstance(value, str) and not keeps_texts and name in _LISTED:
            kept[name] = value if value in _LISTED[name] else OTHER
        elif name in _PLAIN and (
            keeps_texts or not isinstance(value, str) or _is_plain(name, value)
        ):
            kept[name] = _value(value, keeps_texts, _LONGEST_PLAIN, depth - 1)
        elif keeps_texts:
            kept[name] = _value(value, keeps_texts, _LONGEST_WORDS, depth - 1)
        elif isinstance(value, str):
            kept["characters"] = _characters(kept) + len(value)
        elif isinstance(value, bool | int | float):
            kept[name] = _value(value, keeps_texts, _LONGEST_PLAIN, depth)
    return kept


def _is_plain(name: str, value: str) -> bool:
    """Whether it is a code or an id, and no text."""
    return (_CODE if name in _CODED else _ID).fullmatch(value) is not None


@cache
def _known_names() -> frozenset[str]:
    return function_names() | _PROVIDERS_NAMES


def _characters(kept: dict[str, JsonValue]) -> int:
    counted = kept.get("characters")
    return counted if isinstance(counted, int) else 0


def _value(value: JsonValue, keeps_texts: bool, longest: int, depth: int) -> JsonValue:
    if depth < 0:
        return None
    if isinstance(value, str):
        # The database holds no NUL in a text, and no number without end.
        return _SECRET.sub("[removed]", value.replace("\0", ""))[:longest]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    # A number may have thousands of digits.
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    if isinstance(value, list):
        told = [item for item in value[:20] if keeps_texts or not isinstance(item, str)]
        return [_value(item, keeps_texts, longest, depth - 1) for item in told]
    if isinstance(value, dict):
        return _object(value, keeps_texts, depth)
    return value
