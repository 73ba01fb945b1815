"""Triggers about how people at accounts respond."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from django.db.models import (
    Count,
    Exists,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import JSONObject
from pydantic import Field, model_validator

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, Direction, RecordKind
from apps.crm.models import Activity, Contact, Opportunity, Task
from apps.triggers.edges import Edge, days_ago
from apps.triggers.enums import Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.watches import Beside, Own, Related

# As the partial index of contacts has it.
MAY_BE_CONTACTED = Q(do_not_contact=False)


class ContactUnresponsiveParameters(Parameters):
    """How many messages without an answer, in how many days, and how long to wait for one."""

    outbound_count: Annotated[
        int,
        Field(
            ge=2,
            le=50,
            title="Attempts",
            description="So many mails and calls of ours, or more, without a response.",
        ),
    ] = 4
    window_days: Annotated[int, Field(ge=7, le=365, title="Within")] = 45
    wait_days: Annotated[
        int,
        Field(
            ge=0, le=60, title="Wait after the last one", description="It may still be answered."
        ),
    ] = 3

    @model_validator(mode="after")
    def _leave_a_window(self) -> Self:
        if self.window_days <= self.wait_days:
            raise ValueError("window_days must be greater than wait_days")
        return self


class ContactUnresponsive(Trigger[ContactUnresponsiveParameters]):
    """Somebody with an open deal whom we wrote to and called again and again, and who does not respond.

    A mail or call of theirs, or a meeting, inside the window is a response; one that lies ahead is, too.
    ``wait_days`` after the last attempt must have passed, because that one may still be answered. The deal
    is the contact's own or their account's; an open task on the contact is a plan.

    Four: of 3.7 million first mails and reminders, the share with a warm response falls with each one, from
    1.28 % after the first reminder to 0.62 % after the fifth (Growbots, "How many emails should I send to
    one prospect?", 2018): after three reminders another way is the better bet.

    Three days: of 11,855 mails of ours that were answered in the demo's two companies 82 % were within three
    days. Forty-five days: of 3,651 series of four attempts without a response in the larger one 3,590
    took no longer. The smaller one writes less often: 46 of its 101 (as of 25 November 2026); such a company
    sets a longer time on the trigger's page.
    """

    key = "contact_unresponsive"
    label = "No response from a contact"
    record_kind = RecordKind.CONTACT
    goal = Goal.REACH_CONTACT
    discovers = None
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (
        Own(),
        Related(RecordKind.ACTIVITY, "contact"),
        Related(RecordKind.TASK, "contact"),
        Related(RecordKind.OPPORTUNITY, "contact"),
        Beside("account", (Related(RecordKind.OPPORTUNITY, "account"),)),
    )
    parameters_type = ContactUnresponsiveParameters

    def matching(
        self, moment: ScanMoment, parameters: ContactUnresponsiveParameters
    ) -> QuerySet[Contact]:
        """Contacts with an open deal, several attempts inside the window, and no response in it."""
        since = moment.days_ago(parameters.window_days)
        open_deals = Opportunity.objects.open()
        return (
            Contact.objects.filter(
                MAY_BE_CONTACTED,
                ~Exists(Task.objects.open().filter(contact=OuterRef("pk"))),
                Exists(open_deals.filter(contact=OuterRef("pk")))
                | Exists(open_deals.filter(account=OuterRef("account_id"))),
                last_activity_at__gt=since,
            )
            .annotate(facts=Subquery(_attempts(moment, parameters)))
            .filter(facts__isnull=False)
        )

    def edges(
        self, moment: ScanMoment, parameters: ContactUnresponsiveParameters
    ) -> tuple[Edge, ...]:
        """The wait after an attempt ending, and attempts and responses leaving the window."""
        window = days_ago(parameters.window_days)
        return (
            Edge(Activity, "occurred_at", days_ago(parameters.wait_days), record="contact_id"),
            Edge(Activity, "occurred_at", window, record="contact_id"),
            Edge(Contact, "last_activity_at", window, only=MAY_BE_CONTACTED),
        )


def _with_contact(since: datetime) -> QuerySet[Activity, Any]:
    """What happened with the outer contact since, or lies ahead; a note is no contact."""
    with_contact = Activity.objects.filter(contact=OuterRef("pk"), occurred_at__gt=since)
    return with_contact.exclude(activity_kind=ActivityKind.NOTE).order_by().values("contact_id")


def _attempts(
    moment: ScanMoment, parameters: ContactUnresponsiveParameters
) -> QuerySet[Activity, Any]:
    """The facts about the outer contact's unanswered messages, when there are enough of them.

    One pass over what happened with the contact, whatever is asked of it.
    """
    since = moment.days_ago(parameters.window_days)
    is_response = Q(direction=Direction.INBOUND) | Q(activity_kind=ActivityKind.MEETING)
    is_attempt = Q(direction=Direction.OUTBOUND) & ~Q(activity_kind=ActivityKind.MEETING)
    heard = Activity.objects.filter(
        contact=OuterRef(OuterRef("pk")), direction=Direction.INBOUND, occurred_at__lte=since
    ).exclude(activity_kind=ActivityKind.NOTE)
    return (
        _with_contact(since)
        .annotate(
            responses=Count("pk", filter=is_response),
            attempts=Count("pk", filter=is_attempt),
            last_attempt_at=Max("occurred_at", filter=is_attempt),
        )
        .filter(
            responses=0,
            attempts__gte=parameters.outbound_count,
            last_attempt_at__lte=moment.days_ago(parameters.wait_days),
        )
        .values(
            facts=JSONObject(
                outbound_count="attempts",
                last_outbound_at="last_attempt_at",
                last_inbound_at=Subquery(heard.order_by("-occurred_at").values("occurred_at")[:1]),
                revision=OuterRef("revision"),
            )
        )
    )
