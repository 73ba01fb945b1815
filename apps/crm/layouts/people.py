"""Leads and contacts on pages."""

from __future__ import annotations

from apps.crm.enums import RecordKind
from apps.crm.layouts.schemas import Column, Layout, Related
from apps.crm.models import Contact, Lead
from apps.crm.presentation import SELF

LEAD = Layout(
    model=Lead,
    path="leads",
    nav_section="leads",
    noun="lead",
    nouns="leads",
    sign="user-plus",
    columns=(
        Column(SELF),
        Column("company"),
        Column("status"),
        Column("estimated_value", sort=("estimated_value",)),
        Column("email", optional=True),
        Column("owner"),
        Column("last_activity_at", sort=("last_activity_at",)),
        Column("created_at", sort=("created_at",), optional=True),
    ),
    default_sort="-created_at",
    badge="status",
    gist=("company", "email", "owner"),
    facts=(
        "company", "title", "email", "phone", "estimated_value", "lead_source", "do_not_contact",
        "owner", "converted_contact", "converted_opportunity", "last_activity_at", "notes",
    ),
    related=(
        Related(
            "E-mail drafts", RecordKind.DRAFT, "lead", (SELF, "status", "owner", "created_at")
        ),
    ),
    can_be_talked_about=True,
    empty_text="People who might become customers stand here: type one in, or import a file.",
)  # fmt: skip

CONTACT = Layout(
    model=Contact,
    path="contacts",
    nav_section="contacts",
    noun="contact",
    nouns="contacts",
    sign="users",
    columns=(
        Column(SELF, sort=("last_name", "first_name")),
        Column("account"),
        Column("title", optional=True),
        Column("email"),
        Column("phone", optional=True),
        Column("owner"),
        Column("last_activity_at", sort=("last_activity_at",)),
    ),
    default_sort=SELF,
    gist=("title", "account", "email", "owner"),
    facts=(
        "account", "title", "email", "email_status", "phone", "do_not_contact", "owner",
        "last_activity_at", "notes",
    ),
    related=(
        Related(
            "Deals",
            RecordKind.OPPORTUNITY,
            "contact",
            (SELF, "stage", "amount", "expected_close_on"),
        ),
        Related(
            "E-mail drafts", RecordKind.DRAFT, "contact", (SELF, "status", "owner", "created_at")
        ),
    ),
    can_be_talked_about=True,
    empty_text="The people at your accounts stand here: type one in, or import a file.",
)  # fmt: skip
