"""Facts about tasks."""

from __future__ import annotations

from collections.abc import Iterator

from apps.brain.enums import Goal
from apps.crm.enums import DealOutcome, LeadStatus, TaskPriority
from apps.crm.models import Task
from apps.execution.schemas import RecordRef
from apps.suggestions.pipeline.context.contexts import Context, Group


def task_contexts(group: Group) -> Iterator[Context]:
    """When it was due, what it is about, and whether that is over."""
    tasks = Task.objects.select_related("opportunity", "lead", "contact", "account").in_bulk(
        group.ids
    )
    for awaiting in group.awaiting:
        task = tasks.get(awaiting.record.id)
        is_undated = task is not None and task.due_on is None
        if task is None or (is_undated and awaiting.goal != Goal.AS_ASKED):
            continue
        deal = group.readers.allowed(task.owner_id, task.opportunity)
        lead = group.readers.allowed(task.owner_id, task.lead)
        value = deal.amount if deal else lead.estimated_value if lead else None
        currency = deal.currency if deal else lead.currency if lead else ""
        context = Context(awaiting, group.moment, task.title, task.owner_id, value, currency)
        context.add_day("due_on", "Due", task.due_on)
        context.add("priority", "Priority", TaskPriority(task.priority).label, value=task.priority)
        contact = group.readers.allowed(task.owner_id, task.contact)
        account = group.readers.allowed(task.owner_id, task.account)
        about = deal or lead or contact or account
        if about is not None:
            context.add("about", "About", str(about), record=RecordRef(about.kind, about.pk))
        if deal and deal.outcome != DealOutcome.OPEN:
            text = f"the deal is {DealOutcome(deal.outcome).label.lower()}"
            context.add("subject_closed", "Deal", text, value=deal.outcome)
        elif lead and lead.status not in LeadStatus.open_values():
            text = f"the lead is {LeadStatus(lead.status).label.lower()}"
            context.add("subject_closed", "Lead", text, value=lead.status)
        context.add("description", "Description", task.description[:1000])
        yield context
