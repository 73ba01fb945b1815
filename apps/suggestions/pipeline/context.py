"""Stage 1: gather what is known about each record, as numbered facts, in a few queries per batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, F, Q, Sum, Window
from django.db.models.functions import RowNumber

from apps.brain.enums import Goal
from apps.brain.schemas import Fact
from apps.crm.enums import ActivityKind, DealOutcome, LeadStatus, RecordKind, TaskPriority
from apps.crm.models import Activity, Contact, Lead, Opportunity, Task
from apps.execution.schemas import JsonValue, RecordRef
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.readers import Readers, readable_beside
from apps.triggers.models import Signal
from apps.triggers.moments import ScanMoment

# How many of the latest activities become facts; older ones say little about what to do today.
RECENT_ACTIVITIES = 3


@dataclass(slots=True)
class Context:
    """What is known about one record, for one goal."""

    awaiting: Awaiting
    label: str
    assignee_id: int | None
    value_at_stake: Decimal | None = None
    currency: str = ""
    facts: list[Fact] = field(default_factory=list)

    def add(
        self,
        key: str,
        label: str,
        text: str,
        *,
        value: JsonValue = None,
        occurred_at: datetime | None = None,
        record: RecordRef | None = None,
    ) -> None:
        """Add a fact with the next number; an empty text is no fact."""
        if text:
            self.facts.append(
                Fact(len(self.facts) + 1, key, label, text, value, occurred_at, record)
            )


def gather(batch: Sequence[Awaiting], moment: ScanMoment, currency: str) -> list[Context]:
    """Return the contexts of a batch; a record that is gone has none. Queries per batch are constant.

    A context holds only what everybody may see who will read the suggestion (``readers``).
    """
    by_goal: dict[Goal, list[Awaiting]] = defaultdict(list)
    for awaiting in batch:
        by_goal[awaiting.goal].append(awaiting)
    contexts: dict[Awaiting, Context] = {}
    readers = Readers.read()
    for goal, group in sorted(by_goal.items()):
        for context in _GATHERERS[goal](group, moment, readers):
            context.currency = context.currency or currency
            _add_value(context)
            contexts[context.awaiting] = context
    return [contexts[awaiting] for awaiting in batch if awaiting in contexts]


def _leads(group: Sequence[Awaiting], moment: ScanMoment, _: Readers) -> Iterable[Context]:
    ids = [awaiting.record.id for awaiting in group]
    leads = Lead.objects.in_bulk(ids)
    recent = _recent_activities("lead_id", ids)
    tasks = _open_task_counts("lead_id", ids)
    for awaiting in group:
        lead = leads.get(awaiting.record.id)
        if lead is None:
            continue
        context = Context(awaiting, str(lead), lead.owner_id, lead.estimated_value, lead.currency)
        context.add("status", "Status", lead.get_status_display(), value=lead.status)
        context.add("company", "Company", lead.company)
        context.add("title", "Title", lead.title)
        context.add("phone", "Phone", lead.phone, value=lead.phone)
        context.add("lead_source", "Lead source", lead.lead_source)
        _add_moment(context, "created_at", "Created", lead.created_at, moment)
        _add_contact_history(context, lead.last_activity_at, recent[lead.pk], moment)
        _add_open_tasks(context, tasks[lead.pk])
        context.add("notes", "Notes", lead.notes[:1000])
        yield context


def _deals(group: Sequence[Awaiting], moment: ScanMoment, _: Readers) -> Iterable[Context]:
    ids = [awaiting.record.id for awaiting in group]
    deals = Opportunity.objects.select_related("stage", "account", "contact").in_bulk(ids)
    recent = _recent_activities("opportunity_id", ids)
    tasks = _open_task_counts("opportunity_id", ids)
    for awaiting in group:
        deal = deals.get(awaiting.record.id)
        if deal is None:
            continue
        context = Context(awaiting, str(deal), deal.owner_id, deal.amount, deal.currency)
        context.add("stage", "Stage", deal.stage.label, value=deal.stage.key)
        _add_moment(
            context, "stage_entered_at", "In this stage since", deal.stage_entered_at, moment
        )
        _add_moment(context, "created_at", "Created", deal.created_at, moment)
        if deal.account:
            context.add("account", "Account", str(deal.account))
        if deal.contact:
            context.add("contact", "Contact", str(deal.contact))
        if deal.expected_close_on:
            day = deal.expected_close_on
            context.add("expected_close_on", "Expected close", _day(day), value=day.isoformat())
        context.add("next_step", "Next step on file", deal.next_step)
        _add_contact_history(context, deal.last_activity_at, recent[deal.pk], moment)
        _add_open_tasks(context, tasks[deal.pk])
        context.add("notes", "Notes", deal.notes[:1000])
        yield context


def _tasks(group: Sequence[Awaiting], moment: ScanMoment, readers: Readers) -> Iterable[Context]:
    ids = [awaiting.record.id for awaiting in group]
    tasks = Task.objects.select_related("opportunity", "lead", "contact", "account").in_bulk(ids)
    for awaiting in group:
        task = tasks.get(awaiting.record.id)
        if task is None or task.due_on is None:
            continue
        deal = readers.allowed(task.owner_id, task.opportunity)
        lead = readers.allowed(task.owner_id, task.lead)
        value = deal.amount if deal else lead.estimated_value if lead else None
        currency = deal.currency if deal else lead.currency if lead else ""
        context = Context(awaiting, task.title, task.owner_id, value, currency)
        context.add("due_on", "Due", _day(task.due_on), value=task.due_on.isoformat())
        context.add("priority", "Priority", TaskPriority(task.priority).label, value=task.priority)
        contact = readers.allowed(task.owner_id, task.contact)
        about = deal or lead or contact or readers.allowed(task.owner_id, task.account)
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


def _talks(group: Sequence[Awaiting], moment: ScanMoment, readers: Readers) -> Iterable[Context]:
    ids = [awaiting.record.id for awaiting in group]
    talks = Activity.objects.select_related("opportunity", "lead", "contact").in_bulk(ids)
    for awaiting in group:
        talk = talks.get(awaiting.record.id)
        about = talk and (talk.opportunity or talk.lead or talk.contact)
        if talk is None or about is None:
            continue
        # Whoever is to decide must see both the talk and what it was about.
        assignee_id = about.owner_id or talk.owner_id
        if not readers.may_see(assignee_id, talk.owner_id):
            continue
        kind = ActivityKind(talk.activity_kind).label
        value = talk.opportunity.amount if talk.opportunity else None
        if talk.opportunity is None and talk.lead is not None:
            value = talk.lead.estimated_value
        context = Context(
            awaiting,
            f"{kind}: {about}",
            assignee_id,
            value,
            getattr(about, "currency", ""),
        )
        context.add("activity_kind", "Kind", kind, value=kind.lower())
        context.add(
            "talk",
            f"{kind} on {_local_day(talk.occurred_at, moment)}",
            talk.subject or kind,
            value=_local_iso(talk.occurred_at, moment),
            occurred_at=talk.occurred_at,
            record=awaiting.record,
        )
        context.add("about", about.kind.label, str(about), record=RecordRef(about.kind, about.pk))
        _add_open_tasks(context, 0)
        context.add("body", "Notes of the talk", talk.body[:1000])
        yield context


def _messages(group: Sequence[Awaiting], moment: ScanMoment, _: Readers) -> Iterable[Context]:
    ids = [awaiting.record.id for awaiting in group]
    messages = Activity.objects.in_bulk(ids)
    for awaiting in group:
        message = messages.get(awaiting.record.id)
        if message is None or not message.counterpart_address:
            continue
        sender = message.counterpart_name or message.counterpart_address
        context = Context(awaiting, f"Message from {sender}", message.owner_id)
        address = message.counterpart_address
        context.add("address", "Address", address, value=address)
        context.add("sender_name", "Name", message.counterpart_name, value=message.counterpart_name)
        context.add(
            "message",
            f"Message of {_local_day(message.occurred_at, moment)}",
            message.subject or message.body[:120] or "without a subject",
            value=_local_iso(message.occurred_at, moment),
            occurred_at=message.occurred_at,
            record=awaiting.record,
        )
        for detail in ("phone", "title", "company"):
            stated = message.stated_details.get(detail)
            if isinstance(stated, str):
                context.add(f"stated_{detail}", f"Signed {detail}", stated, value=stated)
        context.add("body", "Text", message.body[:1000])
        yield context


def _contacts(group: Sequence[Awaiting], moment: ScanMoment, readers: Readers) -> Iterable[Context]:
    ids = [awaiting.record.id for awaiting in group]
    contacts = Contact.objects.select_related("account").in_bulk(ids)
    signals = {
        signal.record_id: signal.facts
        for signal in Signal.objects.filter(pk__in=[awaiting.signal_ids[0] for awaiting in group])
    }
    cited = {
        number
        for facts in signals.values()
        for number in (facts.get("stating_id"), facts.get("bounce_id"))
        if number
    }
    activities = Activity.objects.in_bulk(cited)
    values = _open_deal_values(ids)
    for awaiting in group:
        contact = contacts.get(awaiting.record.id)
        found = signals.get(awaiting.record.id)
        if contact is None or found is None:
            continue
        source = activities.get(found.get("stating_id") or 0)
        bounce = activities.get(found.get("bounce_id") or 0)
        assignee_id = contact.owner_id or next(
            (message.owner_id for message in (source, bounce) if message), None
        )
        source = readers.allowed(assignee_id, source)
        bounce = readers.allowed(assignee_id, bounce)
        value, currency = values.get(contact.pk, (None, ""))
        context = Context(awaiting, str(contact), assignee_id, value, currency)
        if contact.account:
            context.add("account", "Account", str(contact.account))
        for detail, label in (("phone", "Phone"), ("title", "Title"), ("email", "E-mail")):
            stated = found.get(detail)
            if source is not None and isinstance(stated, str):
                context.add(
                    f"stated_{detail}",
                    f"{label} in the signature of {_local_day(source.occurred_at, moment)}",
                    stated,
                    value=stated,
                    occurred_at=source.occurred_at,
                    record=RecordRef(RecordKind.ACTIVITY, source.pk),
                )
            on_file = getattr(contact, detail)
            context.add(f"on_file_{detail}", f"{label} on file", on_file, value=on_file)
        if source is not None:
            _add_activity(context, "stating_message", source, moment)
        if bounce is not None:
            _add_activity(context, "bounce", bounce, moment)
        yield context


Gatherer = Callable[[Sequence[Awaiting], ScanMoment, Readers], Iterable[Context]]
_GATHERERS: dict[Goal, Gatherer] = {
    Goal.REVIVE_LEAD: _leads,
    Goal.MOVE_DEAL: _deals,
    Goal.CLEAR_TASK: _tasks,
    Goal.PLAN_NEXT_STEP: _talks,
    Goal.IDENTIFY_SENDER: _messages,
    Goal.CORRECT_CONTACT: _contacts,
}


def _recent_activities(column: str, ids: Sequence[int]) -> dict[int, list[Activity]]:
    """The latest activities of each record, newest first, in one query; notes are no contact."""
    record = column.removesuffix("_id")
    ranked = (
        Activity.objects.filter(readable_beside(f"{record}__owner"), **{f"{column}__in": ids})
        .exclude(activity_kind=ActivityKind.NOTE)
        .annotate(
            place=Window(
                RowNumber(),
                partition_by=[F(column)],
                order_by=[F("occurred_at").desc(), F("id").desc()],
            )
        )
        .filter(place__lte=RECENT_ACTIVITIES)
        .order_by("-occurred_at", "-id")
    )
    found: dict[int, list[Activity]] = defaultdict(list)
    for activity in ranked:
        found[getattr(activity, column)].append(activity)
    return found


def _open_task_counts(column: str, ids: Sequence[int]) -> dict[int, int]:
    rows = (
        Task.objects.open()
        .filter(**{f"{column}__in": ids})
        .values_list(column)
        .annotate(count=Count("pk"))
        .order_by()
    )
    return defaultdict(int, rows)


def _open_deal_values(contact_ids: Sequence[int]) -> dict[int, tuple[Decimal | None, str]]:
    """The open deals of each contact's account that the contact's own owner has."""
    rows = (
        Contact.objects.filter(pk__in=contact_ids)
        .annotate(
            total=Sum(
                "account__opportunities__amount",
                filter=Q(
                    account__opportunities__outcome=DealOutcome.OPEN,
                    account__opportunities__owner_id=F("owner_id"),
                ),
            )
        )
        .values_list("pk", "total")
    )
    return {pk: (total, "") for pk, total in rows}


def _add_contact_history(
    context: Context, last_activity_at: datetime | None, recent: list[Activity], moment: ScanMoment
) -> None:
    if last_activity_at is not None:
        _add_moment(context, "last_activity", "Last contact", last_activity_at, moment)
    for position, activity in enumerate(recent):
        key = "last_activity_subject" if position == 0 else "earlier_activity"
        _add_activity(context, key, activity, moment)


def _add_activity(context: Context, key: str, activity: Activity, moment: ScanMoment) -> None:
    kind = ActivityKind(activity.activity_kind).label
    context.add(
        key,
        f"{kind} on {_local_day(activity.occurred_at, moment)}",
        activity.subject or kind,
        value=_local_iso(activity.occurred_at, moment),
        occurred_at=activity.occurred_at,
        record=RecordRef(RecordKind.ACTIVITY, activity.pk),
    )


def _add_moment(context: Context, key: str, label: str, at: datetime, moment: ScanMoment) -> None:
    context.add(key, label, _local_day(at, moment), value=_local_iso(at, moment), occurred_at=at)


def _add_open_tasks(context: Context, count: int) -> None:
    text = "none" if count == 0 else str(count)
    context.add("open_tasks", "Open tasks", text, value=count)


def _add_value(context: Context) -> None:
    if context.value_at_stake is not None:
        amount = f"{context.value_at_stake:,.2f}".removesuffix(".00")
        context.add(
            "value",
            "Value",
            f"{amount} {context.currency}".strip(),
            value=str(context.value_at_stake),
        )


def _local_iso(at: datetime, moment: ScanMoment) -> str:
    return at.astimezone(moment.zone).isoformat()


def _local_day(at: datetime, moment: ScanMoment) -> str:
    return _day(at.astimezone(moment.zone).date())


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
