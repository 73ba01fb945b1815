"""Words in small letters, as the tables of words have them."""

from __future__ import annotations

# Letters that a pattern takes for an i or an s whatever their case, and that are none in small letters.
_TAKEN_FOR = str.maketrans("\u0130\u0131\u017f", "iis")


def small(word: str) -> str:
    """A word that a pattern has found without regard to case, as it stands in that pattern."""
    return word.translate(_TAKEN_FOR).lower()
