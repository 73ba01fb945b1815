"""Reading whom a person has met: the people of their meetings, or of calls besides, in a stretch of days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from django.utils import timezone
from pydantic import Field

from apps.brain.reading.tools import ReadArguments, ReadTool, check_may_view, found, may_view
from apps.brain.schemas import Fact
from apps.crm.enums import ActivityKind
from apps.crm.models import Activity, Contact, Lead
from apps.crm.presentation import describe_time
from apps.crm.services import visible_records
from apps.execution.schemas import RecordRef
from apps.users.models import User

# Of a longer list the number is told, and those who were met last.
MOST_PEOPLE = 40
_TALKS = (ActivityKind.MEETING, ActivityKind.CALL)
# Of a year one asks for numbers, not for names.
LONGEST_SPAN = timedelta(days=92)


class MeetingArguments(ReadArguments):
    """Between which days, both included, and whether calls count."""

    first: date
    last: date
    kinds: Annotated[
        Literal["meetings", "meetings_and_calls"], Field(description="What counts as having met.")
    ] = "meetings"


def read_people_met(asker: User, arguments: MeetingArguments, today: date) -> Sequence[Fact]:
    """The contacts and leads of the asker's own meetings in these days, who was met last first."""
    check_may_view(asker, Activity)
    first = max(arguments.first, arguments.last - LONGEST_SPAN)
    kinds = _TALKS if arguments.kinds == "meetings_and_calls" else _TALKS[:1]
    rows = (
        Activity.objects.visible_to(asker)
        .filter(
            owner=asker,
            activity_kind__in=kinds,
            occurred_at__gte=_begin(first),
            occurred_at__lt=_begin(arguments.last + timedelta(days=1)),
        )
        .order_by("-occurred_at", "-id")
        .values_list("contact_id", "lead_id", "occurred_at")
    )
    contacts: dict[int, datetime] = {}
    leads: dict[int, datetime] = {}
    nobody = 0
    for contact_id, lead_id, occurred_at in rows:
        if contact_id:
            contacts.setdefault(contact_id, occurred_at)
        elif lead_id:
            leads.setdefault(lead_id, occurred_at)
        else:
            nobody += 1
    people = sorted(_people(asker, contacts, leads), key=lambda row: row[0], reverse=True)
    count = len(people)
    facts = [found("met_people", "People met", str(count) if count else "none", value=count)]
    if nobody:
        facts.append(
            found("met_nobody", "Meetings that name no contact or lead", str(nobody), value=nobody)
        )
    for occurred_at, person in people[:MOST_PEOPLE]:
        facts.append(
            found(
                "met",
                f"Met on {describe_time(occurred_at)}",
                str(person),
                value="do_not_contact" if person.do_not_contact else "",
                occurred_at=occurred_at,
                record=RecordRef(person.kind, person.pk),
            )
        )
    return facts


def _people(
    asker: User, contacts: dict[int, datetime], leads: dict[int, datetime]
) -> Iterator[tuple[datetime, Contact | Lead]]:
    if may_view(asker, Contact):
        for contact in visible_records(asker, Contact).filter(pk__in=contacts):
            yield contacts[contact.pk], contact
    if may_view(asker, Lead):
        for lead in visible_records(asker, Lead).filter(pk__in=leads):
            yield leads[lead.pk], lead


def _begin(day: date) -> datetime:
    """When a day begins for the person."""
    return timezone.make_aware(datetime.combine(day, time.min))


PEOPLE_MET = ReadTool(
    "people_met",
    "Whom the person who asks has met, or has talked to, between two days.",
    MeetingArguments,
    read_people_met,
)
