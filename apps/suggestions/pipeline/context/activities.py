"""Facts about what happened: talks, messages of known people, and of strangers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind
from apps.crm.models import Activity
from apps.execution.schemas import RecordRef
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context.contexts import Context, Group, local_day, local_iso
from apps.suggestions.pipeline.readers import Readers


def activity_contexts(group: Group) -> Iterator[Context]:
    """What it was and what it was about; of a stranger's message, what it says about them."""
    activities = Activity.objects.select_related(
        "opportunity", "lead", "contact", "account"
    ).in_bulk(group.ids)
    for awaiting in group.awaiting:
        activity = activities.get(awaiting.record.id)
        if activity is None:
            continue
        if awaiting.goal == Goal.IDENTIFY_SENDER:
            context = _stranger(awaiting, activity, group)
        else:
            context = _matched(awaiting, activity, group)
        if context is not None:
            yield context


def _matched(awaiting: Awaiting, activity: Activity, group: Group) -> Context | None:
    """Something that hangs on a record: its deal, else its lead, its contact, its account."""
    about = activity.opportunity or activity.lead or activity.contact or activity.account
    if about is None:
        return None
    # Whoever is to decide must see both what happened and what it was about.
    assignee_id = about.owner_id or activity.owner_id
    if not group.readers.may_see(assignee_id, activity.owner_id):
        return None
    kind = ActivityKind(activity.activity_kind).label
    value, currency = _at_stake(activity)
    context = Context(awaiting, group.moment, f"{kind}: {about}", assignee_id, value, currency)
    context.add("activity_kind", "Kind", kind, value=kind.lower())
    key = "talk" if awaiting.goal == Goal.PLAN_NEXT_STEP else "message"
    context.add_activity(key, activity)
    sender = _sender(activity, assignee_id, group.readers)
    context.add("sender_name", "From", sender, value=sender)
    # A lead's or a contact's own talks are no finding then; those about a deal are.
    context.add_wish(group.readers.allowed(assignee_id, activity.contact))
    context.add("about", about.kind.label, str(about), record=RecordRef(about.kind, about.pk))
    if awaiting.goal == Goal.PLAN_NEXT_STEP:
        # An open task would have kept the trigger from firing.
        context.add_open_tasks(0)
        context.add("body", "Notes of the talk", activity.body[:1000])
    else:
        context.add("body", "Text", activity.body[:1000])
    return context


def _stranger(awaiting: Awaiting, message: Activity, group: Group) -> Context | None:
    """A message of somebody who is not on file."""
    address = message.counterpart_address
    if not address:
        return None
    sender = message.counterpart_name or address
    context = Context(awaiting, group.moment, f"Message from {sender}", message.owner_id)
    context.add("address", "Address", address, value=address)
    context.add("sender_name", "Name", message.counterpart_name, value=message.counterpart_name)
    context.add(
        "message",
        f"Message of {local_day(message.occurred_at, group.moment)}",
        message.subject or message.body[:120] or "without a subject",
        value=local_iso(message.occurred_at, group.moment),
        occurred_at=message.occurred_at,
        record=awaiting.record,
    )
    for detail in ("phone", "title", "company"):
        stated = message.stated_details.get(detail)
        if isinstance(stated, str):
            context.add(f"stated_{detail}", f"Signed {detail}", stated, value=stated)
    context.add("body", "Text", message.body[:1000])
    return context


def _at_stake(activity: Activity) -> tuple[Decimal | None, str]:
    if activity.opportunity is not None:
        return activity.opportunity.amount, activity.opportunity.currency
    if activity.lead is not None:
        return activity.lead.estimated_value, activity.lead.currency
    return None, ""


def _sender(activity: Activity, assignee_id: int | None, readers: Readers) -> str:
    """Who is on the other side: as the message has it, else as the records do."""
    person = readers.allowed(assignee_id, activity.contact) or readers.allowed(
        assignee_id, activity.lead
    )
    return activity.counterpart_name or str(person or activity.counterpart_address)
