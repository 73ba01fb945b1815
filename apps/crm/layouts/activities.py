"""Activities and tasks on pages."""

from __future__ import annotations

from apps.crm.layouts.schemas import Column, Layout
from apps.crm.models import Activity, Task
from apps.crm.presentation import ABOUT, SELF

ACTIVITY = Layout(
    model=Activity,
    path="activities",
    nav_section="activities",
    noun="activity",
    nouns="activities",
    sign="mail",
    columns=(
        Column(SELF, label="Subject"),
        Column("activity_kind"),
        Column("direction", optional=True),
        Column(ABOUT),
        Column("counterpart_address", optional=True),
        Column("owner"),
        Column("occurred_at", sort=("occurred_at",)),
    ),
    default_sort="-occurred_at",
    facts=(
        "activity_kind", "direction", "occurred_at", "lead", "contact", "account", "opportunity",
        "counterpart_name", "counterpart_address", "delivery", "owner", "body",
    ),
    empty_text="Calls, e-mails, meetings and notes stand here. Log one on a record's page.",
)  # fmt: skip

TASK = Layout(
    model=Task,
    path="tasks",
    nav_section="tasks",
    noun="task",
    nouns="tasks",
    sign="list-checks",
    columns=(
        Column(SELF, label="Task"),
        Column(ABOUT),
        Column("due_on", sort=("due_on",)),
        Column("priority", sort=("priority",)),
        Column("status"),
        Column("owner"),
        Column("created_at", sort=("created_at",), optional=True),
    ),
    default_sort="due_on",
    badge="status",
    gist=(ABOUT, "due_on", "owner"),
    facts=(
        "due_on", "priority", "lead", "contact", "account", "opportunity", "owner", "completed_at",
        "description",
    ),
    empty_text="What you mean to do stands here. Add a task on a record's page.",
)  # fmt: skip
