"""The rows that the demo's generator hands to the loader: plain facts, keyed by text.

A row names other rows by their ``key``, never by a database id: the loader knows the ids. The key is also
the row's external id, so that a later measurement can find the record behind a hidden cause. Money is in
the tenant's currency; moments carry a time zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from apps.operations.demo.causes import HiddenCauses

# What a field of the change log may hold, before and after.
ChangedValue: TypeAlias = "str | Decimal | date | datetime | None"

GENERATED = "generated"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works at the tenant; ``role`` is a value of PersonRole."""

    username: str
    first_name: str
    last_name: str
    role: str
    team: str
    time_zone: str = ""

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"


@dataclass(frozen=True, slots=True)
class Team:
    """People who see each other's records."""

    name: str
    region: str


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product with its list price."""

    key: str
    source: str
    name: str
    series: str
    price: Decimal
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A company that one sells to; ``parent`` is the key of the company that owns it, or empty.

    ``keeper`` looks after it. ``owner`` is the same person, or empty when several teams sell there.
    """

    key: str
    source: str
    name: str
    domain: str
    sector: str
    employees: int
    annual_revenue: Decimal
    location: str
    phone: str
    parent: str
    owner: str
    keeper: str
    created_at: datetime
    attributes: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A person at an account, or at a company that is no account yet (``account`` empty)."""

    key: str
    account: str
    owner: str
    first_name: str
    last_name: str
    title: str
    email: str
    email_status: str
    phone: str
    notes: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A person who might become a customer."""

    key: str
    owner: str
    first_name: str
    last_name: str
    company: str
    title: str
    email: str
    phone: str
    status: str
    lead_source: str
    estimated_value: Decimal
    do_not_contact: bool
    notes: str
    created_at: datetime
    converted_contact: str = ""
    converted_deal: str = ""


@dataclass(frozen=True, slots=True)
class DealRow:
    """A deal; ``stage`` is the key of its present stage."""

    key: str
    source: str
    name: str
    account: str
    contact: str
    product: str
    owner: str
    stage: str
    stage_entered_at: datetime
    amount: Decimal
    opened_on: date | None
    expected_close_on: date | None
    closed_on: date | None
    next_step: str
    lost_reason: str
    created_at: datetime
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """A mail, call, meeting or note; the empty key means that it hangs on nothing of that kind."""

    key: str
    owner: str
    kind: str
    direction: str
    occurred_at: datetime
    subject: str
    body: str
    lead: str = ""
    contact: str = ""
    account: str = ""
    deal: str = ""
    counterpart_address: str = ""
    counterpart_name: str = ""
    delivery: str = "unknown"
    stated_details: dict[str, str] = field(default_factory=dict)
    entered_at: datetime | None = None  # when it happened, unless given


@dataclass(frozen=True, slots=True)
class TaskRow:
    """Something that a rep means to do."""

    key: str
    owner: str
    title: str
    description: str
    due_on: date
    status: str
    priority: int
    created_at: datetime
    completed_at: datetime | None = None
    lead: str = ""
    contact: str = ""
    account: str = ""
    deal: str = ""


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A term of a running agreement, or one that has ended."""

    key: str
    account: str
    owner: str
    name: str
    value: Decimal
    starts_on: date
    renews_on: date
    outcome: str
    outcome_on: date | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One dated change of a record: ``{tracked field: (before, after)}``.

    The value of a field that ends in ``_id`` is the key (a user name, a stage's key) of the row meant.
    """

    record_kind: str
    record: str
    changed_at: datetime
    actor: str
    changes: dict[str, tuple[ChangedValue, ChangedValue]]


@dataclass(frozen=True, slots=True)
class CustomFieldRow:
    """A custom field; ``choices`` are the texts of a choice field, in order."""

    record_kind: str
    key: str
    label: str
    field_type: str
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class World:
    """Everything that one tenant of the demo begins with, and why it came about."""

    causes: HiddenCauses
    teams: list[Team] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    custom_fields: list[CustomFieldRow] = field(default_factory=list)
    products: list[ProductRow] = field(default_factory=list)
    accounts: list[AccountRow] = field(default_factory=list)
    contacts: list[ContactRow] = field(default_factory=list)
    leads: list[LeadRow] = field(default_factory=list)
    deals: list[DealRow] = field(default_factory=list)
    activities: list[ActivityRow] = field(default_factory=list)
    tasks: list[TaskRow] = field(default_factory=list)
    contracts: list[ContractRow] = field(default_factory=list)
    changes: list[ChangeRow] = field(default_factory=list)
