"""Where hostile texts stand: each in a record of its own, about which something is to be suggested."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from apps.conftest import Cast
from apps.crm.enums import ActivityKind, Direction
from apps.crm.models import Record
from apps.crm.tests.factories import (
    AccountFactory,
    ActivityFactory,
    ContactFactory,
    ContractFactory,
    LeadFactory,
    OpportunityFactory,
    TaskFactory,
)
from apps.suggestions.tests.cases import LONG_AGO, NOW, quiet_lead
from apps.suggestions.tests.hostile.payloads import PAYLOADS, Payload
from apps.users.models import User

Planter = Callable[[User, str], Record]
FOUR_DAYS_AGO = NOW - timedelta(days=4)
_NUMBERS = count(1)


def _message(owner: User, **fields: object) -> Record:
    """A mail about an open deal that nobody has answered."""
    # A name with a number would be read as the number of a record.
    deal = OpportunityFactory(owner=owner, name="Isdom renewal", created_at=FOUR_DAYS_AGO)
    message: Record = ActivityFactory(
        owner=owner, opportunity=deal, occurred_at=FOUR_DAYS_AGO, **fields
    )
    return message


def _stranger(owner: User, **fields: object) -> Record:
    """The first mail of somebody who is not on file."""
    message: Record = ActivityFactory(
        owner=owner,
        counterpart_address=f"max{next(_NUMBERS)}@somewhere.example",
        occurred_at=FOUR_DAYS_AGO,
        **fields,
    )
    return message


def _contact_name(owner: User, text: str) -> Record:
    contact = ContactFactory(owner=owner, first_name=text[:100], last_name="")
    return _message(owner, contact=contact)


def _signature(owner: User, text: str) -> Record:
    contact = ContactFactory(owner=owner, title="Buyer")
    ActivityFactory(
        owner=owner,
        contact=contact,
        activity_kind=ActivityKind.EMAIL,
        direction=Direction.INBOUND,
        occurred_at=NOW - timedelta(hours=1),
        stated_details={"title": text[:150], "phone": "+49 30 123456"},
    )
    return contact


def _account(owner: User, **fields: object) -> Record:
    account: Record = AccountFactory(owner=owner, **fields)
    ContractFactory(account=account, owner=owner, renews_on=(NOW + timedelta(days=20)).date())
    return account


def _contract(owner: User, text: str) -> Record:
    account: Record = AccountFactory(owner=owner)
    renews_on = (NOW + timedelta(days=20)).date()
    ContractFactory(account=account, owner=owner, name=text[:150], renews_on=renews_on)
    return account


def _deal(owner: User, **fields: object) -> Record:
    """An open deal past its close date."""
    deal: Record = OpportunityFactory(owner=owner, expected_close_on=LONG_AGO.date(), **fields)
    return deal


def _task(owner: User, **fields: object) -> Record:
    task: Record = TaskFactory(owner=owner, due_on=LONG_AGO.date(), **fields)
    return task


def _quiet_lead_with_mail(owner: User, text: str) -> Record:
    lead = quiet_lead(owner)
    ActivityFactory(lead=lead, owner=owner, occurred_at=LONG_AGO, subject=text[:300], body=text)
    return lead


PLACES: Mapping[str, Planter] = {
    "lead name": lambda owner, text: quiet_lead(owner, first_name=text[:100], last_name=""),
    "lead company": lambda owner, text: quiet_lead(owner, company=text[:200]),
    "lead title": lambda owner, text: quiet_lead(owner, title=text[:150]),
    "lead notes": lambda owner, text: quiet_lead(owner, notes=text),
    "lead subject": _quiet_lead_with_mail,
    "message subject": lambda owner, text: _message(owner, subject=text[:300]),
    "message body": lambda owner, text: _message(owner, body=text),
    "contact name": _contact_name,
    "sender name": lambda owner, text: _stranger(owner, counterpart_name=text[:200]),
    "stranger company": lambda owner, text: _stranger(owner, stated_details={"company": text}),
    "stranger body": lambda owner, text: _stranger(owner, body=text),
    "signature": _signature,
    "account name": lambda owner, text: _account(owner, name=text[:200]),
    "account notes": lambda owner, text: _account(owner, notes=text),
    "contract name": _contract,
    "deal name": lambda owner, text: _deal(owner, name=text[:200]),
    "deal next step": lambda owner, text: _deal(owner, next_step=text[:200]),
    "deal notes": lambda owner, text: _deal(owner, notes=text),
    "task title": lambda owner, text: _task(owner, title=text[:200]),
    "task description": lambda owner, text: _task(owner, description=text),
}
# Long texts fit here whole, and the rules quote none of them.
LONG_PLACES = (
    "lead notes",
    "message body",
    "account notes",
    "deal notes",
    "task description",
    "stranger body",
)
# Places that hold less than an encoded order is long.
SHORT_PLACES = tuple(place for place in PLACES if place not in LONG_PLACES)


@dataclass(frozen=True, slots=True)
class Case:
    """One attack in one place."""

    payload: Payload
    place: str

    @property
    def key(self) -> str:
        """Its name in messages."""
        return f"{self.payload.key} in {self.place}"


@dataclass(frozen=True, slots=True)
class Planted:
    """A case and the record that it stands in."""

    case: Case
    record: Record
    text: str


def cases() -> Iterator[Case]:
    """Each attack in a long place and, unless it is one that the rules may quote, in a short one."""
    for number, payload in enumerate(PAYLOADS):
        yield Case(payload, LONG_PLACES[number % len(LONG_PLACES)])
        if not payload.is_subtle and len(payload.text(10**6, 10**6)) <= 150:
            yield Case(payload, SHORT_PLACES[number % len(SHORT_PLACES)])
            yield Case(payload, SHORT_PLACES[(number + 7) % len(SHORT_PLACES)])


def plant(cast: Cast) -> list[Planted]:
    """Write all of them into the CRM of the tenant, owned by the rep."""
    victim = LeadFactory(owner=cast.outsider, first_name="Vera", last_name="Victim")
    planted = []
    for case in cases():
        text = case.payload.text(victim.pk, cast.outsider.pk)
        planted.append(Planted(case, PLACES[case.place](cast.rep, text), text))
    return planted
