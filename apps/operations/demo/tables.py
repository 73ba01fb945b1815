"""From the generator's rows to the columns of the record tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from apps.crm.enums import RecordKind
from apps.operations.demo.schemas import GENERATED, World

Value: TypeAlias = "str | int | Decimal | bool | date | datetime | None"
# Column → value, in the order of the table's columns below.
Columns: TypeAlias = dict[str, Value]


@dataclass(slots=True)
class Ids:
    """The database's ids of everything that rows name by key."""

    people: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    records: dict[RecordKind, dict[str, int]] = field(default_factory=dict)

    def of(self, kind: RecordKind, key: str) -> int | None:
        """The id behind a key; an empty key is nobody."""
        return self.records[kind][key] if key else None

    def of_field(self, name: str, key: str) -> int:
        """The id behind a key in a field of the change log, such as ``owner_id``."""
        if name == "owner_id":
            return self.people[key]
        if name == "stage_id":
            return self.stages[key]
        return self.records[RecordKind(name.removesuffix("_id").removeprefix("converted_"))][key]


@dataclass(frozen=True, slots=True)
class Past:
    """How often a record was changed, and when last."""

    changes: int
    last_at: datetime


def keys_of(world: World) -> dict[RecordKind, list[str]]:
    """The keys of all records, by kind, in the order in which they are loaded."""
    rows: dict[RecordKind, Sequence[object]] = {
        RecordKind.PRODUCT: world.products,
        RecordKind.ACCOUNT: world.accounts,
        RecordKind.CONTACT: world.contacts,
        RecordKind.OPPORTUNITY: world.deals,
        RecordKind.LEAD: world.leads,
        RecordKind.ACTIVITY: world.activities,
        RecordKind.TASK: world.tasks,
        RecordKind.CONTRACT: world.contracts,
    }
    return {kind: [str(getattr(row, "key")) for row in some] for kind, some in rows.items()}  # noqa: B009


class TableRows:
    """Makes the rows of each record table."""

    def __init__(self, world: World, ids: Ids, currency: str) -> None:
        self._world = world
        self._ids = ids
        self._currency = currency
        self._pasts = _pasts_of(world)

    def of(self, kind: RecordKind) -> Iterator[Columns]:
        """The rows of one kind, each with the same columns."""
        makers = {
            RecordKind.PRODUCT: self._products,
            RecordKind.ACCOUNT: self._accounts,
            RecordKind.CONTACT: self._contacts,
            RecordKind.OPPORTUNITY: self._deals,
            RecordKind.LEAD: self._leads,
            RecordKind.ACTIVITY: self._activities,
            RecordKind.TASK: self._tasks,
            RecordKind.CONTRACT: self._contracts,
        }
        return makers[kind]()

    def _base(
        self,
        kind: RecordKind,
        key: str,
        owner: str,
        created_at: datetime,
        *,
        source: str = GENERATED,
        attributes: Mapping[str, str | int] | None = None,
    ) -> Columns:
        past = self._pasts.get((kind.value, key))
        return {
            "id": self._ids.records[kind][key],
            "owner_id": self._ids.people[owner] if owner else None,
            "source": source,
            "external_id": key,
            "attributes": json.dumps(attributes or {}),
            "revision": 1 + (past.changes if past else 0),
            "created_at": created_at,
            "updated_at": past.last_at if past else created_at,
        }

    def _products(self) -> Iterator[Columns]:
        for row in self._world.products:
            yield {
                **self._base(RecordKind.PRODUCT, row.key, "", row.created_at, source=row.source),
                "name": row.name,
                "series": row.series,
                "price": row.price,
                "currency": self._currency,
                "is_active": True,
            }

    def _accounts(self) -> Iterator[Columns]:
        for row in self._world.accounts:
            yield {
                **self._base(
                    RecordKind.ACCOUNT, row.key, row.owner, row.created_at,
                    source=row.source, attributes=row.attributes,
                ),
                "name": row.name,
                "website": f"https://www.{row.domain}",
                "sector": row.sector,
                "employees": row.employees,
                "annual_revenue": row.annual_revenue,
                "currency": self._currency,
                "location": row.location,
                "phone": row.phone,
                "parent_id": self._ids.of(RecordKind.ACCOUNT, row.parent),
                "notes": "",
            }  # fmt: skip

    def _contacts(self) -> Iterator[Columns]:
        for row in self._world.contacts:
            yield {
                **self._base(RecordKind.CONTACT, row.key, row.owner, row.created_at),
                "account_id": self._ids.of(RecordKind.ACCOUNT, row.account),
                "first_name": row.first_name,
                "last_name": row.last_name,
                "title": row.title,
                "email": row.email,
                "email_status": row.email_status,
                "phone": row.phone,
                "do_not_contact": False,
                "notes": row.notes,
            }

    def _deals(self) -> Iterator[Columns]:
        for row in self._world.deals:
            yield {
                **self._base(
                    RecordKind.OPPORTUNITY, row.key, row.owner, row.created_at,
                    source=row.source, attributes=row.attributes,
                ),
                "name": row.name[:200],
                "account_id": self._ids.of(RecordKind.ACCOUNT, row.account),
                "contact_id": self._ids.of(RecordKind.CONTACT, row.contact),
                "product_id": self._ids.of(RecordKind.PRODUCT, row.product),
                "stage_id": self._ids.stages[row.stage],
                "stage_entered_at": row.stage_entered_at,
                "amount": row.amount,
                "currency": self._currency,
                "opened_on": row.opened_on,
                "expected_close_on": row.expected_close_on,
                "closed_on": row.closed_on,
                "next_step": row.next_step,
                "lost_reason": row.lost_reason,
                "notes": "",
            }  # fmt: skip

    def _leads(self) -> Iterator[Columns]:
        for row in self._world.leads:
            yield {
                **self._base(RecordKind.LEAD, row.key, row.owner, row.created_at),
                "first_name": row.first_name,
                "last_name": row.last_name,
                "company": row.company,
                "title": row.title,
                "email": row.email,
                "phone": row.phone,
                "status": row.status,
                "lead_source": row.lead_source,
                "estimated_value": row.estimated_value,
                "currency": self._currency,
                "do_not_contact": row.do_not_contact,
                "notes": row.notes,
                "converted_contact_id": self._ids.of(RecordKind.CONTACT, row.converted_contact),
                "converted_opportunity_id": self._ids.of(
                    RecordKind.OPPORTUNITY, row.converted_deal
                ),
            }

    def _activities(self) -> Iterator[Columns]:
        for row in self._world.activities:
            yield {
                **self._base(
                    RecordKind.ACTIVITY, row.key, row.owner, row.entered_at or row.occurred_at
                ),
                "activity_kind": row.kind,
                "direction": row.direction,
                "occurred_at": row.occurred_at,
                "subject": row.subject,
                "body": row.body,
                "lead_id": self._ids.of(RecordKind.LEAD, row.lead),
                "contact_id": self._ids.of(RecordKind.CONTACT, row.contact),
                "account_id": self._ids.of(RecordKind.ACCOUNT, row.account),
                "opportunity_id": self._ids.of(RecordKind.OPPORTUNITY, row.deal),
                "counterpart_address": row.counterpart_address,
                "counterpart_name": row.counterpart_name,
                "delivery": row.delivery,
                "stated_details": json.dumps(row.stated_details),
            }

    def _tasks(self) -> Iterator[Columns]:
        for row in self._world.tasks:
            yield {
                **self._base(RecordKind.TASK, row.key, row.owner, row.created_at),
                "title": row.title[:200],
                "description": row.description,
                "due_on": row.due_on,
                "status": row.status,
                "priority": row.priority,
                "lead_id": self._ids.of(RecordKind.LEAD, row.lead),
                "contact_id": self._ids.of(RecordKind.CONTACT, row.contact),
                "account_id": self._ids.of(RecordKind.ACCOUNT, row.account),
                "opportunity_id": self._ids.of(RecordKind.OPPORTUNITY, row.deal),
                "completed_at": row.completed_at,
            }

    def _contracts(self) -> Iterator[Columns]:
        for row in self._world.contracts:
            yield {
                **self._base(RecordKind.CONTRACT, row.key, row.owner, row.created_at),
                "account_id": self._ids.of(RecordKind.ACCOUNT, row.account),
                "name": row.name,
                "value": row.value,
                "currency": self._currency,
                "starts_on": row.starts_on,
                "renews_on": row.renews_on,
                "outcome": row.outcome,
                "outcome_on": row.outcome_on,
            }


def _pasts_of(world: World) -> dict[tuple[str, str], Past]:
    pasts: dict[tuple[str, str], Past] = {}
    for change in world.changes:
        key = (change.record_kind, change.record)
        past = pasts.get(key)
        pasts[key] = (
            Past(past.changes + 1, max(past.last_at, change.changed_at))
            if past
            else Past(1, change.changed_at)
        )
    return pasts
