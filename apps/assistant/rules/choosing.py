"""How people answer “Which one do you mean?”: by its place in the list, by a name, by what kind it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.assistant.rules.wording import kind_of, name_of, plain
from apps.triggers.reading.letters import small

_PLACES = {
    word: place
    for place, words in enumerate(
        (
            "first|1st|one|erste|ersten|erster|erstes|eins",
            "second|2nd|two|zweite|zweiten|zweiter|zweites|zwei",
            "third|3rd|three|dritte|dritten|dritter|drittes|drei",
            "fourth|4th|four|vierte|vierten|vierter|viertes|vier",
            "fifth|5th|five|fünfte|fünften|fünfter|fünftes|fünf",
        )
    )
    for word in words.split("|")
}
_LAST = ("last", "letzte", "letzten", "letzter", "letztes")
_PLACE = re.compile(
    r"^(?:(?:the|der|die|das|den|dem)\s+)?"
    r"(?:(?:number|no\.?|nr\.?|nummer|option|#)\s*)?"
    rf"(?P<place>\d{{1,2}}|{'|'.join((*_PLACES, *_LAST))})\.?"
    r"(?:\s+(?:one|please|bitte|record|entry|lead|contact|account|company|deal|kontakt|kunde|firma"
    r"|(?:in|on|of) the list|in der liste|of (?:them|these|those)|von (?:ihnen|denen|diesen)))*$",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"^(?:(?:(?:no|nein)(?:,|\b(?!\.))|i mean|i meant|take|it is|it's|ich meine|nimm)\s+)+",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\s+(?:one|please|bitte)$", re.IGNORECASE)
_NONE = re.compile(
    r"^(?:no|none(?: of (?:them|these|those))?|nobody|nothing|never ?mind|forget (?:it|about it)|cancel|stop"
    r"|nein|keine[rnsm]?(?: davon)?|niemand|nichts|vergiss es|egal|abbrechen)$",
    re.IGNORECASE,
)
# So many letters of a word stand for it.
_SHORTEST_PART = 3


def place_in(text: str, count: int) -> int | None:
    """Which of so many is meant, from 0 on; None where the words say no place, or one that there is not."""
    found = _PLACE.match(_BEFORE.sub("", plain(text)) if count else "")
    if found is None:
        return None
    word = small(found["place"])
    if word in _LAST:
        return count - 1
    place = int(word) - 1 if word.isdigit() else _PLACES[word]
    return place if 0 <= place < count else None


def means_none(text: str) -> bool:
    """Whether somebody leaves it at that."""
    return _NONE.match(plain(text)) is not None


def fitting(text: str, options: Sequence[tuple[str, str]]) -> tuple[int, ...]:
    """Those of the options, each its kind and its name, that an answer fits; none where it fits none.

    It fits where it is the name, else where each of its words begins one of the name's, or where it says no
    more than the kind.
    """
    answer = _AFTER.sub("", _BEFORE.sub("", plain(text)))
    wanted, kind = _words(name_of(answer)), kind_of(answer)
    names = [_words(name) for _, name in options]
    same = tuple(place for place, name in enumerate(names) if name == wanted)
    alike = tuple(place for place, name in enumerate(names) if wanted and _says(wanted, name))
    found = same or alike
    of_kind = tuple(place for place, (known, _) in enumerate(options) if kind and known == kind)
    if not found and len(wanted) == 1 and kind_of(wanted[0]):
        return of_kind
    return tuple(place for place in found if place in of_kind) or found


def _says(wanted: Sequence[str], name: Sequence[str]) -> bool:
    return all(
        any(one == word or (len(word) >= _SHORTEST_PART and one.startswith(word)) for one in name)
        for word in wanted
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
