"""Names of persons: folded, parted into given name and surname, and known by their short forms."""

from __future__ import annotations

from functools import cache

from apps.duplicates.matching.texts import fold, is_han, is_placeholder
from apps.duplicates.matching.word_lists import HAN_DOUBLE_SURNAMES, HONORIFICS, PARTICLES


def name_of(text: str) -> str:
    """A given name or a surname made comparable; empty where it stands for none."""
    folded = fold(text)
    if is_placeholder(text, folded):
        return ""
    if " " not in folded:
        return folded
    words = folded.split()
    kept = [word for word in words if word not in HONORIFICS]
    return " ".join(kept or words)


def split_name(text: str) -> tuple[str, str]:
    """Given name and surname in a full name, made comparable.

    "Smith, John" and "John Smith" part alike; a name in Chinese characters begins with the surname; one word
    alone is a given name.
    """
    stripped = "".join(text.split())
    if 2 <= len(stripped) <= 4 and is_han(stripped):
        length = 2 if stripped[:2] in HAN_DOUBLE_SURNAMES and len(stripped) > 2 else 1
        return name_of(stripped[length:]), name_of(stripped[:length])
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


def are_short_forms(left: str, right: str) -> bool:
    """Whether one given name may stand for the other: a nickname, an initial, or one of several names."""
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
    if " " not in left and " " not in right:
        return left == right
    first, other = set(left.split()), set(right.split())
    return first <= other or other <= first


def _stands_for(name: str) -> frozenset[str]:
    """The names that a given name may be short for, itself among them."""
    return _canonical_names().get(name) or frozenset({name})


@cache
def _canonical_names() -> dict[str, frozenset[str]]:
    # Its table is read on first use.
    from nicknames import NickNamer

    lookup = NickNamer().canonical_lookup
    return {name: frozenset({name, *canonical}) for name, canonical in lookup.items()}
