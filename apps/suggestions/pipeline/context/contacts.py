"""Facts about contacts."""

from __future__ import annotations

from collections.abc import Iterator

from apps.crm.enums import RecordKind
from apps.crm.models import Activity, Contact
from apps.execution.schemas import JsonValue, RecordRef
from apps.suggestions.pipeline.awaiting import Awaiting
from apps.suggestions.pipeline.context.accounts import open_deal_values
from apps.suggestions.pipeline.context.contexts import Context, Group, local_day
from apps.suggestions.pipeline.context.history import (
    next_tasks,
    open_task_counts,
    recent_activities,
)

DETAILS = (("phone", "Phone"), ("title", "Title"), ("email", "E-mail"))


def contact_contexts(group: Group) -> Iterator[Context]:
    """How to reach them, what has happened with them, and what messages say against the record."""
    contacts = Contact.objects.select_related("account").in_bulk(group.ids)
    recent = recent_activities("contact_id", group.ids)
    tasks = open_task_counts("contact_id", group.ids)
    planned = next_tasks("contact_id", group.ids)
    cited = Activity.objects.in_bulk(group.ids_seen("stating_id") | group.ids_seen("bounce_id"))
    accounts = {contact.account_id for contact in contacts.values() if contact.account_id}
    values = open_deal_values(sorted(accounts))
    for awaiting in group.awaiting:
        contact = contacts.get(awaiting.record.id)
        if contact is None:
            continue
        source = cited.get(group.id_seen(awaiting, "stating_id") or 0)
        bounce = cited.get(group.id_seen(awaiting, "bounce_id") or 0)
        assignee_id = contact.owner_id or next(
            (message.owner_id for message in (source, bounce) if message), None
        )
        value, currency = values.get((contact.account_id or 0, contact.owner_id), (None, ""))
        context = Context(awaiting, group.moment, str(contact), assignee_id, value, currency)
        context.add_linked(
            "account", "Account", group.readers.allowed(assignee_id, contact.account)
        )
        source = group.readers.allowed(assignee_id, source)
        for detail, label in DETAILS:
            on_file = getattr(contact, detail)
            if source is not None:
                _add_stated(
                    context, f"stated_{detail}", label, source, _stated(group, awaiting, detail)
                )
            context.add(f"on_file_{detail}", f"{label} on file", on_file, value=on_file)
        if source is not None:
            context.add_activity("stating_message", source)
        bounce = group.readers.allowed(assignee_id, bounce)
        if bounce is not None:
            context.add_activity("bounce", bounce)
        context.add_moment("created_at", "Created", contact.created_at)
        context.add_history(contact.last_activity_at, recent[contact.pk])
        context.add_open_tasks(tasks[contact.pk], planned[contact.pk])
        yield context


def _stated(group: Group, awaiting: Awaiting, detail: str) -> JsonValue:
    """What a message states where the record says something else."""
    found = (signal.facts.get(detail) for signal in group.signals_of(awaiting))
    return next((stated for stated in found if stated), None)


def _add_stated(
    context: Context, key: str, label: str, source: Activity, stated: JsonValue
) -> None:
    if isinstance(stated, str):
        context.add(
            key,
            f"{label} in the signature of {local_day(source.occurred_at, context.moment)}",
            stated,
            value=stated,
            occurred_at=source.occurred_at,
            record=RecordRef(RecordKind.ACTIVITY, source.pk),
        )
