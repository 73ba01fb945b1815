"""A CRM's people and accounts, some of them there twice, and what differs between the two."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from apps.duplicates.bench.generated.companies import Company, Worker, World
from apps.duplicates.bench.generated.slips import (
    mistyped,
    mistyped_digits,
    spelled_out,
    without_accents,
)
from apps.duplicates.bench.generated.words import LEGAL_FORMS, NICKNAMES, SURNAMES
from apps.duplicates.matching.fields import Field, Row

_DUPLICATE_SHARE = 0.25
# A switchboard for a desk, a shared mailbox for one's own: so often where somebody is first written down.
_SWITCHBOARD_SHARE, _MAILBOX_SHARE = 0.15, 0.05
_MOST_SLIPS = 3
_ACCOUNT_FIELDS = (Field.COMPANY, Field.WEBSITE, Field.PHONE, Field.STREET, Field.CITY)


class Slip(StrEnum):
    """What differs between a record and the one before it about the same person or company."""

    MISTYPED_GIVEN_NAME = "given name mistyped"
    MISTYPED_SURNAME = "surname mistyped"
    NICKNAME = "nickname"
    INITIAL = "initial"
    SWAPPED_NAMES = "names swapped"
    SURNAME_CHANGED = "surname changed"
    OTHER_SPELLING = "without accents, or in another script"
    CHANGED_JOB = "changed job"
    OTHER_TITLE = "other title"
    MISTYPED_EMAIL = "e-mail mistyped"
    PRIVATE_EMAIL = "private e-mail"
    SHARED_MAILBOX = "shared mailbox"
    NO_EMAIL = "no e-mail"
    MOBILE = "mobile"
    SWITCHBOARD = "switchboard"
    PHONE_WRITTEN_OTHERWISE = "phone written otherwise"
    MISTYPED_PHONE = "phone mistyped"
    NO_PHONE = "no phone"
    LEGAL_FORM = "legal form"
    COMPANY_MISTYPED = "company mistyped"
    COMPANY_SHORTENED = "company shortened"
    NO_COMPANY = "no company"
    OTHER_CITY = "other city"
    OTHER_STREET = "other street"
    WEBSITE_WRITTEN_OTHERWISE = "website written otherwise"


@dataclass(frozen=True, slots=True)
class GeneratedRecord:
    """One record. ``subject`` is who it is really about; ``slips`` tell it from the first such record."""

    row: Row
    subject: int
    is_contact: bool
    slips: tuple[Slip, ...] = ()


def generate_people(workers: int, seed: int) -> list[GeneratedRecord]:
    """The leads and contacts about so many people at companies; a quarter of them is there more than once."""
    rng = random.Random(seed)  # noqa: S311 - drawn again from the seed, nothing secret
    world = World(rng)
    companies = world.companies(max(workers // 6, 2))
    clerk = _Clerk(rng, world, companies)
    records = [
        record
        for worker in world.workers(companies, workers)
        for record in clerk.records_of(worker)
    ]
    rng.shuffle(records)
    return records


def generate_accounts(companies: int, seed: int) -> list[GeneratedRecord]:
    """The accounts of so many companies and a tenth of near-misses; a quarter is there more than once."""
    rng = random.Random(seed)  # noqa: S311 - drawn again from the seed, nothing secret
    world, clerk = World(rng), _AccountClerk(rng)
    real = world.companies(companies)
    near_misses = rng.sample(real, companies // 10)
    real += [rng.choice((world.sister, world.namesake))(company) for company in near_misses]
    records = [record for company in real for record in clerk.records_of(company)]
    rng.shuffle(records)
    return records


def _times(rng: random.Random) -> int:
    """How often somebody is written down."""
    return rng.choice((2, 2, 2, 3)) if rng.random() < _DUPLICATE_SHARE else 1


@dataclass(frozen=True, slots=True)
class _Draft:
    """A record about a worker while it is being written."""

    worker: Worker
    row: dict[Field, str]


_Change = Callable[[_Draft], _Draft | None]


class _Clerk:
    """Writes people down, each time a little differently."""

    def __init__(self, rng: random.Random, world: World, companies: list[Company]) -> None:
        self._rng = rng
        self._world = world
        self._companies = companies
        self._changes: dict[Slip, _Change] = {
            Slip.MISTYPED_GIVEN_NAME: lambda draft: self._mistype(draft, Field.GIVEN_NAME),
            Slip.MISTYPED_SURNAME: lambda draft: self._mistype(draft, Field.SURNAME),
            Slip.NICKNAME: self._nickname,
            Slip.INITIAL: self._initial,
            Slip.SWAPPED_NAMES: self._swap_names,
            Slip.SURNAME_CHANGED: self._change_surname,
            Slip.OTHER_SPELLING: self._spell_otherwise,
            Slip.CHANGED_JOB: self._change_job,
            Slip.OTHER_TITLE: lambda draft: self._set(draft, Field.TITLE, self._title()),
            Slip.MISTYPED_EMAIL: self._mistype_email,
            Slip.PRIVATE_EMAIL: lambda draft: self._set(
                draft, Field.EMAIL, draft.worker.private_email
            ),
            Slip.SHARED_MAILBOX: lambda draft: self._set(
                draft, Field.EMAIL, draft.worker.company.mailbox
            ),
            Slip.NO_EMAIL: lambda draft: self._set(draft, Field.EMAIL, ""),
            Slip.MOBILE: lambda draft: self._set(draft, Field.PHONE, draft.worker.mobile),
            Slip.SWITCHBOARD: lambda draft: self._set(
                draft, Field.PHONE, draft.worker.company.switchboard
            ),
            Slip.PHONE_WRITTEN_OTHERWISE: self._write_phone_otherwise,
            Slip.MISTYPED_PHONE: self._mistype_phone,
            Slip.NO_PHONE: lambda draft: self._set(draft, Field.PHONE, ""),
            Slip.LEGAL_FORM: lambda draft: self._set(
                draft, Field.COMPANY, other_legal_form(self._rng, draft.worker.company)
            ),
            Slip.COMPANY_MISTYPED: lambda draft: self._mistype(draft, Field.COMPANY),
            Slip.NO_COMPANY: lambda draft: self._set(draft, Field.COMPANY, ""),
            Slip.OTHER_CITY: lambda draft: self._set(
                draft, Field.CITY, self._rng.choice(self._companies).city
            ),
        }

    def records_of(self, worker: Worker) -> Iterator[GeneratedRecord]:
        """What stands in the CRM about somebody."""
        first = self._first(worker)
        yield GeneratedRecord(first.row, worker.number, self._rng.random() < 0.6)
        for _ in range(_times(self._rng) - 1):
            row, slips = self._again(first)
            yield GeneratedRecord(row, worker.number, self._rng.random() < 0.4, slips)

    def _first(self, worker: Worker) -> _Draft:
        row = _row_of(worker)
        if self._rng.random() < _SWITCHBOARD_SHARE:
            row[Field.PHONE] = worker.company.switchboard
        elif self._rng.random() < 0.4:
            row[Field.PHONE] = worker.mobile
        if self._rng.random() < _MAILBOX_SHARE:
            row[Field.EMAIL] = worker.company.mailbox
        return _Draft(worker, row)

    def _again(self, first: _Draft) -> tuple[Row, tuple[Slip, ...]]:
        """Another record, from which it still can be told that it is the same person."""
        while True:
            count = self._rng.randint(1, _MOST_SLIPS)
            draft, slips = first, []
            for slip in self._rng.sample(list(self._changes), count):
                changed = self._changes[slip](draft)
                if changed is not None:
                    draft = changed
                    slips.append(slip)
            if draft.row != first.row and _can_be_told(first, draft, slips):
                return draft.row, tuple(slips)

    def _title(self) -> str:
        return self._rng.choice(("Director", "Consultant", "Team Lead", "Owner"))

    def _set(self, draft: _Draft, field: Field, text: str) -> _Draft | None:
        if draft.row[field] == text:
            return None
        return _Draft(draft.worker, {**draft.row, field: text})

    def _mistype(self, draft: _Draft, field: Field) -> _Draft | None:
        text = draft.row[field]
        return self._set(draft, field, mistyped(self._rng, text)) if len(text) > 3 else None

    def _nickname(self, draft: _Draft) -> _Draft | None:
        names = NICKNAMES.get(draft.row[Field.GIVEN_NAME])
        return self._set(draft, Field.GIVEN_NAME, self._rng.choice(names)) if names else None

    def _initial(self, draft: _Draft) -> _Draft | None:
        name = draft.row[Field.GIVEN_NAME]
        is_latin = draft.worker.abroad is None and len(name) > 2
        return self._set(draft, Field.GIVEN_NAME, f"{name[0]}.") if is_latin else None

    def _swap_names(self, draft: _Draft) -> _Draft:
        row = draft.row
        swapped = {Field.GIVEN_NAME: row[Field.SURNAME], Field.SURNAME: row[Field.GIVEN_NAME]}
        return _Draft(draft.worker, {**row, **swapped})

    def _change_surname(self, draft: _Draft) -> _Draft | None:
        return self._set(draft, Field.SURNAME, self._rng.choice(SURNAMES))

    def _spell_otherwise(self, draft: _Draft) -> _Draft | None:
        names = {field: draft.row[field] for field in (Field.GIVEN_NAME, Field.SURNAME)}
        if draft.worker.abroad is not None:
            spelled = dict(zip(names, draft.worker.abroad, strict=True))
        else:
            spell = self._rng.choice((without_accents, spelled_out))
            spelled = {field: spell(text) for field, text in names.items()}
        return None if spelled == names else _Draft(draft.worker, {**draft.row, **spelled})

    def _change_job(self, draft: _Draft) -> _Draft:
        """At another company, from before or after: what stays is the mobile."""
        moved = self._world.moved(draft.worker, self._rng.choice(self._companies))
        names = {field: draft.row[field] for field in (Field.GIVEN_NAME, Field.SURNAME)}
        return _Draft(moved, {**_row_of(moved), **names, Field.PHONE: moved.mobile})

    def _mistype_email(self, draft: _Draft) -> _Draft | None:
        local, at, domain = draft.row[Field.EMAIL].partition("@")
        return (
            self._set(draft, Field.EMAIL, f"{mistyped(self._rng, local)}@{domain}") if at else None
        )

    def _write_phone_otherwise(self, draft: _Draft) -> _Draft | None:
        phone = draft.row[Field.PHONE]
        return self._set(draft, Field.PHONE, written_otherwise(self._rng, phone)) if phone else None

    def _mistype_phone(self, draft: _Draft) -> _Draft | None:
        phone = draft.row[Field.PHONE]
        return self._set(draft, Field.PHONE, mistyped_digits(self._rng, phone)) if phone else None


class _AccountClerk:
    """Writes companies down, each time a little differently."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def records_of(self, company: Company) -> Iterator[GeneratedRecord]:
        """What stands in the CRM about a company."""
        row = {
            Field.COMPANY: company.name,
            Field.WEBSITE: f"https://www.{company.domain}",
            Field.PHONE: company.switchboard,
            Field.STREET: company.street,
            Field.CITY: company.city,
        }
        yield GeneratedRecord(row, company.number, is_contact=False)
        for _ in range(_times(self._rng) - 1):
            again, slips = dict(row), self._rng.sample(_ACCOUNT_SLIPS, self._rng.randint(1, 5))
            for slip in slips:
                field, text = self._changed(slip, company, again)
                again[field] = text
            yield GeneratedRecord(again, company.number, is_contact=False, slips=tuple(slips))

    def _changed(self, slip: Slip, company: Company, row: Row) -> tuple[Field, str]:
        rng = self._rng
        match slip:
            case Slip.LEGAL_FORM:
                return Field.COMPANY, other_legal_form(rng, company)
            case Slip.COMPANY_MISTYPED:
                return Field.COMPANY, mistyped(rng, row[Field.COMPANY])
            case Slip.COMPANY_SHORTENED:
                return Field.COMPANY, company.words.split()[0]
            case Slip.WEBSITE_WRITTEN_OTHERWISE:
                written = (
                    company.domain,
                    f"http://{company.domain}/",
                    f"www.{company.domain}/de",
                    "",
                )
                return Field.WEBSITE, rng.choice(written)
            case Slip.PHONE_WRITTEN_OTHERWISE:
                return Field.PHONE, written_otherwise(rng, company.switchboard)
            case Slip.NO_PHONE:
                return Field.PHONE, ""
            case Slip.OTHER_STREET:
                return Field.STREET, row[Field.STREET].replace("strasse", "str.")
            case _:
                return Field.CITY, without_accents(company.city) if rng.random() < 0.5 else ""


_ACCOUNT_SLIPS = (
    Slip.LEGAL_FORM, Slip.COMPANY_MISTYPED, Slip.COMPANY_SHORTENED, Slip.WEBSITE_WRITTEN_OTHERWISE,
    Slip.PHONE_WRITTEN_OTHERWISE, Slip.NO_PHONE, Slip.OTHER_STREET, Slip.OTHER_CITY,
)  # fmt: skip


def other_legal_form(rng: random.Random, company: Company) -> str:
    """The company with another legal form, or with none."""
    return rng.choice((company.words, f"{company.words} {rng.choice(LEGAL_FORMS)}"))


def written_otherwise(rng: random.Random, phone: str) -> str:
    """An international number with blanks, or with two zeros for the plus."""
    code, rest = phone[:3], phone[3:]
    grouped = f"{rest[:2]} {rest[2:5]} {rest[5:7]} {rest[7:]}".strip()
    return rng.choice((f"{code} {grouped}", f"00{code[1:]}{rest}", f"{code} (0){grouped}"))


def _row_of(worker: Worker) -> dict[Field, str]:
    return {
        Field.GIVEN_NAME: worker.given_name,
        Field.SURNAME: worker.surname,
        Field.EMAIL: worker.email,
        Field.PHONE: worker.phone,
        Field.CITY: worker.company.city,
        Field.COMPANY: worker.company.name,
        Field.TITLE: worker.title,
    }


def _can_be_told(first: _Draft, again: _Draft, slips: list[Slip]) -> bool:
    """Whether something of one's own stands in both: the address, the number, or name and company."""
    worker, known = again.worker, first.row
    own_numbers = {worker.mobile, first.worker.phone}
    if Slip.CHANGED_JOB in slips:
        return known[Field.PHONE] == worker.mobile and again.row[Field.PHONE] == worker.mobile
    if known[Field.EMAIL] == again.row[Field.EMAIL] == first.worker.email:
        return True
    if known[Field.PHONE] in own_numbers and known[Field.PHONE] == again.row[Field.PHONE]:
        return True
    return bool(again.row[Field.COMPANY]) and Slip.SURNAME_CHANGED not in slips
