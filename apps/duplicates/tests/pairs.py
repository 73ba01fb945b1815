"""What tests of duplicates share: people who stand twice, and what is stored about them."""

from __future__ import annotations

from apps.crm.models import Contact, Lead
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory
from apps.duplicates.models import Pair
from apps.duplicates.models.pairs import key_of
from apps.execution.schemas import RecordRef

GIVEN = (
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Niklaus",
    "Frances",
    "Tony",
    "Leslie",
)
SURNAMES = ("Ritter", "Okafor", "Lindqvist", "Marchetti", "Nowak", "Fernandez", "Ito", "Schneider")


def add_people(count: int) -> list[Lead]:
    """Leads who have nothing to do with each other."""
    return [
        LeadFactory(
            first_name=GIVEN[number % 10],
            last_name=f"{SURNAMES[number // 10 % 8]}{chr(97 + number // 80)}",
            company=f"{SURNAMES[number % 8]} {GIVEN[number // 7 % 10]} Works {number}",
            email=f"{GIVEN[number % 10]}.{number}@firm{number}.test.ch".lower(),
            phone=f"+41 44 {200 + number % 700} {10 + number % 80} {10 + number // 3 % 80}",
        )
        for number in range(count)
    ]


def add_twins() -> tuple[Contact, Lead]:
    """A contact, and a lead who is that contact with a slip of the pen."""
    account = AccountFactory(name="Brunner Maschinenbau AG", website="brunner-maschinen.ch")
    contact = ContactFactory(
        first_name="Katharina",
        last_name="Wyttenbach",
        email="k.wyttenbach@brunner-maschinen.ch",
        phone="+41 44 555 12 34",
        account=account,
    )
    lead = LeadFactory(
        first_name="Katarina",
        last_name="Wyttenbach",
        email="k.wyttenbach@brunner-maschinen.ch",
        phone="044 555 12 34",
        company="Brunner Maschinenbau",
    )
    return contact, lead


def ref_of(record: Contact | Lead) -> RecordRef:
    return RecordRef(record.kind, record.pk)


def pair_of(one: Contact | Lead, other: Contact | Lead) -> Pair:
    return Pair.objects.get(key=key_of(ref_of(one), ref_of(other)))
