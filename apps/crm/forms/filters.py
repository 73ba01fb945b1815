"""Search and filters of the lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar, TypeAlias

import django_filters as filters
from django import forms
from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from apps.crm.enums import (
    ActivityKind,
    ContractOutcome,
    DealOutcome,
    Direction,
    DraftStatus,
    LeadStatus,
    RecordKind,
    TaskPriority,
    TaskStatus,
)
from apps.crm.models import (
    Account,
    Activity,
    Contact,
    Contract,
    Draft,
    Lead,
    Opportunity,
    Product,
    Record,
    Stage,
    Task,
)
from apps.users.models import User

Rows: TypeAlias = QuerySet[Any]

ME, NOBODY = "me", "nobody"
OPEN = "open"
# Reading all distinct values of a long table is worth doing now and then, not on every page.
DISTINCT_VALUES_FOR_S = 600
MOST_DISTINCT_VALUES = 50
SILENT_FOR_DAYS = [(days, f"{days} days or more") for days in (7, 14, 30, 60, 90)]


class RecordFilterSet(filters.FilterSet):  # type: ignore[misc]
    """What every list can be searched and filtered by.

    ``defaults`` are in force as long as the address names no filter at all, so that a list opens with
    what is being worked on and a link to "all deals of this account" shows all of them. ``hidden``
    filters are for such links: they have no box, and the page says in words that they are on.
    """

    defaults: ClassVar[Mapping[str, str]] = {}
    hidden: ClassVar[tuple[str, ...]] = ()

    q = filters.CharFilter(
        method="search",
        label="Search",
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Search"}),
    )
    owner = filters.ChoiceFilter(method="filter_owner", empty_label="Anybody", label="Owner")

    def __init__(self, data: QueryDict, *, queryset: Rows, viewer: User) -> None:
        self.viewer = viewer
        if not any(name in data for name in self.base_filters):
            data = data.copy()
            data.update(self.defaults)
        super().__init__(data, queryset=queryset)
        if "owner" in self.filters:
            self.filters["owner"].extra["choices"] = owner_choices(viewer)
        for name in {"source", "lead_source"} & set(self.filters):
            self.filters[name].extra["choices"] = distinct_choices(queryset.model, name)
        for name in self.hidden:
            self.form.fields[name].widget = forms.HiddenInput()
        for name, value in self.defaults.items():
            self.form.fields[name].initial = value

    @property
    def is_narrowed(self) -> bool:
        """Whether anything beyond the defaults is asked for."""
        return bool(self.form.has_changed())

    def search(self, rows: Rows, name: str, value: str) -> Rows:
        """Every word must occur somewhere."""
        found: Rows = rows.search(value)  # type: ignore[attr-defined]
        return found

    def filter_owner(self, rows: Rows, name: str, value: str) -> Rows:
        """Mine, nobody's, or one person's."""
        if value == NOBODY:
            return rows.filter(owner=None)
        return rows.filter(owner_id=self.viewer.pk if value == ME else int(value))

    def filter_silent(self, rows: Rows, name: str, value: str) -> Rows:
        """Without an activity for so many days, or without any."""
        since = timezone.now() - timedelta(days=int(value))
        return rows.filter(Q(last_activity_at__lt=since) | Q(last_activity_at=None))


class LeadFilterSet(RecordFilterSet):
    """Leads: the open ones first."""

    defaults = {"status": OPEN}

    status = filters.ChoiceFilter(
        method="filter_status",
        choices=[(OPEN, "All open"), *LeadStatus.choices],
        empty_label="Any",
        label="Status",
    )
    silent = filters.ChoiceFilter(
        method="filter_silent", choices=SILENT_FOR_DAYS, empty_label="Any", label="Silent for"
    )
    lead_source = filters.ChoiceFilter(empty_label="Any", label="Lead source")
    source = filters.ChoiceFilter(empty_label="Any", label="System")

    class Meta:
        model = Lead
        fields = ("q", "status", "owner", "silent", "lead_source", "source")

    def filter_status(self, rows: Rows, name: str, value: str) -> Rows:
        """One status, or all in which somebody should still be working."""
        return rows.filter(status__in=LeadStatus.open_values() if value == OPEN else [value])


class ContactFilterSet(RecordFilterSet):
    """Contacts, perhaps of one account."""

    hidden = ("account",)

    account = filters.NumberFilter()
    silent = filters.ChoiceFilter(
        method="filter_silent", choices=SILENT_FOR_DAYS, empty_label="Any", label="Silent for"
    )
    source = filters.ChoiceFilter(empty_label="Any", label="System")

    class Meta:
        model = Contact
        fields = ("q", "owner", "silent", "source", "account")


class AccountFilterSet(RecordFilterSet):
    """Accounts, perhaps below one other."""

    hidden = ("parent",)

    parent = filters.NumberFilter()
    silent = filters.ChoiceFilter(
        method="filter_silent", choices=SILENT_FOR_DAYS, empty_label="Any", label="Silent for"
    )
    source = filters.ChoiceFilter(empty_label="Any", label="System")

    class Meta:
        model = Account
        fields = ("q", "owner", "silent", "source", "parent")


class OpportunityFilterSet(RecordFilterSet):
    """Deals: the open ones first."""

    defaults = {"outcome": OPEN}
    hidden = ("account", "contact", "product")

    outcome = filters.ChoiceFilter(choices=DealOutcome.choices, empty_label="Any", label="Outcome")
    stage = filters.ModelChoiceFilter(
        queryset=lambda request: Stage.objects.all(), empty_label="Any", label="Stage"
    )
    closes = filters.ChoiceFilter(
        method="filter_closes",
        choices=[
            ("past", "In the past"),
            ("30", "Within 30 days"),
            ("90", "Within 90 days"),
            ("none", "No date"),
        ],
        empty_label="Any time",
        label="Expected close",
    )
    silent = filters.ChoiceFilter(
        method="filter_silent", choices=SILENT_FOR_DAYS, empty_label="Any", label="Silent for"
    )
    source = filters.ChoiceFilter(empty_label="Any", label="System")
    account = filters.NumberFilter()
    contact = filters.NumberFilter()
    product = filters.NumberFilter()

    class Meta:
        model = Opportunity
        fields = (
            "q", "outcome", "stage", "owner", "closes", "silent", "source", "account", "contact",
            "product",
        )  # fmt: skip

    def filter_closes(self, rows: Rows, name: str, value: str) -> Rows:
        """By the expected day, seen from today."""
        return _filter_day(rows, "expected_close_on", value, timezone.localdate())


class ActivityFilterSet(RecordFilterSet):
    """Activities by kind, direction and time."""

    kind = filters.ChoiceFilter(
        field_name="activity_kind", choices=ActivityKind.choices, empty_label="Any", label="Kind"
    )
    direction = filters.ChoiceFilter(
        choices=Direction.choices, empty_label="Any", label="Direction"
    )
    unmatched = filters.BooleanFilter(
        method="filter_unmatched",
        label="From unknown senders",
        widget=forms.CheckboxInput,
        # An unticked box reads as no; without this the list would seem narrowed by it.
        initial=False,
    )

    class Meta:
        model = Activity
        fields = ("q", "kind", "direction", "owner", "unmatched")

    def filter_unmatched(self, rows: Rows, name: str, value: bool) -> Rows:
        """What came in and hangs on no record yet."""
        if not value:
            return rows
        matched_to_nothing: Rows = rows.matched_to_nothing()  # type: ignore[attr-defined]
        return matched_to_nothing.filter(direction=Direction.INBOUND)


class TaskFilterSet(RecordFilterSet):
    """Tasks: the open ones first."""

    defaults = {"status": TaskStatus.OPEN.value}

    status = filters.ChoiceFilter(choices=TaskStatus.choices, empty_label="Any", label="Status")
    due = filters.ChoiceFilter(
        method="filter_due",
        choices=[
            ("past", "Overdue"),
            ("today", "Today"),
            ("7", "Within 7 days"),
            ("none", "No date"),
        ],
        empty_label="Any time",
        label="Due",
    )
    priority = filters.ChoiceFilter(
        choices=TaskPriority.choices, empty_label="Any", label="Priority"
    )

    class Meta:
        model = Task
        fields = ("q", "status", "due", "priority", "owner")

    def filter_due(self, rows: Rows, name: str, value: str) -> Rows:
        """By the due day, seen from today."""
        return _filter_day(rows, "due_on", value, timezone.localdate())


class ContractFilterSet(RecordFilterSet):
    """Contracts: the running ones first."""

    defaults = {"outcome": ContractOutcome.OPEN.value}
    hidden = ("account",)

    outcome = filters.ChoiceFilter(
        choices=ContractOutcome.choices, empty_label="Any", label="Outcome"
    )
    renews = filters.ChoiceFilter(
        method="filter_renews",
        choices=[
            ("past", "In the past"),
            ("30", "Within 30 days"),
            ("90", "Within 90 days"),
            ("none", "No date"),
        ],
        empty_label="Any time",
        label="Renews",
    )
    account = filters.NumberFilter()

    class Meta:
        model = Contract
        fields = ("q", "outcome", "renews", "owner", "account")

    def filter_renews(self, rows: Rows, name: str, value: str) -> Rows:
        """By the day of renewal, seen from today."""
        return _filter_day(rows, "renews_on", value, timezone.localdate())


class ProductFilterSet(RecordFilterSet):
    """Products: those on sale first."""

    defaults = {"on_sale": "true"}

    owner = None
    on_sale = filters.ChoiceFilter(
        method="filter_on_sale",
        choices=[("true", "On sale"), ("false", "No longer")],
        empty_label="Any",
        label="On sale",
    )

    class Meta:
        model = Product
        fields = ("q", "on_sale")

    def filter_on_sale(self, rows: Rows, name: str, value: str) -> Rows:
        """Sold at present, or not any more."""
        return rows.filter(is_active=value == "true")


class DraftFilterSet(RecordFilterSet):
    """E-mail drafts: those that wait first."""

    defaults = {"status": DraftStatus.DRAFT.value}
    hidden = ("lead", "contact", "account", "opportunity")

    status = filters.ChoiceFilter(choices=DraftStatus.choices, empty_label="Any", label="Status")
    lead = filters.NumberFilter()
    contact = filters.NumberFilter()
    account = filters.NumberFilter()
    opportunity = filters.NumberFilter()

    class Meta:
        model = Draft
        fields = ("q", "status", "owner", "lead", "contact", "account", "opportunity")


FILTER_SETS: dict[RecordKind, type[RecordFilterSet]] = {
    RecordKind.LEAD: LeadFilterSet,
    RecordKind.CONTACT: ContactFilterSet,
    RecordKind.ACCOUNT: AccountFilterSet,
    RecordKind.OPPORTUNITY: OpportunityFilterSet,
    RecordKind.ACTIVITY: ActivityFilterSet,
    RecordKind.TASK: TaskFilterSet,
    RecordKind.CONTRACT: ContractFilterSet,
    RecordKind.PRODUCT: ProductFilterSet,
    RecordKind.DRAFT: DraftFilterSet,
}


def owner_choices(viewer: User) -> list[tuple[str, str]]:
    """Return the owners whose records this person may see; their own and nobody's come first."""
    people = User.objects.all()
    if not viewer.sees_all:
        people = people.filter(Q(team_id=viewer.team_id) & Q(team__isnull=False))
    names = [(str(person.pk), person.display_name) for person in people.exclude(pk=viewer.pk)]
    return [(ME, "Me"), (NOBODY, "Nobody"), *names]


def distinct_choices(model: type[Record], name: str) -> list[tuple[str, str]]:
    """Return the values that occur in a column, as of some minutes ago; the empty one is left out."""

    def read() -> list[str]:
        rows: Rows = model._default_manager.exclude(**{name: ""}).order_by(name)
        return list(rows.values_list(name, flat=True).distinct()[:MOST_DISTINCT_VALUES])

    key = f"crm:values:{model.kind}:{name}"
    values = cache.get_or_set(key, read, DISTINCT_VALUES_FOR_S) or []
    return [(value, value) for value in values]


def _filter_day(rows: Rows, field: str, value: str, today: date) -> Rows:
    match value:
        case "past":
            return rows.filter(**{f"{field}__lt": today})
        case "today":
            return rows.filter(**{field: today})
        case "none":
            return rows.filter(**{f"{field}__isnull": True})
        case days:
            until = today + timedelta(days=int(days))
            return rows.filter(**{f"{field}__gte": today, f"{field}__lte": until})
