"""Triggers about messages that came in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Self

from django.db.models import Case, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import JSONObject, Lower
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, Direction, RecordKind
from apps.crm.models import Activity, Contact, Lead, Task
from apps.triggers.edges import Edge, days_ago, now, working_days_ago
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.subjects import (
    IS_ABOUT_SOMEBODY_REACHABLE,
    IS_ABOUT_SOMETHING_OPEN,
    IS_REACTION,
    Subject,
    earlier_contact,
    later_contact,
    later_note_of_step,
    later_word_to_the_person,
    says,
    subject_facts,
    subject_watches,
    subjects,
)
from apps.triggers.watches import Own, SameAddress

# As the partial indexes of activities have it.
IS_INBOUND = Q(direction=Direction.INBOUND)
IS_UNMATCHED = IS_INBOUND & Q(lead=None, contact=None, account=None, opportunity=None)

# Addresses that no person reads; mail from them never calls for anything.
MACHINE_ADDRESS = (
    r"^(no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter)"
    r"([+.@-]|$)"
)


class InboundFromUnknownSenderParameters(Parameters):
    """How far back to look for messages from strangers."""

    window_days: Annotated[
        int, Field(ge=1, le=365, title="Look back", description="Older messages are left alone.")
    ] = 30


class InboundFromUnknownSender(Trigger[InboundFromUnknownSenderParameters]):
    """A person wrote lately whom no lead and no contact knows.

    One signal per address. The first message ever stands for all of them, so that it is the same one at
    each scan: what was decided about a sender stays decided when they write again. Machine addresses
    (no-reply, bounces) never match.

    Thirty days is a judgement, to be set on the trigger's page: of 13,767 mails to which the demo's two
    companies reacted, one in 138 waited longer (as of 25 November 2026). A company to which few
    strangers write may well look back further.
    """

    key = "inbound_from_unknown_sender"
    label = "Message from somebody new"
    record_kind = RecordKind.ACTIVITY
    goal = Goal.IDENTIFY_SENDER
    discovers = None
    tools = ("create_lead",)
    severity = Severity.HIGH
    watches = (
        Own(),
        *(
            SameAddress(kind, column, "counterpart_address", only=IS_UNMATCHED)
            for kind, column in (
                (RecordKind.ACTIVITY, "counterpart_address"),
                (RecordKind.LEAD, "email"),
                (RecordKind.CONTACT, "email"),
            )
        ),
    )
    parameters_type = InboundFromUnknownSenderParameters

    def matching(
        self, moment: ScanMoment, parameters: InboundFromUnknownSenderParameters
    ) -> QuerySet[Activity]:
        """The first unmatched message of each unknown address that wrote inside the window."""
        unmatched = (
            Activity.objects.matched_to_nothing()
            .filter(direction=Direction.INBOUND, occurred_at__lte=moment.now)
            .alias(address=Lower("counterpart_address"))
        )
        same_address = Q(address=OuterRef("address"))
        recent = unmatched.filter(occurred_at__gt=moment.days_ago(parameters.window_days))
        first = unmatched.filter(address=OuterRef("sender")).order_by("occurred_at", "pk")
        # Each sender of the window once, and then their first message of all.
        firsts = (
            recent.filter(address__contains="@")
            .exclude(address__regex=MACHINE_ADDRESS)
            .order_by()
            .values(sender=Lower("counterpart_address"))
            .annotate(latest=Max("occurred_at"))
            .values_list(Subquery(first.values("pk")[:1]))
        )
        # The address of a merged record is known to be its survivor's.
        known_lead = Lead.everything.alias(address=Lower("email")).filter(same_address)
        known_contact = Contact.everything.alias(address=Lower("email")).filter(same_address)
        return (
            unmatched.filter(pk__in=firsts)
            .exclude(Exists(known_lead))
            .exclude(Exists(known_contact))
            .annotate(
                facts=JSONObject(
                    address=F("counterpart_address"),
                    occurred_at="occurred_at",
                    revision="revision",
                )
            )
        )

    def edges(
        self, moment: ScanMoment, parameters: InboundFromUnknownSenderParameters
    ) -> tuple[Edge, ...]:
        """A message dated ahead arriving, and one growing too old: it concerns its sender's first."""
        through = SameAddress(
            RecordKind.ACTIVITY,
            "counterpart_address",
            "counterpart_address",
            only=IS_UNMATCHED,
        )
        return tuple(
            Edge(Activity, "occurred_at", threshold, only=IS_UNMATCHED, through=through)
            for threshold in (now, days_ago(parameters.window_days))
        )


class EmailUnansweredParameters(Parameters):
    """How soon a mail is to be answered, and how far back to look."""

    reply_working_days: Annotated[int, Field(ge=0, le=30, title="Unanswered for")] = 2
    window_days: Annotated[
        int, Field(ge=1, le=365, title="Look back", description="Older mails are left alone.")
    ] = 30

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.window_days <= self.reply_working_days:
            raise ValueError("window_days must be greater than reply_working_days")
        return self


class EmailUnanswered(Trigger[EmailUnansweredParameters]):
    """Somebody's mail after which nobody wrote, called or met them.

    The mail is about its deal, else its lead, else its contact; of several the newest there counts. An open
    task on the subject, made since, is a plan, and a note that tells of a step was the answer. Closed deals
    and leads, people who are not to be contacted and machine addresses call for none, nor do mere thanks,
    automatic replies and mails that ask to wait (as ``apps.triggers.reading`` reads them). What our side has
    said to the person since, about nothing in particular, may have been the answer.

    Two working days: of two million people's mail, half of all replies were sent within 47 minutes and more
    than nine of ten within a day (Kooti and others, "Evolution of Conversations in the Age of Email
    Overload", WWW 2015): what has lain for two working days has been passed over. Of 71 mails found in the
    demo 41 are really forgotten; the others call for no answer, or get it with the next touch (acme as of
    18 March 2026, held against the hidden causes).
    """

    key = "email_unanswered"
    label = "Mail without an answer"
    record_kind = RecordKind.ACTIVITY
    goal = Goal.ANSWER_MESSAGE
    discovers = Discovery.MISSING_FOLLOWUP
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = subject_watches(IS_INBOUND)
    parameters_type = EmailUnansweredParameters

    def matching(
        self, moment: ScanMoment, parameters: EmailUnansweredParameters
    ) -> QuerySet[Activity]:
        """The newest mails of open deals, leads and contacts, old enough, with nothing after."""
        since = self.looks_back_to(moment, parameters)
        nothing_after = (
            condition
            for subject in subjects()
            for condition in (
                ~Exists(later_contact(subject, since)),
                ~Exists(later_note_of_step(subject, since)),
                ~Exists(_task_since(subject)),
            )
        )
        return (
            Activity.objects.alias(address=Lower("counterpart_address"))
            .filter(
                IS_ABOUT_SOMETHING_OPEN,
                *nothing_after,
                ~Exists(later_word_to_the_person(since)),
                ~says(needs_no_answer=True),
                ~says(asks_to_wait=True),
                activity_kind=ActivityKind.EMAIL,
                direction=Direction.INBOUND,
                occurred_at__lte=moment.working_days_ago(parameters.reply_working_days),
                occurred_at__gt=since,
            )
            .exclude(address__regex=MACHINE_ADDRESS)
            .annotate(facts=JSONObject(**subject_facts()))
        )

    def looks_back_to(self, moment: ScanMoment, parameters: EmailUnansweredParameters) -> datetime:
        """The begin of the window."""
        return moment.days_ago(parameters.window_days)

    def edges(self, moment: ScanMoment, parameters: EmailUnansweredParameters) -> tuple[Edge, ...]:
        """A mail that has waited for too long, and one growing too old."""
        return tuple(
            Edge(Activity, "occurred_at", threshold, only=IS_INBOUND)
            for threshold in (
                working_days_ago(parameters.reply_working_days),
                days_ago(parameters.window_days),
            )
        )


class NewActivityParameters(Parameters):
    """How new the message is, and how long nothing had happened before it."""

    window_days: Annotated[
        int, Field(ge=1, le=90, title="Look back", description="Older messages are no news.")
    ] = 7
    dormant_days: Annotated[int, Field(ge=7, le=1095, title="Silent before it for")] = 60


class NewActivity(Trigger[NewActivityParameters]):
    """Somebody came back: a mail or a call about something where nothing had happened for long.

    It is about its deal, else its lead, else its contact, be that open or closed: a lost deal whose other
    side writes again is the best of leads. There had been contact, the last of it ``dormant_days`` or more
    before. It ends when somebody writes, calls, meets them, notes that they did, or makes a task. People who
    are not to be contacted and machine addresses do not count.

    Sixty days: of 54,476 gaps between two contacts about one deal or lead in the demo's two companies fewer
    than one in a hundred were that long (as of 18 March 2026). Whoever writes after it has taken the matter
    up again. A week of news, because 95 of 100 mails to which anybody reacted had their reaction by then
    (13,018 of 13,767, as of 25 November 2026); afterwards the record's own silence is what matters.
    """

    key = "new_activity"
    label = "Somebody came back"
    record_kind = RecordKind.ACTIVITY
    goal = Goal.ANSWER_MESSAGE
    discovers = Discovery.MISSING_FOLLOWUP
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = subject_watches(IS_INBOUND)
    inhibits = ("email_unanswered",)
    parameters_type = NewActivityParameters

    def matching(self, moment: ScanMoment, parameters: NewActivityParameters) -> QuerySet[Activity]:
        """Inbound mails and calls inside the window, after a long silence, with no reaction since."""
        since = self.looks_back_to(moment, parameters)
        no_reaction = (
            condition
            for subject in subjects()
            for condition in (
                ~Exists(later_contact(subject, since).filter(IS_REACTION)),
                ~Exists(later_note_of_step(subject, since)),
                ~Exists(_task_since(subject)),
            )
        )
        former_at = Case(
            *(
                When(
                    **{f"{subject.kind}__isnull": False},
                    then=Subquery(earlier_contact(subject).values("occurred_at")[:1]),
                )
                for subject in subjects()
            )
        )
        dormant = timedelta(days=parameters.dormant_days)
        return (
            Activity.objects.alias(address=Lower("counterpart_address"))
            .annotate(former_activity_at=former_at)
            .filter(
                IS_ABOUT_SOMEBODY_REACHABLE,
                *no_reaction,
                direction=Direction.INBOUND,
                occurred_at__lte=moment.now,
                occurred_at__gt=since,
                former_activity_at__lte=F("occurred_at") - dormant,
            )
            .exclude(activity_kind=ActivityKind.NOTE)
            .exclude(address__regex=MACHINE_ADDRESS)
            .annotate(facts=JSONObject(**subject_facts(), former_activity_at="former_activity_at"))
        )

    def looks_back_to(self, moment: ScanMoment, parameters: NewActivityParameters) -> datetime:
        """The begin of the window."""
        return moment.days_ago(parameters.window_days)

    def edges(self, moment: ScanMoment, parameters: NewActivityParameters) -> tuple[Edge, ...]:
        """A message dated ahead arriving, and one growing too old."""
        return tuple(
            Edge(Activity, "occurred_at", threshold, only=IS_INBOUND)
            for threshold in (now, days_ago(parameters.window_days))
        )


def _task_since(subject: Subject) -> QuerySet[Task]:
    """Open tasks on the subject of the outer activity that were made after it."""
    return Task.objects.open().filter(*subject.is_same, created_at__gte=OuterRef("occurred_at"))
