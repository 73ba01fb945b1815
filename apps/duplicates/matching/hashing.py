"""Texts as 64-bit numbers, and several of them as one; ``bulk_keys`` does the same by the million."""

from __future__ import annotations

from hashlib import blake2b

MASK = (1 << 64) - 1
# Odd constants of Sebastiano Vigna's SplitMix64: each bit of what goes in moves half of those that come out.
FIRST_FACTOR = 0xBF58476D1CE4E5B9
SECOND_FACTOR = 0x94D049BB133111EB
STEP = 0x9E3779B97F4A7C15


def hash_of(text: str) -> int:
    """A text as an unsigned 64-bit number, the same in every process and release; 0 is never one."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def mixed(first: int, second: int) -> int:
    """Two unsigned numbers as one, in which their order matters."""
    number = (first * STEP + second) & MASK
    number = ((number ^ (number >> 30)) * FIRST_FACTOR) & MASK
    number = ((number ^ (number >> 27)) * SECOND_FACTOR) & MASK
    return number ^ (number >> 31)


def signed(number: int) -> int:
    """The unsigned number as PostgreSQL's bigint holds it."""
    return number - (1 << 64) if number >> 63 else number
