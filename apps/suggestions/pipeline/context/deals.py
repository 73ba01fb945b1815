"""Facts about deals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from apps.brain.enums import Goal
from apps.crm.enums import RecordKind
from apps.crm.models import Contact, Opportunity, Stage
from apps.execution.schemas import RecordRef
from apps.suggestions.pipeline.context.contexts import Context, Group
from apps.suggestions.pipeline.context.history import open_task_counts, recent_activities
from apps.suggestions.pipeline.readers import Readers

# How many others at the account are named as somebody to bring in, and among how many they are sought.
OTHER_CONTACTS = 2
LOOKED_THROUGH = 20


def deal_contexts(group: Group) -> Iterator[Context]:
    """Where it stands, when it should close, who is in it, and what has happened with it."""
    deals = Opportunity.objects.select_related("stage", "account", "contact").in_bulk(group.ids)
    recent = recent_activities("opportunity_id", group.ids)
    tasks = open_task_counts("opportunity_id", group.ids)
    stages = Stage.objects.in_bulk(group.ids_seen("former_stage_id"))
    narrow = [a.record.id for a in group.awaiting if a.goal == Goal.WIDEN_DEAL]
    others = _contacts_beside(deals[pk] for pk in narrow if pk in deals)
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
        if deal.account:
            context.add("account", "Account", str(deal.account))
        if deal.contact:
            context.add("contact", "Contact", str(deal.contact))
        if awaiting.goal == Goal.WIDEN_DEAL:
            _add_others(context, others[deal.account_id], deal, group.readers)
        context.add_day("expected_close_on", "Expected close", deal.expected_close_on)
        context.add("next_step", "Next step on file", deal.next_step)
        context.add_history(deal.last_activity_at, recent[deal.pk])
        context.add_open_tasks(tasks[deal.pk])
        context.add("notes", "Notes", deal.notes[:1000])
        yield context


def _contacts_beside(deals: Iterable[Opportunity]) -> dict[int | None, list[Contact]]:
    """People at the accounts of these deals who may be contacted, those last heard of first."""
    accounts = {deal.account_id for deal in deals if deal.account_id}
    found: dict[int | None, list[Contact]] = defaultdict(list)
    if accounts:
        latest = [F("last_activity_at").desc(nulls_last=True), F("id").asc()]
        people = Contact.objects.filter(account_id__in=accounts, do_not_contact=False).annotate(
            place=Window(RowNumber(), partition_by=[F("account_id")], order_by=latest)
        )
        for contact in people.filter(place__lte=LOOKED_THROUGH).order_by("place"):
            found[contact.account_id].append(contact)
    return found


def _add_others(
    context: Context, contacts: list[Contact], deal: Opportunity, readers: Readers
) -> None:
    readable = (
        contact
        for contact in contacts
        if contact.pk != deal.contact_id and readers.may_see(deal.owner_id, contact.owner_id)
    )
    for contact in islice(readable, OTHER_CONTACTS):
        text = f"{contact}, {contact.title}" if contact.title else str(contact)
        context.add(
            "other_contact",
            "Also at the account",
            text,
            value=str(contact),
            record=RecordRef(RecordKind.CONTACT, contact.pk),
        )
