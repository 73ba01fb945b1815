"""People of one company who share a telephone, and whether their names let them be one."""

from __future__ import annotations

import pytest

from apps.crm.tests.factories import AccountFactory, ContactFactory
from apps.duplicates.enums import Subject
from apps.duplicates.services.matching import match_all
from apps.duplicates.tests.pairs import FOUND_AT, add_people, pair_of
from apps.tenants.models import Tenant


@pytest.mark.parametrize(
    ("given", "surname", "email", "is_likely"),
    [
        ("Katarina", "Wyttenbach", "", True),
        ("Wyttenbach", "Katharina", "", True),
        ("Katharina", "Brugger", "", True),
        ("Ulrich", "Wyttenbach", "ulrich@brunner-maschinen.ch", False),
        ("Ulrich", "Sommer", "u.sommer@brunner-maschinen.ch", False),
        ("Ulrich", "Sommer", "k.wyttenbach@brunner-maschinen.ch", True),
    ],
    ids=["a slip", "exchanged", "another surname", "a relative", "a colleague", "one address"],
)
def test_whose_names_differ_is_another_unless_the_address_is_the_same(
    acme: Tenant, given: str, surname: str, email: str, is_likely: bool
) -> None:
    add_people(60)
    account = AccountFactory(name="Brunner Maschinenbau AG", website="brunner-maschinen.ch")
    known = {"account": account, "phone": "+41 44 555 12 34"}
    one = ContactFactory(
        first_name="Katharina",
        last_name="Wyttenbach",
        email="k.wyttenbach@brunner-maschinen.ch",
        **known,
    )
    other = ContactFactory(first_name=given, last_name=surname, email=email, **known)
    match_all(Subject.PERSON, now=FOUND_AT, tell=lambda stage: None)
    pair = pair_of(one, other)
    assert pair.probability > 0.8
    assert pair.is_likely is is_likely
