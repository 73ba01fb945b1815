"""What the API's lists of records can be filtered by. Ids that nobody may see match nothing."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import models

from apps.crm.enums import (
    ActivityKind,
    ContractOutcome,
    DealOutcome,
    Delivery,
    Direction,
    DraftStatus,
    EmailStatus,
    LeadStatus,
    TaskPriority,
    TaskStatus,
)
from apps.crm.querysets import RecordQuerySet
from apps.tenants.api import MomentFilter


class IdFilter(django_filters.NumberFilter):  # type: ignore[misc]
    """The id of a related record or person."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name=f"{field_name}_id", decimal_places=0, min_value=1, **kwargs)


class RecordFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    """What every kind of record can be filtered by."""

    search = django_filters.CharFilter(
        method="search_words", max_length=200, help_text="Every word occurs in a name or address."
    )
    owner = IdFilter("owner", help_text="The id of the person who owns the record.")
    unowned = django_filters.BooleanFilter(
        field_name="owner", lookup_expr="isnull", help_text="Whether nobody owns the record."
    )
    source = django_filters.CharFilter(help_text="The system that the row came from.")
    external_id = django_filters.CharFilter(help_text="The row's id in that system.")
    created_from = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    updated_from = MomentFilter(
        field_name="updated_at", lookup_expr="gte", help_text="Changed at or after this moment."
    )

    def search_words(
        self, queryset: RecordQuerySet[Any], name: str, value: str
    ) -> models.QuerySet[Any]:
        """Search as the pages do."""
        return queryset.search(value)


class LeadFilterSet(RecordFilterSet):
    """Leads."""

    status = django_filters.MultipleChoiceFilter(choices=LeadStatus.choices)
    lead_source = django_filters.CharFilter()
    email = django_filters.CharFilter(lookup_expr="iexact")
    do_not_contact = django_filters.BooleanFilter()


class ContactFilterSet(RecordFilterSet):
    """Contacts."""

    account = IdFilter("account")
    email = django_filters.CharFilter(lookup_expr="iexact")
    email_status = django_filters.MultipleChoiceFilter(choices=EmailStatus.choices)
    do_not_contact = django_filters.BooleanFilter()


class AccountFilterSet(RecordFilterSet):
    """Accounts."""

    parent = IdFilter("parent")
    sector = django_filters.CharFilter()
    location = django_filters.CharFilter()


class OpportunityFilterSet(RecordFilterSet):
    """Deals."""

    account = IdFilter("account")
    contact = IdFilter("contact")
    product = IdFilter("product")
    stage = django_filters.CharFilter(field_name="stage__key", help_text="The stage's key.")
    outcome = django_filters.MultipleChoiceFilter(choices=DealOutcome.choices)
    expected_close_from = django_filters.DateFilter(
        field_name="expected_close_on", lookup_expr="gte"
    )
    expected_close_before = django_filters.DateFilter(
        field_name="expected_close_on", lookup_expr="lt"
    )


class ActivityFilterSet(RecordFilterSet):
    """Activities."""

    activity_kind = django_filters.MultipleChoiceFilter(choices=ActivityKind.choices)
    direction = django_filters.MultipleChoiceFilter(choices=Direction.choices)
    delivery = django_filters.MultipleChoiceFilter(choices=Delivery.choices)
    lead = IdFilter("lead")
    contact = IdFilter("contact")
    account = IdFilter("account")
    opportunity = IdFilter("opportunity")
    counterpart_address = django_filters.CharFilter(lookup_expr="iexact")
    occurred_from = MomentFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = MomentFilter(field_name="occurred_at", lookup_expr="lt")


class TaskFilterSet(RecordFilterSet):
    """Tasks."""

    status = django_filters.MultipleChoiceFilter(choices=TaskStatus.choices)
    priority = django_filters.MultipleChoiceFilter(choices=TaskPriority.choices)
    lead = IdFilter("lead")
    contact = IdFilter("contact")
    account = IdFilter("account")
    opportunity = IdFilter("opportunity")
    due_from = django_filters.DateFilter(field_name="due_on", lookup_expr="gte")
    due_before = django_filters.DateFilter(field_name="due_on", lookup_expr="lt")


class DraftFilterSet(RecordFilterSet):
    """E-mail drafts."""

    status = django_filters.MultipleChoiceFilter(choices=DraftStatus.choices)
    to_address = django_filters.CharFilter(lookup_expr="iexact")
    lead = IdFilter("lead")
    contact = IdFilter("contact")
    account = IdFilter("account")
    opportunity = IdFilter("opportunity")


class ContractFilterSet(RecordFilterSet):
    """Contracts."""

    account = IdFilter("account")
    outcome = django_filters.MultipleChoiceFilter(choices=ContractOutcome.choices)
    renews_from = django_filters.DateFilter(field_name="renews_on", lookup_expr="gte")
    renews_before = django_filters.DateFilter(field_name="renews_on", lookup_expr="lt")


class ProductFilterSet(RecordFilterSet):
    """Products."""

    series = django_filters.CharFilter()
    is_active = django_filters.BooleanFilter()
