"""Facts about leads."""

from __future__ import annotations

from collections.abc import Iterator

from apps.brain.enums import Goal
from apps.crm.models import Lead
from apps.suggestions.pipeline.context.contexts import Context, Group
from apps.suggestions.pipeline.context.history import (
    next_tasks,
    open_task_counts,
    recent_activities,
)


def lead_contexts(group: Group) -> Iterator[Context]:
    """Who it is, how far it has come, and what has happened with it."""
    leads = Lead.objects.in_bulk(group.ids)
    recent = recent_activities("lead_id", group.ids)
    tasks = open_task_counts("lead_id", group.ids)
    planned = next_tasks("lead_id", group.ids)
    for awaiting in group.awaiting:
        lead = leads.get(awaiting.record.id)
        if lead is None:
            continue
        context = Context(
            awaiting, group.moment, str(lead), lead.owner_id, lead.estimated_value, lead.currency
        )
        context.add("status", "Status", lead.get_status_display(), value=lead.status)
        context.add("company", "Company", lead.company)
        context.add("title", "Title", lead.title)
        context.add("phone", "Phone", lead.phone, value=lead.phone)
        if awaiting.goal == Goal.AS_ASKED:
            context.add("on_file_email", "E-mail on file", lead.email, value=lead.email)
        context.add("lead_source", "Lead source", lead.lead_source)
        context.add_moment("created_at", "Created", lead.created_at)
        context.add_history(lead.last_activity_at, recent[lead.pk])
        context.add_open_tasks(tasks[lead.pk], planned[lead.pk])
        context.add("notes", "Notes", lead.notes[:1000])
        yield context
