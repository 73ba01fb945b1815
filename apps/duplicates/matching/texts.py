"""Texts without what does not matter: case, accents, scripts, punctuation; and what is no value at all."""

from __future__ import annotations

import re
import unicodedata

from apps.duplicates.matching.word_lists import NOT_GIVEN, PLACEHOLDERS

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_APOSTROPHES = re.compile(r"['’`´ʼ]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_REPEATED = re.compile(r"(.)\1+")
_VOWELS = re.compile(r"[aeiou]")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")


def fold(text: str) -> str:
    """Lower-case words in Latin letters and digits: "Łódź–Zürich" is "lodz zurich"."""
    if not text.isascii():
        text = _in_latin(text)
    return " ".join(_NOT_WORD.split(_APOSTROPHES.sub("", text.casefold()))).strip()


def is_placeholder(text: str, folded: str) -> bool:
    """Whether it stands for no value: "n/a", "asdf", "test", one letter over and over."""
    if folded in PLACEHOLDERS or text.strip().casefold() in NOT_GIVEN:
        return True
    letters = folded.replace(" ", "")
    return len(letters) >= 3 and len(set(letters)) == 1


def is_han(text: str) -> bool:
    """Whether it is written in Chinese characters alone."""
    return bool(text) and all(map(_HAN.match, text))


def is_syllabic(text: str) -> bool:
    """Whether it is written in Chinese characters alone, or in Korean syllables alone."""
    return is_han(text) or (bool(text) and all(map(_HANGUL.match, text)))


def has_syllables(text: str) -> bool:
    """Whether it holds a Chinese character or a Korean syllable."""
    return _HAN.search(text) is not None or _HANGUL.search(text) is not None


def consonants(text: str) -> str:
    """What is left of a name when vowels are dropped and doubled letters told once.

    Names that were brought from one script to another in two ways agree in it: "mohammed", "mhmd".
    Shorter than three letters it says nothing and is empty.
    """
    left = _REPEATED.sub(r"\1", _VOWELS.sub("", text))
    return left if len(left) >= 3 else ""


def without_marks(text: str) -> str:
    """The letters alone, in their own script: no accents, no vowel signs."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _in_latin(text: str) -> str:
    plain = without_marks(text)
    if plain.isascii():
        return plain
    # Its tables are read on first use.
    from anyascii import anyascii

    # Syllables of a script without spaces come as "WangWei".
    return _CAMEL.sub(" ", anyascii(unicodedata.normalize("NFKC", text)))
