"""Addresses made comparable."""

from __future__ import annotations

import re

from apps.duplicates.matching.texts import fold, is_placeholder

_WORDS = {
    "st": "street", "str": "street", "strasse": "street", "rd": "road", "ave": "avenue", "av": "avenue",
    "blvd": "boulevard", "ln": "lane", "dr": "drive", "ct": "court", "crt": "court", "pl": "place",
    "cres": "crescent", "cct": "circuit", "cir": "circle", "hwy": "highway", "sq": "square", "pde": "parade",
    "tce": "terrace", "pkwy": "parkway", "rte": "route",
}  # fmt: skip
_JOINED_STREET = re.compile(r"(?<=[a-z]{3})(?:strasse|str)\b")
_NUMBER = re.compile(r"^(?P<first>\d+[a-z]?)\s+|\s+(?P<last>\d+\s?[a-z]?)$")
_SPACES = re.compile(r"\s+")


def place_of(text: str) -> str:
    """A town or a region made comparable."""
    folded = fold(text)
    return "" if is_placeholder(text, folded) else folded


def street_of(text: str) -> str:
    """A street without its house number: "Main St. 12" is "main street"."""
    return split_street(text)[0]


def split_street(text: str) -> tuple[str, str]:
    """Street and house number in a line of an address, made comparable."""
    folded = fold(text)
    if is_placeholder(text, folded):
        return "", ""
    found = _NUMBER.search(folded)
    number = "" if found is None else (found["first"] or found["last"]).replace(" ", "")
    street = _JOINED_STREET.sub(" street", _NUMBER.sub("", folded, count=1))
    return " ".join(_WORDS.get(word, word) for word in street.split()), number


def code_of(text: str) -> str:
    """A postcode, a house number or another number: letters and digits, closed up."""
    folded = fold(text)
    return "" if is_placeholder(text, folded) else _SPACES.sub("", folded)
