"""E-mail drafts on pages."""

from __future__ import annotations

from apps.crm.layouts.schemas import Column, Layout
from apps.crm.models import Draft
from apps.crm.presentation import ABOUT, SELF

DRAFT = Layout(
    model=Draft,
    path="drafts",
    nav_section="drafts",
    noun="e-mail draft",
    nouns="e-mail drafts",
    sign="mail",
    columns=(
        Column(SELF, label="Subject"),
        Column("to_address"),
        Column(ABOUT, optional=True),
        Column("status"),
        Column("owner"),
        Column("created_at", sort=("created_at",)),
    ),
    default_sort="-created_at",
    badge="status",
    facts=("to_address", "lead", "contact", "account", "opportunity", "owner", "sent_at"),
    empty_text="E-mails that wait to be sent stand here. You send them from your own mail program.",
)
