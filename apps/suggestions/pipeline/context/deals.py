"""Facts about deals."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from apps.brain.enums import Goal
from apps.crm.models import Contact, Opportunity, Stage
from apps.suggestions.pipeline.context.contexts import Context, Group
from apps.suggestions.pipeline.context.history import (
    next_tasks,
    open_task_counts,
    people_at,
    recent_activities,
)
from apps.suggestions.pipeline.readers import Readers

# How many others at the account are named as somebody to bring in.
OTHER_CONTACTS = 2


def deal_contexts(group: Group) -> Iterator[Context]:
    """Where it stands, when it should close, who is in it, and what has happened with it."""
    deals = Opportunity.objects.select_related("stage", "account", "contact").in_bulk(group.ids)
    recent = recent_activities("opportunity_id", group.ids)
    tasks = open_task_counts("opportunity_id", group.ids)
    planned = next_tasks("opportunity_id", group.ids)
    stages = Stage.objects.in_bulk(group.ids_seen("former_stage_id"))
    narrow = [a.record.id for a in group.awaiting if a.goal == Goal.WIDEN_DEAL]
    others = people_at(deals[pk].account_id for pk in narrow if pk in deals)
    for awaiting in group.awaiting:
        deal = deals.get(awaiting.record.id)
        if deal is None:
            continue
        context = Context(
            awaiting, group.moment, str(deal), deal.owner_id, deal.amount, deal.currency
        )
        context.add("stage", "Stage", deal.stage.label, value=deal.stage.key)
        context.add_moment("stage_entered_at", "In this stage since", deal.stage_entered_at)
        former = stages.get(group.id_seen(awaiting, "former_stage_id") or 0)
        if former is not None:
            context.add("former_stage", "Stage before", former.label, value=former.key)
        context.add_moment("created_at", "Created", deal.created_at)
        context.add_linked("account", "Account", group.readers.allowed(deal.owner_id, deal.account))
        context.add_linked("contact", "Contact", group.readers.allowed(deal.owner_id, deal.contact))
        if awaiting.goal == Goal.WIDEN_DEAL:
            _add_others(context, others[deal.account_id], deal, group.readers)
        context.add_day("expected_close_on", "Expected close", deal.expected_close_on)
        context.add("next_step", "Next step on file", deal.next_step)
        context.add_history(deal.last_activity_at, recent[deal.pk])
        context.add_open_tasks(tasks[deal.pk], planned[deal.pk])
        context.add("notes", "Notes", deal.notes[:1000])
        yield context


def _add_others(
    context: Context, contacts: list[Contact], deal: Opportunity, readers: Readers
) -> None:
    readable = (
        contact
        for contact in contacts
        if contact.pk != deal.contact_id and readers.may_see(deal.owner_id, contact.owner_id)
    )
    for contact in islice(readable, OTHER_CONTACTS):
        context.add_person("other_contact", "Also at the account", contact)
