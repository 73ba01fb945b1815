"""Amounts as people write them: “12k”, “1.5 million”, “12.000 €”, “12,500.50”."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

_THOUSAND, _MILLION = Decimal(1_000), Decimal(1_000_000)
_SCALES = {
    "k": _THOUSAND, "tsd": _THOUSAND, "thousand": _THOUSAND, "grand": _THOUSAND, "tausend": _THOUSAND,
    "m": _MILLION, "mn": _MILLION, "mio": _MILLION, "mill": _MILLION, "million": _MILLION,
    "millions": _MILLION, "millionen": _MILLION,
}  # fmt: skip
_AMOUNT = re.compile(
    r"(?<![\w.,])(?P<number>\d{1,3}(?:['’\u00a0\u202f ]\d{3})+(?:[.,]\d+)?|\d[\d.,]{0,24})"
    rf"\s?(?P<scale>(?:{'|'.join(_SCALES)})\b)?",
    re.IGNORECASE,
)
_GROUP = 3


def amounts_in(text: str) -> frozenset[Decimal]:
    """Every amount that a text may state; “12.000” may be twelve or twelve thousand, and is both."""
    return frozenset(
        value * _SCALES.get((found["scale"] or "").casefold(), Decimal(1))
        for found in _AMOUNT.finditer(text)
        for value in _values(found["number"])
    )


def _values(number: str) -> Iterator[Decimal]:
    """A number with its signs taken for separators of thousands, and with the last for that of decimals."""
    first, *groups = re.split(r"[.,]", re.sub(r"[^\d.,]", "", number).strip(".,"))
    if all(len(group) == _GROUP for group in groups):
        yield Decimal("".join([first, *groups]))
    if groups and all(len(group) == _GROUP for group in groups[:-1]):
        yield Decimal(f"{''.join([first, *groups[:-1]])}.{groups[-1]}")
