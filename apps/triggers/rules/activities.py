"""Triggers about calls, meetings and mails."""

from __future__ import annotations

from typing import Annotated, Self

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, JSONObject, Lower
from django.db.models.lookups import IsNull
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, DealOutcome, Direction, LeadStatus, RecordKind
from apps.crm.models import Activity, Contact, Lead, Task
from apps.triggers.edges import Edge, days_ago, now
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Own, Related, SameAddress

# As the partial indexes of activities have it.
IS_TALK = Q(activity_kind__in=[ActivityKind.MEETING, ActivityKind.CALL])
IS_UNMATCHED = Q(
    direction=Direction.INBOUND, lead=None, contact=None, account=None, opportunity=None
)

# Addresses that no person reads; mail from them never makes a lead.
MACHINE_ADDRESS = (
    r"^(no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter)"
    r"([+.@-]|$)"
)


class FollowupMissingParameters(Parameters):
    """How soon after a meeting or call a next step is expected, and how far back to look."""

    grace_days: Annotated[int, Field(ge=0, le=60)] = 3
    window_days: Annotated[int, Field(ge=1, le=365)] = 14

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.window_days <= self.grace_days:
            raise ValueError("window_days must be greater than grace_days")
        return self


class FollowupMissing(Trigger[FollowupMissingParameters]):
    """A meeting or call after which nothing happened and nothing is planned.

    The talk is about its deal, else its lead, else its contact; it counts when it is the last activity
    there (a note is none, a meeting that lies ahead is one) and no open task hangs on it. Closed deals
    and leads call for no next step. Three days leave a weekend; after three weeks the record's own
    silence is what matters (``lead_inactive``, ``deal_stalled``).
    """

    key = "followup_missing"
    label = "No next step after a talk"
    record_kind = RecordKind.ACTIVITY
    goal = Goal.PLAN_NEXT_STEP
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (
        Own(),
        *(
            Related(source, *path, back=subject, only=IS_TALK)
            for subject in ("opportunity", "lead", "contact")
            for source, path in (
                (RecordKind.ACTIVITY, (subject,)),
                (RecordKind.TASK, (subject,)),
                (RecordKind(subject), ()),
            )
        ),
    )
    parameters_type = FollowupMissingParameters

    def matching(
        self, moment: ScanMoment, parameters: FollowupMissingParameters
    ) -> QuerySet[Activity]:
        """The last talks of open deals, leads and contacts, inside the window, with nothing after."""
        is_about_something_open = (
            Q(opportunity__outcome=DealOutcome.OPEN)
            | Q(
                opportunity=None,
                lead__status__in=LeadStatus.open_values(),
                lead__do_not_contact=False,
            )
            | Q(opportunity=None, lead=None, contact__do_not_contact=False)
        )
        return (
            Activity.objects.filter(
                is_about_something_open,
                *_nothing_after("opportunity"),
                *_nothing_after("lead", unless=("opportunity_id",)),
                *_nothing_after("contact", unless=("opportunity_id", "lead_id")),
                activity_kind__in=[ActivityKind.MEETING, ActivityKind.CALL],
                occurred_at__lte=moment.days_ago(parameters.grace_days),
                occurred_at__gt=moment.days_ago(parameters.window_days),
            )
            .exclude(direction=Direction.NONE, activity_kind=ActivityKind.CALL)
            .annotate(
                facts=JSONObject(
                    occurred_at="occurred_at",
                    opportunity_id="opportunity_id",
                    lead_id="lead_id",
                    contact_id="contact_id",
                    revision="revision",
                    about_revision=Coalesce(
                        "opportunity__revision", "lead__revision", "contact__revision"
                    ),
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: FollowupMissingParameters) -> tuple[Edge, ...]:
        """A talk coming out of its grace, and growing too old."""
        return tuple(
            Edge(Activity, "occurred_at", days_ago(days), only=IS_TALK)
            for days in (parameters.grace_days, parameters.window_days)
        )


def _nothing_after(subject: str, *, unless: tuple[str, ...] = ()) -> tuple[Q, Q]:
    """Neither a later contact nor an open task hangs on this subject of the talk.

    Talks about something in ``unless`` pass: that is their subject. Each condition stands for itself, and the
    tie of two talks at one moment is written so that one index range holds it, which lets the database
    choose between joining all and looking up a few.
    """
    is_same = [
        Q(**{f"{subject}_id": OuterRef(f"{subject}_id")}),
        *(Q(IsNull(OuterRef(column), True)) for column in unless),
    ]
    later = (
        Activity.objects.filter(*is_same, occurred_at__gte=OuterRef("occurred_at"))
        .filter(Q(occurred_at__gt=OuterRef("occurred_at")) | Q(pk__gt=OuterRef("pk")))
        .exclude(activity_kind=ActivityKind.NOTE)
    )
    return Q(~Exists(later)), Q(~Exists(Task.objects.open().filter(*is_same)))


class InboundFromUnknownSenderParameters(Parameters):
    """How far back to look for messages from strangers."""

    window_days: Annotated[int, Field(ge=1, le=365)] = 30


class InboundFromUnknownSender(Trigger[InboundFromUnknownSenderParameters]):
    """A person wrote lately whom no lead and no contact knows.

    One signal per address. The first message ever stands for all of them, so that it is the same one at
    each scan: what was decided about a sender stays decided when they write again. Machine addresses
    (no-reply, bounces) never match.
    """

    key = "inbound_from_unknown_sender"
    label = "Message from somebody new"
    record_kind = RecordKind.ACTIVITY
    goal = Goal.IDENTIFY_SENDER
    tools = ("create_lead",)
    severity = Severity.HIGH
    watches = (
        Own(),
        SameAddress(RecordKind.ACTIVITY, "counterpart_address", "counterpart_address"),
        SameAddress(RecordKind.LEAD, "email", "counterpart_address"),
        SameAddress(RecordKind.CONTACT, "email", "counterpart_address"),
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
        # Of a sender's messages inside the window one is enough to find their first.
        earlier = recent.filter(
            same_address,
            Q(occurred_at__lt=OuterRef("occurred_at"))
            | Q(occurred_at=OuterRef("occurred_at"), pk__lt=OuterRef("pk")),
        )
        first = unmatched.filter(same_address).order_by("occurred_at", "pk").values("pk")[:1]
        firsts = (
            recent.filter(~Exists(earlier), address__contains="@")
            .exclude(address__regex=MACHINE_ADDRESS)
            .values_list(Subquery(first))
        )
        known_lead = Lead.objects.alias(address=Lower("email")).filter(same_address)
        known_contact = Contact.objects.alias(address=Lower("email")).filter(same_address)
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
        through = SameAddress(RecordKind.ACTIVITY, "counterpart_address", "counterpart_address")
        return tuple(
            Edge(Activity, "occurred_at", threshold, only=IS_UNMATCHED, through=through)
            for threshold in (now, days_ago(parameters.window_days))
        )
