"""Companies and the people who work there, as they really are: a CRM's records are written from these."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from apps.duplicates.bench.generated.slips import FrequentFirst, as_address, pick
from apps.duplicates.bench.generated.words import (
    ABROAD,
    CITIES,
    COMPANY_TRADES,
    COMPANY_WORDS,
    COUNTRIES,
    GIVEN_NAMES,
    LEGAL_FORMS,
    PRIVATE_DOMAINS,
    ROLE_MAILBOXES,
    SURNAMES,
    TITLES,
    coined_given_name,
    coined_surname,
)

# How addresses are made at a company.
_PATTERNS = (
    "{given}.{surname}",
    "{initial}.{surname}",
    "{surname}",
    "{given}",
    "{initial}{surname}",
)
_COMPANY_SIZES = (1, 1, 2, 2, 3, 4, 6, 9, 15, 30)
_LARGEST_COMPANY, _LARGEST_SHARE = 300, 12
_RARE_GIVEN_NAMES, _RARE_SURNAMES = 300, 2_500


@dataclass(frozen=True, slots=True)
class Company:
    """An employer. ``switchboard`` is its number in the international form; extensions follow it."""

    number: int
    words: str
    legal_form: str
    domain: str
    city: str
    street: str
    switchboard: str
    mailbox: str
    pattern: str

    @property
    def name(self) -> str:
        """As it signs."""
        return f"{self.words} {self.legal_form}"


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody at a company; ``abroad`` is the name as others write it, where the own script is another."""

    number: int
    given_name: str
    surname: str
    company: Company
    title: str
    email: str
    private_email: str
    extension: str
    mobile: str
    abroad: tuple[str, str] | None = None

    @property
    def phone(self) -> str:
        """The number on the desk."""
        return f"{self.company.switchboard[:-2]}{self.extension}"


class World:
    """Draws companies and workers, near-misses among them: namesakes elsewhere, and relatives in one firm."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._given_names = [*GIVEN_NAMES, *map(coined_given_name, range(_RARE_GIVEN_NAMES))]
        self._by_given_name = FrequentFirst(len(self._given_names), 0.8)
        self._by_surname = FrequentFirst(len(SURNAMES) + _RARE_SURNAMES, 0.6)
        self._company_count = 0
        self._worker_count = 0
        self._names_taken: set[str] = set()

    def companies(self, count: int) -> list[Company]:
        """So many companies."""
        return [self._company() for _ in range(count)]

    def sister(self, company: Company) -> Company:
        """Another company of the same group: its name with another country's, the website of the group."""
        there = self._company()
        words = f"{company.words} {self._rng.choice(COUNTRIES)}"
        return replace(there, words=words, domain=company.domain)

    def namesake(self, company: Company) -> Company:
        """Another company that happens to have the same name, elsewhere."""
        return replace(self._company(), words=company.words)

    def workers(self, companies: list[Company], count: int) -> list[Worker]:
        """So many people: one company has hundreds of them, most have few."""
        found: list[Worker] = []
        largest = min(_LARGEST_COMPANY, count // _LARGEST_SHARE)
        for place, company in enumerate(companies):
            size = largest if place == 0 else self._rng.choice(_COMPANY_SIZES)
            found += [self.worker(company) for _ in range(min(size, count - len(found)))]
        while len(found) < count:
            found.append(self._near_miss(self._rng.choice(found), companies))
        return found

    def worker(self, company: Company) -> Worker:
        """Somebody new there."""
        rng = self._rng
        if rng.random() < 0.04:
            (given, surname), abroad = rng.choice(ABROAD)
            return self._at(company, given, surname, abroad)
        number = self._by_surname.draw(rng)
        surname = SURNAMES[number] if number < len(SURNAMES) else coined_surname(number * 17)
        return self._at(company, pick(rng, self._given_names, self._by_given_name), surname, None)

    def moved(self, worker: Worker, company: Company) -> Worker:
        """The same person at another company."""
        there = self._at(company, worker.given_name, worker.surname, worker.abroad)
        return replace(
            there,
            number=worker.number,
            mobile=worker.mobile,
            private_email=worker.private_email,
        )

    def _near_miss(self, worker: Worker, companies: list[Company]) -> Worker:
        """Another person who looks like one: the same name elsewhere, or a relative in the same company."""
        rng = self._rng
        if rng.random() < 0.5:
            others = [company for company in companies if company.city != worker.company.city]
            return self._at(rng.choice(others), worker.given_name, worker.surname, worker.abroad)
        given = rng.choice([name for name in GIVEN_NAMES if name[0] != worker.given_name[0]])
        return self._at(worker.company, given, worker.surname, None)

    def _at(
        self, company: Company, given: str, surname: str, abroad: tuple[str, str] | None
    ) -> Worker:
        rng = self._rng
        latin_given, latin_surname = abroad or (given, surname)
        parts = {
            "given": as_address(latin_given),
            "initial": as_address(latin_given)[:1],
            "surname": as_address(latin_surname),
        }
        self._worker_count += 1
        return Worker(
            number=self._worker_count,
            given_name=given,
            surname=surname,
            company=company,
            title=rng.choice(TITLES),
            email=self._free(company.pattern.format(**parts), company.domain),
            private_email=self._free(
                "{given}.{surname}".format(**parts), rng.choice(PRIVATE_DOMAINS)
            ),
            extension=f"{rng.randrange(1, 100):02}",
            mobile=f"+4179{rng.randrange(2_000_000, 9_999_999)}",
            abroad=abroad,
        )

    def _free(self, local: str, domain: str) -> str:
        """An address that nobody else has."""
        numbered = (f"{local}{suffix}@{domain}" for suffix in _suffixes())
        address = next(address for address in numbered if address not in self._names_taken)
        self._names_taken.add(address)
        return address

    def _company(self) -> Company:
        rng = self._rng
        trade = rng.choice(COMPANY_TRADES)
        first = (
            rng.choice(COMPANY_WORDS)
            if rng.random() < 0.6
            else coined_surname(rng.randrange(9_000))
        )
        words = f"{first} {trade}"
        number = self._company_count
        self._company_count += 1
        ending = rng.choice(("ch", "de", "com", "com", "co.uk"))
        domain = next(
            name
            for suffix in _suffixes()
            if (name := f"{as_address(words)}{suffix}.{ending}") not in self._names_taken
        )
        self._names_taken.add(domain)
        return Company(
            number=number,
            words=words,
            legal_form=rng.choice(LEGAL_FORMS),
            domain=domain,
            city=rng.choice(CITIES),
            street=f"{coined_surname(rng.randrange(2_000))}strasse {rng.randrange(1, 120)}",
            switchboard=f"+4144{rng.randrange(10_000, 99_999)}00",
            mailbox=f"{rng.choice(ROLE_MAILBOXES)}@{domain}",
            pattern=rng.choice(_PATTERNS),
        )


def _suffixes() -> Iterator[str]:
    yield ""
    number = 2
    while True:
        yield str(number)
        number += 1
