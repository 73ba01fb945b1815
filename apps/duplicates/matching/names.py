"""Names of persons: folded, parted into given name and surname, and known by their short forms."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from apps.duplicates.matching import abjads
from apps.duplicates.matching.texts import fold, has_syllables, is_placeholder, is_syllabic
from apps.duplicates.matching.word_lists import (
    DOUBLE_SURNAMES,
    HAN_SURNAMES,
    HONORIFICS,
    PARTICLES,
)

# A syllable of Chinese as it is written in Latin letters (Pinyin).
_PINYIN = re.compile(
    r"(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:a|ai|an|ang|ao|e|ei|en|eng|er|i|ia|ian|iang|iao|ie|in|ing|iong|iu|o|ong|ou|u|ua|uai|uan|uang|ue|ui|un|uo|v)"
)


def name_of(text: str) -> str:
    """A given name or a surname made comparable; empty where it stands for none.

    What was written in Chinese characters or Korean syllables is one word, as people write it in Latin
    letters; what was written without vowels stays in its script (``abjads``).
    """
    folded = fold(text) if text.isascii() else _fold_scripts(text)
    if is_placeholder(text, folded):
        return ""
    if " " not in folded:
        return folded
    words = folded.split()
    kept = [word for word in words if word not in HONORIFICS]
    return " ".join(kept or words)


def split_name(text: str) -> tuple[str, str]:
    """Given name and surname in a full name, made comparable.

    "Smith, John" and "John Smith" part alike; a name in Chinese characters or Korean syllables begins with
    the surname, unless a space says otherwise; one word alone is a given name.
    """
    if not text.isascii() and _has_length_of_whole(stripped := "".join(text.split())):
        given, surname = _split_syllables(text.split(), stripped)
        return name_of(given), name_of(surname)
    if text.count(",") == 1:
        surname, _, given = text.partition(",")
        if given.strip():
            return name_of(given), name_of(surname)
    words = name_of(text).split()
    if len(words) < 2:
        return "".join(words), ""
    start = len(words) - 1
    while start > 1 and words[start - 1] in PARTICLES:
        start -= 1
    return " ".join(words[:start]), " ".join(words[start:])


def is_known_given_name(name: str) -> bool:
    """Whether it stands in the table of given names and their short forms, which is mostly English."""
    return name in _canonical_names()


def is_whole_name(text: str) -> bool:
    """Whether it is surname and given name in Chinese or Korean; two letters may be a given name as well."""
    stripped = "".join(text.split())
    if not _has_length_of_whole(stripped) or stripped in DOUBLE_SURNAMES:
        return False
    return len(stripped) > 2 or stripped[0] in HAN_SURNAMES


def as_one_word(name: str) -> str:
    """A folded name; one of Chinese syllables without spaces, as "Wei-Fang" and "Weifang" are the same."""
    if " " in name and all(map(_PINYIN.fullmatch, name.split())):
        return name.replace(" ", "")
    return name


def are_short_forms(left: str, right: str) -> bool:
    """Whether one given name may stand for the other: a nickname, an initial, or one of several names."""
    if left.isascii() != right.isascii():
        return abjads.are_parts_across(left, right) or abjads.is_initial_across(left, right)
    if " " not in left and " " not in right and len(left) > 1 and len(right) > 1:
        return not _stands_for(left).isdisjoint(_stands_for(right))
    first, other = left.split(), right.split()
    if set(first) <= set(other) or set(other) <= set(first):
        return True
    if len(first[0]) == 1 or len(other[0]) == 1:
        return first[0][0] == other[0][0]
    return not _stands_for(first[0]).isdisjoint(_stands_for(other[0]))


def are_parts(left: str, right: str) -> bool:
    """Whether all words of one name stand in the other: "meyer" and "meyer huber"."""
    if left.isascii() != right.isascii():
        return abjads.are_parts_across(left, right)
    if " " not in left and " " not in right:
        return left == right
    first, other = set(left.split()), set(right.split())
    return first <= other or other <= first


def _fold_scripts(text: str) -> str:
    words = unicodedata.normalize("NFC", text).replace("·", " ").replace("・", " ").split()
    return " ".join(filter(None, map(_fold_word, words)))


def _fold_word(word: str) -> str:
    if abjads.is_abjad(word):
        return abjads.fold(word)
    return fold(word).replace(" ", "") if has_syllables(word) else fold(word)


def _has_length_of_whole(stripped: str) -> bool:
    return 2 <= len(stripped) <= 4 and is_syllabic(stripped)


def _split_syllables(words: list[str], stripped: str) -> tuple[str, str]:
    """Given name and surname: surnames have one character, seldom two, and mostly come first."""
    if len(words) == 2:
        first, other = words
        is_last = other in DOUBLE_SURNAMES or len(other) < len(first)
        if is_last and first not in DOUBLE_SURNAMES:
            return first, other
        return other, first
    length = 2 if stripped[:2] in DOUBLE_SURNAMES and len(stripped) > 2 else 1
    return stripped[length:], stripped[:length]


def _stands_for(name: str) -> frozenset[str]:
    """The names that a given name may be short for, itself among them."""
    return _canonical_names().get(name) or frozenset({name})


@cache
def _canonical_names() -> dict[str, frozenset[str]]:
    # Its table is read on first use.
    from nicknames import NickNamer

    lookup = NickNamer().canonical_lookup
    return {name: frozenset({name, *canonical}) for name, canonical in lookup.items()}
