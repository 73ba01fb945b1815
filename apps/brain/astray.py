"""Whether words of a language model could lead their reader astray.

A model may have been told by a text of the CRM what to write. So links, addresses, numbers, markup and signs
that nobody sees must stand in a fact that the product itself has read out of the data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from apps.brain.hostile import reads_like_orders
from apps.brain.schemas import Fact
from apps.execution.signs import has_unseen

_LINK = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|\bwww\.|\b(?:javascript|data|mailto):", re.IGNORECASE
)
# What mail programs make a link of without being told: a host alone, by its usual endings or its path.
_HOST = re.compile(
    r"(?<![\w@.-])(?:[\w-]{1,63}\.){1,8}"
    r"(?:(?:(?!js)[a-z]{2}|com|net|org|info|biz|app|dev|xyz|top|site|online|shop|link|click|live|cloud|example)"
    r"(?![\w@-])|[a-z]{2,24}/)"
)
_MARKUP = re.compile(r"<[a-z!/?]|\{\{|\{%|\]\(|&#?\w{2,8};", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# A day in ISO form is no number to be called or paid.
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
# Five digits or more, however they are grouped: amounts from ten thousand, telephone and account numbers.
_NUMBER = re.compile(r"\d(?:[\s.,'’()/+-]{0,2}\d){4,}")


def astray_code(text: str, quotable: Sequence[Fact], names: Sequence[str]) -> str:
    """Return the code of what could lead a reader astray, or nothing.

    Numbers and addresses may be those of the ``quotable`` facts; a host may be a part of one of the
    ``names``: “Booking.com”.
    """
    if has_unseen(text):
        return "hidden_signs"
    # Wide letters and dots are read, and followed, like plain ones.
    text = unicodedata.normalize("NFKC", text).replace("\u3002", ".")
    if _LINK.search(text) or _names_host(text, names):
        return "foreign_link"
    if _MARKUP.search(text):
        return "markup"
    known = " | ".join(f"{fact.text} | {fact.value or ''}" for fact in quotable)
    known = unicodedata.normalize("NFKC", known)
    if any(address not in known.casefold() for address in _ADDRESS.findall(text.casefold())):
        return "foreign_address"
    stated = [_digits(number) for number in _NUMBER.findall(known)]
    for number in _NUMBER.findall(_DAY.sub(" ", text)):
        if not any(_digits(number) in one for one in stated):
            return "foreign_number"
    return "reads_like_orders" if reads_like_orders(text) else ""


def _names_host(text: str, names: Sequence[str]) -> bool:
    hosts = _HOST.findall(text.casefold())
    if not hosts:
        return False
    known = unicodedata.normalize("NFKC", " | ".join(names)).casefold()
    return any(host not in known for host in hosts)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())
