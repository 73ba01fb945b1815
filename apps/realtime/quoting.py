"""What a person is quoted with: never a model's words, only what was written down of what they said."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

# A pause parts what is one request; a correction follows it, and a yes follows that.
MOST_LINES = 3
# What is quoted stands there as it was written down, so this decides about relevance alone: a transcript
# spells names and numbers in its own way, and most of the words between them are the same.
LEAST_SHARE = 0.5
_WORD = re.compile(r"\w+")


def quoted(words: str, lines: Sequence[str]) -> str:
    """Return the lines in which a model found ``words``, whole; nothing where they are in none.

    Whole, because a part may say the opposite: “do not” is easily left out. ``lines`` are what a person
    said, the latest last. Of those that have as many of the words the fewest, and then the latest, are
    quoted.
    """
    wanted = _words_of(words)
    count = wanted.total()
    if not count:
        return ""
    found = [_words_of(line) for line in lines]
    best, best_share = "", 0.0
    for length in range(1, MOST_LINES + 1):
        for first in range(len(lines) - length, -1, -1):
            within = sum(found[first : first + length], Counter[str]())
            share = (wanted & within).total() / count
            if share >= LEAST_SHARE and share > best_share:
                best, best_share = " ".join(lines[first : first + length]), share
    return best


def _words_of(text: str) -> Counter[str]:
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
