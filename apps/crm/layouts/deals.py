"""Deals on pages."""

from __future__ import annotations

from apps.crm.enums import RecordKind
from apps.crm.layouts.schemas import Column, Layout, Related
from apps.crm.models import Opportunity
from apps.crm.presentation import SELF

OPPORTUNITY = Layout(
    model=Opportunity,
    path="deals",
    nav_section="deals",
    noun="deal",
    nouns="deals",
    sign="handshake",
    columns=(
        Column(SELF),
        Column("account"),
        Column("stage"),
        Column("amount", sort=("amount",)),
        Column("expected_close_on", sort=("expected_close_on",)),
        Column("owner"),
        Column("last_activity_at", sort=("last_activity_at",), optional=True),
        Column("created_at", sort=("created_at",), optional=True),
    ),
    default_sort="-created_at",
    badge="stage",
    gist=("account", "amount", "owner"),
    facts=(
        "account", "contact", "product", "amount", "opened_on", "expected_close_on", "closed_on",
        "stage_entered_at", "next_step", "lost_reason", "owner", "last_activity_at", "notes",
    ),
    related=(
        Related(
            "E-mail drafts", RecordKind.DRAFT, "opportunity", (SELF, "status", "owner", "created_at")
        ),
    ),
    can_be_talked_about=True,
    empty_text="What you hope to sell stands here: type a deal in, or import a file.",
)  # fmt: skip
