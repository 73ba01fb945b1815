"""The same person or company entered twice, by colleagues who did not look; and others that only look alike.

Of a hundred contacts about three are somebody whom the CRM knows already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from random import Random

from apps.operations.demo.causes import LookAlikes, Resemblance
from apps.operations.demo.names import NameBook, domain_of, other_format, plain
from apps.operations.demo.schemas import GENERATED, AccountRow, ContactRow, LeadRow, World
from apps.operations.demo.simulation.diary import Diary

_CONTACT_SHARE = 0.03
_LEAD_SHARE = 0.02
_ACCOUNT_SHARE = 0.025
_NEAR_SHARE = 0.012
_LEGAL_FORMS = ("Inc.", "LLC", "GmbH", "Ltd", "Corp.")
_SHORT_NAMES = {
    "Alexander": "Alex", "Andrew": "Andy", "Anthony": "Tony", "Benjamin": "Ben", "Catherine": "Cathy",
    "Charles": "Charlie", "Christopher": "Chris", "Daniel": "Dan", "David": "Dave", "Edward": "Ed",
    "Elizabeth": "Liz", "James": "Jim", "Jennifer": "Jenny", "John": "Jack", "Jonathan": "Jon",
    "Joseph": "Joe", "Katherine": "Kate", "Margaret": "Maggie", "Matthew": "Matt", "Michael": "Mike",
    "Nicholas": "Nick", "Patricia": "Pat", "Peter": "Pete", "Richard": "Rick", "Robert": "Bob",
    "Samuel": "Sam", "Stephen": "Steve", "Steven": "Steve", "Susan": "Sue", "Thomas": "Tom",
    "Timothy": "Tim", "William": "Bill",
}  # fmt: skip


def enter_twice(diary: Diary, rng: Random) -> None:
    """Add the twins of contacts, leads and accounts, and those who only look alike."""
    world = diary.world
    known = [row for row in world.contacts if row.account]
    count = len(world.contacts)
    chosen = rng.sample(known, min(len(known), round(count * (_CONTACT_SHARE + 2 * _NEAR_SHARE))))
    twins = round(count * _CONTACT_SHARE)
    for row in chosen[:twins]:
        _add_contact(diary, row, _twin_of(diary, row, rng), Resemblance.SAME_PERSON)
    for position, row in enumerate(chosen[twins:]):
        near = (_relative_of, _namesake_of, _shares_mailbox_with)[position % 3]
        other, resemblance = near(diary, row, rng)
        _add_contact(diary, row, other, resemblance)
    for row in rng.sample(known, min(len(known), round(len(world.leads) * _LEAD_SHARE))):
        _add_lead(diary, row, rng)
    _add_accounts(world, rng, diary.calendar.now)


def _add_contact(
    diary: Diary, row: ContactRow, other: ContactRow, resemblance: Resemblance
) -> None:
    diary.world.contacts.append(other)
    diary.world.causes.people[other.key] = diary.world.causes.people[row.key]
    diary.world.causes.look_alikes.append(
        LookAlikes(("contact", row.key), ("contact", other.key), resemblance)
    )


def _next_key(world: World) -> str:
    return f"contact-{len(world.contacts) + 1}"


def _twin_of(diary: Diary, row: ContactRow, rng: Random) -> ContactRow:
    """The same person, typed by a colleague from a card or a call."""
    first, last = _mistyped(row.first_name, row.last_name, rng)
    domain = row.email.rpartition("@")[2]
    local = plain(row.last_name)
    address = rng.choice(("", f"{plain(row.first_name)[:1]}.{local}@{domain}", f"{local}@{domain}"))
    # A number at least, where there is no address: two rows without either nobody could tell for one.
    has_phone = not address or rng.random() < 0.6
    return replace(
        row,
        key=_next_key(diary.world),
        owner=_colleague_of(diary, row.owner, rng),
        first_name=first,
        last_name=last,
        title=row.title if rng.random() < 0.5 else "",
        email=address,
        email_status="unknown",
        phone=other_format(row.phone) if has_phone else "",
        notes="",
        created_at=_later(diary, row.created_at, rng),
    )


def _mistyped(first: str, last: str, rng: Random) -> tuple[str, str]:
    slip = rng.choice(("none", "letters", "short", "accents", "order"))
    if slip == "letters" and len(last) > 4:
        place = rng.randrange(1, len(last) - 1)
        return first, last[:place] + last[place + 1] + last[place] + last[place + 2 :]
    if slip == "short":
        return _SHORT_NAMES.get(first, first), last
    if slip == "accents":
        return plain(first).title(), plain(last).title()
    if slip == "order":
        return last, first
    return first, last


def _relative_of(diary: Diary, row: ContactRow, rng: Random) -> tuple[ContactRow, Resemblance]:
    """Father and son at one company, reached by one switchboard."""
    first, _ = diary.names.person()
    return (
        _person(diary, row, first, row.last_name, rng, phone=row.phone),
        Resemblance.RELATIVES,
    )


def _namesake_of(diary: Diary, row: ContactRow, rng: Random) -> tuple[ContactRow, Resemblance]:
    """Somebody of the same name at another company."""
    company = diary.names.company()
    other = _person(diary, row, row.first_name, row.last_name, rng, domain=company.domain)
    notes = f"Works at {company.name}, which is no account yet."
    return replace(other, account="", notes=notes), Resemblance.NAMESAKES


def _shares_mailbox_with(
    diary: Diary, row: ContactRow, rng: Random
) -> tuple[ContactRow, Resemblance]:
    """Two people with one telephone of a department."""
    first, last = diary.names.person()
    return _person(diary, row, first, last, rng, phone=row.phone), Resemblance.SHARED_MAILBOX


def _person(
    diary: Diary,
    row: ContactRow,
    first: str,
    last: str,
    rng: Random,
    *,
    phone: str = "",
    domain: str = "",
) -> ContactRow:
    domain = domain or row.email.rpartition("@")[2]
    return replace(
        row,
        key=_next_key(diary.world),
        first_name=first,
        last_name=last,
        title=diary.names.other_title(row.title),
        email=diary.names.email(first, last, domain),
        phone=phone or diary.names.phone(),
        notes="",
        created_at=_later(diary, row.created_at, rng),
    )


def _add_lead(diary: Diary, row: ContactRow, rng: Random) -> None:
    """A contact fills in a form of the web page, and becomes a lead besides."""
    world = diary.world
    first, last = _mistyped(row.first_name, row.last_name, rng)
    account = next(account for account in world.accounts if account.key == row.account)
    key = f"lead-{len(world.leads) + 1}"
    created_at = diary.calendar.ago(rng.uniform(20, 120), rng)
    world.leads.append(
        LeadRow(
            key=key,
            owner=_colleague_of(diary, row.owner, rng),
            first_name=first,
            last_name=last,
            company=account.name,
            title="",
            email=row.email if rng.random() < 0.5 else "",
            phone=other_format(row.phone),
            status="unqualified",
            lead_source="Web form",
            estimated_value=world.products[0].price,
            do_not_contact=False,
            notes="",
            created_at=created_at,
        )
    )
    world.causes.people[key] = world.causes.people[row.key]
    same = LookAlikes(("contact", row.key), ("lead", key), Resemblance.SAME_PERSON)
    world.causes.look_alikes.append(same)


def _add_accounts(world: World, rng: Random, now: datetime) -> None:
    """Some companies once more under another legal form, and some sisters of a group."""
    count = max(2, round(len(world.accounts) * _ACCOUNT_SHARE))
    chosen = rng.sample(list(world.accounts), count * 2)
    for position, row in enumerate(chosen):
        is_same = position < count
        name = f"{row.name} {rng.choice(_LEGAL_FORMS if is_same else ('Services', 'Leasing'))}"
        other = AccountRow(
            key=f"twin-{len(world.accounts) + 1}",
            source=GENERATED,
            name=name,
            domain=row.domain if is_same else domain_of(name),
            sector=row.sector,
            employees=row.employees,
            annual_revenue=row.annual_revenue,
            location=row.location,
            phone=other_format(row.phone) if is_same else NameBook(rng).phone(),
            parent="" if is_same else row.key,
            owner=row.owner,
            keeper=row.keeper,
            created_at=min(row.created_at, now),
            attributes=dict(row.attributes),
        )
        world.accounts.append(other)
        resemblance = Resemblance.SAME_COMPANY if is_same else Resemblance.SISTER_COMPANY
        world.causes.look_alikes.append(
            LookAlikes(("account", row.key), ("account", other.key), resemblance)
        )


def _colleague_of(diary: Diary, owner: str, rng: Random) -> str:
    """Somebody else of the same team, as far as there is one."""
    team = diary.people[owner].team
    others: Sequence[str] = sorted(
        person.username
        for person in diary.people.values()
        if person.team == team and person.role == "rep" and person.username != owner
    )
    return rng.choice(others) if others else owner


def _later(diary: Diary, created_at: datetime, rng: Random) -> datetime:
    return min(diary.calendar.after(created_at, rng.uniform(20, 200), rng), diary.calendar.now)
