"""Invented people, companies, addresses and telephone numbers.

Addresses end in ``.example`` and numbers lie in ranges that the authorities keep free for fiction, so that
nobody is reached by accident.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from random import Random

_WORDS = Path(__file__).parent / "data" / "names"


def _read_words(name: str) -> tuple[str, ...]:
    return tuple((_WORDS / f"{name}.txt").read_text(encoding="utf-8").split())


FIRST_NAMES = _read_words("first_names")
LAST_NAMES = _read_words("last_names")
TITLES = (
    "Head of IT",
    "IT Manager",
    "Procurement Manager",
    "Purchasing Lead",
    "Operations Director",
    "Infrastructure Lead",
    "Chief Information Officer",
    "Finance Director",
    "Office Manager",
    "Systems Administrator",
    "Workplace Services Manager",
    "Data Centre Manager",
    "Service Desk Lead",
    "Managing Director",
    "Programme Manager",
    "Category Buyer",
)
_NAME_STARTS = _read_words("company_words")
_NAME_ENDS = (
    "Logistics",
    "Foods",
    "Clinics",
    "Printing",
    "Engineering",
    "Freight",
    "Schools Trust",
    "Insurance",
    "Textiles",
    "Veterinary Group",
    "Builders",
    "Hotels",
    "Dental",
    "Legal",
    "Credit Union",
    "Outdoor",
    "Pharmacy",
    "Bakeries",
    "Housing",
    "Laboratories",
    "Garden Centers",
    "Fitness",
    "Energy",
    "Publishing",
)
_AMERICAN_AREAS = (
    *("202", "205", "206", "207", "212", "213", "214", "215", "216", "303", "304", "305", "307"),
    *("310", "312", "313", "314", "316", "401", "402", "404", "405", "406", "412", "414", "415"),
    *("417", "501", "502", "503", "504", "505", "510", "512", "513", "515", "518", "601", "602"),
    *("605", "608", "612", "615", "617", "701", "702", "713", "720", "801", "802", "805", "816"),
    *("901", "904", "907", "918", "919"),
)


@dataclass(frozen=True, slots=True)
class Company:
    """A company that is no account yet."""

    name: str
    domain: str


class NameBook:
    """Hands out invented people and companies; no address, number or company is given twice."""

    def __init__(self, rng: Random, *, is_european: bool = False) -> None:
        self._rng = rng
        self._is_european = is_european
        self._taken: set[str] = set()

    def person(self) -> tuple[str, str]:
        """First and last name."""
        return self._rng.choice(FIRST_NAMES), self._rng.choice(LAST_NAMES)

    def title(self) -> str:
        """What somebody is at a company."""
        return self._rng.choice(TITLES)

    def other_title(self, title: str) -> str:
        """Another title than this."""
        return self._rng.choice([other for other in TITLES if other != title])

    def company(self) -> Company:
        """A company with its domain."""
        name = f"{self._rng.choice(_NAME_STARTS)} {self._rng.choice(_NAME_ENDS)}"
        if not self._take(name):
            name = self._numbered(f"{self._rng.choice(_NAME_STARTS)} & {name}")
        return Company(name, domain_of(name))

    def email(self, first_name: str, last_name: str, domain: str) -> str:
        """An address at a domain."""
        local = f"{plain(first_name)}.{plain(last_name)}"
        address = f"{local}@{domain}"
        number = 2
        while not self._take(address):
            address = f"{local}{number}@{domain}"
            number += 1
        return address

    def phone(self) -> str:
        """A telephone number, with its country code."""
        for _ in range(40):
            number = self._phone()
            if self._take(number):
                return number
        return f"{self._phone()} ext. {self._rng.randint(100, 999)}"

    def _phone(self) -> str:
        if self._is_european:
            if self._rng.random() < 0.5:
                return f"+44 20 7946 0{self._rng.randrange(1000):03d}"
            return f"+49 30 23125 {self._rng.randrange(1000):03d}"
        return f"+1 {self._rng.choice(_AMERICAN_AREAS)} 555 01{self._rng.randrange(100):02d}"

    def _numbered(self, name: str) -> str:
        candidate, number = name, 2
        while not self._take(candidate):
            candidate = f"{name} {number}"
            number += 1
        return candidate

    def _take(self, text: str) -> bool:
        if text in self._taken:
            return False
        self._taken.add(text)
        return True


def plain(name: str) -> str:
    """A name as it stands in addresses and user names: small ASCII letters, digits and hyphens."""
    letters = name.replace("ø", "o").replace("Ø", "o").replace("ı", "i").replace("ß", "ss")
    ascii_name = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9-]+", "", ascii_name.lower())


def domain_of(company: str) -> str:
    """The domain of a company, made from its name."""
    words = re.sub(r"[&'.]", " ", company).split()
    return f"{'-'.join(plain(word) for word in words if plain(word))}.example"


def other_format(phone: str) -> str:
    """The same number as people also write it."""
    if phone.startswith("+1 ") and "ext" not in phone:
        area, exchange, line = phone[3:].split(" ")
        return f"({area}) {exchange}-{line}"
    return phone.replace(" ", "-")
