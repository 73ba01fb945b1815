"""As many persons as one wants, some of them twice: name, birth date, city and e-mail, with errors.

Rows come one by one and go to a file, so that a million take a few MB.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from apps.duplicates.bench.generated.slips import (
    FrequentFirst,
    as_address,
    mistyped,
    mistyped_digits,
)
from apps.duplicates.bench.generated.words import (
    CITIES,
    GIVEN_NAMES,
    NICKNAMES,
    PRIVATE_DOMAINS,
    coined_given_name,
    coined_surname,
)

_DUPLICATE_SHARE = 0.2
_GIVEN_NAME_COUNT = 2_500
_SURNAME_COUNT = 45_000
_TOWN_COUNT = 3_000
_EMPLOYER_COUNT = 20_000
_FIRST_BIRTH, _BIRTH_DAYS = date(1940, 1, 1), 24_000
# A record waits for so many others before its double follows.
_APART = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    """One row; rows of one ``cluster`` are the same person."""

    cluster: int
    given_name: str
    surname: str
    birth_date: str
    city: str
    email: str


COLUMNS = tuple(Person.__slots__)


def write_persons(path: Path, rows: int, seed: int) -> None:
    """Write so many rows as CSV, the truth in the column ``cluster``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for person in generate_persons(rows, seed):
            writer.writerow([getattr(person, column) for column in COLUMNS])


def generate_persons(rows: int, seed: int) -> Iterator[Person]:
    """So many rows; a fifth of the persons come a second time, some a third, in other words."""
    rng = random.Random(seed)  # noqa: S311 - drawn again from the seed, nothing secret
    drawing = _Drawing(rng)
    waiting: list[Person] = []
    cluster = 0
    for made in range(rows):
        if waiting and (len(waiting) >= _APART or len(waiting) >= rows - made):
            at = rng.randrange(len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            yield waiting.pop()
            continue
        person = drawing.person(cluster)
        cluster += 1
        yield person
        if rng.random() < _DUPLICATE_SHARE:
            waiting.append(drawing.again(person))
            if rng.random() < 0.2:
                waiting.append(drawing.again(person))


def typed_again(persons: Iterable[Person], seed: int) -> Iterator[Person]:
    """Another record about each of these persons."""
    drawing = _Drawing(random.Random(seed))  # noqa: S311 - drawn again from the seed, nothing secret
    return map(drawing.again, persons)


class _Drawing:
    """The distributions that persons are drawn from."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        coined = range(_GIVEN_NAME_COUNT - len(GIVEN_NAMES))
        self._given_names = [*GIVEN_NAMES, *map(coined_given_name, coined)]
        self._by_given_name = FrequentFirst(_GIVEN_NAME_COUNT)
        self._by_surname = FrequentFirst(_SURNAME_COUNT, 0.8)
        self._by_city = FrequentFirst(len(CITIES) + _TOWN_COUNT, 0.9)

    def person(self, cluster: int) -> Person:
        """Somebody new, of whom not everything is known."""
        rng = self._rng
        given_name = self._given_names[self._by_given_name.draw(rng)]
        surname = coined_surname(self._by_surname.draw(rng))
        birth_date = _FIRST_BIRTH + timedelta(days=rng.randrange(_BIRTH_DAYS))
        return Person(
            cluster,
            given_name,
            surname,
            birth_date.isoformat() if rng.random() < 0.95 else "",
            self._city() if rng.random() < 0.9 else "",
            self._email(given_name, surname) if rng.random() < 0.8 else "",
        )

    def again(self, person: Person) -> Person:
        """The same person as others typed it in: one to three fields differ."""
        changes = (
            self._with_other_given_name,
            self._with_other_surname,
            self._with_other_birth_date,
            self._with_other_city,
            self._with_other_email,
        )
        count = self._rng.choice((1, 1, 2, 2, 3))
        for change in self._rng.sample(changes, count):
            person = change(person)
        return person

    def _city(self) -> str:
        number = self._by_city.draw(self._rng)
        return CITIES[number] if number < len(CITIES) else f"{coined_surname(number * 7)}dorf"

    def _email(self, given_name: str, surname: str) -> str:
        rng = self._rng
        given, last = as_address(given_name), as_address(surname)
        if rng.random() < 0.5:
            return f"{given}.{last}{rng.randrange(1, 100)}@{rng.choice(PRIVATE_DOMAINS)}"
        domain = f"{coined_surname(rng.randrange(_EMPLOYER_COUNT) * 3).lower()}.com"
        return f"{given[0]}.{last}@{domain}" if rng.random() < 0.5 else f"{given}.{last}@{domain}"

    def _with_other_given_name(self, person: Person) -> Person:
        rng, name = self._rng, person.given_name
        kind = rng.random()
        if kind < 0.3 and name in NICKNAMES:
            return replace(person, given_name=rng.choice(NICKNAMES[name]))
        if kind < 0.4:
            return replace(person, given_name=name[0])
        if kind < 0.5:
            return replace(person, given_name=person.surname, surname=name)
        return replace(person, given_name=mistyped(rng, name))

    def _with_other_surname(self, person: Person) -> Person:
        rng = self._rng
        if rng.random() < 0.1:
            return replace(person, surname=coined_surname(rng.randrange(_SURNAME_COUNT)))
        return replace(person, surname=mistyped(rng, person.surname))

    def _with_other_birth_date(self, person: Person) -> Person:
        rng, written = self._rng, person.birth_date
        if not written or rng.random() < 0.3:
            return replace(person, birth_date="")
        year, month, day = written.split("-")
        kind = rng.random()
        if kind < 0.3 and int(day) <= 12:
            return replace(person, birth_date=f"{year}-{day}-{month}")
        if kind < 0.5:
            return replace(person, birth_date=f"{year}-01-01")
        return replace(person, birth_date=mistyped_digits(rng, year) + written[4:])

    def _with_other_city(self, person: Person) -> Person:
        rng, kind = self._rng, self._rng.random()
        if kind < 0.4 or not person.city:
            return replace(person, city="" if kind < 0.3 else self._city())
        return replace(person, city=mistyped(rng, person.city))

    def _with_other_email(self, person: Person) -> Person:
        rng, kind = self._rng, self._rng.random()
        if not person.email or kind < 0.35:
            other = "" if kind < 0.2 else self._email(person.given_name, person.surname)
            return replace(person, email=other)
        local, _, domain = person.email.partition("@")
        if kind < 0.6:
            return replace(person, email=f"{local}@{rng.choice(PRIVATE_DOMAINS)}")
        return replace(person, email=f"{mistyped(rng, local)}@{domain}")
