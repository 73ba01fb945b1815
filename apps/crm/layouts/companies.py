"""Accounts, contracts and products on pages."""

from __future__ import annotations

from apps.crm.enums import RecordKind
from apps.crm.layouts.schemas import Column, Layout, Related
from apps.crm.models import Account, Contract, Product
from apps.crm.presentation import SELF

ACCOUNT = Layout(
    model=Account,
    path="accounts",
    nav_section="accounts",
    noun="account",
    nouns="accounts",
    sign="building-2",
    columns=(
        Column(SELF, sort=("name",)),
        Column("sector"),
        Column("location", optional=True),
        Column("employees", sort=("employees",), optional=True),
        Column("annual_revenue", sort=("annual_revenue",)),
        Column("owner"),
        Column("last_activity_at", sort=("last_activity_at",)),
    ),
    default_sort=SELF,
    gist=("sector", "location", "website", "owner"),
    facts=(
        "website", "phone", "sector", "location", "employees", "annual_revenue", "parent", "owner",
        "last_activity_at", "notes",
    ),
    related=(
        Related(
            "Deals",
            RecordKind.OPPORTUNITY,
            "account",
            (SELF, "stage", "amount", "expected_close_on"),
        ),
        Related("Contacts", RecordKind.CONTACT, "account", (SELF, "title", "email")),
        Related(
            "Contracts", RecordKind.CONTRACT, "account", (SELF, "outcome", "value", "renews_on")
        ),
        Related(
            "E-mail drafts", RecordKind.DRAFT, "account", (SELF, "status", "owner", "created_at")
        ),
        Related("Subsidiaries", RecordKind.ACCOUNT, "parent", (SELF, "sector", "location")),
    ),
    can_be_talked_about=True,
    empty_text="The companies that you sell to stand here: type one in, or import a file.",
)  # fmt: skip

CONTRACT = Layout(
    model=Contract,
    path="contracts",
    nav_section="contracts",
    noun="contract",
    nouns="contracts",
    sign="file-text",
    columns=(
        Column(SELF),
        Column("account"),
        Column("value", sort=("value",)),
        Column("starts_on", optional=True),
        Column("renews_on", sort=("renews_on",)),
        Column("outcome"),
        Column("owner"),
    ),
    default_sort="renews_on",
    badge="outcome",
    facts=("account", "value", "starts_on", "renews_on", "outcome_on", "owner"),
    empty_text="Running agreements that come up for renewal stand here.",
)

PRODUCT = Layout(
    model=Product,
    path="products",
    nav_section="products",
    noun="product",
    nouns="products",
    sign="package",
    columns=(
        Column(SELF, sort=("name",)),
        Column("series"),
        Column("price", sort=("price",)),
        Column("is_active"),
    ),
    default_sort=SELF,
    facts=("series", "price", "is_active"),
    related=(
        Related(
            "Deals",
            RecordKind.OPPORTUNITY,
            "product",
            (SELF, "stage", "amount", "expected_close_on"),
        ),
    ),
    empty_text="What you sell stands here, with its list price.",
)
