"""Names in scripts that write consonants alone: Arabic, Hebrew, Syriac.

Such a name stays in its script: two of them are compared letter by letter, and where it comes from is told by
itself. Beside a name in Latin letters it has no vowels to compare; there, consonants are all that counts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product

from apps.duplicates.matching.texts import without_marks
from apps.duplicates.matching.word_lists import ARABIC_ARTICLES

# How many names' readings are remembered.
_MOST_NAMES = 50_000

_ABJAD = re.compile(r"[\u0590-\u077f\u0870-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_NOT_LETTER = re.compile(r"[^\w]+|_")
# Letters that stand for one another in careless or Persian spelling.
_SPELLINGS = str.maketrans("یىکہھة", "ييكههه", "ـء")
_ARTICLE = "ال"
_SHIN = "\u05e9"
_LATIN_ARTICLE = re.compile(r"^[ae]l(?=[a-z]{3})")

# A last h after a vowel is written or not: "Sarah", "Fatimah".
_SILENT_H = re.compile(r"(?<=[aeiouy])h$")
_SILENT_LAST = re.compile(r"[\u0647\u05d4]$")
_NO_CONSONANTS = re.compile(r"[aeiouyw]")
# "Abdulrahman", "Abdel Rahman".
_SERVANT_OF_THE = re.compile(r"^bdl(?=..)")
_READ_OTHERWISE = re.compile(r"[gjv]")
_REPEATED = re.compile(r"(.)\1+")
# Spellings of one consonant; Arabic has no p and no v.
_CONSONANTS = (
    ("sch", "sh"), ("ch", "sh"), ("dj", "j"), ("ph", "f"), ("ck", "k"),
    ("c", "k"), ("q", "k"), ("p", "b"), ("x", "ks"), ("dh", "z"), ("tz", "ts"),
)  # fmt: skip


def is_abjad(text: str) -> bool:
    """Whether any letter is of such a script."""
    return not text.isascii() and _ABJAD.search(text) is not None


def fold(word: str) -> str:
    """A word in its own script, without what is written or not: vowel signs, hamza, lengthening."""
    plain = without_marks(word.casefold())
    return " ".join(_NOT_LETTER.split(plain.translate(_SPELLINGS))).strip()


def are_same_across(left: str, right: str) -> bool:
    """Whether a name in such a script and one in Latin letters have the same consonants.

    Two names of one script are never the same by this.
    """
    return left.isascii() != right.isascii() and not readings(left).isdisjoint(readings(right))


def are_parts_across(left: str, right: str) -> bool:
    """The same, or all words of one stand in the other."""
    if are_same_across(left, right):
        return True
    if left.isascii() == right.isascii():
        return False
    first, other = _words(left), _words(right)
    if len(first) == len(other):
        return False
    fewer, more = sorted((first, other), key=len)
    return bool(fewer) and all(
        any(not readings(word).isdisjoint(readings(each)) for each in more) for word in fewer
    )


def is_initial_across(left: str, right: str) -> bool:
    """Whether one is a Latin letter with which the other, in such a script, may begin."""
    latin, other = (left, right) if left.isascii() else (right, left)
    letter = latin.partition(" ")[0]
    return len(letter) == 1 and any(text.startswith(letter) for text in readings(other))


@lru_cache(maxsize=_MOST_NAMES)
def readings(name: str) -> frozenset[str]:
    """The consonants that a folded name may have.

    With and without its article; j and v may be glides; a Hebrew shin may be s.
    """
    found = set()
    spellings = {name, name.replace(_SHIN, "sh")}
    for spelling, has_article in product(spellings, (True, False)):
        text = _latin(spelling, has_article=has_article)
        # What was written without vowels has a j of its own.
        is_soft = name.isascii() and "j" in text
        for soft, voiced in product(
            {"j", "" if is_soft else "j"}, {"f", "" if "v" in text else "f"}
        ):
            # What was written g is no glide.
            left = text.replace("j", soft).replace("g", "j").replace("v", voiced)
            found.add(_REPEATED.sub(r"\1", left))
    return frozenset(found - {""})


def skeleton(name: str) -> str:
    """What all readings of a folded name have in common, for a key: no article, no g, j or v, s for sh."""
    text = _latin(name, has_article=False).replace("sh", "s")
    return _REPEATED.sub(r"\1", _READ_OTHERWISE.sub("", text))


def _latin(name: str, *, has_article: bool) -> str:
    """The consonants of a name, all words together; g and j are told apart."""
    words = name.split()
    if not has_article:
        words = _words(name) or words
    text = "".join(_consonants(word, has_article=has_article) for word in words)
    return text if has_article else _SERVANT_OF_THE.sub("bd", text)


def _consonants(word: str, *, has_article: bool) -> str:
    if word.isascii():
        text = word if has_article else _LATIN_ARTICLE.sub("", word)
        text = _SILENT_H.sub("", text)
    else:
        # Its tables are read on first use.
        from anyascii import anyascii

        plain = word
        if not has_article and len(word) > len(_ARTICLE) + 1:
            plain = word.removeprefix(_ARTICLE)
        text = "".join(filter(str.isalnum, anyascii(_SILENT_LAST.sub("", plain)).casefold()))
    for spelling, letter in _CONSONANTS:
        text = text.replace(spelling, letter)
    return _NO_CONSONANTS.sub("", text)


def _words(name: str) -> list[str]:
    return [word for word in name.split() if word not in ARABIC_ARTICLES]
