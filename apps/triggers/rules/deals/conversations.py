"""Triggers about who talks about a deal, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.db.models.functions import Greatest, JSONObject, Least
from pydantic import Field, JsonValue

from apps.brain.enums import Goal
from apps.crm.enums import ActivityKind, RecordKind
from apps.crm.models import Activity, Opportunity
from apps.predictions.enums import Prediction
from apps.triggers.distribution import DistributionRow
from apps.triggers.edges import Edge, Threshold, days_ago, now
from apps.triggers.enums import Discovery, Severity
from apps.triggers.moments import ScanMoment
from apps.triggers.registry import Parameters, Trigger
from apps.triggers.rules.deals.amounts import AmountFigures, measure_open_amounts
from apps.triggers.rules.deals.changes import IS_OPEN
from apps.triggers.rules.interest import HotParameters, hot_deals, hot_edges
from apps.triggers.rules.planning import nothing_planned
from apps.triggers.rules.subjects import asked_to_wait
from apps.triggers.watches import Own, Related, Scored

# A note is no contact.
CONTACT_KINDS = (ActivityKind.EMAIL, ActivityKind.CALL, ActivityKind.MEETING)
# Who asks to wait is not thought of for so long.
LONGEST_PAUSE_DAYS = 60
# What is counted: a column that the index of activities by deal holds, so that it is all that is read.
CONTACT = "activities__occurred_at"


class DealDecayingParameters(Parameters):
    """Which days are compared with which before them, and how far activity must have slowed down."""

    recent_days: Annotated[
        int,
        Field(
            ge=1,
            le=90,
            title="Contact of the last",
            description="These days are held against those before them.",
        ),
    ] = 14
    past_days: Annotated[
        int,
        Field(
            ge=7,
            le=365,
            title="Compared with",
            description="The days before those, for the usual rate.",
        ),
    ] = 56
    past_count: Annotated[
        int,
        Field(
            ge=2,
            le=200,
            title="Contacts before",
            description="So many or more in the days before: from fewer no rate follows.",
        ),
    ] = 2
    quiet_days: Annotated[
        int,
        Field(ge=0, le=90, title="Quiet for", description="Since the last call, mail or meeting."),
    ] = 10
    rate_percent: Annotated[
        int,
        Field(ge=1, le=99, title="Fallen to", description="Of the usual rate: 100 is no change."),
    ] = 40


class DealDecaying(Trigger[DealDecayingParameters]):
    """An open deal about which both sides talk much less than they did, and nothing is planned.

    Its contacts a day of the last two weeks are held against those of the eight weeks before, in which there
    must have been some, and for ten days there must have been none. An open task says that the pause is
    meant, and so does a mail of theirs within sixty days that asks to wait.

    A fortnight is about three contacts of a deal that goes well in the demo (one every four to six days), and
    two such gaps are ten days: of the deals of the development worlds (``measure_discovery``) that had merely
    slowed down by chance nearly all had been talked about within that time. Sixty days cover the pauses on
    which both sides of a deal agree there.
    """

    key = "deal_decaying"
    label = "Deal losing momentum"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.MOVE_DEAL
    discovers = Discovery.STALLED_DEAL
    tools = ("create_followup",)
    severity = Severity.NORMAL
    watches = (
        Own(),
        Related(RecordKind.ACTIVITY, "opportunity"),
        Related(RecordKind.TASK, "opportunity"),
    )
    parameters_type = DealDecayingParameters

    def matching(
        self, moment: ScanMoment, parameters: DealDecayingParameters
    ) -> QuerySet[Opportunity]:
        """Open deals whose recent rate of contacts lies so far under the past one, without an open task."""
        recent_since = moment.days_ago(parameters.recent_days)
        past_since = moment.days_ago(parameters.recent_days + parameters.past_days)
        return (
            _with_contacts(past_since, moment.now)
            .filter(
                nothing_planned(self.record_kind),
                ~asked_to_wait(moment.days_ago(LONGEST_PAUSE_DAYS)),
            )
            .annotate(
                loud_count=Count(
                    CONTACT,
                    filter=Q(activities__occurred_at__gt=moment.days_ago(parameters.quiet_days)),
                ),
                former_count=Count(CONTACT, filter=Q(activities__occurred_at__lte=recent_since)),
                recent_count=Count(CONTACT, filter=Q(activities__occurred_at__gt=recent_since)),
            )
            .filter(former_count__gte=parameters.past_count, loud_count=0)
            .alias(
                recent_rate=F("recent_count") * (parameters.past_days * 100),
                former_rate=F("former_count") * (parameters.recent_days * parameters.rate_percent),
            )
            .filter(recent_rate__lt=F("former_rate"))
            .annotate(
                facts=JSONObject(
                    recent_count="recent_count",
                    former_count="former_count",
                    last_activity_at="last_activity_at",
                    revision="revision",
                )
            )
        )

    def edges(self, moment: ScanMoment, parameters: DealDecayingParameters) -> tuple[Edge, ...]:
        """A contact dated ahead taking place, and one passing from the recent days to the past and out."""
        past_and_recent = parameters.recent_days + parameters.past_days
        return (
            _contact_edge(now),
            *(
                _contact_edge(days_ago(days))
                for days in (
                    parameters.quiet_days,
                    parameters.recent_days,
                    LONGEST_PAUSE_DAYS,
                    past_and_recent,
                )
            ),
        )


class DealSingleThreadedParameters(Parameters):
    """From which age on, and from how many contacts in how many days, a deal should have a second person."""

    min_age_days: Annotated[
        int,
        Field(
            ge=1,
            le=730,
            title="Open for",
            description="Younger deals may still hang on one person.",
        ),
    ] = 30
    min_activities: Annotated[
        int,
        Field(
            ge=2,
            le=200,
            title="Calls, mails and meetings",
            description="So many or more, with one person alone.",
        ),
    ] = 5
    window_days: Annotated[
        int, Field(ge=7, le=730, title="Look back", description="Older ones do not count.")
    ] = 90


class DealSingleThreaded(Trigger[DealSingleThreadedParameters]):
    """A large open deal, well under way, that hangs on a single person of the other side.

    Counted are the deal's own contact and those of its calls, mails and meetings within the window. Large is
    what reaches the median of the tenant's own open deals in that currency; with fewer than thirty of them
    every deal counts. A typical purchase of a company is decided by more than one: CEB, later Challenger,
    counted 5.4 people in 2014, 6.8 in 2016 and up to 10.2 in 2018. In the demo 134 of 2,089 open deals are
    found (acme as of 18 March 2026).

    Thirty days: of the demo's 1,756 deals with a second person, three of four had that person within 30 days
    of the first contact. Ninety days: within so many four of five deals were won or lost (5,746 of 7,119).
    Five contacts is a judgement, to be set on the trigger's page: fewer are no talks yet, and half of the
    second persons had turned up by the fifth (868 of 1,756; two companies as of 25 November 2026).
    """

    key = "deal_single_threaded"
    label = "Deal hangs on one person"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.WIDEN_DEAL
    discovers = None
    tools = ("create_followup",)
    severity = Severity.LOW
    watches = (Own(), Related(RecordKind.ACTIVITY, "opportunity"))
    parameters_type = DealSingleThreadedParameters

    def matching(
        self, moment: ScanMoment, parameters: DealSingleThreadedParameters
    ) -> QuerySet[Opportunity]:
        """Large, not so young open deals with enough contacts and at most one person in all of them."""
        figures = AmountFigures.of(moment.figures.get(self.key))
        return (
            _with_contacts(moment.days_ago(parameters.window_days), moment.now)
            .filter(figures.is_large(), created_at__lte=moment.days_ago(parameters.min_age_days))
            .annotate(
                activity_count=Count(CONTACT),
                only_contact=Least(Min("activities__contact_id"), F("contact_id")),
                other_contact=Greatest(Max("activities__contact_id"), F("contact_id")),
            )
            .filter(
                Q(only_contact=None) | Q(only_contact=F("other_contact")),
                activity_count__gte=parameters.min_activities,
            )
            .annotate(
                facts=JSONObject(
                    activity_count="activity_count",
                    only_contact_id="only_contact",
                    created_at="created_at",
                    revision="revision",
                )
            )
        )

    def edges(
        self, moment: ScanMoment, parameters: DealSingleThreadedParameters
    ) -> tuple[Edge, ...]:
        """The deal growing up, a contact dated ahead taking place, and one growing too old to count."""
        grown_up = days_ago(parameters.min_age_days)
        return (
            Edge(Opportunity, "created_at", grown_up, only=IS_OPEN),
            _contact_edge(now),
            _contact_edge(days_ago(parameters.window_days)),
        )

    def measure(self, moment: ScanMoment) -> Mapping[str, JsonValue]:
        """How the amounts of open deals are spread."""
        return measure_open_amounts()

    def distribution(
        self, figures: Mapping[str, JsonValue], parameters: DealSingleThreadedParameters
    ) -> tuple[DistributionRow, ...]:
        """The amounts of open deals by currency, with the median from which on a deal is large."""
        return AmountFigures.model_validate(figures).rows()


class DealHot(Trigger[HotParameters]):
    """An open deal that presses to be closed, and nothing is planned.

    Either the chance that it is won is high, or the other side has been in touch several times within a
    week and had the last word: an outbound message or a meeting since then, one that lies ahead included, is
    an answer. Of the demo's 2,089 open deals 26 wait for one in this way (acme as of 18 March 2026).

    It is suggested, and counts as no discovery: the kind is hot leads, and that a deal presses is measured
    against nothing.
    """

    key = "deal_hot"
    label = "Deal shows interest"
    record_kind = RecordKind.OPPORTUNITY
    goal = Goal.ACT_ON_INTEREST
    discovers = None
    tools = ("create_followup",)
    severity = Severity.HIGH
    watches = (
        Own(),
        Related(RecordKind.ACTIVITY, "opportunity"),
        Related(RecordKind.TASK, "opportunity"),
        Scored(Prediction.DEAL_CLOSE),
    )
    # Whoever answers the interest gets the deal moving.
    inhibits = ("deal_decaying", "deal_stalled")
    parameters_type = HotParameters

    def matching(self, moment: ScanMoment, parameters: HotParameters) -> QuerySet[Opportunity]:
        """Open deals with a high score or messages and calls not answered, without an open task."""
        return hot_deals(moment, parameters)

    def edges(self, moment: ScanMoment, parameters: HotParameters) -> tuple[Edge, ...]:
        """A message dated ahead arriving, and one growing too old to count."""
        return hot_edges(self.record_kind, parameters.window_days)


def _with_contacts(since: datetime, until: datetime) -> QuerySet[Opportunity]:
    """Open deals joined with their calls, mails and meetings of a span of time, to be counted per deal.

    The join can be read whole or for a few deals, which a count in a subquery of its own could not.
    """
    return Opportunity.objects.open().filter(
        activities__activity_kind__in=CONTACT_KINDS,
        activities__occurred_at__gt=since,
        activities__occurred_at__lte=until,
    )


def _contact_edge(threshold: Threshold) -> Edge:
    only = Q(activity_kind__in=CONTACT_KINDS)
    return Edge(Activity, "occurred_at", threshold, record="opportunity_id", only=only)
