"""How a text comes out when people type it, and the random draws of which tables are made."""

from __future__ import annotations

import random
import unicodedata
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate

_NEIGHBOURS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo",
    "j": "hk", "k": "jl", "l": "kö", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et",
    "s": "ad", "t": "rz", "u": "zi", "v": "cb", "w": "qe", "x": "yc", "y": "xs", "z": "tu",
}  # fmt: skip
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe"})


class FrequentFirst:
    """Draws numbers below a size, the first ones most often, as names are distributed (Zipf's law)."""

    def __init__(self, size: int, exponent: float = 1.0) -> None:
        self._cumulated = list(accumulate((rank + 3) ** -exponent for rank in range(size)))

    def draw(self, rng: random.Random) -> int:
        """One of them."""
        return bisect(self._cumulated, rng.random() * self._cumulated[-1])


def mistyped(rng: random.Random, text: str) -> str:
    """One letter left out, doubled, exchanged with the next, or hit beside; never the same text."""
    if len(text) < 2:
        return text + "x"
    for _ in range(20):
        at = rng.randrange(len(text) - 1)
        kind = rng.randrange(4)
        if kind == 0:
            typed = text[:at] + text[at + 1 :]
        elif kind == 1:
            typed = text[: at + 1] + text[at:]
        elif kind == 2:
            typed = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        else:
            beside = _NEIGHBOURS.get(text[at].lower(), "e")
            typed = text[:at] + rng.choice(beside) + text[at + 1 :]
        if typed != text:
            return typed
    return text + text[-1]


def mistyped_digits(rng: random.Random, text: str) -> str:
    """One digit of it replaced by another."""
    places = [at for at, letter in enumerate(text) if letter.isdigit()]
    at = rng.choice(places)
    digit = (int(text[at]) + rng.randint(1, 9)) % 10
    return f"{text[:at]}{digit}{text[at + 1 :]}"


def without_accents(text: str) -> str:
    """As on a keyboard that has none: "Núñez" is "Nunez", "Jäger" is "Jager"."""
    parts = unicodedata.normalize(
        "NFKD", text.replace("ß", "ss").replace("ø", "o").replace("ı", "i")
    )
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def spelled_out(text: str) -> str:
    """As Germans and Danes spell what a keyboard lacks: "Jäger" is "Jaeger"."""
    return without_accents(text.lower().translate(_UMLAUTS)).title() if text else text


def as_address(text: str) -> str:
    """As it stands in an e-mail address."""
    spelled = without_accents(text.lower().translate(_UMLAUTS))
    return "".join(letter for letter in spelled if letter.isascii() and letter.isalnum())


def pick(rng: random.Random, words: Sequence[str], weights: FrequentFirst) -> str:
    """One word, the first ones most often."""
    return words[weights.draw(rng)]
