"""What tests of duplicates share: people who stand twice, and what is stored about them."""

from __future__ import annotations

from datetime import UTC, datetime

from apps.crm.enums import RecordKind
from apps.crm.models import Contact, Lead, Record
from apps.crm.tests.factories import AccountFactory, ContactFactory, LeadFactory
from apps.duplicates.enums import FoundBy, Subject
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


def ref_of(record: Record) -> RecordRef:
    return RecordRef(record.kind, record.pk)


def pair_of(one: Record, other: Record) -> Pair:
    return Pair.objects.get(key=key_of(ref_of(one), ref_of(other)))


FOUND_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_pair(
    survivor: Record, duplicate: Record, probability: float = 0.95, **values: object
) -> Pair:
    """A likely pair, as a look at everything leaves it."""
    is_company = survivor.kind == RecordKind.ACCOUNT
    known: dict[str, object] = {
        "subject": Subject.COMPANY if is_company else Subject.PERSON,
        "survivor_kind": survivor.kind,
        "survivor_id": survivor.pk,
        "duplicate_kind": duplicate.kind,
        "duplicate_id": duplicate.pk,
        "key": key_of(ref_of(survivor), ref_of(duplicate)),
        "probability": probability,
        "is_likely": True,
        "found_by": FoundBy.BATCH,
        "found_at": FOUND_AT,
        "compared_at": FOUND_AT,
    }
    return Pair.objects.create(**{**known, **values})
