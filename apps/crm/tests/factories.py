"""Factories of records. Times are given by the test or lie in the past."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from apps.crm.enums import ActivityKind, DealOutcome, Direction
from apps.crm.models import (
    Account,
    Activity,
    Contact,
    Contract,
    CustomField,
    Draft,
    Lead,
    MergeableRecord,
    Opportunity,
    Product,
    Stage,
    Task,
)
from apps.crm.services import all_records

MERGED_AT = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


class AccountFactory(DjangoModelFactory[Account]):
    """A company."""

    class Meta:
        model = Account

    name = factory.Sequence(lambda n: f"Company {n}")
    currency = "USD"


class ContactFactory(DjangoModelFactory[Contact]):
    """A person at an account."""

    class Meta:
        model = Contact

    first_name = "Casey"
    last_name = factory.Sequence(lambda n: f"Contact{n}")
    email = factory.Sequence(lambda n: f"casey{n}@example.com")


class LeadFactory(DjangoModelFactory[Lead]):
    """A lead that is being worked on."""

    class Meta:
        model = Lead

    first_name = "Lee"
    last_name = factory.Sequence(lambda n: f"Lead{n}")
    company = "Lead Works"
    email = factory.Sequence(lambda n: f"lee{n}@example.com")
    status = "working"
    currency = "USD"


class ProductFactory(DjangoModelFactory[Product]):
    """A product."""

    class Meta:
        model = Product

    name = factory.Sequence(lambda n: f"Product {n}")
    price = Decimal("550.00")
    currency = "USD"


class StageFactory(DjangoModelFactory[Stage]):
    """A stage; a tenant is made with the default ones, so this finds them by key."""

    class Meta:
        model = Stage
        django_get_or_create = ("key",)

    key = "engaging"
    label = factory.LazyAttribute(lambda stage: stage.key.title())
    position = 50
    outcome = DealOutcome.OPEN


class OpportunityFactory(DjangoModelFactory[Opportunity]):
    """An open deal."""

    class Meta:
        model = Opportunity

    name = factory.Sequence(lambda n: f"Deal {n}")
    account = factory.SubFactory(AccountFactory)
    stage = factory.SubFactory(StageFactory)
    amount = Decimal("4821.00")
    currency = "USD"


class ActivityFactory(DjangoModelFactory[Activity]):
    """An inbound e-mail."""

    class Meta:
        model = Activity

    activity_kind = ActivityKind.EMAIL
    direction = Direction.INBOUND
    occurred_at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    subject = factory.Sequence(lambda n: f"Message {n}")


class TaskFactory(DjangoModelFactory[Task]):
    """An open task."""

    class Meta:
        model = Task

    title = factory.Sequence(lambda n: f"Task {n}")


class ContractFactory(DjangoModelFactory[Contract]):
    """A running contract."""

    class Meta:
        model = Contract

    account = factory.SubFactory(AccountFactory)
    name = factory.Sequence(lambda n: f"Contract {n}")
    value = Decimal("12000.00")
    currency = "USD"


class DraftFactory(DjangoModelFactory[Draft]):
    """An e-mail draft."""

    class Meta:
        model = Draft

    to_address = factory.Sequence(lambda n: f"person{n}@isdom.com")
    subject = factory.Sequence(lambda n: f"Draft {n}")
    body = "Good morning,\n\nshall we talk on Monday?"


class CustomFieldFactory(DjangoModelFactory[CustomField]):
    """A custom text field of leads."""

    class Meta:
        model = CustomField

    record_kind = "lead"
    key = factory.Sequence(lambda n: f"field_{n}")
    label = factory.Sequence(lambda n: f"Field {n}")


def merge(record: MergeableRecord, survivor: MergeableRecord, *, at: datetime = MERGED_AT) -> None:
    """Mark a record as merged into another, as the tool does with what hangs on it besides."""
    is_same = record.kind == survivor.kind
    target = {"merged_into" if is_same else "merged_into_contact": survivor}
    all_records(type(record)).filter(pk=record.pk).update(merged_at=at, **target)
