"""Accounts, products and contracts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from apps.crm.enums import ContractOutcome, RecordKind
from apps.crm.models.records import MergeableRecord, Record
from apps.crm.querysets import (
    AccountQuerySet,
    ContractQuerySet,
    ProductQuerySet,
    SurvivingManager,
)


class Account(MergeableRecord):
    """A company that one sells to."""

    kind = RecordKind.ACCOUNT
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "name", "website", "sector", "employees", "annual_revenue", "currency", "location",
        "phone", "parent_id", "notes", "attributes", "merged_into_id", "merged_at",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("name", "website")

    name = models.CharField(max_length=200)
    website = models.CharField(max_length=200, blank=True)
    sector = models.CharField(max_length=100, blank=True)
    employees = models.PositiveIntegerField(null=True, blank=True)
    annual_revenue = models.DecimalField(max_digits=16, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    location = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="subsidiaries"
    )
    notes = models.TextField(blank=True)
    last_activity_at = models.DateTimeField(null=True, editable=False)

    objects = SurvivingManager.from_queryset(AccountQuerySet)()
    everything = AccountQuerySet.as_manager()

    class Meta(MergeableRecord.Meta):
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["name", "id"], name="account_by_name"),
            models.Index(fields=["owner"], name="account_by_owner"),
            # account_silent: accounts by the moment they fell silent; of those never heard of, since when
            # they are there.
            models.Index(fields=["last_activity_at", "created_at"], name="account_by_activity"),
            GinIndex(
                fields=["name", "website"], opclasses=["gin_trgm_ops"] * 2, name="account_search"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_above(self, other: Account) -> bool:
        """Whether the other account is this one or belongs to it, however many stand between.

        A query for each. Merged accounts count: an undo makes them what they were. A ring that is there
        already ends the look.
        """
        passed: set[int] = set()
        for above in upwards(other.pk):
            if above == self.pk or above in passed:
                return above == self.pk
            passed.add(above)
        return False


def upwards(account_id: int) -> Iterator[int]:
    """The account and those above it, the nearest first, a query for each; a ring comes round for ever."""
    above: int | None = account_id
    while above is not None:
        yield above
        rows = Account.everything.filter(pk=above)
        above = rows.values_list("parent_id", flat=True).first()


class Product(Record):
    """Something that is sold; its price is a deal's amount until the deal is closed."""

    kind = RecordKind.PRODUCT
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "name", "series", "price", "currency", "is_active", "attributes",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("name", "series")

    name = models.CharField(max_length=150)
    series = models.CharField(max_length=100, blank=True)
    price = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    is_active = models.BooleanField(default=True)

    objects = ProductQuerySet.as_manager()

    class Meta(Record.Meta):
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Contract(Record):
    """A running agreement with an account that comes up for renewal."""

    kind = RecordKind.CONTRACT
    tracked_fields: ClassVar[tuple[str, ...]] = (
        "owner_id", "account_id", "name", "value", "currency", "starts_on", "renews_on", "outcome",
        "outcome_on", "attributes",
    )  # fmt: skip
    search_fields: ClassVar[tuple[str, ...]] = ("name", "account__name")

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contracts")
    name = models.CharField(max_length=200)
    value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    renews_on = models.DateField(null=True, blank=True)
    outcome = models.CharField(
        max_length=20, choices=ContractOutcome.choices, default=ContractOutcome.OPEN
    )
    outcome_on = models.DateField(null=True, blank=True)

    objects = ContractQuerySet.as_manager()

    class Meta(Record.Meta):
        ordering = ["renews_on", "id"]
        indexes = [
            # renewal_approaching and account_at_risk: running contracts by renewal day.
            models.Index(
                fields=["renews_on"], condition=Q(outcome="open"), name="contract_renewal"
            ),
            models.Index(fields=["owner"], name="contract_by_owner"),
        ]

    def __str__(self) -> str:
        return self.name
